package jit

import (
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// newAVX512 describes AVX-512: truth values live in mask registers, and operands may be words that are broadcast.
func newAVX512() *target {
	return newTarget(target{
		width: amd64.W512, lanes: 16, vectors: 1<<32 - 1, masks: 0xfe, scaleWeight: 2,
		class: func(t ir.Type) class {
			if t == ir.Bool {
				return mask
			}
			return vector
		},
		spread: func(e *emitter, d uint8, from amd64.Reg) { e.op1(amd64.VPBROADCASTDR, d, amd64.R(from)) },
		loopOps: loopOps{
			running: func(e *emitter, d uint8, j int) {
				e.emit(&amd64.Inst{Op: amd64.KMOVW, Reg: d, RM: amd64.Mem(frameReg, frameRun+int32(j)*vectorSlot)})
			},
			remain: func(e *emitter, m, cond uint8) { e.masks3(amd64.KANDW, m, m, cond) },
			test:   testMasks, merge: mergeMasked, mergeSlot: mergeSlotMasked,
			count: func(e *emitter, d, m uint8) {
				e.emit(&amd64.Inst{Op: amd64.VPADDD, Width: e.width, Reg: d, Src: d, RM: e.word4(1), Mask: amd64.Mask(m)})
			},
			below: func(e *emitter, lanes uint8, to int32) {
				k := e.compareTemp(amd64.VPCMPUD, lanes, amd64.Mem(frameReg, frameEnd).Broadcast(), 1)
				e.storeSlot(mask, to, k)
				e.giveBack(mask, k)
			},
			none: func(e *emitter, m uint8) { e.masks3(amd64.KXORW, m, m, m) },
		},
		memoryOps:  memory512(),
		conversion: conversion512(),
	}, common(), []row{
		{ir.OpFloor, f32, rounding(amd64.VRNDSCALEPS, downward)},
		{ir.OpFloor, f64, rounding(amd64.VRNDSCALEPD, downward)},
		{ir.OpCeil, f32, rounding(amd64.VRNDSCALEPS, upward)},
		{ir.OpCeil, f64, rounding(amd64.VRNDSCALEPD, upward)},
		{ir.OpTrunc, f32, rounding(amd64.VRNDSCALEPS, towards0)},
		{ir.OpTrunc, f64, rounding(amd64.VRNDSCALEPD, towards0)},
		{ir.OpRound, f32, rounding(amd64.VRNDSCALEPS, toNearest)},
		{ir.OpRound, f64, rounding(amd64.VRNDSCALEPD, toNearest)},
		{ir.OpScale, f32, scale512(amd64.VSCALEFPS, amd64.VCMPPS, amd64.VMOVAPS)},
		{ir.OpScale, f64, scale512(amd64.VSCALEFPD, amd64.VCMPPD, amd64.VMOVAPD)},
		{ir.OpNeg, words, negateWord(amd64.VPXORD)},
		{ir.OpAnd, words, binary(amd64.VPANDD)},
		{ir.OpOr, words, binary(amd64.VPORD)},
		{ir.OpXor, words, binary(amd64.VPXORD)},
		{ir.OpNot, words, complement512},
		{ir.OpShl, words, shift(amd64.VPSLLD, amd64.VPSLLVD, amd64.VPANDD)},
		{ir.OpShr, i32, shift(amd64.VPSRAD, amd64.VPSRAVD, amd64.VPANDD)},
		{ir.OpShr, u32, shift(amd64.VPSRLD, amd64.VPSRLVD, amd64.VPANDD)},
		{ir.OpAnd, truth, maskLogic(amd64.KANDW)},
		{ir.OpOr, truth, maskLogic(amd64.KORW)},
		{ir.OpXor, truth, maskLogic(amd64.KXORW)},
		{ir.OpNot, truth, maskNot},
		{ir.OpEq, f32, compare(amd64.VCMPPS, 0x00, 0x00)},
		{ir.OpNe, f32, compare(amd64.VCMPPS, 0x04, 0x04)},
		{ir.OpLt, f32, compare(amd64.VCMPPS, 0x11, 0x1e)},
		{ir.OpLe, f32, compare(amd64.VCMPPS, 0x12, 0x1d)},
		{ir.OpEq, f64, compareDouble512(0x00)},
		{ir.OpNe, f64, compareDouble512(0x04)},
		{ir.OpLt, f64, compareDouble512(0x11)},
		{ir.OpLe, f64, compareDouble512(0x12)},
		{ir.OpEq, words, compare(amd64.VPCMPD, 0, 0)},
		{ir.OpNe, words, compare(amd64.VPCMPD, 4, 4)},
		{ir.OpLt, i32, compare(amd64.VPCMPD, 1, 6)},
		{ir.OpLe, i32, compare(amd64.VPCMPD, 2, 5)},
		{ir.OpLt, u32, compare(amd64.VPCMPUD, 1, 6)},
		{ir.OpLe, u32, compare(amd64.VPCMPUD, 2, 5)},
		{ir.OpSelect, []ir.Type{ir.F32, ir.I32, ir.U32}, select512},
		{ir.OpSelect, f64, selectDouble512},
		{ir.OpSelect, truth, selectMask},
	})
}

func (e *emitter) masks3(op amd64.Op, d, a, b uint8) {
	e.emit(&amd64.Inst{Op: op, Reg: d, Src: a, RM: kreg(b)})
}

// maskTemp returns a scratch mask.
func (e *emitter) maskTemp() uint8 { return e.take(mask, nobody) }

func maskLogic(op amd64.Op) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		for j, end := e.span(v); j < end; j++ {
			a, b := e.reg(n.Args[0], j), e.reg(n.Args[1], j)
			e.drop(n.Args[0], j)
			e.drop(n.Args[1], j)
			e.masks3(op, e.dst(v, j), a, b)
			e.unpin()
		}
		return nil
	}
}

func maskNot(e *emitter, v ir.Value, n *ir.Node) error {
	for j, end := e.span(v); j < end; j++ {
		a := e.reg(n.Args[0], j)
		e.drop(n.Args[0], j)
		e.emit(&amd64.Inst{Op: amd64.KNOTW, Reg: e.dst(v, j), RM: kreg(a)})
		e.unpin()
	}
	return nil
}

func complement512(e *emitter, v ir.Value, n *ir.Node) error {
	for j, end := e.span(v); j < end; j++ {
		a := e.reg(n.Args[0], j)
		e.drop(n.Args[0], j)
		e.emit(&amd64.Inst{Op: amd64.VPTERNLOGD, Width: e.width, Reg: e.dst(v, j), Src: a, RM: vec(a), Imm: 0x33})
		e.unpin()
	}
	return nil
}

// scale512 is one instruction, which but for NaN times 2^Inf does as package ir says.
func scale512(op, compare, move amd64.Op) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		sure := e.isBounded(n.Args[1], boundDepth)
		for j, end := e.span(v); j < end; j++ {
			a, b := e.reg(n.Args[0], j), e.rm(n.Args[1], j)
			if sure {
				e.drop(n.Args[0], j)
				e.drop(n.Args[1], j)
				e.op(op, e.dst(v, j), a, b)
			} else {
				d := e.dst(v, j)
				e.op(op, d, a, b)
				k := e.compareTemp(compare, a, vec(a), unordered)
				e.emit(&amd64.Inst{Op: move, Width: e.width, Reg: d, RM: vec(a), Mask: amd64.Mask(k)})
				e.giveBack(mask, k)
			}
			e.unpin()
		}
		return nil
	}
}

// compareDouble512 compares both halves and joins the masks of eight lanes.
func compareDouble512(predicate uint8) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		for j, end := e.span(v); j < end; j++ {
			d, t := e.dst(v, j), e.maskTemp()
			for h, k := range [2]uint8{d, t} {
				a, b := e.reg(n.Args[0], 2*j+h), e.rm(n.Args[1], 2*j+h)
				e.emit(&amd64.Inst{Op: amd64.VCMPPD, Width: e.width, Reg: k, Src: a, RM: b, Imm: predicate})
			}
			e.masks3(amd64.KUNPCKBW, d, t, d)
			e.giveBack(mask, t)
			e.unpin()
		}
		return nil
	}
}

// select512 blends; a zero is had by zeroing.
func select512(e *emitter, v ir.Value, n *ir.Node) error {
	for j, end := e.span(v); j < end; j++ {
		k := e.reg(n.Args[0], j)
		e.selectLanes(v, n, j, k, amd64.VBLENDMPS, amd64.VMOVUPS, amd64.VBROADCASTSS)
		e.unpin()
	}
	return nil
}

func (e *emitter) selectLanes(v ir.Value, n *ir.Node, j int, k uint8, blend, move, broadcast amd64.Op) {
	yes, no := n.Args[1], n.Args[2]
	in := amd64.Inst{Op: blend, Width: e.width, Mask: amd64.Mask(k)}
	if zero := e.isZero(no); zero {
		in.RM, in.Zero, in.Op = e.rm(yes, j), true, move
		if in.RM.IsBroadcast() {
			in.Op, in.RM = broadcast, in.RM.Whole()
		}
	} else {
		in.Src, in.RM = e.reg(no, j), e.rm(yes, j)
		e.drop(no, j)
	}
	e.drop(yes, j)
	in.Reg = e.dst(v, j)
	e.emit(&in)
}

func selectDouble512(e *emitter, v ir.Value, n *ir.Node) error {
	for u, end := e.unitSpan(); u < end; u++ {
		k := e.reg(n.Args[0], u)
		e.selectLanes(v, n, 2*u, k, amd64.VBLENDMPD, amd64.VMOVUPD, amd64.VBROADCASTSD)
		high := e.upperMask(k)
		e.selectLanes(v, n, 2*u+1, high, amd64.VBLENDMPD, amd64.VMOVUPD, amd64.VBROADCASTSD)
		e.giveBack(mask, high)
		e.unpin()
	}
	return nil
}

// upperMask returns a scratch mask with the upper eight lanes of k in its lower ones.
func (e *emitter) upperMask(k uint8) uint8 {
	t := e.maskTemp()
	e.emit(&amd64.Inst{Op: amd64.KSHIFTRW, Reg: t, RM: kreg(k), Imm: 8})
	return t
}

func selectMask(e *emitter, v ir.Value, n *ir.Node) error {
	for j, end := e.span(v); j < end; j++ {
		c, yes, no := e.reg(n.Args[0], j), e.reg(n.Args[1], j), e.reg(n.Args[2], j)
		d, t := e.dst(v, j), e.maskTemp()
		e.masks3(amd64.KANDNW, t, c, no)
		e.masks3(amd64.KANDW, d, c, yes)
		e.masks3(amd64.KORW, d, d, t)
		e.giveBack(mask, t)
		e.unpin()
	}
	return nil
}

func testMasks(e *emitter, masks []uint8) {
	e.emit(&amd64.Inst{Op: amd64.KORTESTW, Reg: masks[0], RM: kreg(masks[len(masks)-1])})
}

// mergeMasked overwrites lanes under a mask; truth values as (from and m) or (state and not m).
func mergeMasked(e *emitter, t ir.Type, state, m uint8, from amd64.RM, h int) {
	switch {
	case t == ir.Bool:
		k := e.maskTemp()
		e.emit(&amd64.Inst{Op: amd64.KANDW, Reg: k, Src: m, RM: from})
		e.masks3(amd64.KANDNW, state, m, state)
		e.masks3(amd64.KORW, state, state, k)
		e.giveBack(mask, k)
	case t == ir.F64 && h == 1:
		k := e.upperMask(m)
		e.mergeVector(t, state, k, from)
		e.giveBack(mask, k)
	default:
		e.mergeVector(t, state, m, from)
	}
}

func (e *emitter) mergeVector(t ir.Type, state, m uint8, from amd64.RM) {
	op := amd64.VMOVUPS
	switch {
	case t == ir.F64 && from.IsBroadcast():
		op = amd64.VBROADCASTSD
	case t == ir.F64:
		op = amd64.VMOVUPD
	case from.IsBroadcast():
		op = amd64.VBROADCASTSS
	}
	e.emit(&amd64.Inst{Op: op, Width: e.width, Reg: state, RM: from.Whole(), Mask: amd64.Mask(m)})
}

func mergeSlotMasked(e *emitter, t ir.Type, slot int32, m, from uint8, h int) {
	switch {
	case t == ir.Bool:
		k := e.maskTemp()
		e.loadSlot(mask, k, slot)
		mergeMasked(e, t, k, m, kreg(from), h)
		e.storeSlot(mask, slot, k)
		e.giveBack(mask, k)
		return
	case t != ir.F64:
		e.emit(&amd64.Inst{Op: amd64.VMOVUPSStore, Width: e.width, Reg: from, RM: amd64.Mem(frameReg, slot), Mask: amd64.Mask(m)})
		return
	}
	k := m
	if h == 1 {
		k = e.upperMask(m)
		defer e.giveBack(mask, k)
	}
	e.emit(&amd64.Inst{Op: amd64.VMOVUPDStore, Width: e.width, Reg: from, RM: amd64.Mem(frameReg, slot), Mask: amd64.Mask(k)})
}

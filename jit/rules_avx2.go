package jit

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// newAVX2 describes AVX2 with FMA and F16C: truth values are vectors whose lanes have all bits set or none, and operands
// in memory are whole vectors. What instructions take as a mask, they take from the sign bits.
func newAVX2() *target {
	return newTarget(target{
		width: amd64.W256, lanes: 8, scaleWeight: 16, vectors: 0xffff, wideWords: true,
		class: func(ir.Type) class { return vector },
		spread: func(e *emitter, d uint8, from amd64.Reg) {
			e.emit(&amd64.Inst{Op: amd64.VMOVD, Reg: d, RM: amd64.R(from)})
			e.op1(amd64.VBROADCASTSS, d, vec(d))
		},
		loopOps: loopOps{
			running: func(e *emitter, d uint8, j int) { e.op1(amd64.VMOVAPS, d, frameMask(j)) },
			remain:  func(e *emitter, m, cond uint8) { e.op(amd64.VPAND, m, m, vec(cond)) },
			test:    testVectors, merge: mergeBlended, mergeSlot: mergeSlotBlended,
			count: func(e *emitter, d, m uint8) { e.op(amd64.VPSUBD, d, d, vec(m)) }, // a true lane is -1
			below: below2,
			none:  func(e *emitter, m uint8) { e.op(amd64.VPXOR, m, m, vec(m)) },
		},
		memoryOps:  memory2(),
		conversion: conversion2(),
	}, common(), []row{
		{ir.OpFloor, f32, rounding(amd64.VROUNDPS, downward)},
		{ir.OpFloor, f64, rounding(amd64.VROUNDPD, downward)},
		{ir.OpCeil, f32, rounding(amd64.VROUNDPS, upward)},
		{ir.OpCeil, f64, rounding(amd64.VROUNDPD, upward)},
		{ir.OpTrunc, f32, rounding(amd64.VROUNDPS, towards0)},
		{ir.OpTrunc, f64, rounding(amd64.VROUNDPD, towards0)},
		{ir.OpRound, f32, rounding(amd64.VROUNDPS, toNearest)},
		{ir.OpRound, f64, rounding(amd64.VROUNDPD, toNearest)},
		{ir.OpScale, f32, scaling4().rule},
		{ir.OpScale, f64, scaling8().rule},
		{ir.OpNeg, words, negateWord(amd64.VPXOR)},
		{ir.OpAnd, bitTypes, binary(amd64.VPAND)},
		{ir.OpOr, bitTypes, binary(amd64.VPOR)},
		{ir.OpXor, bitTypes, binary(amd64.VPXOR)},
		{ir.OpNot, bitTypes, withConstant(amd64.VPXOR, allBits)},
		{ir.OpShl, words, shift(amd64.VPSLLD, amd64.VPSLLVD, amd64.VPAND)},
		{ir.OpShr, i32, shift(amd64.VPSRAD, amd64.VPSRAVD, amd64.VPAND)},
		{ir.OpShr, u32, shift(amd64.VPSRLD, amd64.VPSRLVD, amd64.VPAND)},
		{ir.OpEq, f32, compare(amd64.VCMPPSV, 0x00, 0x00)},
		{ir.OpNe, f32, compare(amd64.VCMPPSV, 0x04, 0x04)},
		{ir.OpLt, f32, compare(amd64.VCMPPSV, 0x11, 0x1e)},
		{ir.OpLe, f32, compare(amd64.VCMPPSV, 0x12, 0x1d)},
		{ir.OpEq, f64, compareDouble2(0x00)},
		{ir.OpNe, f64, compareDouble2(0x04)},
		{ir.OpLt, f64, compareDouble2(0x11)},
		{ir.OpLe, f64, compareDouble2(0x12)},
		{ir.OpEq, words, compareWords2{op: amd64.VPCMPEQD}.rule},
		{ir.OpNe, words, compareWords2{op: amd64.VPCMPEQD, inverted: true}.rule},
		{ir.OpLt, i32, compareWords2{op: amd64.VPCMPGTD, swapped: true}.rule},
		{ir.OpLe, i32, compareWords2{op: amd64.VPCMPGTD, inverted: true}.rule},
		{ir.OpLt, u32, compareUnsigned2(1, true)},
		{ir.OpLe, u32, compareUnsigned2(0, false)},
		{ir.OpSelect, []ir.Type{ir.Bool, ir.F32, ir.I32, ir.U32}, select2},
		{ir.OpSelect, f64, selectDouble2},
	})
}

func allBits(e *emitter) amd64.RM { return e.word4(math.MaxUint32) }

func (e *emitter) invert(d uint8) { e.op(amd64.VPXOR, d, d, allBits(e)) }

// compareDouble2 compares both halves and packs their lanes: VSHUFPS takes every other word of the halves' halves, which
// are then in the order 0, 2, 1, 3.
func compareDouble2(predicate uint8) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		for j, end := e.span(v); j < end; j++ {
			d, t := e.dst(v, j), e.temp()
			for h, m := range [2]uint8{d, t} {
				a, b := e.reg(n.Args[0], 2*j+h), e.rm(n.Args[1], 2*j+h)
				e.emit(&amd64.Inst{Op: amd64.VCMPPDV, Width: e.width, Reg: m, Src: a, RM: b, Imm: predicate})
			}
			e.emit(&amd64.Inst{Op: amd64.VSHUFPS, Width: e.width, Reg: d, Src: d, RM: vec(t), Imm: 0x88})
			e.emit(&amd64.Inst{Op: amd64.VPERMPD, Width: e.width, Reg: d, RM: vec(d), Imm: 0xd8})
			e.giveBack(vector, t)
			e.unpin()
		}
		return nil
	}
}

// compareWords2 compares integers by one of the two instructions there are, equal and greater.
type compareWords2 struct {
	op                amd64.Op
	swapped, inverted bool
}

func (c compareWords2) rule(e *emitter, v ir.Value, n *ir.Node) error {
	x, y := n.Args[0], n.Args[1]
	if c.swapped {
		x, y = y, x
	}
	for j, end := e.span(v); j < end; j++ {
		a, b := e.reg(x, j), e.rm(y, j)
		e.drop(x, j)
		e.drop(y, j)
		d := e.dst(v, j)
		e.op(c.op, d, a, b)
		if c.inverted {
			e.invert(d)
		}
		e.unpin()
	}
	return nil
}

// compareUnsigned2 tells whether an operand is the smaller one or both are equal: x <= y if that is x, and x < y if it is
// not y.
func compareUnsigned2(operand int, inverted bool) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		for j, end := e.span(v); j < end; j++ {
			a, b := e.reg(n.Args[operand], j), e.rm(n.Args[1-operand], j)
			d := e.dst(v, j)
			e.op(amd64.VPMINUD, d, a, b)
			e.op(amd64.VPCMPEQD, d, d, vec(a))
			if inverted {
				e.invert(d)
			}
			e.unpin()
		}
		return nil
	}
}

func select2(e *emitter, v ir.Value, n *ir.Node) error {
	for j, end := e.span(v); j < end; j++ {
		e.blend(amd64.VBLENDVPS, v, n, j, e.reg(n.Args[0], j))
		e.unpin()
	}
	return nil
}

func selectDouble2(e *emitter, v ir.Value, n *ir.Node) error {
	for u, end := e.unitSpan(); u < end; u++ {
		k := e.reg(n.Args[0], u)
		for h := range 2 {
			m := widenMask(e, ir.F64, k, h)
			e.blend(amd64.VBLENDVPD, v, n, 2*u+h, m)
			e.giveBack(vector, m)
		}
		e.unpin()
	}
	return nil
}

// blend selects by a mask; a zero is had by masking the other value.
func (e *emitter) blend(op amd64.Op, v ir.Value, n *ir.Node, j int, m uint8) {
	yes, no := n.Args[1], n.Args[2]
	in := amd64.Inst{Op: amd64.VPAND, Width: e.width, Src: m}
	switch {
	case e.isZero(no):
		in.RM = e.rm(yes, j)
	case e.isZero(yes):
		in.Op, in.RM = amd64.VPANDN, e.rm(no, j)
	default:
		in = blended(op, e.reg(no, j), e.rm(yes, j), m)
	}
	e.drop(yes, j)
	e.drop(no, j)
	in.Reg = e.dst(v, j)
	e.emit(&in)
}

// blended is d = yes where m is set, else no.
func blended(op amd64.Op, no uint8, yes amd64.RM, m uint8) amd64.Inst {
	return amd64.Inst{Op: op, Width: amd64.W256, Src: no, RM: yes, Imm: m << 4}
}

// widenMask returns m for half h of a vector of type t: m itself, or for elements of eight bytes a scratch register that
// has four of its lanes.
func widenMask(e *emitter, t ir.Type, m uint8, h int) uint8 {
	if t != ir.F64 {
		return m
	}
	d := e.temp()
	if h == 1 {
		e.target.upperHalf(e, d, m)
		m = d
	}
	e.op1(amd64.VPMOVSXDQ, d, vec(m))
	return d
}

// frameMask is the mask of the lanes of unit j that run, in the frame.
func frameMask(j int) amd64.RM { return amd64.Mem(frameReg, frameRun+int32(j)*vectorSlot) }

func testVectors(e *emitter, masks []uint8) {
	if len(masks) == 1 {
		e.op1(amd64.VPTEST, masks[0], vec(masks[0]))
		return
	}
	t := e.temp()
	e.op(amd64.VPOR, t, masks[0], vec(masks[1]))
	e.op1(amd64.VPTEST, t, vec(t))
	e.giveBack(vector, t)
}

// below2 takes the sign of lane - end, which is right however large both are.
func below2(e *emitter, lanes uint8, to int32) {
	t := e.temp()
	e.op1(amd64.VBROADCASTSS, t, amd64.Mem(frameReg, frameEnd))
	e.op(amd64.VPSUBD, t, lanes, vec(t))
	e.emit(&amd64.Inst{Op: amd64.VPSRAD, Width: e.width, Reg: t, RM: vec(t), Imm: 31})
	e.storeSlot(vector, to, t)
	e.giveBack(vector, t)
}

func mergeBlended(e *emitter, t ir.Type, state, m uint8, from amd64.RM, h int) {
	op := amd64.VBLENDVPS
	if t == ir.F64 {
		op = amd64.VBLENDVPD
	}
	k := widenMask(e, t, m, h)
	in := blended(op, state, from, k)
	in.Reg = state
	e.emit(&in)
	if k != m {
		e.giveBack(vector, k)
	}
}

func mergeSlotBlended(e *emitter, t ir.Type, slot int32, m, from uint8, h int) {
	state := e.temp()
	e.loadSlot(vector, state, slot)
	mergeBlended(e, t, state, m, vec(from), h)
	e.storeSlot(vector, slot, state)
	e.giveBack(vector, state)
}

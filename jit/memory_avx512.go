package jit

import (
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// bound returns the length of a buffer as an operand.
func (e *emitter) bound(b int) amd64.RM {
	return amd64.Mem(envReg, e.env.buffer(b)+bufferLen).Broadcast()
}

// run512 returns the mask of the lanes of unit u that run, or of half h of them for elements of eight bytes.
func (e *emitter) run512(u int, t ir.Type, h int) uint8 {
	k := e.reg(e.runMask(), u)
	if t.Size() == 8 && h == 1 {
		return e.upperMask(k)
	}
	return k
}

// inside512 returns the mask of the lanes of unit u that run and whose index lies in a buffer.
func (e *emitter) inside512(u int, index uint8, buffer int) uint8 {
	run, k := e.reg(e.runMask(), u), e.maskTemp()
	e.emit(amd64.Inst{Op: amd64.VPCMPUD, Width: e.width, Reg: k, Src: index, RM: e.bound(buffer), Imm: 1, Mask: amd64.Mask(run)})
	return k
}

// put512 stores a vector to neighbours, as far as lanes run.
func put512(e *emitter, t ir.Type, to amd64.RM, from uint8, u, h int) {
	k := e.run512(u, t, h)
	op := amd64.VMOVUPSStore
	if t.Size() == 8 {
		op = amd64.VMOVUPDStore
	}
	e.emit(amd64.Inst{Op: op, Width: e.width, Reg: from, RM: to, Mask: amd64.Mask(k)})
}

// contiguous512 loads neighbours under the mask of the lanes that run and lie in the buffer.
func contiguous512(e *emitter, v ir.Value, a affine, b *ir.Buffer, u int) {
	n := e.p.Node(v)
	k := e.reg(e.runMask(), u)
	if !a.inside {
		k = e.inside512(u, e.reg(n.Args[0], u), int(n.Imm))
	}
	op := amd64.VMOVUPS
	if n.Type.Size() == 8 {
		op = amd64.VMOVUPD
	}
	from := e.address(a, int(n.Imm), int32(n.Type.Size()), u)
	for h := range halves(n.Type) {
		if h == 1 {
			k = e.upperMask(k)
		}
		e.emit(amd64.Inst{Op: op, Width: e.width, Reg: e.dst(v, u*halves(n.Type)+h), RM: from.Plus(int32(h) * 64), Mask: amd64.Mask(k), Zero: true})
	}
}

// gather512 reads element by element. Elements of less than four bytes are cut out of the aligned word around them,
// which lies in the buffer's memory: that is a multiple of a cache line.
func gather512(e *emitter, v ir.Value, n *ir.Node, b *ir.Buffer, u int) {
	index := e.reg(n.Args[0], u)
	k := e.compareTemp(amd64.VPCMPUD, index, e.bound(int(n.Imm)), 1)
	e.code.Load(amd64.Size8, scratch1, amd64.Mem(envReg, e.env.buffer(int(n.Imm))+bufferAddress))
	switch b.Type {
	case ir.F64:
		e.gatherDouble(v, index, k, u)
	case ir.Bool:
		d := e.dst(v, u)
		t := e.temp()
		e.gatherPart(t, index, k, 0)
		e.emit(amd64.Inst{Op: amd64.VPCMPD, Width: e.width, Reg: d, Src: t, RM: e.word4(0), Imm: 4})
	case ir.F16, ir.BF16:
		d := e.dst(v, u)
		e.gatherPart(d, index, k, 1)
		if b.Type == ir.BF16 {
			e.emit(amd64.Inst{Op: amd64.VPSLLD, Width: e.width, Reg: d, RM: vec(d), Imm: 16})
			return
		}
		e.halfToFloat(d)
	default:
		d := e.dst(v, u)
		e.op(amd64.VPXORD, d, d, vec(d))
		e.emit(amd64.Inst{Op: amd64.VGATHERDPS, Width: e.width, Reg: d, RM: amd64.Mem(scratch1, 0).Lanes(amd64.Vec(index), 4), Mask: amd64.Mask(k)})
	}
}

// halfToFloat widens the lower 16 bits of every lane: they are packed first.
func (e *emitter) halfToFloat(d uint8) {
	e.emit(amd64.Inst{Op: amd64.VPMOVDW, Width: e.width, Reg: d, RM: vec(d)})
	e.op1(amd64.VCVTPH2PS, d, vec(d))
}

func (e *emitter) gatherDouble(v ir.Value, index, k uint8, u int) {
	high := e.temp()
	upper := e.upperMask(k)
	e.target.upperHalf(e, high, index)
	for h, m := range [2]uint8{k, upper} {
		d := e.dst(v, 2*u+h)
		e.op(amd64.VXORPD, d, d, vec(d))
		e.emit(amd64.Inst{Op: amd64.VGATHERDPD, Width: e.width, Reg: d,
			RM: amd64.Mem(scratch1, 0).Lanes(amd64.Vec([2]uint8{index, high}[h]), 8), Mask: amd64.Mask(m)})
	}
}

// gatherPart reads elements of 1 << log bytes: the word at index >> (2 - log), shifted down.
func (e *emitter) gatherPart(d, index, k uint8, log uint8) {
	at, shift := e.temp(), e.temp()
	imm := func(op amd64.Op, d, a, count uint8) {
		e.emit(amd64.Inst{Op: op, Width: e.width, Reg: d, RM: vec(a), Imm: count})
	}
	imm(amd64.VPSRLD, at, index, 2-log)
	e.op(amd64.VPANDD, shift, index, e.word4(1<<(2-log)-1))
	imm(amd64.VPSLLD, shift, shift, 3+log)
	e.op(amd64.VPXORD, d, d, vec(d))
	e.emit(amd64.Inst{Op: amd64.VGATHERDPS, Width: e.width, Reg: d, RM: amd64.Mem(scratch1, 0).Lanes(amd64.Vec(at), 4), Mask: amd64.Mask(k)})
	e.op(amd64.VPSRLVD, d, d, vec(shift))
	e.op(amd64.VPANDD, d, d, e.word4(1<<(8<<log)-1))
}

// store512 writes neighbours with one store, others lane by lane.
func store512(e *emitter, w *write, u int) {
	f, t := w.effect, w.buffer.Type
	if t.Size() < 4 {
		e.storeNarrow(w, u)
		return
	}
	if !w.affine.ok {
		e.scatter512(w, e.inside512(u, e.reg(f.Index, u), f.Buffer), u)
		return
	}
	k := e.reg(e.runMask(), u)
	if !w.affine.inside {
		k = e.inside512(u, e.reg(f.Index, u), f.Buffer)
	}
	op := amd64.VMOVUPSStore
	if t.Size() == 8 {
		op = amd64.VMOVUPDStore
	}
	for h := range halves(t) {
		e.reg(f.Value, u*halves(t)+h) // before the address takes its registers
	}
	to := e.address(w.affine, f.Buffer, int32(t.Size()), u)
	for h := range halves(t) {
		if h == 1 {
			k = e.upperMask(k)
		}
		e.emit(amd64.Inst{Op: op, Width: e.width, Reg: e.reg(f.Value, u*halves(t)+h), RM: to.Plus(int32(h) * 64), Mask: amd64.Mask(k)})
	}
}

func (e *emitter) scatter512(w *write, k uint8, u int) {
	f, t := w.effect, w.buffer.Type
	index := e.reg(f.Index, u)
	for h := range halves(t) {
		e.reg(f.Value, u*halves(t)+h)
	}
	e.code.Load(amd64.Size8, scratch1, amd64.Mem(envReg, e.env.buffer(f.Buffer)+bufferAddress))
	if t.Size() == 4 {
		e.emit(amd64.Inst{Op: amd64.VSCATTERDPS, Width: e.width, Reg: e.reg(f.Value, u), RM: amd64.Mem(scratch1, 0).Lanes(amd64.Vec(index), 4), Mask: amd64.Mask(k)})
		return
	}
	high, upper := e.temp(), e.upperMask(k)
	e.target.upperHalf(e, high, index)
	for h, m := range [2]uint8{k, upper} {
		e.emit(amd64.Inst{Op: amd64.VSCATTERDPD, Width: e.width, Reg: e.reg(f.Value, 2*u+h),
			RM: amd64.Mem(scratch1, 0).Lanes(amd64.Vec([2]uint8{index, high}[h]), 8), Mask: amd64.Mask(m)})
	}
}

// storeNarrow writes elements of one or two bytes one lane at a time: index and value go through memory.
func (e *emitter) storeNarrow(w *write, u int) {
	f, t := w.effect, w.buffer.Type
	at := [2]int32{e.slot(vector), e.slot(vector)}
	index := e.reg(f.Index, u)
	e.storeSlot(vector, at[0], index)
	value := e.temp()
	switch t {
	case ir.Bool:
		e.target.truthWord(e, value, e.reg(f.Value, u), 1)
	case ir.F16:
		e.target.canonical(e, value, e.reg(f.Value, u))
		e.floatToHalf(value)
	default:
		e.target.canonical(e, value, e.reg(f.Value, u))
		e.floatToBrain(value)
	}
	e.storeSlot(vector, at[1], value)
	e.target.lanesToStore(e, scratch2, index, f.Buffer, u)
	e.code.Load(amd64.Size8, scratch1, amd64.Mem(envReg, e.env.buffer(f.Buffer)+bufferAddress))
	loop, done := e.code.NewLabel(), e.code.NewLabel()
	e.code.Test(amd64.Size4, amd64.R(scratch2), scratch2)
	e.code.JumpIf(amd64.Equal, done)
	e.code.Place(loop)
	e.code.TrailingZeros(scratch0, amd64.R(scratch2))
	e.code.Load(amd64.Size4, scratch3, amd64.Mem(frameReg, at[1]).Index(scratch0, 4))
	e.code.Load(amd64.Size4, scratch0, amd64.Mem(frameReg, at[0]).Index(scratch0, 4))
	if t == ir.Bool {
		e.code.StoreByte(amd64.Mem(scratch1, 0).Index(scratch0, 1), scratch3)
	} else {
		e.code.StoreWord(amd64.Mem(scratch1, 0).Index(scratch0, 2), scratch3)
	}
	e.code.LoadAddress(scratch0, amd64.Mem(scratch2, -1))
	e.code.And(amd64.Size4, scratch2, amd64.R(scratch0)) // without its lowest bit
	e.code.JumpIf(amd64.NotEqual, loop)
	e.code.Place(done)
	e.slots[vector] = append(e.slots[vector], at[0], at[1])
}

// floatToHalf rounds to float16 in the lower half of every lane.
func (e *emitter) floatToHalf(d uint8) {
	e.emit(amd64.Inst{Op: amd64.VCVTPS2PH, Width: e.width, Reg: d, RM: vec(d), Imm: 0})
	e.target.wordsOfHalves(e, d)
}

// floatToBrain rounds to bfloat16, ties to even, in the lower half of every lane: bits + 0x7fff + bit 16, shifted. NaN
// is canonical, so the sum does not overflow.
func (e *emitter) floatToBrain(d uint8) {
	t := e.temp()
	shift := func(d, a uint8) {
		e.emit(amd64.Inst{Op: amd64.VPSRLD, Width: e.width, Reg: d, RM: vec(a), Imm: 16})
	}
	shift(t, d)
	e.op(e.target.and, t, t, e.word4(1))
	e.op(amd64.VPADDD, d, d, e.word4(0x7fff))
	e.op(amd64.VPADDD, d, d, vec(t))
	shift(d, d)
	e.giveBack(vector, t)
}

// lanesToStore512 sets a general register to the lanes that run and whose index lies in the buffer.
func lanesToStore512(e *emitter, to amd64.Reg, index uint8, buffer, u int) {
	k := e.inside512(u, index, buffer)
	e.emit(amd64.Inst{Op: amd64.KMOVWToReg, Reg: uint8(to), RM: kreg(k)})
	e.giveBack(mask, k)
}

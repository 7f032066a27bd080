package jit

import (
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// store writes neighbours with one store, others lane by lane.
func (e *emitter) store(w *write, u int) {
	f, t := w.effect, w.buffer.Type
	if t.Size() < 4 || !w.affine.ok && e.target.scatter == nil {
		e.storeLanes(w, u)
		return
	}
	var m, index uint8
	if w.affine.inside {
		m = e.reg(e.runMask(), u)
	} else {
		index = e.reg(f.Index, u)
		m = e.target.inside(e, index, f.Buffer, u)
	}
	var values [2]uint8 // before the address takes its registers
	for h := range halves(t) {
		values[h] = e.reg(f.Value, u*halves(t)+h)
	}
	if !w.affine.ok {
		e.code.Load(amd64.Size8, scratch1, amd64.Mem(envReg, e.env.buffer(f.Buffer)+bufferAddress))
		e.target.scatter(e, t, index, values[:], m)
		return
	}
	to := e.address(w.affine, f.Buffer, int32(t.Size()), u)
	for h := range halves(t) {
		k := e.target.half(e, t, m, h)
		e.target.save(e, t, to.Plus(int32(h*e.target.lanes*4)), values[h], k)
	}
}

// storeLanes writes one lane at a time: indices and values go through memory.
func (e *emitter) storeLanes(w *write, u int) {
	f, t := w.effect, w.buffer.Type
	indices, values := e.slot(vector), e.slot(vector)
	index := e.reg(f.Index, u)
	e.storeSlot(vector, indices, index)
	e.keepElements(f.Value, t, values, u)
	m := e.target.inside(e, index, f.Buffer, u)
	e.target.laneBits(e, scratch2, m)
	e.giveBack(mask0(e), m)
	e.code.Load(amd64.Size8, scratch1, amd64.Mem(envReg, e.env.buffer(f.Buffer)+bufferAddress))
	loop, done := e.code.NewLabel(), e.code.NewLabel()
	e.code.Test(amd64.Size4, amd64.R(scratch2), scratch2)
	e.code.JumpIf(amd64.Equal, done)
	e.code.Place(loop)
	e.code.TrailingZeros(scratch0, amd64.R(scratch2))
	size := uint8(t.Size())
	e.code.Load(amd64.Size(max(size, 4)), scratch3, amd64.Mem(frameReg, values).Index(scratch0, max(size, 4)))
	e.code.Load(amd64.Size4, scratch0, amd64.Mem(frameReg, indices).Index(scratch0, 4))
	switch to := amd64.Mem(scratch1, 0).Index(scratch0, size); size {
	case 1:
		e.code.StoreByte(to, scratch3)
	case 2:
		e.code.StoreWord(to, scratch3)
	default:
		e.code.Store(amd64.Size(size), to, scratch3)
	}
	e.code.LoadAddress(scratch0, amd64.Mem(scratch2, -1))
	e.code.And(amd64.Size4, scratch2, amd64.R(scratch0)) // without its lowest bit
	e.code.JumpIf(amd64.NotEqual, loop)
	e.code.Place(done)
	e.slots[vector] = append(e.slots[vector], indices, values)
}

// keepElements stores the lanes of unit u of a value to a slot, as elements of type t in four or eight bytes each: a
// vector of AVX-512, or two of AVX2.
func (e *emitter) keepElements(v ir.Value, t ir.Type, slot int32, u int) {
	if t.Size() >= 4 {
		for h := range int32(halves(t)) {
			e.storeSlot(vector, slot+h*vectorSlot/2, e.reg(v, u*halves(t)+int(h)))
		}
		return
	}
	value := e.temp()
	switch t {
	case ir.Bool:
		e.target.truthWord(e, value, e.reg(v, u), 1)
	case ir.U8:
		e.op(e.target.and, value, e.reg(v, u), e.word4(0xff))
	case ir.F16:
		e.target.canonical(e, value, e.reg(v, u))
		e.floatToHalf(value)
	default:
		e.target.canonical(e, value, e.reg(v, u))
		e.floatToBrain(value)
	}
	e.storeSlot(vector, slot, value)
}

// floatToHalf rounds to float16 in the lower half of every lane.
func (e *emitter) floatToHalf(d uint8) {
	e.emit(&amd64.Inst{Op: amd64.VCVTPS2PH, Width: e.width, Reg: d, RM: vec(d), Imm: 0})
	e.op1(amd64.VPMOVZXWD, d, vec(d))
}

// floatToBrain rounds to bfloat16, ties to even, in the lower half of every lane: bits + 0x7fff + bit 16, shifted. NaN
// is canonical, so the sum does not overflow.
func (e *emitter) floatToBrain(d uint8) {
	t := e.temp()
	shift := func(d, a uint8) {
		e.emit(&amd64.Inst{Op: amd64.VPSRLD, Width: e.width, Reg: d, RM: vec(a), Imm: 16})
	}
	shift(t, d)
	e.op(e.target.and, t, t, e.word4(1))
	e.op(amd64.VPADDD, d, d, e.word4(0x7fff))
	e.op(amd64.VPADDD, d, d, vec(t))
	shift(d, d)
	e.giveBack(vector, t)
}

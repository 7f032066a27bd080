package jit

import (
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// gather reads elements: neighbours with one load, others lane by lane. What lies outside the buffer reads zero.
func gather(e *emitter, v ir.Value, n *ir.Node) error {
	b := &e.m.Buffers[n.Imm]
	a := e.affineIndex(n.Args[0], int(n.Imm))
	if b.Type.Size() < 4 {
		a.ok = false
	}
	for u, end := e.unitSpan(); u < end; u++ {
		if a.ok {
			e.contiguous(v, n, a, u)
		} else {
			e.gatherLanes(v, n, b.Type, u)
		}
		e.unpinAll()
	}
	return nil
}

// contiguous loads neighbours under the mask of the lanes that run and lie in the buffer.
func (e *emitter) contiguous(v ir.Value, n *ir.Node, a affine, u int) {
	m := e.target.inside(e, e.reg(n.Args[0], u), int(n.Imm), u)
	from := e.address(a, int(n.Imm), int32(n.Type.Size()), u)
	for h := range halves(n.Type) {
		k := e.target.half(e, n.Type, m, h)
		e.target.load(e, n.Type, e.dst(v, u*halves(n.Type)+h), from.Plus(int32(h*e.target.lanes*4)), k)
	}
}

// gatherLanes reads element by element. Elements of less than four bytes are cut out of the aligned word around them,
// which lies in the buffer's memory: that is a multiple of a cache line.
func (e *emitter) gatherLanes(v ir.Value, n *ir.Node, element ir.Type, u int) {
	index := e.reg(n.Args[0], u)
	m := e.target.inside(e, index, int(n.Imm), everyLane)
	e.code.Load(amd64.Size8, scratch1, amd64.Mem(envReg, e.env.buffer(int(n.Imm))+bufferAddress))
	if element == ir.F64 {
		e.gatherDouble(v, index, m, u)
		return
	}
	d := e.dst(v, u)
	switch element {
	case ir.Bool:
		t := e.temp()
		e.gatherPart(t, index, m, 0)
		e.target.isSet(e, d, t)
	case ir.U8:
		e.gatherPart(d, index, m, 0)
	case ir.F16:
		e.gatherPart(d, index, m, 1)
		e.target.packHalves(e, d)
		e.op1(amd64.VCVTPH2PS, d, vec(d))
	case ir.BF16:
		e.gatherPart(d, index, m, 1)
		e.emit(&amd64.Inst{Op: amd64.VPSLLD, Width: e.width, Reg: d, RM: vec(d), Imm: 16})
	default:
		e.target.gather4(e, d, index, m)
	}
}

// elements are those of a buffer whose address is in scratch1.
func elements(index, size uint8) amd64.RM {
	return amd64.Mem(scratch1, 0).Lanes(amd64.Vec(index), size)
}

func (e *emitter) gatherDouble(v ir.Value, index, m uint8, u int) {
	high := e.temp()
	masks := [2]uint8{e.target.half(e, ir.F64, m, 0), e.target.half(e, ir.F64, m, 1)}
	e.target.upperHalf(e, high, index)
	for h, at := range [2]uint8{index, high} {
		e.target.gather8(e, e.dst(v, 2*u+h), at, masks[h])
	}
}

// gatherPart reads elements of 1 << log bytes: the word at index >> (2 - log), shifted down.
func (e *emitter) gatherPart(d, index, m uint8, log uint8) {
	at, shift := e.temp(), e.temp()
	imm := func(op amd64.Op, d, a, count uint8) {
		e.emit(&amd64.Inst{Op: op, Width: e.width, Reg: d, RM: vec(a), Imm: count})
	}
	imm(amd64.VPSRLD, at, index, 2-log)
	e.op(e.target.and, shift, index, e.word4(1<<(2-log)-1))
	imm(amd64.VPSLLD, shift, shift, 3+log)
	e.target.gather4(e, d, at, m)
	e.op(amd64.VPSRLVD, d, d, vec(shift))
	e.op(e.target.and, d, d, e.word4(1<<(8<<log)-1))
}

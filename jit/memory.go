package jit

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// affine is an index of the form lane + offset: its lanes are neighbours in memory, and one address serves all.
type affine struct {
	ok      bool
	offset  int32    // constant
	uniform ir.Value // or a leaf, ir.None for none
	sign    bool     // the leaf is subtracted
	inside  bool     // within the buffer for every lane of the stage
}

// affineIndex recognises a lane's number, plus or minus a constant or a leaf.
func (o *order) affineIndex(v ir.Value, buffer int) affine {
	a := affine{uniform: ir.None}
	n := o.p.Node(o.name(v))
	isLane := func(v ir.Value) bool { return o.p.Node(o.name(v)).Op == ir.OpLane }
	switch {
	case n.Op == ir.OpLane:
		a.ok = true
	case n.Op == ir.OpAdd && n.Type.IsInt():
		for i, other := range [2]ir.Value{n.Args[1], n.Args[0]} {
			if isLane(n.Args[i]) && o.isLeaf(o.name(other)) {
				a.ok, a.uniform = true, o.name(other)
			}
		}
	case n.Op == ir.OpSub && n.Type.IsInt():
		if isLane(n.Args[0]) && o.isLeaf(o.name(n.Args[1])) {
			a.ok, a.uniform, a.sign = true, o.name(n.Args[1]), true
		}
	}
	if !a.ok {
		return a
	}
	if a.uniform != ir.None && o.p.Node(a.uniform).Op == ir.OpConst {
		a.offset = int32(uint32(o.p.Node(a.uniform).Imm))
		if a.sign {
			a.offset = -a.offset
		}
		a.uniform = ir.None
	}
	first, length := int64(a.offset), o.m.Buffers[buffer].Len()
	a.inside = a.uniform == ir.None && first >= 0 && first+int64(o.lanes) <= int64(min(length, math.MaxInt32))
	return a
}

// neighbours returns the memory of part of a gather of neighbours. What lies behind the end of the last group's lanes is
// read and not used: buffers are followed by Slack bytes that can be read.
func (e *emitter) neighbours(x entity) amd64.RM {
	v := e.valueOf[x]
	n := e.p.Node(v)
	size, j := n.Type.Size(), int(x-e.base[v])
	first := int64(e.affineIndex(n.Args[0], int(n.Imm)).offset) + int64(j*e.target.lanes/halves(n.Type))
	if e.pointer++; e.pointer < scratch1 || e.pointer > scratch2 {
		e.pointer = scratch1
	}
	at := amd64.Mem(envReg, e.env.buffer(int(n.Imm))+bufferAddress)
	e.code.Load(amd64.Size8, e.pointer, at)
	if bytes := first * int64(size); bytes == int64(int32(bytes)) {
		return amd64.Mem(e.pointer, int32(bytes)).Index(laneReg, uint8(size))
	}
	e.code.LoadImm(scratch0, uint32(first))
	e.code.Add(amd64.Size8, scratch0, amd64.R(laneReg))
	return amd64.Mem(e.pointer, 0).Index(scratch0, uint8(size))
}

// Slack is how many bytes behind the end of a buffer code may read.
const Slack = maxUnits * vectorSlot * 2

// address returns the memory of the first lane of unit j, in elements of the given size.
func (e *emitter) address(a affine, b int, size int32, j int) amd64.RM {
	e.code.Load(amd64.Size8, scratch1, amd64.Mem(envReg, e.env.buffer(b)+bufferAddress))
	ahead := int64(j * e.target.lanes)
	if a.uniform == ir.None {
		at := (int64(a.offset) + ahead) * int64(size)
		if at == int64(int32(at)) {
			return amd64.Mem(scratch1, int32(at)).Index(laneReg, uint8(size))
		}
		e.code.LoadImm(scratch0, uint32(a.offset))
		e.code.Add(amd64.Size4, scratch0, amd64.R(laneReg))
	} else {
		leaf := amd64.Mem(envReg, e.env.leaf(a.uniform, ir.I32))
		if a.sign {
			e.code.Move(amd64.Size4, scratch0, laneReg)
			e.code.Sub(amd64.Size4, scratch0, leaf)
		} else {
			e.code.Load(amd64.Size4, scratch0, leaf)
			e.code.Add(amd64.Size4, scratch0, amd64.R(laneReg))
		}
	}
	e.code.SignExtend(scratch0, amd64.R(scratch0))
	return amd64.Mem(scratch1, int32(ahead)*size).Index(scratch0, uint8(size))
}

// write is an effect being emitted.
type write struct {
	effect *ir.Effect
	buffer *ir.Buffer
	index  int // of the effect
	affine affine
}

// effect writes what a lane leaves: to its element of a buffer, or as a pair that is added up later.
func (e *emitter) effect(i int) {
	f := &e.p.Effects[i]
	w := write{effect: f, buffer: &e.m.Buffers[f.Buffer], index: i}
	e.code.Tag = effectTag(i)
	if f.Kind == ir.Store {
		w.affine = e.affineIndex(f.Index, f.Buffer)
	}
	for u, end := e.unitSpan(); u < end; u++ {
		switch {
		case f.Kind == ir.ScatterAdd:
			e.pair(&w, u)
		case e.reduce != nil:
			e.accumulate(&w, u)
		default:
			e.store(&w, u)
		}
		e.unpinAll()
	}
	e.sweep([]ir.Value{f.Index, f.Value})
}

// put stores a vector to neighbours, as far as lanes run: half h of the lanes of unit u where elements have eight bytes.
func (e *emitter) put(t ir.Type, to amd64.RM, from uint8, u, h int) {
	m := e.target.half(e, t, e.reg(e.runMask(), u), h)
	e.target.save(e, t, to, from, m)
}

// pair notes index and value of a scatter_add at the lane's place. Indices beyond int32 become its largest.
func (e *emitter) pair(w *write, u int) {
	at := e.env.pair(w.index)
	t := e.typeOf(w.effect.Value)
	index := e.reg(w.effect.Index, u)
	clamped := e.temp()
	e.op(amd64.VPMINUD, clamped, index, e.word4(math.MaxInt32))
	lanes := int32(e.target.lanes)
	to := func(slot int32, size int32, lane int32) amd64.RM {
		e.code.Load(amd64.Size8, scratch1, amd64.Mem(envReg, at+slot))
		return amd64.Mem(scratch1, lane*size).Index(laneReg, uint8(size))
	}
	e.put(ir.I32, to(pairIndex, 4, int32(u)*lanes), clamped, u, 0)
	for h := range halves(t) {
		size := int32(t.Size())
		value := e.reg(w.effect.Value, u*halves(t)+h)
		first := int32(u)*lanes + int32(h)*lanes/2
		e.put(t, to(pairValues, size, first), value, u, h)
	}
}

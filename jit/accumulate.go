package jit

import (
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// A program whose elements are reduced in long groups need not write them: it combines them with the 16 accumulators of
// their block (see ir.ReduceBlock), which lie where the block's first elements would. A vector of lanes is a row of the
// block, or half of one, and rows come in order; so what the lanes compute and what they read keep the processor busy at
// the same time, and a fold finds a sixteenth to do.

// CanAccumulate tells whether programs combine elements of type t themselves.
func CanAccumulate(op ir.ReduceOp, t ir.Type) bool {
	_, ok := foldOpsOf(op, t)
	return ok
}

// accumulate combines the value of a store by unit u with the accumulators of the lanes' block.
func (e *emitter) accumulate(w *write, u int) {
	f, t := w.effect, w.buffer.Type
	m, value := e.reg(e.runMask(), u), e.reg(f.Value, u)
	to := e.accumulators(f.Buffer, u)
	acc := e.temp()
	e.op1(amd64.VMOVUPS, acc, to)
	e.combineInto(acc, value, t)
	e.target.save(e, t, to, acc, m)
	e.giveBack(vector, acc)
}

// accumulators returns the memory of those of unit u: the lanes' numbers count from the window's first, and only the
// block counts, and the half of a row where a vector is no more.
func (e *emitter) accumulators(b, u int) amd64.RM {
	entry := e.env.buffer(b)
	within, ahead := int32(ir.ReduceBlock-1), int32(0)
	switch half := int32(e.target.lanes); {
	case half == ir.ReduceLanes:
	case e.units > 1:
		ahead = int32(u) * half * 4
	default:
		within &^= half
	}
	e.code.Load(amd64.Size8, scratch1, amd64.Mem(envReg, entry+bufferAddress))
	e.code.Move(amd64.Size4, scratch0, laneReg)
	e.code.Sub(amd64.Size4, scratch0, amd64.Mem(envReg, entry+bufferFirst))
	e.code.AndImm(amd64.Size4, amd64.R(scratch0), ^within)
	return amd64.Mem(scratch1, ahead).Index(scratch0, 4)
}

// combineInto sets acc to what the reduction makes of it and a value, to the bits of the ops' rules.
func (e *emitter) combineInto(acc, value uint8, t ir.Type) {
	ops, _ := foldOpsOf(e.reduce.Op, t)
	if !ops.extreme {
		e.op(ops.combine, acc, acc, vec(value))
		return
	}
	op, other := amd64.VMINPS, e.temp()
	if ops.negate {
		op = amd64.VMAXPS
	}
	e.op(op, other, value, vec(acc))
	e.op(op, acc, acc, vec(value))
	if ops.negate { // as in maximumOf
		e.op(amd64.VXORPS, other, other, vec(acc))
		e.op(amd64.VORPS, acc, acc, vec(other))
		e.op(amd64.VSUBPS, acc, acc, vec(other))
	} else {
		e.op(amd64.VORPS, acc, acc, vec(other))
	}
	e.giveBack(vector, other)
}

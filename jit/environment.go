package jit

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// environment lays out what all lanes of a launch read: constants, uniforms, what is computed from them, buffers and
// pairs. A word of it is as wide as the target folds into operands: four bytes that are broadcast, or a whole vector.
type environment struct {
	target  *target
	size    int32
	leaves  []int32 // offset of a node's value, -1 for none
	buffers []int32 // of a buffer's entry, -1
	used    []int   // the buffers that have one: a module may have many more
	pairs   []int32 // of a scatter_add's entry
	words   []constant
}

// constant is a word that no node holds.
type constant struct {
	offset int32
	bytes  int // 4 or 8 to repeat, or more: a whole vector
	bits   uint64
	lanes  bool // 0, 1, 2, ...
}

func newEnvironment(t *target, m *ir.Module, p *ir.Program, memory *scratch) *environment {
	e := &environment{target: t, leaves: sized(&memory.leaves, len(p.Nodes)), buffers: make([]int32, len(m.Buffers))}
	for i := range e.leaves {
		e.leaves[i] = -1
	}
	for i := range e.buffers {
		e.buffers[i] = -1
	}
	e.pairs = make([]int32, len(p.Effects))
	for i := range e.pairs {
		e.pairs[i] = -1
	}
	return e
}

// reserve takes room for n bytes, aligned to n or to a vector.
func (e *environment) reserve(n int32) int32 {
	align := min(n, vectorSlot)
	at := (e.size + align - 1) / align * align
	e.size = at + n
	return at
}

// word takes room for a value of the given size in bytes.
func (e *environment) word(bytes int) int32 {
	if e.target.wideWords {
		return e.reserve(32)
	}
	return e.reserve(int32(bytes))
}

// leaf returns the offset of a leaf, giving it one when it is first asked for.
func (e *environment) leaf(v ir.Value, t ir.Type) int32 {
	if e.leaves[v] < 0 {
		e.leaves[v] = e.word(max(4, t.Size()))
	}
	return e.leaves[v]
}

func (e *environment) buffer(b int) int32 {
	if e.buffers[b] < 0 {
		e.buffers[b] = e.reserve(bufferSize)
		e.used = append(e.used, b)
	}
	return e.buffers[b]
}

func (e *environment) pair(effect int) int32 {
	if e.pairs[effect] < 0 {
		e.pairs[effect] = e.reserve(pairSize)
	}
	return e.pairs[effect]
}

// constant returns the offset of a constant of 4 or 8 bytes.
func (e *environment) constant(bytes int, bits uint64) int32 {
	for i := range e.words {
		if c := &e.words[i]; c.bytes == bytes && c.bits == bits && !c.lanes {
			return c.offset
		}
	}
	at := e.word(bytes)
	e.words = append(e.words, constant{offset: at, bytes: bytes, bits: bits})
	return at
}

// iota returns the offset of the vector 0, 1, 2, ...
func (e *environment) iota() int32 {
	for i := range e.words {
		if e.words[i].lanes {
			return e.words[i].offset
		}
	}
	at := e.reserve(maxUnits * vectorSlot)
	e.words = append(e.words, constant{offset: at, lanes: true})
	return at
}

// word4 returns a constant of 32 bits as an operand.
func (e *emitter) word4(bits uint32) amd64.RM { return e.envOperand(e.env.constant(4, uint64(bits))) }

// word8 returns a constant of 64 bits as an operand.
func (e *emitter) word8(bits uint64) amd64.RM { return e.envOperand(e.env.constant(8, bits)) }

func (e *emitter) float4(x float32) amd64.RM { return e.word4(math.Float32bits(x)) }

func (e *emitter) float8(x float64) amd64.RM { return e.word8(math.Float64bits(x)) }

// envOperand is a word of the environment as the operand of every lane.
func (e *emitter) envOperand(offset int32) amd64.RM {
	m := amd64.Mem(envReg, offset)
	if !e.target.wideWords {
		m = m.Broadcast()
	}
	return m
}

func (e *emitter) leafOperand(v ir.Value) amd64.RM {
	return e.envOperand(e.env.leaf(v, e.typeOf(v)))
}

// loadLeaf fills a register with a leaf.
func (e *emitter) loadLeaf(v ir.Value, c class, r uint8) {
	at := e.env.leaf(v, e.typeOf(v))
	if c == mask {
		e.emit(&amd64.Inst{Op: amd64.KMOVW, Reg: r, RM: amd64.Mem(envReg, at)})
		return
	}
	e.fill(r, at, halves(e.typeOf(v))*4)
}

// fill broadcasts a word of the environment to a register.
func (e *emitter) fill(r uint8, offset int32, bytes int) {
	op := amd64.VBROADCASTSS
	switch {
	case e.target.wideWords:
		op = amd64.VMOVAPS
	case bytes == 8:
		op = amd64.VBROADCASTSD
	}
	e.op1(op, r, amd64.Mem(envReg, offset))
}

package irtest

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
)

// reduction combines elements of type t given by their bits.
type reduction struct {
	op       ir.Op
	t        ir.Type
	identity uint64
}

func (r reduction) combine(a, b uint64) uint64 { return ir.Scalar(r.op, r.t, [3]uint64{a, b}) }

// array is elements given by their bits.
type array struct {
	t    ir.Type
	bits []uint64
}

// elements returns what a reduction reduces: a buffer's elements, or what its program computes.
func elements(m *ir.Module, stage int, uniforms []uint64, mem Memory) array {
	s := &m.Stages[stage]
	if s.Prog == nil {
		return array{m.Buffers[s.In[0]].Type, mem[s.In[0]]}
	}
	result := s.Prog.Results[0]
	a := array{s.Prog.Node(result).Type, make([]uint64, s.Lanes())}
	for lane := range a.bits {
		a.bits[lane] = newFrame(&machine{m, lane, uniforms, mem}, s.Prog, nil).value(result)
	}
	return a
}

// reduce executes a reduction as ir.ReduceBlock describes it, in the type of its output.
func reduce(m *ir.Module, s *ir.Stage, in array, mem Memory) {
	out := s.Out[0]
	from, to := in.t, m.Buffers[out].Type
	r := reduction{t: to, op: ir.OpAdd, identity: number(to, math.Copysign(0, -1))}
	switch s.Reduce {
	case ir.ReduceMin:
		r.op, r.identity = ir.OpMin, number(to, math.Inf(1))
	case ir.ReduceMax:
		r.op, r.identity = ir.OpMax, number(to, math.Inf(-1))
	case ir.ReduceProd:
		r.op, r.identity = ir.OpMul, number(to, 1)
	}
	for o := range mem[out] {
		outer, inner := o/s.Inner, o%s.Inner
		group := make([]uint64, s.Group)
		for g := range group {
			x := in.bits[(outer*s.Group+g)*s.Inner+inner]
			if group[g] = x; from != to {
				group[g] = ir.ConvertBits(to, from, x)
			}
		}
		x := r.tree(group)
		if s.Reduce == ir.ReduceMean {
			x = ir.Scalar(ir.OpDiv, to, [3]uint64{x, number(to, float64(s.Group))})
		}
		mem[out][o] = x
	}
}

func number(t ir.Type, x float64) uint64 {
	if t == ir.F64 {
		return math.Float64bits(x)
	}
	return ir.ConvertBits(t, ir.F64, math.Float64bits(x))
}

// tree splits the elements at the largest power of two of blocks below their number, so that the left part is a
// full tree.
func (r reduction) tree(list []uint64) uint64 {
	if len(list) <= ir.ReduceBlock {
		return r.block(list)
	}
	left := ir.ReduceBlock
	for 2*left < len(list) {
		left *= 2
	}
	return r.combine(r.tree(list[:left]), r.tree(list[left:]))
}

// block gives element i to accumulator i%16 and folds the accumulators by halves.
func (r reduction) block(list []uint64) uint64 {
	var acc [ir.ReduceLanes]uint64
	for i := range acc {
		acc[i] = r.identity
	}
	for i, x := range list {
		acc[i%ir.ReduceLanes] = r.combine(acc[i%ir.ReduceLanes], x)
	}
	return r.halves(acc[:])
}

func (r reduction) halves(acc []uint64) uint64 {
	if len(acc) == 1 {
		return acc[0]
	}
	n := len(acc) / 2
	folded := make([]uint64, n)
	for i := range folded {
		folded[i] = r.combine(acc[i], acc[i+n])
	}
	return r.halves(folded)
}

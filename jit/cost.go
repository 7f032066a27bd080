package jit

import "github.com/baremetaldevx86/microdr/ir"

// A call's budget is counted in units of a simple instruction on one vector, about 0.4 ns. What takes much longer counts
// for more: dividers, float64 in two halves, memory that is reached lane by lane. The weights are rounded from the mean
// length of calls that do nothing else, on one machine with AVX-512; gathers and scatters count as in the second-level
// cache, and take longer where they miss it.

// weight is what a node takes from the budget, for one unit.
func (o *order) weight(v ir.Value) int {
	n := &o.p.Nodes[v]
	t := n.Type
	if n.Args[0] != ir.None && n.Op != ir.OpSelect && n.Op != ir.OpGather {
		t = o.p.Nodes[n.Args[0]].Type
	}
	double := 1
	if t == ir.F64 || n.Type == ir.F64 {
		double = 3
	}
	switch n.Op {
	case ir.OpDiv, ir.OpSqrt, ir.OpRem:
		if t.IsInt() {
			return 16
		}
		return 6 * double
	case ir.OpScale:
		return o.scaleWeight * double
	case ir.OpMin, ir.OpMax, ir.OpConvert, ir.OpMulHi:
		return 3 * double
	case ir.OpGather:
		return o.gatherWeight(v, n)
	}
	return double
}

const (
	laneByLane = 32 // a vector whose elements lie anywhere
	narrow     = 24 // and one of elements of one or two bytes, written
)

func (o *order) gatherWeight(v ir.Value, n *ir.Node) int {
	switch {
	case o.kinds[v].neighbours:
		return 1
	case o.isMasked(n):
		return 3
	case n.Type == ir.F64:
		return 2 * laneByLane
	}
	return laneByLane
}

// effectWeight is what an effect takes.
func (o *order) effectWeight(i int) int {
	e := &o.p.Effects[i]
	size := o.m.Buffers[e.Buffer].Type.Size()
	switch {
	case e.Kind == ir.ScatterAdd:
		return 4
	case size < 4:
		return narrow
	case !o.affineIndex(e.Index, e.Buffer).ok:
		return laneByLane * size / 4
	}
	return 1 + size/8
}

package jit

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
)

// boundDepth is how far isBounded looks back: an exponential's exponent is a few steps from the clamp of its argument.
const boundDepth = 6

// isBounded tells whether a float is surely not infinite: it may be NaN. Constants are, what is clamped between them,
// and sums and products of the two.
func (o *order) isBounded(v ir.Value, depth int) bool { return o.bound(v, depth) < 1e30 }

// bound returns a bound of the magnitude of a float that is not NaN, or more than any float32.
func (o *order) bound(v ir.Value, depth int) float64 {
	const none = 1e300
	if depth == 0 {
		return none
	}
	n := o.p.Node(o.name(v))
	arg := func(i int) float64 { return o.bound(n.Args[i], depth-1) }
	switch n.Op {
	case ir.OpConst:
		return constantSize(n)
	case ir.OpAdd:
		return min(none, arg(0)+arg(1))
	case ir.OpSub:
		return min(none, o.differenceBound(n, depth))
	case ir.OpMul:
		return min(none, arg(0)*arg(1))
	case ir.OpFMA:
		return min(none, arg(0)*arg(1)+arg(2))
	case ir.OpNeg, ir.OpAbs:
		return arg(0)
	case ir.OpSelect:
		return o.clampBound(n, none)
	}
	return none
}

// differenceBound bounds a difference. Of x*y + c - c with a large constant c, which rounds x*y to an integer, x*y is
// left, and what both operations round.
func (o *order) differenceBound(n *ir.Node, depth int) float64 {
	c := o.name(n.Args[1])
	size := o.bound(c, depth-1)
	if sum := o.p.Node(o.name(n.Args[0])); sum.Op == ir.OpFMA && o.name(sum.Args[2]) == c && depth > 1 {
		product := o.bound(sum.Args[0], depth-2) * o.bound(sum.Args[1], depth-2)
		return (product + size*0x1p-22) * (1 + 0x1p-20)
	}
	return o.bound(n.Args[0], depth-1) + size
}

// clampBound bounds a select that clamps from one side what was clamped from the other.
func (o *order) clampBound(n *ir.Node, none float64) float64 {
	low, high, ok := false, false, false
	size := 0.0
	for v := n; v.Op == ir.OpSelect && v.Type.IsFloat(); ok = true {
		c := o.choiceOf(v)
		limit, inner := o.p.Node(o.name(v.Args[1])), o.p.Node(o.name(v.Args[2]))
		if limit.Op != ir.OpConst || c == choosesByMask || isNaN(limit) {
			break // by NaN nothing is clamped
		}
		low, high = low || c == choosesGreater, high || c == choosesLess
		size = max(size, constantSize(limit))
		v = inner
	}
	if ok && low && high {
		return size
	}
	return none
}

func constantSize(n *ir.Node) float64 {
	x := math.Abs(float64(math.Float32frombits(uint32(n.Imm))))
	if n.Type == ir.F64 {
		x = math.Abs(math.Float64frombits(n.Imm))
	}
	if isNaN(n) {
		return 0 // which is not infinite
	}
	return x
}

func isNaN(constant *ir.Node) bool {
	if constant.Type == ir.F64 {
		return math.IsNaN(math.Float64frombits(constant.Imm))
	}
	return math.IsNaN(float64(math.Float32frombits(uint32(constant.Imm))))
}

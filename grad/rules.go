package grad

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
)

// The one table. Ops act on scalars, so the Jacobian of y = op(x0, x1, x2) is a row of partial derivatives, and
// crossing an edge from argument to result (a tangent, forward) or from result to argument (an adjoint, reverse)
// is the same multiplication by dy/dxi. One rule therefore serves both modes: tangents add up over the
// arguments, adjoints over the users.
//
// A rule that multiplies by something that may be infinite or NaN where the rest of the program is fine (1/y,
// 1/sqrt(x)) does so with annihilate, for which 0 * inf = 0; scale does so only in reverse mode (see finite.go).

// crossing is a change d on its way through argument i of y = op(x...).
type crossing struct {
	x [3]ir.Value
	y ir.Value
	i int
	d ir.Value
}

// rule is a row of the table. Exactly one field is set.
type rule struct {
	edge   func(e *emitter, c crossing) ir.Value  // d times dy/dxi
	branch func(e *emitter, x [3]ir.Value) branch // the result is one of two arguments
	zero   bool                                   // derivative zero by definition
	unit   bool                                   // handled as a whole: leaves, loops, calls and their results
}

// branch says that the result is x[yes] where cond holds, else x[no].
type branch struct {
	cond    ir.Value
	yes, no int
}

var rules = [ir.NumOps]rule{
	ir.OpAdd: {edge: func(e *emitter, c crossing) ir.Value { return c.d }},
	ir.OpSub: {edge: func(e *emitter, c crossing) ir.Value { return e.negIf(c.i == 1, c.d) }},
	ir.OpNeg: {edge: func(e *emitter, c crossing) ir.Value { return e.neg(c.d) }},
	ir.OpMul: {edge: func(e *emitter, c crossing) ir.Value { return e.scale(c.d, c.x[1-c.i]) }},
	ir.OpFMA: {edge: func(e *emitter, c crossing) ir.Value {
		if c.i == 2 {
			return c.d
		}
		return e.scale(c.d, c.x[1-c.i])
	}},
	ir.OpDiv: {edge: func(e *emitter, c crossing) ir.Value {
		r := e.div(e.num(c.y, 1), c.x[1])
		if c.i == 0 {
			return e.annihilate(c.d, r)
		}
		return e.neg(e.annihilate(c.d, e.mul(c.y, r)))
	}},
	ir.OpAbs: {edge: func(e *emitter, c crossing) ir.Value {
		zero := e.num(c.d, 0)
		positive := e.b.Binary(ir.OpLt, zero, c.x[0])
		negative := e.b.Binary(ir.OpLt, c.x[0], zero)
		return e.b.Select(positive, c.d, e.b.Select(negative, e.neg(c.d), zero))
	}},
	ir.OpMin: {branch: func(e *emitter, x [3]ir.Value) branch {
		yes, no := e.tieOrder(x)
		return branch{e.b.Binary(ir.OpLe, x[yes], x[no]), yes, no}
	}},
	ir.OpMax: {branch: func(e *emitter, x [3]ir.Value) branch {
		yes, no := e.tieOrder(x)
		return branch{e.b.Binary(ir.OpLe, x[no], x[yes]), yes, no}
	}},
	ir.OpSelect:  {branch: func(e *emitter, x [3]ir.Value) branch { return branch{x[0], 1, 2} }},
	ir.OpConvert: {edge: func(e *emitter, c crossing) ir.Value { return e.convertAcross(c) }},

	ir.OpSqrt: {edge: func(e *emitter, c crossing) ir.Value {
		return e.annihilate(c.d, e.div(e.num(c.y, 0.5), c.y))
	}},
	ir.OpExp: {edge: func(e *emitter, c crossing) ir.Value { return e.scale(c.d, c.y) }},
	ir.OpLog: {edge: func(e *emitter, c crossing) ir.Value {
		return e.annihilate(c.d, e.div(e.num(c.y, 1), c.x[0]))
	}},
	ir.OpSin: {edge: func(e *emitter, c crossing) ir.Value { return e.scale(c.d, e.b.Unary(ir.OpCos, c.x[0])) }},
	ir.OpCos: {edge: func(e *emitter, c crossing) ir.Value {
		return e.neg(e.scale(c.d, e.b.Unary(ir.OpSin, c.x[0])))
	}},
	ir.OpTan: {edge: func(e *emitter, c crossing) ir.Value {
		return e.scale(c.d, e.add(e.num(c.y, 1), e.mul(c.y, c.y)))
	}},
	ir.OpTanh: {edge: func(e *emitter, c crossing) ir.Value {
		return e.scale(c.d, e.sub(e.num(c.y, 1), e.mul(c.y, c.y)))
	}},
	ir.OpErf: {edge: func(e *emitter, c crossing) ir.Value {
		gauss := e.b.Unary(ir.OpExp, e.neg(e.mul(c.x[0], c.x[0])))
		return e.scale(c.d, e.mul(e.num(c.y, 2/math.SqrtPi), gauss))
	}},
	ir.OpAtan2: {edge: func(e *emitter, c crossing) ir.Value { // atan2(y, x): (x dy - y dx) / (x*x + y*y)
		r2 := e.add(e.mul(c.x[0], c.x[0]), e.mul(c.x[1], c.x[1]))
		return e.negIf(c.i == 1, e.annihilate(c.d, e.div(c.x[1-c.i], r2)))
	}},
	ir.OpPow: {edge: func(e *emitter, c crossing) ir.Value {
		if c.i == 0 {
			less := e.b.Binary(ir.OpPow, c.x[0], e.sub(c.x[1], e.num(c.y, 1)))
			return e.annihilate(c.d, e.annihilate(c.x[1], less))
		}
		return e.annihilate(c.d, e.annihilate(c.y, e.b.Unary(ir.OpLog, c.x[0])))
	}},

	ir.OpScale: {edge: func(e *emitter, c crossing) ir.Value {
		if c.i == 1 { // a step function
			return e.num(c.y, 0)
		}
		return e.scale(c.d, e.b.Binary(ir.OpScale, e.num(c.y, 1), c.x[1]))
	}},
	ir.OpFloor: {zero: true}, ir.OpCeil: {zero: true}, ir.OpTrunc: {zero: true}, ir.OpRound: {zero: true},
	ir.OpEq: {zero: true}, ir.OpNe: {zero: true}, ir.OpLt: {zero: true}, ir.OpLe: {zero: true},
	ir.OpDetach: {zero: true}, ir.OpGather: {zero: true},
	ir.OpConst: {zero: true}, ir.OpUniform: {zero: true}, ir.OpLane: {zero: true}, ir.OpParam: {zero: true},

	// Integers only; they matter to activity.go, which follows the bits of floats through them.
	ir.OpRem: {unit: true}, ir.OpMulHi: {unit: true}, ir.OpAnd: {unit: true}, ir.OpOr: {unit: true},
	ir.OpXor: {unit: true}, ir.OpNot: {unit: true}, ir.OpShl: {unit: true}, ir.OpShr: {unit: true},
	ir.OpBitcast: {unit: true},

	ir.OpState: {unit: true}, ir.OpLoop: {unit: true}, ir.OpCall: {unit: true}, ir.OpResult: {unit: true},
}

// annihilated is the rule of the product that annihilate emits, select(g == 0, 0, g*w). It derives as g*w, not as
// a select: where g passes through zero its change still counts, or the second derivative of a squared
// residual would vanish at a perfect fit.
var annihilated = rule{edge: func(e *emitter, c crossing) ir.Value {
	g, w := c.x[0], c.x[1]
	switch {
	case c.i == 0:
		return e.annihilate(c.d, w)
	case e.wild(c.d):
		return e.annihilate(g, c.d)
	}
	return e.annihilate(c.d, g)
}}

// row returns the rule that node v follows and its arguments.
func row(p *ir.Program, v ir.Value) (*rule, [3]ir.Value) {
	n := p.Node(v)
	if n.Op == ir.OpSelect {
		if g, w, ok := annihilatedProduct(p, n); ok {
			return &annihilated, [3]ir.Value{g, w, ir.None}
		}
	}
	return &rules[n.Op], n.Args
}

// tieOrder returns the arguments of a min or max in the order in which they get the derivative at a tie.
func (e *emitter) tieOrder(x [3]ir.Value) (first, second int) {
	if e.b.Node(x[0]).Op == ir.OpConst {
		return 1, 0
	}
	return 0, 1
}

// convertAcross takes a change of either side of a conversion between float types to the other side's type.
func (e *emitter) convertAcross(c crossing) ir.Value {
	to := e.b.Type(c.y)
	if e.b.Type(c.d) == to {
		to = e.b.Type(c.x[0])
	}
	return e.b.Convert(to, c.d)
}

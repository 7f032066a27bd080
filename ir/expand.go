package ir

// Expansion of the transcendentals. After differentiation each of them becomes a few dozen primitive ops on
// float32 and int32, with fma spelled out, so that every backend computes the same bits. Nothing branches: both
// sides of a case are computed and one is selected. Subnormal arguments and results are kept.
//
// The worst errors in the table are measured against float64: on every float of at least 1/4 (sin, cos, tan), 1/8 (exp,
// tanh, erf) or in 1/4..4 (log) and every 31st of the others (tan: every 301st), and on at least 3*10^7 pairs. A test
// in package eval repeats that on a sample. Special values are those of IEEE 754 and Go's package math.
//
// The polynomials are minimax in the relative error of the function, rounded to float32 one by one from the lowest
// power, the rest fitted anew each time (a linear program on 300 Chebyshev points).

// MaxAngle is the largest magnitude of an angle that sin, cos and tan accept; they give NaN beyond, where neighbouring
// floats are an eighth of a radian and more apart.
const MaxAngle = 1 << 20

// expansion is how a transcendental on float32 is computed.
type expansion struct {
	worst float64 // error in ulp: distances of the two floats around the true value; 0.5 is the best there is
	build func(e emitter, x, y Value) Value
}

var expansions = [NumOps]expansion{
	OpExp:   {1.05, func(e emitter, x, _ Value) Value { return e.exp(x) }},
	OpLog:   {0.95, func(e emitter, x, _ Value) Value { return e.log(x) }},
	OpSin:   {1.75, func(e emitter, x, _ Value) Value { return e.sin(x) }},
	OpCos:   {1.90, func(e emitter, x, _ Value) Value { return e.cos(x) }},
	OpTan:   {1.20, func(e emitter, x, _ Value) Value { return e.tan(x) }},
	OpAtan2: {1.65, emitter.atan2},
	OpPow:   {2.00, emitter.pow},
	OpTanh:  {1.40, func(e emitter, x, _ Value) Value { return e.tanh(x) }},
	OpErf:   {1.05, func(e emitter, x, _ Value) Value { return e.erf(x) }},
}

// WorstError returns the largest error of a transcendental on float32, in ulp: everywhere but for sin, cos and tan
// beyond MaxAngle.
func WorstError(op Op) float64 { return expansions[op].worst }

// ExpandTranscendentals is the pass: it replaces the transcendentals on float32 by primitive ops. Those on float64
// stay; executors compute them with Go's math.
func ExpandTranscendentals(m *Module, p *Program) *Program {
	count := 0
	for i := range p.Nodes {
		if expands(&p.Nodes[i]) {
			count++
		}
	}
	if count == 0 {
		return drop(m, p, p.Live())
	}
	return rewrite(m, p, p.Live(), func(r *Rewriter, v Value) (Value, bool) {
		n := r.From.Node(v)
		if !expands(n) {
			return None, false
		}
		return Expand(r.To, n.Op, r.Image(n.Args[0]), r.Image(n.Args[1])), true
	}, len(p.Nodes)+count*expandedNodes)
}

// expandedNodes is about how many nodes an expansion adds.
const expandedNodes = 30

func expands(n *Node) bool { return n.Op.Info().Transc && n.Type == F32 }

// Expand builds the expansion of a transcendental on float32 arguments; y counts for atan2 and pow only.
func Expand(b *Builder, op Op, x, y Value) Value { return expansions[op].build(emitter{b}, x, y) }

// emitter gives the builder's methods the short names that formulas need.
type emitter struct{ b *Builder }

const signBit = -1 << 31

func (e emitter) f(x float32) Value             { return e.b.ConstF32(x) }
func (e emitter) i(x int32) Value               { return e.b.ConstI32(x) }
func (e emitter) add(x, y Value) Value          { return e.b.Binary(OpAdd, x, y) }
func (e emitter) sub(x, y Value) Value          { return e.b.Binary(OpSub, x, y) }
func (e emitter) mul(x, y Value) Value          { return e.b.Binary(OpMul, x, y) }
func (e emitter) div(x, y Value) Value          { return e.b.Binary(OpDiv, x, y) }
func (e emitter) fma(x, y, z Value) Value       { return e.b.Ternary(OpFMA, x, y, z) }
func (e emitter) neg(x Value) Value             { return e.b.Unary(OpNeg, x) }
func (e emitter) abs(x Value) Value             { return e.b.Unary(OpAbs, x) }
func (e emitter) and(x, y Value) Value          { return e.b.Binary(OpAnd, x, y) }
func (e emitter) or(x, y Value) Value           { return e.b.Binary(OpOr, x, y) }
func (e emitter) xor(x, y Value) Value          { return e.b.Binary(OpXor, x, y) }
func (e emitter) shl(x Value, n int32) Value    { return e.b.Binary(OpShl, x, e.i(n)) }
func (e emitter) shr(x Value, n int32) Value    { return e.b.Binary(OpShr, x, e.i(n)) }
func (e emitter) eq(x, y Value) Value           { return e.b.Binary(OpEq, x, y) }
func (e emitter) lt(x, y Value) Value           { return e.b.Binary(OpLt, x, y) }
func (e emitter) le(x, y Value) Value           { return e.b.Binary(OpLe, x, y) }
func (e emitter) sel(cond, yes, no Value) Value { return e.b.Select(cond, yes, no) }
func (e emitter) bits(x Value) Value            { return e.b.Bitcast(I32, x) }
func (e emitter) float(x Value) Value           { return e.b.Bitcast(F32, x) }
func (e emitter) nan() Value                    { return e.b.ConstF32(FromBits32(CanonicalNaN32)) }
func (e emitter) inf() Value                    { return e.b.ConstF32(FromBits32(0x7f800000)) }

// poly evaluates c[0] + c[1] x + c[2] x^2 + ... by Horner's rule.
func (e emitter) poly(x Value, c ...float32) Value {
	n := len(c) - 1
	p := e.f(c[n])
	for k := n - 1; k >= 0; k-- {
		p = e.fma(p, x, e.f(c[k]))
	}
	return p
}

// clampAbove returns x, or limit where x > limit; NaN stays.
func (e emitter) clampAbove(x Value, limit float32) Value {
	return e.sel(e.lt(e.f(limit), x), e.f(limit), x)
}

// withSignOf returns x, which is not negative, with the sign of y.
func (e emitter) withSignOf(x, y Value) Value {
	return e.float(e.or(e.bits(x), e.and(e.bits(y), e.i(signBit))))
}

// roundBig is 1.5 * 2^23: adding it to |t| < 2^22 rounds t to the nearest integer n, ties to even, and leaves n in
// the low bits of the sum.
const roundBig = 0x1.8p23

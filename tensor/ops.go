package tensor

import (
	"encoding/binary"
	"math"

	"github.com/baremetaldevx86/microdr/ir"
)

// fill is the attribute of a tensor whose elements are all the same.
type fill struct {
	x   float64
	typ Type
}

// plain tells that a number stands in programs as it is. All other Float32s are parameters of them, so that other values need
// no other programs.
func (f fill) plain() bool {
	switch math.Abs(f.x) {
	case 0, 0.5, 1, 2:
		return true
	}
	return f.typ != Float32
}

func (f fill) appendKey(key []byte) []byte {
	if !f.plain() {
		return append(key, 'u')
	}
	return binary.LittleEndian.AppendUint64(key, math.Float64bits(f.x))
}

var fillKind = kind{name: "Full", inline: true, read: func(l *lowering, t *Tensor, _ ir.Value) ir.Value {
	f := t.attr.(fill)
	if f.plain() {
		return l.b.Const(t.typ.value(), f.x)
	}
	return l.b.UniformAt(l.uniforms[t])
}}

// Full returns a Float32 tensor of equal elements.
func (e *Engine) Full(x float64, shape ...int) *Tensor { return e.full("Full", Float32, x, shape) }

// Zeros returns a Float32 tensor of zeros.
func (e *Engine) Zeros(shape ...int) *Tensor { return e.full("Zeros", Float32, 0, shape) }

// Ones returns a Float32 tensor of ones.
func (e *Engine) Ones(shape ...int) *Tensor { return e.full("Ones", Float32, 1, shape) }

// FullOf is Full for any type.
func (e *Engine) FullOf(t Type, x float64, shape ...int) *Tensor {
	return e.full("FullOf", t, x, shape)
}

func (e *Engine) full(call string, t Type, x float64, shape []int) *Tensor {
	checkShape(call, shape)
	scalar := &Tensor{e: e, kind: &fillKind, attr: fill{t.number(call, x), t}, typ: t}
	return scalar.expandTo(call, shape)
}

// isUniform tells whether t is a number that is a parameter of programs.
func (t *Tensor) isUniform() bool {
	f, ok := t.attr.(fill)
	return ok && t.buffer == nil && !f.plain()
}

// like returns the scalar x of the type that the elements of t count as.
func (t *Tensor) like(x float64) *Tensor { return t.e.FullOf(typeOf(t.typ.value()), x) }

var iotaKind = kind{name: "Arange", inline: true, read: func(_ *lowering, _ *Tensor, index ir.Value) ir.Value { return index }}

// Arange returns the Int32 tensor 0, 1, ... n-1.
func (e *Engine) Arange(n int) *Tensor {
	checkShape("Arange", []int{n})
	return &Tensor{e: e, kind: &iotaKind, typ: Int32, shape: []int{n}}
}

// Arithmetic, with broadcasting; both of one type, floats or integers. Integers wrap; division truncates, and by 0 gives 0.

// Add returns t + u.
func (t *Tensor) Add(u *Tensor) *Tensor { return op("Add", ir.OpAdd, t, u) }

// Sub returns t - u.
func (t *Tensor) Sub(u *Tensor) *Tensor { return op("Sub", ir.OpSub, t, u) }

// Mul returns t * u, element by element.
func (t *Tensor) Mul(u *Tensor) *Tensor { return op("Mul", ir.OpMul, t, u) }

// Div returns t / u. Division of integers truncates, that by 0 gives 0, and that of -2^31 by -1 wraps.
func (t *Tensor) Div(u *Tensor) *Tensor { return op("Div", ir.OpDiv, t, u) }

// Rem returns the remainder of the truncated division of integers, with the sign of t; that by 0 is 0.
func (t *Tensor) Rem(u *Tensor) *Tensor { return op("Rem", ir.OpRem, t, u) }

// Min returns the lesser (IEEE 754-2019 minimum: NaN if either is). Of equal ones t has the derivative.
func (t *Tensor) Min(u *Tensor) *Tensor { return op("Min", ir.OpMin, t, u) }

// Max returns the greater (IEEE 754-2019 maximum: NaN if either is). Of equal ones t has the derivative.
func (t *Tensor) Max(u *Tensor) *Tensor { return op("Max", ir.OpMax, t, u) }

// FMA returns t*u + v, rounded once.
func (t *Tensor) FMA(u, v *Tensor) *Tensor { return op("FMA", ir.OpFMA, t, u, v) }

// Plus returns t + x.
func (t *Tensor) Plus(x float64) *Tensor { return op("Plus", ir.OpAdd, t, t.like(x)) }

// Minus returns t - x.
func (t *Tensor) Minus(x float64) *Tensor { return op("Minus", ir.OpSub, t, t.like(x)) }

// Times returns t * x.
func (t *Tensor) Times(x float64) *Tensor { return op("Times", ir.OpMul, t, t.like(x)) }

// Over returns t / x.
func (t *Tensor) Over(x float64) *Tensor { return op("Over", ir.OpDiv, t, t.like(x)) }

// From returns x - t.
func (t *Tensor) From(x float64) *Tensor { return op("From", ir.OpSub, t.like(x), t) }

// AtLeast returns max(t, x).
func (t *Tensor) AtLeast(x float64) *Tensor { return op("AtLeast", ir.OpMax, t, t.like(x)) }

// AtMost returns min(t, x).
func (t *Tensor) AtMost(x float64) *Tensor { return op("AtMost", ir.OpMin, t, t.like(x)) }

// Clamp returns t limited to [lo, hi].
func (t *Tensor) Clamp(lo, hi float64) *Tensor { return t.AtLeast(lo).AtMost(hi) }

// Neg returns -t.
func (t *Tensor) Neg() *Tensor { return op("Neg", ir.OpNeg, t) }

// Abs returns |t|.
func (t *Tensor) Abs() *Tensor { return op("Abs", ir.OpAbs, t) }

// Sq returns t * t.
func (t *Tensor) Sq() *Tensor { return t.Mul(t) }

// Inv returns 1 / t.
func (t *Tensor) Inv() *Tensor { return t.like(1).Div(t) }

// Functions of floats; their worst errors are those of package ir.

// Sqrt returns the square root.
func (t *Tensor) Sqrt() *Tensor { return op("Sqrt", ir.OpSqrt, t) }

// Exp returns e to the t.
func (t *Tensor) Exp() *Tensor { return op("Exp", ir.OpExp, t) }

// Log returns the natural logarithm.
func (t *Tensor) Log() *Tensor { return op("Log", ir.OpLog, t) }

// Sin returns the sine of radians; NaN beyond 2^20, where float32 knows no angle any more.
func (t *Tensor) Sin() *Tensor { return op("Sin", ir.OpSin, t) }

// Cos returns the cosine of radians; NaN beyond 2^20.
func (t *Tensor) Cos() *Tensor { return op("Cos", ir.OpCos, t) }

// Tan returns the tangent of radians; NaN beyond 2^20.
func (t *Tensor) Tan() *Tensor { return op("Tan", ir.OpTan, t) }

// Tanh returns the hyperbolic tangent.
func (t *Tensor) Tanh() *Tensor { return op("Tanh", ir.OpTanh, t) }

// Erf returns the error function.
func (t *Tensor) Erf() *Tensor { return op("Erf", ir.OpErf, t) }

// Pow returns t to the u.
func (t *Tensor) Pow(u *Tensor) *Tensor { return op("Pow", ir.OpPow, t, u) }

// Atan2 returns the angle of the points (x, t), in radians.
func (t *Tensor) Atan2(x *Tensor) *Tensor { return op("Atan2", ir.OpAtan2, t, x) }

// Floor rounds down.
func (t *Tensor) Floor() *Tensor { return op("Floor", ir.OpFloor, t) }

// Ceil rounds up.
func (t *Tensor) Ceil() *Tensor { return op("Ceil", ir.OpCeil, t) }

// Trunc rounds towards zero.
func (t *Tensor) Trunc() *Tensor { return op("Trunc", ir.OpTrunc, t) }

// Round rounds to nearest, ties to even.
func (t *Tensor) Round() *Tensor { return op("Round", ir.OpRound, t) }

// Sigmoid returns 1 / (1 + e^-t), as (1 + tanh(t/2)) / 2, which does not overflow. Far below zero, where it is almost 0, its
// error is that of a number near 1; package nn has one that is precise there too.
func (t *Tensor) Sigmoid() *Tensor { return t.Times(0.5).Tanh().Plus(1).Times(0.5) }

// ReLU returns max(t, 0). Its derivative at 0 is 0.
func (t *Tensor) ReLU() *Tensor { return t.Above(0).Where(t, t.like(0)) }

// StopGradient returns t with derivative zero.
func (t *Tensor) StopGradient() *Tensor { return op("StopGradient", ir.OpDetach, t) }

// Comparisons give Bool; they are false where an operand is NaN, but for Ne.

// Eq tells where t == u.
func (t *Tensor) Eq(u *Tensor) *Tensor { return compare("Eq", ir.OpEq, t, u) }

// Ne tells where t != u.
func (t *Tensor) Ne(u *Tensor) *Tensor { return compare("Ne", ir.OpNe, t, u) }

// Lt tells where t < u.
func (t *Tensor) Lt(u *Tensor) *Tensor { return compare("Lt", ir.OpLt, t, u) }

// Le tells where t <= u.
func (t *Tensor) Le(u *Tensor) *Tensor { return compare("Le", ir.OpLe, t, u) }

// Gt tells where t > u.
func (t *Tensor) Gt(u *Tensor) *Tensor { return compare("Gt", ir.OpLt, u, t) }

// Ge tells where t >= u.
func (t *Tensor) Ge(u *Tensor) *Tensor { return compare("Ge", ir.OpLe, u, t) }

// Above tells where t > x.
func (t *Tensor) Above(x float64) *Tensor { return compare("Above", ir.OpLt, t.like(x), t) }

// Below tells where t < x.
func (t *Tensor) Below(x float64) *Tensor { return compare("Below", ir.OpLt, t, t.like(x)) }

// compare compares truth values as the numbers 0 and 1.
func compare(call string, o ir.Op, t, u *Tensor) *Tensor {
	if t.typ == Bool && u.typ == Bool {
		t, u = t.Cast(Int32), u.Cast(Int32)
	}
	return op(call, o, t, u)
}

// And returns t and u, of truth values or of the bits of integers.
func (t *Tensor) And(u *Tensor) *Tensor { return op("And", ir.OpAnd, t, u) }

// Or returns t or u, of truth values or of the bits of integers.
func (t *Tensor) Or(u *Tensor) *Tensor { return op("Or", ir.OpOr, t, u) }

// Xor returns what differs, of truth values or of the bits of integers.
func (t *Tensor) Xor(u *Tensor) *Tensor { return op("Xor", ir.OpXor, t, u) }

// Not returns the opposite of truth values, or of the bits of integers.
func (t *Tensor) Not() *Tensor { return op("Not", ir.OpNot, t) }

// Shl shifts the bits of integers up by u modulo 32.
func (t *Tensor) Shl(u *Tensor) *Tensor { return op("Shl", ir.OpShl, t, u) }

// Shr shifts the bits of integers down by u modulo 32, with the sign for Int32.
func (t *Tensor) Shr(u *Tensor) *Tensor { return op("Shr", ir.OpShr, t, u) }

// Where returns x where t, a Bool tensor, is true, and y elsewhere, with broadcasting.
func (t *Tensor) Where(x, y *Tensor) *Tensor {
	if t.typ != Bool || x.typ.value() != y.typ.value() {
		fail("Where", "a condition of type %v, and %v and %v; it takes bool and two of one type", t.typ, x.typ, y.typ)
	}
	return apply("Where", func(b *ir.Builder, v []ir.Value) ir.Value { return b.Select(v[0], v[1], v[2]) }, t, x, y)
}

// IsNaN tells where t is not a number.
func (t *Tensor) IsNaN() *Tensor { return t.Ne(t) }

// Cast converts the elements: to integers truncating and saturating, NaN to 0; to Uint8 in the same way to Int32, of which the
// lowest 8 bits are kept, as NumPy does; to Bool what is not 0; to Float16 and BFloat16 rounding to nearest.
func (t *Tensor) Cast(to Type) *Tensor {
	switch {
	case t.typ == to:
		return t
	case to == Bool:
		return t.Ne(t.like(0))
	case types[to].ir != to.value():
		if value := typeOf(to.value()); t.typ.value() != to.value() {
			t = t.Cast(value)
		}
		return node(&storeKind, nil, to, t.shape, t)
	case t.typ.value() == to.value(): // as which it counts already
		return apply("Cast", func(b *ir.Builder, x []ir.Value) ir.Value { return x[0] }, t)
	}
	return apply("Cast", func(b *ir.Builder, x []ir.Value) ir.Value { return b.Convert(to.value(), x[0]) }, t)
}

// storeKind rounds to a type that is only for storage, which happens when elements are written to a buffer.
var storeKind = kind{name: "Cast", inline: true, read: func(l *lowering, t *Tensor, index ir.Value) ir.Value { return l.read(t.args[0], index) }}

func init() {
	storeKind.vjp = func(t, adjoint *Tensor, _ []bool) []*Tensor { return []*Tensor{adjoint} }
	storeKind.jvp = func(t *Tensor, tangents []*Tensor) *Tensor { return tangents[0] }
}

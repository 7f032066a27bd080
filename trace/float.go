package trace

import "github.com/baremetaldevx86/microdr/ir"

// Float is a float32 in every lane.
type Float struct {
	R *Recorder
	V ir.Value
}

func (x Float) un(op ir.Op) Float           { return Float{x.R, x.R.B.Unary(op, x.V)} }
func (x Float) bin(op ir.Op, y Float) Float { return Float{same(x.R, y.R), x.R.B.Binary(op, x.V, y.V)} }
func (x Float) cmp(op ir.Op, y Float) Bool  { return Bool{same(x.R, y.R), x.R.B.Binary(op, x.V, y.V)} }
func (x Float) c(k float64) Float           { return x.R.Float(k) }

// Add returns x + y.
func (x Float) Add(y Float) Float { return x.bin(ir.OpAdd, y) }

// Sub returns x - y.
func (x Float) Sub(y Float) Float { return x.bin(ir.OpSub, y) }

// Mul returns x * y.
func (x Float) Mul(y Float) Float { return x.bin(ir.OpMul, y) }

// Div returns x / y.
func (x Float) Div(y Float) Float { return x.bin(ir.OpDiv, y) }

// Plus returns x + k.
func (x Float) Plus(k float64) Float { return x.Add(x.c(k)) }

// Minus returns x - k.
func (x Float) Minus(k float64) Float { return x.Sub(x.c(k)) }

// Times returns x * k.
func (x Float) Times(k float64) Float { return x.Mul(x.c(k)) }

// Over returns x / k.
func (x Float) Over(k float64) Float { return x.Div(x.c(k)) }

// From returns k - x.
func (x Float) From(k float64) Float { return x.c(k).Sub(x) }

// Inv returns 1 / x.
func (x Float) Inv() Float { return x.c(1).Div(x) }

// Neg returns -x.
func (x Float) Neg() Float { return x.un(ir.OpNeg) }

// Abs returns |x|.
func (x Float) Abs() Float { return x.un(ir.OpAbs) }

// Sq returns x * x.
func (x Float) Sq() Float { return x.Mul(x) }

// Sqrt returns the square root.
func (x Float) Sqrt() Float { return x.un(ir.OpSqrt) }

// Min returns the lesser (IEEE 754-2019 minimum).
func (x Float) Min(y Float) Float { return x.bin(ir.OpMin, y) }

// Max returns the greater (IEEE 754-2019 maximum).
func (x Float) Max(y Float) Float { return x.bin(ir.OpMax, y) }

// AtLeast returns max(x, k).
func (x Float) AtLeast(k float64) Float { return x.Max(x.c(k)) }

// AtMost returns min(x, k).
func (x Float) AtMost(k float64) Float { return x.Min(x.c(k)) }

// Clamp returns x limited to [lo, hi].
func (x Float) Clamp(lo, hi float64) Float { return x.AtLeast(lo).AtMost(hi) }

// FMA returns x*y + z rounded once.
func (x Float) FMA(y, z Float) Float {
	same(x.R, y.R)
	return Float{same(x.R, z.R), x.R.B.Ternary(ir.OpFMA, x.V, y.V, z.V)}
}

// Floor rounds down.
func (x Float) Floor() Float { return x.un(ir.OpFloor) }

// Ceil rounds up.
func (x Float) Ceil() Float { return x.un(ir.OpCeil) }

// Trunc rounds towards zero.
func (x Float) Trunc() Float { return x.un(ir.OpTrunc) }

// Round rounds to nearest, ties to even.
func (x Float) Round() Float { return x.un(ir.OpRound) }

// Fract returns x - floor(x).
func (x Float) Fract() Float { return x.Sub(x.Floor()) }

// Exp returns e to the x.
func (x Float) Exp() Float { return x.un(ir.OpExp) }

// Log returns the natural logarithm.
func (x Float) Log() Float { return x.un(ir.OpLog) }

// Sin returns the sine of x radians.
func (x Float) Sin() Float { return x.un(ir.OpSin) }

// Cos returns the cosine of x radians.
func (x Float) Cos() Float { return x.un(ir.OpCos) }

// Tan returns the tangent of x radians.
func (x Float) Tan() Float { return x.un(ir.OpTan) }

// Tanh returns the hyperbolic tangent.
func (x Float) Tanh() Float { return x.un(ir.OpTanh) }

// Erf returns the error function.
func (x Float) Erf() Float { return x.un(ir.OpErf) }

// Pow returns x to the y.
func (x Float) Pow(y Float) Float { return x.bin(ir.OpPow, y) }

// Atan2 returns the angle of the point (x, y), called on y: y.Atan2(x), in radians.
func (y Float) Atan2(x Float) Float { return y.bin(ir.OpAtan2, x) }

// Detach returns x with derivative zero.
func (x Float) Detach() Float { return x.un(ir.OpDetach) }

// Lt tells whether x < y.
func (x Float) Lt(y Float) Bool { return x.cmp(ir.OpLt, y) }

// Le tells whether x <= y.
func (x Float) Le(y Float) Bool { return x.cmp(ir.OpLe, y) }

// Gt tells whether x > y.
func (x Float) Gt(y Float) Bool { return y.Lt(x) }

// Ge tells whether x >= y.
func (x Float) Ge(y Float) Bool { return y.Le(x) }

// Eq tells whether x == y.
func (x Float) Eq(y Float) Bool { return x.cmp(ir.OpEq, y) }

// Below tells whether x < k.
func (x Float) Below(k float64) Bool { return x.Lt(x.c(k)) }

// Above tells whether x > k.
func (x Float) Above(k float64) Bool { return x.Gt(x.c(k)) }

// Int truncates towards zero, saturating; NaN gives 0.
func (x Float) Int() Int { return Int{x.R, x.R.B.Convert(ir.I32, x.V)} }

// Bits returns the bit pattern.
func (x Float) Bits() Uint { return Uint{x.R, x.R.B.Bitcast(ir.U32, x.V)} }

// Mix returns x*(1-t) + y*t.
func (x Float) Mix(y, t Float) Float { return x.Add(y.Sub(x).Mul(t)) }

// Bool is a truth value in every lane.
type Bool struct {
	R *Recorder
	V ir.Value
}

func (p Bool) bin(op ir.Op, q Bool) Bool { return Bool{same(p.R, q.R), p.R.B.Binary(op, p.V, q.V)} }

// And returns p && q.
func (p Bool) And(q Bool) Bool { return p.bin(ir.OpAnd, q) }

// Or returns p || q.
func (p Bool) Or(q Bool) Bool { return p.bin(ir.OpOr, q) }

// Xor returns p != q.
func (p Bool) Xor(q Bool) Bool { return p.bin(ir.OpXor, q) }

// Not returns !p.
func (p Bool) Not() Bool { return Bool{p.R, p.R.B.Unary(ir.OpNot, p.V)} }

// Select returns x where p, y elsewhere.
func (p Bool) Select(x, y Float) Float {
	same(p.R, y.R)
	return Float{same(p.R, x.R), p.R.B.Select(p.V, x.V, y.V)}
}

// SelectInt returns x where p, y elsewhere.
func (p Bool) SelectInt(x, y Int) Int {
	same(p.R, y.R)
	return Int{same(p.R, x.R), p.R.B.Select(p.V, x.V, y.V)}
}

// SelectVec3 returns x where p, y elsewhere.
func (p Bool) SelectVec3(x, y Vec3) Vec3 {
	return Vec3{p.Select(x.X, y.X), p.Select(x.Y, y.Y), p.Select(x.Z, y.Z)}
}

// SelectBool returns x where p, y elsewhere.
func (p Bool) SelectBool(x, y Bool) Bool { return p.And(x).Or(p.Not().And(y)) }

// Float returns 1 where p, 0 elsewhere.
func (p Bool) Float() Float { return p.Select(p.R.Float(1), p.R.Float(0)) }

// Int returns 1 where p, 0 elsewhere.
func (p Bool) Int() Int { return p.SelectInt(p.R.Int(1), p.R.Int(0)) }

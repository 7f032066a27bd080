package trace

import "github.com/baremetaldevx86/microdr/ir"

// Int is an int32 in every lane; arithmetic wraps.
type Int struct {
	R *Recorder
	V ir.Value
}

func (x Int) bin(op ir.Op, y Int) Int  { return Int{same(x.R, y.R), x.R.B.Binary(op, x.V, y.V)} }
func (x Int) cmp(op ir.Op, y Int) Bool { return Bool{same(x.R, y.R), x.R.B.Binary(op, x.V, y.V)} }
func (x Int) c(k int) Int              { return x.R.Int(k) }

// Add returns x + y.
func (x Int) Add(y Int) Int { return x.bin(ir.OpAdd, y) }

// Sub returns x - y.
func (x Int) Sub(y Int) Int { return x.bin(ir.OpSub, y) }

// Mul returns x * y.
func (x Int) Mul(y Int) Int { return x.bin(ir.OpMul, y) }

// Div returns x / y truncated; 0 where y is 0.
func (x Int) Div(y Int) Int { return x.bin(ir.OpDiv, y) }

// Rem returns the remainder of x / y; 0 where y is 0.
func (x Int) Rem(y Int) Int { return x.bin(ir.OpRem, y) }

// MulHi returns the high 32 bits of the product.
func (x Int) MulHi(y Int) Int { return x.bin(ir.OpMulHi, y) }

// And returns x & y.
func (x Int) And(y Int) Int { return x.bin(ir.OpAnd, y) }

// Or returns x | y.
func (x Int) Or(y Int) Int { return x.bin(ir.OpOr, y) }

// Xor returns x ^ y.
func (x Int) Xor(y Int) Int { return x.bin(ir.OpXor, y) }

// Min returns the lesser.
func (x Int) Min(y Int) Int { return x.bin(ir.OpMin, y) }

// Max returns the greater.
func (x Int) Max(y Int) Int { return x.bin(ir.OpMax, y) }

// Plus returns x + k.
func (x Int) Plus(k int) Int { return x.bin(ir.OpAdd, x.c(k)) }

// Minus returns x - k.
func (x Int) Minus(k int) Int { return x.bin(ir.OpSub, x.c(k)) }

// Times returns x * k.
func (x Int) Times(k int) Int { return x.bin(ir.OpMul, x.c(k)) }

// Over returns x / k truncated.
func (x Int) Over(k int) Int { return x.bin(ir.OpDiv, x.c(k)) }

// Mod returns the remainder of x / k.
func (x Int) Mod(k int) Int { return x.bin(ir.OpRem, x.c(k)) }

// Shl returns x << k.
func (x Int) Shl(k int) Int { return x.bin(ir.OpShl, x.c(k)) }

// Shr returns x >> k (arithmetic).
func (x Int) Shr(k int) Int { return x.bin(ir.OpShr, x.c(k)) }

// Eq tells whether x == y.
func (x Int) Eq(y Int) Bool { return x.cmp(ir.OpEq, y) }

// Ne tells whether x != y.
func (x Int) Ne(y Int) Bool { return x.cmp(ir.OpNe, y) }

// Lt tells whether x < y.
func (x Int) Lt(y Int) Bool { return x.cmp(ir.OpLt, y) }

// Le tells whether x <= y.
func (x Int) Le(y Int) Bool { return x.cmp(ir.OpLe, y) }

// Float converts to the nearest float32.
func (x Int) Float() Float { return Float{x.R, x.R.B.Convert(ir.F32, x.V)} }

// Uint is a uint32 in every lane; arithmetic wraps.
type Uint struct {
	R *Recorder
	V ir.Value
}

func (x Uint) bin(op ir.Op, y Uint) Uint { return Uint{same(x.R, y.R), x.R.B.Binary(op, x.V, y.V)} }
func (x Uint) cmp(op ir.Op, y Uint) Bool { return Bool{same(x.R, y.R), x.R.B.Binary(op, x.V, y.V)} }
func (x Uint) c(k uint32) Uint           { return x.R.Uint(k) }

// Add returns x + y.
func (x Uint) Add(y Uint) Uint { return x.bin(ir.OpAdd, y) }

// Sub returns x - y.
func (x Uint) Sub(y Uint) Uint { return x.bin(ir.OpSub, y) }

// Mul returns x * y.
func (x Uint) Mul(y Uint) Uint { return x.bin(ir.OpMul, y) }

// Div returns x / y truncated; 0 where y is 0.
func (x Uint) Div(y Uint) Uint { return x.bin(ir.OpDiv, y) }

// Rem returns the remainder of x / y; 0 where y is 0.
func (x Uint) Rem(y Uint) Uint { return x.bin(ir.OpRem, y) }

// MulHi returns the high 32 bits of the product.
func (x Uint) MulHi(y Uint) Uint { return x.bin(ir.OpMulHi, y) }

// And returns x & y.
func (x Uint) And(y Uint) Uint { return x.bin(ir.OpAnd, y) }

// Or returns x | y.
func (x Uint) Or(y Uint) Uint { return x.bin(ir.OpOr, y) }

// Xor returns x ^ y.
func (x Uint) Xor(y Uint) Uint { return x.bin(ir.OpXor, y) }

// Min returns the lesser.
func (x Uint) Min(y Uint) Uint { return x.bin(ir.OpMin, y) }

// Max returns the greater.
func (x Uint) Max(y Uint) Uint { return x.bin(ir.OpMax, y) }

// Plus returns x + k.
func (x Uint) Plus(k uint32) Uint { return x.bin(ir.OpAdd, x.c(k)) }

// Minus returns x - k.
func (x Uint) Minus(k uint32) Uint { return x.bin(ir.OpSub, x.c(k)) }

// Times returns x * k.
func (x Uint) Times(k uint32) Uint { return x.bin(ir.OpMul, x.c(k)) }

// Over returns x / k truncated.
func (x Uint) Over(k uint32) Uint { return x.bin(ir.OpDiv, x.c(k)) }

// Mod returns the remainder of x / k.
func (x Uint) Mod(k uint32) Uint { return x.bin(ir.OpRem, x.c(k)) }

// Shl returns x << k.
func (x Uint) Shl(k uint32) Uint { return x.bin(ir.OpShl, x.c(k)) }

// Shr returns x >> k (logical).
func (x Uint) Shr(k uint32) Uint { return x.bin(ir.OpShr, x.c(k)) }

// Eq tells whether x == y.
func (x Uint) Eq(y Uint) Bool { return x.cmp(ir.OpEq, y) }

// Ne tells whether x != y.
func (x Uint) Ne(y Uint) Bool { return x.cmp(ir.OpNe, y) }

// Lt tells whether x < y.
func (x Uint) Lt(y Uint) Bool { return x.cmp(ir.OpLt, y) }

// Le tells whether x <= y.
func (x Uint) Le(y Uint) Bool { return x.cmp(ir.OpLe, y) }

// Float converts to the nearest float32.
func (x Uint) Float() Float { return Float{x.R, x.R.B.Convert(ir.F32, x.V)} }

// Uint reinterprets the bits.
func (x Int) Uint() Uint { return Uint{x.R, x.R.B.Bitcast(ir.U32, x.V)} }

// Int reinterprets the bits.
func (x Uint) Int() Int { return Int{x.R, x.R.B.Bitcast(ir.I32, x.V)} }

// FloatBits reinterprets the bits as a float32.
func (x Uint) FloatBits() Float { return Float{x.R, x.R.B.Bitcast(ir.F32, x.V)} }

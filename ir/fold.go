package ir

import "math"

// Folding applies only what changes no bit of any result (NaN payloads aside): constants are computed with the
// exact scalar meaning of the op; x+(-0), x-(+0), x*1, x/1, --x, ||x||, min(x,x) and the like go. Not x+0 (wrong for
// -0), x*0 (NaN, -0) or x-x (NaN, infinity). Transcendentals fold after expansion, so that a constant and a
// uniform of equal value give equal bits.

// fold returns what op(args) simplifies to, if anything.
func (b *Builder) fold(op Op, t Type, args [3]Value, n int) (Value, bool) {
	constants := 0
	for _, a := range args[:n] {
		if b.p.Nodes[a].Op == OpConst {
			constants++
		}
	}
	switch {
	case op.Info().Transc:
		return None, false
	case constants == n:
		return b.foldConstants(op, t, args, n), true
	case op == OpDetach:
		return None, false
	case n == 1:
		return b.foldUnary(op, args[0])
	case n == 2 && args[0] == args[1]:
		return args[0], op == OpMin || op == OpMax || op == OpAnd || op == OpOr
	case n == 2 && constants > 0:
		return b.foldBinary(op, args[0], args[1])
	}
	return None, false
}

// foldConstants computes an op whose arguments are constants.
func (b *Builder) foldConstants(op Op, t Type, args [3]Value, n int) Value {
	var bits [3]uint64
	for i, a := range args[:n] {
		bits[i] = b.p.Nodes[a].Imm
	}
	return b.constant(t, Scalar(op, b.Type(args[0]), bits))
}

func (b *Builder) foldUnary(op Op, x Value) (Value, bool) {
	n := b.Node(x)
	switch {
	case op == OpNeg && n.Op == OpNeg, op == OpNot && n.Op == OpNot:
		return n.Args[0], true
	case op == OpAbs && n.Op == OpNeg && n.Type.IsFloat():
		return b.Unary(OpAbs, n.Args[0]), true
	case op == OpAbs && n.Op == OpAbs && n.Type.IsFloat():
		return x, true
	}
	return None, false
}

// identity says that op(x, c) = x for a constant c given by its bits in each type class.
type identity struct {
	f32, f64 uint64 // the constant's bits
	integer  uint64
	float    bool // holds for floats
	both     bool // also op(c, x)
	ints     bool // holds for integers and Bool
}

var identities = [NumOps]identity{
	OpAdd: {f32: 0x80000000, f64: 1 << 63, integer: 0, float: true, ints: true, both: true},
	OpSub: {f32: 0, f64: 0, integer: 0, float: true, ints: true},
	OpMul: {f32: 0x3f800000, f64: 0x3ff0000000000000, integer: 1, float: true, ints: true, both: true},
	OpDiv: {f32: 0x3f800000, f64: 0x3ff0000000000000, integer: 1, float: true, ints: true},
	OpOr:  {ints: true, both: true},
	OpXor: {ints: true, both: true},
	OpShl: {ints: true},
	OpShr: {ints: true},
}

// foldBinary simplifies an op of which one argument is a constant.
func (b *Builder) foldBinary(op Op, x, y Value) (Value, bool) {
	t, r := b.Type(x), &identities[op]
	if t.IsFloat() && r.float || !t.IsFloat() && r.ints {
		c := r.integer
		if t == F32 {
			c = r.f32
		} else if t == F64 {
			c = r.f64
		}
		if b.isConst(y, c) {
			return x, true
		}
		if r.both && b.isConst(x, c) {
			return y, true
		}
	}
	if op == OpAnd {
		return b.foldAnd(x, y)
	}
	return None, false
}

// foldAnd handles the absorbing and neutral constants of and, for Bool and integers.
func (b *Builder) foldAnd(x, y Value) (Value, bool) {
	ones := uint64(math.MaxUint32)
	if b.Type(x) == Bool {
		ones = 1
	}
	for _, p := range [][2]Value{{x, y}, {y, x}} {
		if b.isConst(p[0], ones) {
			return p[1], true
		}
		if b.isConst(p[0], 0) {
			return p[0], true
		}
	}
	return None, false
}

func (b *Builder) isConst(v Value, bits uint64) bool {
	n := b.Node(v)
	return n.Op == OpConst && n.Imm == bits
}

func (b *Builder) foldConvert(t Type, x Value) (Value, bool) {
	n := b.Node(x)
	if n.Op != OpConst {
		return None, false
	}
	return b.constant(t, ConvertBits(t, n.Type, n.Imm)), true
}

// ConvertBits converts a scalar given by its bits, with the meaning of OpConvert.
func ConvertBits(to, from Type, bits uint64) uint64 {
	switch from {
	case I32:
		return fromInt(to, int64(int32(bits)))
	case U32, Bool:
		return fromInt(to, int64(uint32(bits)))
	}
	x := math.Float64frombits(bits)
	if from == F32 {
		x = float64(math.Float32frombits(uint32(bits)))
	}
	switch to {
	case I32:
		return uint64(uint32(ToI32(x)))
	case U32:
		return uint64(ToU32(x))
	case F32:
		return uint64(Bits32(float32(x)))
	}
	return math.Float64bits(x)
}

func fromInt(to Type, i int64) uint64 {
	switch to {
	case F32:
		return uint64(Bits32(float32(i)))
	case F64:
		return math.Float64bits(float64(i))
	}
	return uint64(uint32(i))
}

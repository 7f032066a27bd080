package ir

import (
	"math"
	"strings"
	"testing"
)

// folder builds expressions over unknown values of each type.
type folder struct {
	*Builder
	x, y, i, u, p, d Value
}

func newFolder() folder {
	m := &Module{Name: "fold"}
	b := NewBuilder(m)
	return folder{b, b.Param(F32), b.Param(F32), b.Param(I32), b.Param(U32), b.Param(Bool), b.Param(F64)}
}

// TestFold builds an expression; it must become the wanted text: the name of an unknown, a constant or an op that stays.
func TestFold(t *testing.T) {
	rows := []struct {
		name string
		make func(f folder) Value
		want string
	}{
		// Identities that change no bit.
		{"x + -0", func(f folder) Value { return f.Binary(OpAdd, f.x, f.ConstF32(negZero)) }, "x"},
		{"-0 + x", func(f folder) Value { return f.Binary(OpAdd, f.ConstF32(negZero), f.x) }, "x"},
		{"x - 0", func(f folder) Value { return f.Binary(OpSub, f.x, f.ConstF32(0)) }, "x"},
		{"x * 1", func(f folder) Value { return f.Binary(OpMul, f.x, f.ConstF32(1)) }, "x"},
		{"1 * x", func(f folder) Value { return f.Binary(OpMul, f.ConstF32(1), f.x) }, "x"},
		{"x / 1", func(f folder) Value { return f.Binary(OpDiv, f.x, f.ConstF32(1)) }, "x"},
		{"d * 1", func(f folder) Value { return f.Binary(OpMul, f.d, f.ConstF64(1)) }, "d"},
		{"d + -0", func(f folder) Value { return f.Binary(OpAdd, f.d, f.ConstF64(math.Copysign(0, -1))) }, "d"},
		{"--x", func(f folder) Value { return f.Unary(OpNeg, f.Unary(OpNeg, f.x)) }, "x"},
		{"|-x|", func(f folder) Value { return f.Unary(OpAbs, f.Unary(OpNeg, f.x)) }, "abs x"},
		{"||x||", func(f folder) Value { return f.Unary(OpAbs, f.Unary(OpAbs, f.x)) }, "abs x"},
		{"min(x, x)", func(f folder) Value { return f.Binary(OpMin, f.x, f.x) }, "x"},
		{"max(x, x)", func(f folder) Value { return f.Binary(OpMax, f.x, f.x) }, "x"},
		{"i + 0", func(f folder) Value { return f.Binary(OpAdd, f.i, f.ConstI32(0)) }, "i"},
		{"i * 1", func(f folder) Value { return f.Binary(OpMul, f.i, f.ConstI32(1)) }, "i"},
		{"i << 0", func(f folder) Value { return f.Binary(OpShl, f.i, f.ConstI32(0)) }, "i"},
		{"u >> 0", func(f folder) Value { return f.Binary(OpShr, f.u, f.ConstU32(0)) }, "u"},
		{"u ^ 0", func(f folder) Value { return f.Binary(OpXor, f.u, f.ConstU32(0)) }, "u"},
		{"u & ones", func(f folder) Value { return f.Binary(OpAnd, f.u, f.ConstU32(math.MaxUint32)) }, "u"},
		{"i & 0", func(f folder) Value { return f.Binary(OpAnd, f.i, f.ConstI32(0)) }, "0"},
		{"p & true", func(f folder) Value { return f.Binary(OpAnd, f.p, f.ConstBool(true)) }, "p"},
		{"p & false", func(f folder) Value { return f.Binary(OpAnd, f.ConstBool(false), f.p) }, "false"},
		{"p | false", func(f folder) Value { return f.Binary(OpOr, f.p, f.ConstBool(false)) }, "p"},
		{"!!p", func(f folder) Value { return f.Unary(OpNot, f.Unary(OpNot, f.p)) }, "p"},
		{"p ? x : x", func(f folder) Value { return f.Select(f.p, f.x, f.x) }, "x"},
		{"true ? x : y", func(f folder) Value { return f.Select(f.ConstBool(true), f.x, f.y) }, "x"},
		{"false ? x : y", func(f folder) Value { return f.Select(f.ConstBool(false), f.x, f.y) }, "y"},
		{"f32(x)", func(f folder) Value { return f.Convert(F32, f.x) }, "x"},

		// What looks alike but would change bits.
		{"x + 0", func(f folder) Value { return f.Binary(OpAdd, f.x, f.ConstF32(0)) }, "add x 0"},
		{"0 + x", func(f folder) Value { return f.Binary(OpAdd, f.ConstF32(0), f.x) }, "add x 0"},
		{"x - -0", func(f folder) Value { return f.Binary(OpSub, f.x, f.ConstF32(negZero)) }, "sub x -0"},
		{"0 - x", func(f folder) Value { return f.Binary(OpSub, f.ConstF32(0), f.x) }, "sub 0 x"},
		{"-0 - x", func(f folder) Value { return f.Binary(OpSub, f.ConstF32(negZero), f.x) }, "sub -0 x"},
		{"x - x", func(f folder) Value { return f.Binary(OpSub, f.x, f.x) }, "sub x x"},
		{"x * 0", func(f folder) Value { return f.Binary(OpMul, f.x, f.ConstF32(0)) }, "mul x 0"},
		{"x * -1", func(f folder) Value { return f.Binary(OpMul, f.x, f.ConstF32(-1)) }, "mul x -1"},
		{"x / x", func(f folder) Value { return f.Binary(OpDiv, f.x, f.x) }, "div x x"},
		{"1 / x", func(f folder) Value { return f.Binary(OpDiv, f.ConstF32(1), f.x) }, "div 1 x"},
		{"0 / x", func(f folder) Value { return f.Binary(OpDiv, f.ConstF32(0), f.x) }, "div 0 x"},
		{"x == x", func(f folder) Value { return f.Binary(OpEq, f.x, f.x) }, "eq x x"},
		{"x <= x", func(f folder) Value { return f.Binary(OpLe, f.x, f.x) }, "le x x"},
		{"x + y", func(f folder) Value { return f.Binary(OpAdd, f.y, f.x) }, "add x y"},
		{"y - x", func(f folder) Value { return f.Binary(OpSub, f.y, f.x) }, "sub y x"},
		{"fma(x, 1, y)", func(f folder) Value { return f.Ternary(OpFMA, f.x, f.ConstF32(1), f.y) }, "fma x 1 y"},
		{"||i||", func(f folder) Value { return f.Unary(OpAbs, f.Unary(OpAbs, f.i)) }, "abs abs i"},
		{"i << 32", func(f folder) Value { return f.Binary(OpShl, f.i, f.ConstI32(32)) }, "shl i 32"},
		{"detach x", func(f folder) Value { return f.Unary(OpDetach, f.x) }, "detach x"},

		// Constants.
		{"0.1 + 0.2", func(f folder) Value { return f.Binary(OpAdd, f.ConstF32(0.1), f.ConstF32(0.2)) }, "0.3"},
		{"inf - inf", func(f folder) Value { return f.Binary(OpSub, f.ConstF32(inf), f.ConstF32(inf)) }, "nan"},
		{"nan < 1", func(f folder) Value { return f.Binary(OpLt, f.ConstF32(nan), f.ConstF32(1)) }, "false"},
		{"nan != nan", func(f folder) Value { return f.Binary(OpNe, f.ConstF32(nan), f.ConstF32(nan)) }, "true"},
		{"min(-0, 0)", func(f folder) Value { return f.Binary(OpMin, f.ConstF32(0), f.ConstF32(negZero)) }, "-0"},
		{"max(-0, 0)", func(f folder) Value { return f.Binary(OpMax, f.ConstF32(negZero), f.ConstF32(0)) }, "0"},
		{"min(nan, 1)", func(f folder) Value { return f.Binary(OpMin, f.ConstF32(nan), f.ConstF32(1)) }, "nan"},
		{"round 2.5", func(f folder) Value { return f.Unary(OpRound, f.ConstF32(2.5)) }, "2"},
		{"7 / 0", func(f folder) Value { return f.Binary(OpDiv, f.ConstI32(7), f.ConstI32(0)) }, "0"},
		{"min / -1", func(f folder) Value { return f.Binary(OpDiv, f.ConstI32(math.MinInt32), f.ConstI32(-1)) }, "-2147483648"},
		{"7 % 0", func(f folder) Value { return f.Binary(OpRem, f.ConstI32(7), f.ConstI32(0)) }, "0"},
		{"-7 % 3", func(f folder) Value { return f.Binary(OpRem, f.ConstI32(-7), f.ConstI32(3)) }, "-1"},
		{"1 << 33", func(f folder) Value { return f.Binary(OpShl, f.ConstI32(1), f.ConstI32(33)) }, "2"},
		{"-8 >> 1", func(f folder) Value { return f.Binary(OpShr, f.ConstI32(-8), f.ConstI32(1)) }, "-4"},
		{"u -8 >> 1", func(f folder) Value { return f.Binary(OpShr, f.ConstU32(1<<32-8), f.ConstU32(1)) }, "2147483644"},
		{"mulhi", func(f folder) Value { return f.Binary(OpMulHi, f.ConstI32(-1), f.ConstI32(1)) }, "-1"},
		{"i32(nan)", func(f folder) Value { return f.Convert(I32, f.ConstF32(nan)) }, "0"},
		{"i32(1e20)", func(f folder) Value { return f.Convert(I32, f.ConstF32(1e20)) }, "2147483647"},
		{"u32(-1)", func(f folder) Value { return f.Convert(U32, f.ConstF32(-1)) }, "0"},
		{"f32(bool)", func(f folder) Value { return f.Convert(F32, f.ConstBool(true)) }, "1"},
		{"f32(2^24+1)", func(f folder) Value { return f.Convert(F32, f.ConstI32(1<<24+1)) }, "1.6777216e+07"},
		{"bits of nan", func(f folder) Value { return f.Bitcast(I32, f.ConstF32(float32(math.Float32frombits(0xffc12345)))) }, "2143289344"},
		{"float of nan bits", func(f folder) Value { return f.Bitcast(F32, f.ConstU32(0xff812345)) }, "nan"},
		{"detach 1", func(f folder) Value { return f.Unary(OpDetach, f.ConstF32(1)) }, "1"},

		// Transcendentals wait for their expansion.
		{"exp 0", func(f folder) Value { return f.Unary(OpExp, f.ConstF32(0)) }, "exp 0"},
	}
	for _, r := range rows {
		f := newFolder()
		if got := f.text(r.make(f)); got != r.want {
			t.Errorf("%s becomes %s, want %s", r.name, got, r.want)
		}
	}
}

// text writes a value in prefix form.
func (f folder) text(v Value) string {
	n := f.Node(v)
	switch n.Op {
	case OpParam:
		return string("xyiupd"[n.Imm])
	case OpConst:
		return constText(n.Type, n.Imm)
	}
	words := []string{n.Op.String()}
	for _, a := range n.Args {
		if a != None {
			words = append(words, f.text(a))
		}
	}
	return strings.Join(words, " ")
}

func TestEqualExpressionsAreOneNode(t *testing.T) {
	f := newFolder()
	pairs := [][2]Value{
		{f.Binary(OpAdd, f.x, f.y), f.Binary(OpAdd, f.y, f.x)},
		{f.Ternary(OpFMA, f.x, f.y, f.x), f.Ternary(OpFMA, f.y, f.x, f.x)},
		{f.ConstF32(nan), f.ConstF32(math.Float32frombits(0xffc00001))},
		{f.Uniform("a", F32), f.Uniform("a", F32)},
		{f.Lane(), f.Lane()},
	}
	for i, p := range pairs {
		if p[0] != p[1] {
			t.Errorf("pair %d: %%%d and %%%d", i, p[0], p[1])
		}
	}
	for i, p := range [][2]Value{
		{f.Binary(OpSub, f.x, f.y), f.Binary(OpSub, f.y, f.x)},
		{f.ConstF32(0), f.ConstF32(negZero)},
		{f.ConstI32(1), f.ConstU32(1)},
		{f.Uniform("a", F32), f.Uniform("b", F32)},
	} {
		if p[0] == p[1] {
			t.Errorf("pair %d that differs is one node %%%d", i, p[0])
		}
	}
}

// TestScopes checks that what does not vary in a loop lies outside of it, and where nested loops themselves lie.
func TestScopes(t *testing.T) {
	b := NewBuilder(&Module{Name: "scopes"})
	uni := b.Binary(OpMul, b.Uniform("a", F32), b.ConstF32(3))
	lane := b.Convert(F32, b.Lane())
	yes := b.ConstBool(true)
	outer := b.LoopBegin(F32)
	hoistedUni := b.Unary(OpSqrt, uni)
	hoistedLane := b.Unary(OpSqrt, lane)
	inOuter := b.Binary(OpAdd, outer.States[0], lane)
	inner := b.LoopBegin(F32) // reads the outer state: lies in the outer loop
	fromOuter := b.Unary(OpNeg, inOuter)
	inInner := b.Binary(OpMul, inner.States[0], fromOuter)
	innerEnd := inner.End([]Value{lane}, yes, []Value{inInner}, 3)
	free := b.LoopBegin(F32) // reads nothing of the outer loop: lies beside it
	inFree := b.Unary(OpNeg, free.States[0])
	freeEnd := free.End([]Value{uni}, yes, []Value{inFree}, 3)
	outerEnd := outer.End([]Value{lane}, yes, []Value{b.Binary(OpAdd, innerEnd[0], freeEnd[0])}, 3)
	for _, r := range []struct {
		name string
		v    Value
		want Scope
	}{
		{"uniform", uni, ScopeUniform}, {"lane", lane, ScopeLane},
		{"uniform in a loop", hoistedUni, ScopeUniform}, {"lane in a loop", hoistedLane, ScopeLane},
		{"outer body", inOuter, 2}, {"outer value in the inner body", fromOuter, 2}, {"inner body", inInner, 3},
		{"inner result", innerEnd[0], 2}, {"free body", inFree, 4}, {"free result", freeEnd[0], ScopeLane},
		{"outer result", outerEnd[0], ScopeLane},
	} {
		if got := b.Node(r.v).Scope; got != r.want {
			t.Errorf("%s has scope %d, want %d", r.name, got, r.want)
		}
	}
	if p := b.Program().Parents; p[2] != ScopeLane || p[3] != 2 || p[4] != ScopeLane {
		t.Errorf("scopes lie in %v", p)
	}
}

func TestBuilderRefuses(t *testing.T) {
	for name, f := range map[string]func(f folder){
		"mixed types":         func(f folder) { f.Binary(OpAdd, f.x, f.i) },
		"a float shifted":     func(f folder) { f.Binary(OpShl, f.x, f.x) },
		"too few arguments":   func(f folder) { f.Unary(OpAdd, f.x) },
		"select by a number":  func(f folder) { f.Select(f.i, f.x, f.y) },
		"bitcast of a double": func(f folder) { f.Bitcast(I32, f.d) },
		"loops that cross": func(f folder) {
			a := f.LoopBegin(F32)
			f.LoopBegin(F32)
			a.End([]Value{f.x}, f.p, []Value{f.x}, 1)
		},
		"values of loops beside each other": func(f folder) {
			a := f.LoopBegin(F32)
			a.End([]Value{f.x}, f.p, []Value{f.x}, 1)
			b := f.LoopBegin(F32)
			f.Binary(OpAdd, a.States[0], b.States[0])
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f(newFolder())
		}()
	}
}

package ir

import (
	"math"
	"testing"
)

// expanded computes op by expanding it on constants, which fold.
func expanded(t *testing.T, op Op, x, y float32) float32 {
	t.Helper()
	b := NewBuilder(&Module{})
	n := b.Node(Expand(b, op, b.ConstF32(x), b.ConstF32(y)))
	if n.Op != OpConst || n.Type != F32 {
		t.Fatalf("%v(%v, %v) expands to %v of %v on constants", op, x, y, n.Op, n.Type)
	}
	return math.Float32frombits(uint32(n.Imm))
}

var (
	inf     = float32(math.Inf(1))
	nan     = float32(math.NaN())
	negZero = float32(math.Copysign(0, -1))
)

const (
	tiny    = 0x1p-149
	smallN  = 0x1p-126
	largest = math.MaxFloat32
	pi      = 0x1.921fb6p+1 // float32(math.Pi)
)

// Rows whose result is exact: special values, signs of zero, subnormals, the edges of ranges.
var expandRows = []struct {
	op         Op
	x, y, want float32
}{
	{OpExp, 0, 0, 1}, {OpExp, negZero, 0, 1}, {OpExp, tiny, 0, 1},
	{OpExp, inf, 0, inf}, {OpExp, -inf, 0, 0}, {OpExp, nan, 0, nan},
	{OpExp, largest, 0, inf}, {OpExp, -largest, 0, 0},
	{OpExp, 88.72283, 0, 0x1.ffff08p127}, {OpExp, 88.72284, 0, inf},
	{OpExp, -103.97, 0, tiny}, {OpExp, -103.98, 0, 0},

	{OpLog, 1, 0, 0}, {OpLog, 0, 0, -inf}, {OpLog, negZero, 0, -inf},
	{OpLog, inf, 0, inf}, {OpLog, -inf, 0, nan}, {OpLog, -1, 0, nan}, {OpLog, -tiny, 0, nan}, {OpLog, nan, 0, nan},
	{OpLog, tiny, 0, -103.278930}, {OpLog, 0x1p-23, 0, -15.9423847}, {OpLog, largest, 0, 88.7228394},

	{OpSin, 0, 0, 0}, {OpSin, negZero, 0, negZero}, {OpSin, -tiny, 0, -tiny}, {OpSin, smallN, 0, smallN},
	{OpSin, inf, 0, nan}, {OpSin, -inf, 0, nan}, {OpSin, nan, 0, nan},
	{OpSin, 1 << 20, 0, 0.330493152}, {OpSin, -1 << 20, 0, -0.330493152}, {OpSin, 1<<20 + 0.125, 0, nan}, {OpSin, largest, 0, nan},
	{OpCos, 0, 0, 1}, {OpCos, negZero, 0, 1}, {OpCos, tiny, 0, 1},
	{OpCos, inf, 0, nan}, {OpCos, -inf, 0, nan}, {OpCos, nan, 0, nan}, {OpCos, 1<<20 + 0.125, 0, nan},
	{OpTan, 0, 0, 0}, {OpTan, negZero, 0, negZero}, {OpTan, -tiny, 0, -tiny},
	{OpTan, inf, 0, nan}, {OpTan, nan, 0, nan}, {OpTan, -1<<20 - 0.125, 0, nan},

	{OpTanh, 0, 0, 0}, {OpTanh, negZero, 0, negZero}, {OpTanh, -tiny, 0, -tiny}, {OpTanh, 9.1, 0, 1},
	{OpTanh, inf, 0, 1}, {OpTanh, -inf, 0, -1}, {OpTanh, nan, 0, nan}, {OpTanh, -largest, 0, -1},
	{OpErf, 0, 0, 0}, {OpErf, negZero, 0, negZero}, {OpErf, -tiny, 0, -tiny}, {OpErf, 4, 0, 1},
	{OpErf, inf, 0, 1}, {OpErf, -inf, 0, -1}, {OpErf, nan, 0, nan}, {OpErf, -largest, 0, -1},

	// atan2(y, x): here the column x is the op's first argument.
	{OpAtan2, 0, 0, 0}, {OpAtan2, negZero, 0, negZero}, {OpAtan2, 0, negZero, pi}, {OpAtan2, negZero, negZero, -pi},
	{OpAtan2, 0, -1, pi}, {OpAtan2, negZero, -1, -pi}, {OpAtan2, 0, 1, 0}, {OpAtan2, negZero, 1, negZero},
	{OpAtan2, 1, 0, pi / 2}, {OpAtan2, 1, negZero, pi / 2}, {OpAtan2, -1, 0, -pi / 2},
	{OpAtan2, 1, 1, pi / 4}, {OpAtan2, -1, -1, -0x1.2d97c8p+1}, {OpAtan2, -3, 3, -pi / 4},
	{OpAtan2, inf, inf, pi / 4}, {OpAtan2, inf, -inf, 0x1.2d97c8p+1}, {OpAtan2, -inf, inf, -pi / 4},
	{OpAtan2, inf, 1, pi / 2}, {OpAtan2, -inf, -1, -pi / 2}, {OpAtan2, 1, inf, 0}, {OpAtan2, -1, inf, negZero},
	{OpAtan2, 1, -inf, pi}, {OpAtan2, -1, -inf, -pi}, {OpAtan2, nan, 1, nan}, {OpAtan2, 1, nan, nan},
	{OpAtan2, nan, 0, nan}, {OpAtan2, inf, nan, nan}, {OpAtan2, tiny, 1, tiny}, {OpAtan2, -tiny, 2, negZero},
	{OpAtan2, largest, tiny, pi / 2}, {OpAtan2, tiny, largest, 0}, {OpAtan2, tiny, tiny, pi / 4}, {OpAtan2, tiny, -1, pi},

	{OpPow, 2, 10, 1024}, {OpPow, -2, 3, -8}, {OpPow, -2, 4, 16}, {OpPow, -2, -1, -0.5}, {OpPow, -2, 0.5, nan},
	{OpPow, 0, 0, 1}, {OpPow, nan, 0, 1}, {OpPow, inf, negZero, 1}, {OpPow, 1, nan, 1}, {OpPow, 1, inf, 1},
	{OpPow, -1, inf, 1}, {OpPow, -1, -inf, 1}, {OpPow, -1, nan, nan}, {OpPow, nan, 1, nan}, {OpPow, 2, nan, nan},
	{OpPow, 0, 3, 0}, {OpPow, negZero, 3, negZero}, {OpPow, negZero, 2, 0}, {OpPow, negZero, 0.5, 0},
	{OpPow, 0, -3, inf}, {OpPow, negZero, -3, -inf}, {OpPow, negZero, -2, inf}, {OpPow, negZero, -0.5, inf},
	{OpPow, 0, inf, 0}, {OpPow, 0, -inf, inf}, {OpPow, 0, nan, nan}, {OpPow, inf, nan, nan},
	{OpPow, inf, 2, inf}, {OpPow, inf, -2, 0}, {OpPow, -inf, 3, -inf}, {OpPow, -inf, -3, negZero},
	{OpPow, -inf, 2, inf}, {OpPow, -inf, 0.5, inf}, {OpPow, -inf, -0.5, 0},
	{OpPow, 0.5, inf, 0}, {OpPow, 0.5, -inf, inf}, {OpPow, -2, inf, inf}, {OpPow, -2, -inf, 0},
	{OpPow, -1, 1<<24 - 1, -1}, {OpPow, -1, 1 << 24, 1}, {OpPow, -1, largest, 1}, {OpPow, -1, 1<<22 + 0.5, nan},
	{OpPow, 2, -149, tiny}, {OpPow, 2, -151, 0}, {OpPow, -2, -149, -tiny}, {OpPow, -2, -151, negZero},
	{OpPow, 2, 127, 0x1p127}, {OpPow, 2, 128, inf}, {OpPow, -2, 129, -inf}, {OpPow, tiny, -1, inf},
	{OpPow, largest, largest, inf}, {OpPow, largest, -largest, 0}, {OpPow, tiny, 0.5, 0x1.6a09e6p-75},
	{OpPow, 3, 1, 3}, {OpPow, 0x1.fffffep-1, largest, 0}, {OpPow, 0x1.000002p0, largest, inf},
}

func TestExpandSpecialValues(t *testing.T) {
	for _, r := range expandRows {
		got := expanded(t, r.op, r.x, r.y)
		if Bits32(got) != Bits32(r.want) {
			t.Errorf("%v(%v, %v) = %v, want %v", r.op, r.x, r.y, got, r.want)
		}
	}
}

// The exact rows above are compared with Go's float64 functions too, so that a wrong row does not pass.
func TestExpandRowsAgreeWithFloat64(t *testing.T) {
	for _, r := range expandRows {
		want := ScalarF64(r.op, float64(r.x), float64(r.y), 0)
		if r.op >= OpSin && r.op <= OpTan && math.Abs(float64(r.x)) > MaxAngle {
			want = math.NaN()
		}
		if got := float32(want); math.Abs(float64(int64(Bits32(got))-int64(Bits32(r.want)))) > 1 {
			t.Errorf("row %v(%v, %v) says %v, float64 %v", r.op, r.x, r.y, r.want, got)
		}
	}
}

func TestExpandPassLeavesNoTranscendental(t *testing.T) {
	m := &Module{}
	out := m.AddBuffer("out", F32, Output, 4)
	b := NewBuilder(m)
	x := b.Convert(F32, b.Lane())
	sum := x
	for op := OpInvalid + 1; op < numOps; op++ {
		switch info := op.Info(); {
		case !info.Transc:
		case info.Args == 2:
			sum = b.Binary(OpAdd, sum, b.Binary(op, x, b.Uniform("u", F32)))
		default:
			sum = b.Binary(OpAdd, sum, b.Unary(op, x))
		}
	}
	l := b.LoopBegin(F32)
	next := b.Unary(OpSin, l.States[0])
	res := l.End([]Value{x}, b.Binary(OpLt, b.ConstF32(0.5), l.States[0]), []Value{next}, 9)
	b.Store(out, b.Lane(), b.Binary(OpAdd, sum, res[0]))
	m.AddMap("all", b.Program(), 4)

	if err := Verify(m); err != nil {
		t.Fatal(err)
	}
	m.Stages[0].Prog = ExpandTranscendentals(m, m.Stages[0].Prog)
	if err := Verify(m); err != nil {
		t.Fatal(err)
	}
	for i, n := range m.Stages[0].Prog.Nodes {
		if n.Op.Info().Transc {
			t.Errorf("node %d is still %v", i, n.Op)
		}
	}
}

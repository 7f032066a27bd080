package eval_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
)

// apply computes op on every pair by executing its expansion.
func apply(t *testing.T, op ir.Op, x, y []float32) []float32 {
	t.Helper()
	n := len(x)
	m := &ir.Module{}
	bx, by := m.AddBuffer("x", ir.F32, ir.Input, n), m.AddBuffer("y", ir.F32, ir.Input, n)
	bz := m.AddBuffer("z", ir.F32, ir.Output, n)
	b := ir.NewBuilder(m)
	args := []ir.Value{b.Gather(bx, b.Lane()), b.Gather(by, b.Lane())}
	b.Store(bz, b.Lane(), b.Make(op, args[:op.Info().Args]...))
	code, err := eval.Compile(m, ir.ExpandTranscendentals(m, b.Program()), eval.F32)
	if err != nil {
		t.Fatal(err)
	}
	z := make([]float32, n)
	memory := func(s []float32) eval.Memory {
		return eval.Memory{Ptr: unsafe.Pointer(unsafe.SliceData(s)), Len: len(s)}
	}
	w := code.NewWorker()
	w.Begin(&eval.Launch{Buffers: []eval.Memory{memory(x), memory(y), memory(z)}})
	w.Run(0, n)
	return z
}

// ulps returns the distance of got from want in units of the distance of the floats around want; +Inf if one is NaN
// or infinite or zero of a sign and the other is not.
func ulps(got float32, want float64) float64 {
	g := float64(got)
	if rounded := float32(want); rounded != rounded || got != got {
		if rounded != rounded && got != got {
			return 0
		}
		return math.Inf(1)
	}
	if math.Signbit(g) != math.Signbit(want) {
		return math.Inf(1)
	}
	// Overflow counts from 2^128, where the next float would be.
	clamp := func(v float64) float64 { return max(-0x1p128, min(v, 0x1p128)) }
	_, exp := math.Frexp(clamp(want))
	return math.Abs(clamp(g)-clamp(want)) / math.Ldexp(1, max(exp-24, -149))
}

// everyNth returns the floats whose bits are multiples of n, and the special ones.
func everyNth(n uint32) []float32 {
	var x []float32
	for u := uint64(0); u < 1<<32; u += uint64(n) {
		x = append(x, math.Float32frombits(uint32(u)))
	}
	for _, u := range []uint32{0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x7f7fffff, 0x7f800000, 0x7fc00000} {
		x = append(x, math.Float32frombits(u), math.Float32frombits(u|1<<31))
	}
	return x
}

// nearQuarterTurns returns the floats around multiples of pi/2, where angles are hardest to reduce.
func nearQuarterTurns() []float32 {
	var x []float32
	for n := 1; n < ir.MaxAngle*2/3; n += 37 {
		a := float32(float64(n) * (math.Pi / 2))
		x = append(x, a, -a, math.Nextafter32(a, 0), math.Nextafter32(a, 2*ir.MaxAngle))
	}
	return x
}

func TestExpansionsOfOneArgument(t *testing.T) {
	x := append(everyNth(16381), nearQuarterTurns()...)
	for op := ir.OpExp; op <= ir.OpErf; op++ {
		if op.Info().Args == 1 {
			angle := op == ir.OpSin || op == ir.OpCos || op == ir.OpTan
			checkErrors(t, op, x, x, angle)
		}
	}
}

func TestExpansionsOfTwoArguments(t *testing.T) {
	x, y := pairs()
	checkErrors(t, ir.OpAtan2, x, y, false)
	checkErrors(t, ir.OpPow, x, y, false)
}

// pairs returns pairs of special values, of random bits, of values around 1, and bases with exponents that make
// their power anything between underflow and overflow.
func pairs() (x, y []float32) {
	special := everyNth(1 << 31)
	special = append(special, 2, -2, 3, -3, 0.5, -0.5, 1<<24, 1<<24-1, 1-1<<24, 1<<22+0.5, 1e10, 0.99999994, 1.0000001)
	for _, a := range special {
		for _, b := range special {
			x, y = append(x, a), append(y, b)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 60000 {
		base := float32(math.Exp(r.NormFloat64()))
		if r.IntN(2) == 0 {
			base = math.Float32frombits(r.Uint32() >> 1)
		}
		power := float32((r.Float64()*193 - 104) / math.Log(float64(base)))
		x = append(x, math.Float32frombits(r.Uint32()), float32(r.NormFloat64()), base)
		y = append(y, math.Float32frombits(r.Uint32()), float32(r.NormFloat64()), power)
	}
	return x, y
}

func checkErrors(t *testing.T, op ir.Op, x, y []float32, angle bool) {
	t.Helper()
	worst, at, failures := 0.0, 0, 0
	for i, got := range apply(t, op, x, y) {
		want := ir.ScalarF64(op, float64(x[i]), float64(y[i]), 0)
		if angle && math.Abs(float64(x[i])) > ir.MaxAngle {
			want = math.NaN()
		}
		e := ulps(got, want)
		if e > ir.WorstError(op) {
			if failures++; failures < 6 {
				t.Errorf("%v(%v, %v) = %v, want %v: %v ulp, above the stated %v", op, x[i], y[i], got, want, e, ir.WorstError(op))
			}
		}
		if e > worst {
			worst, at = e, i
		}
	}
	t.Logf("%v: worst %.3f ulp at (%v, %v), stated %.2f", op, worst, x[at], y[at], ir.WorstError(op))
	if worst < 0.5 {
		t.Errorf("%v: a worst error of %v is too good to be true", op, worst)
	}
}

// A constant argument folds through the expansion; it must give the bits that execution gives.
func TestExpansionFoldsToTheSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	x, y := everyNth(1<<28), everyNth(1<<28)
	r.Shuffle(len(y), func(i, j int) { y[i], y[j] = y[j], y[i] })
	for range 100 {
		x, y = append(x, float32(r.NormFloat64()*4)), append(y, float32(r.NormFloat64()*4))
	}
	for op := ir.OpExp; op <= ir.OpErf; op++ {
		for i, got := range apply(t, op, x, y) {
			b := ir.NewBuilder(&ir.Module{})
			n := b.Node(ir.Expand(b, op, b.ConstF32(x[i]), b.ConstF32(y[i])))
			if n.Op != ir.OpConst || uint32(n.Imm) != ir.Bits32(got) {
				t.Errorf("%v(%v, %v): executed %v, folded %v", op, x[i], y[i], got, math.Float32frombits(uint32(n.Imm)))
			}
		}
	}
}

package ir

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// exactFMA returns a*b + c rounded once, by way of arbitrary precision.
func exactFMA(a, b, c float32) float32 {
	plain := float64(a)*float64(b) + float64(c)
	if math.IsInf(plain, 0) || plain != plain || plain == 0 {
		return float32(plain) // exact, with the right sign of zero
	}
	exact := func(x float32) *big.Float { return new(big.Float).SetPrec(1000).SetFloat64(float64(x)) }
	sum := exact(a)
	sum.Mul(sum, exact(b)).Add(sum, exact(c))
	r, _ := sum.Float32()
	return r
}

func checkFMA(t *testing.T, a, b, c float32) {
	t.Helper()
	got, want := FMA32(a, b, c), exactFMA(a, b, c)
	if Bits32(got) != Bits32(want) {
		t.Errorf("fma(%x, %x, %x) = %x, want %x", a, b, c, got, want)
	}
}

func TestFMA32Random(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50000 {
		a, b, c := r.Uint32(), r.Uint32(), r.Uint32()
		checkFMA(t, math.Float32frombits(a), math.Float32frombits(b), math.Float32frombits(c))
	}
}

// TestFMA32Halfway takes sums a hair beside the middle of two floats, normal and subnormal, and in the middle: there
// a rounding to float64 on the way goes wrong.
func TestFMA32Halfway(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	naive := 0
	for range 20000 {
		c := math.Float32frombits(r.Uint32N(0x7f000000)) // exponents up to 2^126
		ulp := math.Float32frombits(math.Float32bits(c)+1) - c
		half := float64(ulp) / 2
		scale := math.Exp2(float64(r.IntN(20) - 10))
		for _, m := range []float64{1, 1 - 0x1p-23, 1 - 0x1p-22, 1 - 0x1p-20} {
			for _, n := range []float64{1, 1 + 0x1p-23, 1 + 0x1p-22, 1 + 0x1p-21} {
				a, b := float32(m*scale), float32(n*half/scale)
				for _, s := range []float32{1, -1} {
					checkFMA(t, s*a, b, c)
					checkFMA(t, a, b, s*c)
				}
				if float32(float64(a)*float64(b)+float64(c)) != exactFMA(a, b, c) {
					naive++
				}
			}
		}
		if t.Failed() {
			return
		}
	}
	if naive == 0 {
		t.Error("the cases are not hard: rounding twice gets all of them right")
	}
}

func TestFMA32Rows(t *testing.T) {
	for _, r := range [][3]float32{
		{0, 1, negZero}, {negZero, 1, negZero}, {1, 1, -1}, {inf, 0, 1}, {inf, 1, -inf}, {inf, 1, 1}, {nan, 1, 1},
		{largest, 2, -largest}, {largest, largest, -inf}, {largest, 1, largest * 0x1p-25}, {tiny, tiny, tiny},
		{tiny, 0.5, 0}, {tiny, 0.5, tiny}, {tiny, 0.75, 0}, {-tiny, 0.25, 0}, {smallN, 1 - 0x1p-24, tiny},
		{0x1p-75, 0x1p-75, smallN}, {0x1p-75, -0x1p-75, smallN},
	} {
		checkFMA(t, r[0], r[1], r[2])
	}
}

func TestMinMax(t *testing.T) {
	for _, r := range []struct{ a, b, min, max float32 }{
		{1, 2, 1, 2}, {0, negZero, negZero, 0}, {negZero, 0, negZero, 0}, {nan, 1, nan, nan}, {1, nan, nan, nan},
		{inf, -inf, -inf, inf}, {tiny, 0, 0, tiny}, {inf, nan, nan, nan},
	} {
		if got := Min32(r.a, r.b); Bits32(got) != Bits32(r.min) {
			t.Errorf("min(%v, %v) = %v, want %v", r.a, r.b, got, r.min)
		}
		if got := Max32(r.a, r.b); Bits32(got) != Bits32(r.max) {
			t.Errorf("max(%v, %v) = %v, want %v", r.a, r.b, got, r.max)
		}
	}
}

func TestToInt(t *testing.T) {
	for _, r := range []struct {
		x float64
		i int32
		u uint32
	}{
		{0, 0, 0}, {0.99, 0, 0}, {-0.99, 0, 0}, {1.5, 1, 1}, {-1.5, -1, 0}, {math.NaN(), 0, 0},
		{math.Inf(1), math.MaxInt32, math.MaxUint32}, {math.Inf(-1), math.MinInt32, 0},
		{2147483647, math.MaxInt32, 2147483647}, {2147483648, math.MaxInt32, 2147483648},
		{-2147483648, math.MinInt32, 0}, {-2147483904, math.MinInt32, 0}, {2147483520, 2147483520, 2147483520},
		{4294967040, math.MaxInt32, 4294967040}, {4294967296, math.MaxInt32, math.MaxUint32},
		{4294967295.5, math.MaxInt32, math.MaxUint32}, {1e30, math.MaxInt32, math.MaxUint32},
	} {
		if got := ToI32(r.x); got != r.i {
			t.Errorf("ToI32(%v) = %d, want %d", r.x, got, r.i)
		}
		if got := ToU32(r.x); got != r.u {
			t.Errorf("ToU32(%v) = %d, want %d", r.x, got, r.u)
		}
	}
}

func TestIntegers(t *testing.T) {
	const minI, maxI, maxU = math.MinInt32, math.MaxInt32, math.MaxUint32
	bits := func(i int32) uint64 { return uint64(uint32(i)) }
	for _, r := range []struct {
		op   Op
		t    Type
		a, b uint64
		want uint64
	}{
		{OpAdd, I32, bits(maxI), 1, bits(minI)}, {OpSub, U32, 0, 1, maxU}, {OpMul, U32, 1 << 31, 2, 0},
		{OpNeg, I32, bits(minI), 0, bits(minI)}, {OpAbs, I32, bits(minI), 0, bits(minI)}, {OpAbs, I32, bits(-5), 0, 5},
		{OpDiv, I32, bits(minI), bits(-1), bits(minI)}, {OpRem, I32, bits(minI), bits(-1), 0},
		{OpDiv, I32, bits(-7), 2, bits(-3)}, {OpRem, I32, bits(-7), 2, bits(-1)}, {OpDiv, U32, 5, 0, 0}, {OpRem, U32, 5, 0, 0},
		{OpMin, I32, bits(-1), 1, bits(-1)}, {OpMin, U32, maxU, 1, 1}, {OpMax, I32, bits(-1), 1, 1}, {OpMax, U32, maxU, 1, maxU},
		{OpMulHi, I32, bits(minI), bits(minI), 1 << 30}, {OpMulHi, U32, maxU, maxU, maxU - 1},
		{OpShl, I32, 1, 31, 1 << 31}, {OpShl, U32, 1, 32, 1}, {OpShr, I32, bits(-1), 31, maxU}, {OpShr, U32, maxU, 63, 1},
		{OpNot, U32, 0, 0, maxU}, {OpNot, Bool, 1, 0, 0}, {OpXor, Bool, 1, 1, 0}, {OpOr, I32, 1, 2, 3},
		{OpLt, I32, bits(-1), 0, 1}, {OpLt, U32, maxU, 0, 0}, {OpLe, I32, 3, 3, 1}, {OpEq, U32, 3, 4, 0}, {OpNe, I32, 3, 4, 1},
	} {
		if got := Scalar(r.op, r.t, [3]uint64{r.a, r.b}); got != r.want {
			t.Errorf("%v %v of %#x, %#x = %#x, want %#x", r.op, r.t, r.a, r.b, got, r.want)
		}
	}
}

func TestHalfRows(t *testing.T) {
	for _, r := range []struct {
		t    Type
		x    float32
		want uint16
	}{
		{F16, 0, 0}, {F16, negZero, 0x8000}, {F16, 1, 0x3c00}, {F16, -2, 0xc000}, {F16, 65504, 0x7bff},
		{F16, 65519.996, 0x7bff}, {F16, 65520, 0x7c00}, {F16, -1e6, 0xfc00}, {F16, inf, 0x7c00}, {F16, nan, 0x7e00},
		{F16, 0x1p-14, 0x0400}, {F16, 0x1p-24, 1}, {F16, 0x1p-25, 0}, {F16, 0x1.000002p-25, 1}, {F16, 0x1.8p-24, 2},
		{F16, -0x1p-30, 0x8000}, {F16, 1 + 0x1p-11, 0x3c00}, {F16, 1 + 0x1.8p-10, 0x3c02}, {F16, 0x1.ffep-15, 0x0400},
		{F16, 0x1.ffffp0, 0x4000}, {F16, tiny, 0},
		{BF16, 1, 0x3f80}, {BF16, negZero, 0x8000}, {BF16, 1 + 0x1p-8, 0x3f80}, {BF16, 1 + 0x1.8p-7, 0x3f82},
		{BF16, largest, 0x7f80}, {BF16, inf, 0x7f80}, {BF16, -inf, 0xff80}, {BF16, nan, 0x7fc0}, {BF16, tiny, 0},
	} {
		if got := ToHalf(r.t, r.x); got != r.want {
			t.Errorf("%v of %x is %#04x, want %#04x", r.t, r.x, got, r.want)
		}
	}
}

// TestHalfRoundTrip widens and narrows all 16-bit floats, and checks that what lies between neighbours rounds to the
// nearer one.
func TestHalfRoundTrip(t *testing.T) {
	for _, typ := range []Type{F16, BF16} {
		for h := range uint32(1 << 16) {
			x := FromHalf(typ, uint16(h))
			if x != x {
				continue
			}
			if got := ToHalf(typ, x); got != uint16(h) {
				t.Fatalf("%v: %#04x widens to %x and comes back as %#04x", typ, h, x, got)
			}
			next := FromHalf(typ, uint16(h+1))
			if h&0x7fff == 0x7fff || next != next || math.IsInf(float64(next), 0) || math.IsInf(float64(x), 0) {
				continue
			}
			even := h + h&1
			middle := float32((float64(x) + float64(next)) / 2)
			nearX, nearNext := math.Nextafter32(middle, x), math.Nextafter32(middle, next)
			for _, r := range []struct {
				x    float32
				want uint32
			}{{middle, even}, {nearX, h}, {nearNext, h + 1}} {
				if got := ToHalf(typ, r.x); uint32(got) != r.want {
					t.Fatalf("%v of %x is %#04x, want %#04x", typ, r.x, got, r.want)
				}
			}
		}
	}
}

// TestEveryOpHasAMeaning runs each op of the table on each type of its class.
func TestEveryOpHasAMeaning(t *testing.T) {
	for op := OpInvalid + 1; op < numOps; op++ {
		info := op.Info()
		if info.Name == "" || OpByName(info.Name) != op {
			t.Errorf("op %d has no name, or one that is another's", op)
		}
		for _, typ := range []Type{F32, F64, I32, U32, Bool} {
			if info.Class != ClassNone && info.Class.Has(typ) && !(info.Transc && typ == F32) {
				Scalar(op, typ, [3]uint64{})
			}
		}
	}
}

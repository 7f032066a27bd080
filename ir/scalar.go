package ir

import (
	"math"
	"math/bits"
)

// The exact meaning of the ops on float32, which every backend reproduces bit for bit. What is not here is Go's
// own operator on the type (add, sub, mul, div, neg by sign, comparisons, and, or, xor).

// CanonicalNaN32 is the NaN that bitcast and constants hold: NaN payloads carry no meaning.
const CanonicalNaN32 = 0x7fc00000

// FMA32 returns a*b + c rounded once. Rounding first to float64 and then to float32 would be wrong where the
// float64 lies exactly half way between two float32; there, the first rounding's error decides (round to odd).
func FMA32(a, b, c float32) float32 {
	p := float64(a) * float64(b) // exact: 48 bits
	s := p + float64(c)
	u := math.Float64bits(s)
	// The ambiguous cases: the 29 bits below float32's precision are 100...0, or the result is subnormal.
	if u&(1<<29-1) != 1<<28 && (s >= 0x1p-126 || s <= -0x1p-126 || s == 0) {
		return float32(s)
	}
	return fmaRoundToOdd(p, float64(c), s)
}

// fmaRoundToOdd returns p + c as float32, given s = p + c rounded to float64.
func fmaRoundToOdd(p, c, s float64) float32 {
	if math.IsInf(s, 0) || s != s {
		return float32(s)
	}
	t := s - p // TwoSum: s + e = p + c exactly
	e := (p - (s - t)) + (c - t)
	u := math.Float64bits(s)
	if e != 0 && u&1 == 0 {
		if (e > 0) == (s > 0) {
			u++
		} else {
			u--
		}
	}
	return float32(math.Float64frombits(u))
}

// Min32 is IEEE 754-2019 minimum: NaN if either is, -0 below +0.
func Min32(a, b float32) float32 { return min(a, b) }

// Max32 is IEEE 754-2019 maximum: NaN if either is, +0 above -0.
func Max32(a, b float32) float32 { return max(a, b) }

// Abs32 clears the sign.
func Abs32(a float32) float32 { return math.Float32frombits(math.Float32bits(a) &^ (1 << 31)) }

// Neg32 flips the sign.
func Neg32(a float32) float32 { return math.Float32frombits(math.Float32bits(a) ^ 1<<31) }

// Sqrt32 is the square root, rounded correctly (a float64 root of a float32 never double-rounds wrongly).
func Sqrt32(a float32) float32 { return float32(math.Sqrt(float64(a))) }

// Floor32 rounds down.
func Floor32(a float32) float32 { return float32(math.Floor(float64(a))) }

// Ceil32 rounds up.
func Ceil32(a float32) float32 { return float32(math.Ceil(float64(a))) }

// Trunc32 rounds towards zero.
func Trunc32(a float32) float32 { return float32(math.Trunc(float64(a))) }

// Round32 rounds to the nearest integer, ties to even.
func Round32(a float32) float32 { return float32(math.RoundToEven(float64(a))) }

// Scale32 returns a * 2^floor(n), rounded once: in float64 nothing is lost but what is below or above all float32.
func Scale32(a, n float32) float32 { return float32(Scale64(float64(a), float64(n))) }

// Scale64 returns a * 2^floor(n), rounded once; NaN if a or n is. As a product with 2^n, an infinite n makes NaN of 0 and
// of infinity, in one direction each.
func Scale64(a, n float64) float64 {
	switch {
	case a != a || n != n:
		return math.NaN()
	case math.IsInf(n, 1):
		return a * n
	case math.IsInf(n, -1):
		return a * 0
	}
	const beyond = 1 << 12 // takes any number to 0 or infinity
	return math.Ldexp(a, int(math.Floor(max(-beyond, min(n, beyond)))))
}

// DivI32 truncates; x/0 is 0, MinInt32/-1 is MinInt32.
func DivI32(a, b int32) int32 {
	if b == 0 {
		return 0
	}
	return a / b
}

// RemI32 is a - (a/b)*b; a%0 is 0.
func RemI32(a, b int32) int32 {
	if b == 0 {
		return 0
	}
	return a % b
}

// DivU32 truncates; x/0 is 0.
func DivU32(a, b uint32) uint32 {
	if b == 0 {
		return 0
	}
	return a / b
}

// RemU32 is the remainder; a%0 is 0.
func RemU32(a, b uint32) uint32 {
	if b == 0 {
		return 0
	}
	return a % b
}

// MulHiI32 is the high half of the signed product.
func MulHiI32(a, b int32) int32 { return int32(int64(a) * int64(b) >> 32) }

// MulHiU32 is the high half of the unsigned product.
func MulHiU32(a, b uint32) uint32 { h, _ := bits.Mul32(a, b); return h }

// ToI32 truncates towards zero, saturates, and takes NaN to 0.
func ToI32(a float64) int32 {
	switch {
	case a != a:
		return 0
	case a <= math.MinInt32:
		return math.MinInt32
	case a >= math.MaxInt32:
		return math.MaxInt32
	}
	return int32(a)
}

// ToU32 truncates towards zero, saturates, and takes NaN and what is below 0 to 0.
func ToU32(a float64) uint32 {
	switch {
	case !(a > 0):
		return 0
	case a >= math.MaxUint32:
		return math.MaxUint32
	}
	return uint32(a)
}

// Bits32 returns the bits of a with NaN made canonical.
func Bits32(a float32) uint32 {
	if a != a {
		return CanonicalNaN32
	}
	return math.Float32bits(a)
}

// FromBits32 returns the float32 with the given bits, NaN made canonical.
func FromBits32(b uint32) float32 {
	f := math.Float32frombits(b)
	if f != f {
		return math.Float32frombits(CanonicalNaN32)
	}
	return f
}

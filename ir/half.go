package ir

import "math"

// FromHalf widens a 16-bit float: F16 (IEEE 754 binary16) or BF16 (the upper half of a binary32).
func FromHalf(t Type, h uint16) float32 {
	if t == BF16 {
		return FromBits32(uint32(h) << 16)
	}
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch {
	case exp == 31:
		return FromBits32(sign | 0x7f800000 | frac<<13)
	case exp == 0: // subnormal: frac * 2^-24
		f := float32(frac) * 0x1p-24
		return math.Float32frombits(math.Float32bits(f) | sign)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// ToHalf rounds to a 16-bit float, ties to even; NaN becomes canonical.
func ToHalf(t Type, x float32) uint16 {
	b := Bits32(x)
	if t == BF16 {
		if x != x {
			return uint16(b >> 16)
		}
		return uint16((b + 0x7fff + b>>16&1) >> 16)
	}
	sign := uint16(b >> 16 & 0x8000)
	if x != x {
		return 0x7e00
	}
	a := math.Abs(float64(x))
	switch {
	case a >= 65520:
		return sign | 0x7c00
	case a < 0x1p-14:
		return sign | uint16(math.RoundToEven(a*0x1p24))
	}
	frac, exp := math.Frexp(a) // a = frac * 2^exp, frac in [0.5, 1)
	m := uint16(math.RoundToEven(frac * 2048))
	return sign + uint16(exp+14)<<10 + m - 1024
}

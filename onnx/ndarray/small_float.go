package ndarray

import "math"

// Half is an IEEE 754 binary16 number: a sign, 5 bits of exponent, 10 bits of fraction.
type Half uint16

// Brain is a bfloat16 number, the upper half of a float32.
type Brain uint16

// HalfOf rounds to the nearest Half, ties to even; what is too large becomes an infinity.
func HalfOf(x float64) Half {
	const (
		smallest = 0x1p-14 // smallest normal number
		unit     = 0x1p-24 // spacing of subnormal numbers
		overflow = 65520   // halfway between the largest number and the next
		infinity = 0x1f << 10
	)
	sign := Half(math.Float64bits(x) >> 48 & 0x8000)
	switch magnitude := math.Abs(x); {
	case math.IsNaN(x):
		return sign | infinity | 0x200
	case magnitude >= overflow:
		return sign | infinity
	case magnitude < smallest:
		return sign | Half(math.RoundToEven(magnitude/unit)) // 1024, should it round up that far, is the smallest normal
	default:
		fraction, exponent := math.Frexp(magnitude) // in [0.5, 1)
		significand := math.RoundToEven(fraction * 2048)
		return sign | Half((exponent+13)<<10+int(significand)) // the leading bit of 1024 counts the exponent up by one
	}
}

// Float32 returns the number, which a float32 holds exactly.
func (h Half) Float32() float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exponent {
	case 0:
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 0x1f:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// BrainOf rounds to the nearest Brain, ties to even.
func BrainOf(x float64) Brain {
	single := float32(x)
	if back := float64(single); back != x && !math.IsInf(back, 0) {
		single = oddRounded(x, single)
	}
	bits := math.Float32bits(single)
	if single != single {
		return Brain(bits>>16 | 0x40)
	}
	return Brain((bits + 0x7fff + bits>>16&1) >> 16)
}

// oddRounded replaces nearest, the float32 nearest to x, by the neighbour of x whose last bit is set. Rounding that to
// fewer bits is the same as rounding x, where rounding the nearest twice is not.
func oddRounded(x float64, nearest float32) float32 {
	if math.Float32bits(nearest)&1 == 1 {
		return nearest
	}
	toward := float32(math.Inf(1))
	if x < float64(nearest) {
		toward = -toward
	}
	return math.Nextafter32(nearest, toward)
}

// Float32 returns the number.
func (b Brain) Float32() float32 { return math.Float32frombits(uint32(b) << 16) }

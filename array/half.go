package array

import "math"

// A format of 16 bits has a sign, exponent bits with a bias, and fraction bits, as IEEE 754 has them.
type format16 struct {
	fraction int // bits
	bias     int
}

// ToFloat16 rounds to the bits of the nearest Float16, ties to even, and in one step: a float64 holds every float32.
// What is too large becomes infinite. A NaN stays one, with the upper bits of its payload, and quiet.
func ToFloat16(value float64) uint16 { return ieeeHalf().encode(value) }

// ToBFloat16 is ToFloat16 for BFloat16.
func ToBFloat16(value float64) uint16 { return brain().encode(value) }

// ieeeHalf is binary16, brain is the upper half of binary32.
func ieeeHalf() format16 { return format16{10, 15} }
func brain() format16    { return format16{7, 127} }

// encode rounds as ToFloat16 does. Exponent and fraction are one number of which the low bits are rounded away: a carry
// out of the fraction makes the next exponent, and out of the largest finite value infinity, which is the right result
// in both cases.
func (f format16) encode(value float64) uint16 {
	bits := math.Float64bits(value)
	sign := uint16(bits >> 48 & 0x8000)
	exponent, fraction := int(bits>>52&0x7ff), bits&(1<<52-1)
	infinity := uint16(2*f.bias+1) << f.fraction
	drop := 52 - f.fraction
	switch {
	case exponent == 0x7ff && fraction != 0:
		return sign | infinity | 1<<(f.fraction-1) | uint16(fraction>>drop)
	case exponent == 0x7ff:
		return sign | infinity
	}
	exponent += f.bias - 1023
	switch {
	case exponent > 2*f.bias:
		return sign | infinity
	case exponent > 0:
		return sign | uint16(roundOff(uint64(exponent)<<52|fraction, drop))
	case exponent < -f.fraction: // below half of the smallest value
		return sign
	}
	return sign | uint16(roundOff(1<<52|fraction, drop+1-exponent))
}

// roundOff divides by 2^drop, for drop from 1 to 63, to the nearest integer, ties to even.
func roundOff(x uint64, drop int) uint64 {
	whole, rest, half := x>>drop, x&(1<<drop-1), uint64(1)<<(drop-1)
	if rest > half || rest == half && whole&1 == 1 {
		whole++
	}
	return whole
}

// FromFloat16 returns what the bits of a Float16 stand for, exactly.
func FromFloat16(bits uint16) float32 {
	sign, exponent, fraction := uint32(bits)>>15<<31, uint32(bits>>10&0x1f), uint32(bits&0x3ff)
	switch exponent {
	case 0:
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)/(1<<24)))
	case 0x1f:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// FromBFloat16 returns what the bits of a BFloat16 stand for, exactly.
func FromBFloat16(bits uint16) float32 { return math.Float32frombits(uint32(bits) << 16) }

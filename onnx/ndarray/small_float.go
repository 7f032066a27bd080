package ndarray

import "github.com/baremetaldevx86/microdr/array"

// Half is an IEEE 754 binary16 number: a sign, 5 bits of exponent, 10 bits of fraction.
type Half uint16

// Brain is a bfloat16 number, the upper half of a float32.
type Brain uint16

// HalfOf rounds to the nearest Half, ties to even; what is too large becomes an infinity.
func HalfOf(x float64) Half { return Half(array.ToFloat16(x)) }

// Float32 returns the number, which a float32 holds exactly.
func (h Half) Float32() float32 { return array.FromFloat16(uint16(h)) }

// BrainOf rounds to the nearest Brain, ties to even.
func BrainOf(x float64) Brain { return Brain(array.ToBFloat16(x)) }

// Float32 returns the number.
func (b Brain) Float32() float32 { return array.FromBFloat16(uint16(b)) }

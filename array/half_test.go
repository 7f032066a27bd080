package array

import (
	"math"
	"testing"
)

// value is what the bits of a format mean, from the definition.
func (f format16) value(bits uint16) float64 {
	exponent := int(bits&0x7fff) >> f.fraction
	fraction := float64(int(bits)&(1<<f.fraction-1)) / float64(int(1)<<f.fraction)
	sign := 1 - 2*float64(bits>>15)
	switch {
	case exponent == 0:
		return sign * math.Ldexp(fraction, 1-f.bias)
	case exponent == 2*f.bias+1 && fraction == 0:
		return math.Inf(int(sign))
	case exponent == 2*f.bias+1:
		return math.NaN()
	}
	return sign * math.Ldexp(1+fraction, exponent-f.bias)
}

// TestHalfDecode holds all 65536 values of both formats to the definition.
func TestHalfDecode(t *testing.T) {
	for bits := range 1 << 16 {
		for _, r := range []struct {
			name   string
			format format16
			got    float32
		}{
			{"binary16", ieeeHalf(), FromFloat16(uint16(bits))},
			{"bfloat16", brain(), FromBFloat16(uint16(bits))},
		} {
			want := r.format.value(uint16(bits))
			if float64(r.got) != want && (want == want || r.got == r.got) || math.Signbit(float64(r.got)) != (bits>>15 == 1) {
				t.Fatalf("%s %04x is %v, want %v", r.name, bits, r.got, want)
			}
			if back := r.format.encode(float64(r.got)); want == want && back != uint16(bits) {
				t.Fatalf("%s: %v became %04x, want %04x", r.name, r.got, back, bits)
			}
		}
	}
}

// TestHalfRounds looks at the middle of every two neighbours, which goes to the even one, and at what is next to it.
// The neighbour of the largest value is what would follow if the exponent had no end: from the middle on it is
// infinite.
func TestHalfRounds(t *testing.T) {
	for _, f := range []format16{ieeeHalf(), brain()} {
		infinity := (2*f.bias + 1) << f.fraction
		for low := range infinity {
			next := f.value(uint16(low + 1))
			if low+1 == infinity {
				next = math.Ldexp(1, f.bias+1)
			}
			middle := (f.value(uint16(low)) + next) / 2
			even := low + low&1
			for _, r := range []struct {
				in   float64
				want int
			}{
				{math.Nextafter(middle, 0), low}, {middle, even}, {math.Nextafter(middle, next), low + 1},
			} {
				if got := f.encode(r.in); got != uint16(r.want) {
					t.Fatalf("%v: %v became %04x, want %04x", f, r.in, got, r.want)
				}
				if got := f.encode(-r.in); got != uint16(r.want)|0x8000 {
					t.Fatalf("%v: %v became %04x, want %04x", f, -r.in, got, r.want|0x8000)
				}
			}
		}
	}
}

func TestHalfExtremes(t *testing.T) {
	for _, r := range []struct {
		in          float64
		half, brain uint16
	}{
		{math.Inf(1), 0x7c00, 0x7f80},
		{math.Inf(-1), 0xfc00, 0xff80},
		{math.MaxFloat64, 0x7c00, 0x7f80},
		{math.SmallestNonzeroFloat64, 0, 0},
		{-math.SmallestNonzeroFloat64, 0x8000, 0x8000},
		{math.Copysign(0, -1), 0x8000, 0x8000},
		{65504, 0x7bff, 0x4780},
		{65520, 0x7c00, 0x4780},
		{math.Float64frombits(0x7ff0000000000001), 0x7e00, 0x7fc0}, // a NaN whose payload does not fit
	} {
		if got := ToFloat16(r.in); got != r.half {
			t.Errorf("binary16 of %v is %04x, want %04x", r.in, got, r.half)
		}
		if got := ToBFloat16(r.in); got != r.brain {
			t.Errorf("bfloat16 of %v is %04x, want %04x", r.in, got, r.brain)
		}
	}
}

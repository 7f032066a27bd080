package film

import (
	"fmt"
	"math"
)

// Encoding says how the numbers of an 8 or 16 bit file relate to linear scene values.
type Encoding int

const (
	SRGB   Encoding = iota // the curve of IEC 61966-2-1
	Linear                 // value / largest value
)

// String returns the name that ParseEncoding reads.
func (e Encoding) String() string {
	switch e {
	case SRGB:
		return "srgb"
	case Linear:
		return "linear"
	}
	return fmt.Sprintf("Encoding(%d)", int(e))
}

// ParseEncoding reads "srgb" or "linear".
func ParseEncoding(s string) (Encoding, error) {
	for _, e := range []Encoding{SRGB, Linear} {
		if s == e.String() {
			return e, nil
		}
	}
	return 0, fmt.Errorf("film: encoding %q, expected srgb or linear", s)
}

// SRGBToLinear is the sRGB curve of IEC 61966-2-1: encoded value in [0, 1] to linear light in [0, 1]. Outside, the formula goes on.
func SRGBToLinear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// LinearToSRGB is the inverse curve as IEC 61966-2-1 prints it; its rounded threshold makes a step of about 1e-8, far below 16 bits.
func LinearToSRGB(v float64) float64 {
	if v <= 0.0031308 {
		return 12.92 * v
	}
	return float64(1.055*math.Pow(v, 1/2.4)) - 0.055
}

// decode turns an encoded value in [0, 1] into a linear one.
func (e Encoding) decode(v float64) float64 {
	if e == SRGB {
		return SRGBToLinear(v)
	}
	return v
}

// encode turns a linear value into an encoded one.
func (e Encoding) encode(v float64) float64 {
	if e == SRGB {
		return LinearToSRGB(v)
	}
	return v
}

// table returns the linear value of every code 0..largest.
func (e Encoding) table(largest int) []float32 {
	t := make([]float32, largest+1)
	for i := range t {
		t[i] = float32(e.decode(float64(i) / float64(largest)))
	}
	return t
}

// quantise rounds an encoded value in [0, 1] to 0..largest; it clamps, and NaN becomes 0.
func quantise(v float64, largest int) int {
	switch {
	case v >= 1:
		return largest
	case v > 0:
		return int(float64(v*float64(largest)) + 0.5)
	}
	return 0
}

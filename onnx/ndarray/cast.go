package ndarray

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Cast converts the elements. Floats are cut toward zero to become integers, and integers that do not fit lose their
// upper bits, as in C; what is not zero is true. Strings are read and written as decimal numbers. Errors: a string that
// is no number, and conversions from or to complex numbers.
func Cast(a *Array, to Type) (*Array, error) {
	if a.typ == to {
		return a, nil
	}
	convert, ok := casts[to]
	if !ok || a.typ == Complex64 || a.typ == Complex128 {
		return nil, fmt.Errorf("ndarray: expected a conversion between real types, got %v to %v", a.typ, to)
	}
	data, err := convert(a.data)
	if err != nil {
		return nil, err
	}
	return &Array{to, a.shape, data}, nil
}

// mustCast is for conversions between numbers, which do not fail.
func mustCast(a *Array, to Type) *Array {
	out, err := Cast(a, to)
	if err != nil {
		panic(err)
	}
	return out
}

// casts has a row for each type that elements can become.
var casts = map[Type]func(from any) (any, error){
	Float32:    castTo(rounded[float32], low[int64, float32], low[uint64, float32]),
	Float64:    castTo(rounded[float64], low[int64, float64], low[uint64, float64]),
	HalfFloat:  castTo(HalfOf, small[int64](HalfOf), small[uint64](HalfOf)),
	BrainFloat: castTo(BrainOf, small[int64](BrainOf), small[uint64](BrainOf)),
	Int8:       castTo(cut[int8], low[int64, int8], low[uint64, int8]),
	Int16:      castTo(cut[int16], low[int64, int16], low[uint64, int16]),
	Int32:      castTo(cut[int32], low[int64, int32], low[uint64, int32]),
	Int64:      castTo(cut[int64], low[int64, int64], low[uint64, int64]),
	Uint8:      castTo(cut[uint8], low[int64, uint8], low[uint64, uint8]),
	Uint16:     castTo(cut[uint16], low[int64, uint16], low[uint64, uint16]),
	Uint32:     castTo(cut[uint32], low[int64, uint32], low[uint64, uint32]),
	Uint64:     castTo(cutUnsigned, low[int64, uint64], low[uint64, uint64]),
	Bool:       castTo(notZero[float64], notZero[int64], notZero[uint64]),
	String:     castToString,
}

// cut drops the fraction. Go leaves open what becomes of what does not fit, so that is the lowest int64 everywhere.
func cut[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](x float64) T {
	if x >= 0x1p63 || x < -0x1p63 || x != x {
		lowest := int64(math.MinInt64)
		return T(lowest)
	}
	return T(int64(x))
}

func cutUnsigned(x float64) uint64 {
	if x >= 0x1p63 && x < 0x1p64 {
		return uint64(x-0x1p63) + 1<<63
	}
	return uint64(cut[int64](x))
}

func low[S int64 | uint64, T Number](x S) T { return T(x) }

func rounded[T float32 | float64](x float64) T { return T(x) }

func notZero[S float64 | int64 | uint64](x S) bool { return x != 0 }

func small[S int64 | uint64, T Half | Brain](of func(float64) T) func(S) T {
	return func(x S) T { return of(float64(x)) }
}

// castTo returns a conversion from any type, given those from the widest ones.
func castTo[T Element](ofFloat func(float64) T, ofInt func(int64) T, ofUint func(uint64) T) func(any) (any, error) {
	return func(from any) (any, error) {
		switch from := from.(type) {
		case []float32:
			return mapped(from, func(x float32) T { return ofFloat(float64(x)) }), nil
		case []float64:
			return mapped(from, ofFloat), nil
		case []Half:
			return mapped(from, func(x Half) T { return ofFloat(float64(x.Float32())) }), nil
		case []Brain:
			return mapped(from, func(x Brain) T { return ofFloat(float64(x.Float32())) }), nil
		case []int8:
			return mapped(from, func(x int8) T { return ofInt(int64(x)) }), nil
		case []int16:
			return mapped(from, func(x int16) T { return ofInt(int64(x)) }), nil
		case []int32:
			return mapped(from, func(x int32) T { return ofInt(int64(x)) }), nil
		case []int64:
			return mapped(from, ofInt), nil
		case []uint8:
			return mapped(from, func(x uint8) T { return ofUint(uint64(x)) }), nil
		case []uint16:
			return mapped(from, func(x uint16) T { return ofUint(uint64(x)) }), nil
		case []uint32:
			return mapped(from, func(x uint32) T { return ofUint(uint64(x)) }), nil
		case []uint64:
			return mapped(from, ofUint), nil
		case []bool:
			return mapped(from, func(x bool) T {
				if x {
					return ofInt(1)
				}
				return ofInt(0)
			}), nil
		case []string:
			return parsed(from, ofFloat, ofInt)
		}
		return nil, fmt.Errorf("ndarray: no conversion from %T", from)
	}
}

func mapped[S, T any](from []S, f func(S) T) []T {
	out := make([]T, len(from))
	for i, v := range from {
		out[i] = f(v)
	}
	return out
}

// parsed reads numbers, integers exactly where they fit.
func parsed[T any](from []string, ofFloat func(float64) T, ofInt func(int64) T) (any, error) {
	out := make([]T, len(from))
	for i, text := range from {
		text = strings.TrimSpace(text)
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			out[i] = ofInt(v)
			continue
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil && !math.IsInf(v, 0) {
			return nil, fmt.Errorf("ndarray: expected a number, got %q", text)
		}
		out[i] = ofFloat(v)
	}
	return out, nil
}

// castToString writes the shortest decimals that read back, with a digit after the point, as NumPy does; those of 16
// bits, which NumPy shortens further, as the float32s that they are.
func castToString(from any) (any, error) {
	switch from := from.(type) {
	case []float32:
		return mapped(from, func(x float32) string { return decimal(float64(x), 32) }), nil
	case []Half:
		return mapped(from, func(x Half) string { return decimal(float64(x.Float32()), 32) }), nil
	case []Brain:
		return mapped(from, func(x Brain) string { return decimal(float64(x.Float32()), 32) }), nil
	case []bool:
		return mapped(from, strconv.FormatBool), nil
	}
	return castTo(func(x float64) string { return decimal(x, 64) },
		func(x int64) string { return strconv.FormatInt(x, 10) },
		func(x uint64) string { return strconv.FormatUint(x, 10) })(from)
}

func decimal(x float64, bits int) string {
	switch {
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 1):
		return "INF"
	case math.IsInf(x, -1):
		return "-INF"
	}
	text := strconv.FormatFloat(x, 'g', -1, bits)
	if magnitude := math.Abs(x); magnitude == 0 || magnitude >= 1e-4 && magnitude < 1e16 {
		text = strconv.FormatFloat(x, 'f', -1, bits)
	}
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

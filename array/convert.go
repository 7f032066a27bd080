package array

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Number is a Go type whose values are the elements of an array.
type Number interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

// Of returns an array with a copy of values; without a shape it has one dimension.
func Of[T Number](values []T, shape ...int) (*Array, error) {
	if len(shape) == 0 {
		shape = []int{len(values)}
	}
	t := typeOf[T]()
	a := &Array{t, slices.Clone(shape), make([]byte, len(values)*t.Size())}
	if err := a.Check(); err != nil {
		return nil, fmt.Errorf("array: %d values, expected as many as shape %v has", len(values), shape)
	}
	binary.Encode(a.Data, binary.LittleEndian, values)
	return a, nil
}

func typeOf[T Number]() Type {
	var zero T
	switch any(zero).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case uint8:
		return Uint8
	case uint16:
		return Uint16
	case uint32:
		return Uint32
	}
	return Uint64
}

// To returns the elements as values of T. Floats are rounded to the nearest value of T where it is a float type, and
// are never made integers; integers that T does not hold are an error, which names the first. True is 1.
func To[T Number](a *Array) ([]T, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	out := make([]T, a.Len())
	if err := fill(out, a); err != nil {
		return nil, err
	}
	return out, nil
}

// fill converts all elements: the same type goes in one call, all others through a function for each type of element.
func fill[T Number](out []T, a *Array) error {
	if a.Type == typeOf[T]() {
		binary.Decode(a.Data, binary.LittleEndian, out)
		return nil
	}
	order := binary.LittleEndian
	switch a.Type {
	case Float16:
		return floats(out, a, func(p []byte) float32 { return FromFloat16(order.Uint16(p)) })
	case BFloat16:
		return floats(out, a, func(p []byte) float32 { return FromBFloat16(order.Uint16(p)) })
	case Float32:
		return floats(out, a, func(p []byte) float32 { return math.Float32frombits(order.Uint32(p)) })
	case Float64:
		return floats(out, a, func(p []byte) float64 { return math.Float64frombits(order.Uint64(p)) })
	case Int8:
		return integers(out, a, func(p []byte) int8 { return int8(p[0]) })
	case Int16:
		return integers(out, a, func(p []byte) int16 { return int16(order.Uint16(p)) })
	case Int32:
		return integers(out, a, func(p []byte) int32 { return int32(order.Uint32(p)) })
	case Int64:
		return integers(out, a, func(p []byte) int64 { return int64(order.Uint64(p)) })
	case Uint8:
		return integers(out, a, func(p []byte) uint8 { return p[0] })
	case Uint16:
		return integers(out, a, func(p []byte) uint16 { return order.Uint16(p) })
	case Uint32:
		return integers(out, a, func(p []byte) uint32 { return order.Uint32(p) })
	case Uint64:
		return integers(out, a, func(p []byte) uint64 { return order.Uint64(p) })
	}
	return integers(out, a, func(p []byte) uint8 { return min(p[0], 1) })
}

// floats converts elements of a float type, which load reads.
func floats[T, S Number](out []T, a *Array, load func([]byte) S) error {
	if !isFloat(typeOf[T]()) {
		return fmt.Errorf("array: elements %s as %s, expected a float type to convert to", a.Type, typeOf[T]())
	}
	size := a.Type.Size()
	for i := range out {
		out[i] = T(load(a.Data[i*size:]))
	}
	return nil
}

// integers converts elements of an integer type. What comes back the same and with the same sign was held.
func integers[T, S Number](out []T, a *Array, load func([]byte) S) error {
	size, rounds := a.Type.Size(), isFloat(typeOf[T]())
	for i := range out {
		element := load(a.Data[i*size:])
		value := T(element)
		if !rounds && (S(value) != element || (value < 0) != (element < 0)) {
			return fmt.Errorf("array: element %d is %v, expected one that %s holds", i, element, typeOf[T]())
		}
		out[i] = value
	}
	return nil
}

func isFloat(t Type) bool { return t == Float32 || t == Float64 || t == Float16 || t == BFloat16 }

// As returns the array with elements of type t, by the rules of To: floats are rounded once, to the nearest with ties
// to even, also to 16 bits. To Bool, what is not 0 is true. An array of that type already is returned as it is.
func (a *Array) As(t Type) (*Array, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	if a.Type == t {
		return a, nil
	}
	convert, ok := conversions[t]
	if !ok {
		return nil, fmt.Errorf("array: element type %q to convert to, expected f2, bf2, f4, f8, i1 to i8, u1 to u8 or b1",
			string(t))
	}
	data, err := convert(a)
	if err != nil {
		return nil, err
	}
	return &Array{t, slices.Clone(a.Shape), data}, nil
}

// conversions make the data of an array of the type.
var conversions = map[Type]func(*Array) ([]byte, error){
	Float16:  func(a *Array) ([]byte, error) { return to16(a, ToFloat16) },
	BFloat16: func(a *Array) ([]byte, error) { return to16(a, ToBFloat16) },
	Float32:  through[float32],
	Float64:  through[float64],
	Int8:     through[int8],
	Int16:    through[int16],
	Int32:    through[int32],
	Int64:    through[int64],
	Uint8:    through[uint8],
	Uint16:   through[uint16],
	Uint32:   through[uint32],
	Uint64:   through[uint64],
	Bool:     toBool,
}

func through[T Number](a *Array) ([]byte, error) {
	values, err := To[T](a)
	if err != nil {
		return nil, err
	}
	converted, err := Of(values)
	if err != nil {
		return nil, err
	}
	return converted.Data, nil
}

// to16 goes through float64, which holds all but integers above 2^53; those are beyond binary16, and for bfloat16 the
// first rounding keeps 45 bits more than the second, but a tie made by the first could be one too many. Integers of 64
// bits are therefore refused where float64 does not hold them.
func to16(a *Array, round func(float64) uint16) ([]byte, error) {
	values, err := To[float64](a)
	if err != nil {
		return nil, err
	}
	data := make([]byte, 2*len(values))
	for i, v := range values {
		if math.Abs(v) >= 1<<53 && (a.Type == Int64 || a.Type == Uint64) {
			return nil, fmt.Errorf("array: element %d is %v, expected an integer below 2^53 to convert to 16 bits", i, v)
		}
		binary.LittleEndian.PutUint16(data[2*i:], round(v))
	}
	return data, nil
}

func toBool(a *Array) ([]byte, error) {
	values, err := To[float64](a)
	if err != nil {
		return nil, err
	}
	data := make([]byte, len(values))
	for i, v := range values {
		if v != 0 {
			data[i] = 1
		}
	}
	return data, nil
}

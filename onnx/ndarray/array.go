package ndarray

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// MaxElements is the largest number of elements that an array may have.
const MaxElements = 1 << 28

// Array is an n-dimensional array in row-major order. Arrays are not changed once they are made, and kernels may
// return an array that shares its elements with an argument.
type Array struct {
	typ   Type
	shape []int
	data  any // []T, of Go's type for typ
}

// Element is the Go types of elements, Half and Brain among them.
type Element interface {
	float32 | uint8 | int8 | uint16 | int16 | int32 | int64 | string | bool | Half | float64 | uint32 | uint64 |
		complex64 | complex128 | Brain
}

// New returns an array of zeros (empty strings, false). Errors: an unknown type, a negative length, more than
// MaxElements.
func New(t Type, shape ...int) (*Array, error) {
	if !t.Known() {
		return nil, fmt.Errorf("ndarray: expected an element type, got %v", t)
	}
	n, err := Count(shape)
	if err != nil {
		return nil, err
	}
	return &Array{t, slices.Clone(shape), types[t].make(n)}, nil
}

// Of returns an array of the given elements, which it keeps. Errors: their number is not that of the shape.
func Of[T Element](data []T, shape ...int) (*Array, error) {
	n, err := Count(shape)
	if err != nil {
		return nil, err
	}
	if n != len(data) {
		return nil, fmt.Errorf("ndarray: expected %d elements for shape %v, got %d", n, shape, len(data))
	}
	return &Array{typeOf[T](), slices.Clone(shape), data}, nil
}

// Vector returns a one-dimensional array that keeps the elements.
func Vector[T Element](data ...T) *Array { return &Array{typeOf[T](), []int{len(data)}, data} }

// Scalar returns an array without dimensions.
func Scalar[T Element](value T) *Array { return &Array{typeOf[T](), []int{}, []T{value}} }

// typeOf returns the Type of elements of a Go type.
func typeOf[T Element]() Type {
	var sample any = makeSlice[T](0)
	for t, row := range types {
		if row.make != nil && row.is(sample) {
			return Type(t)
		}
	}
	panic(fmt.Sprintf("ndarray: %T has no type", sample))
}

// Count returns the number of elements of a shape. Errors: a negative length, more than MaxElements.
func Count(shape []int) (int, error) {
	n := uint64(1)
	for _, length := range shape {
		if length < 0 {
			return 0, fmt.Errorf("ndarray: expected lengths of 0 or more, got shape %v", shape)
		}
	}
	if slices.Contains(shape, 0) {
		return 0, nil
	}
	for _, length := range shape {
		over, product := bits.Mul64(n, uint64(length))
		if over != 0 || product > MaxElements {
			return 0, fmt.Errorf("ndarray: expected at most %d elements, got shape %v", MaxElements, shape)
		}
		n = product
	}
	return int(n), nil
}

// Type returns the type of the elements.
func (a *Array) Type() Type { return a.typ }

// Shape returns the lengths of the dimensions, which the caller must not change.
func (a *Array) Shape() []int { return a.shape }

// Rank returns the number of dimensions.
func (a *Array) Rank() int { return len(a.shape) }

// Len returns the number of elements.
func (a *Array) Len() int {
	n := 1
	for _, length := range a.shape {
		n *= length
	}
	return n
}

// Elements returns the elements, which the caller must not change. It panics if T is not the array's type.
func Elements[T Element](a *Array) []T { return a.data.([]T) }

// Any returns the elements as a []T, which the caller must not change.
func (a *Array) Any() any { return a.data }

// Reshape returns an array of the same elements in another shape. Errors: the shape has another number of elements.
func (a *Array) Reshape(shape ...int) (*Array, error) {
	n, err := Count(shape)
	if err != nil {
		return nil, err
	}
	if n != a.Len() {
		return nil, fmt.Errorf("ndarray: expected a shape for %d elements, got %v", a.Len(), shape)
	}
	return &Array{a.typ, slices.Clone(shape), a.data}, nil
}

// String returns type and shape.
func (a *Array) String() string { return fmt.Sprintf("%v%v", a.typ, a.shape) }

// Ints returns the elements as ints. Errors: they are no integers, or one does not fit.
func (a *Array) Ints() ([]int, error) {
	if !a.typ.IsInteger() {
		return nil, fmt.Errorf("ndarray: expected integers, got %v", a)
	}
	wide, err := Cast(a, Int64)
	if err != nil {
		return nil, err
	}
	out := make([]int, a.Len())
	for i, v := range Elements[int64](wide) {
		if out[i] = int(v); int64(out[i]) != v || a.typ == Uint64 && v < 0 {
			return nil, errors.New("ndarray: expected integers that fit into an int")
		}
	}
	return out, nil
}

// Floats returns the elements as float64s. Errors: they are no real numbers.
func (a *Array) Floats() ([]float64, error) {
	if !a.typ.IsNumber() {
		return nil, fmt.Errorf("ndarray: expected numbers, got %v", a)
	}
	wide, err := Cast(a, Float64)
	if err != nil {
		return nil, err
	}
	return Elements[float64](wide), nil
}

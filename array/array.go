// Package array is the common form of arrays that files hold: an element type, a shape and little-endian bytes in C
// order. It must not know any file format, nor what an array means. Start with Array; Of and To convert from and to Go
// slices, ToFloat16 and its neighbours single numbers of 16 bits.
package array

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Type is an element type, named as NumPy names it: kind, and bytes an element.
type Type string

// The element types. BFloat16 is the upper half of a float32, which NumPy has no name for.
const (
	Float16  Type = "f2" // IEEE 754 binary16
	BFloat16 Type = "bf2"
	Float32  Type = "f4"
	Float64  Type = "f8"
	Int8     Type = "i1"
	Int16    Type = "i2"
	Int32    Type = "i4"
	Int64    Type = "i8"
	Uint8    Type = "u1"
	Uint16   Type = "u2"
	Uint32   Type = "u4"
	Uint64   Type = "u8"
	Bool     Type = "b1" // a byte: 0 is false, anything else true
)

// typeSizes are the bytes of an element.
var typeSizes = map[Type]int{
	Float16: 2, BFloat16: 2, Float32: 4, Float64: 8,
	Int8: 1, Int16: 2, Int32: 4, Int64: 8,
	Uint8: 1, Uint16: 2, Uint32: 4, Uint64: 8,
	Bool: 1,
}

// Size returns the bytes of an element, 0 if t is none of the types above.
func (t Type) Size() int { return typeSizes[t] }

// MaxDimensions is the most dimensions that an array may have: that of NumPy 2.
const MaxDimensions = 64

// Array is an array of numbers. Data holds the elements one after the other, the last index fastest, each
// little-endian, whatever the machine. No dimension is a scalar: one element. Shape and Data are the array's own.
type Array struct {
	Type  Type
	Shape []int
	Data  []byte // Len() * Type.Size()
}

// New returns an array of zeros. Errors say which part of type and shape is not possible.
func New(t Type, shape ...int) (*Array, error) {
	n, err := Bytes(t, shape)
	if err != nil {
		return nil, fmt.Errorf("array: %w", err)
	}
	return &Array{t, slices.Clone(shape), make([]byte, n)}, nil
}

// Bytes returns the size of an array's data, or why there is no such array. It is for readers, which have to compare
// it with what a file has before they allocate; the error has no prefix.
func Bytes(t Type, shape []int) (int, error) {
	if t.Size() == 0 {
		return 0, fmt.Errorf("element type %q, expected f2, bf2, f4, f8, i1 to i8, u1 to u8 or b1", string(t))
	}
	if len(shape) > MaxDimensions {
		return 0, fmt.Errorf("%d dimensions, expected at most %d", len(shape), MaxDimensions)
	}
	n := t.Size()
	for _, side := range shape {
		if side < 0 {
			return 0, fmt.Errorf("shape %v, expected no negative size", shape)
		}
		if side > 0 && n > math.MaxInt/side {
			return 0, fmt.Errorf("shape %v of %s, expected one that an address space holds", shape, t)
		}
		n *= side
	}
	return n, nil
}

// Len returns the number of elements.
func (a *Array) Len() int {
	n := 1
	for _, side := range a.Shape {
		n *= side
	}
	return n
}

// Check reports whether an array that a caller put together is whole.
func (a *Array) Check() error {
	if a == nil {
		return errors.New("array: no array, expected one")
	}
	n, err := Bytes(a.Type, a.Shape)
	if err != nil {
		return fmt.Errorf("array: %w", err)
	}
	if len(a.Data) != n {
		return fmt.Errorf("array: %d bytes of data, expected %d for %s of shape %v", len(a.Data), n, a.Type, a.Shape)
	}
	return nil
}

// SwapBytes reverses the bytes of every element of data in place: big endian to little endian, and back.
func SwapBytes(data []byte, size int) {
	switch size {
	case 2:
		for ; len(data) >= 2; data = data[2:] {
			data[0], data[1] = data[1], data[0]
		}
	case 4:
		for ; len(data) >= 4; data = data[4:] {
			binary.LittleEndian.PutUint32(data, binary.BigEndian.Uint32(data))
		}
	case 8:
		for ; len(data) >= 8; data = data[8:] {
			binary.LittleEndian.PutUint64(data, binary.BigEndian.Uint64(data))
		}
	}
}

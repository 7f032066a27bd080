package format

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

// Array decodes the elements. Errors: a shape that is not one or that does not fit the number of elements, an unknown
// type, elements in the wrong list, or in another file (Model.LoadExternal reads those).
func (t *Tensor) Array() (*ndarray.Array, error) {
	a, err := t.decode()
	if err != nil {
		return nil, fmt.Errorf("onnx: tensor %q: %w", t.Name, err)
	}
	return a, nil
}

func (t *Tensor) decode() (*ndarray.Array, error) {
	if t.IsExternal {
		return nil, fmt.Errorf("its elements are in another file, expected them here")
	}
	shape, n, err := t.shape()
	if err != nil {
		return nil, err
	}
	c, ok := codecs[t.Type]
	if !ok {
		return nil, fmt.Errorf("expected an element type, got %v", t.Type)
	}
	if !t.HasRaw {
		return c.fromList(t, n, shape)
	}
	if t.Type == ndarray.String {
		return nil, fmt.Errorf("expected strings in string_data, got raw_data")
	}
	if len(t.Raw) != n*t.Type.Size() {
		return nil, fmt.Errorf("expected %d bytes of raw_data for %v%v, got %d", n*t.Type.Size(), t.Type, shape, len(t.Raw))
	}
	return c.fromRaw(t.Raw, n, shape)
}

func (t *Tensor) shape() (shape []int, count int, err error) {
	shape = make([]int, len(t.Shape))
	for i, length := range t.Shape {
		if length < 0 || length > math.MaxInt32 {
			return nil, 0, fmt.Errorf("expected lengths from 0 to 2^31-1, got shape %v", t.Shape)
		}
		shape[i] = int(length)
	}
	count, err = ndarray.Count(shape)
	return shape, count, err
}

// TensorOf encodes an array, as raw data where that can be.
func TensorOf(name string, a *ndarray.Array) *Tensor {
	t := &Tensor{Name: name, Type: a.Type(), Shape: make([]int64, a.Rank())}
	for i, length := range a.Shape() {
		t.Shape[i] = int64(length)
	}
	if a.Type() == ndarray.String {
		t.Strings = slices.Clone(ndarray.Elements[string](a))
		return t
	}
	raw, err := binary.Append(make([]byte, 0, a.Len()*a.Type().Size()), binary.LittleEndian, a.Any())
	if err != nil {
		panic(fmt.Sprintf("onnx: %v has no raw data: %v", a, err))
	}
	t.Raw, t.HasRaw = raw, true
	return t
}

// codec decodes the elements of a type.
type codec struct {
	fromRaw  func(raw []byte, n int, shape []int) (*ndarray.Array, error)
	fromList listDecoder
}

type listDecoder func(t *Tensor, n int, shape []int) (*ndarray.Array, error)

// codecs says in which list of a Tensor the elements of each type stand. The comments of onnx.proto are the source.
var codecs = map[ndarray.Type]codec{
	ndarray.Float32:    {raw[float32], list((*Tensor).floats, 1, only[float32])},
	ndarray.Float64:    {raw[float64], list((*Tensor).doubles, 1, only[float64])},
	ndarray.Complex64:  {raw[complex64], list((*Tensor).floats, 2, complexOf[float32, complex64])},
	ndarray.Complex128: {raw[complex128], list((*Tensor).doubles, 2, complexOf[float64, complex128])},
	ndarray.String:     {nil, list((*Tensor).strings, 1, only[string])},
	ndarray.Int64:      {raw[int64], list((*Tensor).ints64, 1, only[int64])},
	ndarray.Uint64:     {raw[uint64], list((*Tensor).uints64, 1, fits[uint64, uint64])},
	ndarray.Uint32:     {raw[uint32], list((*Tensor).uints64, 1, fits[uint64, uint32])},
	ndarray.Int32:      {raw[int32], list((*Tensor).ints32, 1, fits[int32, int32])},
	ndarray.Int16:      {raw[int16], list((*Tensor).ints32, 1, fits[int32, int16])},
	ndarray.Int8:       {raw[int8], list((*Tensor).ints32, 1, fits[int32, int8])},
	ndarray.Uint16:     {raw[uint16], list((*Tensor).ints32, 1, fits[int32, uint16])},
	ndarray.Uint8:      {raw[uint8], list((*Tensor).ints32, 1, fits[int32, uint8])},
	ndarray.HalfFloat:  {raw[ndarray.Half], list((*Tensor).ints32, 1, fits[int32, ndarray.Half])},
	ndarray.BrainFloat: {raw[ndarray.Brain], list((*Tensor).ints32, 1, fits[int32, ndarray.Brain])},
	ndarray.Bool: {rawBools, list((*Tensor).ints32, 1, func(v []int32) (bool, bool) {
		return v[0] != 0, v[0] == 0 || v[0] == 1
	})},
}

func (t *Tensor) floats() []float32  { return t.Floats }
func (t *Tensor) doubles() []float64 { return t.Doubles }
func (t *Tensor) strings() []string  { return t.Strings }
func (t *Tensor) ints32() []int32    { return t.Ints32 }
func (t *Tensor) ints64() []int64    { return t.Ints64 }
func (t *Tensor) uints64() []uint64  { return t.Uints64 }

// list returns a decoder that makes each element of width stored numbers, and refuses those that are no element.
func list[S any, T ndarray.Element](stored func(*Tensor) []S, width int, of func([]S) (T, bool)) listDecoder {
	return func(t *Tensor, n int, shape []int) (*ndarray.Array, error) {
		from := stored(t)
		if len(from) != n*width {
			return nil, fmt.Errorf("expected %d numbers for %v%v, got %d", n*width, t.Type, shape, len(from))
		}
		to := make([]T, n)
		for i := range to {
			var ok bool
			if to[i], ok = of(from[i*width : (i+1)*width]); !ok {
				return nil, fmt.Errorf("expected elements of type %v, got %v", t.Type, from[i*width])
			}
		}
		return ndarray.Of(to, shape...)
	}
}

func only[T any](v []T) (T, bool) { return v[0], true }

func fits[S int32 | uint64, T ~int8 | ~int16 | ~int32 | ~uint8 | ~uint16 | ~uint32 | ~uint64](v []S) (T, bool) {
	return T(v[0]), S(T(v[0])) == v[0]
}

func complexOf[F float32 | float64, C complex64 | complex128](v []F) (C, bool) {
	return C(complex(float64(v[0]), float64(v[1]))), true
}

// raw decodes n little-endian elements. Their size has been checked.
func raw[T ndarray.Element](data []byte, n int, shape []int) (*ndarray.Array, error) {
	out := make([]T, n)
	if _, err := binary.Decode(data, binary.LittleEndian, out); err != nil {
		return nil, fmt.Errorf("expected %d elements of raw_data: %w", n, err)
	}
	return ndarray.Of(out, shape...)
}

func rawBools(data []byte, n int, shape []int) (*ndarray.Array, error) {
	out := make([]bool, n)
	for i, b := range data {
		if b > 1 {
			return nil, fmt.Errorf("expected bytes 0 and 1 for bools, got %s", strconv.Itoa(int(b)))
		}
		out[i] = b == 1
	}
	return ndarray.Of(out, shape...)
}

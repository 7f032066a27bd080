package ndarray

import "fmt"

// Type is the type of an element, by its number in TensorProto.DataType of onnx.proto.
type Type int32

// The element types of ONNX. Undefined stands for "not given".
const (
	Undefined Type = iota
	Float32
	Uint8
	Int8
	Uint16
	Int16
	Int32
	Int64
	String
	Bool
	HalfFloat
	Float64
	Uint32
	Uint64
	Complex64
	Complex128
	BrainFloat
)

// typeRow is what there is to know of an element type.
type typeRow struct {
	name string
	size int // bytes in TensorProto.raw_data; 0 for what cannot stand there
	make func(n int) any
	is   func(slice any) bool
}

var types = [...]typeRow{
	Undefined:  {"undefined", 0, nil, nil},
	Float32:    {"float32", 4, makeSlice[float32], isSlice[float32]},
	Uint8:      {"uint8", 1, makeSlice[uint8], isSlice[uint8]},
	Int8:       {"int8", 1, makeSlice[int8], isSlice[int8]},
	Uint16:     {"uint16", 2, makeSlice[uint16], isSlice[uint16]},
	Int16:      {"int16", 2, makeSlice[int16], isSlice[int16]},
	Int32:      {"int32", 4, makeSlice[int32], isSlice[int32]},
	Int64:      {"int64", 8, makeSlice[int64], isSlice[int64]},
	String:     {"string", 0, makeSlice[string], isSlice[string]},
	Bool:       {"bool", 1, makeSlice[bool], isSlice[bool]},
	HalfFloat:  {"float16", 2, makeSlice[Half], isSlice[Half]},
	Float64:    {"float64", 8, makeSlice[float64], isSlice[float64]},
	Uint32:     {"uint32", 4, makeSlice[uint32], isSlice[uint32]},
	Uint64:     {"uint64", 8, makeSlice[uint64], isSlice[uint64]},
	Complex64:  {"complex64", 8, makeSlice[complex64], isSlice[complex64]},
	Complex128: {"complex128", 16, makeSlice[complex128], isSlice[complex128]},
	BrainFloat: {"bfloat16", 2, makeSlice[Brain], isSlice[Brain]},
}

func makeSlice[T any](n int) any { return make([]T, n) }

func isSlice[T any](slice any) bool { _, ok := slice.([]T); return ok }

// Known tells whether arrays of the type can be made.
func (t Type) Known() bool { return t > Undefined && int(t) < len(types) }

// String returns Go's name of the type, or NumPy's where Go has none.
func (t Type) String() string {
	if t < 0 || int(t) >= len(types) {
		return fmt.Sprintf("type %d", int32(t))
	}
	return types[t].name
}

// Size returns the bytes of an element in memory and in raw data, 0 for strings.
func (t Type) Size() int {
	if !t.Known() {
		return 0
	}
	return types[t].size
}

// IsFloat tells whether the type is a real floating point type.
func (t Type) IsFloat() bool { return t == Float32 || t == Float64 || t.IsSmallFloat() }

// IsSmallFloat tells whether the type is one of 16 bits, which kernels compute in float32.
func (t Type) IsSmallFloat() bool { return t == HalfFloat || t == BrainFloat }

// IsUnsigned tells whether the type is an unsigned integer.
func (t Type) IsUnsigned() bool { return t == Uint8 || t == Uint16 || t == Uint32 || t == Uint64 }

// IsInteger tells whether the type is an integer, signed or not.
func (t Type) IsInteger() bool {
	return t.IsUnsigned() || t == Int8 || t == Int16 || t == Int32 || t == Int64
}

// IsNumber tells whether the type is a real number.
func (t Type) IsNumber() bool { return t.IsFloat() || t.IsInteger() }

// TypeNamed returns the type of a name that String returns, or Undefined.
func TypeNamed(name string) Type {
	for t, row := range types {
		if row.name == name {
			return Type(t)
		}
	}
	return Undefined
}

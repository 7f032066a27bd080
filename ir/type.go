package ir

import "fmt"

// Type is the type of a value in a lane program or of an element of a buffer.
type Type uint8

// The types. F32 is the working type: the float64 oracle executes F32 nodes in float64. F64 serves accumulators
// and small solves. F16, BF16 and U8 exist only as storage: a buffer may hold them, a node may not.
const (
	Invalid Type = iota
	Bool
	I32
	U32
	F32
	F64
	F16
	BF16
	U8 // read as I32; storing keeps the lowest 8 bits
)

var typeNames = [...]string{"invalid", "bool", "i32", "u32", "f32", "f64", "f16", "bf16", "u8"}
var typeSizes = [...]int{0, 1, 4, 4, 4, 8, 2, 2, 1}

// String returns the type's name in the text form.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("type(%d)", uint8(t))
}

// Size returns the bytes that an element of type t takes in a buffer.
func (t Type) Size() int { return typeSizes[t] }

// Value returns the type of the values that elements of type t are read as.
func (t Type) Value() Type {
	switch t {
	case F16, BF16:
		return F32
	case U8:
		return I32
	}
	return t
}

// IsFloat tells whether t is a type that arithmetic rounds in and derivatives pass through.
func (t Type) IsFloat() bool { return t == F32 || t == F64 }

// IsInt tells whether t is a 32-bit integer type.
func (t Type) IsInt() bool { return t == I32 || t == U32 }

// TypeByName returns the type with the given name in the text form, or Invalid.
func TypeByName(name string) Type {
	for t, n := range typeNames {
		if n == name && t != 0 {
			return Type(t)
		}
	}
	return Invalid
}

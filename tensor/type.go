package tensor

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
)

// Type is the type of a tensor's elements.
type Type uint8

// The types. Float32 is what is computed with; on an engine for checks (see [CheckGrad]) its elements are float64. The last
// three are for storage: elements of Float16 and BFloat16 are rounded when they are written, and count as Float32 where they
// are used; those of Uint8 keep the lowest 8 bits, and count as Int32.
const (
	Float32 Type = iota
	Int32
	Uint32
	Bool
	Float16
	BFloat16
	Uint8
)

var types = [...]struct {
	name  string
	ir    ir.Type // of the elements in a buffer
	value ir.Type // of an element in a program
}{
	Float32:  {"float32", ir.F32, ir.F32},
	Int32:    {"int32", ir.I32, ir.I32},
	Uint32:   {"uint32", ir.U32, ir.U32},
	Bool:     {"bool", ir.Bool, ir.Bool},
	Float16:  {"float16", ir.F16, ir.F32},
	BFloat16: {"bfloat16", ir.BF16, ir.F32},
	Uint8:    {"uint8", ir.U8, ir.I32},
}

// String returns the name that NumPy gives the type.
func (t Type) String() string { return types[t].name }

// Size returns the bytes of an element.
func (t Type) Size() int { return types[t].ir.Size() }

// IsFloat tells whether the elements are real numbers, through which derivatives pass.
func (t Type) IsFloat() bool { return types[t].value == ir.F32 }

// number returns x as an element of the type, rounded if it is for storage. Integers take no other numbers.
func (t Type) number(call string, x float64) float64 {
	switch {
	case t == Float16 || t == BFloat16:
		return float64(ir.FromHalf(types[t].ir, ir.ToHalf(types[t].ir, float32(x))))
	case !t.IsFloat() && (x != math.Trunc(x) || t.beyond(x)):
		fail(call, "%v is no %v", x, t)
	}
	return x
}

// beyond tells whether an integer is too large for the type.
func (t Type) beyond(x float64) bool {
	lo, hi := math.MinInt32+0.0, math.MaxInt32+0.0
	switch t {
	case Uint32:
		lo, hi = 0, math.MaxUint32
	case Uint8:
		lo, hi = 0, math.MaxUint8
	case Bool:
		lo, hi = 0, 1
	}
	return x < lo || x > hi
}

// value returns the type of an element in a program.
func (t Type) value() ir.Type { return types[t].value }

// typeOf returns the tensor type of the values of a program.
func typeOf(t ir.Type) Type {
	for i := range types {
		if types[i].ir == t {
			return Type(i)
		}
	}
	panic("tensor: no tensors of " + t.String())
}

package onnx

import (
	"fmt"
	"strings"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
	"github.com/baremetaldevx86/microdr/tensor"
)

// Value is what flows along an edge of a graph: a Tensor, a *Sequence or an *Optional. The zero Value, nil, is an
// input that is not given.
type Value interface{ String() string }

// Tensor is a value with elements: an *ndarray.Array, or a deferred one.
type Tensor interface {
	Value
	Type() ndarray.Type
	Shape() []int
}

// Sequence is a list of values of the same kind.
type Sequence struct{ Values []Value }

// Optional holds a value or, if that is nil, none.
type Optional struct{ Value Value }

// String lists the elements' types and shapes.
func (s *Sequence) String() string {
	list := make([]string, len(s.Values))
	for i, v := range s.Values {
		list[i] = v.String()
	}
	return "sequence(" + strings.Join(list, ", ") + ")"
}

// String tells what is held.
func (o *Optional) String() string {
	if o.Value == nil {
		return "optional()"
	}
	return "optional(" + o.Value.String() + ")"
}

func describe(v Value) string {
	if v == nil {
		return "nothing"
	}
	return v.String()
}

// failure is an error on its way from a primitive, through the operators that are made of primitives, to the node that
// is being run, which recovers it, as it does the errors of package tensor. Nothing else is recovered.
type failure struct{ error }

func fail(format string, arguments ...any) {
	panic(failure{fmt.Errorf(format, arguments...)})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(failure{err})
	}
	return v
}

// catch turns a failure into an error.
func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case failure:
		*err = r.error
	case *tensor.Error:
		*err = r
	default:
		panic(r)
	}
}

package onnx

import (
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

// adapted lets a deferred tensor of int32 stand for int64, where that is what is declared.
func adapted(v Value, t *format.Type) Value {
	d, ok := v.(*deferred)
	if !ok || t == nil || t.Kind != format.TensorType || t.Element != ndarray.Int64 || d.typ != ndarray.Int32 {
		return v
	}
	return &deferred{t: d.t, typ: ndarray.Int64, run: d.run}
}

// accepts checks a value against what a model says of an input.
func accepts(t *format.Type, v Value) error {
	if t == nil {
		return nil
	}
	switch v := v.(type) {
	case Tensor:
		if t.Kind == format.OptionalType && t.Inner != nil {
			return accepts(t.Inner, v)
		}
		known := t.Element != ndarray.Undefined
		if t.Kind != format.TensorType || known && t.Element != v.Type() || !fitsShape(t, v.Shape()) {
			return fmt.Errorf("expected %s, got %v", typeText(t), v)
		}
	case *Sequence:
		if t.Kind == format.OptionalType && t.Inner != nil {
			return accepts(t.Inner, v)
		}
		if t.Kind != format.SequenceType {
			return fmt.Errorf("expected %s, got %v", typeText(t), v)
		}
	case *Optional:
		if t.Kind != format.OptionalType {
			return fmt.Errorf("expected %s, got %v", typeText(t), v)
		}
	case nil:
		return fmt.Errorf("expected %s, got nothing", typeText(t))
	}
	return nil
}

func fitsShape(t *format.Type, shape []int) bool {
	if !t.Ranked {
		return true
	}
	return slices.EqualFunc(t.Shape, shape, func(d format.Dimension, n int) bool {
		return !d.Known || d.Length == int64(n)
	})
}

func typeText(t *format.Type) string {
	switch t.Kind {
	case format.TensorType:
		text := t.Element.String()
		if !t.Ranked {
			return text
		}
		text += "["
		for i, d := range t.Shape {
			if i > 0 {
				text += " "
			}
			if d.Known {
				text += fmt.Sprint(d.Length)
			} else {
				text += "?" + d.Name
			}
		}
		return text + "]"
	case format.SequenceType:
		return "a sequence"
	case format.OptionalType:
		return "an optional"
	}
	return "a value of a known type"
}

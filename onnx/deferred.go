package onnx

import (
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
	"github.com/baremetaldevx86/microdr/tensor"
)

// deferred is a tensor that is computed when somebody reads it, and that derivatives go through.
type deferred struct {
	t    *tensor.Tensor
	typ  ndarray.Type
	file *ndarray.Array // what the file says of a parameter: operators take their settings from there
	run  *laziness
}

// laziness is what deferred tensors of one run have in common.
type laziness struct {
	engine *tensor.Engine
	node   string   // that is being run
	read   []string // nodes that needed the elements of a float tensor in host memory
}

// storage is the tensor types that hold elements of ONNX's. Integers of 64 bits are kept in 32.
var storage = map[ndarray.Type]tensor.Type{
	ndarray.Float32: tensor.Float32, ndarray.HalfFloat: tensor.Float16, ndarray.BrainFloat: tensor.BFloat16,
	ndarray.Int32: tensor.Int32, ndarray.Int64: tensor.Int32, ndarray.Bool: tensor.Bool,
}

// typeOfTensor is the inverse of storage, where ints are Int32.
var typeOfTensor = map[tensor.Type]ndarray.Type{
	tensor.Float32: ndarray.Float32, tensor.Float16: ndarray.HalfFloat, tensor.BFloat16: ndarray.BrainFloat,
	tensor.Int32: ndarray.Int32, tensor.Bool: ndarray.Bool,
}

// FromTensor makes a value of a lazy tensor: float32, float16, bfloat16, int32 or bool. Where a model wants int64,
// int32 will do.
func FromTensor(t *tensor.Tensor) (Tensor, error) {
	typ, ok := typeOfTensor[t.Type()]
	if !ok {
		return nil, fmt.Errorf("onnx: expected a tensor of floats, int32 or bool, got %v", t.Type())
	}
	return &deferred{t: t, typ: typ}, nil
}

// Type returns the type that the model sees.
func (d *deferred) Type() ndarray.Type { return d.typ }

// Shape returns the lengths of the dimensions.
func (d *deferred) Shape() []int { return d.t.Shape() }

// String returns type and shape.
func (d *deferred) String() string { return fmt.Sprintf("%v%v", d.typ, d.Shape()) }

// with wraps a result of the same type; elements of 16 bits are rounded to those.
func (d *deferred) with(t *tensor.Tensor) Tensor { return d.run.wrap(t, d.typ) }

func (l *laziness) wrap(t *tensor.Tensor, typ ndarray.Type) Tensor {
	if t.Type() != storage[typ] {
		t = t.Cast(storage[typ])
	}
	return &deferred{t: t, typ: typ, run: l}
}

// elements computes the tensor, and notes that derivatives end here.
func (d *deferred) elements() *ndarray.Array {
	if d.run != nil && d.typ.IsFloat() && !slices.Contains(d.run.read, d.run.node) {
		d.run.read = append(d.run.read, d.run.node)
	}
	values := must(d.t.TryFloat64s())
	return must(ndarray.Cast(must(ndarray.Of(values, d.Shape()...)), d.typ))
}

// lift makes a lazy tensor of an array; nil if its type has none. Equal elements become one, stretched.
func (l *laziness) lift(a *ndarray.Array) *tensor.Tensor {
	to, ok := storage[a.Type()]
	if !ok {
		return nil
	}
	if a.Len() == 1 {
		value := must(ndarray.Cast(a, ndarray.Float64))
		return l.engine.FullOf(to, ndarray.Elements[float64](value)[0], a.Shape()...)
	}
	switch to {
	case tensor.Bool:
		return l.engine.NewBool(ndarray.Elements[bool](a), a.Shape()...)
	case tensor.Int32:
		return l.engine.NewInt32(saturated32(a), a.Shape()...)
	}
	return l.engine.New(ndarray.Elements[float32](must(ndarray.Cast(a, ndarray.Float32))), a.Shape()...).Cast(to)
}

// saturated32 keeps what stands for "everything to the end" large.
func saturated32(a *ndarray.Array) []int32 {
	wide := ndarray.Elements[int64](must(ndarray.Cast(a, ndarray.Int64)))
	out := make([]int32, len(wide))
	for i, v := range wide {
		out[i] = int32(min(max(v, -1<<31), 1<<31-1))
	}
	return out
}

// lazily returns the tensors of operands of which one is deferred, and nil if none is or if one has a type that cannot
// be. Constants among them become tensors.
func lazily(operands ...Tensor) (ts []*tensor.Tensor, l *laziness) {
	for _, x := range operands {
		if d, ok := x.(*deferred); ok {
			l = d.run
		}
	}
	if l == nil {
		return nil, nil
	}
	ts = make([]*tensor.Tensor, len(operands))
	for i, x := range operands {
		if d, ok := x.(*deferred); ok {
			ts[i] = d.t
		} else if ts[i] = l.lift(x.(*ndarray.Array)); ts[i] == nil {
			return nil, nil
		}
	}
	return ts, l
}

// ints makes a tensor of indices.
func (l *laziness) ints(list []int, shape ...int) *tensor.Tensor {
	narrow := make([]int32, len(list))
	for i, v := range list {
		narrow[i] = int32(v)
	}
	return l.engine.NewInt32(narrow, shape...)
}

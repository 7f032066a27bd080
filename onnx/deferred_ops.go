package onnx

import (
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
	"github.com/baremetaldevx86/microdr/tensor"
)

// deferredUnary has the functions of ndarray.Unary that tensors have, too.
var deferredUnary = map[string]func(*tensor.Tensor) *tensor.Tensor{
	"Abs": (*tensor.Tensor).Abs, "Neg": (*tensor.Tensor).Neg, "Ceil": (*tensor.Tensor).Ceil,
	"Floor": (*tensor.Tensor).Floor, "Round": (*tensor.Tensor).Round, "Cos": (*tensor.Tensor).Cos,
	"Sin": (*tensor.Tensor).Sin, "Tan": (*tensor.Tensor).Tan, "Exp": (*tensor.Tensor).Exp, "Log": (*tensor.Tensor).Log,
	"Sqrt": (*tensor.Tensor).Sqrt, "Erf": (*tensor.Tensor).Erf, "Tanh": (*tensor.Tensor).Tanh,
	"Reciprocal": (*tensor.Tensor).Inv, "Sigmoid": (*tensor.Tensor).Sigmoid, "Relu": (*tensor.Tensor).ReLU,
	"Sign": lazySign, "Asin": lazyAsin, "Acos": lazyAcos, "Atan": lazyAtan, "Sinh": lazySinh, "Cosh": lazyCosh,
	"Asinh": lazyAsinh, "Acosh": lazyAcosh, "Atanh": lazyAtanh,
}

// integerUnary names those that tensors of integers have.
func integerUnary(name string) bool { return name == "Abs" || name == "Neg" || name == "Relu" }

func lazySign(x *tensor.Tensor) *tensor.Tensor {
	return x.Above(0).Where(x.Engine().Scalar(1), x.Below(0).Where(x.Engine().Scalar(-1), x.Times(0)))
}

// The inverse functions are those of the angle of a point.
func lazyAtan(x *tensor.Tensor) *tensor.Tensor { return x.Atan2(x.Engine().Scalar(1)) }
func lazyAsin(x *tensor.Tensor) *tensor.Tensor { return x.Atan2(cathetus(x)) }
func lazyAcos(x *tensor.Tensor) *tensor.Tensor { return cathetus(x).Atan2(x) }

// cathetus is sqrt(1 - x^2).
func cathetus(x *tensor.Tensor) *tensor.Tensor { return x.From(1).Mul(x.Plus(1)).Sqrt() }

// Near 0, differences of exponentials and logarithms near 1 cancel; there, the series serve up to their term of x^5.

// series returns odd polynomials below a magnitude, whose coefficients are those of x, x^3 and x^5, and f above it.
func series(x, f *tensor.Tensor, below, c3, c5 float64) *tensor.Tensor {
	s := x.Sq()
	near := s.Times(c5).Plus(c3).Mul(s).Plus(1).Mul(x)
	return x.Abs().Below(below).Where(near, f)
}

func lazySinh(x *tensor.Tensor) *tensor.Tensor {
	e := x.Exp()
	return series(x, e.Sub(e.Inv()).Times(0.5), 0.3, 1.0/6, 1.0/120)
}

func lazyCosh(x *tensor.Tensor) *tensor.Tensor {
	e := x.Exp()
	return e.Add(e.Inv()).Times(0.5)
}

func lazyAsinh(x *tensor.Tensor) *tensor.Tensor {
	a := x.Abs()
	far := a.Add(a.Sq().Plus(1).Sqrt()).Log()
	return series(x, x.Below(0).Where(far.Neg(), far), 0.1, -1.0/6, 3.0/40)
}

func lazyAcosh(x *tensor.Tensor) *tensor.Tensor {
	return x.Add(x.Minus(1).Mul(x.Plus(1)).Sqrt()).Log()
}

func lazyAtanh(x *tensor.Tensor) *tensor.Tensor {
	return series(x, x.Plus(1).Div(x.From(1)).Log().Times(0.5), 0.1, 1.0/3, 1.0/5)
}

// deferredBinary has the operations of ndarray.Binary, Compare and Logical that tensors have.
var deferredBinary = map[string]func(x, y *tensor.Tensor) *tensor.Tensor{
	"Add": (*tensor.Tensor).Add, "Sub": (*tensor.Tensor).Sub, "Mul": (*tensor.Tensor).Mul, "Div": (*tensor.Tensor).Div,
	"Max": (*tensor.Tensor).Max, "Min": (*tensor.Tensor).Min, "Pow": (*tensor.Tensor).Pow,
	"Equal": (*tensor.Tensor).Eq, "Less": (*tensor.Tensor).Lt, "LessOrEqual": (*tensor.Tensor).Le,
	"Greater": (*tensor.Tensor).Gt, "GreaterOrEqual": (*tensor.Tensor).Ge,
	"And": (*tensor.Tensor).And, "Or": (*tensor.Tensor).Or, "Xor": (*tensor.Tensor).Xor,
}

// deferredReduce has the reductions of ndarray.Reduce. No dimensions mean all to them.
var deferredReduce = map[string]func(x *tensor.Tensor, axes ...int) *tensor.Tensor{
	"Add": (*tensor.Tensor).Sum, "Max": (*tensor.Tensor).MaxOver, "Min": (*tensor.Tensor).MinOver,
	"Mul": (*tensor.Tensor).Prod,
}

// concat joins tensors of one type.
func (l *laziness) concat(axis int, ts []*tensor.Tensor, list []Tensor) Tensor {
	for _, x := range list {
		if x.Type() != list[0].Type() {
			fail("expected tensors of one type, got %v and %v", list[0], x)
		}
	}
	return l.wrap(tensor.Concat(axis, ts...), list[0].Type())
}

// lazyPad has no elements between others, for which it makes a dimension of its own.
func lazyPad(x *tensor.Tensor, before, after, between []int, value float64) *tensor.Tensor {
	for axis, gap := range between {
		n := x.Dim(axis)
		if gap == 0 || n == 0 {
			continue
		}
		wide := slices.Clone(x.Shape())
		wide[axis] = n * (gap + 1)
		x = x.Unsqueeze(axis + 1)
		low, high := make([]int, x.Rank()), make([]int, x.Rank())
		high[axis+1] = gap
		x = x.Pad(low, high, value).Reshape(wide...).Slice(axis, 0, n*(gap+1)-gap)
	}
	return x.Pad(before, after, value)
}

func lazySlice(x *tensor.Tensor, ranges []ndarray.Range) *tensor.Tensor {
	for axis, r := range ranges {
		n := x.Dim(axis)
		switch {
		case r.N == 0:
			x = x.Slice(axis, 0, 0)
		case r.Step > 0:
			x = x.SliceStep(axis, r.Start, r.Start+(r.N-1)*r.Step+1, r.Step)
		default:
			end := r.Start + (r.N-1)*r.Step - 1
			if end < 0 {
				end = -1 - n
			}
			x = x.SliceStep(axis, r.Start, end, r.Step)
		}
	}
	return x
}

// lazyPut sets or adds; nil where it cannot. Of several updates of an element, the last one sets it.
func (l *laziness) lazyPut(fold string, x *tensor.Tensor, list []int, updates *tensor.Tensor) *tensor.Tensor {
	if x.Type() != tensor.Float32 || fold != "Set" && fold != "Add" {
		return nil
	}
	shape := x.Shape()
	x, updates = x.Reshape(x.Len()), updates.Reshape(updates.Len())
	if fold == "Set" {
		kept, places := lastOfEach(list)
		set := make([]bool, x.Len())
		for _, at := range places {
			set[at] = true
		}
		x = l.engine.NewBool(set, len(set)).Where(l.engine.Scalar(0), x)
		if len(kept) < len(list) {
			updates, list = updates.IndexSelect(0, l.ints(kept, len(kept))), places
		}
	}
	if len(list) == 0 {
		return x.Reshape(shape...)
	}
	return x.ScatterAdd(0, l.ints(list, len(list)), updates).Reshape(shape...)
}

// lastOfEach returns the last position of each number in a list, and the number there.
func lastOfEach(list []int) (positions, numbers []int) {
	last := make(map[int]int, len(list))
	for i, v := range list {
		last[v] = i
	}
	for i, v := range list {
		if last[v] == i {
			positions, numbers = append(positions, i), append(numbers, v)
		}
	}
	return positions, numbers
}

// lazyScan is a running sum.
func lazyScan(x *tensor.Tensor, axis int, exclusive, reverse bool) *tensor.Tensor {
	if reverse {
		x = x.Flip(axis)
	}
	if exclusive {
		low, high := make([]int, x.Rank()), make([]int, x.Rank())
		low[axis], high[axis] = 1, -1
		x = x.Pad(low, high, 0)
	}
	x = x.CumSum(axis)
	if reverse {
		x = x.Flip(axis)
	}
	return x
}

package onnx

import (
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

// Operators are made of the primitives below and in movement.go, which alone know how a tensor is kept: if an operand
// is deferred, so is the result; what tensors cannot do is done in host memory. They fail as must does.

// host returns the elements of a tensor in host memory.
func host(x Tensor) *ndarray.Array {
	if d, ok := x.(*deferred); ok {
		return d.elements()
	}
	return x.(*ndarray.Array)
}

// setting is host for what operators are set up with: of a parameter, that is what the file says.
func setting(x Tensor) *ndarray.Array {
	if d, ok := x.(*deferred); ok && d.file != nil {
		return d.file
	}
	return host(x)
}

func integers(x Tensor) []int { return must(setting(x).Ints()) }

func numbers(x Tensor) []float64 { return must(setting(x).Floats()) }

// isDeferred tells whether a tensor is computed later.
func isDeferred(x Tensor) bool { _, ok := x.(*deferred); return ok }

// unary applies a function of ndarray.Unary.
func unary(name string, x Tensor) Tensor {
	if d, ok := x.(*deferred); ok && (d.typ.IsFloat() || d.typ.IsInteger() && integerUnary(name)) {
		if f := deferredUnary[name]; f != nil {
			return d.with(f(d.t))
		}
	}
	return must(ndarray.Unary(name, host(x)))
}

// binary applies an operation of ndarray.Binary.
func binary(name string, x, y Tensor) Tensor {
	if f := deferredBinary[name]; f != nil && x.Type() == y.Type() && x.Type().IsNumber() {
		if ts, l := lazily(x, y); l != nil && (name != "Pow" || x.Type().IsFloat()) {
			return l.wrap(f(ts[0], ts[1]), x.Type())
		}
	}
	return must(ndarray.Binary(name, host(x), host(y)))
}

func add(x, y Tensor) Tensor      { return binary("Add", x, y) }
func subtract(x, y Tensor) Tensor { return binary("Sub", x, y) }
func multiply(x, y Tensor) Tensor { return binary("Mul", x, y) }
func divide(x, y Tensor) Tensor   { return binary("Div", x, y) }
func maximum(x, y Tensor) Tensor  { return binary("Max", x, y) }
func minimum(x, y Tensor) Tensor  { return binary("Min", x, y) }

// compare applies a comparison of ndarray.Compare.
func compare(name string, x, y Tensor) Tensor {
	if x.Type() == y.Type() && x.Type().IsNumber() {
		if ts, l := lazily(x, y); l != nil {
			return l.wrap(deferredBinary[name](ts[0], ts[1]), ndarray.Bool)
		}
	}
	return must(ndarray.Compare(name, host(x), host(y)))
}

func logical(name string, x, y Tensor) Tensor {
	if x.Type() == ndarray.Bool && y.Type() == ndarray.Bool {
		if ts, l := lazily(x, y); l != nil {
			return l.wrap(deferredBinary[name](ts[0], ts[1]), ndarray.Bool)
		}
	}
	return must(ndarray.Logical(name, host(x), host(y)))
}

func not(x Tensor) Tensor {
	if d, ok := x.(*deferred); ok && d.typ == ndarray.Bool {
		return d.with(d.t.Not())
	}
	return must(ndarray.Not(host(x)))
}

// test tells of every number whether it is a NaN, an infinity above or one below, whichever are asked for.
func test(x Tensor, nan, above, below bool) Tensor {
	if d, ok := x.(*deferred); ok && d.typ.IsFloat() {
		result := d.t.IsNaN()
		if !nan {
			result = result.And(result.Not())
		}
		if above {
			result = result.Or(d.t.Above(math.MaxFloat32))
		}
		if below {
			result = result.Or(d.t.Below(-math.MaxFloat32))
		}
		return d.run.wrap(result, ndarray.Bool)
	}
	return must(ndarray.Test(host(x), nan, above, below))
}

// where chooses x where the condition holds, else y.
func where(condition, x, y Tensor) Tensor {
	if condition.Type() == ndarray.Bool && x.Type() == y.Type() {
		if ts, l := lazily(condition, x, y); l != nil {
			return l.wrap(ts[0].Where(ts[1], ts[2]), x.Type())
		}
	}
	return must(ndarray.Where(host(condition), host(x), host(y)))
}

func cast(x Tensor, to ndarray.Type) Tensor {
	if x.Type() == to {
		return x
	}
	if d, ok := x.(*deferred); ok {
		if _, ok := storage[to]; ok {
			return d.run.wrap(d.t, to)
		}
	}
	return must(ndarray.Cast(host(x), to))
}

// reduce folds dimensions with Add, Mul, Max or Min.
func reduce(name string, x Tensor, axes []int, keep bool) Tensor {
	if d, ok := x.(*deferred); ok && d.typ.IsNumber() && product(d.Shape()) > 0 {
		out := d.t
		if len(axes) > 0 {
			out = deferredReduce[name](d.t, axes...)
		}
		if keep {
			out = out.Reshape(kept(x.Shape(), axes)...)
		}
		return d.with(out)
	}
	out := must(ndarray.Reduce(name, host(x), axes))
	if keep {
		return out
	}
	return reshape(out, without(x.Shape(), axes)...)
}

// without returns the lengths of the other dimensions.
func without(shape, axes []int) []int {
	out := []int{}
	for axis, length := range shape {
		if !slices.Contains(axes, axis) {
			out = append(out, length)
		}
	}
	return out
}

// kept returns the shape with a length of 1 in the places of dimensions.
func kept(shape, axes []int) []int {
	out := slices.Clone(shape)
	for _, axis := range axes {
		out[axis] = 1
	}
	return out
}

func sum(x Tensor, axes []int, keep bool) Tensor { return reduce("Add", x, axes, keep) }

func mean(x Tensor, axes []int, keep bool) Tensor {
	n := 1
	for _, axis := range axes {
		n *= x.Shape()[axis]
	}
	return divide(sum(x, axes, keep), like(x, float64(n)))
}

// scan is the running sum along a dimension.
func scan(x Tensor, axis int, exclusive, reverse bool) Tensor {
	if d, ok := x.(*deferred); ok && d.typ.IsFloat() && product(d.Shape()) > 0 {
		return d.with(lazyScan(d.t, axis, exclusive, reverse))
	}
	return must(ndarray.Scan(host(x), axis, exclusive, reverse))
}

// argSort returns the indices that sort a dimension.
func argSort(x Tensor, axis int, descending bool) Tensor {
	if d, ok := x.(*deferred); ok && d.typ.IsFloat() && product(d.Shape()) > 0 {
		return d.run.wrap(d.t.ArgSort(axis, descending), ndarray.Int64)
	}
	return must(ndarray.ArgSort(host(x), axis, descending))
}

// matmul multiplies matrices of two dimensions or more.
func matmul(x, y Tensor) Tensor {
	if x.Type() == y.Type() && x.Type().IsFloat() && min(len(x.Shape()), len(y.Shape())) >= 2 {
		if ts, l := lazily(x, y); l != nil {
			return l.wrap(ts[0].MatMul(ts[1]), x.Type())
		}
	}
	return must(ndarray.MatMul(host(x), host(y)))
}

// detach returns x as a constant to derivatives.
func detach(x Tensor) Tensor {
	if d, ok := x.(*deferred); ok {
		return d.with(d.t.StopGradient())
	}
	return x
}

// like returns a scalar of a tensor's type.
func like(x Tensor, value float64) Tensor { return scalarOf(x.Type(), value) }

func scalarOf(t ndarray.Type, value float64) Tensor {
	return must(ndarray.Cast(ndarray.Scalar(value), t))
}

func zerosOf(t ndarray.Type, shape ...int) Tensor { return must(ndarray.New(t, shape...)) }

func jointShape(shapes ...[]int) []int { return must(ndarray.BroadcastShape(shapes...)) }

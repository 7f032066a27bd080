package onnx

import (
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/array"
)

// Operators are made of the primitives below, which alone know how a tensor is kept. They fail as must does.

// host returns the elements of a tensor in host memory.
func host(x Tensor) *array.Array { return x.(*array.Array) }

// unary applies a function of array.Unary.
func unary(name string, x Tensor) Tensor { return must(array.Unary(name, host(x))) }

// binary applies an operation of array.Binary.
func binary(name string, x, y Tensor) Tensor { return must(array.Binary(name, host(x), host(y))) }

func add(x, y Tensor) Tensor      { return binary("Add", x, y) }
func subtract(x, y Tensor) Tensor { return binary("Sub", x, y) }
func multiply(x, y Tensor) Tensor { return binary("Mul", x, y) }
func divide(x, y Tensor) Tensor   { return binary("Div", x, y) }
func maximum(x, y Tensor) Tensor  { return binary("Max", x, y) }
func minimum(x, y Tensor) Tensor  { return binary("Min", x, y) }

// compare applies a comparison of array.Compare.
func compare(name string, x, y Tensor) Tensor { return must(array.Compare(name, host(x), host(y))) }

func logical(name string, x, y Tensor) Tensor { return must(array.Logical(name, host(x), host(y))) }
func not(x Tensor) Tensor                     { return must(array.Not(host(x))) }

// where chooses x where the condition holds, else y.
func where(condition, x, y Tensor) Tensor {
	return must(array.Where(host(condition), host(x), host(y)))
}

func cast(x Tensor, to array.Type) Tensor {
	if x.Type() == to {
		return x
	}
	return must(array.Cast(host(x), to))
}

// reduce folds dimensions with Add, Mul, Max or Min.
func reduce(name string, x Tensor, axes []int, keep bool) Tensor {
	out := must(array.Reduce(name, host(x), axes))
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

func sum(x Tensor, axes []int, keep bool) Tensor { return reduce("Add", x, axes, keep) }

func mean(x Tensor, axes []int, keep bool) Tensor {
	n := 1
	for _, axis := range axes {
		n *= x.Shape()[axis]
	}
	return divide(sum(x, axes, keep), like(x, float64(n)))
}

func reshape(x Tensor, shape ...int) Tensor { return must(host(x).Reshape(shape...)) }

func permute(x Tensor, order ...int) Tensor { return must(array.Permute(host(x), order)) }

// slice takes a range of indices of each dimension.
func slice(x Tensor, ranges []array.Range) Tensor { return must(array.Slice(host(x), ranges)) }

// whole returns the ranges of all indices.
func whole(shape []int) []array.Range {
	ranges := make([]array.Range, len(shape))
	for i, length := range shape {
		ranges[i] = array.Range{Step: 1, N: length}
	}
	return ranges
}

// part takes n indices of a dimension.
func part(x Tensor, axis, start, n int) Tensor {
	ranges := whole(x.Shape())
	ranges[axis] = array.Range{Start: start, Step: 1, N: n}
	return slice(x, ranges)
}

// at takes one index of a dimension, which goes away.
func at(x Tensor, axis, index int) Tensor {
	return reshape(part(x, axis, index, 1), without(x.Shape(), []int{axis})...)
}

// pad puts elements before, after and between those of each dimension.
func pad(x Tensor, before, after, between []int, value Tensor) Tensor {
	return must(array.Pad(host(x), before, after, between, host(value)))
}

func concat(axis int, list ...Tensor) Tensor {
	arrays := make([]*array.Array, len(list))
	for i, x := range list {
		arrays[i] = host(x)
	}
	return must(array.Concat(axis, arrays...))
}

func broadcast(x Tensor, shape ...int) Tensor { return must(array.Broadcast(host(x), shape)) }

// take returns the elements that a list names, as if x had one dimension, in a shape.
func take(x Tensor, shape, list []int) Tensor { return must(array.Take(host(x), shape, list)) }

// takeAlong returns the given indices of a dimension.
func takeAlong(x Tensor, axis int, indices []int) Tensor {
	shape := slices.Clone(x.Shape())
	grid := make([][]int, len(shape))
	for i, length := range shape {
		grid[i] = counting(length)
	}
	for _, index := range indices {
		if index < 0 || index >= shape[axis] {
			fail("expected indices from 0 to %d, got %d", shape[axis]-1, index)
		}
	}
	grid[axis], shape[axis] = indices, len(indices)
	return take(x, shape, array.Grid(array.Strides(x.Shape()), grid))
}

// counting returns 0, 1, ... n-1.
func counting(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// put folds updates into the elements that a list names.
func put(fold string, x Tensor, list []int, updates Tensor) Tensor {
	return must(array.Put(fold, host(x), list, host(updates)))
}

// matmul multiplies matrices of two dimensions or more.
func matmul(x, y Tensor) Tensor { return must(array.MatMul(host(x), host(y))) }

// like returns a scalar of a tensor's type.
func like(x Tensor, value float64) Tensor { return scalarOf(x.Type(), value) }

func scalarOf(t array.Type, value float64) Tensor { return must(array.Cast(array.Scalar(value), t)) }

func zerosOf(t array.Type, shape ...int) Tensor { return must(array.New(t, shape...)) }

// scan is the running sum along a dimension.
func scan(x Tensor, axis int, exclusive, reverse bool) Tensor {
	return must(array.Scan(host(x), axis, exclusive, reverse))
}

// detach returns x as a constant to derivatives.
func detach(x Tensor) Tensor { return x }

func jointShape(shapes ...[]int) []int { return must(array.BroadcastShape(shapes...)) }

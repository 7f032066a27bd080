package onnx

import (
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

// These primitives move elements and compute nothing.

func reshape(x Tensor, shape ...int) Tensor {
	if d, ok := x.(*deferred); ok {
		if n := must(ndarray.Count(shape)); n != d.t.Len() {
			fail("expected a shape for %d elements, got %v", d.t.Len(), shape)
		}
		return d.with(d.t.Reshape(shape...))
	}
	return must(host(x).Reshape(shape...))
}

func permute(x Tensor, order ...int) Tensor {
	if d, ok := x.(*deferred); ok {
		return d.with(d.t.Permute(order...))
	}
	return must(ndarray.Permute(host(x), order))
}

// slice takes a range of indices of each dimension.
func slice(x Tensor, ranges []ndarray.Range) Tensor {
	if d, ok := x.(*deferred); ok {
		return d.with(lazySlice(d.t, ranges))
	}
	return must(ndarray.Slice(host(x), ranges))
}

// whole returns the ranges of all indices.
func whole(shape []int) []ndarray.Range {
	ranges := make([]ndarray.Range, len(shape))
	for i, length := range shape {
		ranges[i] = ndarray.Range{Step: 1, N: length}
	}
	return ranges
}

// part takes n indices of a dimension.
func part(x Tensor, axis, start, n int) Tensor {
	axis = dimension(axis, len(x.Shape()))
	if start < 0 || n < 0 || start+n > x.Shape()[axis] {
		fail("expected a range within %d, got %d elements from %d on", x.Shape()[axis], n, start)
	}
	ranges := whole(x.Shape())
	ranges[axis] = ndarray.Range{Start: start, Step: 1, N: n}
	return slice(x, ranges)
}

// at takes one index of a dimension, which goes away.
func at(x Tensor, axis, index int) Tensor {
	return reshape(part(x, axis, index, 1), without(x.Shape(), []int{axis})...)
}

// pad puts elements before, after and between those of each dimension.
func pad(x Tensor, before, after, between []int, value Tensor) Tensor {
	if d, ok := x.(*deferred); ok && len(value.Shape()) == 0 && x.Type().IsNumber() {
		return d.with(lazyPad(d.t, before, after, between, numbers(value)[0]))
	}
	return must(ndarray.Pad(host(x), before, after, between, host(value)))
}

func concat(axis int, list ...Tensor) Tensor {
	if ts, l := lazily(list...); l != nil {
		return l.concat(axis, ts, list)
	}
	arrays := make([]*ndarray.Array, len(list))
	for i, x := range list {
		arrays[i] = host(x)
	}
	return must(ndarray.Concat(axis, arrays...))
}

func broadcast(x Tensor, shape ...int) Tensor {
	if d, ok := x.(*deferred); ok {
		must(ndarray.Count(shape))
		return d.with(d.t.Expand(shape...))
	}
	return must(ndarray.Broadcast(host(x), shape))
}

// take returns the elements that a list names, as if x had one dimension, in a shape.
func take(x Tensor, shape, list []int) Tensor {
	if d, ok := x.(*deferred); ok && len(list) > 0 && len(list) == product(shape) {
		checkIndices(list, d.t.Len())
		return d.with(d.t.Reshape(d.t.Len()).IndexSelect(0, d.run.ints(list, shape...)))
	}
	return must(ndarray.Take(host(x), shape, list))
}

// checkIndices fails where an index is not that of one of n elements.
func checkIndices(list []int, n int) {
	for _, index := range list {
		if index < 0 || index >= n {
			fail("expected indices from 0 to %d, got %d", n-1, index)
		}
	}
}

// takeAlong returns the given indices of a dimension.
func takeAlong(x Tensor, axis int, indices []int) Tensor {
	shape := slices.Clone(x.Shape())
	checkIndices(indices, shape[axis])
	if d, ok := x.(*deferred); ok && len(indices) > 0 && product(shape) > 0 {
		return d.with(d.t.IndexSelect(axis, d.run.ints(indices, len(indices))))
	}
	grid := make([][]int, len(shape))
	for i, length := range shape {
		grid[i] = counting(length)
	}
	grid[axis], shape[axis] = indices, len(indices)
	return take(x, shape, ndarray.Grid(ndarray.Strides(x.Shape()), grid))
}

// counting returns 0, 1, ... n-1.
func counting(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// gather is takeAlong for indices that may be deferred, whose dimensions take the place of the one.
func gather(x Tensor, axis int, indices Tensor) Tensor {
	shape := x.Shape()
	axis = dimension(axis, len(shape))
	if isDeferred(indices) && product(shape) > 0 {
		if ts, l := lazily(x, indices); l != nil {
			return l.wrap(ts[0].IndexSelect(axis, ts[1]), x.Type())
		}
	}
	out := takeAlong(x, axis, indexList(indices, shape[axis]))
	return reshape(out, slices.Concat(shape[:axis], indices.Shape(), shape[axis+1:])...)
}

// gatherAlong takes the elements whose index along a dimension is given, and whose others are those of the place of
// that index.
func gatherAlong(x Tensor, axis int, indices Tensor) Tensor {
	if isDeferred(indices) && product(x.Shape()) > 0 {
		if ts, l := lazily(x, indices); l != nil {
			return l.wrap(ts[0].Gather(axis, ts[1]), x.Type())
		}
	}
	return take(x, indices.Shape(), elementsAlong(x.Shape(), indices, axis))
}

// put folds updates into the elements that a list names.
func put(fold string, x Tensor, list []int, updates Tensor) Tensor {
	if x.Type() == updates.Type() && len(list) == product(updates.Shape()) {
		checkIndices(list, product(x.Shape()))
		if ts, l := lazily(x, updates); l != nil {
			if out := l.lazyPut(fold, ts[0], list, ts[1]); out != nil {
				return l.wrap(out, x.Type())
			}
		}
	}
	return must(ndarray.Put(fold, host(x), list, host(updates)))
}

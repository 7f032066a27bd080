package onnx

import (
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func indexOperators() []operator {
	return []operator{
		op("Slice", evalSlice, 1, 10, 11, 13),
		op("Split", evalSplit, 1, 2, 11, 13),
		op("Concat", evalConcat, 1, 4, 11, 13),
		op("Pad", evalPad, 1, 2, 11, 13),
		op("Tile", evalTile, 6, 13),
		op("Gather", evalGather, 1, 11, 13),
		op("GatherElements", evalGatherElements, 11, 13),
		op("GatherND", evalGatherND, 11, 12, 13),
		op("Scatter", evalScatterElements, 9, 11),
		op("ScatterElements", evalScatterElements, 11, 13, 16),
		op("ScatterND", evalScatterND, 11, 13, 16),
		op("ReverseSequence", evalReverseSequence, 10),
	}
}

// evalSlice has its bounds as attributes before version 10.
func evalSlice(c *call) {
	x := c.in(0)
	starts, given := c.listFrom("starts", 1, 10)
	ends, also := c.listFrom("ends", 2, 10)
	if !given || !also || len(starts) != len(ends) {
		fail("expected as many ends as starts, got %v and %v", ends, starts)
	}
	axes, given := c.listFrom("axes", 3, 10)
	if !given {
		axes = counting(len(starts))
	}
	steps, given := c.listFrom("steps", 4, 10)
	if !given {
		steps = repeated(len(starts), 1)
	}
	if len(axes) != len(starts) || len(steps) != len(starts) {
		fail("expected %d dimensions and steps, got %v and %v", len(starts), axes, steps)
	}
	ranges := whole(x.Shape())
	for i, axis := range dimensions(axes, len(x.Shape())) {
		ranges[axis] = rangeOf(starts[i], ends[i], steps[i], x.Shape()[axis])
	}
	c.out(slice(x, ranges))
}

// rangeOf clamps as Python's slices do, except that a start before the first element stays at it if steps go down.
func rangeOf(start, end, step, n int) ndarray.Range {
	if step == 0 {
		fail("expected steps other than 0")
	}
	if start < 0 {
		start += n
	}
	if end < 0 {
		end += n
	}
	if step > 0 {
		start, end = min(max(start, 0), n), min(max(end, 0), n)
		return ndarray.Range{Start: start, Step: step, N: oneIf(end > start) * ((end-start-1)/step + 1)}
	}
	start, end = min(max(start, 0), n-1), min(max(end, -1), n-1)
	if start <= end || step < -n {
		return ndarray.Range{Start: start, Step: -1, N: oneIf(start > end)}
	}
	return ndarray.Range{Start: start, Step: step, N: (start-end-1)/-step + 1}
}

func oneIf(condition bool) int {
	if condition {
		return 1
	}
	return 0
}

// evalSplit has the lengths as an attribute before version 13.
func evalSplit(c *call) {
	x := c.in(0)
	axis := c.axis("axis", 0, len(x.Shape()))
	n := x.Shape()[axis]
	lengths, given := c.listFrom("split", 1, 13)
	if !given {
		lengths = equalParts(n, c.integer("num_outputs", len(c.node.Outputs)))
	}
	c.outputs = splitAt(x, axis, lengths)
}

func equalParts(n, count int) []int {
	if count < 1 || count > max(n, 1) {
		fail("expected from 1 to %d parts, got %d", n, count)
	}
	size := (n + count - 1) / count
	lengths := repeated(count, size)
	lengths[count-1] = n - size*(count-1)
	return lengths
}

func splitAt(x Tensor, axis int, lengths []int) []Value {
	parts, start := make([]Value, len(lengths)), 0
	for i, n := range lengths {
		parts[i] = part(x, axis, start, n)
		start += n
	}
	if start != x.Shape()[axis] {
		fail("expected lengths that add up to %d, got %v", x.Shape()[axis], lengths)
	}
	return parts
}

func evalConcat(c *call) {
	list := c.tensors()
	c.out(concat(c.axis("axis", 1, len(list[0].Shape())), list...))
}

func evalTile(c *call) {
	x, repeats := c.in(0), c.ints(1)
	if len(repeats) != len(x.Shape()) {
		fail("expected a number of repeats for each dimension, got %v for %v", repeats, x)
	}
	for axis, n := range repeats {
		x = tile(x, axis, n)
	}
	c.out(x)
}

func tile(x Tensor, axis, n int) Tensor {
	if n < 0 || n*x.Shape()[axis] > ndarray.MaxElements {
		fail("expected a number of repeats, got %d", n)
	}
	var indices []int
	for range n {
		indices = append(indices, counting(x.Shape()[axis])...)
	}
	return takeAlong(x, axis, indices)
}

// indexList returns the elements of an index tensor; negative ones count from the end of a dimension.
func indexList(indices Tensor, n int) []int {
	list := integers(indices)
	for i, index := range list {
		if index < -n || index >= n {
			fail("expected indices from %d to %d, got %d", -n, n-1, index)
		}
		if index < 0 {
			list[i] = index + n
		}
	}
	return list
}

func evalGather(c *call) {
	x, indices := c.in(0), c.in(1)
	c.out(gather(x, c.axis("axis", 0, len(x.Shape())), indices))
}

// elementsAlong lists the elements of a tensor of a shape that have the index, along a dimension, that indices says and
// along the others that of the index itself.
func elementsAlong(shape []int, indices Tensor, axis int) []int {
	within := slices.Clone(indices.Shape())
	for i, n := range within {
		if len(within) != len(shape) || i != axis && n > shape[i] {
			fail("expected indices for shape %v, got %v", shape, indices)
		}
	}
	strides := ndarray.Strides(shape)
	step := strides[axis]
	strides[axis] = 0
	list := ndarray.View(within, strides, 0)
	for i, index := range indexList(indices, shape[axis]) {
		list[i] += index * step
	}
	return list
}

func evalGatherElements(c *call) {
	x, indices := c.in(0), c.in(1)
	axis := c.axis("axis", 0, len(x.Shape()))
	c.out(gatherAlong(x, axis, indices))
}

// foldOf returns the operation that the attribute reduction names.
func (c *call) foldOf() string {
	reduction := c.text("reduction", "none")
	fold, ok := map[string]string{"none": "Set", "add": "Add", "mul": "Mul", "max": "Max", "min": "Min"}[reduction]
	if !ok {
		fail("expected a reduction none, add, mul, max or min, got %q", reduction)
	}
	return fold
}

func evalScatterElements(c *call) {
	x, indices, updates := c.in(0), c.in(1), c.in(2)
	axis := c.axis("axis", 0, len(x.Shape()))
	if !slices.Equal(indices.Shape(), updates.Shape()) {
		fail("expected updates of shape %v, got %v", indices.Shape(), updates)
	}
	c.out(put(c.foldOf(), x, elementsAlong(x.Shape(), indices, axis), updates))
}

// blocksAt lists the elements of the blocks of a tensor that the last dimension of indices names by the indices of the
// dimensions from batch on. The first batch dimensions are common to both.
func blocksAt(shape []int, indices Tensor, batch int) (list, result []int) {
	within := indices.Shape()
	if batch < 0 || batch >= len(within) || batch > len(shape) || !slices.Equal(within[:batch], shape[:batch]) {
		fail("expected indices with %d dimensions in common with %v, got %v", batch, shape, indices)
	}
	depth := within[len(within)-1]
	if depth < 1 || batch+depth > len(shape) {
		fail("expected from 1 to %d indices in the last dimension, got %v", len(shape)-batch, indices)
	}
	strides, block := ndarray.Strides(shape), shape[batch+depth:]
	offsets := ndarray.View(block, strides[batch+depth:], 0)
	flat := integers(indices)
	perBatch := product(within[batch : len(within)-1])
	for i := range product(within[:len(within)-1]) {
		start := 0
		if batch > 0 {
			start = i / perBatch * strides[batch-1]
		}
		for k, index := range flat[i*depth : (i+1)*depth] {
			n := shape[batch+k]
			if index < -n || index >= n {
				fail("expected indices from %d to %d, got %d", -n, n-1, index)
			}
			start += (index + n*oneIf(index < 0)) * strides[batch+k]
		}
		for _, offset := range offsets {
			list = append(list, start+offset)
		}
	}
	return list, slices.Concat(within[:len(within)-1], block)
}

func evalGatherND(c *call) {
	x := c.in(0)
	list, shape := blocksAt(x.Shape(), c.in(1), c.integer("batch_dims", 0))
	c.out(take(x, shape, list))
}

func evalScatterND(c *call) {
	x, updates := c.in(0), c.in(2)
	list, shape := blocksAt(x.Shape(), c.in(1), 0)
	if !slices.Equal(shape, updates.Shape()) {
		fail("expected updates of shape %v, got %v", shape, updates)
	}
	c.out(put(c.foldOf(), x, list, updates))
}

// evalReverseSequence reverses the first elements along the dimension of time, as many as each batch says.
func evalReverseSequence(c *call) {
	x, lengths := c.in(0), c.ints(1)
	batch, time := c.integer("batch_axis", 1), c.integer("time_axis", 0)
	shape := x.Shape()
	if min(batch, time) != 0 || max(batch, time) != 1 || len(shape) < 2 || len(lengths) != shape[batch] {
		fail("expected dimensions 0 and 1, and a length for each batch, got %v and %v", x, lengths)
	}
	c.out(reverseSequence(x, lengths, batch, time))
}

func reverseSequence(x Tensor, lengths []int, batch, time int) Tensor {
	shape, strides := x.Shape(), ndarray.Strides(x.Shape())
	list := ndarray.View(shape, strides, 0)
	for i, from := range list {
		n := lengths[from/strides[batch]%shape[batch]]
		if n < 0 || n > shape[time] {
			fail("expected lengths from 0 to %d, got %d", shape[time], n)
		}
		if t := from / strides[time] % shape[time]; t < n {
			list[i] = from + (n-1-2*t)*strides[time]
		}
	}
	return take(x, shape, list)
}

package ndarray

import (
	"fmt"
	"slices"
)

// Movement of elements is the same for all types: a list says for every element of the result which element of the
// argument it is, and Take follows it. The functions of this file make such lists.

// Strides returns the distances of neighbours along each dimension, in elements.
func Strides(shape []int) []int {
	strides, step := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = step
		step *= shape[i]
	}
	return strides
}

// View lists the elements at offset + the sum of index*stride, for all indices of shape in row-major order.
func View(shape, strides []int, offset int) []int {
	n, err := Count(shape)
	if err != nil || n == 0 {
		return nil
	}
	out := append(make([]int, 0, n), offset)
	for axis, length := range shape {
		out = refine(out, length, strides[axis])
	}
	return out
}

// refine puts in place of each entry the entries of one more dimension.
func refine(list []int, length, stride int) []int {
	out := make([]int, 0, len(list)*length)
	for _, base := range list {
		for i := range length {
			out = append(out, base+i*stride)
		}
	}
	return out
}

// Grid lists the elements at the sum of index*stride for all combinations of the indices of each dimension.
func Grid(strides []int, indices [][]int) []int {
	out := []int{0}
	for axis, list := range indices {
		next := make([]int, 0, len(out)*len(list))
		for _, base := range out {
			for _, index := range list {
				next = append(next, base+index*strides[axis])
			}
		}
		out = next
	}
	return out
}

// BroadcastShape returns the shape of arrays that are broadcast together: shapes are aligned at the last dimension, and
// a length of 1 stretches.
func BroadcastShape(shapes ...[]int) ([]int, error) {
	var out []int
	for _, shape := range shapes {
		if extra := len(shape) - len(out); extra > 0 {
			out = append(slices.Clone(shape[:extra]), out...)
		}
		for i, length := range shape {
			at := &out[len(out)-len(shape)+i]
			if *at == 1 {
				*at = length
			} else if length != 1 && length != *at {
				return nil, fmt.Errorf("ndarray: expected shapes that broadcast, got %v", shapes)
			}
		}
	}
	if _, err := Count(out); err != nil {
		return nil, err
	}
	if out == nil {
		out = []int{}
	}
	return out, nil
}

// broadcastList lists the elements of an array of shape from, stretched to shape to; nil means all of them in order.
func broadcastList(from, to []int) []int {
	if slices.Equal(from, to) {
		return nil
	}
	strides, extra := make([]int, len(to)), len(to)-len(from)
	for i, stride := range Strides(from) {
		if from[i] != 1 {
			strides[extra+i] = stride
		}
	}
	return View(to, strides, 0)
}

// Broadcast stretches an array to a shape. Errors: it does not stretch to that.
func Broadcast(a *Array, shape []int) (*Array, error) {
	joint, err := BroadcastShape(a.shape, shape)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(joint, shape) {
		return nil, fmt.Errorf("ndarray: expected a shape that stretches to %v, got %v", shape, a.shape)
	}
	list := broadcastList(a.shape, shape)
	if list == nil && slices.Equal(a.shape, shape) {
		return a, nil
	}
	return a.take(shape, list), nil
}

// Permute returns the array with dimension order[i] of a as dimension i. Errors: order is no permutation.
func Permute(a *Array, order []int) (*Array, error) {
	if err := checkPermutation(order, a.Rank()); err != nil {
		return nil, err
	}
	shape, strides, all := make([]int, a.Rank()), make([]int, a.Rank()), Strides(a.shape)
	for i, axis := range order {
		shape[i], strides[i] = a.shape[axis], all[axis]
	}
	return a.take(shape, View(shape, strides, 0)), nil
}

func checkPermutation(order []int, rank int) error {
	sorted := slices.Sorted(slices.Values(order))
	for i, axis := range sorted {
		if axis != i {
			return fmt.Errorf("ndarray: expected a permutation of 0 to %d, got %v", rank-1, order)
		}
	}
	if len(order) != rank {
		return fmt.Errorf("ndarray: expected a permutation of %d dimensions, got %v", rank, order)
	}
	return nil
}

// Range is the indices start, start+step, ... of a dimension, n of them.
type Range struct{ Start, Step, N int }

// Slice returns the elements whose indices lie in the ranges, one for each dimension. Errors: an index outside.
func Slice(a *Array, ranges []Range) (*Array, error) {
	if len(ranges) != a.Rank() {
		return nil, fmt.Errorf("ndarray: expected %d ranges, got %d", a.Rank(), len(ranges))
	}
	shape, strides, offset := make([]int, a.Rank()), Strides(a.shape), 0
	for i, r := range ranges {
		last := r.Start + (r.N-1)*r.Step
		if r.N < 0 || r.N > 0 && (min(r.Start, last) < 0 || max(r.Start, last) >= a.shape[i]) {
			return nil, fmt.Errorf("ndarray: expected a range within %d, got %+v", a.shape[i], r)
		}
		shape[i] = r.N
		offset += r.Start * strides[i]
		strides[i] *= r.Step
	}
	return a.take(shape, View(shape, strides, offset)), nil
}

// Pad puts before[i] elements of value before dimension i, after[i] after it and between[i] between each two.
// Errors: a negative number, a value of another type or shape than a scalar's.
func Pad(a *Array, before, after, between []int, value *Array) (*Array, error) {
	shape, steps, offset := make([]int, a.Rank()), make([]int, a.Rank()), 0
	for i, length := range a.shape {
		if min(before[i], after[i], between[i]) < 0 {
			return nil, fmt.Errorf("ndarray: expected padding of 0 or more, got %v, %v, %v", before, after, between)
		}
		shape[i] = before[i] + length + max(length-1, 0)*between[i] + after[i]
	}
	if _, err := Count(shape); err != nil {
		return nil, err
	}
	for i, stride := range Strides(shape) {
		steps[i] = stride * (1 + between[i])
		offset += stride * before[i]
	}
	filled, err := Broadcast(value, shape)
	if err != nil {
		return nil, err
	}
	return Put("Set", filled, View(a.shape, steps, offset), a)
}

// Take returns the elements of a, as if it had one dimension, that list names, in a shape. Errors: the shape does not
// fit, an index outside.
func Take(a *Array, shape, list []int) (*Array, error) {
	n, err := Count(shape)
	if err != nil {
		return nil, err
	}
	if n != len(list) {
		return nil, fmt.Errorf("ndarray: expected %d indices for shape %v, got %d", n, shape, len(list))
	}
	if n > 0 && (slices.Min(list) < 0 || slices.Max(list) >= a.Len()) {
		return nil, fmt.Errorf("ndarray: expected indices from 0 to %d", a.Len()-1)
	}
	return a.take(slices.Clone(shape), list), nil
}

func (a *Array) take(shape, list []int) *Array {
	return &Array{a.typ, shape, kernelsOf[a.typ].take(a.data, list)}
}

// Put returns a copy of a in which each element that list names is folded with the element of update at the same
// place, in order. fold is "Set", or an operation of Binary. Errors: types or numbers differ, an index outside.
func Put(fold string, a *Array, list []int, update *Array) (*Array, error) {
	if a.typ != update.typ || len(list) != update.Len() {
		return nil, fmt.Errorf("ndarray: expected %d updates of type %v, got %v", len(list), a.typ, update)
	}
	if len(list) > 0 && (slices.Min(list) < 0 || slices.Max(list) >= a.Len()) {
		return nil, fmt.Errorf("ndarray: expected indices from 0 to %d", a.Len()-1)
	}
	if a.typ.IsSmallFloat() && fold != "Set" {
		return throughFloat32(func(w []*Array) (*Array, error) { return Put(fold, w[0], list, w[1]) }, a, update)
	}
	data, err := kernelsOf[a.typ].put(fold, a.data, list, update.data)
	if err != nil {
		return nil, err
	}
	return &Array{a.typ, a.shape, data}, nil
}

// Concat joins arrays along a dimension. Errors: none given, types or the other lengths differ.
func Concat(axis int, arrays ...*Array) (*Array, error) {
	if len(arrays) == 0 || axis < 0 || axis >= arrays[0].Rank() {
		return nil, fmt.Errorf("ndarray: expected arrays with a dimension %d to join", axis)
	}
	first := arrays[0]
	shape, parts := slices.Clone(first.shape), make([]any, len(arrays))
	shape[axis] = 0
	for i, a := range arrays {
		if a.typ != first.typ || a.Rank() != first.Rank() || !slices.Equal(a.shape[:axis], first.shape[:axis]) ||
			!slices.Equal(a.shape[axis+1:], first.shape[axis+1:]) {
			return nil, fmt.Errorf("ndarray: expected arrays that differ from %v in dimension %d only, got %v", first, axis, a)
		}
		shape[axis] += a.shape[axis]
		parts[i] = a.data
	}
	n, err := Count(shape)
	if err != nil {
		return nil, err
	}
	blocks := make([]int, len(arrays)) // elements that stand together
	for i, a := range arrays {
		blocks[i], _ = Count(a.shape[axis:])
	}
	return &Array{first.typ, shape, kernelsOf[first.typ].concat(parts, blocks, n)}, nil
}

package ndarray

import (
	"cmp"
	"fmt"
	"slices"
)

// lanes lists the elements of an array in runs, one for each element of the array without the given dimensions, along
// those dimensions. n is the length of a run, and kept the shape with a length of 1 in their places.
func (a *Array) lanes(axes []int) (list []int, n int, kept []int, err error) {
	order, kept, n := []int{}, slices.Clone(a.shape), 1
	for axis := range a.shape {
		if !slices.Contains(axes, axis) {
			order = append(order, axis)
		}
	}
	for _, axis := range slices.Sorted(slices.Values(axes)) {
		if axis < 0 || axis >= a.Rank() {
			return nil, 0, nil, fmt.Errorf("ndarray: expected dimensions from 0 to %d, got %v", a.Rank()-1, axes)
		}
		order = append(order, axis)
		n *= a.shape[axis]
		kept[axis] = 1
	}
	if err := checkPermutation(order, a.Rank()); err != nil {
		return nil, 0, nil, err
	}
	shape, strides, all := make([]int, a.Rank()), make([]int, a.Rank()), Strides(a.shape)
	for i, axis := range order {
		shape[i], strides[i] = a.shape[axis], all[axis]
	}
	return View(shape, strides, 0), n, kept, nil
}

// Reduce folds the given dimensions, which remain with a length of 1, by Add, Mul, Max or Min. Sums of floats are
// rounded once. An empty sum is 0, an empty product 1. Errors: the type has no such operation, no elements to take the
// largest or smallest of.
func Reduce(name string, a *Array, axes []int) (*Array, error) {
	if a.typ.IsSmallFloat() {
		return throughFloat32(func(w []*Array) (*Array, error) { return Reduce(name, w[0], axes) }, a)
	}
	list, n, kept, err := a.lanes(axes)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return emptyFold(name, a.typ, kept)
	}
	data, err := kernelsOf[a.typ].fold(name, a.data, list, n)
	if err != nil {
		return nil, err
	}
	return &Array{a.typ, kept, data}, nil
}

func emptyFold(name string, t Type, shape []int) (*Array, error) {
	neutral, ok := map[string]int64{"Add": 0, "Mul": 1}[name]
	if !ok || !t.IsNumber() {
		return nil, fmt.Errorf("ndarray: %s: expected elements to reduce", name)
	}
	return Broadcast(mustCast(Scalar(neutral), t), shape)
}

// MatMul multiplies the matrices in the last two dimensions; those before them broadcast. Errors: fewer than two
// dimensions, lengths or types that do not fit.
func MatMul(a, b *Array) (*Array, error) {
	if a.typ != b.typ || a.Rank() < 2 || b.Rank() < 2 || a.shape[a.Rank()-1] != b.shape[b.Rank()-2] {
		return nil, fmt.Errorf("ndarray: expected matrices that can be multiplied, got %v and %v", a, b)
	}
	if a.typ.IsSmallFloat() {
		return throughFloat32(func(w []*Array) (*Array, error) { return MatMul(w[0], w[1]) }, a, b)
	}
	aBatch, bBatch := a.shape[:a.Rank()-2], b.shape[:b.Rank()-2]
	batch, err := BroadcastShape(aBatch, bBatch)
	if err != nil {
		return nil, err
	}
	rows, inner, columns := a.shape[a.Rank()-2], a.shape[a.Rank()-1], b.shape[b.Rank()-1]
	shape := append(slices.Clone(batch), rows, columns)
	if _, err := Count(shape); err != nil {
		return nil, err
	}
	data, err := kernelsOf[a.typ].matmul(a.data, b.data, matrices(aBatch, batch, rows*inner),
		matrices(bBatch, batch, inner*columns), rows, inner, columns)
	if err != nil {
		return nil, err
	}
	return &Array{a.typ, shape, data}, nil
}

// matrices lists where the matrices of an operand start, stretched to a common batch.
func matrices(from, batch []int, size int) []int {
	strides, extra := make([]int, len(batch)), len(batch)-len(from)
	for i, stride := range Strides(from) {
		if from[i] != 1 {
			strides[extra+i] = stride * size
		}
	}
	return View(batch, strides, 0)
}

// Scan folds along a dimension by Add and keeps every partial result: element i is the sum of those up to i, or of
// those before i if exclusive. reverse starts from the end.
func Scan(a *Array, axis int, exclusive, reverse bool) (*Array, error) {
	if a.typ.IsSmallFloat() {
		return throughFloat32(func(w []*Array) (*Array, error) { return Scan(w[0], axis, exclusive, reverse) }, a)
	}
	list, n, _, err := a.lanes([]int{axis})
	if err != nil {
		return nil, err
	}
	if reverse {
		slices.Reverse(list) // lanes, too, which does not matter
	}
	data, err := kernelsOf[a.typ].scan(a.data, list, n, exclusive)
	if err != nil {
		return nil, err
	}
	return &Array{a.typ, a.shape, data}, nil
}

// ArgSort sorts along a dimension and returns for each place the index, as int64, of the element that belongs there;
// equal elements stay in order. Errors: the type has no order.
func ArgSort(a *Array, axis int, descending bool) (*Array, error) {
	keys, err := a.sortKeys()
	if err != nil {
		return nil, err
	}
	list, n, _, err := a.lanes([]int{axis})
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(list))
	order := make([]int, n)
	for start := 0; start < len(list); start += n {
		run := list[start : start+n]
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int {
			if descending {
				return keys(run[j], run[i])
			}
			return keys(run[i], run[j])
		})
		for place, index := range order {
			out[run[place]] = int64(index)
		}
	}
	return &Array{Int64, a.shape, out}, nil
}

// sortKeys returns the comparison of two elements. NaN comes first.
func (a *Array) sortKeys() (func(i, j int) int, error) {
	switch {
	case a.typ == Uint64:
		v := Elements[uint64](a)
		return func(i, j int) int { return cmp.Compare(v[i], v[j]) }, nil
	case a.typ.IsInteger() || a.typ == Bool:
		v := Elements[int64](mustCast(a, Int64))
		return func(i, j int) int { return cmp.Compare(v[i], v[j]) }, nil
	case a.typ.IsFloat():
		v := Elements[float64](mustCast(a, Float64))
		return func(i, j int) int { return cmp.Compare(v[i], v[j]) }, nil
	case a.typ == String:
		v := Elements[string](a)
		return func(i, j int) int { return cmp.Compare(v[i], v[j]) }, nil
	}
	return nil, fmt.Errorf("ndarray: expected elements with an order, got %v", a)
}

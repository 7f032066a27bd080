package onnx

import (
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func selectionOperators() []operator {
	return []operator{
		op("NonZero", evalNonZero, 9, 13),
		op("Compress", evalCompress, 9, 11),
		op("TopK", evalTopK, 1, 10, 11),
		op("Unique", evalUnique, 11),
	}
}

// evalNonZero lists the indices of what is not zero, a column for each.
func evalNonZero(c *call) {
	x := c.in(0)
	shape, strides := x.Shape(), ndarray.Strides(x.Shape())
	found := trueIndices(cast(x, ndarray.Bool))
	rows := make([]int, 0, len(shape)*len(found))
	for axis, stride := range strides {
		for _, at := range found {
			rows = append(rows, at/stride%shape[axis])
		}
	}
	c.out(reshape(vectorOf(rows), len(shape), len(found)))
}

// trueIndices lists which elements hold, as if there were one dimension.
func trueIndices(x Tensor) []int {
	a := host(x)
	if a.Type() != ndarray.Bool {
		fail("expected bools, got %v", x)
	}
	list := []int{}
	for i, holds := range ndarray.Elements[bool](a) {
		if holds {
			list = append(list, i)
		}
	}
	return list
}

func evalCompress(c *call) {
	x, chosen := c.in(0), trueIndices(c.in(1))
	if !c.hasAttribute("axis") {
		c.out(takeAlong(reshape(x, product(x.Shape())), 0, chosen))
		return
	}
	c.out(takeAlong(x, c.axis("axis", 0, len(x.Shape())), chosen))
}

// evalTopK has k as an attribute before version 10.
func evalTopK(c *call) {
	x, k := c.in(0), c.integer("k", 0)
	if c.version >= 10 {
		k = scalarInt(c.in(1))
	}
	axis := c.axis("axis", -1, len(x.Shape()))
	if k < 0 || k > x.Shape()[axis] {
		fail("expected from 0 to %d elements, got %d", x.Shape()[axis], k)
	}
	order := part(argSort(x, axis, c.flag("largest", true)), axis, 0, k)
	c.out(gatherAlong(x, axis, order), order)
}

// evalUnique looks at the slices of x along a dimension, or at its elements, as rows of a matrix.
func evalUnique(c *call) {
	x, axis := c.in(0), 0
	if c.hasAttribute("axis") {
		axis = c.axis("axis", 0, len(x.Shape()))
	} else {
		x = reshape(x, product(x.Shape()))
	}
	groups := groupRows(permute(x, toFront(len(x.Shape()), axis)...), c.flag("sorted", true))
	first, counts, member := []int{}, []int{}, make([]int, x.Shape()[axis])
	for i, group := range groups {
		first, counts = append(first, group[0]), append(counts, len(group))
		for _, row := range group {
			member[row] = i
		}
	}
	c.out(takeAlong(x, axis, first), vectorOf(first), vectorOf(member), vectorOf(counts))
}

// toFront is the order of dimensions in which one comes first.
func toFront(rank, axis int) []int {
	rest := slices.DeleteFunc(counting(rank), func(i int) bool { return i == axis })
	return append([]int{axis}, rest...)
}

// groupRows gathers equal rows, sorted, or in the order in which they come up first.
func groupRows(rows Tensor, sorted bool) [][]int {
	n := rows.Shape()[0]
	ranks := rankOf(rows)
	width := len(ranks) / max(n, 1)
	row := func(i int) []int { return ranks[i*width : (i+1)*width] }
	order := counting(n)
	slices.SortStableFunc(order, func(i, j int) int { return slices.Compare(row(i), row(j)) })
	var groups [][]int
	for k, i := range order {
		if k == 0 || !slices.Equal(row(order[k-1]), row(i)) {
			groups = append(groups, nil)
		}
		last := &groups[len(groups)-1]
		*last = append(*last, i)
	}
	if !sorted {
		slices.SortFunc(groups, func(a, b []int) int { return a[0] - b[0] })
	}
	return groups
}

// rankOf replaces elements by integers in the same order.
func rankOf(x Tensor) []int {
	flat := reshape(x, product(x.Shape()))
	order := must(must(ndarray.ArgSort(host(flat), 0, false)).Ints())
	ranks, rank := make([]int, len(order)), 0
	if len(order) == 0 {
		return ranks
	}
	sorted := takeAlong(flat, 0, order)
	same := compare("Equal", part(sorted, 0, 0, len(order)-1), part(sorted, 0, 1, len(order)-1))
	for k, i := range order {
		if k > 0 && !ndarray.Elements[bool](host(same))[k-1] {
			rank++
		}
		ranks[i] = rank
	}
	return ranks
}

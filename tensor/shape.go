package tensor

import (
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// count returns the number of elements of a shape.
func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// checkShape refuses negative extents and more elements than a stage has lanes.
func checkShape(call string, shape []int) {
	n := 1
	for _, d := range shape {
		if d < 0 {
			fail(call, "shape %v has a negative extent", shape)
		}
		if n *= d; n > ir.MaxLanes {
			fail(call, "shape %v has more than %d elements", shape, ir.MaxLanes)
		}
	}
}

// rowMajor returns the strides of a contiguous array, in elements.
func rowMajor(shape []int) []int {
	strides := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = n
		n *= shape[i]
	}
	return strides
}

// broadcast returns the shape that the shapes have in common by NumPy's rules: aligned at the end, extents of 1 stretch.
func broadcast(call string, shapes ...[]int) []int {
	rank := 0
	for _, s := range shapes {
		rank = max(rank, len(s))
	}
	out := make([]int, rank)
	for i := range out {
		out[i] = 1
	}
	for k, s := range shapes {
		for i, d := range s {
			switch at := &out[rank-len(s)+i]; {
			case *at == d || d == 1:
			case *at == 1:
				*at = d
			default:
				fail(call, "shapes %v and %v do not go together", common(shapes[:k]), s)
			}
		}
	}
	return out
}

// common is what to show of the shapes before the one that does not fit: the only one, or what they have in common.
func common(shapes [][]int) []int {
	if len(shapes) == 1 {
		return shapes[0]
	}
	return broadcast("", shapes...)
}

// axisOf returns an axis from 0, given one from -rank to rank-1.
func axisOf(call string, shape []int, axis int) int {
	if axis < -len(shape) || axis >= len(shape) {
		fail(call, "axis %d of shape %v", axis, shape)
	}
	if axis < 0 {
		axis += len(shape)
	}
	return axis
}

// axesOf returns the sorted axes from 0; none given means all.
func axesOf(call string, shape []int, axes []int) []int {
	out := make([]int, 0, len(shape))
	if len(axes) == 0 {
		for i := range shape {
			out = append(out, i)
		}
		return out
	}
	for _, a := range axes {
		out = append(out, axisOf(call, shape, a))
	}
	slices.Sort(out)
	for i := 1; i < len(out); i++ {
		if out[i] == out[i-1] {
			fail(call, "axis %d of shape %v is given twice", out[i], shape)
		}
	}
	return out
}

// without returns the shape without the sorted axes, or with extents of 1 in their place.
func without(shape, axes []int, keep bool) []int {
	out := make([]int, 0, len(shape))
	for i, d := range shape {
		switch {
		case !slices.Contains(axes, i):
			out = append(out, d)
		case keep:
			out = append(out, 1)
		}
	}
	return out
}

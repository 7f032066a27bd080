package onnx

import (
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func creationOperators() []operator {
	return []operator{
		op("Constant", evalConstant, 1, 9, 11, 12, 13),
		op("ConstantOfShape", evalConstantOfShape, 9),
		op("EyeLike", evalEyeLike, 9),
		op("Range", evalRange, 11),
		op("OneHot", evalOneHot, 9, 11),
		op("Trilu", evalTrilu, 14),
	}
}

func evalConstant(c *call) {
	switch {
	case c.hasAttribute("value"):
		c.out(c.constant("value"))
	case c.hasAttribute("value_float"):
		c.out(ndarray.Scalar(c.attribute("value_float", format.FloatKind).Float))
	case c.hasAttribute("value_int"):
		c.out(ndarray.Scalar(c.attribute("value_int", format.IntKind).Int))
	case c.hasAttribute("value_string"):
		c.out(ndarray.Scalar(c.text("value_string", "")))
	case c.hasAttribute("value_floats"):
		c.out(ndarray.Vector(c.floats("value_floats")...))
	case c.hasAttribute("value_ints"):
		c.out(ndarray.Vector(c.attribute("value_ints", format.IntsKind).Ints...))
	case c.hasAttribute("value_strings"):
		c.out(ndarray.Vector(c.texts("value_strings")...))
	default:
		fail("expected an attribute with a dense value")
	}
}

func evalConstantOfShape(c *call) {
	var value Tensor = ndarray.Scalar(float32(0))
	if c.hasAttribute("value") {
		value = reshape(c.constant("value"))
	}
	c.out(broadcast(value, c.ints(0)...))
}

func evalEyeLike(c *call) {
	x := c.in(0)
	if len(x.Shape()) != 2 {
		fail("expected a matrix, got %v", x)
	}
	d := diagonal(x.Shape()[0], x.Shape()[1], c.integer("k", 0))
	c.out(cast(compare("Equal", d, like(d, 0)), c.element("dtype", x.Type())))
}

// diagonal is column - row - k, as int64: 0 on the k-th diagonal above the main one.
func diagonal(rows, columns, k int) Tensor {
	return subtract(vectorOf(counting(columns)), shift(reshape(vectorOf(counting(rows)), rows, 1), float64(k)))
}

func evalRange(c *call) {
	start, limit, delta := c.in(0), c.in(1), c.in(2)
	ends := slices.Concat(numbers(start), numbers(limit), numbers(delta))
	if len(ends) != 3 {
		fail("expected three scalars, got %v", ends)
	}
	n := math.Ceil((ends[1] - ends[0]) / ends[2])
	if ends[2] == 0 || math.IsNaN(n) || n > ndarray.MaxElements {
		fail("expected a range of at most %d elements, got %v", ndarray.MaxElements, ends)
	}
	steps := cast(vectorOf(counting(int(max(n, 0)))), start.Type())
	c.out(add(reshape(start), multiply(steps, reshape(delta))))
}

// evalOneHot gives indices outside of the depth no place that is on.
func evalOneHot(c *call) {
	indices, values := c.in(0), c.in(2)
	depth := must(must(ndarray.Cast(setting(c.in(1)), ndarray.Int64)).Ints())
	if len(depth) != 1 || len(values.Shape()) != 1 || values.Shape()[0] != 2 {
		fail("expected one depth and two values, got %v and %v", c.in(1), values)
	}
	axis := c.axis("axis", -1, len(indices.Shape())+1)
	index := unsqueeze(cast(indices, ndarray.Int64), axis)
	index = where(negative(index), shift(index, float64(depth[0])), index)
	places := alignedAt(vectorOf(counting(max(depth[0], 0))), axis, len(index.Shape()))
	c.out(where(compare("Equal", index, places), at(values, 0, 1), at(values, 0, 0)))
}

func evalTrilu(c *call) {
	x, k := c.in(0), 0
	if c.has(1) {
		k = scalarInt(c.in(1))
	}
	shape := x.Shape()
	if len(shape) < 2 {
		fail("expected a matrix or more, got %v", x)
	}
	d := diagonal(shape[len(shape)-2], shape[len(shape)-1], k)
	kept := "LessOrEqual"
	if c.flag("upper", true) {
		kept = "GreaterOrEqual"
	}
	c.out(where(compare(kept, d, like(d, 0)), x, like(x, 0)))
}

// scalarInt returns the one element of a tensor of integers.
func scalarInt(x Tensor) int {
	list := integers(x)
	if len(list) != 1 {
		fail("expected one integer, got %v", x)
	}
	return list[0]
}

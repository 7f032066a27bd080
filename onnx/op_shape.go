package onnx

import (
	"slices"
)

func shapeOperators() []operator {
	return []operator{
		op("Shape", evalShape, 1, 13, 15),
		op("Size", func(c *call) { c.out(reshape(vectorOf([]int{product(c.in(0).Shape())}))) }, 1, 13),
		op("Reshape", evalReshape, 1, 5, 13, 14),
		op("Flatten", evalFlatten, 1, 9, 11, 13),
		op("Squeeze", evalSqueeze, 1, 11, 13),
		op("Unsqueeze", evalUnsqueeze, 1, 11, 13),
		op("Transpose", evalTranspose, 1, 13),
		op("Expand", evalExpand, 8, 13),
		op("Identity", func(c *call) { c.out(c.value(0)) }, 1, 13, 14, 16),
		op("Cast", func(c *call) { c.out(cast(c.in(0), c.element("to", 0))) }, 6, 9, 13),
		op("CastLike", func(c *call) { c.out(cast(c.in(0), c.in(1).Type())) }, 15),
		op("DepthToSpace", evalDepthToSpace, 1, 11, 13),
		op("SpaceToDepth", evalSpaceToDepth, 1, 13),
	}
}

func evalShape(c *call) {
	shape := c.in(0).Shape()
	n := len(shape)
	start, end := bound(c.integer("start", 0), n), bound(c.integer("end", n), n)
	c.out(vectorOf(shape[start:max(start, end)]))
}

// bound clamps an index to a list of n; negative ones count from the end.
func bound(index, n int) int {
	if index < 0 {
		index += n
	}
	return min(max(index, 0), n)
}

// evalReshape has the shape as an attribute before version 5.
func evalReshape(c *call) {
	x := c.in(0)
	target, given := c.listFrom("shape", 1, 5)
	if !given {
		fail("expected a shape")
	}
	shape, free := slices.Clone(target), -1
	for i, length := range shape {
		switch {
		case length == 0 && !c.flag("allowzero", false):
			if i >= len(x.Shape()) {
				fail("expected a dimension %d to copy, got %v", i, x)
			}
			shape[i] = x.Shape()[i]
		case length == -1 && free < 0:
			free = i
		case length < 0:
			fail("expected one length of -1 at most, got %v", target)
		}
	}
	if free >= 0 {
		shape[free] = 1
		if rest := product(shape); rest > 0 {
			shape[free] = product(x.Shape()) / rest
		}
	}
	c.out(reshape(x, shape...))
}

func evalFlatten(c *call) {
	x := c.in(0)
	shape, axis := x.Shape(), c.integer("axis", 1)
	if axis != len(shape) {
		axis = dimension(axis, len(shape))
	}
	c.out(reshape(x, product(shape[:axis]), product(shape[axis:])))
}

func evalSqueeze(c *call) {
	x := c.in(0)
	axes, given := c.listFrom("axes", 1, 13)
	if !given {
		for axis, length := range x.Shape() {
			if length == 1 {
				axes = append(axes, axis)
			}
		}
	}
	c.out(squeeze(x, axes...))
}

// squeeze removes dimensions of length 1.
func squeeze(x Tensor, axes ...int) Tensor {
	return reshape(x, without(x.Shape(), dimensions(axes, len(x.Shape())))...)
}

func evalUnsqueeze(c *call) {
	axes, given := c.listFrom("axes", 1, 13)
	if !given {
		fail("expected the dimensions to insert")
	}
	c.out(unsqueeze(c.in(0), axes...))
}

// unsqueeze inserts dimensions of length 1, which have the given places in the result.
func unsqueeze(x Tensor, axes ...int) Tensor {
	rank := len(x.Shape()) + len(axes)
	axes = dimensions(axes, rank)
	shape, rest := make([]int, rank), x.Shape()
	for i := range shape {
		shape[i] = 1
		if !slices.Contains(axes, i) {
			shape[i], rest = rest[0], rest[1:]
		}
	}
	return reshape(x, shape...)
}

func evalTranspose(c *call) {
	x := c.in(0)
	order := c.list("perm")
	if order == nil {
		order = counting(len(x.Shape()))
		slices.Reverse(order)
	}
	c.out(permute(x, order...))
}

// evalExpand stretches in both directions: lengths of 1 in the wanted shape leave the tensor's.
func evalExpand(c *call) {
	x := c.in(0)
	c.out(broadcast(x, jointShape(x.Shape(), c.ints(1))...))
}

func evalDepthToSpace(c *call) {
	x, b := c.in(0), c.integer("blocksize", 0)
	n, depth, height, width := c.blocks(x, b)
	if depth%(b*b) != 0 {
		fail("expected channels in multiples of %d, got %v", b*b, x)
	}
	depth /= b * b
	if c.text("mode", "DCR") == "CRD" {
		x = permute(reshape(x, n, depth, b, b, height, width), 0, 1, 4, 2, 5, 3)
	} else {
		x = permute(reshape(x, n, b, b, depth, height, width), 0, 3, 4, 1, 5, 2)
	}
	c.out(reshape(x, n, depth, height*b, width*b))
}

func evalSpaceToDepth(c *call) {
	x, b := c.in(0), c.integer("blocksize", 0)
	n, depth, height, width := c.blocks(x, b)
	if height%b != 0 || width%b != 0 {
		fail("expected sides in multiples of %d, got %v", b, x)
	}
	x = permute(reshape(x, n, depth, height/b, b, width/b, b), 0, 3, 5, 1, 2, 4)
	c.out(reshape(x, n, depth*b*b, height/b, width/b))
}

func (c *call) blocks(x Tensor, size int) (n, depth, height, width int) {
	shape := x.Shape()
	if len(shape) != 4 || size < 1 || size > 1<<15 {
		fail("expected four dimensions and blocks of 1 to 32768, got %v and %d", x, size)
	}
	return shape[0], shape[1], shape[2], shape[3]
}

package onnx

import "github.com/baremetaldevx86/microdr/onnx/ndarray"

// evalPad has pads and value as attributes before version 11. Pads below 0 cut off.
func evalPad(c *call) {
	x := c.in(0)
	attribute := "pads"
	if c.version < 2 {
		attribute = "paddings"
	}
	pads, given := c.listFrom(attribute, 1, 11)
	n := len(x.Shape())
	if !given || len(pads) != 2*n {
		fail("expected %d pads, got %v", 2*n, pads)
	}
	value := like(x, c.float("value", 0))
	if c.version >= 11 {
		value = reshape(setting(c.or(2, like(x, 0))))
	}
	mode := c.text("mode", "constant")
	if mode == "constant" {
		c.out(padOrCut(x, pads[:n], pads[n:], value))
		return
	}
	for axis := range n {
		x = takeAlong(x, axis, paddedIndices(mode, x.Shape()[axis], pads[axis], pads[n+axis]))
	}
	c.out(x)
}

// padOrCut takes away where a number is negative.
func padOrCut(x Tensor, before, after []int, value Tensor) Tensor {
	n := len(before)
	ranges, low, high := whole(x.Shape()), make([]int, n), make([]int, n)
	for axis := range n {
		low[axis], high[axis] = max(before[axis], 0), max(after[axis], 0)
		cut := min(before[axis], 0)
		ranges[axis].Start -= cut
		ranges[axis].N += cut + min(after[axis], 0)
	}
	return pad(slice(x, ranges), low, high, make([]int, n), value)
}

// paddedIndices lists which elements of a dimension stand where, in modes that repeat elements.
func paddedIndices(mode string, n, before, after int) []int {
	if n == 0 || before+n+after < 0 || max(before, after) > ndarray.MaxElements {
		fail("expected a dimension with elements to repeat, and pads that leave some")
	}
	indices := make([]int, before+n+after)
	for i := range indices {
		indices[i] = paddedIndex(mode, i-before, n)
	}
	return indices
}

func paddedIndex(mode string, i, n int) int {
	switch mode {
	case "edge":
		return min(max(i, 0), n-1)
	case "wrap":
		return ((i % n) + n) % n
	case "reflect":
		period := max(2*(n-1), 1)
		i = ((i % period) + period) % period
		return min(i, period-i) % n
	}
	fail("expected mode constant, reflect, edge or wrap, got %q", mode)
	return 0
}

package onnx

import (
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func arithmeticOperators() []operator {
	list := []operator{
		op("Add", pairwise("Add"), 1, 6, 7, 13, 14),
		op("Sub", pairwise("Sub"), 1, 6, 7, 13, 14),
		op("Mul", pairwise("Mul"), 1, 6, 7, 13, 14),
		op("Div", pairwise("Div"), 1, 6, 7, 13, 14),
		op("Pow", evalPow, 1, 7, 12, 13, 15),
		op("Mod", evalMod, 10, 13),
		op("BitShift", evalBitShift, 11),
		op("Max", variadic("Max"), 1, 6, 8, 12, 13),
		op("Min", variadic("Min"), 1, 6, 8, 12, 13),
		op("Sum", variadic("Add"), 1, 6, 8, 13),
		op("Mean", evalMean, 1, 6, 8, 13),
		op("Clip", evalClip, 1, 6, 11, 12, 13),
	}
	for name, since := range map[string][]int{
		"Abs": {1, 6, 13}, "Neg": {1, 6, 13}, "Sign": {9, 13}, "Acos": {7}, "Acosh": {9}, "Asin": {7}, "Asinh": {9},
		"Atan": {7}, "Atanh": {9}, "Ceil": {1, 6, 13}, "Cos": {7}, "Cosh": {9}, "Erf": {9, 13}, "Exp": {1, 6, 13},
		"Floor": {1, 6, 13}, "Log": {1, 6, 13}, "Reciprocal": {1, 6, 13}, "Round": {11}, "Sin": {7}, "Sinh": {9},
		"Sqrt": {1, 6, 13}, "Tan": {7}, "Tanh": {1, 6, 13},
	} {
		list = append(list, op(name, elementwise(name), since...))
	}
	return list
}

func elementwise(name string) func(*call) {
	return func(c *call) { c.out(unary(name, c.in(0))) }
}

func pairwise(name string) func(*call) {
	return func(c *call) {
		x, y := c.pair()
		c.out(binary(name, x, y))
	}
}

// pair returns two operands that broadcast. Before version 7 the second one may stretch from a dimension of the first
// that an attribute names, and else only where the attribute broadcast says so.
func (c *call) pair() (x, y Tensor) {
	x, y = c.in(0), c.in(1)
	if c.version >= 7 || !c.flag("broadcast", false) || !c.hasAttribute("axis") {
		return x, y
	}
	axis := c.axis("axis", 0, len(x.Shape()))
	return x, alignedAt(y, axis, len(x.Shape()))
}

// alignedAt gives a tensor as many dimensions of length 1 behind its own as put its first one at the axis.
func alignedAt(x Tensor, axis, rank int) Tensor {
	missing := rank - axis - len(x.Shape())
	if missing < 0 {
		fail("expected at most %d dimensions from dimension %d on, got %v", rank-axis, axis, x)
	}
	return reshape(x, append(append([]int{}, x.Shape()...), repeated(missing, 1)...)...)
}

func variadic(name string) func(*call) {
	return func(c *call) { c.out(foldAll(name, c.tensors())) }
}

func foldAll(name string, list []Tensor) Tensor {
	out := list[0]
	for _, x := range list[1:] {
		out = binary(name, out, x)
	}
	return out
}

func evalMean(c *call) {
	list := c.tensors()
	out := foldAll("Add", list)
	c.out(divide(out, like(out, float64(len(list)))))
}

// evalPow gives the result the type of the base. Powers of integers of fractions are computed in float64.
func evalPow(c *call) {
	x, y := c.pair()
	if x.Type().IsInteger() && y.Type().IsFloat() {
		wide := binary("Pow", cast(x, ndarray.Float64), cast(y, ndarray.Float64))
		c.out(cast(wide, x.Type()))
		return
	}
	c.out(binary("Pow", x, cast(y, x.Type())))
}

func evalMod(c *call) {
	x, y := c.in(0), c.in(1)
	switch {
	case c.flag("fmod", false):
		c.out(binary("Fmod", x, y))
	case x.Type().IsFloat():
		fail("expected attribute fmod to be 1 for floats")
	default:
		c.out(binary("Mod", x, y))
	}
}

func evalBitShift(c *call) {
	direction := c.text("direction", "")
	if direction != "LEFT" && direction != "RIGHT" {
		fail("expected attribute direction to be LEFT or RIGHT, got %q", direction)
	}
	c.out(must(ndarray.Shift(host(c.in(0)), host(c.in(1)), direction == "LEFT")))
}

// evalClip has its bounds as attributes before version 11, and as inputs since.
func evalClip(c *call) {
	x := c.in(0)
	low, high := c.optional(1), c.optional(2)
	if c.version < 11 {
		low, high = c.bound(x, "min"), c.bound(x, "max")
	}
	if low != nil {
		x = maximum(x, low)
	}
	if high != nil {
		x = minimum(x, high)
	}
	c.out(x)
}

func (c *call) bound(x Tensor, name string) Tensor {
	if !c.hasAttribute(name) {
		return nil
	}
	return like(x, c.float(name, 0))
}

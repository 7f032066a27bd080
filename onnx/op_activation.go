package onnx

import "slices"

func activationOperators() []operator {
	return []operator{
		op("Relu", func(c *call) { c.out(relu(c.in(0))) }, 1, 6, 13, 14),
		op("LeakyRelu", func(c *call) { c.out(leakyRelu(c.in(0), c.float("alpha", 0.01))) }, 1, 6, 16),
		op("PRelu", evalPRelu, 1, 6, 7, 9, 16),
		op("Elu", func(c *call) { c.out(elu(c.in(0), c.float("alpha", 1))) }, 1, 6),
		op("Selu", evalSelu, 1, 6),
		op("Celu", evalCelu, 12),
		op("Sigmoid", func(c *call) { c.out(sigmoid(c.in(0))) }, 1, 6, 13),
		op("HardSigmoid", func(c *call) {
			c.out(hardSigmoid(c.in(0), c.float("alpha", 0.2), c.float("beta", 0.5)))
		}, 1, 6),
		op("HardSwish", func(c *call) { c.out(multiply(c.in(0), hardSigmoid(c.in(0), 1.0/6, 0.5))) }, 14),
		op("Softplus", func(c *call) { c.out(softplus(c.in(0))) }, 1),
		op("Softsign", func(c *call) { c.out(softsign(c.in(0))) }, 1),
		op("ThresholdedRelu", func(c *call) { c.out(thresholdedRelu(c.in(0), c.float("alpha", 1))) }, 10),
		op("Shrink", evalShrink, 9),
		op("Softmax", flattened(softmax), 1, 11, 13),
		op("LogSoftmax", flattened(logSoftmax), 1, 11, 13),
		op("Hardmax", flattened(hardmax), 1, 11, 13),
	}
}

func relu(x Tensor) Tensor {
	if isDeferred(x) {
		return unary("Relu", x) // with a derivative of 0 at 0
	}
	return maximum(x, like(x, 0))
}

func scale(x Tensor, factor float64) Tensor { return multiply(x, like(x, factor)) }

func shift(x Tensor, by float64) Tensor { return add(x, like(x, by)) }

func negative(x Tensor) Tensor { return compare("Less", x, like(x, 0)) }

func leakyRelu(x Tensor, alpha float64) Tensor { return where(negative(x), scale(x, alpha), x) }

// evalPRelu has, before version 7, one slope a channel, which is dimension 1.
func evalPRelu(c *call) {
	x, slope := c.in(0), c.in(1)
	if rank := len(x.Shape()); c.version < 7 && len(slope.Shape()) == 1 && slope.Shape()[0] > 1 && rank > 2 {
		slope = alignedAt(slope, 1, rank)
	}
	c.out(where(negative(x), multiply(slope, x), x))
}

// expm1 is exp(x) - 1 of the negative part of x, and 0 of the rest: nothing overflows where it is not wanted.
func expm1(x Tensor) Tensor { return shift(unary("Exp", minimum(x, like(x, 0))), -1) }

func elu(x Tensor, alpha float64) Tensor { return add(relu(x), scale(expm1(x), alpha)) }

// evalSelu has as defaults the float32 values nearest to those of Klambauer et al., Self-Normalizing Neural Networks;
// version 1 has fewer digits.
func evalSelu(c *call) {
	alpha, gamma := 1.67326319217681884765625, 1.05070102214813232421875
	if c.version < 6 {
		alpha, gamma = 1.6732, 1.0507
	}
	c.out(scale(elu(c.in(0), c.float("alpha", alpha)), c.float("gamma", gamma)))
}

func evalCelu(c *call) {
	x, alpha := c.in(0), c.float("alpha", 1)
	c.out(add(relu(x), scale(expm1(scale(x, 1/alpha)), alpha)))
}

func sigmoid(x Tensor) Tensor {
	if isDeferred(x) {
		return unary("Sigmoid", x)
	}
	return unary("Reciprocal", shift(unary("Exp", unary("Neg", x)), 1))
}

func hardSigmoid(x Tensor, alpha, beta float64) Tensor {
	line := shift(scale(x, alpha), beta)
	return maximum(like(x, 0), minimum(like(x, 1), line))
}

// softplus is log(1 + exp(x)), in a form that does not overflow.
func softplus(x Tensor) Tensor {
	return add(relu(x), unary("Log", shift(unary("Exp", unary("Neg", unary("Abs", x))), 1)))
}

func softsign(x Tensor) Tensor { return divide(x, shift(unary("Abs", x), 1)) }

func thresholdedRelu(x Tensor, alpha float64) Tensor {
	return where(compare("Greater", x, like(x, alpha)), x, like(x, 0))
}

func evalShrink(c *call) {
	x, bias, lambda := c.in(0), c.float("bias", 0), c.float("lambd", 0.5)
	above := where(compare("Greater", x, like(x, lambda)), shift(x, -bias), like(x, 0))
	c.out(where(compare("Less", x, like(x, -lambda)), shift(x, bias), above))
}

// flattened applies a function along a dimension. Before version 13 that dimension and all behind it are one, and so
// are those before it.
func flattened(f func(x Tensor, axis int) Tensor) func(*call) {
	return func(c *call) {
		x := c.in(0)
		if c.version >= 13 {
			c.out(f(x, c.axis("axis", -1, len(x.Shape()))))
			return
		}
		shape := x.Shape()
		axis := c.integer("axis", 1)
		if axis != len(shape) {
			axis = dimension(axis, len(shape))
		}
		matrix := reshape(x, product(shape[:axis]), product(shape[axis:]))
		c.out(reshape(f(matrix, 1), shape...))
	}
}

func product(lengths []int) int {
	n := 1
	for _, length := range lengths {
		n *= length
	}
	return n
}

// centred subtracts the largest element along a dimension, so that exponentials do not overflow.
func centred(x Tensor, axis int) Tensor {
	if x.Shape()[axis] == 0 {
		return x
	}
	return subtract(x, detach(reduce("Max", x, []int{axis}, true)))
}

func softmax(x Tensor, axis int) Tensor {
	if d, ok := x.(*deferred); ok {
		return d.with(d.t.Softmax(axis))
	}
	e := unary("Exp", centred(x, axis))
	return divide(e, sum(e, []int{axis}, true))
}

func logSoftmax(x Tensor, axis int) Tensor {
	if d, ok := x.(*deferred); ok {
		return d.with(d.t.LogSoftmax(axis))
	}
	x = centred(x, axis)
	return subtract(x, unary("Log", sum(unary("Exp", x), []int{axis}, true)))
}

// hardmax is 1 at the first of the largest elements, and 0 elsewhere.
func hardmax(x Tensor, axis int) Tensor {
	index := argument("Max", x, axis, false)
	places := alignedAt(vectorOf(counting(x.Shape()[axis])), axis, len(x.Shape()))
	hot := compare("Equal", places, index)
	shape := slices.Clone(x.Shape())
	return broadcast(cast(hot, x.Type()), shape...)
}

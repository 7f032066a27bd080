package onnx

import (
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func normalizationOperators() []operator {
	return []operator{
		op("BatchNormalization", evalBatchNormalization, 1, 6, 7, 9, 14, 15),
		op("InstanceNormalization", evalInstanceNormalization, 1, 6),
		op("LayerNormalization", evalLayerNormalization, 17),
		op("LpNormalization", evalLpNormalization, 1),
		op("MeanVarianceNormalization", evalMeanVarianceNormalization, 9, 13),
		op("LRN", evalLRN, 1, 13),
	}
}

// evalBatchNormalization normalizes with given statistics or, in training mode, with those of the batch, which it then
// also mixes into the given ones.
func evalBatchNormalization(c *call) {
	x := c.in(0)
	axes := spatialAndBatch(x)
	mean, variance := c.in(3), c.in(4)
	training := c.flag("training_mode", false)
	if !training && c.wants(1) {
		fail("expected one output outside of training mode, got %d", len(c.node.Outputs))
	}
	if training {
		mean, variance = moments(x, axes, false)
	}
	c.out(c.normalized(x, mean, variance))
	if training {
		momentum := c.float("momentum", 0.9)
		c.outputs = append(c.outputs, mixed(c.in(3), mean, momentum), mixed(c.in(4), variance, momentum))
	}
}

func mixed(x, y Tensor, share float64) Tensor {
	return add(scale(x, share), scale(cast(y, x.Type()), 1-share))
}

// normalized applies statistics, and the scale and bias of inputs 1 and 2, for each channel.
func (c *call) normalized(x, mean, variance Tensor) Tensor {
	rank := len(x.Shape())
	perChannel := func(v Tensor) Tensor {
		if len(v.Shape()) == 1 {
			v = alignedAt(v, 1, rank)
		}
		return cast(v, x.Type())
	}
	deviation := unary("Sqrt", shift(perChannel(variance), c.float("epsilon", 1e-5)))
	return add(multiply(divide(subtract(x, perChannel(mean)), deviation), perChannel(c.in(1))), perChannel(c.in(2)))
}

// spatialAndBatch lists all dimensions but the channels'.
func spatialAndBatch(x Tensor) []int {
	if len(x.Shape()) < 2 {
		fail("expected a batch and channels, got %v", x)
	}
	return append([]int{0}, counting(len(x.Shape()))[2:]...)
}

// moments returns mean and variance over dimensions.
func moments(x Tensor, axes []int, keep bool) (average, variance Tensor) {
	average = mean(x, axes, true)
	offset := subtract(x, average)
	variance = mean(multiply(offset, offset), axes, keep)
	if !keep {
		average = reshape(average, without(x.Shape(), axes)...)
	}
	return average, variance
}

func evalInstanceNormalization(c *call) {
	x := c.in(0)
	mean, variance := moments(x, spatial(x), true)
	c.out(c.normalized(x, mean, variance))
}

// evalLayerNormalization computes statistics in the type that stash_type names.
func evalLayerNormalization(c *call) {
	x := c.in(0)
	rank := len(x.Shape())
	first := c.axis("axis", -1, rank)
	wide := cast(x, c.element("stash_type", ndarray.Float32))
	average, variance := moments(wide, counting(rank)[first:], true)
	inverse := unary("Reciprocal", unary("Sqrt", shift(variance, c.float("epsilon", 1e-5))))
	y := multiply(cast(multiply(subtract(wide, average), inverse), x.Type()), c.in(1))
	if bias := c.optional(2); bias != nil {
		y = add(y, bias)
	}
	c.out(y, average, inverse)
}

func evalLpNormalization(c *call) {
	x := c.in(0)
	axis := []int{c.axis("axis", -1, len(x.Shape()))}
	norm := normL2
	if c.integer("p", 2) == 1 {
		norm = normL1
	}
	c.out(divide(x, norm(x, axis, true)))
}

func evalMeanVarianceNormalization(c *call) {
	x := c.in(0)
	axes := c.list("axes")
	if axes == nil {
		axes = []int{0, 2, 3}
	}
	average, variance := moments(x, dimensions(axes, len(x.Shape())), true)
	c.out(divide(subtract(x, average), shift(unary("Sqrt", variance), 1e-9)))
}

// evalLRN divides by a power of the sum of squares in neighbouring channels.
func evalLRN(c *call) {
	x, size := c.in(0), c.integer("size", 0)
	rank := len(x.Shape())
	if size < 1 || rank < 2 {
		fail("expected a size of 1 or more and channels, got %d and %v", size, x)
	}
	before, after := make([]int, rank), make([]int, rank)
	before[1], after[1] = (size-1)/2, size/2
	squares := pad(multiply(x, x), before, after, make([]int, rank), like(x, 0))
	var total Tensor
	for i := range min(size, squares.Shape()[1]) {
		next := part(squares, 1, i, x.Shape()[1])
		if total == nil {
			total = next
		} else {
			total = add(total, next)
		}
	}
	base := shift(scale(total, c.float("alpha", 1e-4)/float64(size)), c.float("bias", 1))
	c.out(divide(x, power(base, c.float("beta", 0.75))))
}

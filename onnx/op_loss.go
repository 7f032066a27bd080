package onnx

import "slices"

func lossOperators() []operator {
	return []operator{
		op("NegativeLogLikelihoodLoss", func(c *call) { c.out(c.likelihoodLoss(c.in(0))) }, 12, 13),
		op("SoftmaxCrossEntropyLoss", evalSoftmaxCrossEntropyLoss, 12, 13),
	}
}

func evalSoftmaxCrossEntropyLoss(c *call) {
	x := c.in(0)
	logarithms := logSoftmax(x, dimension(1, len(x.Shape())))
	c.out(c.likelihoodLoss(logarithms), logarithms)
}

// likelihoodLoss is minus the logarithm, at the class that the labels of input 1 name, weighted by class with input 2.
// Classes are dimension 1. A mean is divided by the sum of weights.
func (c *call) likelihoodLoss(logarithms Tensor) Tensor {
	labels, shape := c.in(1), logarithms.Shape()
	if len(shape) < 2 || !slices.Equal(labels.Shape(), without(shape, []int{1})) {
		fail("expected a label for each of %v without its classes, got %v", logarithms, labels)
	}
	weighted := c.has(2) || c.hasAttribute("ignore_index")
	weights := c.or(2, broadcast(like(logarithms, 1), shape[1]))
	valid := compare("Equal", labels, labels) // all of them
	if c.hasAttribute("ignore_index") {
		valid = not(compare("Equal", labels, like(labels, float64(c.integer("ignore_index", 0)))))
	}
	labels = where(valid, labels, like(labels, 0)) // class 0 stands in for what counts nothing
	chosen := reshape(gatherAlong(logarithms, 1, unsqueeze(labels, 1)), labels.Shape()...)
	factors := where(valid, gather(weights, 0, labels), like(weights, 0))
	loss := multiply(unary("Neg", chosen), factors)
	all := counting(len(loss.Shape()))
	switch reduction := c.text("reduction", "mean"); reduction {
	case "none":
		return loss
	case "sum":
		return sum(loss, all, false)
	case "mean":
		if weighted {
			return divide(sum(loss, all, false), sum(factors, all, false))
		}
		return mean(loss, all, false)
	default:
		fail("expected reduction none, sum or mean, got %q", reduction)
		return nil
	}
}

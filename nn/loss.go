package nn

import (
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/tensor"
	"github.com/baremetaldevx86/microdr/trace"
)

// Reduction says what becomes of the losses of the elements, or of the samples.
type Reduction uint8

// The reductions.
const (
	Mean Reduction = iota // a scalar
	Sum                   // a scalar
	None                  // a loss each
)

// reductions apply to a tensor of losses.
var reductions = [...]func(losses *tensor.Tensor) *tensor.Tensor{
	Mean: func(losses *tensor.Tensor) *tensor.Tensor { return losses.Mean() },
	Sum:  func(losses *tensor.Tensor) *tensor.Tensor { return losses.Sum() },
	None: func(losses *tensor.Tensor) *tensor.Tensor { return losses },
}

// checkSame refuses tensors of different shapes: with broadcasting, a column less a row would pass for a loss.
func checkSame(call, one string, x *tensor.Tensor, other string, y *tensor.Tensor) {
	if !x.Type().IsFloat() || !y.Type().IsFloat() || !slices.Equal(x.Shape(), y.Shape()) {
		fail(call, "%s %s and %s %s, expected floats of equal shapes", one, describe(x), other, describe(y))
	}
}

// pointwise is a loss of one prediction and one target.
func pointwise(name string, prediction, target *tensor.Tensor, r Reduction,
	f func(prediction, target trace.Float) trace.Float) *tensor.Tensor {
	checkSame(name, "prediction", prediction, "target", target)
	of := func(_ *trace.Recorder, x []trace.Float) trace.Float { return f(x[0], x[1]) }
	return reductions[r](tensor.Map(name, of, prediction, target))
}

// MSE returns squares of differences: of tensors of equal shapes, one loss an element.
func MSE(prediction, target *tensor.Tensor, r Reduction) *tensor.Tensor {
	return pointwise("MSE", prediction, target, r, func(p, t trace.Float) trace.Float { return p.Sub(t).Sq() })
}

// L1 returns magnitudes of differences: of tensors of equal shapes, one loss an element. The derivative where they
// are equal is 0.
func L1(prediction, target *tensor.Tensor, r Reduction) *tensor.Tensor {
	return pointwise("L1", prediction, target, r, func(p, t trace.Float) trace.Float { return p.Sub(t).Abs() })
}

// Huber returns d*d/2 of differences d up to delta in magnitude and delta*(|d| - delta/2) beyond (Huber 1964): of
// tensors of equal shapes, one loss an element.
func Huber(prediction, target *tensor.Tensor, delta float64, r Reduction) *tensor.Tensor {
	if !(delta > 0) {
		fail("Huber", "a delta of %v, expected a positive one", delta)
	}
	return pointwise("Huber", prediction, target, r, func(p, t trace.Float) trace.Float {
		d := p.Sub(t)
		size := d.Abs()
		return size.Above(delta).Select(size.Minus(delta/2).Times(delta), d.Sq().Times(0.5))
	})
}

// BCEWithLogits returns -t log(s) - (1-t) log(1-s) with s the sigmoid of the logits and targets t from 0 to 1: of
// tensors of equal shapes, one loss an element. It is computed from the logits x, of any finite size: as log(1+e^x) - t
// x or, where x is positive, as log(1+e^-x) + (1-t) x.
func BCEWithLogits(logits, target *tensor.Tensor, r Reduction) *tensor.Tensor {
	return pointwise("BCEWithLogits", logits, target, r, func(x, t trace.Float) trace.Float {
		weight := x.Below(0).Select(t.Neg(), t.From(1))
		return log1pExp(notAbove(x)).Add(weight.Mul(x))
	})
}

// CrossEntropy returns -log of the probability that the softmax of the logits, [..., classes], gives to labels, of type
// Int32 or Uint8 and shape [...]: one loss a label. It is computed from the logits, of any finite size, or -Inf for what
// is impossible. A label below 0 or not below classes has the loss NaN.
func CrossEntropy(logits, labels *tensor.Tensor, r Reduction) *tensor.Tensor {
	return SmoothCrossEntropy(logits, labels, 0, r)
}

// SmoothCrossEntropy is CrossEntropy with respect to labels of which the share smoothing, from 0 to below 1, belongs
// to all classes in equal parts, the label among them (Szegedy et al. 2016).
func SmoothCrossEntropy(logits, labels *tensor.Tensor, smoothing float64, r Reduction) *tensor.Tensor {
	rank := logits.Rank()
	numbers := labels.Type() == tensor.Int32 || labels.Type() == tensor.Uint8
	if rank == 0 || !numbers || !slices.Equal(logits.Shape()[:rank-1], labels.Shape()) {
		fail("CrossEntropy", "logits of shape %v and labels %s, expected [..., classes] and int32[...] or uint8[...]",
			logits.Shape(), describe(labels))
	}
	if !(smoothing >= 0 && smoothing < 1) {
		fail("CrossEntropy", "a smoothing of %v, expected one from 0 to below 1", smoothing)
	}
	labels = labels.Cast(tensor.Int32)
	e := logits.Engine()
	classes := logits.Dim(-1)
	// The greatest logit is taken from all, so that exponentials are at most 1; it changes nothing and has no
	// derivative.
	shifted := logits.Sub(logits.MaxOver(-1).Keep(-1).StopGradient())
	is := labels.Unsqueeze(-1).Eq(e.Arange(classes))
	// What stands for other classes is left out and not multiplied by 0: it may be infinite.
	expected := is.Where(shifted, e.Zeros()).Sum(-1)
	if smoothing > 0 {
		expected = expected.Times(1 - smoothing).Add(shifted.Mean(-1).Times(smoothing))
	}
	losses := shifted.Exp().Sum(-1).Log().Sub(expected)
	exists := labels.Below(0).Or(labels.Ge(e.FullOf(tensor.Int32, float64(classes)))).Not()
	return reductions[r](exists.Where(losses, e.Full(math.NaN())))
}

// KL returns the divergence of Kullback and Leibler of predictions from targets, the sum of p (log p - log q) over
// the last axis, where both are logarithms of probabilities, log q and log p, [..., classes]: one loss a
// distribution, so that Mean is over distributions. Where p is 0, log p being -Inf or so, the term is 0.
func KL(prediction, target *tensor.Tensor, r Reduction) *tensor.Tensor {
	checkSame("KL", "prediction", prediction, "target", target)
	if prediction.Rank() == 0 {
		fail("KL", "shape [], expected [..., classes]")
	}
	terms := tensor.Map("KL", func(_ *trace.Recorder, x []trace.Float) trace.Float {
		logQ, logP := x[0], x[1]
		p := logP.Exp()
		return p.Mul(p.Above(0).Select(logP.Sub(logQ), p.R.Float(0)))
	}, prediction, target)
	return reductions[r](terms.Sum(-1))
}

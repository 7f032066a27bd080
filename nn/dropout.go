package nn

import "github.com/baremetaldevx86/microdr/tensor"

// Dropout makes elements zero at random while a model is trained (Srivastava et al. 2014).
type Dropout struct {
	Rate float64 // the share of elements that become zero, from 0 to below 1
}

// Forward returns, in training, x with the share Rate of its elements, chosen independently by pass.Random, zero and
// the others divided by 1-Rate, which keeps the mean; and x itself otherwise.
func (d *Dropout) Forward(pass *Pass, x *tensor.Tensor) *tensor.Tensor {
	if !(d.Rate >= 0 && d.Rate < 1) {
		fail("Dropout", "a rate of %v, expected one from 0 to below 1", d.Rate)
	}
	if !pass.training() || d.Rate == 0 {
		return x
	}
	if pass.Random == nil {
		fail("Dropout", "a pass without Random, expected one for training")
	}
	keep := pass.Random.Bernoulli(1-d.Rate, x.Shape()...)
	return keep.Where(x.Times(1/(1-d.Rate)), x.Engine().Zeros())
}

// Visit does nothing.
func (d *Dropout) Visit(Visitor) {}

package nn

import "github.com/baremetaldevx86/microdr/tensor"

// Linear is x W + b over the last axis.
//
// The weight is [in, out], the transpose of what PyTorch keeps: rows of x go straight into the product x.MatMul(w),
// whose both factors are then read along their rows.
type Linear struct {
	Weight *tensor.Variable // [in, out]
	Bias   *tensor.Variable // [out], or nil
}

// NewLinear returns a layer from in to out features. Without options its weight is XavierUniform and its bias zero.
func NewLinear(r *tensor.Random, in, out int, options ...Option) *Linear {
	s := settingsOf(settings{XavierUniform, Zeros}, options)
	fan := Fan{in, out}
	return &Linear{s.newWeight(r, fan, in, out), s.newBias(r, fan, out)}
}

// Forward takes x of shape [..., in] to [..., out].
func (l *Linear) Forward(_ *Pass, x *tensor.Tensor) *tensor.Tensor {
	checkFloat("Linear", x)
	w := l.Weight.Shape()
	if x.Rank() == 0 || x.Dim(-1) != w[0] {
		fail("Linear", "input of shape %v and weight of shape %v, expected an input of [..., %d]", x.Shape(), w, w[0])
	}
	y := x.MatMul(l.Weight.Value())
	if l.Bias != nil {
		y = y.Add(l.Bias.Value())
	}
	return y
}

// Visit names weight and bias.
func (l *Linear) Visit(v Visitor) {
	v.Parameter("weight", l.Weight)
	v.Parameter("bias", l.Bias)
}

// Embedding is a table of vectors that are looked up by number.
type Embedding struct {
	Weight *tensor.Variable // [words, width]
}

// NewEmbedding returns a table of words vectors. Without options they are of the standard normal distribution.
func NewEmbedding(r *tensor.Random, words, width int, options ...Option) *Embedding {
	s := settingsOf(settings{weight: Normal(1)}, options)
	return &Embedding{s.newWeight(r, Fan{words, width}, words, width)}
}

// Forward takes numbers of type Int32 and any shape to [shape..., width]. A number that does not exist gives NaN;
// from -words to -1 they count from the end.
func (m *Embedding) Forward(_ *Pass, x *tensor.Tensor) *tensor.Tensor {
	if x.Type() != tensor.Int32 {
		fail("Embedding", "input %s and weight of shape %v, expected an input of int32", describe(x), m.Weight.Shape())
	}
	return m.Weight.Value().Embedding(x)
}

// Visit names the weight.
func (m *Embedding) Visit(v Visitor) { v.Parameter("weight", m.Weight) }

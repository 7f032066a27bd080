package nn

import (
	"math"

	"github.com/baremetaldevx86/microdr/tensor"
)

// Attention is multi-head attention (Vaswani et al. 2017): every query takes the mean of the values, weighted by the
// softmax of its products with the keys, in several heads of width/heads features each.
type Attention struct {
	Query, Key, Value, Out *Linear // [width, width] each
	Heads                  int
	Causal                 bool    // a query sees nothing that comes later than itself
	Dropout                Dropout // of weights; the rate is 0 unless it is set
}

// NewAttention returns attention over features of the width, in heads that share it evenly.
func NewAttention(r *tensor.Random, width, heads int, options ...Option) *Attention {
	if heads < 1 || width%heads != 0 {
		fail("Attention", "a width of %d for %d heads, expected a multiple", width, heads)
	}
	linear := func() *Linear { return NewLinear(r, width, width, options...) }
	return &Attention{Query: linear(), Key: linear(), Value: linear(), Out: linear(), Heads: heads}
}

// Forward is self-attention: of x, [batch, time, width], to itself. The shape stays.
func (a *Attention) Forward(pass *Pass, x *tensor.Tensor) *tensor.Tensor {
	return a.Attend(pass, x, x, nil)
}

// Attend returns what x, [batch, time, width], finds in memory, [batch, span, width]: [batch, time, width]. The mask,
// Bool and broadcast to [batch, heads, time, span], or nil, tells what each query may see; one that may see nothing
// gets weights of zero. If Causal, query i sees nothing behind key i+span-time: the last query is as late as the last
// key.
func (a *Attention) Attend(pass *Pass, x, memory, mask *tensor.Tensor) *tensor.Tensor {
	a.check(x, memory, mask)
	query := a.split(within("query", func() *tensor.Tensor { return a.Query.Forward(pass, x) }))
	key := a.split(within("key", func() *tensor.Tensor { return a.Key.Forward(pass, memory) }))
	value := a.split(within("value", func() *tensor.Tensor { return a.Value.Forward(pass, memory) }))
	scores := query.Times(1 / math.Sqrt(float64(query.Dim(-1)))).MatMul(key.T())
	if a.Causal {
		mask = both(mask, causal(x.Engine(), x.Dim(1), memory.Dim(1)))
	}
	weights := a.Dropout.Forward(pass, masked(scores, mask))
	heads := weights.MatMul(value).Permute(0, 2, 1, 3).Reshape(x.Shape()...)
	return within("out", func() *tensor.Tensor { return a.Out.Forward(pass, heads) })
}

func (a *Attention) check(x, memory, mask *tensor.Tensor) {
	width := a.Query.Weight.Shape()[0]
	fits := func(x *tensor.Tensor) bool { return x.Rank() == 3 && x.Dim(2) == width && x.Type().IsFloat() }
	if !fits(x) || !fits(memory) || x.Dim(0) != memory.Dim(0) {
		const text = "input %s and memory %s for weights of shape %v, expected [batch, time, %d] and [batch, span, %d]"
		fail("Attention", text, describe(x), describe(memory), a.Query.Weight.Shape(), width, width)
	}
	if mask == nil {
		return
	}
	want := []int{x.Dim(0), a.Heads, x.Dim(1), memory.Dim(1)}
	if mask.Type() != tensor.Bool || !broadcasts(mask.Shape(), want) {
		fail("Attention", "mask %s, expected bool that broadcasts to %v", describe(mask), want)
	}
}

// broadcasts tells whether an array of the shape can be stretched to the other one.
func broadcasts(shape, to []int) bool {
	front := len(to) - len(shape)
	for i, d := range shape {
		if front < 0 || d != 1 && d != to[front+i] {
			return false
		}
	}
	return true
}

// split returns x, [batch, time, width], as [batch, heads, time, width/heads].
func (a *Attention) split(x *tensor.Tensor) *tensor.Tensor {
	return x.Reshape(x.Dim(0), x.Dim(1), a.Heads, -1).Permute(0, 2, 1, 3)
}

// causal returns where key k is not later than query i, [time, span].
func causal(e *tensor.Engine, time, span int) *tensor.Tensor {
	last := e.Arange(time).Plus(float64(span - time)).Unsqueeze(1)
	return e.Arange(span).Le(last)
}

// both returns where both are true; nil is true everywhere.
func both(p, q *tensor.Tensor) *tensor.Tensor {
	if p == nil {
		return q
	}
	return p.And(q)
}

// masked returns the softmax of the scores over the last axis, of those where the mask is true. Others take part with a
// number that is far below all but finite, so that a row without any is no NaN, and their weights are zero.
func masked(scores, mask *tensor.Tensor) *tensor.Tensor {
	if mask == nil {
		return scores.Softmax(-1)
	}
	e := scores.Engine()
	return mask.Where(mask.Where(scores, e.Full(-1e30)).Softmax(-1), e.Zeros())
}

// Visit names query, key, value and out.
func (a *Attention) Visit(v Visitor) {
	v.Model("query", a.Query)
	v.Model("key", a.Key)
	v.Model("value", a.Value)
	v.Model("out", a.Out)
}

// TransformerBlock is a layer of a transformer with normalisation before its parts (Xiong et al. 2020): x +
// attention(norm(x)), and then x + perceptron(norm(x)).
type TransformerBlock struct {
	AttentionNorm  *LayerNorm
	Attention      *Attention
	PerceptronNorm *LayerNorm
	Perceptron     *Sequential
	Dropout        Dropout // of what is added, twice; the rate is 0 unless it is set
}

// NewTransformerBlock returns a block for [batch, time, width] with a hidden layer of GELU in its perceptron.
func NewTransformerBlock(r *tensor.Random, width, heads, hidden int, options ...Option) *TransformerBlock {
	e := engineOf(r)
	return &TransformerBlock{
		AttentionNorm: NewLayerNorm(e, width), Attention: NewAttention(r, width, heads, options...),
		PerceptronNorm: NewLayerNorm(e, width), Perceptron: NewMLP(r, []int{width, hidden, width}, GELU, options...),
	}
}

// Forward keeps the shape of x, [batch, time, width].
func (b *TransformerBlock) Forward(pass *Pass, x *tensor.Tensor) *tensor.Tensor {
	add := func(name string, norm *LayerNorm, part Module) {
		x = x.Add(within(name, func() *tensor.Tensor {
			return b.Dropout.Forward(pass, part.Forward(pass, norm.Forward(pass, x)))
		}))
	}
	add("attention", b.AttentionNorm, b.Attention)
	add("perceptron", b.PerceptronNorm, b.Perceptron)
	return x
}

// Visit names the parts in the order of their use.
func (b *TransformerBlock) Visit(v Visitor) {
	v.Model("attention_norm", b.AttentionNorm)
	v.Model("attention", b.Attention)
	v.Model("perceptron_norm", b.PerceptronNorm)
	v.Model("perceptron", b.Perceptron)
}

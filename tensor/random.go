package tensor

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/trace"
)

// Random gives random numbers, by the counter-based generator Philox4x32-10 (Salmon et al. 2011). Number i of the n-th call
// depends on the seed, n and i alone; n is a variable, so that the runs of a compiled function go on where the last one ended,
// and it is all there is to save.
type Random struct {
	e       *Engine
	seed    uint64
	Counter *Variable // Int32, of shape []: the number of calls so far
}

// NewRandom returns a generator.
func (e *Engine) NewRandom(seed uint64) *Random {
	return &Random{e, seed, e.NewVariable("random.counter", e.FullOf(Int32, 0))}
}

// randomWords emits the four words of Philox4x32-10 (see trace.Philox) of a counter.
func randomWords(b *ir.Builder, index, call ir.Value, seed uint64) [4]ir.Value {
	r := &trace.Recorder{B: b}
	counter := [4]trace.Uint{{R: r, V: index}, {R: r, V: call}, r.Uint(0), r.Uint(0)}
	words := trace.Philox(counter, [2]trace.Uint{r.Uint(uint32(seed)), r.Uint(uint32(seed >> 32))})
	return [4]ir.Value{words[0].V, words[1].V, words[2].V, words[3].V}
}

// unit emits a number from 0 to below 1, a multiple of 2^-24.
func unit(b *ir.Builder, word ir.Value) ir.Value {
	high := b.Bitcast(ir.I32, b.Binary(ir.OpShr, word, b.ConstU32(8)))
	return b.Binary(ir.OpMul, b.Convert(ir.F32, high), b.ConstF32(1.0/(1<<24)))
}

// draw returns a tensor of what f makes of the words of the generator.
func (r *Random) draw(call string, shape []int, f func(b *ir.Builder, words [4]ir.Value) ir.Value) *Tensor {
	checkShape(call, shape)
	n := r.Counter.Value()
	r.Counter.Set(n.Plus(1))
	index := r.e.Arange(count(shape))
	return apply(call, func(b *ir.Builder, x []ir.Value) ir.Value {
		return f(b, randomWords(b, b.Bitcast(ir.U32, x[0]), b.Bitcast(ir.U32, x[1]), r.seed))
	}, index, n).Reshape(shape...)
}

// Uniform returns independent numbers from 0 to below 1.
func (r *Random) Uniform(shape ...int) *Tensor {
	return r.draw("Uniform", shape, func(b *ir.Builder, w [4]ir.Value) ir.Value { return unit(b, w[0]) })
}

// Normal returns independent numbers of the standard normal distribution, by the transform of Box and Muller (1958).
func (r *Random) Normal(shape ...int) *Tensor {
	return r.draw("Normal", shape, func(b *ir.Builder, w [4]ir.Value) ir.Value {
		u := b.Binary(ir.OpSub, b.ConstF32(1), unit(b, w[0])) // never 0
		radius := b.Unary(ir.OpSqrt, b.Binary(ir.OpMul, b.ConstF32(-2), b.Unary(ir.OpLog, u)))
		angle := b.Binary(ir.OpMul, b.ConstF32(2*math.Pi), unit(b, w[1]))
		return b.Binary(ir.OpMul, radius, b.Unary(ir.OpCos, angle))
	})
}

// Bernoulli returns truth values that are true with probability p.
func (r *Random) Bernoulli(p float64, shape ...int) *Tensor { return r.Uniform(shape...).Below(p) }

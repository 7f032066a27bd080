package tensor

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
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

// philox emits the first two words of Philox4x32-10 of a counter.
func philox(b *ir.Builder, index, call ir.Value, seed uint64) [4]ir.Value {
	word := func(x uint32) ir.Value { return b.ConstU32(x) }
	c := [4]ir.Value{index, call, word(0), word(0)}
	k0, k1 := uint32(seed), uint32(seed>>32)
	xor := func(x, y, z ir.Value) ir.Value { return b.Binary(ir.OpXor, b.Binary(ir.OpXor, x, y), z) }
	for range 10 {
		m0, m1 := word(0xD2511F53), word(0xCD9E8D57)
		c = [4]ir.Value{
			xor(b.Binary(ir.OpMulHi, m1, c[2]), c[1], word(k0)), b.Binary(ir.OpMul, m1, c[2]),
			xor(b.Binary(ir.OpMulHi, m0, c[0]), c[3], word(k1)), b.Binary(ir.OpMul, m0, c[0]),
		}
		k0, k1 = k0+0x9E3779B9, k1+0xBB67AE85
	}
	return c
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
		return f(b, philox(b, b.Bitcast(ir.U32, x[0]), b.Bitcast(ir.U32, x[1]), r.seed))
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

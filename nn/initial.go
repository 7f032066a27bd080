package nn

import (
	"math"

	"github.com/baremetaldevx86/microdr/tensor"
)

// Fan is how many inputs an output of a layer is computed from, and how many outputs an input goes to.
type Fan struct {
	In, Out int
}

// Initialiser returns the first value of a parameter with the shape, of a layer with the fan. It is the same for the
// same seed and number of calls of r before.
type Initialiser func(r *tensor.Random, fan Fan, shape ...int) *tensor.Tensor

// Option says how the parameters of a new layer begin.
type Option func(*settings)

// settings are what options change. A nil initialiser of the bias means that there is none.
type settings struct {
	weight, bias Initialiser
}

// Weights makes a layer's weight begin with i.
func Weights(i Initialiser) Option { return func(s *settings) { s.weight = i } }

// Biases makes a layer's bias begin with i.
func Biases(i Initialiser) Option { return func(s *settings) { s.bias = i } }

// NoBias makes a layer without a bias.
func NoBias() Option { return Biases(nil) }

func settingsOf(s settings, options []Option) settings {
	for _, o := range options {
		o(&s)
	}
	return s
}

func (s settings) newWeight(r *tensor.Random, fan Fan, shape ...int) *tensor.Variable {
	return engineOf(r).NewVariable("weight", s.weight(r, fan, shape...))
}

func (s settings) newBias(r *tensor.Random, fan Fan, shape ...int) *tensor.Variable {
	if s.bias == nil {
		return nil
	}
	return engineOf(r).NewVariable("bias", s.bias(r, fan, shape...))
}

// engineOf returns the engine of a generator.
func engineOf(r *tensor.Random) *tensor.Engine { return r.Counter.Value().Engine() }

// Zeros returns zeros.
func Zeros(r *tensor.Random, _ Fan, shape ...int) *tensor.Tensor { return engineOf(r).Zeros(shape...) }

// Ones returns ones.
func Ones(r *tensor.Random, _ Fan, shape ...int) *tensor.Tensor { return engineOf(r).Ones(shape...) }

// Constant returns x everywhere.
func Constant(x float64) Initialiser {
	return func(r *tensor.Random, _ Fan, shape ...int) *tensor.Tensor { return engineOf(r).Full(x, shape...) }
}

// Uniform returns numbers from -limit to below limit.
func Uniform(limit float64) Initialiser {
	return func(r *tensor.Random, _ Fan, shape ...int) *tensor.Tensor {
		return r.Uniform(shape...).Minus(0.5).Times(2 * limit)
	}
}

// Normal returns numbers of the normal distribution with mean 0 and the standard deviation.
func Normal(deviation float64) Initialiser {
	return func(r *tensor.Random, _ Fan, shape ...int) *tensor.Tensor { return r.Normal(shape...).Times(deviation) }
}

// TruncatedNormal returns numbers of the normal distribution with mean 0 and the standard deviation, of which those
// beyond two standard deviations are left out: what is left deviates 0.8796 times as much. Numbers are found by
// inverting the distribution, in float64 by the host.
func TruncatedNormal(deviation float64) Initialiser {
	return func(r *tensor.Random, _ Fan, shape ...int) *tensor.Tensor {
		edge := math.Erf(math.Sqrt2) // 2 standard deviations
		x := r.Uniform(shape...).Float64s()
		for i, u := range x {
			x[i] = deviation * math.Sqrt2 * math.Erfinv(edge*(2*u-1))
		}
		return engineOf(r).NewFloat64(x, shape...)
	}
}

// HeUniform returns numbers from -sqrt(6/in) to below sqrt(6/in), which keep the mean square of what flows forward
// through ReLU (He et al. 2015).
func HeUniform(r *tensor.Random, fan Fan, shape ...int) *tensor.Tensor {
	return Uniform(math.Sqrt(6/float64(fan.In)))(r, fan, shape...)
}

// HeNormal returns normal numbers of variance 2/in, see HeUniform.
func HeNormal(r *tensor.Random, fan Fan, shape ...int) *tensor.Tensor {
	return Normal(math.Sqrt(2/float64(fan.In)))(r, fan, shape...)
}

// XavierUniform returns numbers from -sqrt(6/(in+out)) to below it, a compromise between what keeps the variance of
// what flows forward and backward through what is about linear (Glorot and Bengio 2010).
func XavierUniform(r *tensor.Random, fan Fan, shape ...int) *tensor.Tensor {
	return Uniform(math.Sqrt(6/float64(fan.In+fan.Out)))(r, fan, shape...)
}

// XavierNormal returns normal numbers of variance 2/(in+out), see XavierUniform.
func XavierNormal(r *tensor.Random, fan Fan, shape ...int) *tensor.Tensor {
	return Normal(math.Sqrt(2/float64(fan.In+fan.Out)))(r, fan, shape...)
}

// Orthogonal returns a matrix, of the first extent by all others, with orthonormal rows or columns, whichever are
// fewer, times gain (Saxe et al. 2014): a random one, all directions alike (Mezzadri 2007). The host computes it in
// float64.
func Orthogonal(gain float64) Initialiser {
	return func(r *tensor.Random, _ Fan, shape ...int) *tensor.Tensor {
		n := 1
		for _, d := range shape {
			n *= d
		}
		if len(shape) == 0 || n == 0 {
			fail("Orthogonal", "shape %v, expected a matrix", shape)
		}
		rows, columns := shape[0], n/shape[0]
		count, length := min(rows, columns), max(rows, columns)
		vectors := orthonormal(r.Normal(count, length).Float64s(), count, length)
		x := make([]float64, n)
		for i := range count {
			for k := range length {
				at := i*columns + k
				if rows > columns {
					at = k*columns + i
				}
				x[at] = gain * vectors[i*length+k]
			}
		}
		return engineOf(r).NewFloat64(x, shape...)
	}
}

// orthonormal makes count vectors orthonormal, in place, by the method of Gram and Schmidt. Each projection is taken
// away twice, after which what is left is rounding (Giraud et al. 2005). As the factor R has a positive diagonal,
// normal vectors give all orthonormal ones alike. Products are rounded before they are added, on every machine.
func orthonormal(x []float64, count, length int) []float64 {
	vector := func(i int) []float64 { return x[i*length : (i+1)*length] }
	for i := range count {
		v := vector(i)
		for range 2 {
			for k := range i {
				u := vector(k)
				along := inner(u, v)
				for j := range v {
					v[j] -= float64(along * u[j])
				}
			}
		}
		norm := math.Sqrt(inner(v, v))
		for j := range v {
			v[j] /= norm
		}
	}
	return x
}

func inner(u, v []float64) float64 {
	sum := 0.0
	for i := range u {
		sum += float64(u[i] * v[i])
	}
	return sum
}

package nn

import (
	"math"

	"github.com/baremetaldevx86/microdr/tensor"
	"github.com/baremetaldevx86/microdr/trace"
)

// Activations are functions of every element, of any shape; Func makes modules of them. Where one is put together of
// several formulas, each is chosen before it is computed, so that what is not chosen neither overflows nor has a
// derivative, and the derivatives of any order are those of the formula that holds at the place itself.

// activation applies a formula to every element.
func activation(name string, x *tensor.Tensor, f func(x trace.Float) trace.Float) *tensor.Tensor {
	checkFloat(name, x)
	return tensor.Map(name, func(_ *trace.Recorder, x []trace.Float) trace.Float { return f(x[0]) }, x)
}

// ReLU returns max(x, 0). Its derivative at 0 is 0.
func ReLU(x *tensor.Tensor) *tensor.Tensor { return x.ReLU() }

// Tanh returns the hyperbolic tangent.
func Tanh(x *tensor.Tensor) *tensor.Tensor { return x.Tanh() }

// LeakyReLU returns x where it is positive, slope*x elsewhere.
func LeakyReLU(slope float64) Func {
	return func(x *tensor.Tensor) *tensor.Tensor {
		return activation("LeakyReLU", x, func(x trace.Float) trace.Float { return x.Above(0).Select(x, x.Times(slope)) })
	}
}

// Sigmoid returns 1 / (1 + exp(-x)), precise to the last bits where it is close to 0, too.
func Sigmoid(x *tensor.Tensor) *tensor.Tensor { return activation("Sigmoid", x, sigmoid) }

// sigmoid is 1/(1+e^-x) for positive x and e^x/(1+e^x) for negative: the exponential is at most 1.
func sigmoid(x trace.Float) trace.Float {
	e := notAbove(x).Exp()
	return x.Below(0).Select(e, e.R.Float(1)).Div(e.Plus(1))
}

// notAbove returns -|x|, whose derivative at 0 is -1.
func notAbove(x trace.Float) trace.Float { return x.Below(0).Select(x, x.Neg()) }

// SiLU returns x * Sigmoid(x), also known as swish (Elfwing et al. 2018).
func SiLU(x *tensor.Tensor) *tensor.Tensor {
	return activation("SiLU", x, func(x trace.Float) trace.Float { return x.Mul(sigmoid(x)) })
}

// Softplus returns log(1 + exp(x)), without overflow, and precise where it is close to 0, too.
func Softplus(x *tensor.Tensor) *tensor.Tensor { return activation("Softplus", x, softplus) }

func softplus(x trace.Float) trace.Float {
	tail := log1pExp(notAbove(x))
	return x.Below(0).Select(tail, x.Add(tail))
}

// log1pExp returns log(1 + e^x) for x that is not positive. With e = e^x, u is 1+e rounded, and e-(u-1), which is
// exact, what rounding took away: log(1+e) = log(u) + (e-(u-1))/u and less than the last bit. The derivative is that
// of log(u).
func log1pExp(x trace.Float) trace.Float {
	e := x.Exp()
	u := e.Plus(1)
	lost := e.Sub(u.Minus(1))
	return u.Log().Add(lost.Div(u).Detach())
}

// ELU returns x where it is positive, alpha*(exp(x) - 1) elsewhere (Clevert et al. 2016).
func ELU(alpha float64) Func {
	return func(x *tensor.Tensor) *tensor.Tensor {
		return activation("ELU", x, func(x trace.Float) trace.Float {
			// exp(x)-1 is 2t/(1-t) with t = tanh(x/2), which does not cancel close to 0.
			t := x.Above(0).Select(x.R.Float(0), x).Times(0.5).Tanh()
			return x.Above(0).Select(x, t.Times(2*alpha).Div(t.From(1)))
		})
	}
}

// GELU returns x times the standard normal distribution's share below x (Hendrycks and Gimpel 2016).
func GELU(x *tensor.Tensor) *tensor.Tensor {
	return activation("GELU", x, func(x trace.Float) trace.Float {
		return x.Times(0.5).Mul(x.Times(1 / math.Sqrt2).Erf().Plus(1))
	})
}

// GELUTanh returns the approximation x/2 * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) of GELU, off by less than 5e-4,
// which GPT-2 and others were trained with.
func GELUTanh(x *tensor.Tensor) *tensor.Tensor {
	return activation("GELUTanh", x, func(x trace.Float) trace.Float {
		near := x.Clamp(-30, 30) // beyond which the hyperbolic tangent is 1 and the cube might overflow
		cubic := near.Mul(near.Sq().Times(0.044715).Plus(1))
		return x.Times(0.5).Mul(cubic.Times(math.Sqrt(2 / math.Pi)).Tanh().Plus(1))
	})
}

// Softmax returns exp(x) divided by its sum over the axis.
func Softmax(axis int) Func {
	return func(x *tensor.Tensor) *tensor.Tensor { return x.Softmax(axis) }
}

// Flatten returns x, [batch, ...], as [batch, all the rest].
func Flatten(x *tensor.Tensor) *tensor.Tensor {
	if x.Rank() == 0 {
		fail("Flatten", "input of shape [], expected [batch, ...]")
	}
	rest := 1
	for _, d := range x.Shape()[1:] {
		rest *= d
	}
	return x.Reshape(x.Dim(0), rest)
}

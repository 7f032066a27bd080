package optim

import (
	"cmp"

	"github.com/baremetaldevx86/microdr/trace"
)

// RMSPropRule divides the gradient by the root of the running mean of its
// square (Hinton 2012, lecture 6e). Centered, it takes the square of the mean
// off first (Graves 2013), so that it divides by the standard deviation.
// Momentum > 0 gives the quotients a heavy ball. Smoothing and Epsilon default
// to 0.99 and 1e-8. Uniform: rmsprop.rate.
type RMSPropRule struct {
	Rate, Smoothing, Epsilon, Momentum float64
	Centered                           bool
}

// States implements Rule: the mean square, the mean if Centered, and the
// velocity if there is Momentum.
func (o RMSPropRule) States() int {
	n := 1
	if o.Centered {
		n++
	}
	if o.Momentum > 0 {
		n++
	}
	return n
}

// Update implements Rule.
func (o RMSPropRule) Update(r *trace.Recorder, x, g trace.Float, states []trace.Float) (trace.Float, []trace.Float) {
	fresh := r.Float(1 - cmp.Or(o.Smoothing, 0.99))
	square := states[0].Mix(g.Sq(), fresh)
	kept, variance := []trace.Float{square}, square
	if o.Centered {
		mean := states[1].Mix(g, fresh)
		kept = append(kept, mean)
		variance = square.Sub(mean.Sq()).AtLeast(0) // rounding can make it negative
	}
	step := g.Div(variance.Sqrt().Plus(cmp.Or(o.Epsilon, 1e-8)))
	if o.Momentum > 0 {
		step = states[len(states)-1].Times(o.Momentum).Add(step)
		kept = append(kept, step)
	}
	return x.Sub(r.Uniform("rmsprop.rate").Mul(step)), kept
}

// SetUniforms implements Setter.
func (o RMSPropRule) SetUniforms(_ int, set func(string, float64)) { set("rmsprop.rate", o.Rate) }

// Uniforms implements Rule.
func (o RMSPropRule) Uniforms(step int) map[string]float64 { return collect(o, step) }

package optim

import "github.com/baremetaldevx86/microdr/trace"

// L2Rule adds the derivative of Decay/2 x^2 to the gradient that another rule
// sees. With SGD that is weight decay; with rules that divide by the size of
// gradients it is not, see AdamWRule. Uniform: l2.decay.
type L2Rule struct {
	Rule
	Decay float64
}

// Update implements Rule.
func (o L2Rule) Update(r *trace.Recorder, x, g trace.Float, states []trace.Float) (trace.Float, []trace.Float) {
	return o.Rule.Update(r, x, r.Uniform("l2.decay").Mul(x).Add(g), states)
}

// SetUniforms implements Setter.
func (o L2Rule) SetUniforms(step int, set func(string, float64)) {
	SetUniforms(o.Rule, step, set)
	set("l2.decay", o.Decay)
}

// Uniforms implements Rule.
func (o L2Rule) Uniforms(step int) map[string]float64 { return collect(o, step) }

// AdamWRule is Adam with decoupled weight decay (Loshchilov and Hutter 2019):
// x shrinks by Rate*Decay of itself besides Adam's step, which knows nothing
// of that. Uniforms: those of AdamRule, and adam.decay.
type AdamWRule struct{ Rate, Beta1, Beta2, Epsilon, Decay float64 }

func (o AdamWRule) adam() AdamRule { return AdamRule{o.Rate, o.Beta1, o.Beta2, o.Epsilon} }

// States implements Rule.
func (o AdamWRule) States() int { return o.adam().States() }

// Update implements Rule.
func (o AdamWRule) Update(r *trace.Recorder, x, g trace.Float, states []trace.Float) (trace.Float, []trace.Float) {
	stepped, states := o.adam().Update(r, x, g, states)
	shrink := r.Uniform("adam.rate").Mul(r.Uniform("adam.decay"))
	return stepped.Sub(shrink.Mul(x)), states
}

// SetUniforms implements Setter.
func (o AdamWRule) SetUniforms(step int, set func(string, float64)) {
	o.adam().SetUniforms(step, set)
	set("adam.decay", o.Decay)
}

// Uniforms implements Rule.
func (o AdamWRule) Uniforms(step int) map[string]float64 { return collect(o, step) }

package optim

import (
	"cmp"

	"github.com/baremetaldevx86/microdr/trace"
)

// Rule is an elementwise update written once, in trace: recorded into a lane
// program it runs where the parameters live, and fuses with the gradient.
type Rule interface {
	// States is how many numbers the rule remembers of an element; all start
	// at 0.
	States() int
	// Update returns the element x after a step against gradient g, and its
	// new states. Uniforms that change from step to step are named by the
	// rule and valued by Uniforms.
	Update(r *trace.Recorder, x, g trace.Float, states []trace.Float) (trace.Float, []trace.Float)
	// Uniforms returns the values of the rule's uniforms at a step, from 1.
	// The one that a step without decay is proportional to is named
	// NAME.rate, and one that weight decay is proportional to NAME.decay, so
	// that schedules and groups of parameters can scale them.
	Uniforms(step int) map[string]float64
}

// Setter is a Rule that tells its uniforms without allocating. All rules of
// this package are.
type Setter interface {
	Rule
	// SetUniforms calls set with every uniform of Uniforms(step).
	SetUniforms(step int, set func(name string, value float64))
}

// SetUniforms calls set with every uniform of a rule at a step, from 1.
func SetUniforms(rule Rule, step int, set func(name string, value float64)) {
	if s, ok := rule.(Setter); ok {
		s.SetUniforms(step, set)
		return
	}
	for name, value := range rule.Uniforms(step) {
		set(name, value)
	}
}

// collect is Uniforms for whatever has SetUniforms.
func collect(rule Setter, step int) map[string]float64 {
	all := map[string]float64{}
	rule.SetUniforms(step, func(name string, value float64) { all[name] = value })
	return all
}

// RecordRule records the update of element `lane` of a parameter buffer: x, g
// and the states are read from the first buffers and the new x and states
// stored in the second ones (a stage reads or writes a buffer, never both), by
// number in the recorder's module.
func RecordRule(r *trace.Recorder, rule Rule, x, g int, states []int, newX int, newStates []int) {
	lane := r.Lane()
	old := make([]trace.Float, len(states))
	for i, b := range states {
		old[i] = r.Gather(b, lane)
	}
	value, kept := rule.Update(r, r.Gather(x, lane), r.Gather(g, lane), old)
	r.Store(newX, lane, value)
	for i, b := range newStates {
		r.Store(b, lane, kept[i])
	}
}

// SGDRule is stochastic gradient descent, with heavy-ball momentum where
// Momentum > 0: v = Momentum v + g, x = x - Rate v. Nesterov (Sutskever et al.
// 2013, in the form that takes gradients at x) steps by g + Momentum v
// instead. Uniform: sgd.rate.
type SGDRule struct {
	Rate, Momentum float64
	Nesterov       bool // needs Momentum > 0
}

// States implements Rule.
func (o SGDRule) States() int {
	if o.Momentum > 0 {
		return 1
	}
	return 0
}

// Update implements Rule.
func (o SGDRule) Update(r *trace.Recorder, x, g trace.Float, states []trace.Float) (trace.Float, []trace.Float) {
	step := g
	if o.Momentum > 0 {
		v := states[0].Times(o.Momentum).Add(g)
		step, states = v, []trace.Float{v}
		if o.Nesterov {
			step = v.Times(o.Momentum).Add(g)
		}
	}
	return x.Sub(r.Uniform("sgd.rate").Mul(step)), states
}

// SetUniforms implements Setter.
func (o SGDRule) SetUniforms(_ int, set func(string, float64)) { set("sgd.rate", o.Rate) }

// Uniforms implements Rule.
func (o SGDRule) Uniforms(step int) map[string]float64 { return collect(o, step) }

// AdamRule is the rule of Kingma and Ba (2015), as Adam is on the host.
// Uniforms: adam.rate and adam.correction, the factor sqrt(1 - Beta2^t) /
// (1 - Beta1^t) on the step; Epsilon is scaled by sqrt(1 - Beta2^t) too
// (adam.epsilon), so that the two forms of the paper agree.
type AdamRule struct{ Rate, Beta1, Beta2, Epsilon float64 }

// States implements Rule: the mean of the gradient and that of its square.
func (AdamRule) States() int { return 2 }

// Update implements Rule.
func (o AdamRule) Update(r *trace.Recorder, x, g trace.Float, states []trace.Float) (trace.Float, []trace.Float) {
	b1, b2, _ := o.constants()
	m := states[0].Mix(g, r.Float(1-b1))
	v := states[1].Mix(g.Sq(), r.Float(1-b2))
	step := r.Uniform("adam.rate").Mul(r.Uniform("adam.correction")).Mul(m)
	return x.Sub(step.Div(v.Sqrt().Add(r.Uniform("adam.epsilon")))), []trace.Float{m, v}
}

// SetUniforms implements Setter.
func (o AdamRule) SetUniforms(step int, set func(string, float64)) {
	b1, b2, epsilon := o.constants()
	c1, c2 := adamCorrections(b1, b2, step)
	set("adam.rate", o.Rate)
	set("adam.correction", c2/c1)
	set("adam.epsilon", epsilon*c2)
}

// Uniforms implements Rule.
func (o AdamRule) Uniforms(step int) map[string]float64 { return collect(o, step) }

func (o AdamRule) constants() (b1, b2, epsilon float64) {
	return cmp.Or(o.Beta1, 0.9), cmp.Or(o.Beta2, 0.999), cmp.Or(o.Epsilon, 1e-8)
}

package train

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/tensor"
)

// Options say how an optimizer changes parameters.
type Options struct {
	Rule     optim.Rule     // of all parameters that no group and not Muon has another one for
	Muon     *Muon          // for matrices; nil: the rule is for them, too
	Schedule optim.Schedule // of all rates; nil: constant
	Groups   []Group        // the first one that matches a parameter counts

	// Gradients are clipped before rules see them: each element to [-ClipValue, ClipValue], then all by one factor so
	// that the root of the sum of all their squares is at most ClipNorm. 0: not.
	ClipValue, ClipNorm float64

	// Accumulate lets steps sum the gradients of several batches first, see Step.Add.
	Accumulate bool
}

// Group is what is different for some parameters.
type Group struct {
	Matches func(name string, shape []int) bool
	Rate    float64    // factor on the rate; 0: the parameters stay as they are, and nothing is computed for them
	Decay   float64    // factor on weight decay
	Rule    optim.Rule // nil: that of the options
}

// NoDecay is the group of parameters with at most one axis, biases and the factors of normalisations, without weight
// decay.
func NoDecay() Group {
	return Group{Matches: func(_ string, shape []int) bool { return len(shape) <= 1 }, Rate: 1}
}

// Optimizer binds rules to parameters. What rules remember is in variables, and what changes from step to step in one
// input of the compiled functions, so that a step allocates nothing. It and its steps may be used by one goroutine at a
// time.
type Optimizer struct {
	e        *tensor.Engine
	options  Options
	slots    []slot
	settings []*setting
	step     int // steps done

	values  []float64 // the numbers of the next step: the weight of a batch, then those of the settings
	current *setting  // whose numbers are being set, with all rates times factor
	factor  float64
	set     func(name string, value float64)

	apply *tensor.Function // the update by accumulated gradients, once it is needed
}

// slot is a parameter that changes.
type slot struct {
	nn.Named
	setting *setting
	states  []*tensor.Variable
	sum     *tensor.Variable // of gradients, if they are accumulated
}

// setting is a method with the factors of a group.
type setting struct {
	method      method
	rate, decay float64
	names       []string // of the method's numbers
	first       int      // of them among the values
}

// method is how parameters of one kind are updated.
type method interface {
	// states returns the shapes of what is remembered of a parameter, which starts as zeros.
	states(shape []int) [][]int
	// update returns the parameter after a step, and what is remembered then.
	update(x, g *tensor.Tensor, states []*tensor.Tensor, numbers map[string]*tensor.Tensor) (
		*tensor.Tensor, []*tensor.Tensor)
	// setUniforms tells the numbers of a step, from 1, by names that are as those of rules.
	setUniforms(step int, set func(name string, value float64))
}

// NewOptimizer returns an optimizer of parameters, which belong to one engine and have names of their own.
func NewOptimizer(e *tensor.Engine, parameters []nn.Named, o Options) (*Optimizer, error) {
	if o.Rule == nil {
		return nil, fmt.Errorf("train: no rule, expected one of package optim")
	}
	if o.Schedule == nil {
		o.Schedule = optim.Constant()
	}
	if err := checkNames(parameters); err != nil {
		return nil, err
	}
	opt := &Optimizer{e: e, options: o, values: make([]float64, 1)}
	for _, p := range parameters {
		if p.Variable.Type() != tensor.Float32 {
			return nil, fmt.Errorf("train: parameter %s has elements of type %v, expected float32", p.Name, p.Variable.Type())
		}
		opt.bind(p)
	}
	opt.set = func(name string, value float64) {
		s := opt.current
		switch {
		case optim.IsRate(name):
			value *= opt.factor * s.rate
		case optim.IsDecay(name):
			value *= s.decay
		}
		opt.values[s.first+slices.Index(s.names, name)] = value
	}
	return opt, nil
}

func checkNames(parameters []nn.Named) error {
	seen := map[string]bool{}
	for _, p := range parameters {
		if p.Name == "" || seen[p.Name] {
			return fmt.Errorf("train: two parameters named %q, expected names of their own", p.Name)
		}
		seen[p.Name] = true
	}
	return nil
}

// bind finds the setting of a parameter and makes what is remembered of it.
func (o *Optimizer) bind(p nn.Named) {
	g := Group{Rate: 1, Decay: 1}
	matches := func(g Group) bool { return g.Matches(p.Name, p.Variable.Shape()) }
	if i := slices.IndexFunc(o.options.Groups, matches); i >= 0 {
		g = o.options.Groups[i]
	}
	if g.Rate == 0 {
		return
	}
	s := slot{Named: p, setting: o.settingOf(g, p)}
	zeros := func(name string, shape []int) *tensor.Variable {
		return o.e.NewVariable("optimizer/"+p.Name+"/"+name, o.e.Zeros(shape...))
	}
	for i, shape := range s.setting.method.states(p.Variable.Shape()) {
		s.states = append(s.states, zeros(strconv.Itoa(i), shape))
	}
	if o.options.Accumulate {
		s.sum = zeros("sum", p.Variable.Shape())
	}
	o.slots = append(o.slots, s)
}

// settingOf returns the setting of a parameter in a group, a new one if there is none yet.
func (o *Optimizer) settingOf(g Group, p nn.Named) *setting {
	var m method
	switch {
	case g.Rule != nil:
		m = elementwise{g.Rule}
	case o.options.Muon != nil && o.options.Muon.matches(p.Name, p.Variable.Shape()):
		m = o.options.Muon
	default:
		m = elementwise{o.options.Rule}
	}
	for _, s := range o.settings {
		if same(s.method, m) && s.rate == g.Rate && s.decay == g.Decay {
			return s
		}
	}
	s := &setting{method: m, rate: g.Rate, decay: g.Decay, first: len(o.values)}
	m.setUniforms(1, func(name string, _ float64) { s.names = append(s.names, name) })
	slices.Sort(s.names)
	o.values = append(o.values, make([]float64, len(s.names))...)
	o.settings = append(o.settings, s)
	return s
}

// same tells whether two methods are one; rules that cannot be compared, such as those with a slice, are not.
func same(a, b method) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// Steps returns how many steps were done.
func (o *Optimizer) Steps() int { return o.step }

// SetSteps says how many steps were done, after State was restored.
func (o *Optimizer) SetSteps(n int) { o.step = n }

// State returns what the optimizer remembers, besides the number of steps. Between steps, sums of gradients are zeros
// and do not belong to it.
func (o *Optimizer) State() []nn.Named {
	var all []nn.Named
	for _, s := range o.slots {
		for _, v := range s.states {
			all = append(all, nn.Named{Name: v.Name, Variable: v, Buffer: true})
		}
	}
	return all
}

// refresh sets the numbers of the next step.
func (o *Optimizer) refresh(weight float64) {
	o.values[0] = weight
	o.factor = o.options.Schedule(o.step + 1)
	for _, s := range o.settings {
		o.current = s
		s.method.setUniforms(o.step+1, o.set)
	}
}

// wrt returns the parameters that change.
func (o *Optimizer) wrt() []*tensor.Tensor {
	list := make([]*tensor.Tensor, len(o.slots))
	for i, s := range o.slots {
		list[i] = s.Variable.Value()
	}
	return list
}

// update notes the update of all parameters by their gradients, with numbers that are an input.
func (o *Optimizer) update(gradients []*tensor.Tensor, numbers *tensor.Tensor) {
	gradients = clip(gradients, o.options.ClipValue, o.options.ClipNorm)
	for i, s := range o.slots {
		named := map[string]*tensor.Tensor{}
		for k, name := range s.setting.names {
			named[name] = numbers.At(0, s.setting.first+k)
		}
		old := make([]*tensor.Tensor, len(s.states))
		for k, state := range s.states {
			old[k] = state.Value()
		}
		x, states := s.setting.method.update(s.Variable.Value(), gradients[i], old, named)
		s.Variable.Set(x)
		for k, state := range s.states {
			state.Set(states[k])
		}
	}
}

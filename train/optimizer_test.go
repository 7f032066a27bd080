package train

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/tensor"
)

func open(t testing.TB, o tensor.Options) *tensor.Engine {
	e := tensor.Open(o)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// toy is a small regression: y = x W + b for four examples.
type toy struct {
	e       *tensor.Engine
	w, b    *tensor.Variable
	x, y    *tensor.Tensor
	weights []nn.Named
}

func newToy(t testing.TB, o tensor.Options) *toy {
	e := open(t, o)
	m := &toy{
		e: e,
		w: e.NewVariable("w", e.New([]float32{0.5, -1, 2, 0.25, 1, 3}, 3, 2)),
		b: e.NewVariable("b", e.New([]float32{1, -1}, 2)),
		x: e.New([]float32{1, 2, 3, -1, 0, 1, 2, -2, 0.5, 0, 1, -3}, 4, 3),
		y: e.New([]float32{1, 0, 2, -1, 0.5, 3, -2, 1}, 4, 2),
	}
	m.weights = []nn.Named{{Name: "w", Variable: m.w}, {Name: "b", Variable: m.b}}
	return m
}

// loss is the mean square of the rows from lo to before hi.
func (m *toy) loss(lo, hi int) *tensor.Tensor {
	return m.x.Slice(0, lo, hi).MatMul(m.w.Value()).Add(m.b.Value()).Sub(m.y.Slice(0, lo, hi)).Sq().Mean()
}

func (m *toy) values() []float64 {
	return slices.Concat(m.w.Value().Float64s(), m.b.Value().Float64s())
}

func (m *toy) optimizer(t testing.TB, o Options) *Optimizer {
	t.Helper()
	opt, err := NewOptimizer(m.e, m.weights, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opt.Close)
	return opt
}

func (m *toy) compile(t testing.TB, o *Optimizer, lo, hi int) *Step {
	t.Helper()
	s, err := o.Compile(func([]*tensor.Tensor) []*tensor.Tensor { return []*tensor.Tensor{m.loss(lo, hi)} })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func run(t testing.TB, s *Step, n int) {
	t.Helper()
	for range n {
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func (m *toy) gradient() []float64 {
	g := tensor.Grad(m.loss(0, 4), m.w.Value(), m.b.Value())
	return slices.Concat(g[0].Float64s(), g[1].Float64s())
}

func wantNear(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	for i := range want {
		if len(got) != len(want) || !(math.Abs(got[i]-want[i]) <= tolerance*(1+math.Abs(want[i]))) {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
}

// TestStep compares steps with what they are on the host.
func TestStep(t *testing.T) {
	each := func(f func(i int, x, g float64) float64) func(x, g []float64) []float64 {
		return func(x, g []float64) []float64 {
			out := make([]float64, len(x))
			for i := range x {
				out[i] = f(i, x[i], g[i])
			}
			return out
		}
	}
	norm := func(g []float64) float64 {
		sum := 0.0
		for _, x := range g {
			sum += x * x
		}
		return math.Sqrt(sum)
	}
	sgd := optim.SGDRule{Rate: 0.1}
	decayed := optim.L2Rule{Rule: sgd, Decay: 0.5}
	for _, row := range []struct {
		name string
		o    Options
		want func(x, g []float64) []float64
	}{
		{"plain", Options{Rule: sgd}, each(func(_ int, x, g float64) float64 { return x - 0.1*g })},
		{"decay", Options{Rule: decayed}, each(func(_ int, x, g float64) float64 { return x - 0.1*(g+0.5*x) })},
		{"no decay of biases", Options{Rule: decayed, Groups: []Group{NoDecay()}}, each(func(i int, x, g float64) float64 {
			if i < 6 {
				g += 0.5 * x
			}
			return x - 0.1*g
		})},
		{"schedule", Options{Rule: sgd, Schedule: optim.WarmUp(4, optim.Constant())},
			each(func(_ int, x, g float64) float64 { return x - 0.025*g })},
		{"faster", Options{Rule: sgd, Groups: []Group{{Matches: named("b"), Rate: 3, Decay: 1}}},
			each(func(i int, x, g float64) float64 {
				if i >= 6 {
					g *= 3
				}
				return x - 0.1*g
			})},
		{"frozen", Options{Rule: sgd, Groups: []Group{{Matches: named("w")}}}, each(func(i int, x, g float64) float64 {
			if i < 6 {
				return x
			}
			return x - 0.1*g
		})},
		{"another rule", Options{Rule: sgd, Groups: []Group{{Matches: named("w"), Rate: 1, Rule: optim.SGDRule{Rate: 0.2}}}},
			each(func(i int, x, g float64) float64 {
				if i < 6 {
					return x - 0.2*g
				}
				return x - 0.1*g
			})},
		{"clipped by value", Options{Rule: sgd, ClipValue: 0.5},
			each(func(_ int, x, g float64) float64 { return x - 0.1*max(-0.5, min(0.5, g)) })},
		{"clipped by norm", Options{Rule: sgd, ClipNorm: 0.7}, func(x, g []float64) []float64 {
			return each(func(_ int, x, d float64) float64 { return x - 0.1*d*0.7/norm(g) })(x, g)
		}},
		{"norm below the limit", Options{Rule: sgd, ClipNorm: 1e4},
			each(func(_ int, x, g float64) float64 { return x - 0.1*g })},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := newToy(t, tensor.Options{Workers: 1})
			opt := m.optimizer(t, row.o)
			want := row.want(m.values(), m.gradient())
			loss := m.loss(0, 4).Item()
			s := m.compile(t, opt, 0, 4)
			run(t, s, 1)
			wantNear(t, "parameters", m.values(), want, 1e-5)
			wantNear(t, "loss", []float64{s.Result(0).Item()}, []float64{loss}, 1e-6)
			if opt.Steps() != 1 {
				t.Errorf("%d steps, want 1", opt.Steps())
			}
		})
	}
}

func named(want string) func(string, []int) bool {
	return func(name string, _ []int) bool { return name == want }
}

// TestAccumulate: the gradients of parts of a batch, weighed by their share, are those of the batch.
func TestAccumulate(t *testing.T) {
	rule := optim.AdamWRule{Rate: 0.1, Decay: 0.1}
	whole := newToy(t, tensor.Options{Workers: 1})
	run(t, whole.compile(t, whole.optimizer(t, Options{Rule: rule, ClipNorm: 1}), 0, 4), 3)
	parts := newToy(t, tensor.Options{Workers: 1})
	opt := parts.optimizer(t, Options{Rule: rule, ClipNorm: 1, Accumulate: true})
	three, one := parts.compile(t, opt, 0, 3), parts.compile(t, opt, 3, 4)
	if err := three.Add(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	opt.Forget()
	for range 3 {
		for _, err := range []error{three.Add(t.Context(), 0.75), one.Add(t.Context(), 0.25), opt.Apply(t.Context())} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	wantNear(t, "parameters", parts.values(), whole.values(), 1e-5)
	if opt.Steps() != 3 {
		t.Errorf("%d steps, want 3", opt.Steps())
	}
}

// TestGoesOn: twenty steps are ten, and ten more on another engine that loads what was saved.
func TestGoesOn(t *testing.T) {
	for _, o := range []Options{
		{Rule: optim.AdamWRule{Rate: 0.05, Decay: 0.1}, ClipNorm: 1, Schedule: optim.OneCycle(20, 0.3, 0.1, 0)},
		{Rule: optim.SGDRule{Rate: 0.05, Momentum: 0.9, Nesterov: true}},
		{Rule: optim.RMSPropRule{Rate: 0.01, Momentum: 0.5, Centered: true}, Muon: &Muon{}},
	} {
		path := filepath.Join(t.TempDir(), "state.safetensors")
		begin := func() (*toy, *Optimizer, *Step) {
			m := newToy(t, tensor.Options{})
			opt := m.optimizer(t, o)
			return m, opt, m.compile(t, opt, 0, 4)
		}
		straight, _, s := begin()
		run(t, s, 20)
		first, opt, s := begin()
		run(t, s, 10)
		if err := SaveVariables(path, append(opt.State(), first.weights...), opt.Steps()); err != nil {
			t.Fatal(err)
		}
		second, opt, s := begin()
		var steps int
		if err := LoadVariables(path, append(opt.State(), second.weights...), &steps); err != nil {
			t.Fatal(err)
		}
		opt.SetSteps(steps)
		run(t, s, 10)
		if got, want := second.values(), straight.values(); !slices.Equal(got, want) {
			t.Errorf("%T: %v, want %v", o.Rule, got, want)
		}
	}
}

func TestLoadVariablesRefuses(t *testing.T) {
	m := newToy(t, tensor.Options{Workers: 1})
	path := filepath.Join(t.TempDir(), "w.safetensors")
	counter := m.e.NewVariable("n", m.e.FullOf(tensor.Int32, 7))
	if err := SaveVariables(path, append(m.weights, nn.Named{Name: "n", Variable: counter}), 2); err != nil {
		t.Fatal(err)
	}
	counter.Set(m.e.FullOf(tensor.Int32, 1))
	for _, row := range []struct {
		name string
		v    *tensor.Variable
		ok   bool
	}{
		{"n", counter, true},
		{"missing", counter, false},
		{"w", m.b, false},
		{"n", m.b, false},
	} {
		before := m.values()
		state := 1
		err := LoadVariables(path, []nn.Named{{Name: "b", Variable: m.b}, {Name: row.name, Variable: row.v}}, &state)
		if (err == nil) != row.ok || !slices.Equal(before, m.values()) || (state == 2) != row.ok {
			t.Errorf("%s into %s: %v, state %d", row.name, row.v.Name, err, state)
		}
	}
	var text string // not what was saved
	if err := LoadVariables(path, []nn.Named{{Name: "b", Variable: m.b}}, &text); err == nil {
		t.Error("a number was read as a string")
	}
	if got := counter.Value().Int32s()[0]; got != 7 {
		t.Errorf("the counter is %d, want 7", got)
	}
	if err := SaveVariables(path, append(m.weights, m.weights[0]), nil); err == nil {
		t.Error("two variables of one name were saved")
	}
}

// TestStepAllocatesNothing also when batches of two sizes take turns.
func TestStepAllocatesNothing(t *testing.T) {
	for _, o := range []Options{
		{Rule: optim.L2Rule{Rule: optim.AdamWRule{Rate: 0.05}}, ClipNorm: 1, Groups: []Group{NoDecay()}},
		{Rule: optim.SGDRule{Rate: 0.05, Momentum: 0.9}, Muon: &Muon{}, Accumulate: true},
	} {
		m := newToy(t, tensor.Options{Workers: 1})
		opt := m.optimizer(t, o)
		a, b := m.compile(t, opt, 0, 4), m.compile(t, opt, 1, 3)
		run(t, a, 3)
		run(t, b, 3)
		if n := testing.AllocsPerRun(20, func() { run(t, a, 1); run(t, b, 1) }); n > 0 {
			t.Errorf("%T: %v allocations in two steps", o.Rule, n)
		}
	}
}

func TestNewOptimizerRefuses(t *testing.T) {
	m := newToy(t, tensor.Options{Workers: 1})
	rule := optim.SGDRule{Rate: 1}
	whole := nn.Named{Name: "n", Variable: m.e.NewVariable("n", m.e.FullOf(tensor.Int32, 7))}
	for _, row := range []struct {
		name       string
		parameters []nn.Named
		o          Options
	}{
		{"no rule", m.weights, Options{}},
		{"a name twice", append(m.weights, m.weights...), Options{Rule: rule}},
		{"no name", []nn.Named{{Variable: m.w}}, Options{Rule: rule}},
		{"integers", []nn.Named{whole}, Options{Rule: rule}},
	} {
		if _, err := NewOptimizer(m.e, row.parameters, row.o); err == nil {
			t.Errorf("%s: no error", row.name)
		}
	}
}

// listed is a rule that cannot be compared.
type listed struct {
	optim.SGDRule
	notes []string
}

func TestRulesThatCannotBeCompared(t *testing.T) {
	m := newToy(t, tensor.Options{Workers: 1})
	opt := m.optimizer(t, Options{Rule: listed{SGDRule: optim.SGDRule{Rate: 0.1}, notes: []string{"mine"}}})
	g, want := m.gradient(), m.values()
	run(t, m.compile(t, opt, 0, 4), 1)
	for i := range want {
		want[i] -= 0.1 * g[i]
	}
	wantNear(t, "parameters", m.values(), want, 1e-6)
}

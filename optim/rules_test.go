package optim_test

import (
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/trace"
)

// device runs a rule as a kernel over a parameter vector.
type device struct {
	t       *testing.T
	rule    optim.Rule
	k       *kernel.Kernel
	buffers []*kernel.Buffer // x, g, states.., new x, new states..
	step    int
}

func newDevice(t *testing.T, rule optim.Rule, x []float64) *device {
	t.Helper()
	m := &ir.Module{Name: "rule"}
	n := rule.States()
	add := func(life ir.Lifetime, count int) (list []int) {
		for range count {
			list = append(list, m.AddBuffer("b"+string(rune('a'+len(m.Buffers))), ir.F32, life, len(x)))
		}
		return list
	}
	in, out := add(ir.Input, 2+n), add(ir.Output, 1+n)
	r := trace.New(m)
	optim.RecordRule(r, rule, in[0], in[1], in[2:], out[0], out[1:])
	m.AddMap("update", r.Program(), len(x))
	e := kernel.New(kernel.Options{})
	t.Cleanup(func() { e.Close() })
	k, err := e.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	d := &device{t: t, rule: rule, k: k}
	for range m.Buffers {
		b, err := e.NewBuffer(ir.F32, len(x))
		if err != nil {
			t.Fatal(err)
		}
		b.Write(make([]float64, len(x)))
		d.buffers = append(d.buffers, b)
	}
	d.buffers[0].Write(x)
	return d
}

// update makes one step and returns the parameters.
func (d *device) update(g []float64) []float64 {
	d.t.Helper()
	d.step++
	uniforms := make([]float64, len(d.k.Module().Uniforms))
	for name, value := range d.rule.Uniforms(d.step) {
		uniforms[d.k.Module().UniformIndex(name)] = value
	}
	d.buffers[1].Write(g)
	if err := d.k.Run(d.t.Context(), kernel.Args{Uniforms: uniforms, Buffers: d.buffers}); err != nil {
		d.t.Fatal(err)
	}
	n := d.rule.States()
	for i := range 1 + n { // the new ones are the next step's old ones
		from := 0
		if i > 0 {
			from = 1 + i
		}
		d.buffers[from], d.buffers[2+n+i] = d.buffers[2+n+i], d.buffers[from]
	}
	x := make([]float64, len(g))
	d.buffers[0].Read(x)
	return x
}

func TestRules(t *testing.T) {
	gradient := func(x []float64) []float64 { return []float64{2 * (x[0] - 1), 20 * (x[1] + 2), 0.3 * x[2]} }
	adam := &optim.Adam{Rate: 0.05}
	velocity, lookahead, decayed := make([]float64, 3), make([]float64, 3), make([]float64, 3)
	adamW := &optim.Adam{Rate: 0.05}
	var square, squares, mean, ball [3]float64
	for _, row := range []struct {
		name string
		rule optim.Rule
		host func(x, g, delta []float64)
	}{
		{"adam", optim.AdamRule{Rate: 0.05}, func(_, g, d []float64) { adam.Step(g, d) }},
		{"sgd", optim.SGDRule{Rate: 0.02}, func(_, g, d []float64) {
			for i := range g {
				d[i] = -0.02 * g[i]
			}
		}},
		{"momentum", optim.SGDRule{Rate: 0.02, Momentum: 0.5}, func(_, g, d []float64) {
			for i := range g {
				velocity[i] = 0.5*velocity[i] + g[i]
				d[i] = -0.02 * velocity[i]
			}
		}},
		{"nesterov", optim.SGDRule{Rate: 0.02, Momentum: 0.5, Nesterov: true}, func(_, g, d []float64) {
			for i := range g {
				lookahead[i] = 0.5*lookahead[i] + g[i]
				d[i] = -0.02 * (g[i] + 0.5*lookahead[i])
			}
		}},
		{"l2", optim.L2Rule{Rule: optim.SGDRule{Rate: 0.02, Momentum: 0.5}, Decay: 0.3}, func(x, g, d []float64) {
			for i := range g {
				decayed[i] = 0.5*decayed[i] + g[i] + 0.3*x[i]
				d[i] = -0.02 * decayed[i]
			}
		}},
		{"adamw", optim.AdamWRule{Rate: 0.05, Decay: 0.4}, func(x, g, d []float64) {
			adamW.Step(g, d)
			for i := range g {
				d[i] -= 0.05 * 0.4 * x[i]
			}
		}},
		{"rmsprop", optim.RMSPropRule{Rate: 0.01}, func(_, g, d []float64) {
			for i := range g {
				square[i] = 0.99*square[i] + 0.01*g[i]*g[i]
				d[i] = -0.01 * g[i] / (math.Sqrt(square[i]) + 1e-8)
			}
		}},
		{"rmsprop of everything", optim.RMSPropRule{Rate: 0.01, Smoothing: 0.9, Epsilon: 0.01, Momentum: 0.3, Centered: true},
			func(_, g, d []float64) {
				for i := range g {
					squares[i] = 0.9*squares[i] + 0.1*g[i]*g[i]
					mean[i] = 0.9*mean[i] + 0.1*g[i]
					ball[i] = 0.3*ball[i] + g[i]/(math.Sqrt(squares[i]-mean[i]*mean[i])+0.01)
					d[i] = -0.01 * ball[i]
				}
			}},
	} {
		t.Run(row.name, func(t *testing.T) {
			x := []float64{5, -3, 1}
			d := newDevice(t, row.rule, x)
			delta := make([]float64, 3)
			for range 30 {
				g := gradient(x)
				row.host(x, g, delta)
				for i := range x {
					x[i] += delta[i]
				}
				for i, got := range d.update(g) {
					if math.Abs(got-x[i]) > 1e-5 {
						t.Fatalf("step %d: element %d is %g, on the host %g", d.step, i, got, x[i])
					}
				}
			}
		})
	}
}

// TestRMSPropOfConstants: after gradients that were larger, the mean square of what does not vary any more comes to the
// square of the mean, or to less by rounding, which has no root.
func TestRMSPropOfConstants(t *testing.T) {
	d := newDevice(t, optim.RMSPropRule{Rate: 1e-12, Smoothing: 0.7, Centered: true}, make([]float64, 64))
	g := make([]float64, 64)
	for i := range g {
		g[i] = 0.1 + 0.37*float64(i)
	}
	for range 200 {
		if d.step == 10 {
			for i := range g {
				g[i] /= 3
			}
		}
		for i, x := range d.update(g) {
			if math.IsNaN(x) {
				t.Fatalf("step %d: NaN for gradients of %v", d.step, g[i])
			}
		}
	}
}

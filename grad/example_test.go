package grad_test

import (
	"context"
	"fmt"
	"log"

	"github.com/baremetaldevx86/microdr/grad"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/trace"
)

// A gradient: the derivatives of f = x² y + sin(y) with respect to x and y, in the same program as f.
func ExampleVJP() {
	r := trace.New(&ir.Module{})
	x, y := r.Uniform("x"), r.Uniform("y")
	f := x.Sq().Mul(y).Add(y.Sin())

	seed := r.Float(1) // df/df
	g, err := grad.VJP(r.B, []ir.Value{f.V}, []ir.Value{seed.V}, []ir.Value{x.V, y.V})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(evaluate(r, []float64{3, 0}, f.V, g[0], g[1]))
	// Output: [0 0 10]
}

// A Hessian-vector product is the forward derivative of the reverse one: the Hessian of x² y at (3, 2) is
// (4 6; 6 0), and its product with (1, 10) is (64, 6).
func ExampleJVP() {
	r := trace.New(&ir.Module{})
	x, y := r.Uniform("x"), r.Uniform("y")
	f := x.Sq().Mul(y)
	at, along := []ir.Value{x.V, y.V}, []ir.Value{r.Float(1).V, r.Float(10).V}

	gradient, err := grad.VJP(r.B, []ir.Value{f.V}, []ir.Value{r.Float(1).V}, at)
	if err != nil {
		log.Fatal(err)
	}
	product, err := grad.JVP(r.B, gradient, at, along)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(evaluate(r, []float64{3, 2}, product...))
	// Output: [64 6]
}

// The cube root by bisection: the search has no derivative of its own, its result t solves t³ - a = 0, so that
// dt/da = 1 / (3 t²) and d²t/da² = -2 / (9 t⁵).
func ExampleImplicit() {
	m := &ir.Module{}
	type interval struct{ Low, High trace.Float }
	search := trace.Define(m, "search", func(r *trace.Recorder, a trace.Float) trace.Float {
		end, _ := trace.While(r, 40, interval{r.Float(0), r.Float(10)}, func(s interval) (trace.Bool, interval) {
			middle := s.Low.Add(s.High).Times(0.5)
			below := middle.Sq().Mul(middle).Lt(a)
			return r.Bool(true), interval{below.Select(middle, s.Low), below.Select(s.High, middle)}
		})
		return end.High
	})
	type point struct{ A, T trace.Float }
	residual := trace.Define(m, "residual", func(_ *trace.Recorder, p point) trace.Float {
		return p.T.Sq().Mul(p.T).Sub(p.A)
	})
	cubeRoot, err := grad.Implicit(m, "cubeRoot", search.Index, residual.Index)
	if err != nil {
		log.Fatal(err)
	}

	r := trace.New(m)
	a, one := r.Uniform("a"), r.Float(1)
	t := r.B.Call(cubeRoot, a.V)
	first, err := grad.JVP(r.B, t, []ir.Value{a.V}, []ir.Value{one.V})
	if err != nil {
		log.Fatal(err)
	}
	second, err := grad.JVP(r.B, first, []ir.Value{a.V}, []ir.Value{one.V})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.5f\n", evaluate(r, []float64{8}, t[0], first[0], second[0]))
	// Output: [2.00000 0.08333 -0.00694]
}

// evaluate runs the recorded program in one lane and returns the given values.
func evaluate(r *trace.Recorder, uniforms []float64, values ...ir.Value) []float32 {
	m := r.Module()
	out := m.AddBuffer("out", ir.F32, ir.Output, len(values))
	for i, v := range values {
		r.Store(out, r.Int(i), r.FloatOf(v))
	}
	m.AddMap("evaluate", r.Program(), 1)

	engine := kernel.New(kernel.Options{})
	defer engine.Close()
	k, err := engine.Compile(m)
	if err != nil {
		log.Fatal(err)
	}
	defer k.Close()
	buffer, err := engine.NewBuffer(ir.F32, len(values))
	if err != nil {
		log.Fatal(err)
	}
	defer buffer.Free()
	if err := k.Run(context.Background(), kernel.Args{Uniforms: uniforms, Buffers: []*kernel.Buffer{buffer}}); err != nil {
		log.Fatal(err)
	}
	return append([]float32(nil), buffer.Float32s()...)
}

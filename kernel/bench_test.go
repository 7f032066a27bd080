package kernel_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/trace"
)

// march is the state of a sphere tracing loop.
type march struct {
	T, F trace.Float
}

// spheres traces three spheres, 512x512, one sample a pixel: the yardstick of search loops.
func spheres() *ir.Module {
	const w = 512
	m := &ir.Module{Name: "spheres"}
	out := m.AddBuffer("t", ir.F32, ir.Output, w*w)
	r := trace.New(m)
	lane := r.Lane()
	u := lane.Mod(w).Float().Plus(0.5).Over(w).Minus(0.5)
	v := lane.Over(w).Float().Plus(0.5).Over(w).Minus(0.5)
	d := trace.Vec3{X: u, Y: v, Z: r.Float(-1)}.Normalize()
	sdf := func(p trace.Vec3) trace.Float {
		f := p.Sub(r.UniformVec3("a")).Length().Minus(0.7)
		f = f.Min(p.Sub(r.UniformVec3("b")).Length().Minus(0.5))
		return f.Min(p.Sub(r.UniformVec3("c")).Length().Minus(0.4))
	}
	end, _ := trace.While(r, 64, march{r.Float(0), r.Float(1)}, func(s march) (trace.Bool, march) {
		again := s.F.Above(1e-4).And(s.T.Below(20))
		f := sdf(d.Mul(s.T))
		return again, march{s.T.Add(f), f}
	})
	r.Store(out, lane, end.T)
	m.AddMap("march", r.Program(), w*w)
	return m
}

func BenchmarkSphereTracing(b *testing.B) {
	e := kernel.New(kernel.Options{Workers: 1})
	defer e.Close()
	k, err := e.Compile(spheres())
	if err != nil {
		b.Fatal(err)
	}
	buf, err := e.NewBuffer(ir.F32, 512*512)
	if err != nil {
		b.Fatal(err)
	}
	args := kernel.Args{Uniforms: []float64{-0.5, 0, -3, 0.6, 0.2, -3.5, 0, -0.7, -2.5}, Buffers: []*kernel.Buffer{buf}}
	for b.Loop() {
		if err := k.Run(context.Background(), args); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(512*512), "ns/lane")
}

// straightLine is a program of about n float ops, mixed as shading and its derivatives are: sums of products with
// uniforms and constants, quotients, roots, minima, comparisons and selects.
func straightLine(n int) *ir.Module {
	const lanes = 1 << 14
	m := &ir.Module{Name: "straight"}
	out := m.AddBuffer("out", ir.F32, ir.Output, lanes)
	r := trace.New(m)
	rnd := rand.New(rand.NewPCG(1, 2))
	u := r.Lane().Mod(128).Float().Plus(0.5).Over(128)
	pool := []trace.Float{u, u.Sq().Plus(0.25), r.Lane().Over(128).Float().Over(128).Plus(0.1)}
	pick := func() trace.Float { return pool[max(0, len(pool)-1-int(rnd.ExpFloat64()*20))] }
	for i := 0; i < n; i++ {
		x, y := pick(), pick()
		k := r.Uniform([]string{"a", "b", "c", "d"}[rnd.IntN(4)])
		switch c := rnd.IntN(20); {
		case c < 5:
			x = x.Add(y)
		case c < 7:
			x = x.Sub(y.Mul(k))
		case c < 10:
			x = x.Mul(y)
		case c < 12:
			x = x.Mul(k)
		case c < 13:
			x = x.Times(0.5).Plus(rnd.Float64())
		case c < 15:
			x = x.Div(y.Sq().Plus(1))
		case c < 16:
			x = x.Abs().Plus(1).Sqrt()
		case c < 17:
			x = x.AtLeast(0).Min(y)
		case c < 18:
			x = x.FMA(k, y)
		default:
			x = x.Above(rnd.Float64()).Select(x, y)
		}
		if i%8 == 7 {
			x = x.Clamp(-2, 2)
		}
		pool = append(pool, x)
	}
	sum := r.Float(0)
	for _, x := range pool[len(pool)-40:] {
		sum = sum.Add(x)
	}
	r.Store(out, r.Lane(), sum)
	m.AddMap("straight", r.Program(), lanes)
	return m
}

func BenchmarkStraightLine(b *testing.B) {
	e := kernel.New(kernel.Options{Workers: 1})
	defer e.Close()
	k, err := e.Compile(straightLine(2000))
	if err != nil {
		b.Fatal(err)
	}
	buf, err := e.NewBuffer(ir.F32, 1<<14)
	if err != nil {
		b.Fatal(err)
	}
	nodes := len(k.Module().Stages[0].Prog.Nodes)
	args := kernel.Args{Uniforms: []float64{0.3, -0.4, 0.9, 0.7}, Buffers: []*kernel.Buffer{buf}}
	for b.Loop() {
		if err := k.Run(context.Background(), args); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(1<<14)/float64(nodes), "ns/node")
}

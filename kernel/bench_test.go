package kernel_test

import (
	"context"
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

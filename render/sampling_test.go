package render

import (
	"context"
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/scene"
	"github.com/baremetaldevx86/microdr/trace"
)

// record runs a lane program that stores n floats a lane and returns them, lane by lane.
func record(t *testing.T, source string, lanes, n int, o Options, body func(t *tracer) []trace.Float) []float64 {
	t.Helper()
	s, err := scene.Parse("test", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlan(s, "view0", o)
	if err != nil {
		t.Fatal(err)
	}
	m := &ir.Module{Name: "test"}
	out := m.AddBuffer("out", ir.F32, ir.Output, lanes, n)
	tr := newTracer(m, p, &buffers{pixels: -1})
	for i, x := range body(tr) {
		tr.Store(out, tr.Lane().Times(n).Plus(i), x)
	}
	m.AddMap("test", tr.Program(), lanes)
	e := kernel.New(kernel.Options{})
	defer e.Close()
	k, err := e.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.NewBuffer(ir.F32, lanes*n)
	if err != nil {
		t.Fatal(err)
	}
	values := (&program{kernel: k})
	if err := values.setUniforms(s, scene.Values(s), p.Seed, nil); err != nil {
		t.Fatal(err)
	}
	if err := k.Run(context.Background(), kernel.Args{Uniforms: values.uniforms, Buffers: []*kernel.Buffer{b}}); err != nil {
		t.Fatal(err)
	}
	got := make([]float64, lanes*n)
	b.Read(got)
	return got
}

const oneBall = `microdr: 1
camera: {resolution: [8, 6], focal: [6, 6], samples: 16}
objects: {ball: {sphere: {center: [0, 0, 3], radius: 1}, material: {diffuse: {albedo: 0.5}}}}
`

func TestSamplePositions(t *testing.T) {
	const n = 16
	got := record(t, oneBall, 8*6*n, 2, Options{Seed: 5}, func(t *tracer) []trace.Float {
		s := t.sample()
		return []trace.Float{s.at.X, s.at.Y}
	})
	fract := func(x float64) float64 { return x - math.Floor(x) }
	for lane := range 8 * 6 * n {
		pixel, j := lane/n, float64(lane%n)
		w := scene.Philox4x32([4]uint32{uint32(pixel)}, [2]uint32{5})
		shift := func(k int) float64 { return float64(w[k]>>8) / (1 << 24) }
		x := float64(pixel%8) + fract(j/n+shift(0))
		y := float64(pixel/8) + fract(j*goldenRatio+shift(1))
		if math.Abs(got[2*lane]-x) > 1e-5 || math.Abs(got[2*lane+1]-y) > 1e-5 {
			t.Fatalf("lane %d at %g, %g; want %g, %g", lane, got[2*lane], got[2*lane+1], x, y)
		}
	}
}

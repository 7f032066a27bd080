package render

import (
	"fmt"

	"github.com/baremetaldevx86/microdr/grad"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/trace"
)

// tracer records a lane program of a plan.
type tracer struct {
	*trace.Recorder
	*plan
	buffers *buffers
	grad    *grad.Differentiator
	vectors map[[2]string]trace.Vec3 // what vec3 has read: every use of a shape reads its numbers
}

func newTracer(m *ir.Module, p *plan, b *buffers) *tracer {
	r := trace.New(m)
	return &tracer{r, p, b, grad.NewDifferentiator(r.B), map[[2]string]trace.Vec3{}}
}

// zero and black are constants.
func (t *tracer) zero() trace.Float { return t.Float(0) }
func (t *tracer) black() trace.Vec3 { return t.Vec3(0, 0, 0) }

// vec3 reads the uniforms path + one of the suffixes.
func (t *tracer) vec3(path string, suffixes ...string) trace.Vec3 {
	key := [2]string{path, suffixes[0]}
	v, ok := t.vectors[key]
	if !ok {
		v = trace.Vec3{X: t.Uniform(path + suffixes[0]), Y: t.Uniform(path + suffixes[1]), Z: t.Uniform(path + suffixes[2])}
		t.vectors[key] = v
	}
	return v
}

// point and color read three uniforms.
func (t *tracer) point(path string) trace.Vec3 { return t.vec3(path, ".x", ".y", ".z") }
func (t *tracer) color(path string) trace.Vec3 { return t.vec3(path, ".r", ".g", ".b") }

// rotation reads the matrix at path with the infinitesimal rotation that derivatives are taken with respect to.
func (t *tracer) rotation(path string) trace.Mat3 {
	m := trace.Mat3{
		X: t.vec3(path, ".r00", ".r01", ".r02"),
		Y: t.vec3(path, ".r10", ".r11", ".r12"),
		Z: t.vec3(path, ".r20", ".r21", ".r22"),
	}
	return m.Rotate(t.vec3(path, ".wx", ".wy", ".wz"))
}

// gradient returns the derivative of f with respect to the point that it was computed from.
func (t *tracer) gradient(f trace.Float, p trace.Vec3) trace.Vec3 {
	vs, err := t.grad.VJP([]ir.Value{f.V}, []ir.Value{t.Float(1).V}, []ir.Value{p.X.V, p.Y.V, p.Z.V})
	if err != nil {
		panic(fmt.Sprintf("render: gradient of a distance: %v", err))
	}
	return trace.Vec3{X: t.FloatOf(vs[0]), Y: t.FloatOf(vs[1]), Z: t.FloatOf(vs[2])}
}

// slope returns the derivative of f with respect to the parameter s that it was computed from.
func (t *tracer) slope(f, s trace.Float) trace.Float { return t.slopes([]trace.Float{f}, s)[0] }

func (t *tracer) slopes(fs []trace.Float, s trace.Float) []trace.Float {
	vs, err := t.grad.JVP(values(fs), []ir.Value{s.V}, []ir.Value{t.Float(1).V})
	if err != nil {
		panic(fmt.Sprintf("render: slope of a distance: %v", err))
	}
	return t.floats(vs)
}

// while repeats step from init as long as it says so, at most max times: trace.While for states whose number is
// known only here. A lane for which step says no at once costs nothing.
func (t *tracer) while(max int, init []trace.Float, step func(s []trace.Float) (trace.Bool, []trace.Float)) []trace.Float {
	types := make([]ir.Type, len(init))
	start := make([]ir.Value, len(init))
	for i, x := range init {
		types[i], start[i] = ir.F32, x.V
	}
	l := t.B.LoopBegin(types...)
	again, next := step(t.floats(l.States))
	out := make([]ir.Value, len(next))
	for i, x := range next {
		out[i] = x.V
	}
	return t.floats(l.End(start, again.V, out, max)[:len(init)])
}

// when computes body of the inputs where on holds, and gives n zeros elsewhere, where body costs nothing. Only what
// depends on the inputs, as body is given them, is saved.
func (t *tracer) when(on trace.Bool, inputs []trace.Float, n int, body func(in []trace.Float) []trace.Float) []trace.Float {
	init := make([]trace.Float, n, n+1+len(inputs))
	for i := range init {
		init[i] = t.zero()
	}
	init = append(append(init, on.Float()), inputs...)
	return t.while(1, init, func(s []trace.Float) (trace.Bool, []trace.Float) {
		next := append(body(s[n+1:]), t.zero())
		return s[n].Above(0.5), append(next, s[n+1:]...)
	})[:n]
}

func (t *tracer) floats(vs []ir.Value) []trace.Float {
	out := make([]trace.Float, len(vs))
	for i, v := range vs {
		out[i] = t.FloatOf(v)
	}
	return out
}

// fraction returns the uniform number in [0, 1) of a random word's upper 24 bits.
func fraction(x trace.Uint) trace.Float { return x.Shr(8).Float().Times(1.0 / (1 << 24)) }

package grad

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

const (
	testPixels = 3
	testSpp    = 4
)

// picture is a module as a renderer makes it: samples of two channels, a mean over each pixel's samples, a second
// stage over pixels, and a scattered histogram. It depends on uniforms a, b and on a parameter of each pixel.
func picture() *ir.Module {
	m := &ir.Module{Name: "picture"}
	albedo := m.AddBuffer("albedo", ir.F32, ir.Input, testPixels)
	samples := m.AddBuffer("samples", ir.F32, ir.Temp, testPixels, testSpp, 2)
	image := m.AddBuffer("image", ir.F32, ir.Output, testPixels, 2)
	tone := m.AddBuffer("tone", ir.F32, ir.Output, testPixels)
	bins := m.AddBuffer("bins", ir.F32, ir.Output, 2)

	shade := define(m, "shade", 2, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value {
		return []ir.Value{e.mul(b.Unary(ir.OpSin, p[0]), p[1]), e.add(p[1], b.Uniform("b", ir.F32))}
	})
	b := ir.NewBuilder(m)
	e := newEmitter(b)
	lane := b.Lane()
	pixel := e.div(lane, b.ConstI32(testSpp))
	rho := b.Gather(albedo, pixel)
	c := b.Call(shade, e.mul(b.Uniform("a", ir.F32), b.Convert(ir.F32, lane)), rho)
	first := e.mul(lane, b.ConstI32(2))
	b.Store(samples, first, c[0])
	b.Store(samples, e.add(first, b.ConstI32(1)), e.mul(c[1], c[0]))
	m.AddMap("samples", b.Program(), testPixels, testSpp)
	m.AddReduce("image", ir.ReduceMean, samples, image, testSpp, 2)

	b = ir.NewBuilder(m)
	e = newEmitter(b)
	first = e.mul(b.Lane(), b.ConstI32(2))
	x, y := b.Gather(image, first), b.Gather(image, e.add(first, b.ConstI32(1)))
	b.Store(tone, b.Lane(), e.mul(b.Unary(ir.OpExp, x), e.add(y, b.Uniform("a", ir.F32))))
	b.ScatterAdd(bins, b.Binary(ir.OpAnd, b.Lane(), b.ConstI32(1)), e.mul(x, y))
	m.AddMap("tone", b.Program(), testPixels)
	return m
}

var pictureSpec = Spec{Outputs: []string{"image", "tone", "bins"}, Uniforms: []string{"a", "b"}, Buffers: []string{"albedo"}}

// point is a value for every independent scalar of picture: a, b and the albedos.
type point [2 + testPixels]float64

var picturePoint = point{0.3, -0.4, 0.5, 0.8, 1.2}

func (p point) set(mc *machine) {
	mc.uniforms["a"], mc.uniforms["b"] = p[0], p[1]
	mc.buffers["albedo"] = append([]float64(nil), p[2:]...)
}

func outputsOf(mc *machine, prefix string) []float64 {
	var out []float64
	for _, name := range pictureSpec.Outputs {
		out = append(out, mc.buffers[prefix+name]...)
	}
	return out
}

// pictureJacobian returns d outputs / d point by central differences.
func pictureJacobian(t *testing.T) [][]float64 {
	t.Helper()
	mc := newMachine(picture())
	at := func(k int, h float64) []float64 {
		p := picturePoint
		p[k] += h
		p.set(mc)
		mc.run(t)
		return outputsOf(mc, "")
	}
	var jac [][]float64
	for k := range picturePoint {
		const h = 1e-5
		up, down := at(k, h), at(k, -h)
		for i := range up {
			if k == 0 {
				jac = append(jac, nil)
			}
			jac[i] = append(jac[i], (up[i]-down[i])/(2*h))
		}
	}
	return jac
}

func TestForwardModule(t *testing.T) {
	want := pictureJacobian(t)
	m, err := Forward(picture(), pictureSpec)
	if err != nil {
		t.Fatal(err)
	}
	got := make([][]float64, len(want))
	for k := range picturePoint {
		mc := newMachine(m)
		picturePoint.set(mc)
		var d point
		d[k] = 1
		mc.uniforms["tan.a"], mc.uniforms["tan.b"], mc.buffers["tan.albedo"] = d[0], d[1], d[2:]
		mc.run(t)
		for i, x := range outputsOf(mc, "tan.") {
			got[i] = append(got[i], x)
		}
	}
	if !closeTo(got, want, 1e-6) || closeTo(zeroLike(want), want, 1e-6) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReverseModule(t *testing.T) {
	want := pictureJacobian(t)
	for _, without := range []bool{false, true} {
		spec := pictureSpec
		spec.WithoutPrimal = without
		m, err := Reverse(picture(), spec)
		if err != nil {
			t.Fatal(err)
		}
		var got [][]float64
		for i := range want {
			mc := newMachine(m)
			picturePoint.set(mc)
			k := i
			for _, name := range spec.Outputs {
				adj := make([]float64, m.Buffers[m.BufferIndex("adj."+name)].Len())
				if k >= 0 && k < len(adj) {
					adj[k] = 1
				}
				k -= len(adj)
				mc.buffers["adj."+name] = adj
			}
			mc.run(t)
			got = append(got, append([]float64{mc.buffers["grad.a"][0], mc.buffers["grad.b"][0]}, mc.buffers["grad.albedo"]...))
		}
		if !closeTo(got, want, 1e-6) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// If only the image is asked for, its reversal needs no primal stage at all.
func TestReverseDropsPrimal(t *testing.T) {
	m, err := Reverse(picture(), Spec{Outputs: []string{"image"}, Uniforms: []string{"a"}, WithoutPrimal: true})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range m.Stages {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, ", "); got != "samples.reverse, sum adj.a.samples, collect" {
		t.Errorf("stages %s", got)
	}
}

func TestJacobianModule(t *testing.T) {
	want := pictureJacobian(t)
	spec := pictureSpec
	spec.Outputs = spec.Outputs[:1]
	m, columns, err := Jacobian(picture(), spec)
	if err != nil {
		t.Fatal(err)
	}
	mc := newMachine(m)
	picturePoint.set(mc)
	mc.run(t)
	if len(columns) != 3 {
		t.Fatalf("columns %v", columns)
	}
	for k, c := range columns {
		got := mc.buffers[c.Buffer]
		if c.Output != "image" || c.Param != []string{"a", "b", "albedo"}[k] || c.Buffer != "jac.image."+c.Param {
			t.Errorf("column %v", c)
		}
		for i := range got {
			w := want[i][k]
			if c.Param == "albedo" {
				w = want[i][2+i/2] // the pixel's own
			}
			if math.Abs(got[i]-w) > 1e-6 || w == 0 && k == 0 && i > 1 {
				t.Errorf("%s[%d] = %v, want %v", c.Buffer, i, got[i], w)
			}
		}
	}
}

// With many parameters and few outputs reverse sweeps are taken, with one parameter a forward sweep; both give the
// same columns.
func TestJacobianTakesTheCheaperMode(t *testing.T) {
	build := func(params, outs int) (*ir.Module, Spec) {
		m := &ir.Module{}
		out := m.AddBuffer("out", ir.F32, ir.Output, outs)
		b := ir.NewBuilder(m)
		e := newEmitter(b)
		spec := Spec{Outputs: []string{"out"}}
		sum := b.ConstF32(1)
		for i := range params {
			spec.Uniforms = append(spec.Uniforms, name("x", i))
		}
		for i := range 10 {
			x := b.Uniform(name("x", i%params), ir.F32)
			sum = b.Unary(ir.OpSin, e.mul(sum, e.add(x, b.ConstF32(1.5))))
		}
		for i := range outs {
			b.Store(out, b.ConstI32(int32(i)), b.Unary(ir.OpSin, e.mul(sum, b.ConstF32(float32(i+1)))))
		}
		m.AddMap("chain", b.Program(), 1)
		return m, spec
	}
	for _, tt := range []struct {
		params, outs int
		reverse      bool
	}{{10, 1, true}, {1, 10, false}} {
		m, spec := build(tt.params, tt.outs)
		g, err := newGraph(m, spec)
		if err != nil {
			t.Fatal(err)
		}
		var dirs []*direction
		for _, u := range g.uniforms {
			dirs = append(dirs, &direction{uniform: onlyUniform(m, u), gather: noGather, tan: map[int]int{}})
		}
		l, err := g.propagate(0)
		if err != nil {
			t.Fatal(err)
		}
		kept, ts, err := g.tangentsCheaper(0, l, dirs)
		if err != nil {
			t.Fatal(err)
		}
		if (kept != l) != tt.reverse {
			t.Errorf("%d parameters, %d outputs: reverse = %v", tt.params, tt.outs, kept != l)
		}
		other, err := g.open(0)
		if err != nil {
			t.Fatal(err)
		}
		_, us, err := g.tangentsForward(0, other, dirs)
		if tt.reverse == false {
			_, us, err = g.tangentsReverse(0, other, dirs)
		}
		if err != nil {
			t.Fatal(err)
		}
		mc := newMachine(g.m)
		rng := rand.New(rand.NewPCG(3, 4))
		for _, n := range spec.Uniforms {
			mc.uniforms[n] = rng.Float64()
		}
		for k := range dirs {
			a, b := mc.floats(kept.b, ts[k]...), mc.floats(other.b, us[k]...)
			if !closeTo([][]float64{a}, [][]float64{b}, 1e-9) || a[0] == 0 {
				t.Errorf("direction %d: %v and %v", k, a, b)
			}
		}
	}
}

func TestModuleErrors(t *testing.T) {
	with := func(change func(m *ir.Module)) *ir.Module {
		m := picture()
		change(m)
		return m
	}
	tests := []struct {
		name string
		m    *ir.Module
		spec Spec
		want string
	}{
		{"no such uniform", picture(), Spec{Uniforms: []string{"c"}}, `no float uniform "c"`},
		{"no such output", picture(), Spec{Outputs: []string{"albedo"}}, `no output buffer of floats "albedo"`},
		{"no such input", picture(), Spec{Buffers: []string{"image"}}, `no input buffer of floats "image"`},
		{"max", with(func(m *ir.Module) { m.Stages[1].Reduce = ir.ReduceMax }), pictureSpec, "stage reduce image"},
		{"scan", with(func(m *ir.Module) {
			out := m.AddBuffer("sums", ir.F32, ir.Output, testPixels)
			m.AddScan("sums", m.BufferIndex("albedo"), out, testPixels, 1)
		}), pictureSpec, "stage scan sums"},
		{"a function reads the input", with(func(m *ir.Module) {
			albedo, tone := m.BufferIndex("albedo"), m.AddBuffer("more", ir.F32, ir.Output, testPixels)
			f := define(m, "look", 1, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value {
				return []ir.Value{e.mul(p[0], b.Gather(albedo, b.Lane()))}
			})
			b := ir.NewBuilder(m)
			b.Store(tone, b.Lane(), b.Call(f, b.ConstF32(2))[0])
			m.AddMap("more", b.Program(), testPixels)
		}), pictureSpec, "function look reads buffer albedo"},
		{"a loop reads the input", with(func(m *ir.Module) {
			albedo, tone := m.BufferIndex("albedo"), m.AddBuffer("more", ir.F32, ir.Output, testPixels)
			b := ir.NewBuilder(m)
			out := counted(b, b.ConstI32(2), 3, []ir.Value{b.ConstF32(0)}, func(i ir.Value, s []ir.Value) []ir.Value {
				return []ir.Value{b.Binary(ir.OpAdd, s[0], b.Gather(albedo, b.Convert(ir.I32, i)))}
			})
			b.Store(tone, b.Lane(), out[0])
			m.AddMap("more", b.Program(), testPixels)
		}), pictureSpec, "a loop reads buffer albedo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, f := Forward(tt.m, tt.spec)
			_, r := Reverse(tt.m, tt.spec)
			_, _, j := Jacobian(tt.m, tt.spec)
			for _, err := range []error{f, r, j} {
				if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "grad: ") {
					t.Errorf("error %v, want %q", err, tt.want)
				}
			}
		})
	}
}

// A wanted uniform that nothing depends on has a derivative of zero, which is written.
func TestUnusedIndependent(t *testing.T) {
	m := picture()
	m.Uniform("unused", ir.F32)
	spec := Spec{Outputs: []string{"image"}, Uniforms: []string{"unused"}, Buffers: []string{"albedo"}}
	jac, _, err := Jacobian(m, spec)
	if err != nil {
		t.Fatal(err)
	}
	rev, err := Reverse(m, spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		m    *ir.Module
		name string
	}{{jac, "jac.image.unused"}, {rev, "grad.unused"}} {
		mc := newMachine(tt.m)
		picturePoint.set(mc)
		mc.buffers["adj.image"] = make([]float64, testPixels*2)
		mc.run(t)
		if got, ok := mc.buffers[tt.name]; !ok || got[0] != 0 {
			t.Errorf("%s = %v", tt.name, got)
		}
	}
}

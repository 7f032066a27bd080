package grad

import (
	"math"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

// define adds a function with n F32 parameters to the module.
func define(m *ir.Module, name string, n int, body func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value) int {
	b := ir.NewBuilder(m)
	var p []ir.Value
	for range n {
		p = append(p, b.Param(ir.F32))
	}
	b.SetResults(body(b, newEmitter(b), p)...)
	return m.AddFunc(name, b.Program())
}

func TestCalls(t *testing.T) {
	m := &ir.Module{}
	inner := define(m, "inner", 2, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value {
		k := b.Uniform("x2", ir.F32) // an independent uniform, read inside
		return []ir.Value{e.mul(p[0], b.Unary(ir.OpSin, e.mul(p[1], k))), e.mul(p[1], p[1])}
	})
	outer := define(m, "outer", 2, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value {
		r := b.Call(inner, p[1], e.mul(p[0], p[1]))
		return []ir.Value{e.add(r[0], r[1]), e.mul(r[0], p[0])}
	})
	r := recordIn(m, []float64{0.7, 1.3, -0.4}, func(b *ir.Builder, x []ir.Value) []ir.Value {
		e := newEmitter(b)
		r := b.Call(outer, x[0], b.Unary(ir.OpExp, x[1]))
		s := b.Call(outer, b.ConstF32(0.3), x[0])
		return []ir.Value{e.add(r[1], s[0]), e.mul(r[0], r[0])}
	})
	r.check(t)
	r.checkSecond(t)
	if err := verifyLane(r); err != nil {
		t.Error(err)
	}
	calls := len(r.b.Program().Calls)
	funcs := len(m.Funcs)
	r.reverse(t, r.outs)
	if len(m.Funcs) != funcs || len(r.b.Program().Calls) != calls {
		t.Errorf("the same derivative again made %d functions, %d calls; had %d, %d",
			len(m.Funcs), len(r.b.Program().Calls), funcs, calls)
	}
}

// verifyLane runs the verifier over the functions and the lane program of a rig.
func verifyLane(r *rig) error {
	m := r.b.Module().Clone()
	m.AddMap("test", r.b.Program(), 1)
	return ir.Verify(m)
}

// An unrelated argument brings no work: its parameter is not in the derivative's mask.
func TestDerivedFunctionsAreSparse(t *testing.T) {
	m := &ir.Module{}
	f := define(m, "f", 2, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value {
		return []ir.Value{e.mul(p[0], p[1]), b.Unary(ir.OpFloor, p[0])}
	})
	b := ir.NewBuilder(m)
	x, y := b.Uniform("x", ir.F32), b.Uniform("y", ir.F32)
	r := b.Call(f, x, y)
	if _, err := JVP(b, r, []ir.Value{x}, []ir.Value{b.ConstF32(1)}); err != nil {
		t.Fatal(err)
	}
	g := m.Funcs[len(m.Funcs)-1]
	if g.Name != "f.jvp.10.10" || len(g.Body.Params) != 3 || len(g.Body.Results) != 1 {
		t.Errorf("made %s with %d parameters and %d results", g.Name, len(g.Body.Params), len(g.Body.Results))
	}
}

// customCube is x^3 with rules of its own, deliberately three times too large so that they can be told apart.
func customCube(m *ir.Module) int {
	cube := define(m, "cube", 1, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value {
		return []ir.Value{e.mul(p[0], e.mul(p[0], p[0]))}
	})
	rule := func(name string) int {
		return define(m, name, 3, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value {
			return []ir.Value{e.mul(p[2], e.mul(b.ConstF32(9), e.mul(p[0], p[0])))}
		})
	}
	m.Funcs[cube].JVP, m.Funcs[cube].VJP = rule("cube.jvp"), rule("cube.vjp")
	return cube
}

func TestCustomRule(t *testing.T) {
	m := &ir.Module{}
	cube := customCube(m)
	r := recordIn(m, []float64{2}, func(b *ir.Builder, x []ir.Value) []ir.Value { return b.Call(cube, x[0]) })
	if got := r.forward(t, r.outs)[0][0]; got != 36 {
		t.Errorf("forward: %v, want 36", got)
	}
	if got := r.reverse(t, r.outs)[0][0]; got != 36 {
		t.Errorf("reverse: %v, want 36", got)
	}
}

func TestCustomRuleErrors(t *testing.T) {
	m := &ir.Module{}
	f := define(m, "f", 1, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value {
		return []ir.Value{e.mul(p[0], b.Uniform("x1", ir.F32))}
	})
	m.Funcs[f].JVP = define(m, "f.jvp", 3, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value { return p[2:] })
	buf := m.AddBuffer("map", ir.F32, ir.Input, 4)
	g := define(m, "g", 1, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value {
		return []ir.Value{e.mul(p[0], b.Gather(buf, b.Convert(ir.I32, p[0])))}
	})
	b := ir.NewBuilder(m)
	x0, x1, one := b.Uniform("x0", ir.F32), b.Uniform("x1", ir.F32), b.ConstF32(1)
	texel := b.Gather(buf, b.ConstI32(0))
	out, out2 := b.Call(f, x0), b.Call(g, texel)
	for _, tt := range []struct {
		out  []ir.Value
		wrt  ir.Value
		want string
	}{
		{out, x1, "reads the independent uniform x1"},
		{out, x0, "no reverse rule"},
		{out2, texel, "reads buffer map"},
	} {
		if _, err := VJP(b, tt.out, []ir.Value{one}, []ir.Value{tt.wrt}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
	if _, err := JVP(b, out, []ir.Value{x0}, []ir.Value{one}); err != nil {
		t.Error(err)
	}
}

// sphere makes a search for the first hit of a ray from the origin along (u, v, -1) with a sphere of centre
// (0, 0, z) and radius r: parameters u, v, z, r; here a fixed number of Newton steps stand for the search.
func sphere(m *ir.Module) (search, residual int) {
	residual = define(m, "sphere.residual", 5, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value {
		u, v, z, r, t := p[0], p[1], p[2], p[3], p[4]
		x, y, w := e.mul(t, u), e.mul(t, v), e.sub(e.neg(t), z)
		q := e.add(e.mul(x, x), e.add(e.mul(y, y), e.mul(w, w)))
		return []ir.Value{e.sub(b.Unary(ir.OpSqrt, q), r)}
	})
	search = define(m, "sphere.search", 4, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value {
		l := b.LoopBegin(ir.F32)
		t := l.States[0]
		d := b.Call(residual, p[0], p[1], p[2], p[3], t)[0]
		small := b.Binary(ir.OpLt, b.ConstF32(1e-13), b.Unary(ir.OpAbs, d))
		out := l.End([]ir.Value{b.ConstF32(0)}, small, []ir.Value{e.add(t, e.mul(d, b.ConstF32(0.9)))}, 200)
		return []ir.Value{out[0], b.Binary(ir.OpLt, out[1], b.ConstI32(200)), out[0]}
	})
	return search, residual
}

// closedForm is the same distance from the quadratic formula.
func closedForm(b *ir.Builder, x []ir.Value) ir.Value {
	e := newEmitter(b)
	u, v, z, r := x[0], x[1], x[2], x[3]
	a := e.add(b.ConstF32(1), e.add(e.mul(u, u), e.mul(v, v)))
	disc := e.sub(e.mul(z, z), e.mul(a, e.sub(e.mul(z, z), e.mul(r, r))))
	return e.div(e.sub(e.neg(z), b.Unary(ir.OpSqrt, disc)), a)
}

func TestImplicit(t *testing.T) {
	m := &ir.Module{}
	search, residual := sphere(m)
	hit, err := Implicit(m, "sphere.hit", search, residual)
	if err != nil {
		t.Fatal(err)
	}
	at := []float64{0.1, -0.05, -3, 1.1}
	r := recordIn(m, at, func(b *ir.Builder, x []ir.Value) []ir.Value {
		return []ir.Value{b.Call(hit, x...)[0], closedForm(b, x)}
	})
	for mode, jac := range map[string][][]float64{"forward": r.forward(t, r.outs), "reverse": r.reverse(t, r.outs)} {
		if !closeTo(jac[:1], jac[1:], 1e-9) {
			t.Errorf("%s: %v, closed form %v", mode, jac[0], jac[1])
		}
	}
	r.check(t)
	var hessians [][][]float64
	for i := range r.outs {
		g, err := VJP(r.b, r.outs[i:i+1], []ir.Value{r.b.ConstF32(1)}, r.x)
		if err != nil {
			t.Fatal(err)
		}
		hessians = append(hessians, r.forward(t, g), r.reverse(t, g))
	}
	for _, h := range hessians {
		if !closeTo(h, hessians[2], 1e-8) || math.Abs(h[0][0]) < 1e-3 {
			t.Errorf("Hessian %v, closed form %v", h, hessians[2])
		}
	}
	if err := verifyLane(r); err != nil {
		t.Error(err)
	}
}

func TestImplicitOfSomeParameters(t *testing.T) {
	m := &ir.Module{}
	search, residual := sphere(m)
	hit, err := Implicit(m, "sphere.hit", search, residual, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	r := recordIn(m, []float64{0.1, -0.05, -3, 1.1}, func(b *ir.Builder, x []ir.Value) []ir.Value {
		return []ir.Value{b.Call(hit, x...)[0]}
	})
	full, got := r.differences(r.outs)[0], r.reverse(t, r.outs)[0]
	if got[0] != 0 || got[1] != 0 || math.Abs(got[2]-full[2]) > 1e-6 || math.Abs(got[3]-full[3]) > 1e-6 {
		t.Errorf("got %v of %v", got, full)
	}
	if _, err := Implicit(m, "wrong", residual, search); err == nil {
		t.Error("search and residual exchanged: no error")
	}
}

package grad

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

// rig is a lane program over uniforms x0, x1, ..., whose derivatives are checked against central differences.
type rig struct {
	mc   *machine
	b    *ir.Builder
	x    []ir.Value
	outs []ir.Value
	at   []float64
}

// record traces build with uniforms of type F32 (executed in float64 by the oracle) at the given point.
func record(at []float64, build func(b *ir.Builder, x []ir.Value) []ir.Value) *rig {
	m := &ir.Module{Name: "test"}
	return recordIn(m, at, build)
}

func recordIn(m *ir.Module, at []float64, build func(b *ir.Builder, x []ir.Value) []ir.Value) *rig {
	r := &rig{mc: newMachine(m), b: ir.NewBuilder(m), at: at}
	for i := range at {
		r.x = append(r.x, r.b.Uniform(name("x", i), ir.F32))
	}
	r.set(at)
	r.outs = build(r.b, r.x)
	return r
}

func name(prefix string, i int) string { return prefix + string(rune('0'+i)) }

func (r *rig) set(at []float64) {
	for i, x := range at {
		r.mc.uniforms[name("x", i)] = x
	}
}

// differences returns d outs / d x by central differences, with one Richardson step, as rows of outs.
func (r *rig) differences(outs []ir.Value) [][]float64 {
	jac := make([][]float64, len(outs))
	for i := range jac {
		jac[i] = make([]float64, len(r.at))
	}
	for k := range r.at {
		central := func(h float64) []float64 {
			at := append([]float64(nil), r.at...)
			at[k] += h
			r.set(at)
			up := r.mc.floats(r.b, outs...)
			at[k] -= 2 * h
			r.set(at)
			down := r.mc.floats(r.b, outs...)
			r.set(r.at)
			for i := range up {
				up[i] = (up[i] - down[i]) / (2 * h)
			}
			return up
		}
		h := 1e-3 * max(1, math.Abs(r.at[k]))
		coarse, fine := central(h), central(h/2)
		for i := range jac {
			jac[i][k] = (4*fine[i] - coarse[i]) / 3
		}
	}
	return jac
}

// forward returns d outs / d x column by column with JVP, reverse row by row with VJP.
func (r *rig) forward(t *testing.T, outs []ir.Value) [][]float64 {
	t.Helper()
	jac := make([][]float64, len(outs))
	for k := range r.x {
		ts, err := JVP(r.b, outs, r.x[k:k+1], []ir.Value{r.b.ConstF32(1)})
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range r.mc.floats(r.b, ts...) {
			jac[i] = append(jac[i], x)
		}
	}
	return jac
}

func (r *rig) reverse(t *testing.T, outs []ir.Value) [][]float64 {
	t.Helper()
	var jac [][]float64
	for i := range outs {
		as, err := VJP(r.b, outs[i:i+1], []ir.Value{r.b.ConstF32(1)}, r.x)
		if err != nil {
			t.Fatal(err)
		}
		jac = append(jac, r.mc.floats(r.b, as...))
	}
	return jac
}

// closeTo tells whether two Jacobians agree to the given relative tolerance of the larger one's norm.
func closeTo(a, b [][]float64, tol float64) bool {
	diff, size := 0.0, 0.0
	for i := range a {
		for k := range a[i] {
			diff = math.Hypot(diff, a[i][k]-b[i][k])
			size = math.Hypot(size, max(math.Abs(a[i][k]), math.Abs(b[i][k])))
		}
	}
	return diff <= tol*size && !math.IsNaN(diff)
}

func zeroLike(a [][]float64) [][]float64 {
	z := make([][]float64, len(a))
	for i := range a {
		z[i] = make([]float64, len(a[i]))
	}
	return z
}

// check compares both modes with differences, checks that a zero gradient would fail, and the identity
// <v, Ju> = <J^T v, u> for random u and v.
func (r *rig) check(t *testing.T) {
	t.Helper()
	want := r.differences(r.outs)
	const tol = 1e-6
	if got := r.forward(t, r.outs); !closeTo(got, want, tol) {
		t.Errorf("forward: %v, differences: %v", got, want)
	}
	if got := r.reverse(t, r.outs); !closeTo(got, want, tol) {
		t.Errorf("reverse: %v, differences: %v", got, want)
	}
	if closeTo(zeroLike(want), want, tol) {
		t.Errorf("the zero gradient passes: %v", want)
	}
	r.checkDot(t)
}

func (r *rig) checkDot(t *testing.T) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(prefix string, n int) (vs []ir.Value, xs []float64) {
		for i := range n {
			vs, xs = append(vs, r.b.Uniform(name(prefix, i), ir.F32)), append(xs, rng.NormFloat64())
			r.mc.uniforms[name(prefix, i)] = xs[i]
		}
		return vs, xs
	}
	u, uf := random("u", len(r.x))
	v, vf := random("v", len(r.outs))
	ju, err := JVP(r.b, r.outs, r.x, u)
	if err != nil {
		t.Fatal(err)
	}
	jtv, err := VJP(r.b, r.outs, v, r.x)
	if err != nil {
		t.Fatal(err)
	}
	left, right := dot(vf, r.mc.floats(r.b, ju...)), dot(uf, r.mc.floats(r.b, jtv...))
	if math.Abs(left-right) > 1e-9*(math.Abs(left)+math.Abs(right)) || left == 0 || math.IsNaN(left) {
		t.Errorf("<v,Ju> = %v, <J^T v,u> = %v", left, right)
	}
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

// checkSecond checks the Hessian of the first output, forward over reverse and reverse over reverse, against
// differences of the gradient.
func (r *rig) checkSecond(t *testing.T) {
	t.Helper()
	g, err := VJP(r.b, r.outs[:1], []ir.Value{r.b.ConstF32(1)}, r.x)
	if err != nil {
		t.Fatal(err)
	}
	want := r.differences(g)
	if closeTo(zeroLike(want), want, 1e-6) {
		t.Fatalf("the zero Hessian passes: %v", want)
	}
	if got := r.forward(t, g); !closeTo(got, want, 1e-5) {
		t.Errorf("forward over reverse: %v, differences: %v", got, want)
	}
	if got := r.reverse(t, g); !closeTo(got, want, 1e-5) {
		t.Errorf("reverse over reverse: %v, differences: %v", got, want)
	}
}

package train

import (
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/tensor"
)

// quintic is what the iteration of Newton and Schulz makes of a singular value.
func quintic(s float64) float64 {
	for range 5 {
		s = 3.4445*s - 4.7750*s*s*s + 2.0315*math.Pow(s, 5)
	}
	return s
}

// TestOrthogonalise: matrices U S V^T with known singular vectors become those of the quintic of S over the norm.
func TestOrthogonalise(t *testing.T) {
	e := open(t, tensor.Options{Workers: 1})
	c, s := math.Cos(0.7), math.Sin(0.7)
	for _, row := range []struct {
		name string
		tall bool
		a, b float64 // singular values
	}{{"wide", false, 2, 0.5}, {"tall", true, 3, 1}, {"nearly of rank 1", false, 1, 1e-3}} {
		matrix := func(a, b float64) []float64 { // a rotation, singular values, and the first two of three axes, exchanged
			return []float64{-s * b, c * a, 0, c * b, s * a, 0}
		}
		x, norm := e.NewFloat64(matrix(row.a, row.b), 2, 3), math.Hypot(row.a, row.b)
		want := e.NewFloat64(matrix(quintic(row.a/norm), quintic(row.b/norm)), 2, 3)
		if row.tall {
			x, want = x.T(), want.T()
		}
		wantNear(t, row.name, orthogonalise(x, 5).Float64s(), want.Float64s(), 1e-4)
	}
}

// TestMuon does a step on the host: w by Muon, b by the rule.
func TestMuon(t *testing.T) {
	m := newToy(t, tensor.Options{Workers: 1})
	opt := m.optimizer(t, Options{Rule: optim.SGDRule{Rate: 0.1}, Muon: &Muon{Rate: 0.3, Momentum: 0.5, Decay: 0.2}})
	g, x := m.gradient(), m.values()
	direction := orthogonalise(m.e.NewFloat64(g[:6], 3, 2).Times(1.5), 5).Float64s()
	s := m.compile(t, opt, 0, 4)
	run(t, s, 1)
	for i := range x {
		if i < 6 {
			x[i] -= 0.3*0.2*x[i] + 0.3*direction[i]
		} else {
			x[i] -= 0.1 * g[i]
		}
	}
	wantNear(t, "parameters", m.values(), x, 1e-5)
	before := m.loss(0, 4).Item()
	run(t, s, 30)
	if after := m.loss(0, 4).Item(); after > before/2 {
		t.Errorf("the loss went from %g to %g", before, after)
	}
}

// TestLBFGS finds the minimum of a quadratic function, where the gradient is zero, and leaves the parameters there.
func TestLBFGS(t *testing.T) {
	m := newToy(t, tensor.Options{Workers: 1, Float64: true})
	result, err := MinimizeLBFGS(t.Context(), optim.LBFGS{}, m.e, m.weights, func() *tensor.Tensor { return m.loss(0, 4) })
	if err != nil {
		t.Fatal(err)
	}
	wantNear(t, "gradient", m.gradient(), make([]float64, 8), 1e-7)
	wantNear(t, "parameters", m.values(), result.X, 0)
	wantNear(t, "loss", []float64{m.loss(0, 4).Item()}, []float64{result.Cost}, 1e-12)
}

// TestLBFGSLeavesTheBest: where the search finds nothing lower, as of a loss whose gradient has the wrong sign, the
// parameters are where it began, and not at the last point that it looked at.
func TestLBFGSLeavesTheBest(t *testing.T) {
	m := newToy(t, tensor.Options{Workers: 1})
	m.b.Set(m.e.Zeros(2))
	loss := func() *tensor.Tensor { return m.b.Value().StopGradient().Times(2).Sub(m.b.Value()).Sum() }
	result, err := MinimizeLBFGS(t.Context(), optim.LBFGS{}, m.e, m.weights[1:], loss)
	if got := m.b.Value().Float64s(); err != nil || result.Reason != optim.Stalled || got[0] != 0 || got[1] != 0 {
		t.Errorf("parameters %v, %s, %v, want 0 and 0", got, result.Reason, err)
	}
}

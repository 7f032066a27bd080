package optim

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// residuals makes a Problem from a residual function and its Jacobian.
func residuals(n int, f func(x []float64) (r []float64, j [][]float64)) Problem {
	cost := func(r []float64) float64 { return dot(r, r) / 2 }
	return Problem{
		Size: n,
		Linearize: func(_ context.Context, x []float64, out *Normal) error {
			r, j := f(x)
			for i := range r {
				out.AddRow(j[i], r[i], 1)
			}
			out.Symmetrize()
			out.Cost = cost(r)
			return nil
		},
		Cost: func(_ context.Context, x []float64) (float64, error) {
			r, _ := f(x)
			return cost(r), nil
		},
	}
}

func rosenbrock(x []float64) ([]float64, [][]float64) {
	return []float64{10 * (x[1] - x[0]*x[0]), 1 - x[0]},
		[][]float64{{-20 * x[0], 10}, {-1, 0}}
}

func powell(x []float64) ([]float64, [][]float64) {
	a, b := x[1]-2*x[2], x[0]-x[3]
	s5, s10 := math.Sqrt(5), math.Sqrt(10)
	return []float64{x[0] + 10*x[1], s5 * (x[2] - x[3]), a * a, s10 * b * b},
		[][]float64{{1, 10, 0, 0}, {0, 0, s5, -s5}, {0, 2 * a, -4 * a, 0}, {s10 * 2 * b, 0, 0, -s10 * 2 * b}}
}

// scaledRosenbrock measures the first parameter in units of 1e-6.
func scaledRosenbrock(x []float64) ([]float64, [][]float64) {
	r, j := rosenbrock([]float64{x[0] * 1e-6, x[1]})
	for i := range j {
		j[i][0] *= 1e-6
	}
	return r, j
}

func TestLM(t *testing.T) {
	for _, row := range []struct {
		name      string
		f         func([]float64) ([]float64, [][]float64)
		x0, want  []float64
		tolerance float64
		steps     int
	}{
		{"rosenbrock", rosenbrock, []float64{-1.2, 1}, []float64{1, 1}, 1e-8, 40},
		{"rosenbrock in other units", scaledRosenbrock, []float64{-1.2e6, 1}, []float64{1e6, 1}, 1e-2, 40},
		{"powell singular", powell, []float64{3, -1, 0, 1}, []float64{0, 0, 0, 0}, 1e-3, 50},
	} {
		t.Run(row.name, func(t *testing.T) {
			steps := 0
			got, err := LM{OnStep: func(Step) { steps++ }}.Minimize(t.Context(), residuals(len(row.x0), row.f), row.x0)
			if err != nil {
				t.Fatal(err)
			}
			if d := largestOf(addScaled(got.X, row.want, -1)); !(d <= row.tolerance) {
				t.Errorf("%v off by %g after %d: %s", got.X, d, got.Iterations, got.Reason)
			}
			if got.Iterations > row.steps || steps != got.Iterations {
				t.Errorf("%d iterations, %d callbacks", got.Iterations, steps)
			}
		})
	}
}

func TestLMRetraction(t *testing.T) { // the nearest point of a circle, by an angle around the current one
	target := []float64{3, 4}
	at := func(x []float64) ([]float64, [][]float64) {
		return addScaled(x, target, -1), [][]float64{{-x[1]}, {x[0]}}
	}
	p := residuals(1, at)
	p.Retract = func(x, d, to []float64) {
		s, c := math.Sincos(d[0])
		to[0], to[1] = c*x[0]-s*x[1], s*x[0]+c*x[1]
	}
	got, err := LM{}.Minimize(t.Context(), p, []float64{1, 0})
	if err != nil || math.Abs(got.X[0]-0.6) > 1e-6 || math.Abs(got.X[1]-0.8) > 1e-6 || !got.Reason.Converged() {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestLMLimit(t *testing.T) {
	longest := 0.0
	p := residuals(2, rosenbrock)
	p.Retract = func(x, d, to []float64) {
		longest = math.Max(longest, math.Abs(d[0]))
		copy(to, addScaled(x, d, 1))
	}
	got, err := LM{Limit: []float64{0.1, 0}, MaxIterations: 100}.Minimize(t.Context(), p, []float64{-1.2, 1})
	if err != nil || longest > 0.1 || math.Abs(got.X[0]-1) > 1e-6 {
		t.Errorf("longest step %g, end %v, %v", longest, got.X, err)
	}
}

func TestLMCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stop := func(s Step) {
		if s.Iteration == 3 {
			cancel()
		}
	}
	got, err := LM{OnStep: stop}.Minimize(ctx, residuals(2, rosenbrock), []float64{-1.2, 1})
	if !errors.Is(err, context.Canceled) || got.Reason != Cancelled || got.Iterations != 3 {
		t.Errorf("%+v, %v", got, err)
	}
	if r, _ := rosenbrock(got.X); math.Abs(dot(r, r)/2-got.Cost) > 1e-12 {
		t.Errorf("cost %g is not that of the point", got.Cost)
	}
}

func TestLMErrors(t *testing.T) {
	broken := errors.New("broken")
	p := residuals(2, rosenbrock)
	p.Cost = func(context.Context, []float64) (float64, error) { return 0, broken }
	if _, err := (LM{}).Minimize(t.Context(), p, []float64{-1.2, 1}); !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
	if _, err := (LM{}).Minimize(t.Context(), residuals(2, rosenbrock), []float64{math.NaN(), 1}); err == nil {
		t.Error("a start without a cost is accepted")
	}
	nan := residuals(2, rosenbrock)
	nan.Cost = func(context.Context, []float64) (float64, error) { return math.NaN(), nil }
	got, err := LM{}.Minimize(t.Context(), nan, []float64{-1.2, 1})
	if err != nil || got.Reason != Stalled || got.X[0] != -1.2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestLMIgnoresUndetermined(t *testing.T) { // only x0+x1 matters, x2 not at all
	p := residuals(3, func(x []float64) ([]float64, [][]float64) {
		return []float64{x[0] + x[1] - 5, 2 * (x[0] + x[1] - 5)}, [][]float64{{1, 1, 0}, {2, 2, 0}}
	})
	got, err := LM{}.Minimize(t.Context(), p, []float64{1, 2, 7})
	if err != nil || math.Abs(got.X[0]-2) > 1e-6 || math.Abs(got.X[1]-3) > 1e-6 || got.X[2] != 7 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestBlockLM(t *testing.T) { // y = a exp(-b t) at each of many blocks, a relative step in a
	rng := rand.New(rand.NewPCG(1, 2))
	const blocks = 50
	truth, x0 := make([]float64, 2*blocks), make([]float64, 2*blocks)
	for b := range blocks {
		truth[2*b], truth[2*b+1] = 1+3*rng.Float64(), 0.5+rng.Float64()
		x0[2*b], x0[2*b+1] = 1, 0.1
	}
	x0[2*7] = math.NaN() // left alone
	at := func(x []float64, b int, visit func(r float64, j []float64)) {
		for i := range 8 {
			ti := float64(i) / 3
			e := math.Exp(-x[2*b+1] * ti)
			r := x[2*b]*e - truth[2*b]*math.Exp(-truth[2*b+1]*ti)
			visit(r, []float64{x[2*b] * e, -x[2*b] * ti * e})
		}
	}
	p := BlockProblem{Blocks: blocks, Size: 2,
		Linearize: func(_ context.Context, x []float64, active []bool, cost, jtj, jtr []float64) error {
			for b := range blocks {
				if !active[b] {
					continue
				}
				e := NewNormal(2)
				at(x, b, func(r float64, j []float64) { e.AddRow(j, r, 1); e.Cost += r * r / 2 })
				e.Symmetrize()
				cost[b] = e.Cost
				copy(jtj[4*b:], e.JtJ)
				copy(jtr[2*b:], e.Jtr)
			}
			return nil
		},
		Cost: func(_ context.Context, x []float64, active []bool, cost []float64) error {
			for b := range blocks {
				if active[b] {
					cost[b] = 0
					at(x, b, func(r float64, _ []float64) { cost[b] += r * r / 2 })
				}
			}
			return nil
		},
		Retract: func(_ int, x, d []float64) { x[0] *= math.Exp(d[0]); x[1] += d[1] },
	}
	got, err := BlockLM{}.Minimize(t.Context(), p, x0)
	if err != nil {
		t.Fatal(err)
	}
	for b := range blocks {
		if b == 7 {
			if got.Converged[b] {
				t.Error("the block without a cost converged")
			}
			continue
		}
		if math.Abs(got.X[2*b]-truth[2*b]) > 1e-4 || math.Abs(got.X[2*b+1]-truth[2*b+1]) > 1e-4 || !got.Converged[b] {
			t.Errorf("block %d: %v, want %v", b, got.X[2*b:2*b+2], truth[2*b:2*b+2])
		}
	}
}

func TestLBFGS(t *testing.T) {
	valley := func(_ context.Context, x, g []float64) (float64, error) {
		clear(g)
		sum := 0.0
		for i := 0; i+1 < len(x); i++ {
			r, j := rosenbrock(x[i : i+2])
			sum += dot(r, r)
			g[i] += 2 * (r[0]*j[0][0] + r[1]*j[1][0])
			g[i+1] += 2 * r[0] * j[0][1]
		}
		return sum, nil
	}
	x0 := []float64{-1.2, 1, -1.2, 1, 0.5, 2, -1, 1}
	got, err := LBFGS{}.Minimize(t.Context(), valley, x0)
	if err != nil || got.Cost > 1e-12 || got.Iterations > 120 {
		t.Errorf("%+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err = (LBFGS{}).Minimize(ctx, valley, x0); !errors.Is(err, context.Canceled) || got.Reason != Cancelled {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAdam(t *testing.T) {
	a := Adam{Rate: 0.1}
	x, d := []float64{5, -3}, make([]float64, 2)
	a.Step([]float64{1e-3, -7}, d)
	if math.Abs(d[0]+0.1) > 1e-5 || math.Abs(d[1]-0.1) > 1e-5 {
		t.Errorf("the first step is %v, want the rate against the sign", d)
	}
	a = Adam{Rate: 0.1}
	for range 500 {
		a.Step([]float64{2 * (x[0] - 1), 20 * (x[1] - 2)}, d)
		x = addScaled(x, d, 1)
	}
	if math.Abs(x[0]-1) > 1e-3 || math.Abs(x[1]-2) > 1e-3 {
		t.Errorf("at %v", x)
	}
}

func TestRobust(t *testing.T) { // weight and curvature are derivatives of rho
	for _, l := range []Loss{L2{}, L1{0.3}, Huber{0.5}, Cauchy{0.4}} {
		for _, r := range []float64{-2, -0.45, -0.1, 0, 0.2, 0.6, 3} {
			const h = 1e-5
			slope := (l.Rho(r+h) - l.Rho(r-h)) / (2 * h)
			curvature := (l.Weight(r+h)*(r+h) - l.Weight(r-h)*(r-h)) / (2 * h)
			if math.Abs(slope-r*l.Weight(r)) > 1e-7 || math.Abs(curvature-l.Curvature(r)) > 1e-7 {
				t.Errorf("%T(%g): slope %g, weight %g, curvature %g, want %g", l, r, slope, l.Weight(r), l.Curvature(r), curvature)
			}
			if l.Rho(0) != 0 || math.IsNaN(l.Weight(0)) {
				t.Errorf("%T at 0", l)
			}
		}
	}
	if w := RelativeWeight(0.4, 0.1); math.Abs(w-4) > 1e-12 {
		t.Errorf("relative weight %g", w)
	}
}

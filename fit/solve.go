package fit

import (
	"context"
	"errors"
	"math"

	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

// outcome is where an optimizer stopped.
type outcome struct {
	vec        *scene.Vector
	cost       float64
	iterations int
	reason     optim.Reason
}

// loss is a cost as the mean over the residuals' weights.
func (l *level) mean(cost float64) Number { return Number(cost / l.total) }

// problem is the level's least-squares problem around vec.
func (l *level) problem(vec *scene.Vector) optim.Problem {
	p, differential := newPlaces(vec), vec.NewDifferential()
	return optim.Problem{
		Size: vec.Dim(),
		Linearize: func(ctx context.Context, x []float64, out *optim.Normal) error {
			v := p.at(x)
			if err := l.aim(ctx, v); err != nil {
				return err
			}
			return l.normal(ctx, v, differential.At(v), out)
		},
		Cost: func(ctx context.Context, x []float64) (float64, error) {
			return l.cost(ctx, p.at(x))
		},
		Retract: p.retract,
	}
}

// levenberg runs Levenberg-Marquardt from vec for at most so many iterations.
// A cancelled context is no error: the outcome says so.
func (l *level) levenberg(ctx context.Context, vec *scene.Vector, solver optim.LM) (outcome, error) {
	solver.Limit = limits(vec)
	result, err := solver.Minimize(ctx, l.problem(vec), pointOf(vec))
	if err != nil && !(errors.Is(err, ctx.Err()) && ctx.Err() != nil) {
		return outcome{vec: vec}, err
	}
	out := outcome{vec, result.Cost, result.Iterations, result.Reason}
	if result.Iterations > 0 {
		out.vec = at(vec, result.X)
	}
	return out, nil
}

// meaningful is the share of its cost below which a predicted decrease does
// not matter: that of a step of a twentieth of a standard error in every one
// of n parameters, were the residuals independent.
func (l *level) meaningful(n int) float64 {
	return 0.05 * 0.05 * float64(n) / float64(max(l.count, 1))
}

// within reports whether a step keeps its limits (0: none).
func within(step, limits []float64) bool {
	for i, x := range step {
		if limits[i] > 0 && !(math.Abs(x) <= limits[i]) {
			return false
		}
	}
	return true
}

// limits bounds a step of LM: turns and tilts to an eighth of a radian, and
// logarithms to a factor of e, beyond which the linear model says nothing.
func limits(vec *scene.Vector) []float64 {
	out := make([]float64, vec.Dim())
	for _, b := range vec.Blocks() {
		for d := range b.Dofs {
			switch {
			case b.Kind == scene.KindPositive || b.Kind == scene.KindBounds:
				out[b.Offset+d] = 1
			case b.Kind == scene.KindRotation || b.Kind == scene.KindUnitVector || b.Kind == scene.KindPose && d < 3:
				out[b.Offset+d] = 0.125
			}
		}
	}
	return out
}

// adamWindow is the number of iterations over which Adam's loss has to fall.
const adamWindow = 50

// adam runs Adam from vec and returns the best point it saw.
func (l *level) adam(ctx context.Context, vec *scene.Vector, o *scene.Adam, rates []float64, limit int, report func(iteration int, cost float64)) (outcome, error) {
	a := newAdamRun(l, vec, o, rates)
	if err := l.aim(ctx, vec); err != nil {
		return a.best, err
	}
	var windowStart float64
	for i := 0; ; i++ {
		cost, err := a.look(ctx, i)
		if err != nil {
			if ctx.Err() != nil {
				a.best.reason = optim.Cancelled
				return a.best, nil
			}
			return a.best, err
		}
		report(i, cost)
		if i >= limit {
			return a.best, nil
		}
		if i%adamWindow == 0 {
			if i > 0 && a.best.cost > windowStart*(1-o.Tolerance) {
				a.best.reason = optim.SmallDecrease
				return a.best, nil
			}
			windowStart = a.best.cost
		}
		a.step()
	}
}

// adamRun is where Adam is on a level.
type adamRun struct {
	level           *level
	rule            optim.Adam
	rates           []float64
	vec, next       *scene.Vector // they change places
	best            outcome       // at a vector of its own
	differential    *scene.Differential
	gradient, delta []float64
	stay            []float64 // a step of zeros
}

func newAdamRun(l *level, vec *scene.Vector, o *scene.Adam, rates []float64) *adamRun {
	n := vec.Dim()
	return &adamRun{level: l, rule: optim.Adam{Rate: o.Rate, Beta1: o.Beta1, Beta2: o.Beta2}, rates: rates,
		vec: vec.Copy(), next: vec.Copy(), best: outcome{vec: vec.Copy(), reason: optim.Exhausted}, differential: vec.NewDifferential(),
		gradient: make([]float64, n), delta: make([]float64, n), stay: make([]float64, n)}
}

// look takes cost and gradient of iteration i, and remembers the best point.
func (a *adamRun) look(ctx context.Context, i int) (cost float64, err error) {
	cost, err = a.level.gradient(ctx, a.vec, a.differential.At(a.vec), a.gradient)
	if err != nil {
		return cost, err
	}
	if i == 0 || cost < a.best.cost {
		a.vec.RetractTo(a.best.vec, a.stay)
		a.best.cost = cost
	}
	a.best.iterations = i
	return cost, nil
}

// step moves on.
func (a *adamRun) step() {
	for d := range a.gradient {
		a.gradient[d] /= a.level.total
	}
	a.rule.Step(a.gradient, a.delta)
	for d := range a.delta {
		a.delta[d] *= a.rates[d]
	}
	a.vec.RetractTo(a.next, a.delta)
	a.vec, a.next = a.next, a.vec
}

// rates spreads the parameters' own rates over the local coordinates.
func rates(vec *scene.Vector, params []scene.Parameter) []float64 {
	out := make([]float64, vec.Dim())
	for _, b := range vec.Blocks() {
		for d := range b.Dofs {
			out[b.Offset+d] = params[b.Parameter].Rate
			if out[b.Offset+d] == 0 {
				out[b.Offset+d] = 1
			}
		}
	}
	return out
}

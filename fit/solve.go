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
	p := &places{vec: vec}
	return optim.Problem{
		Size: vec.Dim(),
		Linearize: func(ctx context.Context, x []float64, out *optim.Normal) error {
			v := p.at(x)
			if err := l.aim(ctx, v); err != nil {
				return err
			}
			return l.normal(ctx, v, out)
		},
		Cost: func(ctx context.Context, x []float64) (float64, error) {
			return l.cost(ctx, p.at(x))
		},
		Retract: func(x, delta []float64) []float64 {
			v := p.at(x)
			moved := v.At(v.Retract(delta))
			to := pointOf(moved)
			p.keep(to, moved)
			return to
		},
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
	rule := optim.Adam{Rate: o.Rate, Beta1: o.Beta1, Beta2: o.Beta2}
	gradient, delta := make([]float64, vec.Dim()), make([]float64, vec.Dim())
	best := outcome{vec: vec, reason: optim.Exhausted}
	if err := l.aim(ctx, vec); err != nil {
		return best, err
	}
	var windowStart float64
	for i := 0; ; i++ {
		cost, err := l.gradient(ctx, vec, gradient)
		if err != nil {
			if ctx.Err() != nil {
				best.reason = optim.Cancelled
				return best, nil
			}
			return best, err
		}
		if i == 0 || cost < best.cost {
			best.vec, best.cost = vec, cost
		}
		best.iterations = i
		report(i, cost)
		if i >= limit {
			return best, nil
		}
		if i%adamWindow == 0 {
			if i > 0 && best.cost > windowStart*(1-o.Tolerance) {
				best.reason = optim.SmallDecrease
				return best, nil
			}
			windowStart = best.cost
		}
		for d := range gradient {
			gradient[d] /= l.total
		}
		rule.Step(gradient, delta)
		for d := range delta {
			delta[d] *= rates[d]
		}
		vec = vec.At(vec.Retract(delta))
	}
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

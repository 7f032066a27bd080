package optim

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
)

// Function is a smooth function: it returns the value at x and writes the
// gradient.
type Function func(ctx context.Context, x, gradient []float64) (float64, error)

// LBFGS is the limited-memory BFGS method with a line search for the strong
// Wolfe conditions (Nocedal and Wright, Numerical Optimization, 2nd edition,
// algorithms 7.4, 3.5 and 3.6; c1 = 1e-4, c2 = 0.9). It stops when the
// largest component of the gradient is at most GradientTolerance *
// max(1, |f|), when a step lowers the value by at most DecreaseTolerance *
// max(1, |f|), or when the line search finds nothing lower (Stalled). Zero
// fields take the defaults given.
type LBFGS struct {
	Memory            int     // pairs kept, 10
	MaxIterations     int     // 200
	GradientTolerance float64 // 1e-8
	DecreaseTolerance float64 // 1e-14
	OnStep            func(Step)
}

type lbfgsState struct {
	LBFGS
	f       Function
	x, g    []float64
	value   float64
	s, y    [][]float64 // the latest pairs, oldest first
	rho     []float64
	result  Result
	ctx     context.Context
	lineErr error
}

// Minimize starts at x0, which it does not change. Cancellation is as in
// LM.Minimize.
func (o LBFGS) Minimize(ctx context.Context, f Function, x0 []float64) (Result, error) {
	o.Memory = cmp.Or(o.Memory, 10)
	o.MaxIterations = cmp.Or(o.MaxIterations, 200)
	o.GradientTolerance = cmp.Or(o.GradientTolerance, 1e-8)
	o.DecreaseTolerance = cmp.Or(o.DecreaseTolerance, 1e-14)
	s := &lbfgsState{LBFGS: o, f: f, ctx: ctx, x: slices.Clone(x0), g: make([]float64, len(x0))}
	var err error
	if s.value, err = f(ctx, s.x, s.g); err == nil && !isFinite(s.value) {
		err = errors.New("optim: value at the start is not finite")
	}
	for done := false; err == nil && !done; {
		done, err = s.iterate()
	}
	s.result.X, s.result.Cost = s.x, s.value
	if cause := ctx.Err(); err != nil && cause != nil {
		s.result.Reason, err = Cancelled, cause
	}
	return s.result, err
}

func (s *lbfgsState) iterate() (done bool, err error) {
	size := math.Max(1, math.Abs(s.value))
	switch {
	case largestOf(s.g) <= s.GradientTolerance*size:
		s.result.Reason = SmallGradient
		return true, nil
	case s.result.Iterations >= s.MaxIterations:
		s.result.Reason = Exhausted
		return true, nil
	}
	d := s.direction()
	if dot(d, s.g) >= 0 { // rounding has spoilt the memory: forget it
		s.s, s.y, s.rho = nil, nil, nil
		d = s.direction()
	}
	first := 1.0
	if len(s.s) == 0 {
		first = math.Min(1, 1/largestOf(s.g))
	}
	p := s.search(d, first)
	if s.lineErr != nil {
		return false, s.lineErr
	}
	if !(p.value < s.value) {
		s.result.Reason = Stalled
		return true, nil
	}
	return s.move(d, p, size), nil
}

// move takes the step and remembers the pair.
func (s *lbfgsState) move(d []float64, p linePoint, size float64) (done bool) {
	x := addScaled(s.x, d, p.t)
	step, change := addScaled(x, s.x, -1), addScaled(p.gradient, s.g, -1)
	if sy := dot(step, change); sy > 1e-16*dot(change, change) {
		s.s, s.y, s.rho = append(s.s, step), append(s.y, change), append(s.rho, 1/sy)
		if len(s.s) > s.Memory {
			s.s, s.y, s.rho = s.s[1:], s.y[1:], s.rho[1:]
		}
	}
	decrease := s.value - p.value
	s.x, s.g, s.value = x, p.gradient, p.value
	s.result.Iterations++
	if s.OnStep != nil {
		s.OnStep(Step{Iteration: s.result.Iterations, Cost: s.value, Trial: s.value,
			Gradient: largestOf(s.g), Length: largestOf(step), Accepted: true})
	}
	if decrease <= s.DecreaseTolerance*size {
		s.result.Reason = SmallDecrease
		return true
	}
	return false
}

// direction is -H g by the two-loop recursion.
func (s *lbfgsState) direction() []float64 {
	q := slices.Clone(s.g)
	k := len(s.s)
	alpha := make([]float64, k)
	for i := k - 1; i >= 0; i-- {
		alpha[i] = s.rho[i] * dot(s.s[i], q)
		q = addScaled(q, s.y[i], -alpha[i])
	}
	if k > 0 {
		gamma := 1 / (s.rho[k-1] * dot(s.y[k-1], s.y[k-1]))
		for i := range q {
			q[i] *= gamma
		}
	}
	for i := range k {
		q = addScaled(q, s.s[i], alpha[i]-s.rho[i]*dot(s.y[i], q))
	}
	for i := range q {
		q[i] = -q[i]
	}
	return q
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// linePoint is the function along the line x + t d.
type linePoint struct {
	t, value, slope float64
	gradient        []float64
}

func (s *lbfgsState) at(d []float64, t float64) linePoint {
	p := linePoint{t: t, value: math.Inf(1), gradient: make([]float64, len(d))}
	if s.lineErr != nil {
		return p
	}
	if s.lineErr = s.ctx.Err(); s.lineErr != nil {
		return p
	}
	p.value, s.lineErr = s.f(s.ctx, addScaled(s.x, d, t), p.gradient)
	p.slope = dot(p.gradient, d)
	if !isFinite(p.value) || !isFinite(p.slope) {
		p.value, p.slope = math.Inf(1), math.Inf(1)
	}
	return p
}

const (
	armijo    = 1e-4
	curvature = 0.9
)

// search brackets a step that satisfies the strong Wolfe conditions
// (algorithm 3.5) and returns the best it finds.
func (s *lbfgsState) search(d []float64, t float64) linePoint {
	zero := linePoint{value: s.value, slope: dot(s.g, d), gradient: s.g}
	previous := zero
	for i := range 20 {
		p := s.at(d, t)
		if s.lineErr != nil {
			return zero
		}
		if p.value > zero.value+armijo*t*zero.slope || (i > 0 && p.value >= previous.value) {
			return s.zoom(d, zero, previous, p)
		}
		if math.Abs(p.slope) <= -curvature*zero.slope {
			return p
		}
		if p.slope >= 0 {
			return s.zoom(d, zero, p, previous)
		}
		previous, t = p, 2*t
	}
	return previous
}

// zoom narrows the bracket (algorithm 3.6).
func (s *lbfgsState) zoom(d []float64, zero, low, high linePoint) linePoint {
	for range 40 {
		p := s.at(d, interpolate(low, high))
		if s.lineErr != nil {
			return low
		}
		if p.value > zero.value+armijo*p.t*zero.slope || p.value >= low.value {
			high = p
			continue
		}
		if math.Abs(p.slope) <= -curvature*zero.slope {
			return p
		}
		if p.slope*(high.t-low.t) >= 0 {
			high = low
		}
		low = p
	}
	return low
}

// interpolate is the minimum of the cubic through two points (equation 3.59),
// kept a tenth of the bracket away from its ends; the middle where the cubic
// has none.
func interpolate(a, b linePoint) float64 {
	middle, width := (a.t+b.t)/2, math.Abs(b.t-a.t)
	d1 := a.slope + b.slope - 3*(a.value-b.value)/(a.t-b.t)
	d2 := math.Copysign(math.Sqrt(d1*d1-a.slope*b.slope), b.t-a.t)
	t := b.t - (b.t-a.t)*(b.slope+d2-d1)/(b.slope-a.slope+2*d2)
	if !isFinite(t) || math.Abs(t-middle) > 0.4*width {
		return middle
	}
	return t
}

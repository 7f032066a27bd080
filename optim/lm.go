package optim

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
)

// Normal holds the normal equations of a (weighted) least-squares problem at
// one point: with residuals r and Jacobian J, JtJ = J^T W J (row-major n x n,
// symmetric) and Jtr = J^T W r, the gradient of Cost. Cost is the sum of the
// losses, r^2/2 for plain least squares.
type Normal struct {
	Cost float64
	JtJ  []float64
	Jtr  []float64
}

// NewNormal returns zeroed equations for n parameters.
func NewNormal(n int) *Normal {
	return &Normal{JtJ: make([]float64, n*n), Jtr: make([]float64, n)}
}

// Zero empties the equations for another accumulation.
func (e *Normal) Zero() {
	e.Cost = 0
	clear(e.JtJ)
	clear(e.Jtr)
}

// AddRow accumulates one residual r with Jacobian row j and weight w in the
// lower triangle. It leaves Cost alone; call Symmetrize at the end.
func (e *Normal) AddRow(j []float64, r, w float64) {
	n := len(e.Jtr)
	for i, ji := range j {
		wj := w * ji
		if wj == 0 {
			continue
		}
		e.Jtr[i] += wj * r
		upTo := j[:i+1]
		row := e.JtJ[i*n:][:len(upTo)]
		for k, x := range upTo {
			row[k] += wj * x
		}
	}
}

// AddSparse is AddRow for a row that is zero but where active, ascending, says.
func (e *Normal) AddSparse(active []int, j []float64, r, w float64) {
	n := len(e.Jtr)
	if len(active) == n {
		e.AddRow(j, r, w)
		return
	}
	for a, i := range active {
		wj := w * j[i]
		if wj == 0 {
			continue
		}
		e.Jtr[i] += wj * r
		row := e.JtJ[i*n : (i+1)*n]
		for _, k := range active[:a+1] {
			row[k] += wj * j[k]
		}
	}
}

// Add accumulates other equations of the same size.
func (e *Normal) Add(o *Normal) {
	e.Cost += o.Cost
	for i, v := range o.JtJ {
		e.JtJ[i] += v
	}
	for i, v := range o.Jtr {
		e.Jtr[i] += v
	}
}

// Symmetrize copies the lower triangle of JtJ to the upper one.
func (e *Normal) Symmetrize() {
	n := len(e.Jtr)
	for i := range n {
		for j := range i {
			e.JtJ[j*n+i] = e.JtJ[i*n+j]
		}
	}
}

// Problem is a least-squares problem over points x. A point may have more
// numbers than the problem has degrees of freedom (a rotation matrix has nine
// and three): steps live in Size local coordinates around the current point
// and Retract applies them.
type Problem struct {
	// Size is the number of local coordinates, n.
	Size int
	// Linearize fills out, zeroed by the caller and with Size columns, with
	// the normal equations at x with respect to the local coordinates there.
	// Both triangles of JtJ have to be filled.
	Linearize func(ctx context.Context, x []float64, out *Normal) error
	// Cost is the same cost as Linearize computes. A cost that is not finite
	// rejects the point.
	Cost func(ctx context.Context, x []float64) (float64, error)
	// Retract makes to the point x moved by delta. Nil means x + delta.
	Retract func(x, delta, to []float64)
}

func (p *Problem) retract(x, delta, to []float64) {
	if p.Retract != nil {
		p.Retract(x, delta, to)
		return
	}
	for i := range x {
		to[i] = x[i] + delta[i]
	}
}

// Reason says why a solver stopped.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	SmallGradient Reason = "gradient"   // the gradient is below its tolerance
	SmallDecrease Reason = "decrease"   // the model promises too little
	SmallStep     Reason = "step"       // the step is below its tolerance
	Stalled       Reason = "stalled"    // no step lowers the cost any more
	Exhausted     Reason = "iterations" // the iteration limit is reached
	Cancelled     Reason = "cancelled"  // the context was cancelled
)

// Converged reports whether the reason is a met tolerance.
func (r Reason) Converged() bool {
	return r == SmallGradient || r == SmallDecrease || r == SmallStep
}

// Step describes one iteration to a callback.
type Step struct {
	Iteration int     // from 1
	Cost      float64 // at the point kept
	Trial     float64 // cost of the trial point
	Damping   float64 // that the trial was made with (LM)
	GainRatio float64 // actual over predicted decrease (LM)
	Gradient  float64 // the scaled gradient norm, see LM.GradientTolerance
	Length    float64 // largest component of the step over its typical size
	Accepted  bool
}

// Result is where a solver stopped.
type Result struct {
	X          []float64
	Cost       float64
	Iterations int
	Reason     Reason
	// Normal is the system at X (LM only).
	Normal *Normal
}

// LM is Levenberg-Marquardt with Marquardt's column scaling and Nielsen's
// damping (Madsen, Nielsen, Tingleff, "Methods for non-linear least squares
// problems", 2004): a step solves (JtJ + mu D) delta = -Jtr where D is the
// largest diagonal of JtJ seen so far.
//
// It stops at the first of: the largest cosine between a column of J and the
// residual, |Jtr_i| / sqrt(JtJ_ii 2 Cost), is at most GradientTolerance; the
// model predicts a decrease of at most DecreaseTolerance * Cost; the step's
// every component is at most StepTolerance times its typical size;
// MaxRejections trials in a row fail; MaxIterations trials are made.
// Zero fields take the defaults given.
type LM struct {
	MaxIterations     int       // 50
	MaxRejections     int       // 12
	GradientTolerance float64   // 1e-10
	DecreaseTolerance float64   // 1e-12
	StepTolerance     float64   // 1e-12
	Damping           float64   // initial mu, 1e-3
	MinDamping        float64   // 1e-10: keeps steps along undetermined directions small
	Typical           []float64 // typical size of each local coordinate, 1
	// Limit is the largest step allowed in each local coordinate, if set: a
	// longer one raises the damping at no cost of a trial. It keeps steps
	// within the reach of the linear model where the start is far off.
	Limit []float64
	// OnStep is called after every trial, if set.
	OnStep func(Step)
}

func (o LM) withDefaults(n int) LM {
	o.MaxIterations = cmp.Or(o.MaxIterations, 50)
	o.MaxRejections = cmp.Or(o.MaxRejections, 12)
	o.GradientTolerance = cmp.Or(o.GradientTolerance, 1e-10)
	o.DecreaseTolerance = cmp.Or(o.DecreaseTolerance, 1e-12)
	o.StepTolerance = cmp.Or(o.StepTolerance, 1e-12)
	o.Damping = cmp.Or(o.Damping, 1e-3)
	o.MinDamping = cmp.Or(o.MinDamping, 1e-10)
	if len(o.Typical) != n {
		o.Typical = make([]float64, n)
		for i := range o.Typical {
			o.Typical[i] = 1
		}
	}
	return o
}

// Minimize starts at x0, which it does not change. When the context is
// cancelled it returns the best point so far with reason Cancelled and the
// context's error. Any other error of a callback is returned as it is, again
// with the best point so far; a start whose cost is not finite is an error.
func (o LM) Minimize(ctx context.Context, p Problem, x0 []float64) (Result, error) {
	s := newLMState(o, p, x0)
	if err := s.linearize(ctx); err != nil {
		return s.stop(ctx, err)
	}
	if !isFinite(s.result.Cost) {
		return s.result, errors.New("optim: cost at the start is not finite")
	}
	for {
		done, err := s.iterate(ctx)
		if err != nil {
			return s.stop(ctx, err)
		}
		if done {
			return s.result, nil
		}
	}
}

type lmState struct {
	LM
	p          Problem
	result     Result
	scale      []float64 // D
	mu, nu     float64
	gradient   float64
	rejections int
	blocked    bool // the latest trial had no finite cost

	// What an iteration needs beside the result, made once. An accepted trial
	// changes places with the result.
	trial  []float64 // point
	normal *Normal   // at trial
	delta  []float64
	damped []float64 // JtJ + mu D
	factor Cholesky  // of damped
}

func newLMState(o LM, p Problem, x0 []float64) *lmState {
	n := p.Size
	s := &lmState{LM: o.withDefaults(n), p: p, nu: 2, scale: make([]float64, n), trial: slices.Clone(x0),
		normal: NewNormal(n), delta: make([]float64, n), damped: make([]float64, n*n)}
	s.mu = s.Damping
	s.result = Result{X: slices.Clone(x0), Cost: math.NaN()}
	return s
}

// stop turns an error into the final result.
func (s *lmState) stop(ctx context.Context, err error) (Result, error) {
	if cause := ctx.Err(); cause != nil {
		s.result.Reason = Cancelled
		return s.result, cause
	}
	return s.result, err
}

// linearize moves the result to the trial.
func (s *lmState) linearize(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	normal := s.normal
	normal.Zero()
	if err := s.p.Linearize(ctx, s.trial, normal); err != nil {
		return err
	}
	n := s.p.Size
	s.gradient = 0
	for i := range n {
		d := normal.JtJ[i*n+i]
		s.scale[i] = math.Max(s.scale[i], d)
		if d > 0 && normal.Cost > 0 {
			s.gradient = math.Max(s.gradient, math.Abs(normal.Jtr[i])/math.Sqrt(d*2*normal.Cost))
		}
	}
	s.result.X, s.trial = s.trial, s.result.X
	if s.normal = s.result.Normal; s.normal == nil {
		s.normal = NewNormal(n)
	}
	s.result.Cost, s.result.Normal = normal.Cost, normal
	return nil
}

// iterate makes one trial.
func (s *lmState) iterate(ctx context.Context) (done bool, err error) {
	if s.gradient <= s.GradientTolerance {
		return s.finish(SmallGradient)
	}
	if s.result.Iterations >= s.MaxIterations {
		return s.finish(Exhausted)
	}
	if !s.limitedSolve() {
		return s.reject(Step{Trial: math.NaN()})
	}
	delta := s.delta
	predicted := s.predict()
	if predicted <= s.DecreaseTolerance*s.result.Cost {
		return s.finish(SmallDecrease)
	}
	step := Step{Damping: s.mu, Gradient: s.gradient}
	for i, d := range delta {
		step.Length = math.Max(step.Length, math.Abs(d)/s.Typical[i])
	}
	if step.Length <= s.StepTolerance {
		return s.finish(SmallStep)
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s.p.retract(s.result.X, delta, s.trial)
	if step.Trial, err = s.p.Cost(ctx, s.trial); err != nil {
		return false, err
	}
	step.GainRatio = (s.result.Cost - step.Trial) / predicted
	if !(step.GainRatio > 0) || !isFinite(step.Trial) {
		return s.reject(step)
	}
	return false, s.accept(ctx, step)
}

// finish ends with the reason; a step that became small only because trials
// had no finite cost is no convergence.
func (s *lmState) finish(reason Reason) (bool, error) {
	if s.blocked && (reason == SmallDecrease || reason == SmallStep) {
		reason = Stalled
	}
	s.result.Reason = reason
	return true, nil
}

// limitedSolve raises the damping until the step is within its limits.
func (s *lmState) limitedSolve() bool {
	for s.solve() {
		if s.withinLimit() {
			return true
		}
		s.mu = math.Max(2*s.mu, 1e-4)
	}
	return false
}

func (s *lmState) withinLimit() bool {
	for i, limit := range s.Limit {
		if limit > 0 && math.Abs(s.delta[i]) > limit {
			return false
		}
	}
	return true
}

// solve finds the damped step. It fails when rounding has made the damped
// matrix indefinite.
func (s *lmState) solve() bool {
	n, damped, delta := s.p.Size, s.damped, s.delta
	copy(damped, s.result.Normal.JtJ)
	for i := range n {
		d := s.scale[i]
		if d <= 0 {
			d = 1 // a parameter without any effect: its gradient is 0, so is its step
		}
		damped[i*n+i] += s.mu * d
	}
	if s.factor.Factor(damped, n) != nil {
		return false
	}
	s.factor.Solve(s.result.Normal.Jtr, delta)
	for i := range delta {
		delta[i] = -delta[i]
		if !isFinite(delta[i]) {
			return false
		}
	}
	return true
}

// predict is the decrease of the quadratic model,
// -delta.Jtr - delta.JtJ.delta/2 = delta.(mu D delta - Jtr)/2.
func (s *lmState) predict() float64 {
	sum := 0.0
	for i, d := range s.delta {
		sum += d * (s.mu*s.scale[i]*d - s.result.Normal.Jtr[i])
	}
	return sum / 2
}

func (s *lmState) reject(step Step) (bool, error) {
	s.result.Iterations++
	s.rejections++
	s.blocked = !isFinite(step.Trial)
	s.mu *= s.nu
	s.nu *= 2
	s.report(step)
	if s.rejections >= s.MaxRejections {
		return s.finish(Stalled)
	}
	return false, nil
}

func (s *lmState) accept(ctx context.Context, step Step) error {
	if err := s.linearize(ctx); err != nil {
		return err
	}
	s.result.Iterations++
	s.rejections, s.blocked = 0, false
	t := 2*step.GainRatio - 1
	s.mu = math.Max(s.mu*math.Max(1.0/3, 1-t*t*t), s.MinDamping)
	s.nu = 2
	step.Accepted = true
	s.report(step)
	return nil
}

func (s *lmState) report(step Step) {
	if s.OnStep == nil {
		return
	}
	step.Iteration, step.Cost = s.result.Iterations, s.result.Cost
	s.OnStep(step)
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// addScaled returns x + t d.
func addScaled(x, d []float64, t float64) []float64 {
	out := make([]float64, len(x))
	for i := range x {
		out[i] = x[i] + t*d[i]
	}
	return out
}

package optim

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
)

// BlockProblem is many small independent least-squares problems solved side
// by side: Blocks of Size parameters each (a pixel's normal and albedo, say).
// Block b's point is x[b*Width : (b+1)*Width], its local coordinates
// delta[b*Size : (b+1)*Size].
type BlockProblem struct {
	Blocks int
	Size   int // local coordinates of a block, 1 to 8
	Width  int // numbers of a block's point; 0 means Size
	// Linearize fills, for the blocks with active[b], cost[b], the full
	// symmetric jtj[b*Size*Size:] and jtr[b*Size:] at x.
	Linearize func(ctx context.Context, x []float64, active []bool, cost, jtj, jtr []float64) error
	// Cost fills cost[b] for the active blocks.
	Cost func(ctx context.Context, x []float64, active []bool, cost []float64) error
	// Retract moves the point of one block in place. Nil means x + delta.
	Retract func(block int, x, delta []float64)
}

// BlockResult is where a BlockLM stopped.
type BlockResult struct {
	X          []float64
	Cost       []float64 // of every block
	JtJ        []float64 // Blocks x Size x Size, at X
	Converged  []bool
	Iterations int
	Reason     Reason
}

// BlockLM runs LM on all blocks of a BlockProblem in lockstep, each with its
// own damping and its own end: a block stops when its model predicts a
// decrease of at most DecreaseTolerance of its cost, when its step is at most
// StepTolerance, or after MaxRejections failed trials in a row, which counts as
// converged where only rounding was left to gain. A block whose
// cost is not finite at the start is left alone. Zero fields take the
// defaults given.
type BlockLM struct {
	MaxIterations     int     // 50
	MaxRejections     int     // 10
	DecreaseTolerance float64 // 1e-9
	StepTolerance     float64 // 1e-9
	Damping           float64 // 1e-3
	// OnStep is called after every iteration with the total cost and the
	// number of blocks still moving.
	OnStep func(iteration int, cost float64, active int)
}

// roundingDecrease is the share of its cost below which a decrease that never
// comes is put down to rounding, not to a failure: costs are often computed
// from float32 values.
const roundingDecrease = 1e-5

type blockState struct {
	BlockLM
	p          BlockProblem
	result     BlockResult
	jtr        []float64
	mu, nu     []float64
	rejections []int
	first      []float64 // decrease predicted before the first of the rejections
	active     []bool    // still moving
	stale      []bool    // moved since it was linearized
	trial      []float64
	trialCost  []float64
	delta      []float64
	predicted  []float64
	moving     []bool // has a trial in this iteration
	buf        []float64
}

// Minimize starts at x0, which it does not change. Cancellation is as in
// LM.Minimize.
func (o BlockLM) Minimize(ctx context.Context, p BlockProblem, x0 []float64) (BlockResult, error) {
	if p.Size < 1 || p.Size > 8 {
		return BlockResult{}, errors.New("optim: block size is outside 1 to 8")
	}
	p.Width = cmp.Or(p.Width, p.Size)
	s := newBlockState(o, p, x0)
	err := s.run(ctx)
	if cause := ctx.Err(); err != nil && cause != nil {
		s.result.Reason, err = Cancelled, cause
	}
	return s.result, err
}

func newBlockState(o BlockLM, p BlockProblem, x0 []float64) *blockState {
	o.MaxIterations = cmp.Or(o.MaxIterations, 50)
	o.MaxRejections = cmp.Or(o.MaxRejections, 10)
	o.DecreaseTolerance = cmp.Or(o.DecreaseTolerance, 1e-9)
	o.StepTolerance = cmp.Or(o.StepTolerance, 1e-9)
	o.Damping = cmp.Or(o.Damping, 1e-3)
	m, k := p.Blocks, p.Size
	s := &blockState{BlockLM: o, p: p,
		jtr: make([]float64, m*k), mu: make([]float64, m), nu: make([]float64, m),
		rejections: make([]int, m), first: make([]float64, m), active: make([]bool, m), stale: make([]bool, m),
		trial: slices.Clone(x0), trialCost: make([]float64, m),
		delta: make([]float64, m*k), predicted: make([]float64, m), moving: make([]bool, m),
		buf: make([]float64, k*k),
	}
	s.result = BlockResult{X: slices.Clone(x0), Cost: make([]float64, m),
		JtJ: make([]float64, m*k*k), Converged: make([]bool, m)}
	for b := range m {
		s.mu[b], s.nu[b], s.active[b], s.stale[b] = o.Damping, 2, true, true
	}
	return s
}

func (s *blockState) run(ctx context.Context) error {
	if err := s.linearize(ctx); err != nil {
		return err
	}
	for b, c := range s.result.Cost {
		s.active[b] = isFinite(c)
	}
	for s.result.Iterations < s.MaxIterations {
		if !s.propose() {
			s.result.Reason = SmallDecrease
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.p.Cost(ctx, s.trial, s.moving, s.trialCost); err != nil {
			return err
		}
		s.judge()
		if err := s.linearize(ctx); err != nil {
			return err
		}
		s.result.Iterations++
		s.report()
	}
	s.result.Reason = Exhausted
	return nil
}

func (s *blockState) linearize(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.p.Linearize(ctx, s.result.X, s.stale, s.result.Cost, s.result.JtJ, s.jtr)
	clear(s.stale)
	return err
}

// propose computes a trial for every active block and reports whether there
// is any.
func (s *blockState) propose() bool {
	k, w := s.p.Size, s.p.Width
	clear(s.moving)
	some := false
	for b := range s.p.Blocks {
		if !s.active[b] {
			continue
		}
		delta := s.delta[b*k : (b+1)*k]
		if !s.solve(b, delta) {
			s.reject(b)
			some = some || s.active[b]
			continue
		}
		if s.predicted[b] <= s.DecreaseTolerance*s.result.Cost[b] || largestOf(delta) <= s.StepTolerance {
			s.active[b], s.result.Converged[b] = false, true
			continue
		}
		x := s.trial[b*w : (b+1)*w]
		copy(x, s.result.X[b*w:(b+1)*w])
		s.retract(b, x, delta)
		s.moving[b], some = true, true
	}
	return some
}

func (s *blockState) retract(b int, x, delta []float64) {
	if s.p.Retract != nil {
		s.p.Retract(b, x, delta)
		return
	}
	for i := range delta {
		x[i] += delta[i]
	}
}

func largestOf(x []float64) float64 {
	largest := 0.0
	for _, v := range x {
		largest = math.Max(largest, math.Abs(v))
	}
	return largest
}

// solve finds block b's damped step and its predicted decrease.
func (s *blockState) solve(b int, delta []float64) bool {
	k := s.p.Size
	jtj, jtr := s.result.JtJ[b*k*k:(b+1)*k*k], s.jtr[b*k:(b+1)*k]
	l := s.buf[:k*k]
	copy(l, jtj)
	for i := range k {
		l[i*k+i] += s.mu[b] * diagonalOrOne(jtj[i*k+i])
	}
	if !solveSmall(l, k, jtr, delta) {
		return false
	}
	sum := 0.0
	for i := range delta {
		delta[i] = -delta[i]
		sum += delta[i] * (s.mu[b]*diagonalOrOne(jtj[i*k+i])*delta[i] - jtr[i])
	}
	s.predicted[b] = sum / 2
	return isFinite(sum)
}

func diagonalOrOne(d float64) float64 {
	if d > 0 {
		return d
	}
	return 1
}

// solveSmall solves a x = b by Cholesky, destroying a.
func solveSmall(a []float64, k int, b, x []float64) bool {
	for i := range k {
		for j := range i + 1 {
			sum := a[i*k+j]
			for t := range j {
				sum -= a[i*k+t] * a[j*k+t]
			}
			if i != j {
				a[i*k+j] = sum / a[j*k+j]
				continue
			}
			if !(sum > 0) {
				return false
			}
			a[i*k+i] = math.Sqrt(sum)
		}
	}
	for i := range k {
		sum := b[i]
		for t := range i {
			sum -= a[i*k+t] * x[t]
		}
		x[i] = sum / a[i*k+i]
	}
	for i := k - 1; i >= 0; i-- {
		sum := x[i]
		for t := i + 1; t < k; t++ {
			sum -= a[t*k+i] * x[t]
		}
		x[i] = sum / a[i*k+i]
	}
	return true
}

// judge accepts or rejects every trial.
func (s *blockState) judge() {
	w := s.p.Width
	for b := range s.p.Blocks {
		if !s.moving[b] {
			continue
		}
		gain := (s.result.Cost[b] - s.trialCost[b]) / s.predicted[b]
		if s.rejections[b] == 0 {
			s.first[b] = s.predicted[b]
		}
		if !(gain > 0) || !isFinite(s.trialCost[b]) {
			s.reject(b)
			continue
		}
		copy(s.result.X[b*w:(b+1)*w], s.trial[b*w:(b+1)*w])
		t := 2*gain - 1
		s.mu[b] = math.Max(s.mu[b]*math.Max(1.0/3, 1-t*t*t), 1e-12)
		s.nu[b], s.rejections[b], s.stale[b] = 2, 0, true
	}
}

func (s *blockState) reject(b int) {
	s.mu[b] *= s.nu[b]
	s.nu[b] *= 2
	if s.rejections[b]++; s.rejections[b] >= s.MaxRejections {
		s.active[b] = false
		s.result.Converged[b] = s.first[b] <= roundingDecrease*s.result.Cost[b]
	}
}

func (s *blockState) report() {
	if s.OnStep == nil {
		return
	}
	total, active := 0.0, 0
	for b, c := range s.result.Cost {
		if isFinite(c) {
			total += c
		}
		if s.active[b] {
			active++
		}
	}
	s.OnStep(s.result.Iterations, total, active)
}

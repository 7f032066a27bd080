package fit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

// hypothesis is a start after its coarse refinement.
type hypothesis struct {
	index  int
	coarse outcome
	loss   float64 // mean, so that masks of different size compare; NaN: nothing counts
}

// chooseStart returns where to descend from. With several hypotheses each is
// refined a few iterations on the coarsest level, the best are refined on the
// next one, and the best of these is it.
func (f *fitter) chooseStart(ctx context.Context) (outcome, error) {
	count := f.start.Hypotheses(f.Starts)
	f.tried = count
	if count == 1 {
		s, err := f.start.Hypothesis(f.Starts, 0)
		if err != nil {
			return outcome{}, fmt.Errorf("fit: %w", err)
		}
		first := f.vec.At(s)
		return outcome{vec: first}, nil
	}
	list, err := f.refineAll(ctx, count)
	if err != nil {
		return outcome{}, err
	}
	if len(list) > 1 {
		if list, err = f.refineKept(ctx, list); err != nil {
			return outcome{}, err
		}
	}
	if len(list) == 0 {
		if ctx.Err() != nil {
			return outcome{vec: f.vec}, nil
		}
		return outcome{}, &InputError{fmt.Errorf("fit: none of the %d starts shows anything that counts", count)}
	}
	f.chosen = list[0].index
	return list[0].coarse, nil
}

// refineAll refines every hypothesis on the coarsest level and returns those
// to keep, best first. A cancelled context ends it early.
func (f *fitter) refineAll(ctx context.Context, count int) ([]hypothesis, error) {
	all := make([]hypothesis, count)
	for k := range all {
		s, err := f.start.Hypothesis(f.Starts, k)
		if err != nil {
			return nil, fmt.Errorf("fit: %w", err)
		}
		all[k] = hypothesis{index: k, coarse: outcome{vec: f.vec.At(s)}, loss: math.NaN()}
	}
	var list []hypothesis
	best := math.Inf(1)
	err := f.refineEach(ctx, all, f.pyramid()[0], f.starts().Coarse, func(h *hypothesis) {
		if !math.IsNaN(h.loss) {
			list = append(list, *h)
			best = math.Min(best, h.loss)
		}
		f.tell(Event{Kind: StartEvent, Hypothesis: Hypothesis{"start", h.index, count, Number(h.loss), Number(best), f.seconds()}})
	})
	return keepBest(list, f.starts().Keep), err
}

// refineEach refines hypotheses on a level for so many iterations, several at
// a time, each by itself: so what comes out does not depend on how many. Those
// that are ready are passed on in order, until the context ends.
func (f *fitter) refineEach(ctx context.Context, list []hypothesis, scale, iterations int, ready func(*hypothesis)) error {
	levels, err := f.openAlike(scale, min(f.workers(), len(list)))
	if err != nil {
		return err
	}
	refined := make([]chan error, len(list))
	for i := range refined {
		refined[i] = make(chan error, 1)
	}
	var next atomic.Int64
	for _, l := range levels {
		go func() {
			for i := int(next.Add(1)) - 1; i < len(list); i = int(next.Add(1)) - 1 {
				refined[i] <- list[i].refine(ctx, l, iterations)
			}
		}()
	}
	var first error
	for i := range list {
		if err := <-refined[i]; err != nil && first == nil {
			first = err
		}
		if first == nil && ctx.Err() == nil {
			ready(&list[i])
		}
	}
	for _, l := range levels[1:] {
		l.close()
	}
	f.spare = append(f.spare, levels[0])
	return first
}

// workers is how many goroutines compute.
func (f *fitter) workers() int {
	if f.Workers > 0 {
		return f.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// openAlike opens n copies of a level that serves any start.
func (f *fitter) openAlike(scale, n int) ([]*level, error) {
	levels, errs := make([]*level, n), make([]error, n)
	f.crew.Each(n, func(i int) { levels[i], errs[i] = f.openLevel(f.vec, scale, true) })
	err := first(errs)
	for _, l := range levels {
		if err != nil && l != nil {
			l.close()
		}
	}
	return levels, err
}

// keptIterations is how far the kept hypotheses are refined before the best
// of them is chosen.
const keptIterations = 8

// refineKept goes on with the kept hypotheses on the level after the coarsest.
func (f *fitter) refineKept(ctx context.Context, list []hypothesis) ([]hypothesis, error) {
	scales := f.pyramid()
	further := slices.Clone(list)
	err := f.refineEach(ctx, further, scales[min(1, len(scales)-1)], keptIterations, func(*hypothesis) {})
	if err != nil || ctx.Err() != nil {
		return list, err
	}
	return keepBest(further, 1), nil
}

// starts is the scene's section, or its defaults.
func (f *fitter) starts() scene.Starts {
	if s := f.start.Fit.Starts; s != nil {
		return *s
	}
	return scene.Starts{Count: 1, Seed: 1, Coarse: 5, Keep: 1}
}

// refine goes on with a hypothesis for so many iterations.
func (h *hypothesis) refine(ctx context.Context, l *level, iterations int) error {
	err := l.aim(ctx, h.coarse.vec)
	if err == nil && iterations == 0 {
		h.coarse.cost, err = l.cost(ctx, h.coarse.vec)
	} else if err == nil {
		h.coarse, err = l.levenberg(ctx, h.coarse.vec, optim.LM{MaxIterations: iterations, MaxRejections: 4, DecreaseTolerance: 1e-3})
	}
	h.loss = float64(l.mean(h.coarse.cost))
	if err != nil || h.coarse.reason == optim.Cancelled {
		h.loss = math.NaN()
	}
	if errors.Is(err, errNothing) {
		return nil
	}
	return ignoreCancelled(ctx, err)
}

// ignoreCancelled drops an error that only says that the context has ended.
func ignoreCancelled(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// keepBest sorts the hypotheses, best first, and returns so many of them,
// leaving out those that ended where a better one did.
func keepBest(list []hypothesis, keep int) []hypothesis {
	slices.SortStableFunc(list, func(a, b hypothesis) int {
		if math.IsNaN(a.loss) || math.IsNaN(b.loss) {
			return cmp.Compare(-a.loss, -b.loss) // NaN last
		}
		return cmp.Compare(a.loss, b.loss)
	})
	var kept []hypothesis
	for _, h := range list {
		if len(kept) == max(1, keep) {
			break
		}
		if !slices.ContainsFunc(kept, func(k hypothesis) bool { return samePlace(k.coarse.vec, h.coarse.vec) }) {
			kept = append(kept, h)
		}
	}
	return kept
}

// samePlace reports whether no parameter differs by more than a fiftieth of
// its length.
func samePlace(a, b *scene.Vector) bool {
	p, q := a.Physical(), b.Physical()
	for i := 0; i < len(p); {
		var difference, length float64
		first := p[i]
		for ; i < len(p) && p[i].Block == first.Block && p[i].Unit == first.Unit; i++ {
			difference += (p[i].Value - q[i].Value) * (p[i].Value - q[i].Value)
			length += p[i].Value * p[i].Value
		}
		if difference > 0.02*0.02*length {
			return false
		}
	}
	return true
}

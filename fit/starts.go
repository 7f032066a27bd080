package fit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

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
	l, err := f.openLevel(ctx, f.vec, f.pyramid()[0], true)
	if err != nil {
		return nil, ignoreCancelled(ctx, err)
	}
	defer l.close()
	var list []hypothesis
	best := math.Inf(1)
	for k := 0; k < count && ctx.Err() == nil; k++ {
		s, err := f.start.Hypothesis(f.Starts, k)
		if err != nil {
			return nil, fmt.Errorf("fit: %w", err)
		}
		h := hypothesis{index: k, coarse: outcome{vec: f.vec.At(s)}}
		if err := h.refine(ctx, l, f.starts().Coarse); err != nil {
			return nil, err
		}
		if !math.IsNaN(h.loss) {
			list = append(list, h)
			best = math.Min(best, h.loss)
		}
		f.tell(Hypothesis{"start", k, count, Number(h.loss), Number(best), f.seconds()})
	}
	return keepBest(list, f.starts().Keep), nil
}

// keptIterations is how far the kept hypotheses are refined before the best
// of them is chosen.
const keptIterations = 8

// refineKept goes on with the kept hypotheses on the level after the coarsest.
func (f *fitter) refineKept(ctx context.Context, list []hypothesis) ([]hypothesis, error) {
	scales := f.pyramid()
	l, err := f.openLevel(ctx, f.vec, scales[min(1, len(scales)-1)], true)
	if err != nil {
		return list, ignoreCancelled(ctx, err)
	}
	defer l.close()
	for i := range list {
		h := list[i]
		if err := h.refine(ctx, l, keptIterations); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return list, nil
		}
		list[i] = h
	}
	return keepBest(list, 1), nil
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
	err := l.aim(ctx, h.coarse.vec.Scene())
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

package fit

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

// hypothesis is a start after its coarse refinement.
type hypothesis struct {
	index  int
	start  *scene.Vector
	coarse outcome
	loss   float64 // mean, so that masks of different size compare
}

// chooseStart refines every hypothesis a few iterations on the coarsest level
// and returns the start of the best, refined: the outcome to go on from. With
// one hypothesis it is the start itself.
func (f *fitter) chooseStart(ctx context.Context) (outcome, error) {
	draws := f.Starts
	count := f.start.Hypotheses(draws)
	if count == 1 {
		s, err := f.start.Hypothesis(draws, 0)
		if err != nil {
			return outcome{}, fmt.Errorf("fit: %w", err)
		}
		return outcome{vec: f.vec.At(s)}, nil
	}
	f.tried = count
	list, err := f.refineAll(ctx, draws, count)
	if err != nil {
		return outcome{}, err
	}
	if len(list) == 0 {
		if ctx.Err() != nil {
			return outcome{vec: f.vec}, nil
		}
		return outcome{}, fmt.Errorf("fit: none of the %d starts shows anything that counts", count)
	}
	list = f.keepBest(list)
	if len(list) > 1 {
		for i := range list {
			if err := f.refine(ctx, &list[i], keptIterations); err != nil {
				return outcome{}, err
			}
		}
		list = f.keepBest(list)
	}
	f.chosen = list[0].index
	return list[0].coarse, nil
}

// keptIterations is how far several kept hypotheses are refined before the
// best of them is chosen.
const keptIterations = 15

// keepBest sorts the hypotheses, best first, and returns those to keep.
func (f *fitter) keepBest(list []hypothesis) []hypothesis {
	slices.SortStableFunc(list, func(a, b hypothesis) int {
		switch {
		case a.loss < b.loss:
			return -1
		case a.loss > b.loss:
			return 1
		}
		return a.index - b.index
	})
	keep := 1
	if st := f.start.Fit.Starts; st != nil {
		keep = max(1, st.Keep)
	}
	return list[:min(len(list), keep)]
}

// refineAll refines every hypothesis; those that show nothing that counts are
// left out. A cancelled context ends it early.
func (f *fitter) refineAll(ctx context.Context, draws, count int) ([]hypothesis, error) {
	var list []hypothesis
	best := math.Inf(1)
	coarse := 5
	if st := f.start.Fit.Starts; st != nil {
		coarse = st.Coarse
	}
	for k := range count {
		if ctx.Err() != nil {
			break
		}
		s, err := f.start.Hypothesis(draws, k)
		if err != nil {
			return nil, fmt.Errorf("fit: %w", err)
		}
		h := hypothesis{index: k, start: f.vec.At(s)}
		h.coarse.vec = h.start
		if err := f.refine(ctx, &h, coarse); err != nil {
			return nil, err
		}
		if ctx.Err() == nil && !math.IsNaN(h.loss) {
			list = append(list, h)
			best = math.Min(best, h.loss)
		}
		f.tell(Hypothesis{"start", k, count, Number(h.loss), Number(best), f.seconds()})
	}
	return list, nil
}

// refine goes on with a hypothesis for so many iterations on the coarsest
// level. Its loss is NaN where nothing counts.
func (f *fitter) refine(ctx context.Context, h *hypothesis, iterations int) error {
	h.loss = math.NaN()
	l, err := f.openLevel(ctx, h.coarse.vec, f.pyramid()[0])
	if err != nil {
		return nil // the object is out of the picture
	}
	defer l.close()
	if iterations == 0 {
		h.coarse.cost, err = l.cost(ctx, h.coarse.vec.Scene())
	} else {
		h.coarse, err = l.levenberg(ctx, h.coarse.vec, optim.LM{MaxIterations: iterations, MaxRejections: 4, DecreaseTolerance: 1e-3})
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	h.loss = float64(l.mean(h.coarse.cost))
	return nil
}

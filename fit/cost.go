package fit

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

// cost is the level's cost at vec.
func (l *level) cost(ctx context.Context, vec *scene.Vector) (float64, error) {
	total := 0.0
	for _, v := range l.views {
		image, err := v.render(ctx, vec)
		if err != nil {
			return 0, err
		}
		view := vec.Scene().View(v.name)
		sums := make([]float64, chunksOf(len(v.target)))
		inChunks(len(v.target), func(chunk, from, to int) {
			for i := from; i < to; i++ {
				if w := v.weights[i]; w != 0 {
					r := view.Gain*v.valueOf(image, i) + view.Bias - float64(v.target[i])
					sums[chunk] += w * l.loss.Rho(r)
				}
			}
		})
		for _, sum := range sums {
			total += sum
		}
	}
	return total, nil
}

// normal fills out with the level's equations at vec.
func (l *level) normal(ctx context.Context, vec *scene.Vector, out *optim.Normal) error {
	for _, v := range l.views {
		lin, err := l.linearize(ctx, v, vec)
		if err != nil {
			return err
		}
		lin.survey()
		lin.normal(l.loss, out)
	}
	out.Symmetrize()
	return nil
}

// gradient is the level's cost at vec and its gradient by the local
// coordinates, in reverse mode.
func (l *level) gradient(ctx context.Context, vec *scene.Vector, out []float64) (float64, error) {
	clear(out)
	total := 0.0
	for _, v := range l.views {
		cost, err := l.addGradient(ctx, v, vec, out)
		if err != nil {
			return 0, err
		}
		total += cost
	}
	return total, nil
}

func (l *level) addGradient(ctx context.Context, v *levelView, vec *scene.Vector, out []float64) (float64, error) {
	s := vec.Scene()
	view := s.View(v.name)
	image, err := v.view.Render(ctx, s)
	if err != nil {
		return 0, err
	}
	adjoint := make([]float32, len(image))
	var cost, byGain, byBias float64
	for i, t := range v.target {
		value := v.valueOf(image, i)
		r := view.Gain*value + view.Bias - float64(t)
		slope := v.weights[i] * l.loss.Weight(r) * r
		cost += v.weights[i] * l.loss.Rho(r)
		byGain += slope * value
		byBias += slope
		if v.channels == 1 {
			for c, w := range [3]float64{0.2126, 0.7152, 0.0722} {
				adjoint[3*i+c] = float32(slope * w)
			}
		} else {
			adjoint[i] = float32(slope)
		}
	}
	_, byUniform, err := v.slope.Gradient(ctx, s, adjoint)
	if err != nil {
		return 0, err
	}
	terms, err := l.terms(vec, v)
	if err != nil {
		return 0, err
	}
	for d, list := range terms {
		for _, t := range list {
			switch t.column {
			case imageColumn:
				out[d] += t.factor * byGain
			case oneColumn:
				out[d] += t.factor * byBias
			default:
				out[d] += t.factor * byUniform[t.column]
			}
		}
	}
	return cost, nil
}

// chunk is the number of residuals summed in one go: fixed, so that sums have
// the same bits on any number of cores.
const chunk = 3072

func chunksOf(n int) int { return (n + chunk - 1) / chunk }

// inChunks runs work on every chunk of 0..n, in parallel.
func inChunks(n int, work func(index, from, to int)) {
	inParallel(chunksOf(n), func(i int) { work(i, i*chunk, min(n, (i+1)*chunk)) })
}

// inParallel runs work on 0..n; the calling goroutine is one that does.
func inParallel(n int, work func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	some := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			work(i)
		}
	}
	for range min(runtime.GOMAXPROCS(0), n) - 1 {
		wait.Go(some)
	}
	some()
	wait.Wait()
}

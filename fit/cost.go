package fit

import (
	"context"

	"github.com/baremetaldevx86/microdr/kernel"
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
		if v.costs == nil {
			v.costs = newCosts(v)
		}
		total = v.costs.add(total, l.loss, image, vec.Scene().View(v.name))
	}
	return total, nil
}

// costs adds up what the residuals of a view cost.
type costs struct {
	*levelView
	loss  optim.Loss
	image []float32
	shown *scene.View
	sums  []float64 // of the chunks
	loop  *kernel.Loop
}

func newCosts(v *levelView) *costs {
	c := &costs{levelView: v}
	c.loop = kernel.NewLoop(c.chunk)
	return c
}

// add returns total and the chunks' costs, added in their order.
func (c *costs) add(total float64, loss optim.Loss, image []float32, shown *scene.View) float64 {
	c.loss, c.image, c.shown = loss, image, shown
	c.sums = room(c.sums, chunksOf(len(c.target)))
	c.loop.Run(c.crew, len(c.sums))
	for _, sum := range c.sums {
		total += sum
	}
	return total
}

// chunk sums one chunk.
func (c *costs) chunk(_, chunk int) {
	from, to := chunkRange(chunk, len(c.target))
	sum := 0.0
	for i := from; i < to; i++ {
		if w := c.weights[i]; w != 0 {
			r := c.shown.Gain*c.valueOf(c.image, i) + c.shown.Bias - float64(c.target[i])
			sum += w * c.loss.Rho(r)
		}
	}
	c.sums[chunk] = sum
}

// normal fills out with the level's equations at vec, whose moves are how it
// moves the scene's uniforms (see scene.Differential).
func (l *level) normal(ctx context.Context, vec *scene.Vector, moves []scene.Entry, out *optim.Normal) error {
	for _, v := range l.views {
		lin, err := l.linearize(ctx, v, vec, moves)
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
func (l *level) gradient(ctx context.Context, vec *scene.Vector, moves []scene.Entry, out []float64) (float64, error) {
	clear(out)
	total := 0.0
	for _, v := range l.views {
		cost, err := l.addGradient(ctx, v, vec, moves, out)
		if err != nil {
			return 0, err
		}
		total += cost
	}
	return total, nil
}

// reverse is the memory of a gradient.
type reverse struct {
	image, slope []float32 // of the view for images, and of the one for derivatives
	adjoint      []float32
	byUniform    []float64
}

func (l *level) addGradient(ctx context.Context, v *levelView, vec *scene.Vector, moves []scene.Entry, out []float64) (float64, error) {
	s, m := vec.Scene(), &v.reverse
	var err error
	if m.image, err = v.view.RenderInto(ctx, s, m.image); err != nil {
		return 0, err
	}
	cost, byGain, byBias := v.adjoint(l.loss, s.View(v.name))
	if m.slope, m.byUniform, err = v.slope.GradientInto(ctx, s, m.adjoint, m.slope, m.byUniform); err != nil {
		return 0, err
	}
	lin, err := l.linear(v, vec, moves)
	if err != nil {
		return 0, err
	}
	for d, list := range lin.terms {
		for _, t := range list {
			switch t.column {
			case imageColumn:
				out[d] += t.factor * byGain
			case oneColumn:
				out[d] += t.factor * byBias
			default:
				out[d] += t.factor * m.byUniform[t.column]
			}
		}
	}
	return cost, nil
}

// adjoint fills in the derivatives of the cost by the image that was rendered.
func (v *levelView) adjoint(loss optim.Loss, view *scene.View) (cost, byGain, byBias float64) {
	image := v.reverse.image
	v.reverse.adjoint = room(v.reverse.adjoint, len(image))
	adjoint := v.reverse.adjoint
	clear(adjoint)
	for i, t := range v.target {
		value := v.valueOf(image, i)
		r := view.Gain*value + view.Bias - float64(t)
		slope := v.weights[i] * loss.Weight(r) * r
		cost += v.weights[i] * loss.Rho(r)
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
	return cost, byGain, byBias
}

// chunk is the number of residuals summed in one go: fixed, so that sums have
// the same bits on any number of cores.
const chunk = 3072

func chunksOf(n int) int { return (n + chunk - 1) / chunk }

// chunkRange is where a chunk of 0..n begins and ends.
func chunkRange(i, n int) (from, to int) { return i * chunk, min(n, (i+1)*chunk) }

// room returns n elements to be written, in memory if that has room. New memory
// is written to at once, so that its pages are there when the first iteration
// is over: which worker, or which part of an image, needs some may come later.
func room[T any](memory []T, n int) []T {
	if cap(memory) < n {
		memory = make([]T, n)
		clear(memory)
	}
	return memory[:n]
}

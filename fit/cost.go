package fit

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

// cost is the level's cost at a scene.
func (l *level) cost(ctx context.Context, s *scene.Scene) (float64, error) {
	total := 0.0
	for _, v := range l.views {
		image, err := v.view.Render(ctx, s)
		if err != nil {
			return 0, err
		}
		view := s.View(v.name)
		sums := make([]float64, chunksOf(len(v.target)))
		inChunks(len(v.target), func(chunk, from, to int) {
			for i := from; i < to; i++ {
				r := view.Gain*channelValue(image[i/v.channels*3:][:3], i%v.channels, v.channels) + view.Bias - float64(v.target[i])
				sums[chunk] += v.weights[i] * l.loss.Rho(r)
			}
		})
		for _, sum := range sums {
			total += sum
		}
	}
	return total, nil
}

// term is one summand of a derivative: a column of the renderer's Jacobian
// times a factor. Column -1 is the image itself (the gain's), -2 is one (the
// bias's).
type term struct {
	column int
	factor float64
}

const (
	imageColumn = -1
	oneColumn   = -2
)

// linear is a view with its derivatives by the local coordinates of a vector.
type linear struct {
	*levelView
	image      []float32
	columns    [][]float32
	gain, bias float64
	terms      [][]term // for every local coordinate
	unusable   []bool   // pixels with a derivative that is not finite; nil if there are none
}

// findUnusable marks pixels with a derivative that is not finite: a mistake of
// the renderer at single samples, which must not spoil the sums. They are left
// out and counted.
func (v *linear) findUnusable() {
	for _, column := range v.columns {
		for i, x := range column {
			if x-x != 0 {
				if v.unusable == nil {
					v.unusable = make([]bool, len(v.pixels))
				}
				v.unusable[i/3] = true
			}
		}
	}
}

// weight is that of residual i in the normal equations.
func (v *linear) weight(i int) float64 {
	if v.unusable != nil && v.unusable[i/v.channels] {
		return 0
	}
	return v.weights[i]
}

// linearize runs the Jacobian of a view.
func (l *level) linearize(ctx context.Context, v *levelView, vec *scene.Vector) (*linear, error) {
	s := vec.Scene()
	image, columns, err := v.slope.Jacobian(ctx, s)
	if err == nil && v.slope != v.view {
		image, err = v.view.Render(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	terms, err := l.terms(vec, v.name)
	if err != nil {
		return nil, err
	}
	view := s.View(v.name)
	lin := &linear{levelView: v, image: image, columns: columns, gain: view.Gain, bias: view.Bias, terms: terms}
	lin.findUnusable()
	return lin, nil
}

// terms sorts the scene's Jacobian by local coordinate for one view.
func (l *level) terms(vec *scene.Vector, view string) ([][]term, error) {
	s := vec.Scene()
	gain := s.View(view).Gain
	uniforms := scene.Uniforms(s)
	index := indexOf(l.params)
	terms := make([][]term, vec.Dim())
	own := map[string]bool{}
	for _, v := range s.Views {
		own[v.Name+".gain"], own[v.Name+".bias"] = true, true
	}
	for _, e := range vec.JacobianPhys() {
		name := uniforms[e.Row].Name
		t := term{factor: e.Value}
		switch {
		case name == view+".gain":
			t.column = imageColumn
		case name == view+".bias":
			t.column = oneColumn
		case own[name]:
			continue
		default:
			i, ok := index[name]
			if !ok {
				return nil, fmt.Errorf("fit: uniform %s began to move: it has no derivative", name)
			}
			t = term{i, e.Value * gain}
		}
		terms[e.Col] = append(terms[e.Col], t)
	}
	return terms, nil
}

// row writes the derivatives of residual i by the local coordinates to j and
// returns the residual.
func (v *linear) row(i int, j []float64) float64 {
	p, c := i/v.channels*3, i%v.channels
	value := channelValue(v.image[p:p+3], c, v.channels)
	for d, terms := range v.terms {
		sum := 0.0
		for _, t := range terms {
			switch t.column {
			case imageColumn:
				sum += t.factor * value
			case oneColumn:
				sum += t.factor
			default:
				sum += t.factor * channelValue(v.columns[t.column][p:p+3], c, v.channels)
			}
		}
		j[d] = sum
	}
	return v.gain*value + v.bias - float64(v.target[i])
}

// normal adds the view's normal equations to out: chunks in parallel, folded
// in order, so that the sums do not depend on the number of cores.
func (v *linear) normal(loss optim.Loss, out *optim.Normal) {
	parts := make([]*optim.Normal, chunksOf(len(v.target)))
	inChunks(len(v.target), func(chunk, from, to int) {
		e := optim.NewNormal(len(out.Jtr))
		j := make([]float64, len(out.Jtr))
		for i := from; i < to; i++ {
			if v.weights[i] == 0 {
				continue
			}
			r := v.row(i, j)
			e.Cost += v.weights[i] * loss.Rho(r)
			if w := v.weight(i); w > 0 {
				e.AddRow(j, r, w*loss.Weight(r))
			}
		}
		parts[chunk] = e
	})
	for _, e := range parts {
		out.Add(e)
	}
}

// normal fills out with the level's equations at vec.
func (l *level) normal(ctx context.Context, vec *scene.Vector, out *optim.Normal) error {
	for _, v := range l.views {
		lin, err := l.linearize(ctx, v, vec)
		if err != nil {
			return err
		}
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
		rgb := image[i/v.channels*3:][:3]
		value := channelValue(rgb, i%v.channels, v.channels)
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
	terms, err := l.terms(vec, v.name)
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
	next := make(chan int)
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), chunksOf(n)) {
		wait.Go(func() {
			for i := range next {
				work(i, i*chunk, min(n, (i+1)*chunk))
			}
		})
	}
	for i := range chunksOf(n) {
		next <- i
	}
	close(next)
	wait.Wait()
}

package fit

import (
	"slices"

	"github.com/baremetaldevx86/microdr/scene"
)

// A solver's point is the parameters' numbers one after the other, as the
// scene file holds them; scenes and points translate into each other bit for
// bit.

// pointOf reads the point that vec stands at.
func pointOf(vec *scene.Vector) []float64 { return vec.AppendNumbers(nil) }

// at returns vec moved to the point x.
func at(vec *scene.Vector, x []float64) *scene.Vector {
	s := vec.Scene().Clone()
	for _, b := range vec.Blocks() {
		if b.Kind == scene.KindPerPixel {
			continue
		}
		values, err := s.Get(b.Path)
		if err == nil {
			err = s.Set(b.Path, x[:len(values)])
		}
		if err != nil {
			panic("fit: " + err.Error())
		}
		x = x[len(values):]
	}
	return vec.At(s)
}

// places are where vec stands at the latest points of a solver, which asks
// about each several times: where it is, and the trial. A step moves the one
// from the other.
type places struct {
	vec    *scene.Vector
	latest [2]place
}

type place struct {
	point []float64
	vec   *scene.Vector // a copy of its own
}

func newPlaces(vec *scene.Vector) *places {
	p := &places{vec: vec}
	for i := range p.latest {
		p.latest[i] = place{pointOf(vec), vec.Copy()}
	}
	return p
}

// at is vec at a point, until there were two other ones.
func (p *places) at(x []float64) *scene.Vector { return p.find(x).vec }

func (p *places) find(x []float64) *place {
	for i := range p.latest {
		if slices.Equal(p.latest[i].point, x) {
			return &p.latest[i]
		}
	}
	p.latest[1] = p.latest[0]
	p.latest[0] = place{slices.Clone(x), at(p.vec, x)}
	return &p.latest[0]
}

// retract makes to the point x moved by delta.
func (p *places) retract(x, delta, to []float64) {
	from, next := p.find(x), &p.latest[0]
	if from == next {
		next = &p.latest[1]
	}
	from.vec.RetractTo(next.vec, delta)
	next.point = next.vec.AppendNumbers(next.point[:0])
	copy(to, next.point)
}

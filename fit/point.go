package fit

import (
	"slices"

	"github.com/baremetaldevx86/microdr/scene"
)

// A solver's point is the parameters' numbers one after the other, as the
// scene file holds them; scenes and points translate into each other bit for
// bit.

// pointOf reads the point that vec stands at.
func pointOf(vec *scene.Vector) []float64 {
	var x []float64
	for _, b := range vec.Blocks() {
		if b.Kind == scene.KindPerPixel {
			continue
		}
		values, err := vec.Scene().Get(b.Path)
		if err != nil {
			panic("fit: " + err.Error())
		}
		x = append(x, values...)
	}
	return slices.Clip(x)
}

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

// places remembers where vec stands at the latest points of a solver, which
// asks about each several times: where it is, and the trial.
type places struct {
	vec    *scene.Vector
	latest [2]place
}

type place struct {
	point []float64
	vec   *scene.Vector
}

// at is vec at a point.
func (p *places) at(x []float64) *scene.Vector {
	for _, k := range p.latest {
		if k.vec != nil && slices.Equal(k.point, x) {
			return k.vec
		}
	}
	v := at(p.vec, x)
	p.keep(x, v)
	return v
}

func (p *places) keep(x []float64, v *scene.Vector) {
	p.latest = [2]place{{slices.Clone(x), v}, p.latest[0]}
}

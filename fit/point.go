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

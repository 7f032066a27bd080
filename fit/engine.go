package fit

import (
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

// engine opens views that the renderer runs.
type engine struct{ *kernel.Engine }

func newEngine(workers int) engine { return engine{kernel.New(kernel.Options{Workers: workers})} }

func (e engine) open(s *scene.Scene, name string, o viewOptions) (openView, error) {
	v, err := render.NewView(e.Engine, s, name, render.Options{Scale: o.scale, Samples: o.samples, Seed: o.seed,
		Pixels: o.pixels, Params: o.params, PerPixel: o.maps})
	if err != nil {
		return nil, err
	}
	return v, nil
}

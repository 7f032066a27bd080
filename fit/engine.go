package fit

import (
	"errors"

	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

// engine opens views that the renderer runs.
type engine struct {
	together *kernel.Engine // runs one view on all cores
	alone    *kernel.Engine // runs views side by side, each on the goroutine that calls it
}

func newEngine(workers int, memory kernel.Memory) engine {
	return engine{kernel.New(kernel.Options{Workers: workers, Memory: memory}), kernel.New(kernel.Options{Workers: 1, Memory: memory})}
}

func (e engine) open(s *scene.Scene, name string, o viewOptions) (openView, error) {
	on := e.together
	if o.alone {
		on = e.alone
	}
	v, err := render.NewView(on, s, name, render.Options{Scale: o.scale, Samples: o.samples, Seed: o.seed,
		Pixels: o.pixels, Movable: o.movable, Params: o.params, PerPixel: o.maps})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Close frees what the engine holds.
func (e engine) Close() error { return errors.Join(e.together.Close(), e.alone.Close()) }

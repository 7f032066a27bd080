package fit

import (
	"context"
	"fmt"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

// response says how local coordinates move a view's image: through uniforms
// that the renderer differentiates by, and through the view's gain and bias.
type response struct {
	params     []string    // uniforms
	tangents   [][]float64 // for every local coordinate the rates of params
	gain, bias []float64   // for every local coordinate
}

func responseOf(vec *scene.Vector, view string) *response {
	r := &response{params: movedUniforms(vec), gain: make([]float64, vec.Dim()), bias: make([]float64, vec.Dim())}
	index := indexOf(r.params)
	for range vec.Dim() {
		r.tangents = append(r.tangents, make([]float64, len(r.params)))
	}
	uniforms := scene.Uniforms(vec.Scene())
	for _, e := range vec.JacobianPhys() {
		name := uniforms[e.Row].Name
		if name == view+".gain" {
			r.gain[e.Col] += e.Value
		} else if name == view+".bias" {
			r.bias[e.Col] += e.Value
		} else if i, ok := index[name]; ok {
			r.tangents[e.Col][i] += e.Value
		}
	}
	return r
}

// rate is the rate of the view's image (gain and bias applied) along local
// coordinate c, from the radiance and its rate.
func (r *response) rate(v *scene.View, c int, radiance, rate []float32) []float64 {
	out := make([]float64, len(radiance))
	for i := range out {
		out[i] = v.Gain*float64(rate[i]) + r.gain[c]*float64(radiance[i]) + r.bias[c]
	}
	return out
}

// Derivative is the derivative of an image by one local coordinate.
type Derivative struct {
	Name  string
	Image *film.Image // signed
}

// DerivativeOptions say which derivative, and how it is computed.
type DerivativeOptions struct {
	View    string // "": the first
	Samples int    // per pixel; 0: the camera's
	Seed    uint32 // 0: the integrator's
	Scale   int    // the image is resolution/Scale; 0: 1
	Workers int    // goroutines; 0: one for each core
	Memory  kernel.Memory
}

// Derivatives differentiates a view's image, gain and bias applied, by each
// local coordinate of the parameter at path (scene.Vector says which these
// are), at the scene's values, in forward mode.
func Derivatives(ctx context.Context, s *scene.Scene, path string, o DerivativeOptions) ([]Derivative, error) {
	vec, err := scene.NewVectorOf(s, []scene.Parameter{{Path: path}})
	if err != nil {
		return nil, &InputError{err}
	}
	if vec.Dim() == 0 {
		return nil, &InputError{fmt.Errorf("fit: %s is given per pixel: it has no one derivative image", path)}
	}
	s = vec.Scene()
	v, err := viewOf(s, o.View)
	if err != nil {
		return nil, err
	}
	engine := kernel.New(kernel.Options{Workers: o.Workers, Memory: o.Memory})
	defer engine.Close()
	r := responseOf(vec, v.Name)
	view, err := render.NewView(engine, s, v.Name, render.Options{Scale: o.Scale, Samples: o.Samples, Seed: o.Seed, Params: r.params})
	if err != nil {
		return nil, &InputError{err}
	}
	defer view.Close()
	var out []Derivative
	for c, name := range vec.Names() {
		radiance, rate, err := r.forward(ctx, view, s, c)
		if err != nil {
			return nil, err
		}
		image := render.Image(view, radiance) // for its size
		for i, x := range r.rate(v, c, radiance, rate) {
			image.Pix[i] = float32(x)
		}
		out = append(out, Derivative{name, image})
	}
	return out, nil
}

// forward runs forward mode along local coordinate c.
func (r *response) forward(ctx context.Context, view *render.View, s *scene.Scene, c int) (radiance, rate []float32, err error) {
	if len(r.params) > 0 {
		return view.Forward(ctx, s, r.tangents[c])
	}
	radiance, err = view.Render(ctx, s)
	return radiance, make([]float32, len(radiance)), err
}

// viewOf finds a view by name, or takes the first.
func viewOf(s *scene.Scene, name string) (*scene.View, error) {
	if name == "" {
		return &s.Views[0], nil
	}
	if v := s.View(name); v != nil {
		return v, nil
	}
	var names []string
	for _, v := range s.Views {
		names = append(names, v.Name)
	}
	return nil, &InputError{fmt.Errorf("fit: no view %q, expected one of %q", name, names)}
}

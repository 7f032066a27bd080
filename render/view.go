package render

import (
	"context"
	"fmt"
	"strings"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/scene"
)

// View is one view of a scene, ready to run on an engine. Every call takes a scene of the structure that the view was
// made for; its numbers may differ, and changing them compiles nothing. Images are linear RGB of the pixels asked for
// (Options.Pixels), interleaved, before the view's gain and bias. A view serves one goroutine at a time.
type View struct {
	engine  *kernel.Engine
	plan    *plan
	data    map[string][]float32 // of images and per-pixel buffers
	sizes   map[string][2]int
	modules [numModes]*program // compiled when first used
	limits  int
	pixels  []int32
	chosen  []int32 // see Choose
	seed    uint32
	names   []string    // see Columns
	columns [][]float32 // of the latest Jacobian
}

// NewView prepares a view of the scene by name. Nothing is compiled yet.
func NewView(e *kernel.Engine, s *scene.Scene, view string, o Options) (*View, error) {
	p, err := newPlan(s, view, o)
	if err != nil {
		return nil, err
	}
	for _, name := range o.PerPixel {
		if !hasBuffer(s, name) {
			return nil, fmt.Errorf("render: the scene has no per-pixel buffer %q", name)
		}
	}
	if err := checkParams(s, o.Params); err != nil {
		return nil, err
	}
	v := &View{engine: e, plan: p, pixels: o.Pixels, seed: p.Seed, names: p.columns()}
	if v.pixels == nil {
		v.pixels = allPixels(p.width * p.height)
	}
	v.data, v.sizes, err = p.loadMaps()
	return v, err
}

// allPixels are the numbers of n pixels.
func allPixels(n int) []int32 {
	all := make([]int32, n)
	for i := range all {
		all[i] = int32(i)
	}
	return all
}

// checkParams refuses names that are not uniforms of the scene: their derivative would be silently zero.
func checkParams(s *scene.Scene, params []string) error {
	known := map[string]bool{}
	for _, u := range scene.Uniforms(s) {
		known[u.Name] = true
	}
	for _, name := range params {
		if !known[name] {
			return fmt.Errorf("render: the scene has no number %q", name)
		}
		if box, ok := strings.CutSuffix(name, ".radius"); ok && isSharpBox(s.Object(box)) {
			return fmt.Errorf("render: no derivative by %s at 0, where the edges turn sharp; start it above 0", name)
		}
	}
	return nil
}

// isSharpBox tells of a box whose program has creases instead of rounded edges.
func isSharpBox(o *scene.Object) bool { return o != nil && o.Box != nil && o.Box.Radius == 0 }

func hasBuffer(s *scene.Scene, name string) bool {
	for _, b := range scene.Buffers(s) {
		if b.Path == name && b.Kind != scene.ImageBuffer {
			return true
		}
	}
	return false
}

// Prepare compiles what a mode runs, which its first call would do. Different modes may be prepared at the same time.
func (v *View) Prepare(mode Mode) (err error) {
	if mode == Cover {
		_, err = v.coverProgram()
		return err
	}
	nothing := mode == Jacobian && len(v.Columns()) == 0 || mode == Reverse && len(v.plan.Params) == 0
	if v.modules[mode] == nil && !nothing {
		v.modules[mode], err = v.compile(v.plan, mode)
	}
	return err
}

// Close frees what the view holds of its engine.
func (v *View) Close() {
	for i, m := range v.modules {
		if m != nil {
			m.close()
			v.modules[i] = nil
		}
	}
}

// Size returns the width and height of the whole image.
func (v *View) Size() (width, height int) { return v.plan.width, v.plan.height }

// Pixels returns the row-major numbers of the pixels that the view computes.
func (v *View) Pixels() []int32 { return v.pixels }

// Samples returns the number of samples per pixel.
func (v *View) Samples() int { return v.plan.Samples }

// SetSeed changes the sample positions. The same seed gives the same samples.
func (v *View) SetSeed(seed uint32) { v.seed = seed }

// Columns names the columns of a Jacobian: the uniforms of Options.Params, then every channel of the buffers of
// Options.PerPixel, in the scene's order.
func (v *View) Columns() []string { return v.names }

// SetPixels changes which pixels a movable view computes, by their row-major numbers; nil: all.
func (v *View) SetPixels(pixels []int32) {
	if pixels == nil {
		pixels = allPixels(v.plan.width * v.plan.height)
	}
	v.pixels, v.chosen = pixels, nil
}

// Choose lets Render and Jacobian of a movable view compute only some of its pixels, given by their numbers among
// Pixels, and leave the values of the others undefined. Nil means all.
func (v *View) Choose(pixels []int32) { v.chosen = pixels }

// Misses returns how many rays of the last call gave up at the step limit.
func (v *View) Misses() int { return v.limits }

// SetBuffer gives a per-pixel buffer its values: all pixels of the image in order, channels interleaved.
func (v *View) SetBuffer(name string, data []float32) error {
	old, ok := v.data[name]
	if !ok || !hasBuffer(v.plan.scene, name) {
		return fmt.Errorf("render: the scene has no per-pixel buffer %q", name)
	}
	if len(data) != len(old) {
		return fmt.Errorf("render: buffer %q takes %d values, not %d", name, len(old), len(data))
	}
	v.data[name] = append([]float32(nil), data...)
	for _, m := range v.modules {
		if m != nil {
			m.stale[name] = true
		}
	}
	return nil
}

// Render returns the image.
func (v *View) Render(ctx context.Context, s *scene.Scene) ([]float32, error) {
	image := make([]float32, 3*len(v.pixels))
	err := v.run(ctx, Primal, s, call{chosen: v.chosen, take: func(m *program, at places) {
		interleaveInParallel(image, m.floats(m.numbers.image), at)
	}})
	return image, err
}

// RenderF64 is Render with the precision of the engine.
func (v *View) RenderF64(ctx context.Context, s *scene.Scene) ([]float64, error) {
	image := make([]float64, 3*len(v.pixels))
	err := v.run(ctx, Primal, s, call{chosen: v.chosen, take: func(m *program, at places) {
		interleave(image, m.read(m.numbers.image), at)
	}})
	return image, err
}

// parallelValues is how many pixels of columns are worth another goroutine.
const parallelValues = 1 << 14

// Jacobian returns the image and its derivative by every parameter, one column each, laid out as the image. For a
// per-pixel buffer a column is the derivative of every pixel by its own component. The columns are the view's own: the
// next call changes them.
func (v *View) Jacobian(ctx context.Context, s *scene.Scene) (image []float32, columns [][]float32, err error) {
	n := len(v.Columns())
	if n == 0 {
		image, err = v.Render(ctx, s)
		return image, nil, err
	}
	image, columns = make([]float32, 3*len(v.pixels)), v.columns
	if len(columns) > 0 && cap(columns[0]) < 3*len(v.pixels) {
		columns = nil
	}
	for len(columns) < n {
		columns = append(columns, make([]float32, 3*len(v.pixels)))
	}
	for j := range columns {
		columns[j] = columns[j][:3*len(v.pixels)]
	}
	v.columns = columns
	err = v.run(ctx, Jacobian, s, call{chosen: v.chosen, take: func(m *program, at places) {
		interleave(image, m.floats(m.numbers.image), at)
		result, chunk := m.floats(m.numbers.result), m.plan.chunk
		column := func(j int) { interleave(columns[j], result[3*j*chunk:3*(j+1)*chunk], at) }
		if len(columns)*at.n >= parallelValues {
			inParallel(len(columns), column)
			return
		}
		for j := range columns {
			column(j)
		}
	}})
	return image, columns, err
}

// Gradient returns the image and, for every uniform of Options.Params, the sum of adjoint times derivative. Adjoint is
// laid out as the image.
func (v *View) Gradient(ctx context.Context, s *scene.Scene, adjoint []float32) (image []float32, gradient []float64, err error) {
	if len(adjoint) != 3*len(v.pixels) {
		return nil, nil, fmt.Errorf("render: adjoint of %d values for an image of %d", len(adjoint), 3*len(v.pixels))
	}
	if len(v.plan.Params) == 0 {
		image, err = v.Render(ctx, s)
		return image, nil, err
	}
	image, gradient = make([]float32, 3*len(v.pixels)), make([]float64, len(v.plan.Params))
	err = v.run(ctx, Reverse, s, call{adjoint: adjoint, take: func(m *program, at places) {
		interleave(image, m.floats(m.numbers.image), at)
		for i, x := range m.read(m.numbers.result) {
			gradient[i] += x
		}
	}})
	return image, gradient, err
}

// Forward returns the image and its derivative when the uniforms of Options.Params change at the rates of tangent.
func (v *View) Forward(ctx context.Context, s *scene.Scene, tangent []float64) (image, derivative []float32, err error) {
	image64, derivative64, err := v.ForwardF64(ctx, s, tangent)
	return narrow(image64), narrow(derivative64), err
}

// ForwardF64 is Forward with the precision of the engine.
func (v *View) ForwardF64(ctx context.Context, s *scene.Scene, tangent []float64) (image, derivative []float64, err error) {
	if len(tangent) != len(v.plan.Params) {
		return nil, nil, fmt.Errorf("render: tangent of %d values for %d parameters", len(tangent), len(v.plan.Params))
	}
	image, derivative = make([]float64, 3*len(v.pixels)), make([]float64, 3*len(v.pixels))
	err = v.run(ctx, Forward, s, call{tangent: tangent, take: func(m *program, at places) {
		interleave(image, m.read(m.numbers.image), at)
		interleave(derivative, m.read(m.numbers.result), at)
	}})
	return image, derivative, err
}

// MaskOf tells of every pixel asked for whether its centre shows the object and lies more than margin, in pixels of the
// full resolution, inside of what the object covers. A negative margin adds the pixels within -margin.
func (v *View) MaskOf(ctx context.Context, s *scene.Scene, object string, margin float64) ([]bool, error) {
	number := v.plan.number(object)
	if number < 0 {
		return nil, fmt.Errorf("render: no object %q", object)
	}
	m, err := v.coverProgram()
	if err != nil {
		return nil, err
	}
	pixels := v.pixels
	if margin != 0 {
		pixels = allPixels(m.plan.count) // those that were not asked for matter too
	}
	set := make([]bool, len(pixels))
	err = v.runProgram(ctx, m, s, call{pixels: pixels, take: func(m *program, at places) {
		out := set[at.first:][:at.n]
		for i, x := range m.floats(m.numbers.result)[:at.n] {
			out[i] = int(x) == number
		}
	}})
	if err != nil || margin == 0 {
		return set, err
	}
	set = shrink(set, m.plan.width, m.plan.height, margin/float64(m.plan.Scale))
	out := make([]bool, len(v.pixels))
	for i, pixel := range v.pixels {
		out[i] = set[pixel]
	}
	return out, nil
}

// coverProgram returns the program that tells what the image's pixels show.
func (v *View) coverProgram() (*program, error) {
	if v.modules[Cover] != nil {
		return v.modules[Cover], nil
	}
	m, err := v.compile(v.plan.whole(), Cover)
	v.modules[Cover] = m
	return m, err
}

// whole returns the plan of what the centres of all pixels of the image show.
func (p *plan) whole() *plan {
	w := *p
	w.Pixels, w.Samples, w.Movable = nil, 1, true
	w.complete(leastCover)
	return &w
}

// Image returns the data of a whole image as a film image; pixels that were not asked for are black.
func Image(v *View, data []float32) *film.Image {
	im := film.New(v.plan.width, v.plan.height, 3)
	for i, pixel := range v.pixels {
		copy(im.Pix[3*pixel:3*pixel+3], data[3*i:3*i+3])
	}
	return im
}

// Module returns the module of a mode, for those who want to read or print it.
func (v *View) Module(mode Mode) (*ir.Module, error) {
	p := v.plan
	if mode == Cover {
		p = p.whole()
	}
	m, _, err := p.module(mode, v.sizes)
	return m, err
}

// Image puts the values of Pixels(), 3 channels each, into an image of the view's size; other pixels are black.
func (v *View) Image(data []float32) *film.Image {
	im := film.New(v.plan.width, v.plan.height, 3)
	for i := range len(data) / 3 {
		at := i
		if v.pixels != nil {
			at = int(v.pixels[i])
		}
		copy(im.Pix[3*at:3*at+3], data[3*i:])
	}
	return im
}

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
	engine   *kernel.Engine
	plan     *plan
	data     map[string][]float32 // of images and per-pixel buffers
	perPixel map[string]bool      // the names of the latter
	sizes    map[string][2]int
	modules  [numModes]*program // compiled when first used
	limits   int
	pixels   []int32
	chosen   []int32 // see Choose
	seed     uint32
	names    []string    // see Columns
	columns  [][]float32 // of the latest Jacobian

	// Of the run under way.
	call                   call
	taking                 taking
	takeParts, takeColumns *kernel.Loop
	values                 *scene.Reader
}

// NewView prepares a view of the scene by name. Nothing is compiled yet.
func NewView(e *kernel.Engine, s *scene.Scene, view string, o Options) (*View, error) {
	p, err := newPlan(s, view, o)
	if err != nil {
		return nil, err
	}
	perPixel := perPixelBuffers(s)
	for _, name := range o.PerPixel {
		if !perPixel[name] {
			return nil, fmt.Errorf("render: the scene has no per-pixel buffer %q", name)
		}
	}
	if err := checkParams(s, o.Params); err != nil {
		return nil, err
	}
	v := &View{engine: e, plan: p, perPixel: perPixel, pixels: o.Pixels, seed: p.Seed, names: p.columns()}
	if v.pixels == nil {
		v.pixels = allPixels(p.width * p.height)
	}
	v.takeParts, v.takeColumns, v.values = kernel.NewLoop(v.takePart), kernel.NewLoop(v.takeColumn), scene.NewReader()
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

// perPixelBuffers are the scene's buffers with values for every pixel.
func perPixelBuffers(s *scene.Scene) map[string]bool {
	all := map[string]bool{}
	for _, b := range scene.Buffers(s) {
		if b.Kind != scene.ImageBuffer {
			all[b.Path] = true
		}
	}
	return all
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
	if !ok || !v.perPixel[name] {
		return fmt.Errorf("render: the scene has no per-pixel buffer %q", name)
	}
	if len(data) != len(old) {
		return fmt.Errorf("render: buffer %q takes %d values, not %d", name, len(old), len(data))
	}
	copy(old, data)
	for _, m := range v.modules {
		if m != nil {
			m.stale[name] = true
		}
	}
	return nil
}

// Render returns the image.
func (v *View) Render(ctx context.Context, s *scene.Scene) ([]float32, error) {
	return v.RenderInto(ctx, s, nil)
}

// RenderInto is Render into memory that has been used before: it allocates nothing if image has room. So do the other
// methods of this kind.
func (v *View) RenderInto(ctx context.Context, s *scene.Scene, image []float32) ([]float32, error) {
	image = room(image, 3*len(v.pixels))
	return image, v.run(ctx, Primal, s, call{chosen: v.chosen, take: takeImage, image: image})
}

// room returns n elements to be written, in memory if that has room. New memory is written to at once, so that all its
// pages are there after the first run, though that may be of few pixels.
func room[T any](memory []T, n int) []T {
	if cap(memory) < n {
		memory = make([]T, n)
		clear(memory)
	}
	return memory[:n]
}

// RenderF64 is Render with the precision of the engine.
func (v *View) RenderF64(ctx context.Context, s *scene.Scene) ([]float64, error) {
	image := make([]float64, 3*len(v.pixels))
	return image, v.run(ctx, Primal, s, call{chosen: v.chosen, take: takeExact, exact: image})
}

// Jacobian returns the image and its derivative by every parameter, one column each, laid out as the image. For a
// per-pixel buffer a column is the derivative of every pixel by its own component. The columns are the view's own: the
// next call changes them.
func (v *View) Jacobian(ctx context.Context, s *scene.Scene) (image []float32, columns [][]float32, err error) {
	return v.JacobianInto(ctx, s, nil)
}

// JacobianInto is Jacobian with memory for the image, see RenderInto.
func (v *View) JacobianInto(ctx context.Context, s *scene.Scene, memory []float32) (image []float32, columns [][]float32, err error) {
	n := len(v.Columns())
	if n == 0 {
		image, err = v.RenderInto(ctx, s, memory)
		return image, nil, err
	}
	image, columns = room(memory, 3*len(v.pixels)), v.columns
	if len(columns) > 0 && cap(columns[0]) < 3*len(v.pixels) {
		columns = nil
	}
	for len(columns) < n {
		columns = append(columns, room[float32](nil, 3*len(v.pixels)))
	}
	for j := range columns {
		columns[j] = columns[j][:3*len(v.pixels)]
	}
	v.columns = columns
	err = v.run(ctx, Jacobian, s, call{chosen: v.chosen, take: takeJacobian, image: image, columns: columns})
	return image, columns, err
}

// Gradient returns the image and, for every uniform of Options.Params, the sum of adjoint times derivative. Adjoint is
// laid out as the image.
func (v *View) Gradient(ctx context.Context, s *scene.Scene, adjoint []float32) (image []float32, gradient []float64, err error) {
	return v.GradientInto(ctx, s, adjoint, nil, nil)
}

// GradientInto is Gradient with memory for image and gradient, see RenderInto.
func (v *View) GradientInto(ctx context.Context, s *scene.Scene, adjoint, imageMemory []float32, memory []float64) (image []float32, gradient []float64, err error) {
	if len(adjoint) != 3*len(v.pixels) {
		return nil, nil, fmt.Errorf("render: adjoint of %d values for an image of %d", len(adjoint), 3*len(v.pixels))
	}
	if len(v.plan.Params) == 0 {
		image, err = v.RenderInto(ctx, s, imageMemory)
		return image, nil, err
	}
	image, gradient = room(imageMemory, 3*len(v.pixels)), room(memory, len(v.plan.Params))
	clear(gradient)
	err = v.run(ctx, Reverse, s, call{adjoint: adjoint, take: takeGradient, image: image, gradient: gradient})
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
	err = v.run(ctx, Forward, s, call{tangent: tangent, take: takeForward, exact: image, derivative: derivative})
	return image, derivative, err
}

// MaskOf tells of every pixel asked for whether its centre shows the object and lies more than margin, in pixels of the
// full resolution, inside of what the object covers. A negative margin adds the pixels within -margin.
func (v *View) MaskOf(ctx context.Context, s *scene.Scene, object string, margin float64) ([]bool, error) {
	if margin == 0 {
		return v.MaskInto(ctx, s, object, nil)
	}
	// Pixels that were not asked for matter too.
	set, err := v.mask(ctx, s, object, allPixels(v.plan.width*v.plan.height), nil)
	if err != nil {
		return nil, err
	}
	set = shrink(set, v.plan.width, v.plan.height, margin/float64(v.plan.Scale))
	out := make([]bool, len(v.pixels))
	for i, pixel := range v.pixels {
		out[i] = set[pixel]
	}
	return out, nil
}

// MaskInto is MaskOf without a margin, with memory for its result, see RenderInto.
func (v *View) MaskInto(ctx context.Context, s *scene.Scene, object string, memory []bool) ([]bool, error) {
	return v.mask(ctx, s, object, v.pixels, memory)
}

// mask tells of pixels whether their centres show the object.
func (v *View) mask(ctx context.Context, s *scene.Scene, object string, pixels []int32, memory []bool) ([]bool, error) {
	number := v.plan.number(object)
	if number < 0 {
		return nil, fmt.Errorf("render: no object %q", object)
	}
	m, err := v.coverProgram()
	if err != nil {
		return nil, err
	}
	hit := room(memory, len(pixels))
	return hit, v.runProgram(ctx, m, s, call{pixels: pixels, take: takeCover, object: number, hit: hit})
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

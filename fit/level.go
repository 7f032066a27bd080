package fit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

// level is all views at one scale of the pyramid, with what they are compared
// to. Its cost at a scene is the sum over the residuals of weight * rho(r),
// r = gain * rendered + bias - target.
type level struct {
	scale  int
	views  []*levelView
	loss   optim.Loss
	params []string  // uniforms with derivatives, the same for every view
	total  float64   // sum of the weights
	count  int       // residuals with a weight
	masked bool      // some view has a mask by object
	aimed  []float64 // the point that the masks were taken at; empty: none
	point  []float64 // memory of aim
	crew   *kernel.Crew
}

// residuals are the pixels of a view and what they are compared with.
type residuals struct {
	pixels  []int32   // row-major, ascending
	target  []float32 // pixels x channels
	weights []float64 // pixels x channels: mask times the loss's own factor
}

// levelView is one view of a level. Its residuals are those that may count.
//
// The image and its derivatives use independent samples (two views): samples
// that both shared would correlate the residual with its derivative at every
// silhouette, and the gradient of a squared loss would be biased. With one
// sample, at the pixel's centre, there is nothing random.
type levelView struct {
	name      string
	view      openView // for images
	slope     openView // for derivatives; with one sample the same
	seed      uint32   // of view
	slopeSeed uint32   // of slope
	width     int
	height    int
	channels  int // 1 (compared as luminance) or 3
	residuals
	// A mask by object follows the object: settle takes the residuals around it
	// from all, and aim makes the weights from base.
	mask   *scene.Mask
	all    residuals
	base   []float64
	masked []int32 // numbers of the pixels inside the mask; nil before aim
	shown  shown
	chosen []int32                // numbers of the pixels that images and columns have; nil: all
	recent [recentImages]rendered // the latest images, the last one first
	column []int                  // of every uniform of the scene, see sortTerms
	crew   *kernel.Crew

	// What evaluations work in. The first ones make it, so that an iteration
	// after them allocates nothing.
	point       []float64 // memory of render
	costs       *costs
	derivatives *linear
	slopeImage  []float32 // the slope view's, which nobody looks at
	reverse     reverse
	masks       masks
}

// rendered is an image and the point (see pointOf) that it shows.
type rendered struct {
	shows bool // else it is only memory
	point []float64
	image []float32
}

// recentImages is how many images a view keeps. A solver asks for that of the
// point that it accepts again; the end of a fit shows its start and its end.
const recentImages = 3

// render returns the image of a view; nobody may change it. It stays until
// recentImages others were rendered.
func (v *levelView) render(ctx context.Context, vec *scene.Vector) ([]float32, error) {
	v.point = vec.AppendNumbers(v.point[:0])
	for i := range v.recent {
		if r := &v.recent[i]; r.shows && slices.Equal(r.point, v.point) {
			return r.image, nil
		}
	}
	image, err := v.view.RenderInto(ctx, vec.Scene(), v.oldest(vec))
	if err != nil {
		return nil, err
	}
	v.remember(vec, image)
	return image, nil
}

// oldest is the memory of the image that the next one takes the place of. The
// first one brings that of all: they are filled one after the other.
func (v *levelView) oldest(vec *scene.Vector) []float32 {
	last := &v.recent[recentImages-1]
	if last.shows = false; last.image == nil {
		for i := range v.recent {
			v.recent[i] = rendered{false, pointOf(vec), room[float32](nil, 3*len(v.pixels))}
		}
	}
	return last.image
}

// remember keeps an image, which may lie in the oldest one's memory, for render.
func (v *levelView) remember(vec *scene.Vector, image []float32) {
	last := v.recent[recentImages-1]
	copy(v.recent[1:], v.recent[:])
	v.recent[0] = rendered{true, vec.AppendNumbers(last.point[:0]), image}
}

// forget keeps no image.
func (v *levelView) forget() {
	for i := range v.recent {
		v.recent[i].shows = false
	}
}

// openLevel opens every view at a scale for the parameters of vec. A level that is to run alone beside
// others like it serves any start; one with masks by object has to settle.
func (f *fitter) openLevel(vec *scene.Vector, scale int, alone bool) (*level, error) {
	l := &level{scale: scale, params: movedUniforms(vec), crew: f.crew}
	var factor func(float64) float64
	l.loss, factor = lossOf(f.start.Fit.Loss)
	for i := range f.targets {
		v, err := f.openLevelView(i, l, factor, alone)
		if err != nil {
			l.close()
			return nil, err
		}
		l.views = append(l.views, v)
		l.masked = l.masked || v.mask != nil
	}
	l.sum()
	slope := render.Jacobian
	if f.start.Fit.Optimizer.Adam != nil {
		slope = render.Reverse
	}
	if err := l.prepare(slope); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// prepare compiles what derivatives, images and masks need, all at once.
func (l *level) prepare(slope render.Mode) error {
	var work []func() error
	for _, v := range l.views {
		work = append(work, func() error { return v.slope.Prepare(slope) }, func() error { return v.view.Prepare(render.Primal) })
		if v.mask != nil {
			work = append(work, func() error { return v.view.Prepare(render.Cover) })
		}
	}
	errs := make([]error, len(work))
	l.crew.Each(len(work), func(i int) { errs[i] = work[i]() })
	return first(errs)
}

// sum counts the weights.
func (l *level) sum() {
	l.total, l.count = 0, 0
	for _, v := range l.views {
		if v.masked == nil {
			l.add(v.weights)
		}
		for _, i := range v.masked {
			l.add(v.weights[int(i)*v.channels:][:v.channels])
		}
	}
}

// add counts some weights.
func (l *level) add(weights []float64) {
	for _, w := range weights {
		l.total += w
		if w > 0 {
			l.count++
		}
	}
}

func (l *level) close() {
	for _, v := range l.views {
		v.view.Close()
		if v.slope != v.view {
			v.slope.Close()
		}
	}
}

// errNothing is returned where no pixel counts.
var errNothing = errors.New("fit: no pixel counts: the mask is too small, or its object out of the picture")

// openLevelView reduces the target and opens the view for the pixels that
// count. Coarse pixels that a mask or the border cuts are left out: their
// mean does not belong to the pixel's centre.
func (f *fitter) openLevelView(i int, l *level, factor func(float64) float64, alone bool) (*levelView, error) {
	t := &f.targets[i]
	r, err := t.at(l.scale)
	if err != nil {
		return nil, err
	}
	image, weights := r.image, r.weights
	s := f.vec.Scene()
	view := s.View(t.view)
	width, height := image.Width, image.Height // as render reduces it
	v := &levelView{name: t.view, width: width, height: height, channels: image.Channels, crew: f.crew}
	v.residuals = residualsOf(image, weights, func(value float64) float64 { return factor(value) * emphasize(value, view.Emphasis) })
	if len(v.pixels) == 0 {
		return nil, fmt.Errorf("fit: view %s at 1/%d of the resolution: %w", t.view, l.scale, errNothing)
	}
	o := viewOptions{scale: l.scale, seed: f.viewSeed(i), alone: alone}
	if view.Mask != nil && view.Mask.Object != "" {
		v.mask, v.all, v.base, o.movable = view.Mask, v.residuals, v.weights, true
		v.weights = slices.Clone(v.base)
	}
	if len(v.pixels) < width*height {
		o.pixels = v.pixels
	}
	return v, f.openBoth(s, v, o, l.params, s.Camera(view.Camera).Samples)
}

// residualsOf are the pixels of a target with a whole weight.
func residualsOf(target, weights *film.Image, weight func(target float64) float64) residuals {
	n := 0
	for _, w := range weights.Pix {
		if w > 0.999 {
			n++
		}
	}
	channels := target.Channels
	r := residuals{make([]int32, 0, n), make([]float32, 0, n*channels), make([]float64, 0, n*channels)}
	for p, w := range weights.Pix {
		if w > 0.999 {
			r.pixels = append(r.pixels, int32(p))
			for _, value := range target.Pix[p*channels : (p+1)*channels] {
				r.target = append(r.target, value)
				r.weights = append(r.weights, weight(float64(value)))
			}
		}
	}
	return r
}

// slopeSeed is what the seed of the derivatives' samples differs by.
const slopeSeed = 0x9e3779b9

// viewSeed is the seed of view i: the samples of two views must not lie alike
// in their pixels, or what they err by adds up.
func (f *fitter) viewSeed(i int) uint32 { return f.seed + uint32(i)*0x85ebca6b }

// openBoth opens the view for images and the one for derivatives.
func (f *fitter) openBoth(s *scene.Scene, v *levelView, o viewOptions, params []string, samples int) (err error) {
	if samples == 1 {
		o.params = params
		v.view, err = f.open(s, v.name, o)
		v.slope = v.view
		return err
	}
	if v.view, err = f.open(s, v.name, o); err != nil {
		return err
	}
	v.seed, v.slopeSeed = o.seed, o.seed+slopeSeed
	o.params, o.seed = params, v.slopeSeed
	if v.slope, err = f.open(s, v.name, o); err != nil {
		v.view.Close()
	}
	return err
}

// Moved names what the fit of a scene takes derivatives by, at its start: uniforms, and buffers of values for every pixel.
// A scene that fits nothing has neither.
func Moved(s *scene.Scene) (uniforms, perPixel []string, err error) {
	if s.Fit == nil || len(s.Fit.Parameters) == 0 {
		return nil, nil, nil
	}
	start, err := s.AtStart()
	if err != nil {
		return nil, nil, &InputError{fmt.Errorf("fit: %w", err)}
	}
	vec, err := scene.NewVector(start)
	if err != nil {
		return nil, nil, &InputError{fmt.Errorf("fit: %w", err)}
	}
	return movedUniforms(vec), mapPaths(vec), nil
}

// movedUniforms names the uniforms that the local coordinates move, without
// the views' gains and biases, which are applied here. A derivative can happen
// to be zero at one point; so it is looked for at two further ones.
func movedUniforms(vec *scene.Vector) []string {
	uniforms := scene.Uniforms(vec.Scene())
	own := map[string]bool{}
	for _, v := range vec.Scene().Views {
		own[v.Name+".gain"], own[v.Name+".bias"] = true, true
	}
	delta := make([]float64, vec.Dim())
	moved := make([]bool, len(uniforms))
	for trial := range 3 {
		for i := range delta {
			delta[i] = float64(trial) * 1e-3 * float64(1+(i*7+trial*3)%5)
		}
		for _, e := range vec.At(vec.Retract(delta)).JacobianPhys() {
			moved[e.Row] = true
		}
	}
	var names []string
	for i, u := range uniforms {
		if moved[i] && !own[u.Name] {
			names = append(names, u.Name)
		}
	}
	return names
}

// valueOf is what residual i compares with its target: of gray ones the
// luminance, otherwise a channel.
func (v *levelView) valueOf(image []float32, i int) float64 {
	if v.channels == 1 {
		return luminance((*[3]float32)(image[3*i:]))
	}
	return float64(image[i])
}

// luminance is that of film.Image.Gray: Rec. 709.
func luminance(rgb *[3]float32) float64 {
	return 0.2126*float64(rgb[0]) + 0.7152*float64(rgb[1]) + 0.0722*float64(rgb[2])
}

// image puts the pixels of a view back on its raster, gain and bias applied;
// pixels that do not count are black.
func (v *levelView) image(s *scene.Scene, pixels []float32) *film.Image {
	out := film.New(v.width, v.height, 3)
	view := s.View(v.name)
	for i, p := range v.pixels {
		for c := range 3 {
			out.Pix[int(p)*3+c] = float32(view.Gain*float64(pixels[3*i+c]) + view.Bias)
		}
	}
	return out
}

func indexOf(names []string) map[string]int {
	index := make(map[string]int, len(names))
	for i, n := range slices.All(names) {
		index[n] = i
	}
	return index
}

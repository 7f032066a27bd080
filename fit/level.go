package fit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/film"
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
	aimed  []float64 // the point that the masks were taken at
}

// levelView is one view of a level. Pixels are those that may count, in order.
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
	pixels    []int32
	channels  int       // 1 (compared as luminance) or 3
	target    []float32 // pixels x channels
	weights   []float64 // pixels x channels: mask times the loss's own factor
	// A mask by object follows the object: aim makes weights from these.
	mask   *scene.Mask
	base   []float64
	recent []rendered // the latest images, the last one first
	column []int      // of every uniform of the scene, see terms
}

// rendered is an image and the point (see pointOf) that it shows.
type rendered struct {
	point []float64
	image []float32
}

// recentImages is how many images a view keeps. A solver asks for that of the
// point that it accepts again; the end of a fit shows its start and its end.
const recentImages = 3

// render returns the image of a view; nobody may change it.
func (v *levelView) render(ctx context.Context, vec *scene.Vector) ([]float32, error) {
	point := pointOf(vec)
	for _, r := range v.recent {
		if slices.Equal(r.point, point) {
			return r.image, nil
		}
	}
	image, err := v.view.Render(ctx, vec.Scene())
	if err != nil {
		return nil, err
	}
	v.recent = slices.Insert(v.recent[:min(len(v.recent), recentImages-1)], 0, rendered{point, image})
	return image, nil
}

// openLevel opens every view at a scale for the parameters of vec: for the
// pixels around the masks at vec's scene, or, if it is to run alone beside
// others like it, for all pixels, so that it serves any start.
func (f *fitter) openLevel(ctx context.Context, vec *scene.Vector, scale int, alone bool) (*level, error) {
	l := &level{scale: scale, params: movedUniforms(vec)}
	var factor func(float64) float64
	l.loss, factor = lossOf(f.start.Fit.Loss)
	for i := range f.targets {
		v, err := f.openLevelView(ctx, vec.Scene(), i, l, factor, alone)
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

// prepare compiles what images and derivatives need, all at once.
func (l *level) prepare(slope render.Mode) error {
	errs := make([]error, 2*len(l.views))
	inParallel(len(errs), func(i int) {
		if v := l.views[i/2]; i%2 == 0 {
			errs[i] = v.slope.Prepare(slope)
		} else {
			errs[i] = v.view.Prepare(render.Primal)
		}
	})
	return first(errs)
}

// sum counts the weights.
func (l *level) sum() {
	l.total, l.count = 0, 0
	for _, v := range l.views {
		for _, w := range v.weights {
			l.total += w
			if w > 0 {
				l.count++
			}
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

// aim takes the masks by object anew at a point. They stay until the next
// call, so that costs compare.
func (l *level) aim(ctx context.Context, vec *scene.Vector) error {
	if !l.masked {
		return nil
	}
	point := pointOf(vec)
	if l.aimed == nil || !slices.Equal(l.aimed, point) {
		l.aimed = nil
		for _, v := range l.views {
			if err := v.aim(ctx, vec.Scene(), l.scale); err != nil {
				return err
			}
		}
		l.sum()
		l.aimed = point
	}
	if l.count == 0 {
		return errNothing
	}
	return nil
}

// aim makes weights of the mask by object at a scene. What the mask leaves out
// is not rendered as long as it does.
func (v *levelView) aim(ctx context.Context, s *scene.Scene, scale int) error {
	if v.mask == nil {
		return nil
	}
	hit, err := v.view.MaskOf(ctx, s, v.mask.Object, 0)
	if err != nil {
		return err
	}
	inside := make([]bool, v.width*v.height)
	for i, p := range v.pixels {
		inside[p] = hit[i]
	}
	inside = shrink(inside, v.width, v.height, v.mask.Margin/float64(scale))
	clear(v.weights)
	chosen := make([]int32, 0, len(v.pixels))
	for i, p := range v.pixels {
		if inside[p] {
			chosen = append(chosen, int32(i))
			copy(v.weights[i*v.channels:(i+1)*v.channels], v.base[i*v.channels:])
		}
	}
	if v.slope == v.view { // else a trial's image serves the next mask, too
		v.choose(chosen)
	}
	return nil
}

// choose renders only these pixels from now on, nil: all.
func (v *levelView) choose(pixels []int32) {
	v.view.Choose(pixels)
	v.recent = nil
}

// chooseAll renders all pixels until the masks are taken anew.
func (l *level) chooseAll() {
	if !l.masked {
		return
	}
	for _, v := range l.views {
		v.choose(nil)
	}
	l.aimed = nil
}

// reach is how far (as a share of the longer side of the picture) around a
// mask by object pixels are kept for the object to move within a level.
const reach = 0.06

// openLevelView reduces the target and opens the view for the pixels that
// count. Coarse pixels that a mask or the border cuts are left out: their
// mean does not belong to the pixel's centre.
func (f *fitter) openLevelView(ctx context.Context, s *scene.Scene, i int, l *level, factor func(float64) float64, alone bool) (*levelView, error) {
	t := &f.targets[i]
	image, weights, err := t.image.DownsampleWeighted(t.weights, l.scale)
	if err != nil {
		return nil, err
	}
	view := s.View(t.view)
	width, height := image.Width, image.Height // as render reduces it
	v := &levelView{name: t.view, width: width, height: height, channels: image.Channels}
	var near []bool
	if view.Mask != nil && view.Mask.Object != "" {
		v.mask = view.Mask
		if !alone {
			if near, err = f.around(ctx, s, v, l.scale); err != nil {
				return nil, err
			}
		}
	}
	for y := range height {
		for x := range width {
			if p := y*width + x; weights.At(x, y)[0] > 0.999 && (near == nil || near[p]) {
				v.add(int32(p), image.At(x, y), func(value float64) float64 { return factor(value) * emphasize(value, view.Emphasis) })
			}
		}
	}
	if len(v.pixels) == 0 {
		return nil, fmt.Errorf("fit: view %s at 1/%d of the resolution: %w", t.view, l.scale, errNothing)
	}
	if v.mask != nil {
		v.base = slices.Clone(v.weights)
	}
	o := viewOptions{scale: l.scale, seed: f.viewSeed(i), alone: alone}
	if len(v.pixels) < width*height || v.mask != nil {
		o.pixels = v.pixels
	}
	return v, f.openBoth(s, v, o, l.params, s.Camera(view.Camera).Samples)
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

// add appends one pixel.
func (v *levelView) add(p int32, values []float32, weight func(target float64) float64) {
	v.pixels = append(v.pixels, p)
	for _, value := range values {
		v.target = append(v.target, value)
		v.weights = append(v.weights, weight(float64(value)))
	}
}

// around is the mask of a view by object, without its margin and grown by the
// reach.
func (f *fitter) around(ctx context.Context, s *scene.Scene, v *levelView, scale int) ([]bool, error) {
	masker, err := f.masker(s, v.name, scale)
	if err != nil {
		return nil, err
	}
	inside, err := masker.MaskOf(ctx, s, v.mask.Object, 0)
	if err != nil {
		return nil, err
	}
	return shrink(inside, v.width, v.height, -math.Ceil(reach*float64(max(v.width, v.height)))), nil
}

// masker returns the view that masks by object are taken from; it is kept.
func (f *fitter) masker(s *scene.Scene, name string, scale int) (openView, error) {
	key := maskerKey{name, scale}
	if v, ok := f.maskers[key]; ok {
		return v, nil
	}
	v, err := f.open(s, name, viewOptions{scale: scale, samples: 1, seed: f.seed})
	if err == nil {
		f.maskers[key] = v
	}
	return v, err
}

type maskerKey struct {
	view  string
	scale int
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

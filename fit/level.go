package fit

import (
	"context"
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

// level is all views at one scale of the pyramid, with what they are compared
// to. Its cost at a scene is the sum over the residuals of weight * rho(r),
// r = gain * rendered + bias - target.
type level struct {
	scale  int
	views  []*levelView
	loss   optim.Loss
	params []string // uniforms with derivatives, the same for every view
	total  float64  // sum of the weights
	count  int      // residuals with a weight
}

// levelView is one view of a level. Pixels are those with a weight, in order.
type levelView struct {
	name     string
	view     openView
	width    int
	pixels   []int32
	channels int       // 1 (compared as luminance) or 3
	target   []float32 // pixels x channels
	weights  []float64 // pixels x channels: mask times the loss's own factor
}

// openLevel opens every view at a scale for the parameters of vec, which
// stands at the scene where a mask by object is taken.
func (f *fitter) openLevel(ctx context.Context, vec *scene.Vector, scale int) (*level, error) {
	l := &level{scale: scale, params: movedUniforms(vec)}
	var factor func(float64) float64
	l.loss, factor = lossOf(f.start.Fit.Loss)
	for i := range f.targets {
		v, err := f.openLevelView(ctx, vec.Scene(), i, l, factor)
		if err != nil {
			l.close()
			return nil, err
		}
		l.views = append(l.views, v)
		for _, w := range v.weights {
			l.total += w
		}
		l.count += len(v.weights)
	}
	return l, nil
}

func (l *level) close() {
	for _, v := range l.views {
		v.view.Close()
	}
}

// openLevelView reduces the target, takes the mask and opens the view for the
// pixels that count. Coarse pixels that a mask or the border cuts are left
// out: their mean does not belong to the pixel's centre.
func (f *fitter) openLevelView(ctx context.Context, s *scene.Scene, i int, l *level, factor func(float64) float64) (*levelView, error) {
	t := &f.targets[i]
	image, weights, err := t.image.DownsampleWeighted(t.weights, l.scale)
	if err != nil {
		return nil, err
	}
	width, height := s.Camera(s.View(t.view).Camera).Resolution[0]/l.scale, s.Camera(s.View(t.view).Camera).Resolution[1]/l.scale
	inside, err := f.objectMask(ctx, s, t.view, l.scale)
	if err != nil {
		return nil, err
	}
	v := &levelView{name: t.view, width: width, channels: image.Channels}
	emphasis := s.View(t.view).Emphasis
	for y := range height {
		for x := range width {
			if p := y*width + x; weights.At(x, y)[0] > 0.999 && (inside == nil || inside[p]) {
				v.pixels = append(v.pixels, int32(p))
				for _, value := range image.At(x, y) {
					v.target = append(v.target, value)
					v.weights = append(v.weights, factor(float64(value))*emphasize(float64(value), emphasis))
				}
			}
		}
	}
	if len(v.pixels) == 0 {
		return nil, fmt.Errorf("fit: view %s: no pixel counts at 1/%d of the resolution: the mask is too small, or its object out of the picture", t.view, l.scale)
	}
	o := viewOptions{scale: l.scale, seed: f.seed, params: l.params, maps: f.mapPaths}
	if len(v.pixels) < width*height {
		o.pixels = v.pixels
	}
	if v.view, err = f.open(s, t.view, o); err != nil {
		return nil, err
	}
	return v, nil
}

// objectMask is the mask of a view by object, nil where it has none.
func (f *fitter) objectMask(ctx context.Context, s *scene.Scene, name string, scale int) ([]bool, error) {
	m := s.View(name).Mask
	if m == nil || m.Object == "" {
		return nil, nil
	}
	view, err := f.masker(s, name, scale)
	if err != nil {
		return nil, err
	}
	return view.MaskOf(ctx, s, m.Object, m.Margin/float64(scale))
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

// channelValue is residual channel c of an RGB triple.
func channelValue(rgb []float32, c, channels int) float64 {
	if channels == 1 {
		return luminance(rgb)
	}
	return float64(rgb[c])
}

// luminance is that of film.Image.Gray: Rec. 709.
func luminance(rgb []float32) float64 {
	return 0.2126*float64(rgb[0]) + 0.7152*float64(rgb[1]) + 0.0722*float64(rgb[2])
}

// image puts the pixels of a view back on its raster, gain and bias applied;
// pixels that do not count are black.
func (v *levelView) image(s *scene.Scene, pixels []float32, height int) *film.Image {
	out := film.New(v.width, height, 3)
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

package fit

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"sync"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/scene"
)

// target is what a view is compared with, at full resolution.
type target struct {
	view    string
	image   *film.Image                     // linear; 1 or 3 channels
	weights *film.Image                     // 1 channel, 0 or 1
	scaled  map[int]func() (reduced, error) // see keep
	png     func() []byte                   // its file, see encodeTargets
}

// reduced is a target at one scale of the pyramid.
type reduced struct{ image, weights *film.Image }

// at is the target at a scale.
func (t *target) at(scale int) (r reduced, err error) {
	if scale == 1 {
		return reduced{t.image, t.weights}, nil
	}
	if once := t.scaled[scale]; once != nil {
		return once()
	}
	r.image, r.weights, err = t.image.DownsampleWeighted(t.weights, scale)
	return r, err
}

// keep makes the target at these scales only once.
func (t target) keep(scales []int) target {
	whole := t
	t.scaled = map[int]func() (reduced, error){}
	for _, scale := range scales {
		t.scaled[scale] = sync.OnceValues(func() (reduced, error) { return whole.at(scale) })
	}
	return t
}

// loadTargets reads or renders the target of every view.
func (f *fitter) loadTargets(ctx context.Context) error {
	for i := range f.start.Views {
		t, err := f.loadTarget(ctx, i)
		if err != nil {
			return err
		}
		f.targets = append(f.targets, t.keep(f.pyramid()))
	}
	return nil
}

func (f *fitter) loadTarget(ctx context.Context, i int) (target, error) {
	v := &f.start.Views[i]
	t := target{view: v.Name}
	var err error
	if v.Image == "" {
		t.image, err = f.synthesize(ctx, i)
		if err != nil {
			return t, err
		}
	} else if t.image, err = loadImage(f.start, v); err != nil {
		return t, &InputError{err}
	}
	t.weights, err = maskWeights(f.start, v, t.image)
	if err != nil {
		return t, &InputError{err}
	}
	for _, w := range t.weights.Pix {
		if w > 0 {
			return t, nil
		}
	}
	return t, &InputError{fmt.Errorf("fit: view %s: no pixel counts, expected some inside mask and valid range", v.Name)}
}

// loadImage reads a target and checks it against its camera. Alpha is dropped.
func loadImage(s *scene.Scene, v *scene.View) (*film.Image, error) {
	encoding, err := film.ParseEncoding(v.Encoding)
	if err != nil {
		return nil, err
	}
	path := fileOf(s, v.Image)
	im, err := film.Load(path, encoding)
	if err != nil {
		return nil, err
	}
	camera := s.Camera(v.Camera)
	if im.Width != camera.Resolution[0] || im.Height != camera.Resolution[1] {
		return nil, fmt.Errorf("fit: %s is %dx%d, expected %dx%d as camera %s",
			path, im.Width, im.Height, camera.Resolution[0], camera.Resolution[1], camera.Name)
	}
	if err := im.CheckFinite(); err != nil {
		return nil, fmt.Errorf("fit: %s: %w", path, err)
	}
	return withoutAlpha(im), nil
}

// fileOf is where a file that the scene names is.
func fileOf(s *scene.Scene, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.Dir, name)
}

func withoutAlpha(im *film.Image) *film.Image {
	if im.Channels == 1 || im.Channels == 3 {
		return im
	}
	colors := 3
	if im.Channels == 2 {
		colors = 1
	}
	out := film.New(im.Width, im.Height, colors)
	for i := range im.Width * im.Height {
		copy(out.Pix[i*colors:(i+1)*colors], im.Pix[i*im.Channels:])
	}
	return out
}

// synthesize renders view i from the parameters' truth, as a camera would
// take it: another seed and more samples than the fit has, noise, and values
// in so many bits. Without these a fit would meet its own errors again and
// look better than it is (the inverse crime).
func (f *fitter) synthesize(ctx context.Context, i int) (*film.Image, error) {
	v := &f.truth.Views[i]
	how := f.synthetic()
	view, err := f.open(f.truth, v.Name, viewOptions{scale: 1, samples: how.Samples, seed: (uint32(how.Seed) ^ 0x5eed0000) + uint32(i)*0x85ebca6b})
	if err != nil {
		return nil, err
	}
	defer view.Close()
	if len(f.mapPaths) > 0 {
		return nil, fmt.Errorf("fit: view %s: per-pixel parameters have no truth to render, expected an image", v.Name)
	}
	pixels, err := view.RenderInto(ctx, f.truth, nil)
	if err != nil {
		return nil, err
	}
	width, height := view.Size()
	im := film.New(width, height, 3)
	random := &scene.Random{Key: uint64(how.Seed), Stream: uint64(i) + 1<<32, Substream: 1}
	for k, x := range pixels {
		value := v.Gain*float64(x) + v.Bias + how.Noise*gaussian(random)
		im.Pix[k] = float32(quantise(value, how.Bits, v.Encoding))
	}
	return im, nil
}

// synthetic is the scene's section, or its defaults.
func (f *fitter) synthetic() scene.Synthetic {
	if how := f.start.Fit.Synthetic; how != nil {
		return *how
	}
	return scene.Synthetic{Samples: 64, Seed: 7, Bits: 8}
}

// gaussian draws from the standard normal distribution (Box and Muller).
func gaussian(r *scene.Random) float64 {
	u, v := 1-r.Float64(), r.Float64()
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}

// quantise is what an image file of so many bits keeps of a linear value;
// 0 bits keep all of it.
func quantise(value float64, bits int, encoding string) float64 {
	if bits == 0 {
		return value
	}
	steps := float64(uint(1)<<bits - 1)
	value = math.Min(1, math.Max(0, value))
	if encoding == scene.Linear {
		return math.Round(value*steps) / steps
	}
	return film.SRGBToLinear(math.Round(film.LinearToSRGB(value)*steps) / steps)
}

package render

import (
	"github.com/baremetaldevx86/microdr/scene"
	"github.com/baremetaldevx86/microdr/trace"
)

// sample is one lane's place: a pixel, a position in the image and random numbers for the lights.
type sample struct {
	pixel trace.Int     // row-major; none of the image's in the padding of a run
	at    trace.Vec2    // in pixels, pixel-edge coordinates
	index trace.Int     // of the sample in its pixel
	words [4]trace.Uint // random, of the pixel
}

// Names of the uniforms that modules add to the scene's.
const (
	uniformBase = "render.base" // number of the first pixel of the run, where the pixels are not listed
	uniformSeed = "render.seed"
)

// noPixel stands in lists of pixels for the padding.
const noPixel = -1

// Samples of a pixel form a rank-1 lattice (j/n, j*alpha mod 1), alpha the golden ratio's fraction, shifted modulo 1 by
// the pixel's own random vector: each sample is uniform, together they are as even as a stratified grid, for any n.
// Further dimensions use the fractions of the next badly approximable numbers (Roberts 2018, the R_d sequences).
const (
	goldenRatio  = 0.6180339887498949
	plasticRatio = 0.7548776662466927
)

// sample returns the lane's sample.
func (t *tracer) sample() sample {
	n := t.Samples
	s := sample{pixel: t.Lane().Over(n), index: t.Lane().Mod(n)}
	if t.buffers.pixels >= 0 {
		s.pixel = trace.Int{R: t.Recorder, V: t.B.Gather(t.buffers.pixels, s.pixel.V)}
	} else {
		s.pixel = t.UniformInt(uniformBase).Add(s.pixel)
	}
	s.words = t.philox(0, s.pixel)
	corner := trace.Vec2{X: s.pixel.Mod(t.width).Float(), Y: s.pixel.Over(t.width).Float()}
	s.at = corner.Add(t.Vec2(0.5, 0.5))
	if n > 1 {
		s.at = s.at.Add(t.filter(s.lattice(0, 1/float64(n)), s.lattice(1, goldenRatio)))
	}
	return s
}

// inside tells that a sample is none of the padding of a run.
func (t *tracer) inside(s sample) trace.Bool {
	if t.buffers.pixels >= 0 {
		return t.Int(noPixel).Lt(s.pixel)
	}
	return s.pixel.Lt(t.Int(t.count))
}

// lattice returns the sample's number in [0, 1) along a dimension whose step is alpha.
func (s sample) lattice(dimension int, alpha float64) trace.Float {
	return s.index.Float().Times(alpha).Add(fraction(s.words[dimension])).Fract()
}

// philox returns the four words of Philox4x32-10 (see trace.Philox) of a pixel in a stream.
func (t *tracer) philox(stream uint32, pixel trace.Int) [4]trace.Uint {
	counter := [4]trace.Uint{pixel.Uint(), t.Uint(stream), t.Uint(0), t.Uint(0)}
	return trace.Philox(counter, [2]trace.Uint{t.UniformUint(uniformSeed), t.Uint(0)})
}

// filter turns two uniform numbers into an offset from the pixel's centre, distributed as the pixel filter: then all
// samples weigh the same.
func (t *tracer) filter(x, y trace.Float) trace.Vec2 {
	f := t.camera.Filter
	switch {
	case f.Tent != nil:
		return trace.Vec2{X: tent(x, *f.Tent), Y: tent(y, *f.Tent)}
	case f.Gaussian != nil:
		// Box and Muller's transform; 1-x is never 0.
		r := x.From(1).Log().Times(-2).AtLeast(0).Sqrt().Times(*f.Gaussian)
		angle := y.Times(2 * 3.141592653589793)
		return trace.Vec2{X: r.Mul(angle.Cos()), Y: r.Mul(angle.Sin())}
	}
	width := boxWidth(f)
	return trace.Vec2{X: x.Minus(0.5).Times(width), Y: y.Minus(0.5).Times(width)}
}

// tent inverts the distribution of a triangle of full width w.
func tent(x trace.Float, w float64) trace.Float {
	s := x.Times(2).Minus(1)
	r := s.Abs().From(1).AtLeast(0).Sqrt().From(1).Times(w / 2)
	return s.Below(0).Select(r.Neg(), r)
}

func boxWidth(f scene.Filter) float64 {
	if f.Box != nil {
		return *f.Box
	}
	return 1
}

// filterVariance is the variance of the pixel filter along one axis, in pixels^2.
func filterVariance(f scene.Filter) float64 {
	switch {
	case f.Tent != nil:
		return *f.Tent * *f.Tent / 24
	case f.Gaussian != nil:
		return *f.Gaussian * *f.Gaussian
	}
	w := boxWidth(f)
	return w * w / 12
}

// lensVariance is the variance in pixels^2 of the footprint that is integrated analytically around one sample: the
// whole filter for a single sample (at the pixel's centre), its share for several, and the camera's own blur, which
// is given in pixels of the full resolution.
func (t *tracer) lensVariance() trace.Float {
	blur := t.Uniform(t.camera.Name + ".blur").Over(float64(t.Scale))
	return blur.Sq().Plus(filterVariance(t.camera.Filter) / float64(t.Samples))
}

// disc returns the sample's point of the unit disc for light k, uniform in area.
func (t *tracer) disc(s sample, k int) trace.Vec2 {
	words := t.philox(uint32(1+k), s.pixel)
	s.words[2], s.words[3] = words[2], words[3]
	radius := s.lattice(2, plasticRatio).Sqrt()
	angle := s.lattice(3, plasticRatio*plasticRatio).Times(2 * 3.141592653589793)
	return trace.Vec2{X: radius.Mul(angle.Cos()), Y: radius.Mul(angle.Sin())}
}

package render_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

// The derivative of an image is checked through numbers that are linear in it: its mean, and its mean with random
// weights. The reference is central differences of the float64 oracle with Richardson's extrapolation: the truncation
// error goes as the fourth power of the step. The wider pair of its images differs by a motion of the boundary of at
// least 20 spacings of the samples, which is measured (in the closer pair, where it is half of that) or,
// where resting edges beside the moving one spoil the measurement, follows from a known speed. The estimate is the mean over independent seeds, its
// standard error taken from their scatter.

// minimumMotion is in spacings of the samples.
const minimumMotion = 20

// functional is a number that is linear in an image: the mean over its pixels and channels of weight * value.
type functional struct {
	name    string
	weights []float64 // one for each pixel
}

// minimumShare is the least that may remain of a random functional of the derivative when its positive and negative
// parts cancel, as a share of what it would be without signs: where nearly all cancels, 3 % of the rest measures little.
const minimumShare = 0.5

// functionals returns the mean and a random functional: smooth, of mean zero, in [-1, 1] (rough ones would need far
// smaller steps). Of the seeds 1, 2, ... it takes the first with at least minimumShare of the reference's derivative;
// no estimate has a say in that. Without a reference it takes seed 1.
func functionals(v *scene.Vector, reference []float64) []functional {
	width, height := resolution(v)
	mean := functional{"mean", make([]float64, width*height)}
	for i := range mean.weights {
		mean.weights[i] = 1
	}
	for seed := uint64(1); ; seed++ {
		random := functional{fmt.Sprintf("random functional %d", seed), waves(seed, width, height)}
		signed, unsigned := 0.0, 0.0
		for i, x := range reference {
			signed += x * random.weights[i/3]
			unsigned += math.Abs(x * random.weights[i/3])
		}
		if math.Abs(signed) >= minimumShare*unsigned {
			return []functional{mean, random}
		}
	}
}

// waves returns a random sum of plane waves no shorter than about a quarter of the image, of mean zero, in [-1, 1].
func waves(seed uint64, width, height int) []float64 {
	random := scene.Random{Key: seed}
	w := make([]float64, width*height)
	for range 8 {
		a, b, phase := (random.Float64()-0.5)*8*math.Pi, (random.Float64()-0.5)*8*math.Pi, random.Float64()*2*math.Pi
		for i := range w {
			w[i] += math.Cos(a*float64(i%width)/float64(width) + b*float64(i/width)/float64(height) + phase)
		}
	}
	mean, largest := 0.0, 0.0
	for _, x := range w {
		mean += x / float64(len(w))
	}
	for i := range w {
		w[i] -= mean
		largest = max(largest, math.Abs(w[i]))
	}
	for i := range w {
		w[i] /= largest
	}
	return w
}

// of applies the functional to an image.
func (f functional) of(image []float64) (sum float64) {
	for i, x := range image {
		sum += f.weights[i/3] * x
	}
	return sum / float64(len(image))
}

// adjoint is the derivative of the functional by the image.
func (f functional) adjoint() []float32 {
	out := make([]float32, 3*len(f.weights))
	for i := range out {
		out[i] = float32(f.weights[i/3] / float64(len(out)))
	}
	return out
}

// parameter returns the scene's vector of one parameter.
func parameter(t *testing.T, c gradientCase) *scene.Vector {
	t.Helper()
	s, err := scene.Parse(c.name, []byte(c.scene))
	if err != nil {
		t.Fatal(err)
	}
	v, err := scene.NewVectorOf(s, []scene.Parameter{{Path: c.path}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func resolution(v *scene.Vector) (width, height int) {
	r := v.Scene().Cameras[0].Resolution
	return r[0], r[1]
}

func scaled(v []float64, by float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = x * by
	}
	return out
}

// reference is what the differences yield.
type reference struct {
	derivative []float64 // of the image
	motion     float64   // of the boundary between the wider pair of images, in spacings of the samples
}

// differences returns the derivative of the image by Richardson's extrapolation of central differences.
func differences(t *testing.T, c gradientCase, v *scene.Vector, samples int) reference {
	view := open(t, v.Scene(), render.Options{Samples: samples}, kernel.Float64)
	at := func(x float64) []float64 {
		image, err := view.RenderF64(context.Background(), v.Retract(scaled(c.direction, x)))
		if err != nil {
			t.Fatal(err)
		}
		return image
	}
	wideTo, wideFrom := at(c.step), at(-c.step)
	to, from := at(c.step/2), at(-c.step/2)
	d := make([]float64, len(to))
	for i := range d {
		wide, narrow := (wideTo[i]-wideFrom[i])/(2*c.step), (to[i]-from[i])/c.step
		d[i] = narrow + (narrow-wide)/3
	}
	width, height := view.Size()
	moved := 2 * c.step * c.speed
	if c.speed == 0 {
		moved = 2 * motion(from, to, width, height)
	}
	return reference{d, moved * math.Sqrt(float64(samples))}
}

func (r reference) checkMotion(t *testing.T) {
	t.Helper()
	if t.Logf("the boundary moves by %.1f spacings", r.motion); r.motion < minimumMotion {
		t.Errorf("the step moves the boundary by %.1f spacings of the samples, less than %d", r.motion, minimumMotion)
	}
}

// motion measures by how many pixels boundaries move between two images. In a window around an edge, the sum of the
// changes over the sum of the gradients is the edge's motion along its normal. The result is its mean over all windows
// with edges (at least a third of the strongest window's gradient), weighted by the change: edges that rest count for
// nothing in it, as in the derivative.
func motion(from, to []float64, width, height int) float64 {
	const reach = 2
	change, slope := make([]float64, width*height), make([]float64, width*height)
	middle := func(i int) float64 { return (from[3*i+1] + to[3*i+1]) / 2 }
	for y := 1; y < height-1; y++ {
		for x := 1; x < width-1; x++ {
			i := y*width + x
			change[i] = math.Abs(to[3*i+1] - from[3*i+1])
			slope[i] = math.Hypot(middle(i+1)-middle(i-1), middle(i+width)-middle(i-width)) / 2
		}
	}
	var changes, slopes []float64
	strongest := 0.0
	for y := reach; y < height-reach; y++ {
		for x := reach; x < width-reach; x++ {
			c, s := 0.0, 0.0
			for j := y - reach; j <= y+reach; j++ {
				for i := x - reach; i <= x+reach; i++ {
					c, s = c+change[j*width+i], s+slope[j*width+i]
				}
			}
			changes, slopes, strongest = append(changes, c), append(slopes, s), max(strongest, s)
		}
	}
	sum, weight := 0.0, 0.0
	for i, c := range changes {
		if slopes[i] > strongest/3 {
			sum, weight = sum+c*c/slopes[i], weight+c
		}
	}
	return sum / weight
}

// estimator says how a derivative is estimated.
type estimator struct {
	gradientCase
	vector  *scene.Vector
	band    float64
	samples int
}

// rates returns the uniforms that the parameter moves, and how fast.
func (e estimator) rates() (params []string, tangent []float64) {
	names := scene.Uniforms(e.vector.Scene())
	rates := map[string]float64{}
	for _, entry := range e.vector.JacobianPhys() {
		name := names[entry.Row].Name
		if _, ok := rates[name]; !ok {
			params = append(params, name)
		}
		rates[name] += entry.Value * e.direction[entry.Col]
	}
	for _, name := range params {
		tangent = append(tangent, rates[name])
	}
	return params, tangent
}

const firstSeed = 100

// view returns the scene's view with the parameters that move, and their rates.
func (e estimator) view(t *testing.T, p kernel.Precision) (v *render.View, tangent []float64) {
	params, tangent := e.rates()
	return open(t, e.vector.Scene(), render.Options{Samples: e.samples, Params: params, Band: e.band}, p), tangent
}

// forward returns the derivatives of the image for several seeds, by forward mode.
func (e estimator) forward(t *testing.T, seeds int, p kernel.Precision) (out [][]float64) {
	view, tangent := e.view(t, p)
	for seed := range seeds {
		view.SetSeed(uint32(firstSeed + seed))
		_, d, err := view.ForwardF64(context.Background(), e.vector.Scene(), tangent)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
	return out
}

// modesTolerance is how much reverse mode in float32 and forward mode in float64 may differ on the same samples, as a
// share of the functional's sum without signs: float32 puts single samples on the other side of an edge.
const modesTolerance = 0.01

// checkModes holds reverse mode in float32, which fits use, to forward mode in float64.
func (e estimator) checkModes(t *testing.T, fs []functional) {
	t.Helper()
	d := e.forward(t, 1, kernel.Float64)[0]
	view, tangent := e.view(t, kernel.Float32)
	view.SetSeed(firstSeed)
	for _, f := range fs {
		_, gradient, err := view.Gradient(context.Background(), e.vector.Scene(), f.adjoint())
		if err != nil {
			t.Fatal(err)
		}
		forward, reverse, size := f.of(d), 0.0, 0.0
		for i, g := range gradient {
			reverse += g * tangent[i]
		}
		for i, x := range d {
			size += math.Abs(x*f.weights[i/3]) / float64(len(d))
		}
		off := (reverse - forward) / size
		if t.Logf("%s: float32 reverse mode off float64 forward mode by %.3f%%", f.name, 100*off); !(math.Abs(off) < modesTolerance) {
			t.Errorf("%s: float32 reverse mode %g, float64 forward mode %g", f.name, reverse, forward)
		}
		if math.Abs(forward) < modesTolerance*size {
			t.Errorf("%s: no gradient at all passes the comparison of modes", f.name)
		}
	}
}

// check holds derivatives of the image to the reference. No gradient at all has to fail the same test.
func (r reference) check(t *testing.T, fs []functional, derivatives [][]float64, tolerance float64) {
	t.Helper()
	for _, f := range fs {
		want := f.of(r.derivative)
		var got []float64
		for _, d := range derivatives {
			got = append(got, f.of(d))
		}
		ok, report := agrees(got, want, tolerance)
		if t.Logf("%s: %s", f.name, report); !ok {
			t.Errorf("%s: %s", f.name, report)
		}
		if ok, _ := agrees(make([]float64, len(got)), want, tolerance); ok {
			t.Errorf("%s: no gradient at all passes this test", f.name)
		}
	}
}

// agrees tells whether estimates agree with a reference within a tolerance, their standard error being under 1 %.
func agrees(got []float64, want, tolerance float64) (ok bool, report string) {
	mean, se := statistics(got)
	off, spread := mean/want-1, se/math.Abs(want)
	return math.Abs(off) < tolerance && spread < 0.01, fmt.Sprintf("%+.3g, reference %+.3g: off by %.2f%%, standard error %.2f%%", mean, want, 100*off, 100*spread)
}

// statistics returns the mean and its standard error.
func statistics(xs []float64) (mean, err float64) {
	n := float64(len(xs))
	for _, x := range xs {
		mean += x / n
	}
	for _, x := range xs {
		err += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(err / n / (n - 1))
}

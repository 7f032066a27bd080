package render_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

// The derivative of an image is checked through two numbers that are linear in it: its mean, and its mean with smooth
// random weights in [0, 2] (rough ones would need far smaller steps, and ones of both signs make sums that cancel). The reference is central differences of the
// float64 oracle with Richardson's extrapolation: the truncation error goes as the fourth power of the step. The step
// moves edges by about a pixel, 20 spacings of the reference's samples. The estimate is the mean over independent
// seeds, its standard error taken from their scatter.

const side = 48 // pixels

// gradientCase is a scene and a direction in which to move one of its parameters.
type gradientCase struct {
	name      string
	scene     string // after head
	path      string
	direction []float64 // in the parameter's local coordinates
	step      float64   // along it
}

const gradientHead = `microdr: 1
camera: {resolution: [48, 48], focal: [36, 36], samples: 64, %s}
background: 0.2
`

const (
	straight = "look_at: {eye: [0, 0, 0], target: [0, 0, -1]}"
	down     = "look_at: {eye: [0, 2, 0], target: [0, 0.4, -4]}"
)

const plain = `lights: {sun: {directional: {direction: [0.4, 0.5, 0.8]}}, sky: {ambient: {irradiance: 0.1}}}
`

const shadowy = `lights: {sun: {directional: {direction: [0.6, 1, 0.3]}, shadows: hard}, sky: {ambient: {irradiance: 0.1}}}
`

func gradientCases() []gradientCase {
	floor := "  floor: {plane: {point: [0, -1, 0]}, material: {diffuse: {albedo: 0.7}}}\n"
	ball := "  ball: {sphere: {center: [0, 0.6, -5], radius: 0.8}, material: {diffuse: {albedo: 0.8}}}\n"
	tilted := "  crate: {box: {center: [0.1, 0.1, -4], size: [1.8, 1.4, 1.6]}, rotation: [0.5, 0.6, 0.1], material: {diffuse: {albedo: 0.8}}}\n"
	at := func(camera, rest string) string { return fmt.Sprintf(gradientHead, camera) + rest }
	return []gradientCase{
		{"sphere radius", at(straight, plain+"objects:\n  ball: {sphere: {center: [0.05, 0.1, -3], radius: 1}, material: {diffuse: {albedo: 0.8}}}\n"),
			"ball.radius", []float64{1}, 0.08},
		{"box rotation", at(straight, plain+"objects:\n"+tilted), "crate.rotation", []float64{0.3, 1, 0.2}, 0.04},
		{"torus", at(straight, plain+"objects:\n  ring: {torus: {center: [0.1, 0.1, -4], axis: [0, 0.8, 0.56], major: 1, minor: 0.4}, material: {diffuse: {albedo: 0.8}}}\n"),
			"ring.major", []float64{1}, 0.08},
		{"cylinder", at(straight, plain+"objects:\n  can: {cylinder: {center: [0.1, 0.1, -4], axis: [0, 0.9, 0.5], radius: 0.8, height: 1.4}, material: {diffuse: {albedo: 0.8}}}\n"),
			"can.radius", []float64{1}, 0.08},
		{"smooth union", at(straight, plain+`objects:
  a: {sphere: {center: [-0.4, 0, -4], radius: 0.8}}
  b: {box: {center: [0.7, 0.65, -4], size: [0.8, 0.9, 1.2]}, rotation: [0, 0.4, 0]}
  blob: {smooth_union: {of: [a, b], width: 0.4}, material: {diffuse: {albedo: 0.8}}}
`), "b.size", []float64{1, 1, 0.2}, 0.1},
		{"difference", at(straight, plain+`objects:
  a: {box: {center: [0, 0, -4], size: [2, 1.6, 1.6]}, rotation: [0.5, 0.5, 0]}
  b: {sphere: {center: [0.3, 0.6, -3.2], radius: 0.8}}
  bitten: {difference: {of: [a, b]}, material: {diffuse: {albedo: 0.8}}}
`), "a.size", []float64{1, 0.3, 0.5}, 0.1},
		{"camera pose", at("pose: {rotation: [0.1, 0.05, 3.1], translation: [0, 0.1, 0.3]}", plain+"objects:\n"+
			"  crate: {box: {center: [0.1, 0.1, 3.4], size: [1.8, 1.4, 1.6]}, rotation: [0.5, 0.6, 0.1], material: {diffuse: {albedo: 0.8}}}\n"+
			"  ball: {sphere: {center: [-0.5, 0.9, 5], radius: 0.8}, material: {diffuse: {albedo: 0.5}}}\n"),
			"camera.pose", []float64{0, 0, 0.1, 0.3, 0.2, -1}, 0.1},
		{"light direction", at(down, shadowy+"objects:\n"+floor+ball), "sun.direction", []float64{1, 0.5}, 0.06},
		{"shadow edge", at(down, shadowy+"objects:\n"+floor+ball), "ball.radius", []float64{1}, 0.08},
		{"shadow of a box", at(down, shadowy+"objects:\n"+floor+
			"  crate: {box: {center: [0, 0.6, -5], size: [1.4, 1.6, 1.4]}, rotation: [0, 0.5, 0], material: {diffuse: {albedo: 0.8}}}\n"),
			"crate.size", []float64{1, 0, 0.5}, 0.1},
		{"point light", at(down, "lights: {lamp: {point: {position: [2, 4, -3], intensity: 16}, shadows: hard}}\nobjects:\n"+floor+ball),
			"lamp.position", []float64{1, 0.5, 0.3}, 0.1},
		{"soft shadow", at(down, "lights: {sun: {directional: {direction: [0.6, 1, 0.3], angle: 12}, shadows: soft}}\nobjects:\n"+floor+ball),
			"ball.radius", []float64{1}, 0.08},
		{"occluder", at(down, shadowy+"objects:\n"+floor+
			"  crate: {box: {center: [0.3, 0, -6], size: [2, 2, 1.4]}, rotation: [0, 0.5, 0], material: {diffuse: {albedo: 0.8}}}\n"+
			"  ball: {sphere: {center: [0, 0.6, -4.2], radius: 0.6}, material: {diffuse: {albedo: 0.3}}}\n"),
			"ball.radius", []float64{1}, 0.07},
		{"t-junction", at(straight, plain+"objects:\n"+
			"  near: {box: {center: [-0.2, 0, -3], size: [1, 1.2, 0.2]}, material: {diffuse: {albedo: 0.8}}}\n"+
			"  far: {box: {center: [0.3, 0.1, -5], size: [3.6, 1.4, 0.4]}, rotation: [0, 0.2, 0], material: {diffuse: {albedo: 0.3}}}\n"),
			"near.size", []float64{1, 0.2, 0}, 0.1},
		{"tangency", at(straight, plain+"objects:\n"+
			"  near: {sphere: {center: [-0.82, 0, -4], radius: 0.8}, material: {diffuse: {albedo: 0.8}}}\n"+
			"  far: {sphere: {center: [0.9, 0, -5], radius: 1}, material: {diffuse: {albedo: 0.3}}}\n"),
			"near.radius", []float64{1}, 0.08},
		{"orthographic", fmt.Sprintf("microdr: 1\ncamera: {resolution: [48, 48], projection: orthographic, height: 4, samples: 64, %s}\nbackground: 0.2\n", straight) +
			plain + "objects:\n  ball: {sphere: {center: [0.1, 0.1, -3], radius: 1}, material: {diffuse: {albedo: 0.8}}}\n", "ball.radius", []float64{1}, 0.08},
	}
}

// functionals are the weights of the two numbers.
func functionals() [2][]float64 {
	var w [2][]float64
	random := scene.Random{Key: 7}
	for k := range w {
		w[k] = make([]float64, side*side)
	}
	for i := range w[0] {
		w[0][i] = 1.0 / (side * side)
	}
	for range 8 {
		a, b, phase := (random.Float64()-0.5)*0.8, (random.Float64()-0.5)*0.8, random.Float64()*2*math.Pi
		for i := range w[1] {
			w[1][i] += math.Cos(a*float64(i%side) + b*float64(i/side) + phase)
		}
	}
	for i, x := range w[1] {
		w[1][i] = (1 + math.Tanh(x)) / (side * side)
	}
	return w
}

// measure applies the functionals to an image.
func measure(w [2][]float64, image []float64) (out [2]float64) {
	for k := range w {
		for i, x := range image {
			out[k] += w[k][i/3] * x / 3
		}
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

func scaled(v []float64, by float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = x * by
	}
	return out
}

// differences returns the derivatives of the functionals by Richardson's extrapolation of central differences.
func differences(t *testing.T, c gradientCase, v *scene.Vector, w [2][]float64, samples int) (out [2]float64) {
	e := kernel.New(kernel.Options{Precision: kernel.Float64})
	defer e.Close()
	view, err := render.NewView(e, v.Scene(), "view0", render.Options{Samples: samples})
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	at := func(x float64) [2]float64 {
		image, err := view.RenderF64(context.Background(), v.Retract(scaled(c.direction, x)))
		if err != nil {
			t.Fatal(err)
		}
		return measure(w, image)
	}
	central := func(h float64) (d [2]float64) {
		p, m := at(h), at(-h)
		for k := range d {
			d[k] = (p[k] - m[k]) / (2 * h)
		}
		return d
	}
	wide, narrow := central(c.step), central(c.step/2)
	for k := range out {
		out[k] = narrow[k] + (narrow[k]-wide[k])/3
	}
	return out
}

// estimates returns the derivatives of the functionals for several seeds, by forward mode.
func estimates(t *testing.T, c gradientCase, v *scene.Vector, w [2][]float64, samples, seeds int, band float64) [][2]float64 {
	names := scene.Uniforms(v.Scene())
	var params []string
	rates := map[string]float64{}
	for _, e := range v.JacobianPhys() {
		name := names[e.Row].Name
		if _, ok := rates[name]; !ok {
			params = append(params, name)
		}
		rates[name] += e.Value * c.direction[e.Col]
	}
	tangent := make([]float64, len(params))
	for i, name := range params {
		tangent[i] = rates[name]
	}
	e := kernel.New(kernel.Options{})
	defer e.Close()
	view, err := render.NewView(e, v.Scene(), "view0", render.Options{Samples: samples, Params: params, Band: band})
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	var out [][2]float64
	for seed := range seeds {
		view.SetSeed(uint32(100 + seed))
		_, d, err := view.ForwardF64(context.Background(), v.Scene(), tangent)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, measure(w, d))
	}
	return out
}

// statistics returns the mean and its standard error.
func statistics(xs [][2]float64, k int) (mean, err float64) {
	n := float64(len(xs))
	for _, x := range xs {
		mean += x[k] / n
	}
	for _, x := range xs {
		err += (x[k] - mean) * (x[k] - mean)
	}
	return mean, math.Sqrt(err / n / (n - 1))
}

// gradientBand is narrower than the default: the images are small, and some of what they show is a pixel wide.
const gradientBand = 0.4

// agrees tells whether estimates agree with a reference within 3 %, their standard error being under 1 %.
func agrees(got [][2]float64, k int, want float64) (ok bool, report string) {
	mean, se := statistics(got, k)
	off, spread := mean/want-1, se/math.Abs(want)
	return math.Abs(off) < 0.03 && spread < 0.01, fmt.Sprintf("%+.3g, reference %+.3g: off by %.2f%%, standard error %.2f%%", mean, want, 100*off, 100*spread)
}

func TestGradients(t *testing.T) {
	w := functionals()
	for i, c := range gradientCases() {
		if testing.Short() && i%6 != 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			v := parameter(t, c)
			want := differences(t, c, v, w, 400)
			samples := 225
			if strings.HasPrefix(c.name, "soft") {
				samples *= 4 // the light's area is sampled too
			}
			got := estimates(t, c, v, w, samples, 5, gradientBand)
			for k, name := range []string{"mean", "random functional"} {
				ok, report := agrees(got, k, want[k])
				if t.Logf("%s: %s", name, report); !ok {
					t.Errorf("%s: %s", name, report)
				}
				if ok, _ := agrees(make([][2]float64, len(got)), k, want[k]); ok {
					t.Errorf("%s: no gradient at all passes this test", name)
				}
			}
		})
	}
}

// TestScaleIsUndetermined moves a ball away from the camera and lets it grow in proportion, under a directional light:
// no pixel changes, and no pixel's derivative says otherwise, edges included.
func TestScaleIsUndetermined(t *testing.T) {
	c := gradientCases()[0]
	v := parameter(t, c)
	params := []string{"ball.center.x", "ball.center.y", "ball.center.z", "ball.radius"}
	view := open(t, v.Scene(), render.Options{Params: params}, kernel.Float32)
	rate := func(tangent ...float64) (largest float64) {
		_, d, err := view.ForwardF64(context.Background(), v.Scene(), tangent)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range d {
			largest = max(largest, math.Abs(x))
		}
		return largest
	}
	grows, scales := rate(0, 0, 0, 1), rate(0.05, 0.1, -3, 1)
	if scales > 0.02*grows {
		t.Errorf("a change of scale changes a pixel by %g, growth by %g", scales, grows)
	}
}

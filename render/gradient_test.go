package render_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/render"
)

// gradientCase is a scene and a direction in which to move one of its parameters.
type gradientCase struct {
	name      string
	scene     string // after head
	path      string
	direction []float64 // in the parameter's local coordinates
	step      float64   // along it
	speed     float64   // least known speed of the boundary in pixels per unit of it; 0: measured
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
			"ball.radius", []float64{1}, 0.08, 0},
		{"box rotation", at(straight, plain+"objects:\n"+tilted), "crate.rotation", []float64{0.3, 1, 0.2}, 0.06, 0},
		{"torus", at(straight, plain+"objects:\n  ring: {torus: {center: [0.1, 0.1, -4], axis: [0, 0.8, 0.56], major: 1, minor: 0.4}, material: {diffuse: {albedo: 0.8}}}\n"),
			"ring.major", []float64{1}, 0.09, 0},
		{"cylinder", at(straight, plain+"objects:\n  can: {cylinder: {center: [0.1, 0.1, -4], axis: [0, 0.9, 0.5], radius: 0.8, height: 1.4}, material: {diffuse: {albedo: 0.8}}}\n"),
			"can.radius", []float64{1}, 0.1, 0},
		{"smooth union", at(straight, plain+`objects:
  a: {sphere: {center: [-0.4, 0, -4], radius: 0.8}}
  b: {box: {center: [0.7, 0.65, -4], size: [0.8, 0.9, 1.2]}, rotation: [0, 0.4, 0]}
  blob: {smooth_union: {of: [a, b], width: 0.4}, material: {diffuse: {albedo: 0.8}}}
`), "b.size", []float64{1, 1, 0.2}, 0.14, 0},
		{"difference", at(straight, plain+`objects:
  a: {box: {center: [0, 0, -4], size: [2, 1.6, 1.6]}, rotation: [0.5, 0.5, 0]}
  b: {sphere: {center: [0.3, 0.6, -3.2], radius: 0.8}}
  bitten: {difference: {of: [a, b]}, material: {diffuse: {albedo: 0.8}}}
`), "a.size", []float64{1, 0.3, 0.5}, 0.1, 0},
		{"camera pose", at("pose: {rotation: [0.1, 0.05, 3.1], translation: [0, 0.1, 0.3]}", plain+"objects:\n"+
			"  crate: {box: {center: [0.1, 0.1, 3.4], size: [1.8, 1.4, 1.6]}, rotation: [0.5, 0.6, 0.1], material: {diffuse: {albedo: 0.8}}}\n"+
			"  ball: {sphere: {center: [-0.5, 0.9, 5], radius: 0.8}, material: {diffuse: {albedo: 0.5}}}\n"),
			"camera.pose", []float64{0, 0, 0.1, 0.3, 0.2, -1}, 0.12, 0},
		{"light direction", at(down, shadowy+"objects:\n"+floor+ball), "sun.direction", []float64{1, 0.5}, 0.11, 0},
		{"shadow edge", at(down, shadowy+"objects:\n"+floor+ball), "ball.radius", []float64{1}, 0.13, 0},
		{"shadow of a box", at(down, shadowy+"objects:\n"+floor+
			"  crate: {box: {center: [0, 0.6, -5], size: [1.4, 1.6, 1.4]}, rotation: [0, 0.5, 0], material: {diffuse: {albedo: 0.8}}}\n"),
			"crate.size", []float64{1, 0, 0.5}, 0.15, 0},
		{"point light", at(down, "lights: {lamp: {point: {position: [2, 4, -3], intensity: 16}, shadows: hard}}\nobjects:\n"+floor+ball),
			"lamp.position", []float64{1, 0.5, 0.3}, 0.4, 0},
		{"soft shadow", at(down, "lights: {sun: {directional: {direction: [0.6, 1, 0.3], angle: 12}, shadows: soft}}\nobjects:\n"+floor+ball),
			"ball.radius", []float64{1}, 0.13, 0},
		{name: "occluder", scene: at(down, shadowy+"objects:\n"+floor+
			"  crate: {box: {center: [0.3, 0, -6], size: [2, 2, 1.4]}, rotation: [0, 0.5, 0], material: {diffuse: {albedo: 0.8}}}\n"+
			"  ball: {sphere: {center: [0, 0.6, -4.2], radius: 0.6}, material: {diffuse: {albedo: 0.3}}}\n"),
			path: "ball.radius", direction: []float64{1}, step: 0.07,
			speed: 36 / math.Hypot(2-0.6, 4.2)}, // the focal length over the distance
		{"t-junction", at(straight, plain+"objects:\n"+
			"  near: {box: {center: [-0.2, 0, -3], size: [1, 1.2, 0.2]}, material: {diffuse: {albedo: 0.8}}}\n"+
			"  far: {box: {center: [0.3, 0.1, -5], size: [3.6, 1.4, 0.4]}, rotation: [0, 0.2, 0], material: {diffuse: {albedo: 0.3}}}\n"),
			"near.size", []float64{1, 0.2, 0}, 0.1, 0},
		{"tangency", at(straight, plain+"objects:\n"+
			"  near: {sphere: {center: [-0.82, 0, -4], radius: 0.8}, material: {diffuse: {albedo: 0.8}}}\n"+
			"  far: {sphere: {center: [0.9, 0, -5], radius: 1}, material: {diffuse: {albedo: 0.3}}}\n"),
			"near.radius", []float64{1}, 0.08, 0},
		{"orthographic", fmt.Sprintf("microdr: 1\ncamera: {resolution: [48, 48], projection: orthographic, height: 4, samples: 64, %s}\nbackground: 0.2\n", straight) +
			plain + "objects:\n  ball: {sphere: {center: [0.1, 0.1, -3], radius: 1}, material: {diffuse: {albedo: 0.8}}}\n", "ball.radius", []float64{1}, 0.08, 0},
	}
}

// Widths of the band, in pixels. Most cases take a narrower one than the default: their images are small, and some of
// what they show is a pixel wide.
const (
	gradientBand = 0.4
	defaultBand  = 0 // the scene's
)

// TestGradients holds forward mode to the differences, and reverse mode in float32, which fits use, to forward mode in
// float64. With -short it holds only every eighth case to the differences.
func TestGradients(t *testing.T) {
	for i, c := range gradientCases() {
		t.Run(c.name, func(t *testing.T) {
			v := parameter(t, c)
			if testing.Short() && i%8 != 0 {
				e, w := estimator{c, v, gradientBand, 25}, functionals(v, nil)
				e.checkModes(t, w)
				return
			}
			ref := differences(t, c, v, 400)
			ref.checkMotion(t)
			w := functionals(v, ref.derivative)
			e := estimator{c, v, gradientBand, 225}
			if strings.HasPrefix(c.name, "soft") {
				e.samples *= 4 // the light's area is sampled too
			}
			e.checkModes(t, w)
			ref.check(t, w, e.forward(t, 5, kernel.Float32), 0.03)
		})
	}
}

// TestDefaultBand is the same with the default band of one pixel, in images of twice the size. Its bound is 3 % too.
func TestDefaultBand(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	for _, c := range gradientCases() {
		if c.name != "sphere radius" && c.name != "torus" && c.name != "shadow edge" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			c.scene = strings.NewReplacer("[48, 48]", "[96, 96]", "[36, 36]", "[72, 72]").Replace(c.scene)
			v := parameter(t, c)
			ref := differences(t, c, v, 100)
			ref.checkMotion(t)
			w := functionals(v, ref.derivative)
			ref.check(t, w, estimator{c, v, defaultBand, 144}.forward(t, 4, kernel.Float32), 0.03)
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

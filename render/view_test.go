package render_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

func parse(t *testing.T, source string) *scene.Scene {
	t.Helper()
	s, err := scene.Parse("test.yaml", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open returns a view of the scene's first view.
func open(t *testing.T, s *scene.Scene, o render.Options, precision kernel.Precision) *render.View {
	t.Helper()
	e := kernel.New(kernel.Options{Precision: precision})
	v, err := render.NewView(e, s, s.Views[0].Name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close(); e.Close() })
	return v
}

const everything = `microdr: 1
camera:
  resolution: [24, 20]
  look_at: {eye: [0.3, 2.2, 4], target: [0, 0.4, 0]}
  fov: 45
  distortion: [-0.1, 0.02, 0.001, -0.002]
  samples: 9
background: [0.1, 0.2, 0.3]
objects:
  floor: {plane: {point: [0, 0, 0]}, material: {diffuse: {albedo: [0.6, 0.5, 0.4]}}}
  a: {sphere: {center: [-0.7, 0.5, 0], radius: 0.5}}
  b: {capsule: {a: [-0.5, 0.6, 0], b: [0.1, 0.9, 0.2], radius: 0.2}}
  blob: {smooth_union: {of: [a, b], width: 0.2}, material: {diffuse: {albedo: [0.8, 0.3, 0.2]}}}
  crate: {box: {center: [0.9, 0.5, -0.2], size: [0.7, 0.8, 0.6]}, rotation: [0.1, 0.5, 0.2], material: {diffuse: {albedo: 0.7}}}
  board:
    rectangle: {size: [1.5, 1], origin: [-0.75, -0.5]}
    pose: {rotation: [0.2, 0.3, 0.1], translation: [0.2, 1.2, -1]}
    material: {diffuse: {albedo: {checkerboard: {square: 0.3, extent: [-0.6, -0.4, 0.6, 0.4]}}}}
lights:
  sun: {directional: {direction: [0.4, 0.8, 0.5], angle: 8}, shadows: soft}
  lamp: {point: {position: [-2, 3, 2], intensity: 4}, shadows: hard}
  sky: {ambient: {irradiance: 0.2}}
`

func everyUniform(s *scene.Scene, skip ...string) []string {
	var out []string
next:
	for _, u := range scene.Uniforms(s) {
		for _, part := range append(skip, ".r0", ".r1", ".r2", "gain", "bias", "crate.radius") {
			if strings.Contains(u.Name, part) {
				continue next
			}
		}
		out = append(out, u.Name)
	}
	return out
}

// ineffective are numbers whose derivative is rightly zero in that scene: blur and radii at or without effect, a plane's
// shifts along itself, the length of its normal, a background that nothing shows.
var ineffective = map[string]bool{
	"camera.blur": true, "floor.point.x": true, "floor.point.z": true, "floor.normal.y": true,
	"lamp.radius": true, "background.r": true, "background.g": true, "background.b": true,
}

// TestModesAgree holds forward mode, reverse mode and the Jacobian to the same derivative, and all to the same image.
func TestModesAgree(t *testing.T) {
	s := parse(t, everything)
	params := everyUniform(s)
	v := open(t, s, render.Options{Params: params}, kernel.Float32)
	ctx := context.Background()
	image, err := v.Render(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	random := scene.Random{Key: 3}
	tangent := make([]float64, len(params))
	for i := range tangent {
		tangent[i] = random.Float64() - 0.5
	}
	adjoint := make([]float32, len(image))
	for i := range adjoint {
		adjoint[i] = float32(random.Float64() - 0.5)
	}
	forwardImage, rate, err := v.Forward(ctx, s, tangent)
	if err != nil {
		t.Fatal(err)
	}
	reverseImage, gradient, err := v.Gradient(ctx, s, adjoint)
	if err != nil {
		t.Fatal(err)
	}
	jacobianImage, columns, err := v.Jacobian(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range image {
		if x != forwardImage[i] || x != reverseImage[i] || x != jacobianImage[i] {
			t.Fatalf("value %d: %g, with forward mode %g, reverse mode %g, Jacobian %g", i, x, forwardImage[i], reverseImage[i], jacobianImage[i])
		}
	}
	var forward, reverse, jacobian, size float64
	for i, a := range adjoint {
		forward += float64(a) * float64(rate[i])
		for j := range columns {
			x := float64(a) * float64(columns[j][i]) * tangent[j]
			jacobian += x
			size += math.Abs(x)
		}
	}
	for j, g := range gradient {
		reverse += g * tangent[j]
	}
	if math.Abs(forward-reverse) > 1e-4*size || math.Abs(forward-jacobian) > 1e-4*size {
		t.Errorf("adjoint * J * tangent: forward %g, reverse %g, Jacobian %g", forward, reverse, jacobian)
	}
	for j, name := range params {
		zero := true
		for _, x := range columns[j] {
			zero = zero && x == 0
			if x != x {
				t.Fatalf("derivative by %s is not a number", name)
			}
		}
		if zero != ineffective[name] {
			t.Errorf("derivative by %s is zero everywhere: %v", name, zero)
		}
	}
}

// TestSmoothDerivatives compares single pixels with differences where no edge of a solid is in play.
func TestSmoothDerivatives(t *testing.T) {
	s := parse(t, `microdr: 1
camera: {resolution: [16, 12], focal: [14, 15], principal: [8.3, 5.9], distortion: [-0.2, 0.05, 0.003, -0.002, 0.01], samples: 1, blur: 0.7}
objects:
  board:
    rectangle: {size: [6, 5], origin: [-3, -2.5]}
    pose: {rotation: [0.2, 0.3, 0.1], translation: [0.2, 0.1, 6]}
    material: {diffuse: {albedo: {checkerboard: {square: 0.9, origin: [0.1, 0.2], extent: [-2.5, -2, 2.5, 2.1], margin: [0.9, 0.8, 0.7]}}}}
lights:
  sun: {directional: {direction: [0.2, 0.3, -1]}}
  lamp: {point: {position: [1, 1, 2], intensity: [4, 5, 6]}}
  sky: {ambient: {irradiance: 0.2}}
background: 0.1
`)
	v := open(t, s, render.Options{Params: everyUniform(s)}, kernel.Float64)
	ctx := context.Background()
	_, columns, err := v.Jacobian(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"board.pose.translation.x", "board.pose.translation.z", "board.size.x", "camera.blur", "camera.distortion.k1",
		"camera.distortion.p2", "lamp.position.z", "lamp.intensity.g", "sky.irradiance.r", "background.r", "board.origin.y",
		"board.material.albedo.square", "board.material.albedo.extent.x1", "board.material.albedo.margin.g", "board.material.albedo.origin.x"} {
		column := -1
		for j, name := range everyUniform(s) {
			if name == path {
				column = j
			}
		}
		if column < 0 {
			t.Errorf("no uniform %s", path)
			continue
		}
		at := func(d float64) []float64 {
			moved := s.Clone()
			x, err := moved.Get(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := moved.Set(path, []float64{x[0] + d}); err != nil {
				t.Fatal(err)
			}
			image, err := v.RenderF64(ctx, moved)
			if err != nil {
				t.Fatal(err)
			}
			return image
		}
		const h = 1e-5
		plus, minus := at(h), at(-h)
		var worst, largest float64
		for i := range plus {
			want := (plus[i] - minus[i]) / (2 * h)
			largest = max(largest, math.Abs(want))
			worst = max(worst, math.Abs(want-float64(columns[column][i])))
		}
		if worst > 1e-4*largest+1e-6 || largest == 0 {
			t.Errorf("%s: off by %g of %g", path, worst, largest)
		}
	}
}

func TestPerPixel(t *testing.T) {
	s := parse(t, `microdr: 1
camera: {resolution: [6, 4], projection: orthographic, height: 4, look_at: {eye: [0, 0, 9], target: [0, 0, 0]}, samples: 1}
objects: {face: {rectangle: {size: [6, 4], origin: [-3, -2]}, material: stone}}
materials: {stone: {diffuse: {albedo: {per_pixel: {start: 0.5, channels: 1}}, normal: {per_pixel: {}}}}}
lights: {sun: {directional: {direction: [0.48, 0.6, 0.64], irradiance: [1, 0.5, 2]}}}
`)
	v := open(t, s, render.Options{PerPixel: []string{"stone.albedo", "stone.normal"}, Pixels: []int32{8, 9, 15}}, kernel.Float32)
	normals := make([]float32, 6*4*3)
	for i := range 24 {
		normals[3*i+2] = 1
	}
	normals[3*9], normals[3*9+2] = 0.6, 0.8
	if err := v.SetBuffer("stone.normal", normals); err != nil {
		t.Fatal(err)
	}
	image, columns, err := v.Jacobian(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	if len(columns) != 4 || len(image) != 9 {
		t.Fatalf("%d columns of %d values", len(columns), len(image))
	}
	near := func(got float32, want float64) bool { return math.Abs(float64(got)-want) < 1e-5 }
	lambert := 0.6*0.48 + 0.8*0.64
	// The rectangle's border is seen through a footprint, inner pixels are covered.
	if !near(image[0], 0.32) || !near(image[3], 0.5*lambert) || !near(image[4], 0.25*lambert) || !near(image[8], 0.64) {
		t.Errorf("image %v", image)
	}
	var names []string
	for j, name := range v.Columns() {
		names = append(names, name)
		got := columns[j][3]
		want := map[string]float64{
			"stone.albedo.0": lambert,
			// d(n/|n|) is the projection of dn across n.
			"stone.normal.0": 0.5 * (0.48 - lambert*0.6), "stone.normal.1": 0.5 * 0.6, "stone.normal.2": 0.5 * (0.64 - lambert*0.8),
		}[name]
		if !near(got, want) {
			t.Errorf("derivative by %s: %g, want %g", name, got, want)
		}
	}
	if len(names) != 4 {
		t.Errorf("columns %v", names)
	}
}

func TestImageTexture(t *testing.T) {
	folder := t.TempDir()
	im := film.New(2, 2, 3)
	copy(im.Pix, []float32{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1})
	if err := film.Save(filepath.Join(folder, "a.pfm"), im, film.Output{}); err != nil {
		t.Fatal(err)
	}
	s := parse(t, `microdr: 1
camera: {resolution: [8, 8], projection: orthographic, height: 2, look_at: {eye: [0, 0, 9], target: [0, 0, 0]}, samples: 1}
objects: {face: {rectangle: {size: [4, 4], origin: [-2, -2]}, material: {diffuse: {albedo: {image: {file: a.pfm, encoding: linear}}}}}}
lights: {sky: {ambient: {irradiance: 1}}}
`)
	s.Dir = folder
	image, err := open(t, s, render.Options{}, kernel.Float32).Render(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	// The image shows the middle of the texture, from 0.5 to 1.5 texels of 2: bilinear between the four.
	for y := range 8 {
		for x := range 8 {
			u, w := (float64(x)+0.5)/8, (float64(y)+0.5)/8
			want := [3]float64{(1-u)*(1-w) + u*w, u*(1-w) + u*w, (1-u)*w + u*w}
			for c := range 3 {
				if got := image[(y*8+x)*3+c]; math.Abs(float64(got)-want[c]) > 1e-4 {
					t.Fatalf("pixel %d,%d channel %d: %g, want %g", x, y, c, got, want[c])
				}
			}
		}
	}
	if err := os.Remove(filepath.Join(folder, "a.pfm")); err != nil {
		t.Fatal(err)
	}
	e := kernel.New(kernel.Options{})
	defer e.Close()
	if _, err := render.NewView(e, s, "view0", render.Options{}); err == nil || !strings.HasPrefix(err.Error(), "render: ") {
		t.Errorf("a missing texture gives %v", err)
	}
}

func TestMaskOf(t *testing.T) {
	s := parse(t, `microdr: 1
camera: {resolution: [40, 40], projection: orthographic, height: 40, look_at: {eye: [0, 0, 90], target: [0, 0, 0]}}
objects:
  ball: {sphere: {center: [0, 0, 0], radius: 12}, material: {diffuse: {albedo: 0.5}}}
  card: {rectangle: {size: [20, 40], origin: [0, -20]}, pose: {rotation: [0, 0, 0], translation: [0, 0, 20]}, material: {diffuse: {albedo: 0.5}}}
`)
	v := open(t, s, render.Options{}, kernel.Float32)
	for _, row := range []struct {
		object string
		margin float64
		inside func(x, y float64) bool
	}{
		{"ball", 0, func(x, y float64) bool { return math.Hypot(x, y) < 12 && x < 0 }},
		{"card", 0, func(x, y float64) bool { return x > 0 }},
		{"card", 3, func(x, y float64) bool { return x > 3 }},
		{"card", -3, func(x, y float64) bool { return x > -3 }},
	} {
		mask, err := v.MaskOf(context.Background(), s, row.object, row.margin)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range mask {
			x, y := float64(i%40)-19.5, float64(i/40)-19.5
			if got != row.inside(x, y) {
				t.Fatalf("%s with margin %g at %g, %g: %v", row.object, row.margin, x, y, got)
			}
		}
	}
}

func TestSeedsAndPixels(t *testing.T) {
	s := parse(t, everything)
	ctx := context.Background()
	v := open(t, s, render.Options{}, kernel.Float32)
	first, err := v.Render(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	v.SetSeed(99)
	other, _ := v.Render(ctx, s)
	v.SetSeed(uint32(s.Integrator.Seed))
	again, _ := v.Render(ctx, s)
	differ := 0
	for i := range first {
		if first[i] != again[i] {
			t.Fatalf("value %d changes from run to run", i)
		}
		if first[i] != other[i] {
			differ++
		}
	}
	if differ < len(first)/4 {
		t.Errorf("another seed changes %d of %d values", differ, len(first))
	}
	some := open(t, s, render.Options{Pixels: []int32{100, 3, 250}}, kernel.Float32)
	part, err := some.Render(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	for i, pixel := range some.Pixels() {
		for c := range 3 {
			if part[3*i+c] != first[3*int(pixel)+c] {
				t.Errorf("pixel %d computed alone differs", pixel)
			}
		}
	}
}

// TestMovable changes which pixels a view computes, and compares them with those of the whole image.
func TestMovable(t *testing.T) {
	s := parse(t, everything)
	ctx := context.Background()
	params := []string{"a.radius", "sun.direction.x"}
	whole := open(t, s, render.Options{Params: params}, kernel.Float32)
	moved := open(t, s, render.Options{Params: params, Movable: true}, kernel.Float32)
	image, columns, err := whole.Jacobian(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	mask, err := whole.MaskOf(ctx, s, "blob", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ pixels, chosen []int32 }{
		{nil, nil},
		{[]int32{100, 3, 250, 4, 479}, nil},
		{[]int32{7, 8, 9}, []int32{0, 2}},
		{nil, []int32{300, 301}},
	} {
		moved.SetPixels(row.pixels)
		moved.Choose(row.chosen)
		part, err := moved.Render(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		again, slopes, err := moved.Jacobian(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		covered, err := moved.MaskOf(ctx, s, "blob", 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, pixel := range moved.Pixels() {
			if covered[i] != mask[pixel] {
				t.Errorf("%v: mask of pixel %d is %v", row, pixel, covered[i])
			}
			if row.chosen != nil && !slices.Contains(row.chosen, int32(i)) {
				continue
			}
			for c := range 3 {
				k, at := 3*i+c, 3*int(pixel)+c
				if part[k] != image[at] || again[k] != image[at] || slopes[0][k] != columns[0][at] || slopes[1][k] != columns[1][at] {
					t.Errorf("%v: pixel %d differs from that of the whole image", row, pixel)
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	s := parse(t, everything)
	e := kernel.New(kernel.Options{})
	defer e.Close()
	for _, row := range []struct {
		view    string
		options render.Options
		want    string
	}{
		{"nowhere", render.Options{}, `no view "nowhere"`},
		{"view0", render.Options{Params: []string{"crate.sise.x"}}, `no number "crate.sise.x"`},
		{"view0", render.Options{Params: []string{"crate.radius"}}, "no derivative by crate.radius at 0"},
		{"view0", render.Options{PerPixel: []string{"crate.albedo"}}, `no per-pixel buffer "crate.albedo"`},
		{"view0", render.Options{Pixels: []int32{480}}, "pixel 480 of an image of 24x20"},
	} {
		_, err := render.NewView(e, s, row.view, row.options)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s %+v: %v, want %s", row.view, row.options, err, row.want)
		}
	}
	v := open(t, s, render.Options{Params: []string{"crate.size.x"}}, kernel.Float32)
	if _, _, err := v.Gradient(context.Background(), s, nil); err == nil {
		t.Error("an adjoint of the wrong size passes")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := v.Render(ctx, s); err == nil {
		t.Error("a cancelled render ends without error")
	}
}

// TestSameBits runs the Jacobian with several numbers of workers.
func TestSameBits(t *testing.T) {
	s := parse(t, everything)
	params := []string{"a.radius", "crate.size.x", "lamp.position.x", "sun.direction.y", "camera.extrinsics.wx", "board.size.x"}
	var want [][]float32
	for _, workers := range []int{1, 2, 7} {
		e := kernel.New(kernel.Options{Workers: workers, TileLanes: 256})
		v, err := render.NewView(e, s, "view0", render.Options{Params: params})
		if err != nil {
			t.Fatal(err)
		}
		image, columns, err := v.Jacobian(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		got := append(columns, image)
		for j := range got {
			for i := range got[j] {
				if want != nil && math.Float32bits(got[j][i]) != math.Float32bits(want[j][i]) {
					t.Fatalf("%d workers: column %d, value %d differs", workers, j, i)
				}
			}
		}
		want = got
		v.Close()
		e.Close()
	}
}

func TestTrace(t *testing.T) {
	s := parse(t, everything)
	for mode, stages := range map[render.Mode]int{render.Primal: 3, render.Forward: 4, render.Reverse: 4, render.Jacobian: 4, render.Cover: 1} {
		m, err := render.Trace(s, "view0", render.Options{Params: []string{"a.radius", "sun.angle"}}, mode)
		if err != nil {
			t.Fatal(err)
		}
		if err := ir.Verify(m); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
		if len(m.Stages) != stages {
			t.Errorf("%s: %d stages, want %d", m.Name, len(m.Stages), stages)
		}
	}
}

func BenchmarkJacobian(b *testing.B) {
	s, err := scene.Parse("everything", []byte(everything))
	if err != nil {
		b.Fatal(err)
	}
	e := kernel.New(kernel.Options{})
	defer e.Close()
	v, err := render.NewView(e, s, "view0", render.Options{Params: everyUniform(s), Samples: 64})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	for b.Loop() {
		if _, _, err := v.Jacobian(context.Background(), s); err != nil {
			b.Fatal(err)
		}
	}
}

package fit

import (
	"context"
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

// splat stands in for the renderer: a sphere is a Gaussian blob where it
// projects to, so that images are smooth and derivatives come from central
// differences in float64. Like a sphere under a distant light it looks the
// same when centre and radius grow together, seen from the origin.
type splat struct {
	view    *scene.View
	camera  *scene.Camera
	o       viewOptions
	width   int
	height  int
	buffers map[string][]float32
	spoilt  bool // one derivative is NaN
	chosen  []int32
}

func openSplat(s *scene.Scene, view string, o viewOptions) (openView, error) {
	v := s.View(view)
	c := s.Camera(v.Camera)
	sp := &splat{v, c, o, c.Resolution[0] / o.scale, c.Resolution[1] / o.scale, map[string][]float32{}, false, nil}
	sp.SetPixels(o.pixels)
	return sp, nil
}

func (v *splat) Size() (int, int)          { return v.width, v.height }
func (v *splat) Prepare(render.Mode) error { return nil }
func (v *splat) SetSeed(uint32)            {}
func (v *splat) Close()                    {}

func (v *splat) SetPixels(pixels []int32) {
	if v.o.pixels, v.chosen = pixels, nil; pixels == nil {
		for p := range v.width * v.height {
			v.o.pixels = append(v.o.pixels, int32(p))
		}
	}
}

func (v *splat) Choose(pixels []int32) { v.chosen = pixels }

// spoil makes what was not chosen NaN.
func (v *splat) spoil(values []float32) []float32 {
	for i := range values {
		if v.chosen != nil && !slices.Contains(v.chosen, int32(i/3)) {
			values[i] = float32(math.NaN())
		}
	}
	return values
}

func (v *splat) SetBuffer(name string, data []float32) error {
	v.buffers[name] = slices.Clone(data)
	return nil
}

func uniformValues(s *scene.Scene) map[string]float64 {
	u := map[string]float64{}
	for _, x := range scene.Uniforms(s) {
		u[x.Name] = x.Value
	}
	return u
}

// center is the ball's centre in camera coordinates.
func (v *splat) center(u map[string]float64) (c [3]float64) {
	e := v.camera.Name + ".extrinsics."
	for i, row := range []string{"r0", "r1", "r2"} {
		for j, name := range []string{"x", "y", "z"} {
			c[i] += u[e+row+string(rune('0'+j))] * u["ball.center."+name]
		}
		c[i] += u[e+[]string{"tx", "ty", "tz"}[i]]
	}
	return c
}

func (v *splat) pixels(u map[string]float64) []float64 {
	c := v.center(u)
	scale := float64(v.o.scale)
	f := u[v.camera.Name+".intrinsics.fx"] / scale
	x0, y0 := u[v.camera.Name+".intrinsics.cx"]/scale+f*c[0]/c[2], u[v.camera.Name+".intrinsics.cy"]/scale+f*c[1]/c[2]
	r := f * u["ball.radius"] / c[2]
	out := make([]float64, 0, 3*len(v.o.pixels))
	for _, p := range v.o.pixels {
		x, y := float64(int(p)%v.width)+0.5-x0, float64(int(p)/v.width)+0.5-y0
		blob := math.Exp(-(x*x + y*y) / (2 * r * r))
		for _, ch := range []string{"r", "g", "b"} {
			out = append(out, u["background."+ch]+u["red.albedo."+ch]*blob)
		}
	}
	return out
}

func narrow(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

func (v *splat) RenderInto(ctx context.Context, s *scene.Scene, _ []float32) ([]float32, error) {
	return v.spoil(narrow(v.pixels(uniformValues(s)))), ctx.Err()
}

func (v *splat) JacobianInto(ctx context.Context, s *scene.Scene, _ []float32) ([]float32, [][]float32, error) {
	u := uniformValues(s)
	image := v.spoil(narrow(v.pixels(u)))
	var columns [][]float32
	for _, p := range v.o.params {
		const h = 1e-5
		x := u[p]
		u[p] = x + h
		high := v.pixels(u)
		u[p] = x - h
		low := v.pixels(u)
		u[p] = x
		for i := range high {
			high[i] = (high[i] - low[i]) / (2 * h)
		}
		columns = append(columns, v.spoil(narrow(high)))
	}
	if v.spoilt && len(columns) > 0 {
		columns[0][3*40] = float32(math.NaN())
	}
	return image, columns, ctx.Err()
}

func (v *splat) GradientInto(ctx context.Context, s *scene.Scene, adjoint, _ []float32, _ []float64) ([]float32, []float64, error) {
	image, columns, err := v.JacobianInto(ctx, s, nil)
	gradient := make([]float64, len(columns))
	for k, c := range columns {
		for i, a := range adjoint {
			gradient[k] += float64(a) * float64(c[i])
		}
	}
	return image, gradient, err
}

func (v *splat) MaskInto(_ context.Context, s *scene.Scene, _ string, _ []bool) ([]bool, error) {
	u := uniformValues(s)
	u["background.r"], u["red.albedo.r"] = 0, 1
	r := u[v.camera.Name+".intrinsics.fx"] / float64(v.o.scale) * u["ball.radius"] / v.center(u)[2]
	inside := make([]bool, len(v.o.pixels))
	for i, x := range v.pixels(u) {
		if i%3 == 0 && x > 0 {
			inside[i/3] = r*math.Sqrt(-2*math.Log(x)) < 2*r
		}
	}
	return inside, nil
}

const splatScene = `microdr: 1
cameras:
  camera: {resolution: [32, 24], look_at: {eye: [0, 0, 0], target: [0, 0, -1]}, fov: 40}
  side: {resolution: [32, 24], orbit: {of: camera, around: [0, 0, -3], axis: [0, 1, 0], angle: 40}, fov: 40}
objects:
  ball: {sphere: {center: [0, 0, -3], radius: 0.3}, material: red}
materials:
  red: {diffuse: {albedo: [0.7, 0.3, 0.2]}}
lights:
  sun: {directional: {direction: [0.4, 0.5, 0.8]}}
background: 0.05
views:
VIEWS
fit:
  parameters:
    - {path: ball.center, start: [0.15, -0.1, -3.3], truth: [0, 0, -3]}
    - {path: ball.radius, start: 0.4, truth: 0.3}
    - {path: red.albedo, start: [0.5, 0.5, 0.5], truth: [0.7, 0.3, 0.2]}
  cluster: 8
  synthetic: {noise: 0.01, bits: 0}
FIT
`

package fit

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
)

// lambert stands in for the renderer of a picture with per-pixel maps: albedo
// times the cosine to the view's one directional light. Maps are "stone.albedo"
// and "stone.normal", in the order of the options.
type lambert struct {
	light   scene.Vec3
	o       viewOptions
	size    [2]int
	buffers map[string][]float32
}

func openLambert(s *scene.Scene, view string, o viewOptions) (openView, error) {
	v := s.View(view)
	return &lambert{scene.Normalize(scene.Vec3(s.LightsOf(v)[0].Directional.Direction)), o,
		s.Camera(v.Camera).Resolution, map[string][]float32{}}, nil
}

func (v *lambert) Size() (int, int)          { return v.size[0], v.size[1] }
func (v *lambert) Prepare(render.Mode) error { return nil }
func (v *lambert) SetSeed(uint32)            {}
func (v *lambert) Choose([]int32)            {}
func (v *lambert) SetPixels([]int32)         {}
func (v *lambert) Close()                    {}
func (v *lambert) SetBuffer(name string, data []float32) error {
	v.buffers[name] = slices.Clone(data)
	return nil
}
func (v *lambert) MaskInto(context.Context, *scene.Scene, string, []bool) ([]bool, error) {
	return nil, nil
}
func (v *lambert) GradientInto(_ context.Context, _ *scene.Scene, _, _ []float32, _ []float64) ([]float32, []float64, error) {
	return nil, nil, nil
}

// albedo returns channel c of pixel p and the channel's number in the map.
func (v *lambert) albedo(p, c int) (float32, int) {
	a := v.buffers["stone.albedo"]
	if len(a) == v.size[0]*v.size[1] {
		return a[p], 0
	}
	return a[3*p+c], c
}

func (v *lambert) cosine(p int) float32 {
	sum := 0.0
	for c, x := range v.buffers["stone.normal"][3*p : 3*p+3] {
		sum += float64(x) * v.light[c]
	}
	return float32(math.Max(0, sum))
}

func (v *lambert) RenderInto(ctx context.Context, _ *scene.Scene, _ []float32) ([]float32, error) {
	out := make([]float32, 3*len(v.o.pixels))
	for i := range out {
		p := int(v.o.pixels[i/3])
		a, _ := v.albedo(p, i%3)
		out[i] = a * v.cosine(p)
	}
	return out, ctx.Err()
}

func (v *lambert) JacobianInto(ctx context.Context, s *scene.Scene, _ []float32) ([]float32, [][]float32, error) {
	image, err := v.RenderInto(ctx, s, nil)
	var columns [][]float32
	for _, name := range v.o.maps {
		n := len(v.buffers[name]) / (v.size[0] * v.size[1])
		for k := range n {
			column := make([]float32, len(image))
			for i := range column {
				p := int(v.o.pixels[i/3])
				a, of := v.albedo(p, i%3)
				switch cosine := v.cosine(p); {
				case name == "stone.albedo" && of == k:
					column[i] = cosine
				case name == "stone.normal" && cosine > 0:
					column[i] = a * float32(v.light[k])
				}
			}
			columns = append(columns, column)
		}
	}
	return image, columns, err
}

const stoneScene = `microdr: 1
camera: {resolution: [40, 30], projection: orthographic, height: 30, look_at: {eye: [0, 0, 9], target: [0, 0, 0]}}
objects:
  face: {rectangle: {size: [40, 30]}, material: stone}
materials:
  stone: {diffuse: {albedo: {per_pixel: {channels: 3}}, normal: {per_pixel: {start: [0, 0, 1]}}}}
views:
VIEWS
fit:
  parameters: [{path: stone.normal}, {path: stone.albedo}]
  loss: {huber: {width: 0.01}}
`

func TestMaps(t *testing.T) {
	dir := t.TempDir()
	truth, views := writeStones(t, dir)
	s, err := scene.Parse("scene.yaml", []byte(replaceViews(stoneScene, views)))
	if err != nil {
		t.Fatal(err)
	}
	s.Dir = dir
	out := t.TempDir()
	r, err := run(t.Context(), s, Options{Folder: out}, openLambert)
	if err != nil {
		t.Fatal(err)
	}
	normals, stderr := r.Arrays["stone.normal"], r.Arrays["stone.normal stderr"]
	off, ratio, n := 0.0, 0.0, 0
	for i := range truth {
		x, y := i%40, i/40
		if x == 0 { // masked
			if stderr.At(x, y)[0] != 0 {
				t.Errorf("masked pixel %d is fitted", i)
			}
			continue
		}
		angle := angleTo(normals.At(x, y), truth[i])
		off += angle
		ratio += angle / float64(stderr.At(x, y)[0])
		n++
	}
	if mean := off / float64(n); mean > 1.5 {
		t.Errorf("normals are off by %.2f degrees in the mean", mean)
	}
	if mean := ratio / float64(n); mean < 0.5 || mean > 3 {
		t.Errorf("normals are off by %.2f standard errors in the mean", mean)
	}
	if len(r.Maps) != 2 || r.Maps[0].Pixels != 39*30 || r.Maps[0].Failed > 20 {
		t.Errorf("maps: %+v after %d", r.Maps, r.Iterations)
	}
	again, err := scene.Load(out + "/scene.yaml")
	if err != nil || again.Materials[0].Diffuse.Normal.PerPixel.File != "stone.normal.pfm" {
		t.Fatalf("the fitted scene does not start from the fitted normals: %v", err)
	}
	if r, err = run(t.Context(), again, Options{}, openLambert); err != nil || r.StartLoss > r.Loss*1.01 {
		t.Errorf("fitting again: %+v, %v", r, err)
	}
	for _, name := range []string{"stone.normal.png", "stone.normal.pfm", "stone.albedo-stderr.png", "v3-end.png"} {
		if _, err := film.Load(out+"/"+name, film.Linear); err != nil {
			t.Error(err)
		}
	}
}

func angleTo(n []float32, truth scene.Vec3) float64 {
	cosine := float64(n[0])*truth[0] + float64(n[1])*truth[1] + float64(n[2])*truth[2]
	return math.Acos(math.Min(1, cosine)) * 180 / math.Pi
}

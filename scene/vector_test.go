package scene

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

// everything has a parameter of every kind, and cameras of every kind.
const everything = `microdr: 1
cameras:
  a: {resolution: [8, 6], fov: 40, look_at: {eye: [1, 2, 3], target: [0, 0.5, 0]}}
  b: {resolution: [8, 6], focal: [9, 10], pixel_origin: centre, pose: {rotation: [0.3, -2, 0.4], translation: [1, 2, 5]}}
  c: {resolution: [8, 6], projection: orthographic, height: 3, orbit: {of: b, around: [1, 0, 2], axis: [1, 2, 0], angle: 35}}
objects:
  ball: {sphere: {center: [1, 2, 3], radius: 0.5}, material: {diffuse: {albedo: [0.2, 0.3, 0.4]}}}
  crate: {box: {size: [1, 2, 3]}, material: red, rotation: [0.1, 0.2, 0.3]}
  crate2: {box: {size: [1, 2, 3]}, material: red, rotation: [0.1, 3, 0.3]}
  board: {rectangle: {size: [2, 3]}, material: red, pose: {rotation: [0.5, 0.6, -0.7], translation: [3, 2, 1]}}
  card: {rectangle: {size: [2, 3]}, material: red, pose: {rotation: [-0.5, 0.6, -0.7], translation: [3, 2, 1]}}
materials: {red: {diffuse: {albedo: [0.9, 0.1, 0.2]}}}
lights: {sun: {directional: {direction: [1, 2, -3]}}}
fit:
  parameters:
    - {path: ball.center}
    - {path: ball.radius}
    - {path: ball.material.albedo, constraint: unit}
    - {path: red.albedo.g, constraint: {bounds: [0, 3]}}
    - {path: crate.rotation}
    - {path: crate2.rotation.y}
    - {path: crate.scale}
    - {path: crate.translation.z}
    - {path: board.pose, about: [0.5, 1, 2]}
    - {path: card.pose.rotation, about: [1, 0, 0]}
    - {path: card.pose.translation}
    - {path: sun.direction}
    - {path: sun.irradiance, constraint: free}
    - {path: background}
    - {path: a.fov}
    - {path: a.look_at.eye}
    - {path: a.look_at.up}
    - {path: b.pose, about: [1, 1, 1]}
    - {path: b.focal}
    - {path: b.principal.x}
    - {path: b.distortion.k1}
    - {path: c.orbit.angle}
    - {path: c.orbit.axis}
    - {path: c.height}
    - {path: view0.gain}
    - {path: view1.bias}
background: [0.5, 0.5, 0.5]
`

func everythingVector(t *testing.T) *Vector {
	s, err := Parse("everything", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	v, err := NewVector(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// column is a numeric derivative of f along local coordinate i, fourth order.
func column(v *Vector, i int, f func(*Scene) []float64) []float64 {
	const h = 2e-3
	at := func(x float64) []float64 {
		d := make([]float64, v.Dim())
		d[i] = x
		return f(v.Retract(d))
	}
	p1, m1, p2, m2 := at(h), at(-h), at(2*h), at(-2*h)
	out := make([]float64, len(p1))
	for k := range out {
		out[k] = (8*(p1[k]-m1[k]) - (p2[k] - m2[k])) / (12 * h)
	}
	return out
}

func uniformValues(s *Scene) []float64 {
	var out []float64
	for _, u := range Uniforms(s) {
		out = append(out, u.Value)
	}
	return out
}

// TestJacobianPhys holds the analytic rows against differences. A rotation's
// w rows are checked by the change of the matrix they predict, [w]x R.
func TestJacobianPhys(t *testing.T) {
	v := everythingVector(t)
	us := Uniforms(v.Scene())
	index := map[string]int{}
	for i, u := range us {
		index[u.Name] = i
	}
	moved := 0
	entries := v.JacobianPhys()
	for col, name := range v.Names() {
		want := column(v, col, uniformValues)
		got := make([]float64, len(us))
		for _, e := range entries {
			if e.Col == col {
				got[e.Row] += e.Value
			}
		}
		predictMatrices(us, index, got)
		largest := 0.0
		for i := range us {
			largest = max(largest, math.Abs(want[i]))
			if d := math.Abs(got[i] - want[i]); d > 1e-8*(1+math.Abs(want[i])) {
				t.Errorf("d %s / d %s = %g, want %g", us[i].Name, name, got[i], want[i])
			}
		}
		if largest > 1e-3 {
			moved++
		}
	}
	if moved != v.Dim() || v.Dim() != 56 {
		t.Errorf("%d of %d coordinates move a uniform, want all of 56", moved, v.Dim())
	}
}

// predictMatrices turns the derivative of each w into that of its matrix.
func predictMatrices(us []Uniform, index map[string]int, d []float64) {
	for _, u := range us {
		prefix, ok := strings.CutSuffix(u.Name, ".wx")
		if !ok {
			continue
		}
		first, w := index[prefix+".r00"], index[u.Name]
		var r Mat3
		for i := range 9 {
			r[i/3][i%3] = us[first+i].Value
		}
		change := skew(Vec3(d[w : w+3])).Mul(r)
		for i := range 9 {
			d[first+i] = change[i/3][i%3]
		}
		d[w], d[w+1], d[w+2] = 0, 0, 0
	}
}

func TestPhysicalJacobian(t *testing.T) {
	v := everythingVector(t)
	values := func(s *Scene) []float64 {
		var out []float64
		for _, q := range v.At(s).Physical() {
			out = append(out, q.Value)
		}
		return out
	}
	j := v.PhysicalJacobian()
	names := v.Physical()
	for col, name := range v.Names() {
		for row, want := range column(v, col, values) {
			if d := math.Abs(j[row][col] - want); d > 1e-7*(1+math.Abs(want)) {
				t.Errorf("d %s / d %s = %g, want %g", names[row].Name, name, j[row][col], want)
			}
		}
	}
}

func TestRetractByZeroIsTheSameScene(t *testing.T) {
	v := everythingVector(t)
	if s := v.Retract(make([]float64, v.Dim())); !reflect.DeepEqual(s, v.Scene()) {
		t.Error("a zero step changed the scene")
	}
}

// TestRetractKeepsConstraints takes steps far beyond any sensible one.
func TestRetractKeepsConstraints(t *testing.T) {
	v := everythingVector(t)
	for _, size := range []float64{-30, -1, 0.5, 30} {
		d := make([]float64, v.Dim())
		for i := range d {
			d[i] = size
		}
		s := v.Retract(d)
		if r := s.Objects[0].Sphere.Radius; r <= 0 {
			t.Errorf("step %g: radius %g", size, r)
		}
		for _, a := range s.Objects[0].Material.Diffuse.Albedo.Constant {
			if a < 0 || a > 1 {
				t.Errorf("step %g: albedo %g outside [0, 1]", size, a)
			}
		}
		if n := length(Vec3(s.Lights[0].Directional.Direction)); math.Abs(n-math.Sqrt(14)) > 1e-9 {
			t.Errorf("step %g: direction of length %g, want as before", size, n)
		}
		if g := s.Views[0].Gain; g <= 0 {
			t.Errorf("step %g: gain %g", size, g)
		}
	}
}

func TestTurnAboutAPointLeavesItInPlace(t *testing.T) {
	c := Vec3{100, 62.5, 0}
	p := Pose{Rotation{0.2, 0.3, -0.1}, Vec3{-75, -108, 400}}
	before := add(p.Rotation.Matrix().Apply(c), p.Translation)
	old := p
	p.turn(Rotation{0.1, -0.2, 0.3}, c)
	after := add(p.Rotation.Matrix().Apply(c), p.Translation)
	if d := length(sub(after, before)); d > 1e-10 {
		t.Errorf("the point moved by %g", d)
	}
	if a := p.Rotation.Angle(old.Rotation); math.Abs(a-length(Vec3{0.1, -0.2, 0.3})) > 1e-12 {
		t.Errorf("turned by %g", a)
	}
	if p.Translation == old.Translation {
		t.Error("the translation should have followed")
	}
}

func TestDefaultKinds(t *testing.T) {
	v := everythingVector(t)
	want := map[string]Kind{"ball.center": KindFree, "ball.radius": KindPositive, "ball.material.albedo": KindBounds, "red.albedo.g": KindBounds,
		"crate.rotation": KindRotation, "board.pose": KindPose, "sun.direction": KindUnitVector, "sun.irradiance": KindFree, "background": KindPositive,
		"a.fov": KindBounds, "view0.gain": KindPositive, "view1.bias": KindFree, "c.orbit.angle": KindFree}
	for _, b := range v.Blocks() {
		if k, ok := want[b.Path]; ok && k != b.Kind {
			t.Errorf("%s is %s, want %s", b.Path, b.Kind, k)
		}
	}
}

func TestPerPixelBlocks(t *testing.T) {
	s := load(t, "testdata/buddha.yaml")
	v, err := NewVector(s)
	if err != nil {
		t.Fatal(err)
	}
	b := v.Blocks()
	if v.Dim() != 2 || b[0].PixelDofs != 3 || b[1].PixelDofs != 2 || b[1].Kind != KindPerPixel {
		t.Errorf("dim %d, blocks %+v", v.Dim(), b)
	}
	want := []Buffer{
		{"clay.albedo", AlbedoBuffer, 3, "", Linear, []float64{0.5, 0.5, 0.5}},
		{"clay.normal", NormalBuffer, 3, "", Linear, []float64{0, 0, 1}},
	}
	if got := Buffers(s); !reflect.DeepEqual(got, want) {
		t.Errorf("buffers %+v", got)
	}
}

func TestVectorErrors(t *testing.T) {
	s := parse(t, "")
	rows := []struct {
		params []Parameter
		want   string
	}{
		{[]Parameter{{Path: "camera.fvo"}}, `unknown path "camera.fvo"; did you mean "camera.fov"?`},
		{[]Parameter{{Path: "camera.fov"}, {Path: "camera.fov"}}, "overlaps"},
		{[]Parameter{{Path: "background"}}, "it can not start from 0"},
		{[]Parameter{{Path: "camera.principal", Constraint: &Constraint{Kind: "unit"}}}, "strictly between 0 and 1"},
	}
	for _, r := range rows {
		if _, err := NewVectorOf(s, r.params); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%v: got %v, want %s", r.params, err, r.want)
		}
	}
	if _, err := NewVector(s); err == nil {
		t.Error("a scene without fit has no vector")
	}
}

func TestGetSet(t *testing.T) {
	s := load(t, "testdata/chessboard.yaml")
	if err := s.Set("board.pose", []float64{1, 2, 3, 4, 5, 6}); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		path string
		want []float64
	}{
		{"board.pose", []float64{1, 2, 3, 4, 5, 6}},
		{"board.pose.translation", []float64{4, 5, 6}},
		{"board.pose.rotation.y", []float64{2}},
		{"paper.albedo.colors.1.g", []float64{0.8}},
		{"paper.albedo.extent.y1", []float64{148}},
		{"camera.distortion.k3", []float64{0.2383915308087848}},
	}
	for _, r := range rows {
		if got, err := s.Get(r.path); err != nil || !reflect.DeepEqual(got, r.want) {
			t.Errorf("%s = %v, %v, want %v", r.path, got, err, r.want)
		}
	}
	if err := s.Set("board.pose", []float64{1}); err == nil {
		t.Error("a pose of one number was taken")
	}
	if _, err := s.Get("board.scale"); err != nil || s.Objects[0].Scale != nil {
		t.Error("Get created a field")
	}
}

// TestEveryPathIsFound walks all leaves: each path must lead back to its leaf.
func TestEveryPathIsFound(t *testing.T) {
	for _, file := range examples(t) {
		s := load(t, file)
		for _, p := range s.Paths() {
			if _, err := s.Get(p); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		seen := map[string]bool{}
		for _, u := range Uniforms(s) {
			if seen[u.Name] {
				t.Errorf("%s: uniform %s twice", file, u.Name)
			}
			seen[u.Name] = true
		}
	}
}

func BenchmarkJacobianPhys(b *testing.B) {
	s, err := Parse("everything", []byte(everything))
	if err != nil {
		b.Fatal(err)
	}
	v, err := NewVector(s)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("jacobian", func(b *testing.B) {
		for b.Loop() {
			v.JacobianPhys()
		}
	})
	b.Run("retract", func(b *testing.B) {
		for b.Loop() {
			v.Retract(make([]float64, v.Dim()))
		}
	})
	b.Run("uniforms", func(b *testing.B) {
		for b.Loop() {
			Uniforms(v.Scene())
		}
	})
}

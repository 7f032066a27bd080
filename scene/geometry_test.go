package scene

import (
	"math"
	"testing"
)

func near(a, b Vec3) bool { return length(sub(a, b)) < 1e-12*(1+length(b)) }

func TestRotationMatrixRoundTrip(t *testing.T) {
	rows := []Rotation{{}, {1e-12, 0, 0}, {1e-5, -2e-5, 1e-5}, {1e-4, 0, 1e-9}, {0.1, 0.2, 0.3}, {0, 0, 1.5}, {-1, 2, 1}, {0, 3.14159, 0}, {math.Pi - 1e-9, 0, 0}, {1.8, -1.8, 1.8}}
	for _, r := range rows {
		m := r.Matrix()
		back := m.Mul(m.Transpose())
		for i := range 3 {
			for j := range 3 {
				if math.Abs(back[i][j]-Identity()[i][j]) > 1e-14 {
					t.Errorf("%v: R R^T is %v", r, back)
				}
			}
		}
		if got := RotationOf(m); length(sub(Vec3(got), Vec3(r))) > 1e-14+1e-13*length(Vec3(r)) {
			t.Errorf("%v came back as %v", r, got)
		}
	}
}

func TestRotationIsRightHanded(t *testing.T) {
	if got := (Rotation{0, 0, math.Pi / 2}).Matrix().Apply(Vec3{1, 0, 0}); !near(got, Vec3{0, 1, 0}) {
		t.Errorf("x turned about z by 90 degrees is %v, want y", got)
	}
}

func TestExtrinsics(t *testing.T) {
	s, err := Parse("t", []byte(`microdr: 1
cameras:
  identity: {resolution: [8, 6], fov: 90}
  front: {resolution: [8, 6], fov: 90, look_at: {eye: [0, 0, 4], target: [0, 0, 0]}}
  posed: {resolution: [8, 6], fov: 90, pose: {rotation: [0, 0, 1.5707963267948966], translation: [1, 2, 3]}}
  side: {resolution: [8, 6], fov: 90, orbit: {of: front, axis: [0, 2, 0], angle: 90}}
  back: {resolution: [8, 6], fov: 90, orbit: {of: side, axis: [0, 1, 0], angle: 90}}
`))
	if err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		camera              string
		world, want, centre Vec3
	}{
		{"identity", Vec3{1, 2, 3}, Vec3{1, 2, 3}, Vec3{}},
		{"front", Vec3{1, 2, 0}, Vec3{1, -2, 4}, Vec3{0, 0, 4}}, // x right, y down, z forward
		{"posed", Vec3{1, 0, 0}, Vec3{1, 3, 3}, Vec3{-2, 1, -3}},
		{"side", Vec3{0, 2, -1}, Vec3{1, -2, 4}, Vec3{4, 0, 0}},
		{"back", Vec3{-1, 2, 0}, Vec3{1, -2, 4}, Vec3{0, 0, -4}},
	}
	for _, r := range rows {
		e, err := s.Extrinsics(r.camera)
		if err != nil {
			t.Fatal(err)
		}
		if got := add(e.R.Apply(r.world), e.T); !near(got, r.want) {
			t.Errorf("%s sees %v at %v, want %v", r.camera, r.world, got, r.want)
		}
		if got := e.Position(); length(sub(got, r.centre)) > 1e-12 {
			t.Errorf("%s stands at %v, want %v", r.camera, got, r.centre)
		}
	}
}

func TestIntrinsics(t *testing.T) {
	rows := []struct {
		lens string
		want Intrinsics
	}{
		{"fov: 90", Intrinsics{3, 3, 4, 3}},
		{"focal: [5, 7]", Intrinsics{5, 7, 4, 3}},
		{"projection: orthographic, height: 12", Intrinsics{0.5, 0.5, 4, 3}},
		{"fov: 90, principal: [1, 2]", Intrinsics{3, 3, 1, 2}},
		{"fov: 90, principal: [1, 2], pixel_origin: centre", Intrinsics{3, 3, 1.5, 2.5}},
		{"fov: 90, pixel_origin: centre", Intrinsics{3, 3, 4, 3}},
	}
	for _, r := range rows {
		s, err := Parse("t", []byte("microdr: 1\ncamera: {resolution: [8, 6], "+r.lens+"}"))
		if err != nil {
			t.Fatal(err)
		}
		got := s.Cameras[0].Intrinsics()
		if math.Abs(got.FX-r.want.FX) > 1e-12 || math.Abs(got.FY-r.want.FY) > 1e-12 || got.CX != r.want.CX || got.CY != r.want.CY {
			t.Errorf("%s: %+v, want %+v", r.lens, got, r.want)
		}
	}
}

func TestTangentBasis(t *testing.T) {
	for _, n := range []Vec3{{0, 0, 1}, {0, 0, -1}, {1, 0, 0}, {-1, 2, -3}, {1e-9, 0, -1}} {
		u, v := TangentBasis(n)
		if math.Abs(dot(u, n))+math.Abs(dot(v, n))+math.Abs(dot(u, v))+math.Abs(length(u)-1)+math.Abs(length(v)-1) > 1e-8 {
			t.Errorf("%v: %v, %v", n, u, v)
		}
		moved := RetractDirection(n, [2]float64{0.3, 0.4})
		if a := math.Acos(dot(Normalize(n), Normalize(moved))); math.Abs(a-0.5) > 1e-12 {
			t.Errorf("%v moved by %g, want 0.5", n, a)
		}
	}
}

func TestLightsAndMaterials(t *testing.T) {
	s := load(t, "testdata/buddha.yaml")
	if l := s.LightsOf(&s.Views[1]); len(l) != 1 || l[0].Path != "view1.lights.0" || l[0].Directional == nil {
		t.Errorf("lights in place: %+v", l)
	}
	if l := s.LightsOf(&s.Views[2]); len(l) != 0 {
		t.Errorf("no lights: %+v", l)
	}
	s = load(t, "testdata/table.yaml")
	if l := s.LightsOf(&s.Views[0]); len(l) != 3 || l[1].Path != "lamp" {
		t.Errorf("the scene's lights: %+v", l)
	}
	if m, path := s.MaterialOf(s.Object("ring")); m != s.Material("gold").Diffuse || path != "gold" {
		t.Errorf("material %v at %s", m, path)
	}
	var names []string
	for _, i := range s.Roots() {
		names = append(names, s.Objects[i].Name)
	}
	if len(names) != 6 || names[5] != "blob" {
		t.Errorf("roots %v", names)
	}
}

func TestCenter(t *testing.T) {
	const m = "material: {diffuse: {albedo: 1}}}\n"
	s := parse(t, "objects:\n"+
		"  a: {sphere: {center: [1, 2, 3], radius: 1}, "+m+
		"  b: {box: {center: [1, 2, 3], size: [1, 1, 1]}, "+m+
		"  c: {torus: {center: [1, 2, 3], major: 1, minor: 0.2}, "+m+
		"  d: {cylinder: {center: [1, 2, 3], radius: 1, height: 1}, "+m+
		"  e: {capsule: {a: [0, 2, 3], b: [2, 2, 3], radius: 1}, "+m+
		"  f: {plane: {point: [1, 2, 3]}, "+m+
		"  g: {rectangle: {size: [1, 1], origin: [5, 5]}, "+m)
	for i := range s.Objects {
		want := Vec3{1, 2, 3}
		if s.Objects[i].Rectangle != nil {
			want = Vec3{}
		}
		if got := s.Objects[i].Center(); got != want {
			t.Errorf("%s: centre %v, want %v", s.Objects[i].Name, got, want)
		}
	}
	if s.View("view0") == nil || s.View("view1") != nil {
		t.Error("views by name")
	}
}

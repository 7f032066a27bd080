package scene

import (
	"fmt"
	"math"
)

// Extrinsics is where a camera stands: x_camera = R x_world + T, camera axes x
// right, y down, z forward.
type Extrinsics struct {
	R Mat3
	T Vec3
}

// Position returns the camera's centre in the world (for an orthographic
// camera: the middle of its image plane).
func (e Extrinsics) Position() Vec3 {
	p := e.R.Transpose().Apply(e.T)
	return Vec3{-p[0], -p[1], -p[2]}
}

// Intrinsics is the linear part of the lens: a perspective camera sees x / z,
// y / z, an orthographic one x, y; pixel = f * that + c, with pixel i covering
// [i, i+1). Distortion is applied before f and c.
type Intrinsics struct {
	FX, FY float64 // pixels; orthographic: pixels per scene unit
	CX, CY float64 // pixels
}

// Camera returns the camera of that name, nil if there is none. The same holds
// for Object, Material, Light and View.
func (s *Scene) Camera(name string) *Camera {
	return named(s.Cameras, name, func(c *Camera) string { return c.Name })
}

// Object returns the object of that name.
func (s *Scene) Object(name string) *Object {
	return named(s.Objects, name, func(o *Object) string { return o.Name })
}

// Material returns the material of that name.
func (s *Scene) Material(name string) *Material {
	return named(s.Materials, name, func(m *Material) string { return m.Name })
}

// Light returns the light of that name.
func (s *Scene) Light(name string) *Light {
	return named(s.Lights, name, func(l *Light) string { return l.Name })
}

// View returns the view of that name.
func (s *Scene) View(name string) *View {
	return named(s.Views, name, func(v *View) string { return v.Name })
}

func named[T any](list []T, name string, nameOf func(*T) string) *T {
	for i := range list {
		if nameOf(&list[i]) == name {
			return &list[i]
		}
	}
	return nil
}

// principalOffset is what is added to Principal to make 0 the edge of the
// first pixel.
func (c *Camera) principalOffset() float64 {
	if c.PixelOrigin == PixelCentre {
		return 0.5
	}
	return 0
}

// Intrinsics returns the lens in pixel-edge coordinates.
func (c *Camera) Intrinsics() Intrinsics {
	off, h := c.principalOffset(), float64(c.Resolution[1])
	k := Intrinsics{CX: c.Principal[0] + off, CY: c.Principal[1] + off}
	switch {
	case c.FOV != nil:
		k.FY = h / 2 / math.Tan(*c.FOV*math.Pi/360)
		k.FX = k.FY
	case c.Focal != nil:
		k.FX, k.FY = c.Focal[0], c.Focal[1]
	case c.Height != nil:
		k.FY = h / *c.Height
		k.FX = k.FY
	}
	return k
}

// Extrinsics returns where the camera of that name stands. An error says that
// look_at is degenerate, or that an orbit names no camera or itself.
func (s *Scene) Extrinsics(camera string) (Extrinsics, error) {
	return s.extrinsics(camera, 0)
}

func (s *Scene) extrinsics(name string, depth int) (Extrinsics, error) {
	c := s.Camera(name)
	if c == nil {
		return Extrinsics{}, fmt.Errorf("scene: no camera %q", name)
	}
	if depth > len(s.Cameras) {
		return Extrinsics{}, fmt.Errorf("scene: camera %q orbits itself", name)
	}
	switch {
	case c.LookAt != nil:
		e, ok := c.LookAt.extrinsics()
		if !ok {
			return e, fmt.Errorf("scene: camera %q: look_at needs a target away from the eye and up across the line to it", name)
		}
		return e, nil
	case c.Pose != nil:
		return Extrinsics{c.Pose.Rotation.Matrix(), c.Pose.Translation}, nil
	case c.Orbit != nil:
		base, err := s.extrinsics(c.Orbit.Of, depth+1)
		return c.Orbit.carry(base), err
	}
	return Extrinsics{R: Identity()}, nil
}

// extrinsics stands the camera at the eye: rows of R are right, down, forward.
func (l *LookAt) extrinsics() (Extrinsics, bool) {
	forward := Normalize(sub(l.Target, l.Eye))
	right := cross(forward, Normalize(Vec3(l.Up)))
	if length(forward) == 0 || length(right) < 1e-9 {
		return Extrinsics{R: Identity()}, false
	}
	right = Normalize(right)
	down := cross(forward, right)
	r := Mat3{right, down, forward}
	t := r.Apply(l.Eye)
	return Extrinsics{r, Vec3{-t[0], -t[1], -t[2]}}, true
}

// carry moves a camera rigidly by x -> Q (x - a) + a: with the world moved the
// other way, x_camera = R (Q^T (x - a) + a) + t.
func (o *Orbit) carry(base Extrinsics) Extrinsics {
	axis := Normalize(Vec3(o.Axis))
	angle := o.Angle * math.Pi / 180
	q := Rotation{axis[0] * angle, axis[1] * angle, axis[2] * angle}.Matrix()
	r := base.R.Mul(q.Transpose())
	return Extrinsics{r, add(base.T, sub(base.R.Apply(o.Around), r.Apply(o.Around)))}
}

// Roots returns the indices of the objects that are drawn by themselves: those
// that no other object names as operand.
func (s *Scene) Roots() []int {
	operand := map[string]bool{}
	for i := range s.Objects {
		for _, name := range s.Objects[i].Operands() {
			operand[name] = true
		}
	}
	var roots []int
	for i := range s.Objects {
		if !operand[s.Objects[i].Name] {
			roots = append(roots, i)
		}
	}
	return roots
}

// MaterialOf returns an object's material and the root of that material's
// paths: its name, or "object.material" for one in place; nil if it has none.
func (s *Scene) MaterialOf(o *Object) (*Diffuse, string) {
	switch {
	case o.Material == nil:
		return nil, ""
	case o.Material.Name == "":
		return o.Material.Diffuse, o.Name + ".material"
	}
	if m := s.Material(o.Material.Name); m != nil {
		return m.Diffuse, m.Name
	}
	return nil, ""
}

// NamedLight is a light together with the root of its uniforms.
type NamedLight struct {
	Path string // "sun", or "view3.lights.0" for a light in place
	Light
}

// LightsOf returns the lights that a view is lit by, in order.
func (s *Scene) LightsOf(v *View) []NamedLight {
	var out []NamedLight
	if v.Lights == nil {
		for _, l := range s.Lights {
			out = append(out, NamedLight{l.Name, l})
		}
		return out
	}
	for i, r := range v.Lights {
		if r.Name == "" {
			l := Light{Directional: r.Directional, Point: r.Point, Ambient: r.Ambient, Shadows: r.Shadows}
			out = append(out, NamedLight{fmt.Sprintf("%s.lights.%d", v.Name, i), l})
		} else if l := s.Light(r.Name); l != nil {
			out = append(out, NamedLight{l.Name, *l})
		}
	}
	return out
}

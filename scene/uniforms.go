package scene

import "reflect"

// Uniform is one number that the renderer reads.
type Uniform struct {
	Name  string
	Value float64
}

// Uniforms returns every number of the scene that a render depends on, by name
// and in a fixed order that values never change. Names are paths with
// components (ball.center.x, red.albedo.r, sun.direction.y), with these rules:
//
//   - A rotation X is the matrix X.r00 .. X.r22 (row, column) and X.wx, X.wy,
//     X.wz, always 0: derivatives are taken with respect to these, in
//     R(w) = (I + [w]x + [w]x^2/2) R.
//   - A camera's look_at, pose, orbit, fov, focal, height and principal do not
//     appear; instead camera.extrinsics.r00 .. r22, wx, wy, wz, tx, ty, tz
//     (camera-from-world) and camera.intrinsics.fx, fy, cx, cy (pixel-edge
//     coordinates; orthographic: fx, fy in pixels per scene unit). JacobianPhys
//     relates them to the parameters.
//   - Directions are as written, not normalised.
//   - Absent optional fields (an object's rotation, a camera's distortion) have
//     no uniforms.
//
// A degenerate look_at gives the identity.
func Uniforms(s *Scene) []Uniform {
	out := make([]Uniform, 0, 128) // most scenes have fewer
	all := newUniformVisitor(true, func(path, component string, value float64) {
		if component != "" {
			path += "." + component
		}
		out = append(out, Uniform{path, value})
	})
	all.visit(s)
	return out
}

// Values are the values of Uniforms, in order, at a fraction of the cost.
func Values(s *Scene) []float64 { return NewReader().Values(s) }

// Reader reads the values of scenes again and again: what it needs for that it
// allocates once.
type Reader struct {
	values   []float64
	uniforms uniformVisitor
}

// NewReader returns a reader. It serves one goroutine at a time.
func NewReader() *Reader {
	r := &Reader{values: make([]float64, 0, 128)}
	r.uniforms = newUniformVisitor(false, func(_, _ string, value float64) { r.values = append(r.values, value) })
	return r
}

// Values are those of a scene, until the next call.
func (r *Reader) Values(s *Scene) []float64 {
	r.values = r.values[:0]
	r.uniforms.visit(s)
	return r.values
}

// uniformVisitor visits the uniforms of scenes.
type uniformVisitor struct {
	put  func(path, component string, value float64)
	rest *walker // of those that are no camera's own
}

// newUniformVisitor returns one. Without named the names of uniforms are not
// complete, since to make them costs allocations.
func newUniformVisitor(named bool, put func(path, component string, value float64)) uniformVisitor {
	return uniformVisitor{put, &walker{nameless: !named, visit: func(l leaf) { l.putUniforms(put) }}}
}

func (u *uniformVisitor) visit(s *Scene) {
	put := u.put
	for i := range s.Cameras {
		c := &s.Cameras[i]
		var extrinsics, intrinsics string
		if !u.rest.nameless {
			extrinsics, intrinsics = c.Name+".extrinsics", c.Name+".intrinsics"
		}
		e, _ := s.Extrinsics(c.Name)
		putRotation(put, extrinsics, e.R)
		for i, n := range [3]string{"tx", "ty", "tz"} {
			put(extrinsics, n, e.T[i])
		}
		k := c.Intrinsics()
		for i, n := range [4]string{"fx", "fy", "cx", "cy"} {
			put(intrinsics, n, [4]float64{k.FX, k.FY, k.CX, k.CY}[i])
		}
	}
	u.rest.fields(reflect.ValueOf(s).Elem(), "", false)
}

// putUniforms passes on the uniforms that the leaf stands for.
func (l leaf) putUniforms(put func(path, component string, value float64)) {
	if l.derived || l.absent {
		return
	}
	switch x := l.v.Addr().Interface().(type) {
	case *Rotation:
		putRotation(put, l.path, x.Matrix())
	case *float64:
		put(l.path, "", *x)
	default:
		for i, name := range components(l.v.Type()) {
			put(l.path, name, l.v.Index(i).Float())
		}
	}
}

func putRotation(put func(path, component string, value float64), path string, m Mat3) {
	for i, row := range [3][3]string{{"r00", "r01", "r02"}, {"r10", "r11", "r12"}, {"r20", "r21", "r22"}} {
		for j, name := range row {
			put(path, name, m[i][j])
		}
	}
	for _, n := range [3]string{"wx", "wy", "wz"} {
		put(path, n, 0)
	}
}

// BufferKind says what a buffer holds.
type BufferKind int

// Kinds of buffers.
const (
	ImageBuffer  BufferKind = iota // a fixed image
	AlbedoBuffer                   // albedo for every pixel of the camera
	NormalBuffer                   // unit normal for every pixel, object's own coordinates
)

// Buffer is an array that the renderer reads, by the path of its field.
type Buffer struct {
	Path     string
	Kind     BufferKind
	Channels int
	File     string    // relative to Scene.Dir; "" : Start everywhere
	Encoding string    // of File: srgb or linear
	Start    []float64 // one for each channel, where there is no file
}

// Buffers returns the arrays of the scene in a fixed order. Those for every
// pixel have the size of the camera's image.
func Buffers(s *Scene) []Buffer {
	var out []Buffer
	walk(s, func(l leaf) {
		if l.v.Kind() != reflect.Struct {
			return
		}
		switch x := l.v.Interface().(type) {
		case ImageTexture:
			out = append(out, Buffer{Path: l.path, Kind: ImageBuffer, Channels: 3, File: x.File, Encoding: x.Encoding})
		case AlbedoMap:
			start := append([]float64{}, x.Start[:]...)
			if x.Channels == 1 {
				start = start[:1]
			}
			out = append(out, Buffer{l.path, AlbedoBuffer, x.Channels, x.File, x.Encoding, start})
		case NormalPixels:
			n := Normalize(Vec3(x.Start))
			out = append(out, Buffer{l.path, NormalBuffer, 3, x.File, Linear, n[:]})
		}
	})
	return out
}

package render

import (
	"github.com/baremetaldevx86/microdr/scene"
	"github.com/baremetaldevx86/microdr/trace"
)

// ray is a camera ray with its differentials by the image coordinates: the point at distance s moves by
// originX + s*directionX when the sample moves one pixel to the right.
type ray struct {
	origin, direction      trace.Vec3 // direction has unit length
	originX, originY       trace.Vec3
	directionX, directionY trace.Vec3
}

// at returns the point at distance s.
func (r ray) at(s trace.Float) trace.Vec3 { return r.origin.MulAdd(r.direction, s) }

// along returns the differentials of the point at a fixed distance s, per pixel.
func (r ray) along(s trace.Float) (x, y trace.Vec3) {
	return r.originX.MulAdd(r.directionX, s), r.originY.MulAdd(r.directionY, s)
}

// on returns the differentials of the point where the ray meets a surface of normal n at distance s, per pixel.
func (r ray) on(n trace.Vec3, s trace.Float) (x, y trace.Vec3) {
	x, y = r.along(s)
	cos := n.Dot(r.direction)
	slide := func(v trace.Vec3) trace.Vec3 { return v.Sub(r.direction.Mul(n.Dot(v).Div(cos))) }
	return slide(x), slide(y)
}

// cameraRay returns the ray through a position of the image. With camera axes x right, y down, z forward and
// x_camera = R x_world + t, a perspective camera sees u = fx*distort(x/z) + cx, an orthographic one u = fx*distort(x) + cx.
func (t *tracer) cameraRay(at trace.Vec2) ray {
	c := t.camera.Name
	scaled := func(name string) trace.Float { return t.Uniform(c + ".intrinsics." + name).Over(float64(t.Scale)) }
	focal := trace.Vec2{X: scaled("fx"), Y: scaled("fy")}
	offset := at.Sub(trace.Vec2{X: scaled("cx"), Y: scaled("cy")})
	lens := t.undistort(trace.Vec2{X: offset.X.Div(focal.X), Y: offset.Y.Div(focal.Y)})
	// Differentials of the undistorted coordinates per pixel.
	dx := lens.backward(trace.Vec2{X: focal.X.Inv(), Y: t.zero()})
	dy := lens.backward(trace.Vec2{X: t.zero(), Y: focal.Y.Inv()})

	r := t.rotation(c + ".extrinsics")
	shift := t.vec3(c+".extrinsics", ".tx", ".ty", ".tz")
	flat := func(v trace.Vec2) trace.Vec3 { return trace.Vec3{X: v.X, Y: v.Y, Z: t.zero()} }
	if t.camera.Projection == scene.Orthographic {
		return ray{
			origin: r.TMul(flat(lens.at).Sub(shift)), direction: r.TMul(t.Vec3(0, 0, 1)),
			originX: r.TMul(flat(dx)), originY: r.TMul(flat(dy)),
			directionX: t.black(), directionY: t.black(),
		}
	}
	d := trace.Vec3{X: lens.at.X, Y: lens.at.Y, Z: t.Float(1)}
	length := d.Length()
	unit := d.Div(length)
	differential := func(v trace.Vec2) trace.Vec3 {
		w := flat(v)
		return r.TMul(w.Sub(unit.Mul(unit.Dot(w))).Div(length))
	}
	return ray{
		origin: r.TMul(shift.Neg()), direction: r.TMul(unit),
		originX: t.black(), originY: t.black(),
		directionX: differential(dx), directionY: differential(dy),
	}
}

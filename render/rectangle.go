package render

import (
	"math"

	"github.com/baremetaldevx86/microdr/scene"
	"github.com/baremetaldevx86/microdr/trace"
)

// rectangle is a flat rectangle in its own z = 0 plane, intersected analytically. Its outline and its texture are
// antialiased analytically over the sample's footprint, so that they have derivatives of the ordinary kind. Rectangles
// take part in no shadows.
type rectangle struct {
	object *scene.Object
	finish finish
}

// layer is a rectangle as a sample sees it.
type layer struct {
	distance trace.Float // along the ray
	coverage trace.Float // in [0, 1]; 0 where the ray misses the plane
	radiance trace.Vec3
}

// layers are all the rectangles that a sample sees, in the order of the file.
type layers []layer

// transmittance returns the share of light that passes the layers nearer than distance.
func (l layers) transmittance(t *tracer, distance trace.Float) trace.Float {
	out := t.Float(1)
	for _, x := range l {
		out = out.Mul(x.distance.Lt(distance).Select(x.coverage.From(1), t.Float(1)))
	}
	return out
}

// composite returns the radiance that arrives from beyond the distance start: of the layers there, of the solid hit at
// distance at, and of the background.
func (t *tracer) composite(l layers, start trace.Float, solid trace.Vec3, hit trace.Bool, at trace.Float) trace.Vec3 {
	background := t.color("background")
	behind := hit.SelectVec3(solid, background)
	if len(l) == 0 {
		return behind
	}
	visible := make(layers, len(l)) // those beyond start and before the solid
	for i, x := range l {
		on := x.distance.Gt(start).And(hit.Not().Or(x.distance.Lt(at)))
		x.coverage = on.Select(x.coverage, t.zero())
		visible[i] = x
	}
	through := t.Float(1)
	sum := t.black()
	for i, x := range visible {
		through = through.Mul(x.coverage.From(1))
		before := t.Float(1)
		for j, y := range visible {
			if j == i {
				continue
			}
			first := y.distance.Lt(x.distance)
			if j < i {
				first = y.distance.Le(x.distance)
			}
			before = before.Mul(first.Select(y.coverage.From(1), t.Float(1)))
		}
		sum = sum.Add(x.radiance.Mul(x.coverage.Mul(before)))
	}
	return sum.Add(behind.Mul(through))
}

// layers returns the rectangles as the sample sees them.
func (t *tracer) layers(s sample, r ray) layers {
	out := make(layers, len(t.rectangles))
	for i, x := range t.rectangles {
		out[i] = t.layer(s, r, x)
	}
	return out
}

// onPlane is where a ray meets a rectangle's plane, in the rectangle's own x, y, with the standard deviations of the
// footprint along them.
type onPlane struct {
	x, y           trace.Float
	sigmaX, sigmaY trace.Float
}

func (t *tracer) layer(s sample, r ray, x *rectangle) layer {
	toObject := func(d trace.Vec3) trace.Vec3 { return t.fromWorld(x.object, d) }
	origin, scale := t.toObject(x.object, r.origin)
	direction := toObject(r.direction)
	if scale != nil {
		direction = direction.Div(*scale)
	}
	differential := func(o, d trace.Vec3) (trace.Vec3, trace.Vec3) {
		o, d = toObject(o), toObject(d)
		if scale != nil {
			o, d = o.Div(*scale), d.Div(*scale)
		}
		return o, d
	}
	at := origin.Z.Neg().Div(direction.Z)
	met := direction.Z.Abs().Above(1e-6)
	if t.camera.Projection != scene.Orthographic {
		met = met.And(at.Above(0))
	}
	at = met.Select(at, t.Float(1)) // keep what is not used finite
	across := direction.Z
	across = met.Select(across, t.Float(1))
	hit := origin.MulAdd(direction, at)
	ox, dx := differential(r.originX, r.directionX)
	oy, dy := differential(r.originY, r.directionY)
	slide := func(o, d trace.Vec3) trace.Vec3 {
		v := o.MulAdd(d, at)
		return v.Sub(direction.Mul(v.Z.Div(across)))
	}
	u, v := slide(ox, dx), slide(oy, dy)
	sigma := t.lensVariance().Sqrt()
	p := onPlane{x: hit.X, y: hit.Y,
		sigmaX: hypot(u.X, v.X).Mul(sigma), sigmaY: hypot(u.Y, v.Y).Mul(sigma)}
	return layer{distance: at, coverage: met.Select(t.coverage(x, p), t.zero()), radiance: t.rectangleRadiance(s, r, x, p, at, across)}
}

// rectangleRadiance lights the rectangle from the side that the ray comes from.
func (t *tracer) rectangleRadiance(s sample, r ray, x *rectangle, p onPlane, at, across trace.Float) trace.Vec3 {
	one := t.Float(1)
	n := t.toWorld(x.object, t.Vec3(0, 0, 1)).Mul(across.Above(0).Select(one.Neg(), one))
	if mapped, ok := t.normalMap(x.finish, s.pixel); ok {
		n = mapped
	}
	y := surface{point: r.at(at), normal: n, albedo: t.texture(x, p, s.pixel)}
	return t.lit(y, t.emitters(s, y.point), nil)
}

// coverage is the share of the footprint that lies in the rectangle.
func (t *tracer) coverage(x *rectangle, p onPlane) trace.Float {
	n := x.object.Name
	low := trace.Vec2{X: t.Uniform(n + ".origin.x"), Y: t.Uniform(n + ".origin.y")}
	high := low.Add(trace.Vec2{X: t.Uniform(n + ".size.x"), Y: t.Uniform(n + ".size.y")})
	return window(p.x, p.sigmaX, low.X, high.X).Mul(window(p.y, p.sigmaY, low.Y, high.Y))
}

// fromWorld turns a direction of the world into the object's own coordinates.
func (t *tracer) fromWorld(o *scene.Object, d trace.Vec3) trace.Vec3 {
	if o.Pose != nil {
		return t.rotation(o.Name + ".pose.rotation").TMul(d)
	}
	if o.Rotation != nil {
		return t.rotation(o.Name + ".rotation").TMul(d)
	}
	return d
}

// step is a unit step at 0 seen through a Gaussian of standard deviation sigma.
func step(x, sigma trace.Float) trace.Float {
	return x.Div(sigma.Times(math.Sqrt2)).Clamp(-farErf, farErf).Erf().Plus(1).Times(0.5)
}

// window is 1 on [low, high] and 0 elsewhere, seen through a Gaussian.
func window(x, sigma, low, high trace.Float) trace.Float {
	return step(x.Sub(low), sigma).Sub(step(x.Sub(high), sigma))
}

// farErf is where erf is 1 to the last bit of a float64. Beyond, its derivative would be a number so small that
// processors take a hundred times as long to multiply by it.
const farErf = 6

package render

import "github.com/baremetaldevx86/microdr/trace"

// Distance functions after Quilez, "Distance functions" (iquilezles.org/articles/distfunctions). n is the root of the
// object's uniforms, p in the object's coordinates.

// convex and concave are shapes without creases.
type (
	convex  func(t *tracer, p trace.Vec3) trace.Float
	concave func(t *tracer, p trace.Vec3) trace.Float
)

func (f convex) distance(t *tracer, p trace.Vec3) trace.Float  { return f(t, p) }
func (f convex) faces(t *tracer, p trace.Vec3) faces           { return faces{f: f(t, p)} }
func (convex) convex() bool                                    { return true }
func (convex) kinked() bool                                    { return false }
func (f concave) distance(t *tracer, p trace.Vec3) trace.Float { return f(t, p) }
func (f concave) faces(t *tracer, p trace.Vec3) faces          { return faces{f: f(t, p)} }
func (concave) convex() bool                                   { return false }
func (concave) kinked() bool                                   { return false }

func (t *tracer) sphere(n string, p trace.Vec3) trace.Float {
	return p.Sub(t.point(n + ".center")).Length().Sub(t.Uniform(n + ".radius"))
}

func (t *tracer) plane(n string, p trace.Vec3) trace.Float {
	return p.Sub(t.point(n + ".point")).Dot(t.point(n + ".normal").Normalize())
}

// axial returns the distance from the axis and the height along it.
func (t *tracer) axial(n string, p trace.Vec3) (radius, height trace.Float) {
	axis := t.point(n + ".axis").Normalize()
	q := p.Sub(t.point(n + ".center"))
	height = q.Dot(axis)
	return q.Sub(axis.Mul(height)).Length(), height
}

func (t *tracer) torus(n string, p trace.Vec3) trace.Float {
	radius, height := t.axial(n, p)
	ring := trace.Vec2{X: radius.Sub(t.Uniform(n + ".major")), Y: height}
	return ring.Length().Sub(t.Uniform(n + ".minor"))
}

func (t *tracer) capsule(n string, p trace.Vec3) trace.Float {
	a := t.point(n + ".a")
	q, segment := p.Sub(a), t.point(n+".b").Sub(a)
	h := q.Dot(segment).Div(segment.Dot(segment)).Clamp(0, 1)
	return q.Sub(segment.Mul(h)).Length().Sub(t.Uniform(n + ".radius"))
}

// box has sharp edges.
type box struct{ name string }

// slabs returns how far p is outside of each of the three slabs that a box is the intersection of.
func (t *tracer) slabs(n string, p trace.Vec3, inset trace.Float) trace.Vec3 {
	half := t.point(n + ".size").Times(0.5)
	return p.Sub(t.point(n + ".center")).Abs().Sub(half).Map(func(x trace.Float) trace.Float { return x.Add(inset) })
}

// boxDistance is exact outside and inside.
func boxDistance(q trace.Vec3) trace.Float {
	return q.AtLeast(0).Length().Add(q.MaxComponent().AtMost(0))
}

func (b box) distance(t *tracer, p trace.Vec3) trace.Float {
	return boxDistance(t.slabs(b.name, p, t.zero()))
}

func (b box) faces(t *tracer, p trace.Vec3) faces {
	q := t.slabs(b.name, p, t.zero())
	x, y, z := faces{f: q.X}, faces{f: q.Y}, faces{f: q.Z}
	xy := meet(x, y, y.f.Le(x.f))
	return meet(xy, z, z.f.Le(xy.f))
}

func (box) convex() bool { return true }
func (box) kinked() bool { return false }

func (t *tracer) roundedBox(n string, p trace.Vec3) trace.Float {
	r := t.Uniform(n + ".radius")
	return boxDistance(t.slabs(n, p, r)).Sub(r)
}

// cylinder has sharp rims.
type cylinder struct{ name string }

func (c cylinder) outside(t *tracer, p trace.Vec3) (side, cap trace.Float) {
	radius, height := t.axial(c.name, p)
	return radius.Sub(t.Uniform(c.name + ".radius")), height.Abs().Sub(t.Uniform(c.name + ".height").Times(0.5))
}

func (c cylinder) distance(t *tracer, p trace.Vec3) trace.Float {
	side, cap := c.outside(t, p)
	out := trace.Vec2{X: side.AtLeast(0), Y: cap.AtLeast(0)}
	return out.Length().Add(side.Max(cap).AtMost(0))
}

func (c cylinder) faces(t *tracer, p trace.Vec3) faces {
	side, cap := c.outside(t, p)
	return meet(faces{f: side}, faces{f: cap}, cap.Le(side))
}

func (cylinder) convex() bool { return true }
func (cylinder) kinked() bool { return false }

package render

import (
	"fmt"

	"github.com/baremetaldevx86/microdr/scene"
	"github.com/baremetaldevx86/microdr/trace"
)

// shape is a signed distance function: negative inside.
type shape interface {
	// distance is a lower bound of the distance to the surface, exact outside of all shapes here but
	// combinations. Its slope is at most 1.
	distance(t *tracer, p trace.Vec3) trace.Float
	// faces describes the surface near a point that lies on it.
	faces(t *tracer, p trace.Vec3) faces
	// convex tells whether distance is a convex function: then so it is along a ray, and a step of Newton's method
	// never goes too far.
	convex() bool
	// kinked tells whether distance has kinks at local minima along rays.
	kinked() bool
}

// faces is a surface near a point as a patchwork of smooth pieces, each the zero set of a function. At a point of the
// surface, f is the function of the piece that the point belongs to; across the nearest crease lies the zero set of
// other; gap is |f - other|, positive on this side and zero at the crease. The distance itself will not do: outside a
// box it is rounded along the edges.
type faces struct {
	f          trace.Float
	crease     bool // without one gap and other are not set
	gap, other trace.Float
}

// scaled returns the faces of a surface scaled by s.
func (a faces) scaled(s trace.Float) faces {
	a.f = a.f.Mul(s)
	if a.crease {
		a.gap, a.other = a.gap.Mul(s), a.other.Mul(s)
	}
	return a
}

// negated returns the faces of the complement.
func (a faces) negated() faces {
	a.f = a.f.Neg()
	if a.crease {
		a.other = a.other.Neg()
	}
	return a
}

// meet joins two surfaces of which a is there where first holds, b elsewhere, along a crease where they are equal.
func meet(a, b faces, first trace.Bool) faces {
	out := faces{
		f:      first.Select(a.f, b.f),
		crease: true,
		gap:    a.f.Sub(b.f).Abs(),
		other:  first.Select(b.f, a.f),
	}
	out = out.nearer(a, first)
	return out.nearer(b, first.Not())
}

// nearer takes the crease of piece, which is there where on holds, if it is the nearer one.
func (a faces) nearer(piece faces, on trace.Bool) faces {
	if !piece.crease {
		return a
	}
	use := on.And(piece.gap.Lt(a.gap))
	a.gap, a.other = use.Select(piece.gap, a.gap), use.Select(piece.other, a.other)
	return a
}

// solid is a shape with its place in the world and, if it is drawn by itself, its finish.
type solid struct {
	object *scene.Object
	shape  shape
	finish finish
}

// newSolid makes the solid of an object. Depth guards against references that go round, which scene refuses.
func (p *plan) newSolid(o *scene.Object, depth int) (*solid, error) {
	if depth > len(p.scene.Objects) {
		return nil, fmt.Errorf("render: object %q is made of itself", o.Name)
	}
	var operands []*solid
	for _, name := range o.Operands() {
		operand := p.scene.Object(name)
		if operand == nil {
			return nil, fmt.Errorf("render: object %q is made of %q, which is not there", o.Name, name)
		}
		s, err := p.newSolid(operand, depth+1)
		if err != nil {
			return nil, err
		}
		operands = append(operands, s)
	}
	s := &solid{object: o, shape: newShape(o, operands)}
	if s.shape == nil {
		return nil, fmt.Errorf("render: object %q has no distance function", o.Name)
	}
	return s, nil
}

func newShape(o *scene.Object, operands []*solid) shape {
	n := o.Name
	switch {
	case o.Sphere != nil:
		return convex(func(t *tracer, p trace.Vec3) trace.Float { return t.sphere(n, p) })
	case o.Box != nil && o.Box.Radius > 0:
		return convex(func(t *tracer, p trace.Vec3) trace.Float { return t.roundedBox(n, p) })
	case o.Box != nil:
		return box{n}
	case o.Torus != nil:
		return concave(func(t *tracer, p trace.Vec3) trace.Float { return t.torus(n, p) })
	case o.Cylinder != nil:
		return cylinder{n}
	case o.Capsule != nil:
		return convex(func(t *tracer, p trace.Vec3) trace.Float { return t.capsule(n, p) })
	case o.Plane != nil:
		return convex(func(t *tracer, p trace.Vec3) trace.Float { return t.plane(n, p) })
	case o.Union != nil:
		return union{operands}
	case o.Intersection != nil:
		return intersection{operands}
	case o.Difference != nil:
		return difference{operands}
	case o.SmoothUnion != nil:
		return smoothUnion{n, operands}
	}
	return nil
}

func (s *solid) distance(t *tracer, p trace.Vec3) trace.Float {
	q, scale := t.toObject(s.object, p)
	d := s.shape.distance(t, q)
	if scale != nil {
		d = d.Mul(*scale)
	}
	return d
}

func (s *solid) faces(t *tracer, p trace.Vec3) faces {
	q, scale := t.toObject(s.object, p)
	f := s.shape.faces(t, q)
	if scale != nil {
		f = f.scaled(*scale)
	}
	return f
}

func (s *solid) kinked() bool { return s.shape.kinked() }
func (s *solid) convex() bool { return s.shape.convex() }

// toObject inverts x_world = c + translation + scale R (x - c), or, for a pose, x_world = R x + t. Scale is nil if the
// object has none.
func (t *tracer) toObject(o *scene.Object, p trace.Vec3) (trace.Vec3, *trace.Float) {
	if o.Pose != nil {
		r := t.rotation(o.Name + ".pose.rotation")
		return r.TMul(p.Sub(t.point(o.Name + ".pose.translation"))), nil
	}
	if o.Translation != nil {
		p = p.Sub(t.point(o.Name + ".translation"))
	}
	if o.Rotation == nil && o.Scale == nil {
		return p, nil
	}
	center, moved := t.center(o)
	if moved {
		p = p.Sub(center)
	}
	if o.Rotation != nil {
		p = t.rotation(o.Name + ".rotation").TMul(p)
	}
	var scale *trace.Float
	if o.Scale != nil {
		s := t.Uniform(o.Name + ".scale")
		p, scale = p.Div(s), &s
	}
	if moved {
		p = p.Add(center)
	}
	return p, scale
}

// center is the point that rotation and scale leave in place (see scene.Object); moved tells whether it may differ
// from the origin.
func (t *tracer) center(o *scene.Object) (c trace.Vec3, moved bool) {
	switch {
	case o.Sphere != nil, o.Box != nil, o.Torus != nil, o.Cylinder != nil:
		return t.point(o.Name + ".center"), true
	case o.Capsule != nil:
		return t.point(o.Name + ".a").Add(t.point(o.Name + ".b")).Times(0.5), true
	case o.Plane != nil:
		return t.point(o.Name + ".point"), true
	}
	return t.black(), false
}

// toWorld turns a direction of the object's own coordinates into the world's.
func (t *tracer) toWorld(o *scene.Object, d trace.Vec3) trace.Vec3 {
	if o.Pose != nil {
		return t.rotation(o.Name + ".pose.rotation").Mul(d)
	}
	if o.Rotation != nil {
		return t.rotation(o.Name + ".rotation").Mul(d)
	}
	return d
}

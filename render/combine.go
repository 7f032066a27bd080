package render

import "github.com/baremetaldevx86/microdr/trace"

// union, intersection and difference are the sets' own; the bound is exact outside of unions only.
type (
	union        struct{ of []*solid }
	intersection struct{ of []*solid }
	difference   struct{ of []*solid } // the first without the others
	smoothUnion  struct {
		name string
		of   []*solid
	}
)

func (u union) distance(t *tracer, p trace.Vec3) trace.Float {
	d := u.of[0].distance(t, p)
	for _, s := range u.of[1:] {
		d = d.Min(s.distance(t, p))
	}
	return d
}

func (u union) faces(t *tracer, p trace.Vec3) faces {
	a := u.of[0].faces(t, p)
	for _, s := range u.of[1:] {
		b := s.faces(t, p)
		a = meet(a, b, a.f.Le(b.f))
	}
	return a
}

func (union) convex() bool { return false }

func (u union) kinked() bool { return anyKinked(u.of) }

func anyKinked(of []*solid) bool {
	for _, s := range of {
		if s.kinked() {
			return true
		}
	}
	return false
}

func (x intersection) distance(t *tracer, p trace.Vec3) trace.Float {
	d := x.of[0].distance(t, p)
	for _, s := range x.of[1:] {
		d = d.Max(s.distance(t, p))
	}
	return d
}

func (x intersection) faces(t *tracer, p trace.Vec3) faces {
	a := x.of[0].faces(t, p)
	for _, s := range x.of[1:] {
		b := s.faces(t, p)
		a = meet(a, b, b.f.Le(a.f))
	}
	return a
}

func (x intersection) convex() bool {
	for _, s := range x.of {
		if !s.convex() {
			return false
		}
	}
	return true
}

func (x intersection) kinked() bool { return len(x.of) > 1 || anyKinked(x.of) }

func (x difference) distance(t *tracer, p trace.Vec3) trace.Float {
	d := x.of[0].distance(t, p)
	for _, s := range x.of[1:] {
		d = d.Max(s.distance(t, p).Neg())
	}
	return d
}

func (x difference) faces(t *tracer, p trace.Vec3) faces {
	a := x.of[0].faces(t, p)
	for _, s := range x.of[1:] {
		b := s.faces(t, p).negated()
		a = meet(a, b, b.f.Le(a.f))
	}
	return a
}

func (difference) convex() bool { return false }

func (x difference) kinked() bool { return len(x.of) > 1 || anyKinked(x.of) }

// smoothMin is Quilez's polynomial minimum: where |a - b| < width it lies below both, by at most width/4, and its
// gradient is a mean of theirs, so distances stay lower bounds.
func smoothMin(a, b, width trace.Float) trace.Float {
	h := width.Sub(a.Sub(b).Abs()).AtLeast(0)
	return a.Min(b).Sub(h.Sq().Div(width).Times(0.25))
}

func (u smoothUnion) distance(t *tracer, p trace.Vec3) trace.Float {
	width := t.Uniform(u.name + ".width")
	d := u.of[0].distance(t, p)
	for _, s := range u.of[1:] {
		d = smoothMin(d, s.distance(t, p), width)
	}
	return d
}

// faces keeps the creases of the operands, as far as they are not buried under the other.
func (u smoothUnion) faces(t *tracer, p trace.Vec3) faces {
	width := t.Uniform(u.name + ".width")
	a := u.of[0].faces(t, p)
	for _, s := range u.of[1:] {
		b := s.faces(t, p)
		out := faces{f: smoothMin(a.f, b.f, width)}
		if a.crease || b.crease {
			out.crease, out.gap, out.other = true, t.Float(farGap), out.f
			if a.crease {
				out = out.nearer(faces{crease: true, gap: a.gap, other: smoothMin(a.other, b.f, width)}, a.f.Lt(b.f.Add(width)))
			}
			if b.crease {
				out = out.nearer(faces{crease: true, gap: b.gap, other: smoothMin(a.f, b.other, width)}, b.f.Lt(a.f.Add(width)))
			}
		}
		a = out
	}
	return a
}

func (smoothUnion) convex() bool { return false }

func (u smoothUnion) kinked() bool { return anyKinked(u.of) }

// farGap is a gap that no band reaches.
const farGap = 1e9

package render

import (
	"github.com/baremetaldevx86/microdr/trace"
)

// Edges. The mean radiance of a pixel is an integral over samples u of a function that jumps along edges. Let h(u) be
// positive on one side of an edge and zero on it, and let the radiance be L+ on that side, L- on the other. When a
// parameter moves by dtheta, the edge sweeps over an area of dh/|grad_u h| per unit of its length, and the integral
// changes by the line integral of (L+ - L-) dh/|grad_u h|. Samples do not fall on lines: those at a distance
// s = h/|grad_u h| in (0, w), in pixels, stand for the edge, weighted by a kernel k(s) whose integral is one and whose
// first moment is zero. So every sample adds the term
//
//	k(s)/|grad_u h| (L+ - L-) (h - detach h)
//
// whose value is zero and whose derivative is the edge's. Whatever varies linearly over the band (the curvature of the
// edge, the radiance beside it) cancels; the bias is of second order in w where edges are further apart than w, and of
// first order at corners, crossings and between closer ones: a strip of shadow 0.7 pixels wide is off by 6 % at w = 0.6
// and by less than 1 % at w = 0.3. At the default w = 1, with features of a dozen pixels and more, a sphere, a torus and a shadow
// are off by 0.2, 0.5 and 0.2 % in the mean of the image, with standard errors of 0.06, 0.2 and 0.3 %
// (go test ./render -run TestDefaultBand -v); at w = 0.4 all cases stay within 3 % (-run TestGradients). The variance goes as 4/w. Compare Wang et al. 2024, "A Simple Approach
// to Differentiable Rendering of SDFs", who relax the radiance within a band of constant weight, to first order.
//
// For silhouettes and for shadows h is the least distance between a solid and the ray; by the envelope theorem its
// derivative is the partial one at the closest point, which stays where it is. For the creases of a solid and the seams
// between two that are visible on both sides, h is the gap between the functions of the two faces at the hit.

// kernel is k(s) = (4 - 6 s/w)/w on 0 < s < w: of all functions with integral one and first moment zero there, the
// linear one has the least variance.
func (t *tracer) kernel(s trace.Float) trace.Float {
	w := t.Band
	k := s.Times(-6 / (w * w)).Plus(4 / w)
	return s.Above(0).And(s.Below(w)).Select(k, t.zero())
}

// factor returns k(h/g)/g where on holds and the sample lies in the band, and 0 elsewhere, whatever h and g are there.
func (t *tracer) factor(on trace.Bool, h, g trace.Float) (x trace.Float, within trace.Bool) {
	s := h.Div(g)
	within = on.And(s.Above(0)).And(s.Below(t.Band))
	return within.Select(t.kernel(s).Div(g), t.zero()), within
}

// rough is a bound, in bands, on the lower bound of a miss for the miss to lie within the band; it is over 1 because a
// pixel's size is taken as the larger of its two.
const rough = 1.5

// Bisection narrows the bracket of a closest approach to a share of the least distance: beside the edge of a box, the
// distance bends over as short a way as it is from the edge.
const (
	bisections    = 40
	bracketShare  = 0.03
	bracketFinest = 5e-7 // relative to the coordinates, for float32
)

// approach is the closest approach of a path to a solid: a bracket, and gradients at its ends.
type approach struct {
	from, to     trace.Float
	gradientFrom trace.Vec3
	gradientTo   trace.Vec3
	share        trace.Float // of from in means that stand for the closest point
	distance     trace.Float // the least distance
	ok           trace.Bool
}

// closest refines a bracket of a minimum along a path. At a smooth minimum the two ends close in on it, and one secant
// step between their slopes finds it. At a kink, where
// two faces of an intersection meet, they stay on different faces, and the mean in which the slopes cancel has the
// derivative of the minimum.
func (t *tracer) closest(p path, m minimum) approach {
	distance := func(at trace.Vec3) trace.Float { return t.choose(m.solid, t.distances(at)) }
	ends := t.while(bisections, []trace.Float{m.from, m.to, t.Float(noMinimum), m.solid}, func(s []trace.Float) (trace.Bool, []trace.Float) {
		middle := s[0].Add(s[1]).Times(0.5)
		f := t.choose(s[3], t.distances(p.at(middle)))
		falls := t.slope(f, middle).Below(0)
		width, finest := s[1].Sub(s[0]), s[1].Add(p.magnitude).Times(bracketFinest)
		again := width.Gt(s[2].Times(bracketShare).Max(finest)).Or(s[2].Eq(t.Float(noMinimum)))
		return again, []trace.Float{falls.Select(middle, s[0]), falls.Select(s[1], middle), f, s[3]}
	})
	a := approach{from: ends[0], to: ends[1]}
	x, y := p.at(a.from), p.at(a.to)
	dx, dy := distance(x), distance(y)
	a.gradientFrom, a.gradientTo = t.gradient(dx, x), t.gradient(dy, y)
	falls, rises := a.gradientFrom.Dot(p.direction), a.gradientTo.Dot(p.direction)
	a.ok = falls.Below(0).And(rises.Above(0))
	a.share = rises.Div(rises.Sub(falls))
	if !t.kinked() {
		a.from = a.mean(a.from, a.to)
		x = p.at(a.from)
		dx = distance(x)
		a.gradientFrom = t.gradient(dx, x)
		a.to, dy, a.gradientTo = a.from, dx, a.gradientFrom
	}
	a.distance = a.mean(dx, dy)
	return a
}

// mean is the mean of values at the two ends.
func (a approach) mean(from, to trace.Float) trace.Float { return to.Add(from.Sub(to).Mul(a.share)) }

// sensitivity returns the change of the least distance when the points at the ends move by x and y.
func (a approach) sensitivity(x, y trace.Vec3) trace.Float {
	return a.mean(a.gradientFrom.Dot(x), a.gradientTo.Dot(y))
}

// boundary returns what the radiance stage needs, with a weight of jump * kernel / g.
func (a approach) boundary(solid, factor trace.Float, jump trace.Vec3) boundary {
	return boundary{a.from, a.to, a.share, solid, jump.Mul(factor)}
}

// edgeShift is the share of the way from the sample to a silhouette at which the derivative is taken: close to the edge,
// where it is the edge's, but not on it, where a box has no gradient. So what moves no edge, such as the scale of
// everything as seen from the camera, has next to no derivative in every single sample, not only in the mean.
const edgeShift = 0.9

// silhouette finds the outline that passes closest to the camera ray before it hits anything. own is the radiance of
// what the ray hits, at distance at. The boundary lies on the ray through the sample's position less shift.
func (t *tracer) silhouette(s sample, r ray, p path, m met, at trace.Float, own trace.Vec3, l layers) (b boundary, shift trace.Vec2) {
	on := m.near.solid.Ge(t.zero()).And(m.near.below.Below(rough * t.Band))
	in := append([]trace.Float{m.near.from, m.near.to, m.near.solid}, list(r.origin, r.direction)...)
	out := t.when(on, in, boundaryFields+2, func(in []trace.Float) []trace.Float {
		r, p := r, p
		r.origin, r.direction = vector(in[3:]), vector(in[6:])
		p.origin, p.direction = r.origin, r.direction
		bracket := minimum{from: in[0], to: in[1], solid: in[2]}
		a := t.closest(p, bracket)
		slope := a.imageGradient(r)
		g := slope.Length()
		k, within := t.factor(a.ok, a.distance, g)
		distance := a.mean(a.from, a.to)
		x := t.grazed(p, a, in[2], distance)
		like := found{pixel: p.pixel(distance), threshold: p.threshold(distance)}
		occluder := t.shade(s, x, in[2], like, within)
		beyond := t.composite(l, distance, own, m.hit, at)
		jump := t.where(within, beyond.Sub(occluder).Mul(l.transmittance(t, distance)))

		shift := slope.Mul(a.distance.Times(edgeShift).Div(g.Sq()))
		edge := t.cameraRay(s.at.Sub(shift))
		p.origin, p.direction = edge.origin, edge.direction
		near := t.closest(p, bracket)
		gNear := near.imageGradient(edge).Length()
		better := within.And(near.ok).And(near.distance.Lt(a.distance)).And(near.distance.Above(0))
		b := near.boundary(in[2], k.Mul(g.Div(gNear)), jump)
		plain := a.boundary(in[2], k, jump).list()
		for i, v := range b.list() {
			plain[i] = better.Select(v, plain[i])
		}
		return append(plain, better.Select(shift.X, t.zero()), better.Select(shift.Y, t.zero()))
	})
	return boundaryOf(out), trace.Vec2{X: out[boundaryFields], Y: out[boundaryFields+1]}
}

// imageGradient returns the derivative of the least distance by the image coordinates.
func (a approach) imageGradient(r ray) trace.Vec2 {
	fromX, fromY := r.along(a.from)
	toX, toY := r.along(a.to)
	return trace.Vec2{X: a.sensitivity(fromX, toX), Y: a.sensitivity(fromY, toY)}
}

// grazed returns the point just inside the outline, which the ray would hit if it passed a little closer: on a crease
// the face that looks towards the camera.
func (t *tracer) grazed(p path, a approach, solid, distance trace.Float) surface {
	across := trace.Vec3{
		X: a.mean(a.gradientFrom.X, a.gradientTo.X), Y: a.mean(a.gradientFrom.Y, a.gradientTo.Y), Z: a.mean(a.gradientFrom.Z, a.gradientTo.Z),
	}
	x := p.at(distance).Sub(across.Mul(a.distance.Div(across.Dot(across))))
	f := t.facesOf(solid, x)
	n, value := t.gradient(f.f, x), f.f
	if f.crease {
		away := n.Dot(p.direction).Above(0.01)
		reached := f.gap.Lt(p.pixel(distance).Times(3 * t.Band))
		flip := away.And(reached)
		n = flip.SelectVec3(t.gradient(f.other, x), n)
		value = flip.Select(f.other, value)
	}
	n2 := n.Dot(n)
	return surface{point: x.Sub(n.Mul(value.Div(n2))), normal: n.Div(n2.Sqrt())}
}

// seam returns the weight of the nearest crease or seam beside a hit, if the face behind it is visible too. Samples on
// both sides stand for it: each side's share goes by the square of the cosine at which it is seen, so that a face seen
// at a grazing angle, whose band is short of room, counts little.
func (t *tracer) seam(s sample, r ray, h found, own trace.Vec3, l layers) trace.Vec3 {
	if !h.hasNeighbour {
		return t.black()
	}
	reach := h.dx.Length().Add(h.dy.Length()).Times(2 * t.Band)
	on := h.on.And(h.gap.Lt(reach))
	in := append(list(h.point), h.solid)
	return vector(t.when(on, in, 3, func(in []trace.Float) []trace.Float {
		x, solid := vector(in), in[3]
		gap, behind, index, _ := t.neighbour(solid, x, t.facesOf(solid, x))
		slope, n := t.gradient(gap, x), t.gradient(behind, x)
		length := n.Length()
		n = n.Div(length)
		g := hypot(slope.Dot(h.dx), slope.Dot(h.dy))
		mine, theirs := h.normal.Dot(r.direction), n.Dot(r.direction)
		share := mine.Sq().Div(mine.Sq().Add(theirs.Sq()))
		factor, within := t.factor(theirs.Below(0), gap, g)
		edge := x.Sub(n.Mul(behind.Div(length)))
		lift := h.normal.Mul(h.threshold)
		other := t.shade(s, surface{point: edge.Add(lift), normal: n}, index, h, within)
		jump := own.Sub(other).Mul(l.transmittance(t, h.at))
		return list(t.where(within, jump.Mul(factor.Mul(share))))
	}))
}

// shadowEdge finds the outline, as seen from the hit, that passes closest to the way to light k where that is free.
// Beyond it the light's contribution is gone. For a soft light the integral is over the light too: the band is then
// measured in the joint space of the image's coordinates and those of the disc, the disc's diameter being discPixels.
func (t *tracer) shadowEdge(s sample, r ray, h found, v seen, k int) boundary {
	on := h.on.And(v.visible.Above(0.5)).And(v.path.on).And(v.near.solid.Ge(t.zero())).And(v.near.below.Below(rough * t.Band))
	in := append([]trace.Float{v.near.from, v.near.to, v.near.solid}, list(v.path.origin, v.path.direction)...)
	x := t.shaded(s, surface{point: h.point, normal: h.normal}, h.solid)
	gone := v.emitter.irradiance(x).MulEach(x.albedo).Mul(t.layers(s, r).transmittance(t, h.at))
	return boundaryOf(t.when(on, in, boundaryFields, func(in []trace.Float) []trace.Float {
		p := v.path
		p.origin, p.direction = vector(in[3:]), vector(in[6:])
		a := t.closest(p, minimum{from: in[0], to: in[1], solid: in[2]})
		// A point at distance s towards a near light moves with the surface by 1 - s/distance.
		moves := func(s trace.Float, d trace.Vec3) trace.Vec3 {
			if v.emitter.far {
				return d
			}
			return d.Mul(s.Div(v.distance).From(1))
		}
		change := func(d trace.Vec3) trace.Float { return a.sensitivity(moves(a.from, d), moves(a.to, d)) }
		g := hypot(change(h.dx), change(h.dy))
		if v.emitter.soft {
			shift := func(s trace.Float, d trace.Vec3) trace.Vec3 {
				if !v.emitter.far {
					s = s.Div(v.distance)
				}
				return d.Mul(s).Times(2.0 / discPixels)
			}
			slide := func(d trace.Vec3) trace.Float { return a.sensitivity(shift(a.from, d), shift(a.to, d)) }
			g = hypot(g, hypot(slide(v.emitter.discX), slide(v.emitter.discY)))
		}
		factor, within := t.factor(a.ok, a.distance, g)
		b := a.boundary(in[2], factor, t.where(within, gone))
		if !v.emitter.far { // as shares of the way, which moves with both of its ends
			b.from, b.to = b.from.Div(v.distance), b.to.Div(v.distance)
		}
		return b.list()
	}))
}

// where returns v where on holds and v is finite, zero elsewhere: a weight that is not a number would spoil its pixel.
func (t *tracer) where(on trace.Bool, v trace.Vec3) trace.Vec3 {
	for _, x := range list(v) {
		on = on.And(x.Sub(x).Eq(t.zero()))
	}
	return on.SelectVec3(v, t.black())
}

func hypot(x, y trace.Float) trace.Float { return x.Sq().Add(y.Sq()).Sqrt() }

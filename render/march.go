package render

import "github.com/baremetaldevx86/microdr/trace"

// Rays march by the distance to the nearest solid (sphere tracing, Hart 1996), but faster past convex solids: their
// distance is a convex function along the ray, so a step of Newton's method, f/-f', never goes too far, and once the
// distance rises they are never met again. What is within ten thresholds of a solid when the steps run out counts as
// hit, the rest as a miss that is counted. The threshold is a share of a pixel: a larger one would cut the limb of a
// shaded ball, where the derivative of the radiance goes as one over the root of the distance to the limb.
const (
	hitPixels    = 3e-4 // threshold in pixels
	hitRounding  = 2e-6 // and relative to the coordinates, for float32
	limitFactor  = 10   // what counts as hit at the step limit, in thresholds
	grazingSlope = 5e-4 // slopes of the distance along the ray above minus this have no implicit derivative
)

// path is a ray to march along, with constants of the lane.
type path struct {
	origin, direction trace.Vec3
	end               trace.Float                     // where it ends
	on                trace.Bool                      // lanes that march at all
	pixel             func(t trace.Float) trace.Float // the size of a pixel at distance t
	magnitude         trace.Float                     // bound of the origin's coordinates

	// footprint is how far the point at distance t moves per pixel, where that is not pixel; it only ranks misses.
	footprint func(t trace.Float) trace.Float
}

func (p path) at(s trace.Float) trace.Vec3 { return p.origin.MulAdd(p.direction, s) }

func (p path) reach(s trace.Float) trace.Float {
	if p.footprint != nil {
		return p.footprint(s)
	}
	return p.pixel(s)
}

// threshold is the distance that counts as hit at distance s.
func (p path) threshold(s trace.Float) trace.Float {
	return p.pixel(s).Times(hitPixels).Max(s.Add(p.magnitude).Times(hitRounding))
}

// minimum brackets the least distance of one solid along a path, before anything is hit.
type minimum struct {
	from, to trace.Float
	solid    trace.Float // index, -1 for none
	below    trace.Float // a lower bound of the least distance, in pixels
}

// met is what a march found.
type met struct {
	hit   trace.Bool
	at    trace.Float // distance along the path
	solid trace.Float // index of the solid hit, -1 for none
	limit trace.Bool  // gave up at the step limit, a miss
	near  minimum     // the closest miss, if asked for
}

// noMinimum is an estimate that anything is better than.
const noMinimum = 1e9

// The states of a march. With track they are followed by the solid of the minimum and by every solid's last distance
// and last slope.
const (
	marchAt       = iota // distance along the path
	marchLast            // that one step before
	marchDistance        // to the nearest solid
	marchSolid           // its index
	marchState           // running, hit or escaped
	marchFrom            // the minimum's bracket
	marchTo
	marchEstimate
	marchBelow
	marchNear // the minimum's solid, and the number of states without tracking
)

const (
	running = 0
	hit     = 1
	escaped = 2
)

// march walks along a path. With track it also brackets the closest miss. Minima are those of each solid on its own:
// next to where two solids touch, their union has none.
func (t *tracer) march(p path, track bool) met {
	zero, none, far := t.zero(), t.Float(-1), t.Float(noMinimum)
	init := []trace.Float{zero, zero, far, none, p.on.Select(t.Float(running), t.Float(escaped)), zero, zero, far, far}
	if track {
		init = append(init, none)
		for range 2 * len(t.solids) {
			init = append(init, zero)
		}
	}
	end := t.while(t.scene.Integrator.Steps, init, func(s []trace.Float) (trace.Bool, []trace.Float) {
		d := t.distances(p.at(s[marchAt]))
		slopes := t.slopes(d, s[marchAt])
		nearest, index := t.nearest(d)
		isHit := nearest.Lt(p.threshold(s[marchAt]))
		atEnd := s[marchAt].Ge(p.end)
		next := append([]trace.Float(nil), s...)
		next[marchAt] = isHit.Select(s[marchAt], s[marchAt].Add(t.reach(d, slopes, p.end)).Min(p.end))
		next[marchLast] = s[marchAt]
		next[marchDistance], next[marchSolid] = nearest, index
		next[marchState] = isHit.Select(t.Float(hit), atEnd.Select(t.Float(escaped), t.Float(running)))
		if track {
			t.trackMinima(p, s, next, d, slopes)
		}
		return s[marchState].Below(hit - 0.5), next
	})
	unfinished := end[marchState].Below(hit - 0.5)
	close := unfinished.And(end[marchDistance].Lt(p.threshold(end[marchLast]).Times(limitFactor)))
	m := met{
		hit:   end[marchState].Above(hit - 0.5).And(end[marchState].Below(hit + 0.5)).Or(close),
		at:    close.Select(end[marchLast], end[marchAt]),
		limit: unfinished.And(close.Not()),
	}
	m.solid = m.hit.Select(end[marchSolid], none)
	if track {
		m.near = minimum{end[marchFrom], end[marchTo], end[marchNear], end[marchBelow]}
	}
	return m
}

// trackMinima notes a solid's distance that fell at the last step and rises now, if no smaller minimum was noted
// before. Between the two lies the minimum; the tangents of a convex distance meet below it, the lesser
// distance is above it, and their mean ranks it.
func (t *tracer) trackMinima(p path, s, next, d, slopes []trace.Float) {
	n := len(d)
	lastDistance, lastSlope := s[marchNear+1:marchNear+1+n], s[marchNear+1+n:]
	step := s[marchAt].Sub(s[marchLast])
	perPixel := p.reach(s[marchAt]).Inv()
	for i := range d {
		turns := lastSlope[i].Below(0).And(slopes[i].Ge(t.zero()))
		// The tangents f1 + g1 x and f + g (x - step) meet at x = (f - g step - f1)/(g1 - g).
		x := d[i].Sub(slopes[i].Mul(step)).Sub(lastDistance[i]).Div(lastSlope[i].Sub(slopes[i]))
		below := lastDistance[i].Add(lastSlope[i].Mul(x)).AtLeast(0)
		above := lastDistance[i].Min(d[i])
		estimate := below.Add(above).Times(0.5).Mul(perPixel)
		better := turns.And(estimate.Lt(next[marchEstimate]))
		next[marchFrom] = better.Select(s[marchLast], next[marchFrom])
		next[marchTo] = better.Select(s[marchAt], next[marchTo])
		next[marchEstimate] = better.Select(estimate, next[marchEstimate])
		next[marchBelow] = better.Select(below.Mul(perPixel), next[marchBelow])
		next[marchNear] = better.Select(t.Float(float64(i)), next[marchNear])
		next[marchNear+1+i], next[marchNear+1+n+i] = d[i], slopes[i]
	}
}

// reach returns how far a path can go without meeting a solid, given their distances and the slopes of these.
func (t *tracer) reach(d, slopes []trace.Float, end trace.Float) trace.Float {
	out := end
	for i, s := range t.solids {
		step := d[i]
		if s.convex() {
			step = slopes[i].Below(0).Select(step.Div(slopes[i].Neg()), end)
		}
		out = out.Min(step)
	}
	return out
}

// distances returns every solid's distance from p.
func (t *tracer) distances(p trace.Vec3) []trace.Float {
	d := make([]trace.Float, len(t.solids))
	for i, s := range t.solids {
		d[i] = s.distance(t, p)
	}
	return d
}

// nearest returns the least of the distances and its index.
func (t *tracer) nearest(d []trace.Float) (least, index trace.Float) {
	least, index = d[0], t.zero()
	for i := 1; i < len(d); i++ {
		nearer := d[i].Lt(least)
		least, index = nearer.Select(d[i], least), nearer.Select(t.Float(float64(i)), index)
	}
	return least, index
}

// is tells whether an index held as a float is i.
func (t *tracer) is(index trace.Float, i int) trace.Bool { return index.Eq(t.Float(float64(i))) }

// choose returns the entry of xs that index says, the first for an index out of range.
func (t *tracer) choose(index trace.Float, xs []trace.Float) trace.Float {
	out := xs[0]
	for i := 1; i < len(xs); i++ {
		out = t.is(index, i).Select(xs[i], out)
	}
	return out
}

// polish moves a hit onto the face it belongs to, by Newton's method along the path: along a ray that enters a convex
// solid it never overshoots. It returns the distance along the path, and the slope of the face's function along it
// where that has an implicit derivative, 0 elsewhere (the ray does not reach the surface that it came so close to).
func (t *tracer) polish(p path, m met) (at, slope trace.Float) {
	face := func(s trace.Float) trace.Float { return t.facesOf(m.solid, p.at(s)).f }
	const most = 6
	end := t.while(most, []trace.Float{m.at, m.hit.Float(), m.solid}, func(s []trace.Float) (trace.Bool, []trace.Float) {
		f := t.facesOf(s[2], p.at(s[0])).f
		slope := t.slope(f, s[0])
		falls := slope.Lt(t.Float(-grazingSlope / 5))
		next := falls.Select(s[0].Sub(f.Div(slope)), s[0])
		return s[1].Above(0.5), []trace.Float{next, falls.Float(), s[2]}
	})
	at = end[0]
	f := face(at)
	slope = t.slope(f, at)
	good := m.hit.And(f.Abs().Lt(p.threshold(at).Over(5))).And(slope.Lt(t.Float(-grazingSlope)))
	return m.hit.Select(at, m.at), good.Select(slope, t.zero())
}

// facesOf returns the faces of the solid of that index at p, with creases only where that solid has any.
func (t *tracer) facesOf(index trace.Float, p trace.Vec3) faces {
	out := t.solids[0].faces(t, p)
	for i := 1; i < len(t.solids); i++ {
		out = t.chooseFaces(t.is(index, i), t.solids[i].faces(t, p), out)
	}
	return out
}

// chooseFaces returns a where on holds, b elsewhere.
func (t *tracer) chooseFaces(on trace.Bool, a, b faces) faces {
	out := faces{f: on.Select(a.f, b.f), crease: a.crease || b.crease}
	if !out.crease {
		return out
	}
	fill := func(x faces) faces {
		if !x.crease {
			x.gap, x.other = t.Float(farGap), x.f
		}
		return x
	}
	a, b = fill(a), fill(b)
	out.gap, out.other = on.Select(a.gap, b.gap), on.Select(a.other, b.other)
	return out
}

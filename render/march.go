package render

import "github.com/baremetaldevx86/microdr/trace"

// Sphere tracing (Hart 1996) steps by the distance to the nearest solid. Close to a silhouette steps get short and a ray
// may need more of them than it has; what it is within ten thresholds of at the end counts as hit, the rest as a miss
// that is counted. The threshold is a share of a pixel: a larger one would cut the limb of a shaded ball, where the
// derivative of the radiance goes as one over the root of the distance to the limb.
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
	estimate trace.Float // in pixels
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

// march walks along a path. With track it also brackets the closest miss. Minima are those of each solid on its own:
// next to where two solids touch, their union has none.
func (t *tracer) march(p path, track bool) met {
	n := len(t.solids)
	const fixed = 9
	const at, last, before, distance, solid, state, from, to, best = 0, 1, 2, 3, 4, 5, 6, 7, 8
	const running, hit, escaped = 0, 1, 2
	zero, none := t.zero(), t.Float(-1)
	init := []trace.Float{zero, zero, zero, t.Float(noMinimum), none, p.on.Select(t.Float(running), t.Float(escaped)), zero, zero, t.Float(noMinimum)}
	if track {
		init = append(init, none)
		for range 2 * n {
			init = append(init, none)
		}
	}
	end := t.while(t.scene.Integrator.Steps, init, func(s []trace.Float) (trace.Bool, []trace.Float) {
		here := p.at(s[at])
		d := t.distances(here)
		nearest, index := t.nearest(d)
		isHit := nearest.Lt(p.threshold(s[at]))
		atEnd := s[at].Ge(p.end)
		next := append([]trace.Float(nil), s...)
		next[at] = isHit.Select(s[at], s[at].Add(nearest).Min(p.end))
		next[last], next[before] = s[at], s[last]
		next[distance], next[solid] = nearest, index
		next[state] = isHit.Select(t.Float(hit), atEnd.Select(t.Float(escaped), t.Float(running)))
		if track {
			f1, f2 := s[fixed+1:fixed+1+n], s[fixed+1+n:]
			perPixel := p.reach(s[last]).Inv()
			for i := range d {
				estimate := f1[i].Mul(perPixel)
				better := f1[i].Lt(f2[i]).And(f1[i].Le(d[i])).And(f1[i].Above(0)).And(estimate.Lt(next[best]))
				next[from], next[to] = better.Select(s[before], next[from]), better.Select(s[at], next[to])
				next[best] = better.Select(estimate, next[best])
				next[fixed] = better.Select(t.Float(float64(i)), next[fixed])
				next[fixed+1+i], next[fixed+1+n+i] = d[i], f1[i]
			}
		}
		return s[state].Below(hit - 0.5), next
	})
	unfinished := end[state].Below(hit - 0.5)
	close := unfinished.And(end[distance].Lt(p.threshold(end[last]).Times(limitFactor)))
	m := met{
		hit:   end[state].Above(hit - 0.5).And(end[state].Below(hit + 0.5)).Or(close),
		at:    close.Select(end[last], end[at]),
		limit: unfinished.And(close.Not()),
	}
	m.solid = m.hit.Select(end[solid], none)
	if track {
		m.near = minimum{end[from], end[to], end[fixed], end[best]}
	}
	return m
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

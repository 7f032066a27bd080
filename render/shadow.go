package render

import "github.com/baremetaldevx86/microdr/trace"

// shadowSearch says from where to look at the lights.
type shadowSearch struct {
	sample sample
	from   found
	on     trace.Bool
	track  bool // bracket the closest misses
}

// seen is a light as seen from a surface.
type seen struct {
	emitter  emitter
	path     path
	distance trace.Float // to a near light
	visible  trace.Float // 1 or 0
	limit    trace.Bool
	near     minimum
}

// discPixels is the diameter over which a soft light's disc spreads, in the pixels of the joint space in which bands of
// soft shadows are measured (see shadowEdge).
const discPixels = 4

// shadows marches towards every light that casts shadows; the others have no entry.
func (t *tracer) shadows(q shadowSearch) []seen {
	out := make([]seen, len(t.lights))
	for k := range t.lights {
		if t.shadowed(k) {
			out[k] = t.shadow(q, k)
		}
	}
	return out
}

func (t *tracer) shadow(q shadowSearch, k int) seen {
	h := q.from
	v := seen{emitter: t.emitter(q.sample, h.point, k)}
	lift := h.threshold.Times(4)
	direction, distance := v.emitter.towards(h.point)
	v.path = path{
		origin: h.point.MulAdd(h.normal, lift), direction: direction,
		end:       t.Float(t.scene.Integrator.Far),
		on:        q.on.And(h.normal.Dot(direction).Above(0)),
		pixel:     func(trace.Float) trace.Float { return h.pixel },
		magnitude: h.point.Abs().MaxComponent(),
	}
	if !v.emitter.far {
		v.distance, v.path.end = distance, distance
	}
	if q.track {
		v.path.footprint = v.footprint(h)
	}
	m := t.march(v.path, q.track)
	v.visible, v.limit, v.near = m.hit.Not().Float(), m.limit, m.near
	return v
}

// footprint bounds how far the point at distance s towards the light moves when the sample moves by a pixel.
func (v seen) footprint(h found) func(s trace.Float) trace.Float {
	surface := h.dx.Length().Max(h.dy.Length())
	return func(s trace.Float) trace.Float {
		if !v.emitter.soft {
			return surface
		}
		share := s
		if !v.emitter.far {
			share = s.Div(v.distance)
		}
		return surface.Add(share.Mul(v.emitter.discX.Length()).Times(2.0 / discPixels))
	}
}

// shade returns the detached radiance of a point of a solid, shadows included, where on holds.
func (t *tracer) shade(s sample, x surface, solid trace.Float, like found, on trace.Bool) trace.Vec3 {
	like.point, like.normal, like.solid = x.point, x.normal, solid
	lights := t.shadows(shadowSearch{sample: s, from: like, on: on})
	visibility := make([]trace.Float, len(lights))
	for k := range lights {
		if t.shadowed(k) {
			visibility[k] = lights[k].visible
		}
	}
	return t.lit(t.shaded(s, x, solid), t.emitters(s, x.point), visibility)
}

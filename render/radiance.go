package render

import "github.com/baremetaldevx86/microdr/trace"

// radiance records the second stage: the sample's radiance over the live numbers of the scene and the record of the
// search. With edges it adds their terms, whose values are zero.
func (t *tracer) radiance(edges bool) trace.Vec3 {
	s := t.sample()
	r := t.cameraRay(s.at)
	l := t.layers(s, r)
	if len(t.solids) == 0 {
		return t.composite(l, t.Float(0), t.black(), t.Bool(false), t.zero())
	}
	h := t.liveHit(r)
	x := t.shaded(s, surface{point: h.point, normal: h.normal}, h.solid)
	lights := t.emitters(s, h.point)
	visibility := make([]trace.Float, len(lights))
	for k := range lights {
		if t.shadowed(k) {
			visibility[k] = t.read(t.fieldVisible(k), 1)[0]
		}
	}
	out := t.composite(l, t.Float(0), t.lit(x, lights, visibility), h.hit, h.at.Detach())
	if !edges {
		return out
	}
	out = out.Add(t.silhouetteTerm(s)).Add(t.seamTerm(h))
	for k := range lights {
		if t.shadowed(k) {
			out = out.Add(t.shadowTerm(h.point, lights[k], k))
		}
	}
	return out
}

// live is a recorded hit over the live numbers of the scene.
type live struct {
	hit           trace.Bool
	solid         trace.Float
	at            trace.Float
	point, normal trace.Vec3
	faces         faces
}

// liveHit moves the recorded hit with the scene: along the ray, the face's function f stays zero, so the distance
// changes by -df/slope, the slope being that of f along the ray.
func (t *tracer) liveHit(r ray) live {
	v := t.read(fieldSolid, 3)
	h := live{hit: v[0].Ge(t.zero()), solid: v[0]}
	at, slope := v[1], v[2]
	f := t.facesOf(h.solid, r.at(at)).f
	falls := slope.Below(0)
	change := f.Sub(f.Detach()).Div(falls.Select(slope, t.Float(-1)))
	h.at = at.Sub(falls.Select(change, t.zero()))
	h.point = r.at(h.at)
	h.faces = t.facesOf(h.solid, h.point)
	h.normal = t.gradient(h.faces.f, h.point).Normalize()
	return h
}

// changing returns a weight times the change of h: zero in value.
func changing(h trace.Float, weight trace.Vec3) trace.Vec3 { return weight.Mul(h.Sub(h.Detach())) }

// approached returns the live distance between the solid of a boundary and the two ends of its bracket, averaged.
func (t *tracer) approached(b boundary, at func(s trace.Float) trace.Vec3) trace.Float {
	distance := func(s trace.Float) trace.Float { return t.choose(b.solid, t.distances(at(s))) }
	if t.kinked() {
		from, to := distance(b.from), distance(b.to)
		return to.Add(from.Sub(to).Mul(b.share))
	}
	return distance(b.to.Add(b.from.Sub(b.to).Mul(b.share)))
}

func (t *tracer) silhouetteTerm(s sample) trace.Vec3 {
	v := t.read(t.fieldSilhouette(), boundaryFields+2)
	b := boundaryOf(v)
	r := t.cameraRay(s.at.Sub(trace.Vec2{X: v[boundaryFields], Y: v[boundaryFields+1]}))
	return changing(t.approached(b, r.at), b.weight)
}

func (t *tracer) seamTerm(h live) trace.Vec3 {
	gap, _, _, ok := t.neighbour(h.solid, h.point, h.faces)
	if !ok {
		return t.black()
	}
	return changing(gap, vector(t.read(t.fieldSeam(), 3)))
}

func (t *tracer) shadowTerm(x trace.Vec3, e emitter, k int) trace.Vec3 {
	b := boundaryOf(t.read(t.fieldShadow(k), boundaryFields))
	way := e.direction
	if !e.far {
		way = e.position.Sub(x)
	}
	return changing(t.approached(b, func(s trace.Float) trace.Vec3 { return x.MulAdd(way, s) }), b.weight)
}

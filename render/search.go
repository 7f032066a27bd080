package render

import "github.com/baremetaldevx86/microdr/trace"

// search records the first stage: what every sample meets. With edges it also looks for the boundaries near the sample.
func (t *tracer) search(edges bool) {
	s := t.sample()
	r := t.cameraRay(s.at)
	p := t.cameraPath(r)
	m := t.march(p, edges)
	at, slope := t.polish(p, m)
	t.write(fieldSolid, m.solid, at, slope)

	h := t.hit(r, p, m.hit, at, slope, m.solid)
	look := shadowSearch{sample: s, from: h, on: m.hit, track: edges}
	lights := t.shadows(look)
	visibility := make([]trace.Float, len(lights))
	limits := m.limit.Int()
	for k := range lights {
		if t.shadowed(k) {
			visibility[k] = lights[k].visible
			limits = limits.Add(lights[k].limit.Int())
			t.write(t.fieldVisible(k), lights[k].visible)
		}
	}
	t.B.ScatterAdd(t.buffers.limits, t.inside(s).SelectInt(t.Int(0), t.Int(-1)).V, limits.V)
	if !edges {
		return
	}
	own := t.lit(t.shaded(s, surface{point: h.point, normal: h.normal}, h.solid), t.emitters(s, h.point), visibility)
	for k := range lights {
		if t.shadowed(k) {
			edge := t.shadowEdge(s, r, h, lights[k], k)
			t.write(t.fieldShadow(k), edge.list()...)
		}
	}
	layers := t.layers(s, r)
	outline, shift := t.silhouette(s, r, p, m, at, own, layers)
	t.write(t.fieldSilhouette(), append(outline.list(), shift.X, shift.Y)...)
	seam := t.seam(s, r, h, own, layers)
	t.write(t.fieldSeam(), seam.X, seam.Y, seam.Z)
}

// cameraPath is the path that a camera ray marches along.
func (t *tracer) cameraPath(r ray) path {
	near := r.originX.Length().Max(r.originY.Length())
	spread := r.directionX.Length().Max(r.directionY.Length())
	return path{
		origin: r.origin, direction: r.direction,
		end:       t.Float(t.scene.Integrator.Far),
		on:        t.Bool(true),
		pixel:     func(s trace.Float) trace.Float { return near.Add(s.Mul(spread)) },
		magnitude: r.origin.Abs().MaxComponent(),
	}
}

// found is a hit during the search.
type found struct {
	on           trace.Bool // hit, with an implicit derivative
	at           trace.Float
	solid        trace.Float
	point        trace.Vec3
	normal       trace.Vec3
	pixel        trace.Float // size of a pixel there, across the ray
	threshold    trace.Float
	dx, dy       trace.Vec3  // differentials of the point over the surface, per pixel
	gap, behind  trace.Float // across the nearest crease or seam: see neighbour
	neighbour    trace.Float // index of the solid there
	hasNeighbour bool
}

func (t *tracer) hit(r ray, p path, hit trace.Bool, at, slope, solid trace.Float) found {
	h := found{at: at, solid: solid, point: r.at(at), pixel: p.pixel(at), threshold: p.threshold(at)}
	h.on = hit.And(slope.Below(0))
	f := t.facesOf(solid, h.point)
	h.normal = t.gradient(f.f, h.point).Normalize()
	h.dx, h.dy = r.on(h.normal, at)
	h.gap, h.behind, h.neighbour, h.hasNeighbour = t.neighbour(solid, h.point, f)
	return h
}

// neighbour finds the nearest crease of the solid itself or seam with another one, near a point of its surface: the gap
// to it, the function of the face behind it, and the solid that face belongs to. ok is false if there can be none.
func (t *tracer) neighbour(solid trace.Float, p trace.Vec3, f faces) (gap, behind, index trace.Float, ok bool) {
	gap, behind, index = t.Float(farGap), f.f, solid
	if f.crease {
		gap, behind, ok = f.gap, f.other, true
	}
	for i, s := range t.solids {
		if len(t.solids) == 1 {
			break
		}
		other := s.faces(t, p).f
		nearer := other.Lt(gap).And(other.Above(0)).And(t.is(solid, i).Not())
		gap, behind = nearer.Select(other, gap), nearer.Select(other, behind)
		index, ok = nearer.Select(t.Float(float64(i)), index), true
	}
	return gap, behind, index, ok
}

// shaded completes a surface of a solid with its albedo and, if it has one, the normal of its normal map.
func (t *tracer) shaded(s sample, x surface, solid trace.Float) surface {
	albedo := make([]trace.Vec3, len(t.solids))
	for i, o := range t.solids {
		albedo[i] = t.albedo(o.finish, s.pixel)
		if n, ok := t.normalMap(o.finish, s.pixel); ok {
			x.normal = t.is(solid, i).SelectVec3(n, x.normal)
		}
	}
	x.albedo = albedo[0]
	for i := 1; i < len(albedo); i++ {
		x.albedo = t.is(solid, i).SelectVec3(albedo[i], x.albedo)
	}
	return x
}

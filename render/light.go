package render

import (
	"math"

	"github.com/baremetaldevx86/microdr/scene"
	"github.com/baremetaldevx86/microdr/trace"
)

// emitter is a light as one sample sees it: a direction far away, or a point.
type emitter struct {
	far       bool
	direction trace.Vec3 // far: towards the light, of unit length
	position  trace.Vec3 // near
	power     trace.Vec3 // far: irradiance when facing it; near: that at distance 1

	// Soft lights: how direction or position moves with the two coordinates of the sample's point of the unit disc.
	soft         bool
	discX, discY trace.Vec3
}

// shadowed tells whether light k casts shadows.
func (p *plan) shadowed(k int) bool {
	l := &p.lights[k]
	return l.Ambient == nil && len(p.solids) > 0 && l.Shadows != scene.ShadowsNone && l.Shadows != ""
}

// soft tells whether light k has an extent that shadows show.
func (p *plan) soft(k int) bool { return p.shadowed(k) && p.lights[k].Shadows == scene.ShadowsSoft }

// emitters returns the lights as the sample sees them from x. Ambient lights have no entry of use.
func (t *tracer) emitters(s sample, x trace.Vec3) []emitter {
	out := make([]emitter, len(t.lights))
	for k := range t.lights {
		out[k] = t.emitter(s, x, k)
	}
	return out
}

func (t *tracer) emitter(s sample, x trace.Vec3, k int) emitter {
	l := &t.lights[k]
	switch {
	case l.Directional != nil:
		e := emitter{far: true, power: t.color(l.Path + ".irradiance")}
		e.direction = t.point(l.Path + ".direction").Normalize()
		if t.soft(k) {
			spread := t.Uniform(l.Path + ".angle").Times(math.Pi / 360).Tan()
			e = t.softened(e, s, k, e.direction, spread)
			e.direction = e.direction.Normalize()
		}
		return e
	case l.Point != nil:
		e := emitter{power: t.color(l.Path + ".intensity"), position: t.point(l.Path + ".position")}
		if t.soft(k) {
			e = t.softened(e, s, k, x.Sub(e.position).Normalize(), t.Uniform(l.Path+".radius"))
		}
		return e
	}
	return emitter{}
}

// softened moves the emitter to the sample's point of a disc of the given radius across the axis.
func (t *tracer) softened(e emitter, s sample, k int, axis trace.Vec3, radius trace.Float) emitter {
	u, v := basis(axis)
	at := t.disc(s, k)
	e.soft, e.discX, e.discY = true, u.Mul(radius), v.Mul(radius)
	shift := e.discX.Mul(at.X).Add(e.discY.Mul(at.Y))
	if e.far {
		e.direction = e.direction.Add(shift)
	} else {
		e.position = e.position.Add(shift)
	}
	return e
}

// basis returns two unit vectors that make a right-handed frame with the unit vector n (Duff et al. 2017, "Building an
// Orthonormal Basis, Revisited").
func basis(n trace.Vec3) (u, v trace.Vec3) {
	one := n.X.R.Float(1)
	sign := n.Z.Below(0).Select(one.Neg(), one)
	a := sign.Add(n.Z).Inv().Neg()
	b := n.X.Mul(n.Y).Mul(a)
	u = trace.Vec3{X: sign.Mul(n.X.Sq()).Mul(a).Plus(1), Y: sign.Mul(b), Z: sign.Mul(n.X).Neg()}
	v = trace.Vec3{X: b, Y: sign.Add(n.Y.Sq().Mul(a)), Z: n.Y.Neg()}
	return u, v
}

// towards returns the unit direction from x to the light, and the distance; far lights have none.
func (e emitter) towards(x trace.Vec3) (direction trace.Vec3, distance trace.Float) {
	if e.far {
		return e.direction, trace.Float{}
	}
	to := e.position.Sub(x)
	distance = to.Length()
	return to.Div(distance), distance
}

// irradiance returns what falls on a surface if nothing is in the way, in units of pi W/m^2.
func (e emitter) irradiance(x surface) trace.Vec3 {
	direction, distance := e.towards(x.point)
	cos := x.normal.Dot(direction).AtLeast(0)
	if !e.far {
		cos = cos.Div(distance.Sq())
	}
	return e.power.Mul(cos)
}

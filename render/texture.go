package render

import (
	"math"

	"github.com/baremetaldevx86/microdr/trace"
)

// texture returns a rectangle's albedo.
func (t *tracer) texture(x *rectangle, p onPlane, pixel trace.Int) trace.Vec3 {
	if d := x.finish.diffuse; d != nil {
		switch {
		case d.Albedo.Checkerboard != nil:
			return t.checkerboard(x.finish.path+".albedo", d.Albedo.Checkerboard.Extent != nil, p)
		case d.Albedo.Image != nil:
			return t.image(x, p)
		}
	}
	return t.albedo(x.finish, pixel)
}

// checkerboard is the pattern seen through a Gaussian footprint that is taken as separable along the board's axes: the
// product of two square waves of +-1, within a window.
func (t *tracer) checkerboard(n string, windowed bool, p onPlane) trace.Vec3 {
	square := t.Uniform(n + ".square")
	x, y := p.x.Sub(t.Uniform(n+".origin.x")), p.y.Sub(t.Uniform(n+".origin.y"))
	sign := squareWave(x, p.sigmaX, square).Mul(squareWave(y, p.sigmaY, square))
	first, second := t.color(n+".colors.0"), t.color(n+".colors.1")
	c := second.Mix(first, sign.Plus(1).Times(0.5))
	if !windowed {
		return c
	}
	inside := window(p.x, p.sigmaX, t.Uniform(n+".extent.x0"), t.Uniform(n+".extent.x1")).
		Mul(window(p.y, p.sigmaY, t.Uniform(n+".extent.y0"), t.Uniform(n+".extent.y1")))
	return t.color(n+".margin").Mix(c, inside)
}

// squareWave is +1 on (0, q), -1 on (q, 2q) and so on, seen through a Gaussian of standard deviation sigma. Up to
// sigma = 0.4 q it is summed from the three nearest edges, exact to 2e-4; beyond, the fundamental is all that is left,
// exact to 3e-4.
func squareWave(x, sigma, q trace.Float) trace.Float {
	phase := x.Div(q)
	edge := phase.Round()
	offset := phase.Sub(edge).Mul(q)
	half := edge.Times(0.5)
	even := half.Floor().Eq(half)
	one := x.R.Float(1)
	near := func(k float64) trace.Float { return step(offset.Sub(q.Times(k)), sigma).Times(2).Minus(1) }
	edges := near(0).Sub(near(-1)).Sub(near(1))
	sharp := even.Select(one, one.Neg()).Mul(edges)

	share := sigma.Div(q)
	fade := share.AtMost(farShare).Sq().Times(-math.Pi * math.Pi / 2).Exp()
	soft := phase.Times(math.Pi).Sin().Mul(fade).Times(4 / math.Pi)
	return share.Below(0.4).Select(sharp, soft)
}

// farShare is a footprint, in squares, that leaves nothing of a checkerboard: 5e-20. More would only bring numbers so
// small that processors take a hundred times as long to multiply them.
const farShare = 3

// image is a bilinear lookup; texels are points at the centres of their cells, and the border repeats.
func (t *tracer) image(x *rectangle, p onPlane) trace.Vec3 {
	m := t.buffers.maps[x.finish.path+".albedo"]
	n := x.object.Name
	column := p.x.Sub(t.Uniform(n + ".origin.x")).Div(t.Uniform(n + ".size.x")).Times(float64(m.width)).Minus(0.5)
	row := p.y.Sub(t.Uniform(n + ".origin.y")).Div(t.Uniform(n + ".size.y")).From(1).Times(float64(m.height)).Minus(0.5)
	left, top := column.Floor(), row.Floor()
	fx, fy := column.Sub(left), row.Sub(top)
	texel := func(dx, dy float64) trace.Vec3 {
		i := left.Plus(dx).Clamp(0, float64(m.width-1)).Int()
		j := top.Plus(dy).Clamp(0, float64(m.height-1)).Int()
		at := j.Times(m.width).Add(i).Times(3)
		return trace.Vec3{X: t.Gather(m.index, at), Y: t.Gather(m.index, at.Plus(1)), Z: t.Gather(m.index, at.Plus(2))}
	}
	upper := texel(0, 0).Mix(texel(1, 0), fx)
	lower := texel(0, 1).Mix(texel(1, 1), fx)
	return upper.Mix(lower, fy)
}

package render

import "github.com/baremetaldevx86/microdr/trace"

// Brown and Conrady's lens, with OpenCV's conventions: the point (x, y) of the plane z = 1 is imaged at
//
//	x (1 + k1 r^2 + k2 r^4 + k3 r^6) + 2 p1 x y + p2 (r^2 + 2 x^2)
//	y (1 + k1 r^2 + k2 r^4 + k3 r^6) + p1 (r^2 + 2 y^2) + 2 p2 x y
//
// Rays need the inverse, which has no closed form: Newton's method finds it without derivatives, and one more step,
// written over the live coefficients with the Jacobian held fixed, has the derivative that the implicit function
// theorem gives.

// undistorted is a point of the plane z = 1 with the lens's Jacobian there: rows a, b.
type undistorted struct {
	at   trace.Vec2
	a, b trace.Vec2
	flat bool // no lens distortion
}

// newtonSteps suffices for lenses up to the field where they stop being invertible: the error squares at every step.
const newtonSteps = 6

// undistort returns the point that the lens images at d.
func (t *tracer) undistort(d trace.Vec2) undistorted {
	if t.camera.Distortion == nil {
		return undistorted{at: d, flat: true}
	}
	k := t.coefficients()
	var fixed [5]trace.Float
	for i := range k {
		fixed[i] = k[i].Detach()
	}
	u := undistorted{at: d.Detach()}
	for range newtonSteps {
		image, a, b := t.distort(u.at, fixed)
		u.a, u.b = a, b
		u.at = u.at.Sub(u.backward(image.Sub(d.Detach())))
	}
	start := u.at
	_, u.a, u.b = t.distort(start, fixed)
	image, _, _ := t.distort(start, k)
	u.at = start.Sub(u.backward(image.Sub(d)))
	_, u.a, u.b = t.distort(u.at, k)
	return u
}

// coefficients returns k1, k2, p1, p2, k3.
func (t *tracer) coefficients() (k [5]trace.Float) {
	for i, n := range []string{"k1", "k2", "p1", "p2", "k3"} {
		k[i] = t.Uniform(t.camera.Name + ".distortion." + n)
	}
	return k
}

// distort returns the image of p and the rows of the Jacobian there.
func (t *tracer) distort(p trace.Vec2, k [5]trace.Float) (image, a, b trace.Vec2) {
	k1, k2, p1, p2, k3 := k[0], k[1], k[2], k[3], k[4]
	r2 := p.Dot(p)
	radial := k3.Mul(r2).Add(k2).Mul(r2).Add(k1).Mul(r2).Plus(1)
	slope := k3.Times(3).Mul(r2).Add(k2.Times(2)).Mul(r2).Add(k1).Times(2) // d radial / d r2, times 2
	xy := p.X.Mul(p.Y)
	image = trace.Vec2{
		X: p.X.Mul(radial).Add(p1.Mul(xy).Times(2)).Add(p2.Mul(r2.Add(p.X.Sq().Times(2)))),
		Y: p.Y.Mul(radial).Add(p1.Mul(r2.Add(p.Y.Sq().Times(2)))).Add(p2.Mul(xy).Times(2)),
	}
	cross := xy.Mul(slope).Add(p1.Mul(p.X).Times(2)).Add(p2.Mul(p.Y).Times(2))
	a = trace.Vec2{X: radial.Add(p.X.Sq().Mul(slope)).Add(p1.Mul(p.Y).Times(2)).Add(p2.Mul(p.X).Times(6)), Y: cross}
	b = trace.Vec2{X: cross, Y: radial.Add(p.Y.Sq().Mul(slope)).Add(p1.Mul(p.Y).Times(6)).Add(p2.Mul(p.X).Times(2))}
	return image, a, b
}

// backward applies the inverse Jacobian.
func (u undistorted) backward(v trace.Vec2) trace.Vec2 {
	if u.flat {
		return v
	}
	det := u.a.X.Mul(u.b.Y).Sub(u.a.Y.Mul(u.b.X))
	return trace.Vec2{
		X: u.b.Y.Mul(v.X).Sub(u.a.Y.Mul(v.Y)).Div(det),
		Y: u.a.X.Mul(v.Y).Sub(u.b.X.Mul(v.X)).Div(det),
	}
}

package optim

import "math"

// Loss is a robust loss rho(r) of one residual, used as iteratively
// reweighted least squares: the weight is rho'(r)/r, so that the weighted
// normal equations have the exact gradient of the sum of rho. All losses are
// scaled so that rho(r) is about r^2/2 near zero, L1 excepted.
type Loss interface {
	// Rho is the loss of residual r, at least 0.
	Rho(r float64) float64
	// Weight is rho'(r)/r, in [0, infinity); finite at r = 0.
	Weight(r float64) float64
	// Curvature is rho''(r), which the error bars of a robust estimate need;
	// it may be negative.
	Curvature(r float64) float64
}

// L2 is r^2/2.
type L2 struct{}

// Rho implements Loss.
func (L2) Rho(r float64) float64 { return r * r / 2 }

// Weight implements Loss.
func (L2) Weight(float64) float64 { return 1 }

// L1 is |r| smoothed around zero: sqrt(r^2 + Width^2) - Width.
type L1 struct{ Width float64 }

// Rho implements Loss.
func (l L1) Rho(r float64) float64 {
	h := math.Hypot(r, l.Width)
	if h == 0 {
		return 0
	}
	return r * r / (h + l.Width) // the difference above, without cancellation
}

// Weight implements Loss.
func (l L1) Weight(r float64) float64 {
	return 1 / math.Max(math.Hypot(r, l.Width), 1e-300)
}

// Huber is r^2/2 up to |r| = Width and linear beyond (Huber 1964).
type Huber struct{ Width float64 }

// Rho implements Loss.
func (l Huber) Rho(r float64) float64 {
	if a := math.Abs(r); a > l.Width {
		return l.Width * (a - l.Width/2)
	}
	return r * r / 2
}

// Weight implements Loss.
func (l Huber) Weight(r float64) float64 {
	if a := math.Abs(r); a > l.Width {
		return l.Width / a
	}
	return 1
}

// Cauchy is Width^2/2 log(1 + (r/Width)^2): the influence of a residual falls
// off again beyond Width, so outliers are all but ignored. It is not convex.
type Cauchy struct{ Width float64 }

// Rho implements Loss.
func (l Cauchy) Rho(r float64) float64 {
	q := r / l.Width
	return l.Width * l.Width / 2 * math.Log1p(q*q)
}

// Weight implements Loss.
func (l Cauchy) Weight(r float64) float64 {
	q := r / l.Width
	return 1 / (1 + q*q)
}

// RelativeWeight is the factor on r^2/2 of the relative squared loss
// (r / (|target| + offset))^2 / 2. The offset, in the target's units, keeps
// dark pixels from dominating.
func RelativeWeight(target, offset float64) float64 {
	d := math.Abs(target) + offset
	return 1 / (d * d)
}

// Curvature implements Loss.
func (L2) Curvature(float64) float64 { return 1 }

// Curvature implements Loss.
func (l L1) Curvature(r float64) float64 {
	h := math.Max(math.Hypot(r, l.Width), 1e-100)
	return l.Width * l.Width / (h * h * h)
}

// Curvature implements Loss.
func (l Huber) Curvature(r float64) float64 {
	if math.Abs(r) > l.Width {
		return 0
	}
	return 1
}

// Curvature implements Loss.
func (l Cauchy) Curvature(r float64) float64 {
	q := r / l.Width
	return (1 - q*q) / ((1 + q*q) * (1 + q*q))
}

package optim

import "math"

// StudentQuantile returns t such that a Student t variable with the given
// degrees of freedom (at least 1) lies within -t..t with probability
// confidence, 0 < confidence < 1. It inverts the distribution function by
// bisection to 1e-10.
func StudentQuantile(confidence, freedom float64) float64 {
	if freedom > 1e7 || math.IsInf(freedom, 1) {
		return math.Sqrt2 * math.Erfinv(confidence)
	}
	inside := func(t float64) float64 {
		return 1 - incompleteBeta(freedom/2, 0.5, freedom/(freedom+t*t))
	}
	low, high := 0.0, 1.0
	for inside(high) < confidence && high < 1e12 {
		high *= 2
	}
	for high-low > 1e-10*(1+high) {
		if mid := (low + high) / 2; inside(mid) < confidence {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// incompleteBeta is the regularised I_x(a, b) by its continued fraction
// (Abramowitz and Stegun 26.5.8, evaluated by Lentz's method).
func incompleteBeta(a, b, x float64) float64 {
	if x <= 0 || x >= 1 {
		return math.Min(1, math.Max(0, x))
	}
	if x > (a+1)/(a+b+2) {
		return 1 - incompleteBeta(b, a, 1-x)
	}
	lga, _ := math.Lgamma(a)
	lgb, _ := math.Lgamma(b)
	lgab, _ := math.Lgamma(a + b)
	front := math.Exp(lgab-lga-lgb+a*math.Log(x)+b*math.Log1p(-x)) / a
	f, c, d := 1.0, 1.0, 0.0
	for i := range 400 {
		d = 1 / (1 + betaTerm(i, a, b, x)*d)
		c = 1 + betaTerm(i, a, b, x)/c
		f *= c * d
		if math.Abs(1-c*d) < 1e-15 {
			break
		}
	}
	return front * (f - 1)
}

// betaTerm is the i-th numerator of the continued fraction.
func betaTerm(i int, a, b, x float64) float64 {
	m := float64(i / 2)
	switch {
	case i == 0:
		return 1
	case i%2 == 0:
		return m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
	}
	return -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
}

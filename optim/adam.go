package optim

import (
	"cmp"
	"math"
)

// Adam is the rule of Kingma and Ba (2015) on a float64 slice, with bias
// correction. Its zero value with a Rate is ready; it remembers the moments
// of one parameter vector. Beta1, Beta2 and Epsilon default to 0.9, 0.999
// and 1e-8.
type Adam struct {
	Rate, Beta1, Beta2, Epsilon float64
	step                        int
	m, v                        []float64
}

// Step writes into delta the change of the parameters for the given gradient.
// The caller applies it (x + delta, or a retraction).
func (a *Adam) Step(gradient, delta []float64) {
	if a.m == nil {
		a.m, a.v = make([]float64, len(gradient)), make([]float64, len(gradient))
	}
	b1, b2 := cmp.Or(a.Beta1, 0.9), cmp.Or(a.Beta2, 0.999)
	epsilon := cmp.Or(a.Epsilon, 1e-8)
	a.step++
	c1, c2 := adamCorrections(b1, b2, a.step)
	for i, g := range gradient {
		a.m[i] += (1 - b1) * (g - a.m[i])
		a.v[i] += (1 - b2) * (g*g - a.v[i])
		delta[i] = -a.Rate * (a.m[i] / c1) / (math.Sqrt(a.v[i])/c2 + epsilon)
	}
}

// adamCorrections undo the pull of the moments towards their start, 0:
// 1 - b1^t and sqrt(1 - b2^t).
func adamCorrections(b1, b2 float64, step int) (c1, c2 float64) {
	return 1 - math.Pow(b1, float64(step)), math.Sqrt(1 - math.Pow(b2, float64(step)))
}

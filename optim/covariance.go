package optim

import "math"

// Covariance returns the plain Gauss-Newton covariance of a least-squares
// estimate, variance * (JtJ)^-1 on the determined subspace, row-major n x n.
// It is right where the residuals are independent and of equal variance.
func Covariance(s *Subspace, variance float64) []float64 {
	c := s.PseudoInverse()
	for i := range c {
		if c[i] != 0 {
			c[i] *= variance
		}
	}
	return c
}

// ResidualVariance is s^2 = squares / (residuals - rank), the variance of a
// residual by a fit with so many residuals of the given (weighted) sum of
// squares. With no more residuals than the rank it is infinite.
func ResidualVariance(squares float64, residuals, rank int) float64 {
	if residuals <= rank {
		return math.Inf(1)
	}
	return squares / float64(residuals-rank)
}

// StandardErrors returns the square roots of the diagonal of a covariance. A
// parameter of which the subspace leaves more than limit (say 0.01, see
// Subspace.Freedom) undetermined has an infinite one.
func StandardErrors(s *Subspace, covariance []float64, limit float64) []float64 {
	out := make([]float64, s.n)
	for i := range out {
		out[i] = math.Sqrt(math.Max(0, covariance[i*s.n+i]))
		if s.Freedom(i) > limit {
			out[i] = math.Inf(1)
		}
	}
	return out
}

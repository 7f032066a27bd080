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

// Clusters accumulates what the sandwich covariance needs of every cluster c
// of residuals that may be correlated among themselves: the score
// g_c = J_c^T rho'(r_c) and the Gram matrix G_c = J_c^T diag(rho”(r_c)) J_c.
type Clusters struct {
	n    int
	list []Normal
	used []bool
}

// NewClusters makes room for count clusters of residuals of n parameters.
func NewClusters(n, count int) *Clusters {
	c := &Clusters{n: n, list: make([]Normal, count), used: make([]bool, count)}
	for i := range c.list {
		c.list[i] = *NewNormal(n)
	}
	return c
}

// AddRow accumulates a residual with Jacobian row j, its slope rho'(r) and its
// curvature rho”(r); for plain least squares these are r and 1.
func (c *Clusters) AddRow(cluster int, j []float64, slope, curvature float64) {
	c.used[cluster] = true
	e := &c.list[cluster]
	e.AddRow(j, 0, curvature)
	for i, v := range j {
		e.Jtr[i] += v * slope
	}
}

// Count is the number of clusters with any residual.
func (c *Clusters) Count() int {
	count := 0
	for _, u := range c.used {
		if u {
			count++
		}
	}
	return count
}

// Informative is the number of clusters whose Jacobian is not all zero: the
// others say nothing about the parameters.
func (c *Clusters) Informative() int {
	count := 0
	for i := range c.list {
		for k := range c.n {
			if c.list[i].JtJ[k*c.n+k] > 0 {
				count++
				break
			}
		}
	}
	return count
}

// Effective returns for every parameter how many clusters of equal weight its
// estimate rests on: (sum v_c)^2 / sum v_c^2 where v_c = w^T G_c w is what
// cluster c would add to the variance of parameter w = A^+ e_i under equal
// errors. The sandwich estimate of a variance is about as good as one from so
// many numbers. It is 0 for parameters without any effect.
func (c *Clusters) Effective(s *Subspace) []float64 {
	n := c.n
	inverse := s.PseudoInverse()
	out := make([]float64, n)
	for p := range n {
		w := inverse[p*n : (p+1)*n]
		var sum, squares float64
		for i := range c.list {
			v := quadratic(c.list[i].JtJ, w)
			sum, squares = sum+v, squares+v*v
		}
		if squares > 0 {
			out[p] = sum * sum / squares
		}
	}
	return out
}

// quadratic is w^T a w, of a symmetric matrix of which it reads the lower
// triangle.
func quadratic(a, w []float64) float64 {
	n := len(w)
	sum := 0.0
	for i, wi := range w {
		row := 0.0
		for j := range i {
			row += a[i*n+j] * w[j]
		}
		sum += wi * (2*row + a[i*n+i]*wi)
	}
	return sum
}

// Normal sums the clusters' equations, without a cost.
func (c *Clusters) Normal() *Normal {
	total := NewNormal(c.n)
	for i := range c.list {
		total.Add(&c.list[i])
	}
	total.Symmetrize()
	return total
}

// Sandwich returns the cluster-robust covariance
//
//	A^+ (sum_c h_c h_c^T) A^+,  A = sum_c G_c,  h_c the adjusted score,
//
// on the determined subspace (Liang and Zeger 1986), row-major n x n.
//
// A fit follows its own data, so its residuals are smaller than the errors,
// most where a cluster weighs much. The adjustment is the CR2 of Bell and
// McCaffrey (2002), which makes the estimate unbiased when the errors are in
// truth independent: r_c is replaced by (I - H_c)^(-1/2) r_c where
// H_c = J_c A^-1 J_c^T. With M_c = A^(-1/2) G_c A^(-1/2) that needs only
// matrices of the size of the parameters, because
// J^T f(J B J^T) = B^(-1/2) f(B^(1/2) J^T J B^(1/2)) B^(1/2) J^T:
//
//	h_c = A^(1/2) (I - M_c)^(-1/2) A^(-1/2) g_c.
//
// The covariance is B (sum_c u_c u_c^T) B^T with B = A^(-1/2) and
// u_c = (I - M_c)^(-1/2) B g_c. An eigenvalue of M_c near 1 (a direction that
// a single cluster determines) is cut at 0.99. With fewer than two
// informative clusters the result is infinite.
func (c *Clusters) Sandwich(s *Subspace) []float64 {
	n := c.n
	rows := s.whitener()
	rank := len(rows)
	meat := make([]float64, rank*rank)
	for i := range c.list {
		if u := adjustedScore(&c.list[i], rows, n); u != nil {
			for a := range rank {
				for b := range rank {
					meat[a*rank+b] += u[a] * u[b]
				}
			}
		}
	}
	factor := 1.0
	if c.Informative() < 2 {
		factor = math.Inf(1)
	}
	out := make([]float64, n*n)
	for i := range n {
		for j := range n {
			sum := 0.0
			for a := range rank {
				for b := range rank {
					sum += rows[a][i] * meat[a*rank+b] * rows[b][j]
				}
			}
			if sum != 0 {
				out[i*n+j] = sum * factor
			}
		}
	}
	return out
}

// whitener returns the rows w_k of a matrix B (rank x n) with B A B^T = I and
// B^T B = A^+: w_k = lambda_k^(-1/2) S v_k.
func (s *Subspace) whitener() [][]float64 {
	var rows [][]float64
	for k := s.undetermined; k < s.n; k++ {
		row := make([]float64, s.n)
		f := 1 / math.Sqrt(s.eigen.Values[k])
		for i := range row {
			row[i] = f * s.eigen.Vectors[k][i] * s.scale[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// adjustedScore is u_c = (I - M_c)^(-1/2) B g_c, nil for an empty cluster.
func adjustedScore(c *Normal, rows [][]float64, n int) []float64 {
	c.Symmetrize()
	rank := len(rows)
	m := make([]float64, rank*rank)
	bg := make([]float64, n)
	trace := 0.0
	for a := range rank {
		for i := range n {
			bg[i] = 0
			for j := range n {
				bg[i] += rows[a][j] * c.JtJ[j*n+i]
			}
		}
		for b := range rank {
			for i := range n {
				m[a*rank+b] += bg[i] * rows[b][i]
			}
		}
		trace += m[a*rank+a]
	}
	if trace == 0 {
		return nil
	}
	score := make([]float64, rank)
	for a := range rank {
		for i := range n {
			score[a] += rows[a][i] * c.Jtr[i]
		}
	}
	e := NewEigen(m, rank)
	u := make([]float64, rank)
	for k, lambda := range e.Values {
		dot := 0.0
		for a := range rank {
			dot += e.Vectors[k][a] * score[a]
		}
		dot /= math.Sqrt(1 - math.Min(math.Max(lambda, 0), 0.99))
		for a := range rank {
			u[a] += dot * e.Vectors[k][a]
		}
	}
	return u
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

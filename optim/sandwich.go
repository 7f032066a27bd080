package optim

import "math"

// Sandwich returns the cluster-robust covariance
//
//	A^+ (sum_c h_c h_c^T) A^+,  A = sum_c G_c,  h_c the adjusted score,
//
// on the determined subspace (Liang and Zeger 1986), row-major n x n.
//
// A fit follows its own data, so its residuals are smaller than the errors,
// most where a cluster weighs much. The adjustment is the CR2 of Bell and
// McCaffrey (2002), which makes the estimate unbiased when the errors are in
// truth independent: r_c is replaced by f(H_c) r_c where f(x) = (1-x)^(-1/2)
// and H_c = J_c A^+ J_c^T. That needs only matrices of the size of the
// parameters that the cluster depends on. With G_c = L L^T,
//
//	J_c^T f(J_c A^+ J_c^T) r_c = g_c + L k(N) L^T A^+ g_c,  N = L^T A^+ L,
//
// where k(x) = (f(x) - 1)/x: f(x) = 1 + x k(x), and X p(Y X) = p(X Y) X for
// matrices X, Y and any power series p. An eigenvalue of N near 1 (a direction
// that a single cluster determines) is cut at 0.99. With fewer than two
// informative clusters the result is infinite.
func (c *Clusters) Sandwich(s *Subspace) []float64 {
	n := c.n
	inverse := s.PseudoInverse()
	scores := make([][]float64, len(c.list))
	inParallel(len(c.list), func(from, to int) {
		for i := from; i < to; i++ {
			scores[i] = c.list[i].adjustedScore(inverse, n)
		}
	})
	meat := make([]float64, n*n)
	for i := range c.list {
		params := c.list[i].params
		for a, x := range scores[i] {
			for b, y := range scores[i] {
				meat[params[a]*n+params[b]] += x * y
			}
		}
	}
	out := product(product(inverse, meat, n), inverse, n)
	if c.Informative() < 2 {
		for i, x := range out {
			if x != 0 {
				out[i] = math.Inf(1)
			}
		}
	}
	return out
}

// product returns a b, row-major n x n.
func product(a, b []float64, n int) []float64 {
	out := make([]float64, n*n)
	for i := range n {
		for k, x := range a[i*n : (i+1)*n] {
			for j, y := range b[k*n : (k+1)*n] {
				out[i*n+j] += x * y
			}
		}
	}
	return out
}

// adjustedScore is h_c over the cluster's parameters, nil for a cluster that
// says nothing.
func (e *cluster) adjustedScore(inverse []float64, n int) []float64 {
	factor := e.factor()
	if len(factor) == 0 {
		return nil
	}
	m, rank := len(e.params), len(factor)
	// Row k of solved is A^+ times column k of L.
	solved := make([]float64, rank*m)
	for k, l := range factor {
		for i, p := range e.params {
			row := inverse[p*n : (p+1)*n]
			sum := 0.0
			for j, q := range e.params {
				sum += row[q] * l[j]
			}
			solved[k*m+i] = sum
		}
	}
	small := make([]float64, rank*rank)
	projected := make([]float64, rank)
	for k, l := range factor {
		for i := range k + 1 {
			small[k*rank+i] = dot(solved[i*m:(i+1)*m], l)
			small[i*rank+k] = small[k*rank+i]
		}
		projected[k] = dot(solved[k*m:(k+1)*m], e.score)
	}
	out := append([]float64(nil), e.score...)
	for k, y := range adjust(NewEigen(small, rank), projected) {
		for i, l := range factor[k] {
			out[i] += y * l
		}
	}
	return out
}

// adjust returns k(N) x, from the eigenvectors of N. With q = sqrt(1-x),
// k(x) = (1/q - 1)/x = 1/(q (1 + q)), without cancellation.
func adjust(e Eigen, x []float64) []float64 {
	out := make([]float64, len(x))
	for k, lambda := range e.Values {
		cut := math.Min(math.Max(lambda, 0), 0.99)
		q := math.Sqrt(1 - cut)
		f := 1 / (q * (1 + q))
		if lambda > cut && cut > 0 {
			f *= cut / lambda
		}
		f *= dot(e.Vectors[k], x)
		for i, v := range e.Vectors[k] {
			out[i] += f * v
		}
	}
	return out
}

// factor returns the columns of L where L L^T is the Gram matrix, by Cholesky
// with the largest remaining diagonal, in units of its own effect, as pivot.
// It ends where rounding is all that is left: a cluster often has fewer
// residuals than parameters.
func (e *cluster) factor() [][]float64 {
	const rounding = 1e-15
	m := len(e.params)
	scale, a := e.scaled()
	var columns [][]float64
	for range m {
		pivot := 0
		for i := range m {
			if a[i*m+i] > a[pivot*m+pivot] {
				pivot = i
			}
		}
		d := a[pivot*m+pivot]
		if !(d > rounding) {
			break
		}
		column := make([]float64, m)
		for i := range column {
			column[i] = a[i*m+pivot] / math.Sqrt(d)
		}
		for i, x := range column {
			row := a[i*m : (i+1)*m]
			for k, y := range column {
				row[k] -= x * y
			}
		}
		for i := range m { // exactly
			a[i*m+pivot], a[pivot*m+i] = 0, 0
		}
		columns = append(columns, column)
	}
	for _, column := range columns {
		for i := range column {
			column[i] *= scale[i]
		}
	}
	return columns
}

// scaled returns the square roots of the Gram matrix' diagonal, and the matrix,
// row-major, with each row and column divided by its own; zero where there is
// no effect.
func (e *cluster) scaled() (scale, a []float64) {
	m := len(e.params)
	scale, a = make([]float64, m), make([]float64, m*m)
	for i := range m {
		scale[i] = math.Sqrt(math.Max(0, e.triangle(i)[i]))
	}
	for i := range m {
		for k, x := range e.triangle(i) {
			if s := scale[i] * scale[k]; s > 0 {
				a[i*m+k] = x / s
				a[k*m+i] = a[i*m+k]
			}
		}
	}
	return scale, a
}

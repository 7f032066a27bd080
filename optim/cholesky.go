package optim

import (
	"errors"
	"math"
)

// ErrNotPositive is returned when a matrix that has to be positive definite
// is not, within rounding.
var ErrNotPositive = errors.New("optim: matrix is not positive definite")

// Cholesky is the factorisation S A S = L L^T of a symmetric positive
// definite n x n matrix, where S = diag(1/sqrt(A_ii)) scales every column to
// unit length. The scaling makes the factorisation indifferent to the units
// of the parameters.
type Cholesky struct {
	n     int
	lower []float64 // row-major n x n, only the lower triangle is meaningful
	scale []float64 // S
}

// NewCholesky factors the row-major symmetric n x n matrix a, of which it
// reads the lower triangle. It returns ErrNotPositive when a pivot of the
// scaled matrix is below 1e-15 or not a number.
func NewCholesky(a []float64, n int) (*Cholesky, error) {
	c := &Cholesky{}
	if err := c.Factor(a, n); err != nil {
		return nil, err
	}
	return c, nil
}

// Factor is NewCholesky in place: it allocates nothing for as many parameters
// as before. After an error c is of no use until the next call.
func (c *Cholesky) Factor(a []float64, n int) error {
	if c.n != n || c.lower == nil {
		*c = Cholesky{n, make([]float64, n*n), make([]float64, n)}
	}
	for i := range n {
		d := a[i*n+i]
		if !(d > 0) || math.IsInf(d, 1) {
			return ErrNotPositive
		}
		c.scale[i] = 1 / math.Sqrt(d)
	}
	for i := range n {
		for j := range i + 1 {
			sum := a[i*n+j] * c.scale[i] * c.scale[j]
			for k := range j {
				sum -= c.lower[i*n+k] * c.lower[j*n+k]
			}
			if i != j {
				c.lower[i*n+j] = sum / c.lower[j*n+j]
				continue
			}
			if !(sum > 1e-15) {
				return ErrNotPositive
			}
			c.lower[i*n+i] = math.Sqrt(sum)
		}
	}
	return nil
}

// Solve writes A^-1 b into x; the two may be the same slice.
func (c *Cholesky) Solve(b, x []float64) {
	n := c.n
	for i := range n {
		sum := b[i] * c.scale[i]
		for k := range i {
			sum -= c.lower[i*n+k] * x[k]
		}
		x[i] = sum / c.lower[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		sum := x[i]
		for k := i + 1; k < n; k++ {
			sum -= c.lower[k*n+i] * x[k]
		}
		x[i] = sum / c.lower[i*n+i]
	}
	for i := range n {
		x[i] *= c.scale[i]
	}
}

// Inverse returns A^-1, row-major n x n.
func (c *Cholesky) Inverse() []float64 {
	n := c.n
	inverse := make([]float64, n*n)
	column := make([]float64, n)
	for j := range n {
		clear(column)
		column[j] = 1
		c.Solve(column, column)
		for i := range n {
			inverse[i*n+j] = column[i]
		}
	}
	return inverse
}

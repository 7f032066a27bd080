package optim

import (
	"math"
	"slices"
)

// Eigen is the decomposition A = V diag(Values) V^T of a symmetric matrix.
type Eigen struct {
	Values  []float64   // ascending
	Vectors [][]float64 // Vectors[k] is the unit vector of Values[k]
}

// NewEigen decomposes the row-major symmetric n x n matrix a by cyclic Jacobi
// rotations (Golub and Van Loan, Matrix Computations, 8.5), which finds small
// eigenvalues of a well-scaled matrix with high relative accuracy. a is not
// changed. Every vector has its largest component positive, so that the
// result does not depend on the path the rotations took.
func NewEigen(a []float64, n int) Eigen {
	w := slices.Clone(a[:n*n])
	v := identity(n)
	for range 60 {
		if offDiagonal(w, n) <= 1e-30*diagonalSquare(w, n) {
			break
		}
		for p := range n {
			for q := p + 1; q < n; q++ {
				rotate(w, v, n, p, q)
			}
		}
	}
	return sortedEigen(w, v, n)
}

func identity(n int) []float64 {
	m := make([]float64, n*n)
	for i := range n {
		m[i*n+i] = 1
	}
	return m
}

func offDiagonal(a []float64, n int) float64 {
	sum := 0.0
	for i := range n {
		for j := range i {
			sum += a[i*n+j] * a[i*n+j]
		}
	}
	return sum
}

func diagonalSquare(a []float64, n int) float64 {
	sum := 0.0
	for i := range n {
		sum += a[i*n+i] * a[i*n+i]
	}
	return sum
}

// rotate makes a[p,q] zero by the smaller of the two possible angles and
// applies the rotation to the columns of v.
func rotate(a, v []float64, n, p, q int) {
	apq := a[p*n+q]
	if apq == 0 {
		return
	}
	theta := (a[q*n+q] - a[p*n+p]) / (2 * apq)
	t := 1 / (math.Abs(theta) + math.Hypot(theta, 1))
	if theta < 0 {
		t = -t
	}
	c := 1 / math.Hypot(t, 1)
	s := t * c
	for k := range n {
		x, y := a[k*n+p], a[k*n+q]
		a[k*n+p], a[k*n+q] = c*x-s*y, s*x+c*y
	}
	for k := range n {
		x, y := a[p*n+k], a[q*n+k]
		a[p*n+k], a[q*n+k] = c*x-s*y, s*x+c*y
	}
	a[p*n+q], a[q*n+p] = 0, 0
	for k := range n {
		x, y := v[k*n+p], v[k*n+q]
		v[k*n+p], v[k*n+q] = c*x-s*y, s*x+c*y
	}
}

func sortedEigen(w, v []float64, n int) Eigen {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch x, y := w[i*n+i], w[j*n+j]; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	e := Eigen{Values: make([]float64, n), Vectors: make([][]float64, n)}
	for k, column := range order {
		e.Values[k] = w[column*n+column]
		vector := make([]float64, n)
		for i := range vector {
			vector[i] = v[i*n+column]
		}
		orient(vector)
		e.Vectors[k] = vector
	}
	return e
}

// orient flips v when its largest component is negative.
func orient(v []float64) {
	largest := 0.0
	for _, x := range v {
		if math.Abs(x) > math.Abs(largest)*(1+1e-9) {
			largest = x
		}
	}
	if largest < 0 {
		for i := range v {
			v[i] = -v[i]
		}
	}
}

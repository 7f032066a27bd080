package optim

import "math"

// Direction is a combination of parameters that the data does not determine:
// moving along it changes the residuals (almost) not at all.
type Direction struct {
	// Weights is the direction in the parameters' own units, its largest
	// component 1.
	Weights []float64
	// Scaled is the same direction where every parameter is measured in units
	// of its own effect on the residuals (column scaling), as a unit vector.
	Scaled []float64
	// Strength is the curvature along the direction relative to the strongest
	// one, between 0 and 1.
	Strength float64
}

// Subspace splits the parameter space of a least-squares problem into the
// part that the data determines and the part that it does not.
//
// With S = diag(1/sqrt(JtJ_ii)) the matrix S JtJ S has a unit diagonal; its
// eigenvectors with eigenvalues below a tolerance times the largest are the
// undetermined directions. A parameter with a zero column is one by itself.
type Subspace struct {
	n            int
	scale        []float64 // S; 1 for a zero column
	eigen        Eigen
	undetermined int // the first so many eigenvectors
}

// NewSubspace analyses the row-major symmetric n x n matrix jtj. A direction
// is undetermined when its curvature in scaled coordinates is at most
// tolerance (say 1e-8) times the largest.
func NewSubspace(jtj []float64, n int, tolerance float64) *Subspace {
	s := &Subspace{n: n, scale: columnScale(jtj, n)}
	scaled := make([]float64, n*n)
	for i := range n {
		for j := range n {
			scaled[i*n+j] = jtj[i*n+j] * s.scale[i] * s.scale[j]
		}
	}
	s.eigen = NewEigen(scaled, n)
	if n == 0 {
		return s
	}
	limit := tolerance * s.eigen.Values[n-1]
	for s.undetermined < n && !(s.eigen.Values[s.undetermined] > limit) {
		s.undetermined++
	}
	return s
}

// columnScale returns 1/sqrt(diagonal), and 1 where the diagonal is zero
// compared with the largest (below 1e-24 of it) or not finite.
func columnScale(a []float64, n int) []float64 {
	largest := 0.0
	for i := range n {
		largest = math.Max(largest, a[i*n+i])
	}
	scale := make([]float64, n)
	for i := range n {
		scale[i] = 1
		if d := a[i*n+i]; d > 1e-300 && d > 1e-24*largest {
			scale[i] = 1 / math.Sqrt(d)
		}
	}
	return scale
}

// Rank is the number of determined directions.
func (s *Subspace) Rank() int { return s.n - s.undetermined }

// Undetermined lists the undetermined directions, the weakest first.
func (s *Subspace) Undetermined() []Direction {
	var list []Direction
	for k := range s.undetermined {
		d := Direction{
			Scaled:   s.eigen.Vectors[k],
			Weights:  make([]float64, s.n),
			Strength: math.Max(0, s.eigen.Values[k]) / math.Max(s.eigen.Values[s.n-1], math.SmallestNonzeroFloat64),
		}
		largest := 0.0
		for i, v := range d.Scaled {
			d.Weights[i] = v * s.scale[i]
			largest = math.Max(largest, math.Abs(d.Weights[i]))
		}
		for i := range d.Weights {
			d.Weights[i] /= largest
		}
		orient(d.Weights)
		list = append(list, d)
	}
	return list
}

// PseudoInverse returns the inverse of JtJ on the determined subspace and
// zero on the rest, row-major n x n.
func (s *Subspace) PseudoInverse() []float64 {
	return s.power(-1)
}

// power returns S V f(lambda) V^T S over the determined subspace with
// f(lambda) = lambda^exponent.
func (s *Subspace) power(exponent float64) []float64 {
	n := s.n
	out := make([]float64, n*n)
	for k := s.undetermined; k < n; k++ {
		f := math.Pow(s.eigen.Values[k], exponent)
		v := s.eigen.Vectors[k]
		for i := range n {
			for j := range n {
				out[i*n+j] += f * v[i] * v[j] * s.scale[i] * s.scale[j]
			}
		}
	}
	return out
}

// Freedom tells how much of parameter i lies in undetermined directions:
// the squared length of its unit vector's part there, 0 (determined) to 1.
func (s *Subspace) Freedom(i int) float64 {
	sum := 0.0
	for k := range s.undetermined {
		sum += s.eigen.Vectors[k][i] * s.eigen.Vectors[k][i]
	}
	return sum
}

// Step returns the Gauss-Newton step -JtJ^+ gradient within the determined
// subspace, for the gradient of the same cost.
func (s *Subspace) Step(gradient []float64) []float64 {
	step := make([]float64, s.n)
	inverse := s.PseudoInverse()
	for i := range step {
		for j, g := range gradient {
			step[i] -= inverse[i*s.n+j] * g
		}
	}
	return step
}

package optim

import "slices"

// Clusters accumulates what the sandwich covariance needs of every cluster c
// of residuals that may be correlated among themselves: the score
// g_c = J_c^T rho'(r_c) and the Gram matrix G_c = J_c^T diag(rho”(r_c)) J_c.
// A cluster holds them for the parameters that it depends on at all, which in
// an image are few.
type Clusters struct {
	n     int
	every []int // 0 to n-1
	list  []cluster
}

type cluster struct {
	used   bool
	params []int     // that some residual depends on, ascending
	gram   []float64 // G_c over params, the rows of its lower triangle
	score  []float64 // g_c over params
	row    []float64 // of a Jacobian, over params
}

// NewClusters makes room for count clusters of residuals of n parameters.
func NewClusters(n, count int) *Clusters {
	c := &Clusters{n: n, every: make([]int, n), list: make([]cluster, count)}
	for i := range c.every {
		c.every[i] = i
	}
	return c
}

// AddRow accumulates a residual with Jacobian row j, its slope rho'(r) and its
// curvature rho”(r); for plain least squares these are r and 1. Rows of
// different clusters may be added at the same time.
func (c *Clusters) AddRow(cluster int, j []float64, slope, curvature float64) {
	c.AddSparse(cluster, c.every, j, slope, curvature)
}

// AddSparse is AddRow for a row that is zero but where active, ascending, says.
func (c *Clusters) AddSparse(cluster int, active []int, j []float64, slope, curvature float64) {
	e := &c.list[cluster]
	e.used = true
	e.take(active, j)
	at := 0
	for i, v := range e.row {
		e.score[i] += v * slope
		if wv := curvature * v; wv != 0 {
			row := e.gram[at : at+i+1]
			for k, x := range e.row[:i+1] {
				row[k] += wv * x
			}
		}
		at += i + 1
	}
}

// triangle is row i of the lower triangle.
func (e *cluster) triangle(i int) []float64 { return e.gram[i*(i+1)/2:][:i+1] }

// take reads row from j, making room for parameters that are new.
func (e *cluster) take(active []int, j []float64) {
	next := 0
	for _, i := range active {
		for next < len(e.params) && e.params[next] < i {
			e.row[next] = 0
			next++
		}
		known := next < len(e.params) && e.params[next] == i
		if !known && j[i] != 0 {
			e.insert(next, i)
			known = true
		}
		if known {
			e.row[next] = j[i]
			next++
		}
	}
	clear(e.row[next:])
}

// insert adds a parameter with zeros before the one at the position given.
func (e *cluster) insert(at, param int) {
	old := *e
	e.params = slices.Insert(slices.Clone(e.params), at, param)
	e.score = slices.Insert(e.score, at, 0)
	e.row = slices.Insert(e.row, at, 0)
	e.gram = make([]float64, len(e.params)*(len(e.params)+1)/2)
	for i := range old.params {
		from, to := old.triangle(i), e.triangle(i)
		if i < at {
			copy(to, from)
			continue
		}
		to = e.triangle(i + 1)
		copy(to, from[:at])
		copy(to[at+1:], from[at:])
	}
}

// Count is the number of clusters with any residual.
func (c *Clusters) Count() int {
	count := 0
	for i := range c.list {
		if c.list[i].used {
			count++
		}
	}
	return count
}

// Informative is the number of clusters whose Gram matrix is not zero: the
// others say nothing about the parameters.
func (c *Clusters) Informative() int {
	count := 0
	for i := range c.list {
		if c.list[i].informative() {
			count++
		}
	}
	return count
}

func (e *cluster) informative() bool {
	for i := range e.params {
		if e.triangle(i)[i] > 0 {
			return true
		}
	}
	return false
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
	inParallel(n, func(from, to int) {
		for p := from; p < to; p++ {
			w := inverse[p*n : (p+1)*n]
			var sum, squares float64
			for i := range c.list {
				v := c.list[i].quadratic(w)
				sum, squares = sum+v, squares+v*v
			}
			if squares > 0 {
				out[p] = sum * sum / squares
			}
		}
	})
	return out
}

// quadratic is w^T G_c w.
func (e *cluster) quadratic(w []float64) float64 {
	sum := 0.0
	at := 0
	for i, p := range e.params {
		row := 0.0
		for k, x := range e.gram[at : at+i] {
			row += x * w[e.params[k]]
		}
		sum += w[p] * (2*row + e.gram[at+i]*w[p])
		at += i + 1
	}
	return sum
}

// Normal sums the clusters' equations, without a cost.
func (c *Clusters) Normal() *Normal {
	total := NewNormal(c.n)
	for i := range c.list {
		e := &c.list[i]
		for a, p := range e.params {
			total.Jtr[p] += e.score[a]
			for b, x := range e.triangle(a) {
				total.JtJ[p*c.n+e.params[b]] += x
			}
		}
	}
	total.Symmetrize()
	return total
}

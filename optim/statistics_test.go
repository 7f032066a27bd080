package optim

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// random fills a symmetric positive definite matrix with columns of very
// different size.
func randomDefinite(rng *rand.Rand, n int) []float64 {
	e := NewNormal(n)
	for range 3 * n {
		j := make([]float64, n)
		for i := range j {
			j[i] = rng.NormFloat64() * math.Pow(10, float64(i%5-2))
		}
		e.AddRow(j, 0, 1)
	}
	e.Symmetrize()
	return e.JtJ
}

func multiply(a []float64, x []float64) []float64 {
	n := len(x)
	out := make([]float64, n)
	for i := range n {
		out[i] = dot(a[i*n:(i+1)*n], x)
	}
	return out
}

func TestCholesky(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 7, 30} {
		a := randomDefinite(rng, n)
		c, err := NewCholesky(a, n)
		if err != nil {
			t.Fatal(n, err)
		}
		want := make([]float64, n)
		for i := range want {
			want[i] = rng.NormFloat64()
		}
		got := multiply(a, want)
		c.Solve(got, got)
		byInverse := multiply(c.Inverse(), multiply(a, want))
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-8 || math.Abs(byInverse[i]-want[i]) > 1e-6 {
				t.Errorf("n=%d: x[%d] is %g and %g, want %g", n, i, got[i], byInverse[i], want[i])
			}
		}
	}
	for _, a := range [][]float64{{1, 1, 1, 1}, {1, 2, 2, 1}, {0, 0, 0, 1}, {math.NaN(), 0, 0, 1}} {
		if _, err := NewCholesky(a, 2); !errors.Is(err, ErrNotPositive) {
			t.Errorf("%v: %v", a, err)
		}
	}
}

func TestEigen(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 2, 5, 25} {
		a := randomDefinite(rng, n)
		e := NewEigen(a, n)
		for k, v := range e.Vectors {
			av := multiply(a, v)
			for i := range v {
				if math.Abs(av[i]-e.Values[k]*v[i]) > 1e-9*e.Values[n-1] {
					t.Fatalf("n=%d: vector %d is none", n, k)
				}
			}
			for l := range k + 1 {
				want := 0.0
				if l == k {
					want = 1
				}
				if math.Abs(dot(v, e.Vectors[l])-want) > 1e-12 {
					t.Fatalf("n=%d: vectors %d and %d", n, k, l)
				}
			}
			if k > 0 && e.Values[k] < e.Values[k-1] {
				t.Fatalf("n=%d: not ascending", n)
			}
		}
	}
}

func TestSubspace(t *testing.T) {
	// r depends on x0 - 3 x1 and on 100 x2; x3 has no effect
	e := NewNormal(4)
	for i := range 5 {
		f := float64(i + 1)
		e.AddRow([]float64{f, -3 * f, 100, 0}, 0, 1)
	}
	e.Symmetrize()
	s := NewSubspace(e.JtJ, 4, 1e-8)
	u := s.Undetermined()
	if s.Rank() != 2 || len(u) != 2 {
		t.Fatalf("rank %d, %v", s.Rank(), u)
	}
	want := [][]float64{{1, 1.0 / 3, 0, 0}, {0, 0, 0, 1}}
	for _, d := range u {
		if d.Strength > 1e-12 {
			t.Errorf("strength %g", d.Strength)
		}
		k := 0
		if math.Abs(d.Weights[3]) > 0.5 {
			k = 1
		}
		if largestOf(addScaled(d.Weights, want[k], -1)) > 1e-9 {
			t.Errorf("direction %v, want %v", d.Weights, want[k])
		}
	}
	gradient := multiply(e.JtJ, []float64{2, -1, 3, 9}) // of a cost whose minimum is anywhere -that plus undetermined
	step := s.Step(gradient)
	if moved := multiply(e.JtJ, step); largestOf(addScaled(moved, gradient, 1)) > 1e-6*largestOf(gradient) || step[3] != 0 {
		t.Errorf("step %v leaves gradient %v of %v", step, moved, gradient)
	}
	errs := StandardErrors(s, Covariance(s, 1), 0.01)
	for i, infinite := range []bool{true, true, false, true} {
		if math.IsInf(errs[i], 1) != infinite {
			t.Errorf("errors %v", errs)
		}
	}
}

func TestStudentQuantile(t *testing.T) { // tables
	for _, row := range []struct{ confidence, freedom, want float64 }{
		{0.95, 1, 12.7062}, {0.95, 2, 4.30265}, {0.95, 9, 2.262157}, {0.95, 30, 2.042272},
		{0.99, 5, 4.032143}, {0.95, math.Inf(1), 1.959964}, {0.5, 10, 0.699812},
	} {
		if got := StudentQuantile(row.confidence, row.freedom); math.Abs(got-row.want) > 1e-4 {
			t.Errorf("%v: %g", row, got)
		}
	}
}

// line is a design with a constant and a slope over clustered observations.
func line(clusters, size int, visit func(cluster int, j []float64)) {
	for c := range clusters {
		for i := range size {
			visit(c, []float64{1, (float64(c) + float64(i)/float64(size)) / float64(clusters)})
		}
	}
}

// TestCovariance compares, over many draws of the noise, the scatter of the
// estimates with what either covariance says. Where the noise is shared in a
// cluster the plain one has to fail: that is why there is another.
func TestCovariance(t *testing.T) {
	const clusters, size, draws = 40, 12, 1500
	for _, row := range []struct {
		name         string
		shared       float64 // standard deviation of the part common to a cluster
		plainIsRight bool
	}{{"independent", 0, true}, {"clustered", 0.7, false}} {
		t.Run(row.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 8))
			var scatter, plain, robust float64
			covered := 0
			quantile := StudentQuantile(0.95, clusters-1)
			for range draws {
				slope, p, r := drawLine(rng, clusters, size, row.shared)
				scatter += (slope - 2) * (slope - 2) / draws
				plain += p / draws
				robust += r / draws
				if math.Abs(slope-2) <= quantile*math.Sqrt(r) {
					covered++
				}
			}
			if q := robust / scatter; q < 0.85 || q > 1.15 {
				t.Errorf("sandwich variance is %.2f of the true one", q)
			}
			if q := plain / scatter; (q > 0.88 && q < 1.12) != row.plainIsRight {
				t.Errorf("plain variance is %.2f of the true one", q)
			}
			if f := float64(covered) / draws; f < 0.925 || f > 0.97 {
				t.Errorf("95 %% intervals hold the truth %.3f of the time", f)
			}
		})
	}
}

// drawLine fits y = 1 + 2 t and returns the slope with its two variances.
func drawLine(rng *rand.Rand, clusters, size int, shared float64) (slope, plain, robust float64) {
	common := make([]float64, clusters)
	for i := range common {
		common[i] = shared * rng.NormFloat64()
	}
	var y []float64
	e := NewNormal(2)
	line(clusters, size, func(c int, j []float64) {
		y = append(y, j[0]+2*j[1]+0.5*rng.NormFloat64()+common[c])
		e.AddRow(j, y[len(y)-1], 1)
	})
	e.Symmetrize()
	s := NewSubspace(e.JtJ, 2, 1e-10)
	x := multiply(s.PseudoInverse(), e.Jtr)
	sums := NewClusters(2, clusters)
	i, squares := 0, 0.0
	line(clusters, size, func(c int, j []float64) {
		r := dot(j, x) - y[i]
		sums.AddRow(c, j, r, 1)
		squares += r * r
		i++
	})
	return x[1], Covariance(s, ResidualVariance(squares, i, 2))[3], sums.Sandwich(s)[3]
}

// TestEffective: of ten clusters two matter to the first parameter, equally,
// and all to the second.
func TestEffective(t *testing.T) {
	c := NewClusters(3, 10)
	for i := range 10 {
		first := 0.0
		if i < 2 {
			first = 3
		}
		c.AddRow(i, []float64{first, 0, 0}, 0, 1)
		c.AddRow(i, []float64{0, 2, 0}, 0, 1)
	}
	got := c.Effective(NewSubspace(c.Normal().JtJ, 3, 1e-10))
	if math.Abs(got[0]-2) > 1e-9 || math.Abs(got[1]-10) > 1e-9 || got[2] != 0 {
		t.Errorf("effective clusters %v", got)
	}
}

// TestSandwichFewClusters checks what CR2 is for: unbiased under independent
// errors even where the estimate rests on few clusters.
func TestSandwichFewClusters(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	var scatter, robust float64
	const draws = 3000
	for range draws {
		slope, _, r := drawLine(rng, 5, 4, 0)
		scatter += (slope - 2) * (slope - 2) / draws
		robust += r / draws
	}
	if q := robust / scatter; q < 0.9 || q > 1.1 {
		t.Errorf("sandwich variance is %.2f of the true one", q)
	}
	one := NewClusters(1, 1)
	one.AddRow(0, []float64{1}, 0.5, 1)
	if v := one.Sandwich(NewSubspace([]float64{1}, 1, 1e-10)); !math.IsInf(v[0], 1) {
		t.Errorf("variance from one cluster is %v", v)
	}
}

// TestSandwich compares with the definition, over the residuals themselves.
func TestSandwich(t *testing.T) {
	const n, count, size = 7, 30, 12
	rng := rand.New(rand.NewPCG(11, 12))
	sums := NewClusters(n, count)
	rows, residuals := make([][][]float64, count), make([][]float64, count)
	for c := range count {
		for range size {
			j := make([]float64, n)
			for range 3 { // a cluster depends on few parameters, each row on fewer; the last on none
				i := (c + rng.IntN(3)) % (n - 1)
				j[i] = rng.NormFloat64() * math.Pow(10, float64(i%5-2))
			}
			rows[c], residuals[c] = append(rows[c], j), append(residuals[c], rng.NormFloat64())
			sums.AddRow(c, j, residuals[c][len(residuals[c])-1], 1)
		}
	}
	s := NewSubspace(sums.Normal().JtJ, n, 1e-8)
	inverse := s.PseudoInverse()
	meat := make([]float64, n*n)
	for c := range count {
		h := make([]float64, n)
		for i, x := range adjustedResiduals(rows[c], residuals[c], inverse) {
			for k, v := range rows[c][i] {
				h[k] += v * x
			}
		}
		for i := range n {
			for k := range n {
				meat[i*n+k] += h[i] * h[k]
			}
		}
	}
	want := product(product(inverse, meat, n), inverse, n)
	for i, got := range sums.Sandwich(s) {
		if scale := math.Sqrt(want[i/n*(n+1)] * want[i%n*(n+1)]); math.Abs(got-want[i]) > 1e-10*scale {
			t.Errorf("element %d is %g, want %g", i, got, want[i])
		}
	}
	if !(want[0] > 0) || s.Rank() != n-1 {
		t.Errorf("variance %g, rank %d", want[0], s.Rank())
	}
}

// adjustedResiduals is (I - J A^+ J^T)^(-1/2) r.
func adjustedResiduals(rows [][]float64, r, inverse []float64) []float64 {
	m := len(rows)
	h := make([]float64, m*m)
	for i := range m {
		for k := range m {
			h[i*m+k] = dot(rows[i], multiply(inverse, rows[k]))
		}
	}
	e := NewEigen(h, m)
	out := make([]float64, m)
	for k, v := range e.Vectors {
		f := dot(v, r) / math.Sqrt(1-math.Min(math.Max(e.Values[k], 0), 0.99))
		for i := range out {
			out[i] += f * v[i]
		}
	}
	return out
}

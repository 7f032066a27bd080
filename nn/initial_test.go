package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/tensor"
)

// TestInitialisers: mean, standard deviation and limits are as they are said to be, and the seed decides.
func TestInitialisers(t *testing.T) {
	e := open(t, tensor.Options{})
	fan := Fan{In: 50, Out: 100}
	for _, r := range []struct {
		name      string
		i         Initialiser
		deviation float64
		limit     float64 // of magnitudes; 0 is none
	}{
		{"Zeros", Zeros, 0, 0},
		{"Uniform", Uniform(3), 3 / math.Sqrt(3), 3},
		{"Normal", Normal(0.5), 0.5, 0},
		{"TruncatedNormal", TruncatedNormal(0.5), 0.5 * 0.87963, 1},
		{"HeUniform", HeUniform, math.Sqrt(2.0 / 50), math.Sqrt(6.0 / 50)},
		{"HeNormal", HeNormal, math.Sqrt(2.0 / 50), 0},
		{"XavierUniform", XavierUniform, math.Sqrt(2.0 / 150), math.Sqrt(6.0 / 150)},
		{"XavierNormal", XavierNormal, math.Sqrt(2.0 / 150), 0},
	} {
		x := r.i(e.NewRandom(7), fan, 100, 200).Float64s()
		sum, squares, largest := 0.0, 0.0, 0.0
		for _, v := range x {
			sum, squares, largest = sum+v, squares+v*v, max(largest, math.Abs(v))
		}
		n := float64(len(x))
		// The standard error of the mean is 1/141 of the deviation, that of the deviation at most 1/200 of it.
		if math.Abs(sum/n) > 0.03*r.deviation || math.Abs(math.Sqrt(squares/n)-r.deviation) > 0.02*r.deviation {
			t.Errorf("%s: mean %v, deviation %v, want 0, %v", r.name, sum/n, math.Sqrt(squares/n), r.deviation)
		}
		if r.limit > 0 && !(largest <= r.limit && largest > 0.98*r.limit) {
			t.Errorf("%s: up to %v, want %v", r.name, largest, r.limit)
		}
		same, other := r.i(e.NewRandom(7), fan, 100, 200).Float64s(), r.i(e.NewRandom(8), fan, 100, 200).Float64s()
		if !slices.Equal(x, same) || r.deviation > 0 && slices.Equal(x, other) {
			t.Errorf("%s: not decided by the seed", r.name)
		}
	}
	r := e.NewRandom(1)
	expect(t, "Ones", Ones(r, fan, 2), []int{2}, []float64{1, 1})
	expect(t, "Constant", Constant(-3)(r, fan, 1, 2), []int{1, 2}, []float64{-3, -3})
}

// TestOrthogonal: products of rows, or of columns, are those of an orthonormal basis times the square of the gain.
func TestOrthogonal(t *testing.T) {
	e := open(t, tensor.Options{})
	for _, shape := range [][]int{{5, 5}, {3, 7}, {7, 3}, {4, 2, 3, 3}, {1, 1}} {
		x := Orthogonal(2)(e.NewRandom(1), Fan{}, shape...)
		if !slices.Equal(x.Shape(), shape) {
			t.Errorf("shape %v, want %v", x.Shape(), shape)
		}
		x = x.Reshape(shape[0], -1)
		if x.Dim(0) > x.Dim(1) {
			x = x.T()
		}
		n := x.Dim(0)
		want := e.Arange(n).OneHot(n).Times(4).Float64s()
		expect(t, "product", x.MatMul(x.T()), []int{n, n}, want)
	}
	if x := Orthogonal(1)(e.NewRandom(2), Fan{}, 2, 2).Float64s(); math.Abs(x[0]) == 1 {
		t.Errorf("nothing random in %v", x)
	}
}

// TestOptions: they reach the parameters.
func TestOptions(t *testing.T) {
	e := open(t, tensor.Options{})
	l := NewLinear(e.NewRandom(1), 2, 1, Weights(Constant(3)), Biases(Ones))
	expect(t, "weight", l.Weight.Value(), []int{2, 1}, []float64{3, 3})
	expect(t, "bias", l.Bias.Value(), []int{1}, []float64{1})
	if NewLinear(e.NewRandom(1), 2, 1, NoBias()).Bias != nil {
		t.Error("a bias without one")
	}
}

// TestOrthonormalAlmostDependent: vectors that almost point the same way (Laeuchli 1961) become orthonormal all the
// same, which one pass of projections does not achieve.
func TestOrthonormalAlmostDependent(t *testing.T) {
	const small = 1e-9
	x := orthonormal([]float64{1, small, 0, 0, 1, 0, small, 0, 1, 0, 0, small}, 3, 4)
	for i := range 3 {
		for k := range 3 {
			want := 0.0
			if i == k {
				want = 1
			}
			if got := inner(x[4*i:4*i+4], x[4*k:4*k+4]); math.Abs(got-want) > 1e-14 {
				t.Errorf("product of vectors %d and %d is %v, want %v", i, k, got, want)
			}
		}
	}
}

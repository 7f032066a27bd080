package nn

import (
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/tensor"
)

// activations are functions with what they are by Go's mathematics.
var activations = []struct {
	name string
	f    Func
	want func(x float64) float64
}{
	{"ReLU", ReLU, func(x float64) float64 { return max(x, 0) }},
	{"LeakyReLU", LeakyReLU(0.1), func(x float64) float64 { return max(x, 0) + 0.1*min(x, 0) }},
	{"Tanh", Tanh, math.Tanh},
	{"Sigmoid", Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }},
	{"SiLU", SiLU, func(x float64) float64 { return x / (1 + math.Exp(-x)) }},
	{"Softplus", Softplus, func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }},
	{"ELU", ELU(1.5), func(x float64) float64 { return max(x, 0) + 1.5*math.Expm1(min(x, 0)) }},
	{"GELU", GELU, func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }},
	{"GELUTanh", GELUTanh, func(x float64) float64 {
		return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}},
}

// TestActivations compares with Go's mathematics at places that are usual and at extreme ones, where derivatives of two
// orders must be numbers, too.
func TestActivations(t *testing.T) {
	e := open(t, tensor.Options{})
	places := []float64{-3e38, -1e10, -100, -20, -3, -0.7, -1e-4, 0, 1e-4, 0.3, 2, 15, 100, 1e10, 3e38}
	x := e.NewFloat64(places, len(places))
	for _, r := range activations {
		got := r.f(x).Float64s()
		for i, at := range places {
			want := r.want(at)
			if !(math.Abs(got[i]-want) <= 3e-7*max(1, math.Abs(want))) {
				t.Errorf("%s(%v) = %v, want %v", r.name, at, got[i], want)
			}
		}
		first := tensor.Grad(r.f(x).Sum(), x)[0]
		for order, d := range [][]float64{first.Float64s(), tensor.Grad(first.Sum(), x)[0].Float64s()} {
			for i, v := range d {
				if math.IsNaN(v) || math.Abs(v) > 2 {
					t.Errorf("%s: derivative of order %d at %v is %v", r.name, order+1, places[i], v)
				}
			}
		}
	}
}

// TestTails: what is close to 0 is precise relative to itself.
func TestTails(t *testing.T) {
	e := open(t, tensor.Options{})
	for _, r := range []struct {
		name string
		f    Func
		x    float64
		want float64
	}{
		{"Sigmoid", Sigmoid, -20, 1 / (1 + math.Exp(20))},
		{"SiLU", SiLU, -20, -20 / (1 + math.Exp(20))},
		{"Softplus", Softplus, -20, math.Log1p(math.Exp(-20))},
		{"Softplus", Softplus, -5, math.Log1p(math.Exp(-5))},
		{"ELU", ELU(1), -1e-6, math.Expm1(-1e-6)},
	} {
		if got := r.f(e.Full(r.x)).Item(); math.Abs(got/r.want-1) > 1e-6 {
			t.Errorf("%s(%v) = %v, want %v", r.name, r.x, got, r.want)
		}
	}
}

// TestActivationGradients compares derivatives of two orders with differences, and those at 0 with what they are.
func TestActivationGradients(t *testing.T) {
	e := open(t, tensor.Options{})
	x := e.New([]float32{-4, -1.3, -0.6, -0.1, 0.2, 0.9, 1.7, 5}, 8)
	zero := map[string]float64{"Tanh": 1, "Sigmoid": 0.25, "SiLU": 0.5, "Softplus": 0.5, "GELU": 0.5, "GELUTanh": 0.5}
	for _, r := range activations {
		if err := tensor.CheckGrad(2, func(x []*tensor.Tensor) *tensor.Tensor { return r.f(x[0]) }, x); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
		origin := e.Zeros(1)
		if got := tensor.Grad(r.f(origin), origin)[0].Item(); zero[r.name] != 0 && math.Abs(got-zero[r.name]) > 1e-6 {
			t.Errorf("%s: derivative at 0 is %v, want %v", r.name, got, zero[r.name])
		}
	}
	softmax := func(x []*tensor.Tensor) *tensor.Tensor { return Softmax(0)(x[0]) }
	if err := tensor.CheckGrad(2, softmax, x); err != nil {
		t.Errorf("Softmax: %v", err)
	}
	expect(t, "Softmax", Softmax(1)(e.New([]float32{1000, 1000, -1000, 0, 0, 0}, 2, 3)), []int{2, 3},
		[]float64{0.5, 0.5, 0, 1. / 3, 1. / 3, 1. / 3})
}

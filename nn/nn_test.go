package nn

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/tensor"
)

// open returns an engine that lives as long as the test.
func open(t testing.TB, o tensor.Options) *tensor.Engine {
	e := tensor.Open(o)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// near tells whether numbers are equal up to a tolerance, relative to the larger of 1 and what is wanted.
func near(got, want []float64, tolerance float64) bool {
	return slices.EqualFunc(got, want, func(x, y float64) bool {
		return x == y || math.IsNaN(x) && math.IsNaN(y) || math.Abs(x-y) <= tolerance*max(1, math.Abs(y))
	})
}

func expect(t *testing.T, name string, got *tensor.Tensor, shape []int, want []float64) {
	t.Helper()
	if x := got.Float64s(); !slices.Equal(got.Shape(), shape) || !near(x, want, 2e-6) {
		t.Errorf("%s: %v%v, want %v%v", name, got.Shape(), x, shape, want)
	}
}

// wave returns numbers that do not repeat, all of magnitude up to 1.
func wave(e *tensor.Engine, phase float64, shape ...int) *tensor.Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	x := make([]float64, n)
	for i := range x {
		x[i] = math.Sin(phase + 1.7*float64(i) + 0.3*float64(i*i%7))
	}
	return e.NewFloat64(x, shape...)
}

// shake gives the parameters of a model values that say more than zeros and ones.
func shake(m Model) {
	for i, p := range Parameters(m) {
		x := p.Value()
		p.Set(x.Add(wave(x.Engine(), float64(i), x.Shape()...).Times(0.5)))
	}
}

func dot(x, y *tensor.Tensor) float64 { return x.Mul(y).Sum().Item() }

// checkModule compares derivatives of a module with differences: with respect to its input, and to each parameter, of
// first and second order.
func checkModule(t *testing.T, name string, pass Pass, make func(r *tensor.Random) Module, shape ...int) {
	t.Helper()
	e := open(t, tensor.Options{Float64: true, Workers: 1})
	m := make(e.NewRandom(1))
	shake(m)
	checkParameters(t, name, m, func() *tensor.Tensor { return m.Forward(&pass, wave(e, 0.5, shape...)) })
	forward := func(x []*tensor.Tensor) *tensor.Tensor {
		m := make(x[0].Engine().NewRandom(1))
		shake(m)
		return m.Forward(&pass, x[0])
	}
	if err := tensor.CheckGrad(2, forward, wave(e, 0.5, shape...)); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// checkParameters compares derivatives of a sum of what forward gives, weighted, with differences.
func checkParameters(t *testing.T, name string, m Model, forward func() *tensor.Tensor) {
	t.Helper()
	const h = 1e-4
	loss := func() *tensor.Tensor {
		y := forward().Sin() // so that second derivatives of linear layers are not 0
		return y.Mul(wave(y.Engine(), 2, y.Shape()...)).Sum()
	}
	for _, n := range Variables(m) {
		if n.Buffer {
			continue
		}
		p := n.Variable
		at := p.Value()
		v, u := wave(at.Engine(), 3, at.Shape()...), wave(at.Engine(), 4, at.Shape()...)
		gradient := func() *tensor.Tensor { return tensor.Grad(loss(), p.Value())[0] }
		moved := func(h float64, f func() float64) float64 {
			p.Set(at.Add(v.Times(h)))
			defer p.Set(at)
			return f()
		}
		difference := func(f func() float64) float64 { return (moved(h, f) - moved(-h, f)) / (2 * h) }
		p.Set(at)
		second := tensor.HVP(loss(), []*tensor.Tensor{p.Value()}, []*tensor.Tensor{v})[0]
		for _, r := range []struct {
			order           string
			got, difference float64
		}{
			{"first", dot(gradient(), v), difference(func() float64 { return loss().Item() })},
			{"second", dot(second, u), difference(func() float64 { return dot(gradient(), u) })},
		} {
			if !near([]float64{r.got}, []float64{r.difference}, 1e-6) {
				t.Errorf("%s: %s derivative along %s is %v, by differences %v", name, r.order, n.Name, r.got, r.difference)
			}
			if math.Abs(r.difference) < 1e-5 {
				t.Errorf("%s: %s derivative along %s is %v, too small to tell", name, r.order, n.Name, r.difference)
			}
		}
	}
}

// TestErrors: what does not go together is named, and where it stands.
func TestErrors(t *testing.T) {
	e := open(t, tensor.Options{})
	r := e.NewRandom(1)
	x := e.Zeros(2, 3)
	deep := NewSequential(Func(ReLU), &Residual{Inner: NewSequential(NewLinear(r, 4, 3))})
	train := &Pass{Training: true}
	for _, row := range []struct {
		f    func()
		want string
	}{
		{func() { NewLinear(r, 4, 5).Forward(nil, x) },
			"nn: Linear: input of shape [2 3] and weight of shape [4 5], expected an input of [..., 4] ("},
		{func() { NewLinear(r, 3, 5).Forward(nil, e.FullOf(tensor.Int32, 1, 2, 3)) },
			"nn: Linear: input int32[2 3], expected floats"},
		{func() { deep.Forward(nil, x) }, "nn: layers.1.inner.layers.0: Linear: input of shape [2 3]"},
		{func() { (&Residual{Inner: NewLinear(r, 3, 5)}).Forward(nil, x) },
			"nn: Residual: shortcut float32[2 3] and inner float32[2 5], expected floats of equal shapes"},
		{func() { NewEmbedding(r, 7, 2).Forward(nil, x) },
			"nn: Embedding: input float32[2 3] and weight of shape [7 2], expected an input of int32"},
		{func() { NewLayerNorm(e, 4).Forward(nil, x) },
			"nn: LayerNorm: input of shape [2 3] and parameters of shape [4], expected an input that ends with it"},
		{func() { NewBatchNorm(e, 4).Forward(nil, x) },
			"nn: BatchNorm: input of shape [2 3] and parameters of shape [4], expected an input of [batch, 4, ...]"},
		{func() { NewBatchNorm(e, 3).Forward(train, e.Zeros(1, 3)) },
			"nn: BatchNorm: input of shape [1 3] has 1 elements a channel, expected more than one in training"},
		{func() { NewGroupNorm(e, 2, 3) }, "nn: GroupNorm: 3 channels in 2 groups, expected groups of equal numbers"},
		{func() { (&Dropout{Rate: 1}).Forward(nil, x) }, "nn: Dropout: a rate of 1, expected one from 0 to below 1"},
		{func() { (&Dropout{Rate: 0.5}).Forward(train, x) }, "nn: Dropout: a pass without Random, expected one for training"},
		{func() { NewMLP(r, []int{3}, ReLU) }, "nn: MLP: 1 widths, expected at least those of input and output"},
		{func() { MSE(x, e.Zeros(3), Mean) },
			"nn: MSE: prediction float32[2 3] and target float32[3], expected floats of equal shapes"},
		{func() { CrossEntropy(x, e.Zeros(2), Mean) },
			"nn: CrossEntropy: logits of shape [2 3] and labels float32[2], expected [..., classes] and int32[...] or uint8[...]"},
		{func() { Orthogonal(1)(r, Fan{}) }, "nn: Orthogonal: shape [], expected a matrix"},
	} {
		err := tensor.Catch(row.f)
		if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), "nn_test.go:") {
			t.Errorf("error %v, want %q and the place", err, row.want)
		}
	}
}

// TestVariables: names are stable, and what is shared is there once.
func TestVariables(t *testing.T) {
	e := open(t, tensor.Options{})
	r := e.NewRandom(1)
	shared := NewLinear(r, 3, 3, NoBias())
	m := NewSequential(NewMLP(r, []int{2, 4, 3}, Tanh), NewBatchNorm(e, 3), &Residual{Inner: shared}, shared)
	want := []string{
		"layers.0.layers.0.weight", "layers.0.layers.0.bias", "layers.0.layers.2.weight", "layers.0.layers.2.bias",
		"layers.1.weight", "layers.1.bias", "layers.1.running_mean!", "layers.1.running_var!", "layers.2.inner.weight",
	}
	var got []string
	for _, n := range Variables(m) {
		mark := ""
		if n.Buffer {
			mark = "!"
		}
		got = append(got, n.Name+mark)
	}
	if !slices.Equal(got, want) {
		t.Errorf("variables %q, want %q", got, want)
	}
	if n := len(Parameters(m)); n != 7 {
		t.Errorf("%d parameters, want 7", n)
	}
}

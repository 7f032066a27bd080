package nn

import (
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/tensor"
)

// crossEntropy is the loss of one sample in float64.
func crossEntropy(logits []float64, label int, smoothing float64) float64 {
	top := math.Inf(-1)
	for _, x := range logits {
		top = max(top, x)
	}
	sum := 0.0
	for _, x := range logits {
		sum += math.Exp(x - top)
	}
	loss := 0.0
	for i, x := range logits {
		share := smoothing / float64(len(logits))
		if i == label {
			share += 1 - smoothing
		}
		if share > 0 {
			loss -= share * (x - top - math.Log(sum))
		}
	}
	return loss
}

func TestLosses(t *testing.T) {
	e := open(t, tensor.Options{})
	p := e.New([]float32{1, -2, 0.5, 4, 0, -1}, 2, 3)
	y := e.New([]float32{0.5, 1, 0.5, 1, 1, 0}, 2, 3)
	labels := e.NewInt32([]int32{2, 0}, 2)
	first, second := []float64{1, -2, 0.5}, []float64{4, 0, -1}
	h := crossEntropy
	bce := func(x, t float64) float64 {
		s := 1 / (1 + math.Exp(-x))
		return -t*math.Log(s) - (1-t)*math.Log(1-s)
	}
	divergence := 0.5*math.Log(0.5/0.25) + 0.5*math.Log(0.5/0.75)
	logs := func(x ...float64) *tensor.Tensor { return e.NewFloat64(x, 1, len(x)).Log() }
	for _, r := range []struct {
		name  string
		got   *tensor.Tensor
		shape []int
		want  []float64
	}{
		{"MSE", MSE(p, y, None), []int{2, 3}, []float64{0.25, 9, 0, 9, 1, 1}},
		{"MSE sum", MSE(p, y, Sum), nil, []float64{20.25}},
		{"MSE mean", MSE(p, y, Mean), nil, []float64{20.25 / 6}},
		{"L1", L1(p, y, None), []int{2, 3}, []float64{0.5, 3, 0, 3, 1, 1}},
		{"Huber", Huber(p, y, 2, None), []int{2, 3}, []float64{0.125, 4, 0, 4, 0.5, 0.5}},
		{"BCE", BCEWithLogits(p, y, None), []int{2, 3},
			[]float64{bce(1, 0.5), bce(-2, 1), bce(0.5, 0.5), bce(4, 1), bce(0, 1), bce(-1, 0)}},
		{"CrossEntropy", CrossEntropy(p, labels, None), []int{2}, []float64{h(first, 2, 0), h(second, 0, 0)}},
		{"CrossEntropy of bytes", CrossEntropy(p, e.NewUint8([]uint8{2, 255}, 2), None), []int{2},
			[]float64{h(first, 2, 0), math.NaN()}},
		{"CrossEntropy mean", CrossEntropy(p, labels, Mean), nil, []float64{(h(first, 2, 0) + h(second, 0, 0)) / 2}},
		{"smooth", SmoothCrossEntropy(p, labels, 0.3, Sum), nil,
			[]float64{h(first, 2, 0.3) + h(second, 0, 0.3)}},
		{"wrong labels", CrossEntropy(p, e.NewInt32([]int32{-1, 3}, 2), None), []int{2}, []float64{math.NaN(), math.NaN()}},
		{"KL", KL(logs(0.25, 0.75), logs(0.5, 0.5), None), []int{1}, []float64{divergence}},
		{"KL of a certain target", KL(logs(0.25, 0.75), logs(1, 0), Mean), nil, []float64{math.Log(4)}},
	} {
		expect(t, r.name, r.got, r.shape, r.want)
	}
}

// TestExtremeLogits: losses are right and derivatives of two orders are numbers, however large the logits are.
func TestExtremeLogits(t *testing.T) {
	e := open(t, tensor.Options{})
	labels := e.NewInt32([]int32{0, 2, 1}, 3)
	x := e.New([]float32{1e4, -1e4, 0, 1e38, -1e38, 1e38, 0, -30, float32(math.Inf(-1))}, 3, 3)
	finite := x.AtLeast(-3e38)
	targets := e.New([]float32{1, 0, 0.5, 1, 0, 1, 0, 0, 0}, 3, 3)
	for _, r := range []struct {
		name string
		f    func(x *tensor.Tensor) *tensor.Tensor
		x    *tensor.Tensor
		want []float64
	}{
		{"CrossEntropy", func(x *tensor.Tensor) *tensor.Tensor { return CrossEntropy(x, labels, None) }, x,
			[]float64{0, math.Ln2, 30}},
		{"SmoothCrossEntropy", func(x *tensor.Tensor) *tensor.Tensor { return SmoothCrossEntropy(x, labels, 0.3, None) },
			finite, []float64{3e3, 2e37, 3e37}},
		{"BCEWithLogits", func(x *tensor.Tensor) *tensor.Tensor { return BCEWithLogits(x, targets, None) }, finite,
			[]float64{0, 0, math.Ln2, 0, 0, 0, math.Ln2, math.Log1p(math.Exp(-30)), 0}},
	} {
		losses := r.f(r.x)
		if !near(losses.Float64s(), r.want, 1e-3) {
			t.Errorf("%s: %v, want %v", r.name, losses, r.want)
		}
		first := tensor.Grad(losses.Sum(), r.x)[0]
		second := tensor.Grad(first.Mul(wave(e, 1, 3, 3)).Sum(), r.x)[0]
		for order, d := range []*tensor.Tensor{first, second} {
			for i, v := range d.Float64s() {
				if math.IsNaN(v) || math.Abs(v) > 1 {
					t.Errorf("%s: derivative of order %d by element %d is %v", r.name, order+1, i, v)
				}
			}
		}
	}
}

// TestSmallLosses: what is close to 0 is precise relative to itself.
func TestSmallLosses(t *testing.T) {
	e := open(t, tensor.Options{})
	want := math.Log1p(math.Exp(-16))
	for _, got := range []float64{
		BCEWithLogits(e.Full(16, 1), e.Ones(1), Sum).Item(), BCEWithLogits(e.Full(-16, 1), e.Zeros(1), Sum).Item(),
	} {
		if math.Abs(got/want-1) > 1e-6 {
			t.Errorf("loss %v, want %v", got, want)
		}
	}
}

// TestLossGradients compares derivatives of two orders with differences, and those of cross entropy with softmax -
// one hot.
func TestLossGradients(t *testing.T) {
	e := open(t, tensor.Options{})
	p, y := wave(e, 1, 3, 4).Times(3), wave(e, 2, 3, 4).Sq()
	labels := e.NewInt32([]int32{3, 0, 2}, 3)
	type tensors = []*tensor.Tensor
	for name, f := range map[string]func(x tensors) *tensor.Tensor{
		"MSE":   func(x tensors) *tensor.Tensor { return MSE(x[0], x[1], Mean) },
		"L1":    func(x tensors) *tensor.Tensor { return L1(x[0], x[1], None) },
		"Huber": func(x tensors) *tensor.Tensor { return Huber(x[0], x[1], 1.01, None) },
		"BCE":   func(x tensors) *tensor.Tensor { return BCEWithLogits(x[0], x[1], None) },
		"KL":    func(x tensors) *tensor.Tensor { return KL(x[0].LogSoftmax(-1), x[1].LogSoftmax(-1), None) },
	} {
		if err := tensor.CheckGrad(2, f, p, y); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, smoothing := range []float64{0, 0.1} {
		smooth := func(x tensors) *tensor.Tensor { return SmoothCrossEntropy(x[0], x[1], smoothing, None) }
		if err := tensor.CheckGrad(2, smooth, p, labels); err != nil {
			t.Errorf("CrossEntropy: %v", err)
		}
	}
	got := tensor.Grad(CrossEntropy(p, labels, Sum), p)[0]
	expect(t, "CrossEntropy", got, []int{3, 4}, p.Softmax(-1).Sub(labels.OneHot(4)).Float64s())
}

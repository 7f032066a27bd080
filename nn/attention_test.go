package nn

import (
	"math"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/tensor"
)

// project is the oracle of a linear layer: rows of width numbers to rows of as many.
func project(l *Linear, x []float64) []float64 {
	w, b := l.Weight.Value().Float64s(), l.Bias.Value().Float64s()
	n := len(b)
	y := make([]float64, len(x))
	for i := range x {
		row, o := i/n*n, i%n
		y[i] = b[o]
		for k := range n {
			y[i] += x[row+k] * w[k*n+o]
		}
	}
	return y
}

// attend is the oracle of attention: of one sample, of the queries x to the memory, where sees tells what.
func attend(a *Attention, x, memory []float64, width int, sees func(head, query, key int) bool) []float64 {
	q, k, v := project(a.Query, x), project(a.Key, memory), project(a.Value, memory)
	d := width / a.Heads
	out := make([]float64, len(x))
	for i := range len(x) / width {
		for h := range a.Heads {
			sum := 0.0
			mix := make([]float64, d)
			for j := range len(memory) / width {
				if !sees(h, i, j) {
					continue
				}
				score := 0.0
				for c := range d {
					score += q[i*width+h*d+c] * k[j*width+h*d+c]
				}
				weight := math.Exp(score / math.Sqrt(float64(d)))
				sum += weight
				for c := range d {
					mix[c] += weight * v[j*width+h*d+c]
				}
			}
			for c := range d {
				if sum > 0 {
					out[i*width+h*d+c] = mix[c] / sum
				}
			}
		}
	}
	return project(a.Out, out)
}

// TestAttention compares with sums over what each query sees.
func TestAttention(t *testing.T) {
	e := open(t, tensor.Options{})
	const batch, time, span, width = 2, 3, 4, 6
	a := NewAttention(e.NewRandom(1), width, 2)
	shake(a)
	x, memory := wave(e, 1, batch, time, width), wave(e, 2, batch, span, width)
	hole := make([]bool, 2*time*span) // [1, heads, time, span]
	for i := range hole {
		hole[i] = i%3 != 0 && i >= span // the first query of the first head sees nothing
	}
	holes := e.NewBool(hole, 1, 2, time, span)
	all := func(head, query, key int) bool { return true }
	masked := func(head, query, key int) bool { return hole[(head*time+query)*span+key] }
	past := func(head, query, key int) bool { return key <= query+span-time }
	for _, r := range []struct {
		name   string
		causal bool
		mask   *tensor.Tensor
		sees   func(head, query, key int) bool
	}{
		{"all", false, nil, all},
		{"mask", false, holes, masked},
		{"causal", true, nil, past},
		{"causal and mask", true, holes, func(h, q, k int) bool { return masked(h, q, k) && past(h, q, k) }},
	} {
		a.Causal = r.causal
		var want []float64
		for n := range batch {
			want = append(want, attend(a, x.At(0, n).Float64s(), memory.At(0, n).Float64s(), width, r.sees)...)
		}
		expect(t, r.name, a.Attend(nil, x, memory, r.mask), []int{batch, time, width}, want)
	}
	var self []float64
	for n := range batch {
		sample := x.At(0, n).Float64s()
		self = append(self, attend(a, sample, sample, width, func(_, q, k int) bool { return k <= q })...)
	}
	expect(t, "self", a.Forward(nil, x), []int{batch, time, width}, self)
}

func TestAttentionGradients(t *testing.T) {
	causalOne := func(r *tensor.Random) Module {
		a := NewAttention(r, 4, 2)
		a.Causal = true
		return a
	}
	// Of a bias of the keys nothing depends: it adds the same to all scores of a query.
	e := open(t, tensor.Options{Float64: true, Workers: 1})
	a := causalOne(e.NewRandom(1)).(*Attention)
	shake(a)
	x := wave(e, 0.5, 1, 3, 4)
	if g := tensor.Grad(a.Forward(nil, x).Sin().Sum(), a.Key.Bias.Value())[0].Abs().MaxOver().Item(); g > 1e-12 {
		t.Errorf("derivative by the bias of the keys is %v", g)
	}
	a.Key.Bias = nil
	checkParameters(t, "Attention", a, func() *tensor.Tensor { return a.Forward(nil, x) })
	if err := tensor.CheckGrad(2, func(x []*tensor.Tensor) *tensor.Tensor {
		return causalOne(x[0].Engine().NewRandom(1)).Forward(nil, x[0])
	}, x); err != nil {
		t.Error(err)
	}
	mask := func(x []*tensor.Tensor) *tensor.Tensor {
		a := NewAttention(x[0].Engine().NewRandom(1), 4, 2)
		return a.Attend(nil, x[0], x[1], x[2])
	}
	sees := e.NewBool([]bool{false, false, true, false, true, true}, 3, 2) // a row without any
	if err := tensor.CheckGrad(2, mask, x, wave(e, 3, 1, 2, 4), sees); err != nil {
		t.Error(err)
	}
}

// TestTransformerBlock compares with its parts, and that the future does not show.
func TestTransformerBlock(t *testing.T) {
	e := open(t, tensor.Options{})
	b := NewTransformerBlock(e.NewRandom(1), 4, 2, 8)
	b.Attention.Causal = true
	shake(b)
	x := wave(e, 1, 2, 3, 4)
	y := x.Add(b.Attention.Forward(nil, b.AttentionNorm.Forward(nil, x)))
	y = y.Add(b.Perceptron.Forward(nil, b.PerceptronNorm.Forward(nil, y)))
	expect(t, "block", b.Forward(nil, x), []int{2, 3, 4}, y.Float64s())
	early := b.Forward(nil, x).Slice(1, 0, 2)
	changed := tensor.Concat(1, x.Slice(1, 0, 2), e.Full(7, 2, 1, 4))
	expect(t, "the past", b.Forward(nil, changed).Slice(1, 0, 2), []int{2, 2, 4}, early.Float64s())
	if n := len(Parameters(b)); n != 16 {
		t.Errorf("%d parameters, want 16", n)
	}
	b.Dropout.Rate = 0.5
	dropped := b.Forward(&Pass{true, e.NewRandom(1)}, x)
	if near(dropped.Float64s(), y.Float64s(), 1e-6) {
		t.Error("training drops nothing")
	}
}

func TestAttentionErrors(t *testing.T) {
	e := open(t, tensor.Options{})
	r := e.NewRandom(1)
	a := NewAttention(r, 4, 2)
	x := e.Zeros(2, 3, 4)
	for _, row := range []struct {
		f    func()
		want string
	}{
		{func() { NewAttention(r, 5, 2) }, "nn: Attention: a width of 5 for 2 heads, expected a multiple"},
		{func() { a.Attend(nil, x, e.Zeros(2, 3, 5), nil) }, "nn: Attention: input float32[2 3 4] and memory float32[2 3 5] " +
			"for weights of shape [4 4], expected [batch, time, 4] and [batch, span, 4]"},
		{func() { a.Attend(nil, x, x, e.Zeros(3, 3)) },
			"nn: Attention: mask float32[3 3], expected bool that broadcasts to [2 2 3 3]"},
		{func() { a.Attend(nil, x, x, e.NewBool(make([]bool, 6), 2, 3)) }, "nn: Attention: mask bool[2 3], expected"},
		{func() { NewSequential(a).Forward(nil, e.Zeros(3, 4)) }, "nn: layers.0: Attention: input float32[3 4]"},
	} {
		if err := tensor.Catch(row.f); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("error %v, want %q", err, row.want)
		}
	}
}

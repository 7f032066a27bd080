package tensor

import (
	"testing"
)

// mlp is a step of gradient descent of a network of fully connected layers.
func mlp(tb testing.TB, e *Engine, batch int, widths ...int) *Function {
	random := e.NewRandom(1)
	var weights, biases []*Variable
	for i := range len(widths) - 1 {
		weights = append(weights, e.NewVariable("w", random.Normal(widths[i], widths[i+1]).Times(0.05)))
		biases = append(biases, e.NewVariable("b", e.Zeros(widths[i+1])))
	}
	f, err := e.Compile(func(in []*Tensor) []*Tensor {
		x := in[0]
		var wrt []*Tensor
		for i := range weights {
			x = x.MatMul(weights[i].Value()).Add(biases[i].Value())
			if i < len(weights)-1 {
				x = x.ReLU()
			}
			wrt = append(wrt, weights[i].Value(), biases[i].Value())
		}
		label := in[1].OneHot(widths[len(widths)-1])
		loss := x.LogSoftmax(1).Mul(label).Sum(1).Mean().Neg()
		for i, g := range Grad(loss, wrt...) {
			v := weights[i/2]
			if i%2 == 1 {
				v = biases[i/2]
			}
			v.Set(v.Value().Sub(g.Times(0.01)))
		}
		return []*Tensor{loss}
	}, Spec{Float32, []int{batch, widths[0]}}, Spec{Int32, []int{batch}})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func BenchmarkStep(b *testing.B) {
	for _, r := range []struct {
		name   string
		batch  int
		widths []int
	}{
		{"tiny", 1, []int{4, 4, 4, 4, 4}},
		{"mnist", 32, []int{784, 256, 128, 10}},
	} {
		b.Run(r.name, func(b *testing.B) {
			e := open(b, Options{})
			f := mlp(b, e, r.batch, r.widths...)
			defer f.Close()
			for b.Loop() {
				if err := f.Run(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(f.plan.kernel.Module().Stages)), "stages")
		})
	}
}

// BenchmarkEager is what it costs to note, look up and run a graph that has been compiled before.
func BenchmarkEager(b *testing.B) {
	e := open(b, Options{})
	x, y := e.Ones(4, 4), e.Ones(4)
	if err := e.Eval(x, y); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		x.Mul(y).Plus(1).Sum(0).Tanh().Float64s()
	}
}

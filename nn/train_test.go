package nn

import (
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/tensor"
)

// TestTraining: a small network of most layers learns its samples by compiled steps, and these do what the same steps
// do without compiling, bit for bit: parameters, running statistics and what is dropped.
func TestTraining(t *testing.T) {
	e := open(t, tensor.Options{})
	x, labels := wave(e, 1, 6, 2, 6, 6), e.NewInt32([]int32{0, 1, 2, 2, 1, 0}, 6)
	build := func() (*Sequential, *Pass) {
		r := e.NewRandom(4)
		return NewSequential(
			NewConv2D(r, 2, 4, [2]int{3, 3}, tensor.Window{Pad: [2][2]int{{1, 1}, {1, 1}}}), NewBatchNorm(e, 4), Func(SiLU),
			MaxPool2D([2]int{2, 2}, tensor.Window{}), Func(Flatten), &Dropout{Rate: 0.1}, NewLinear(r, 36, 3),
		), &Pass{Training: true, Random: r}
	}
	step := func(m Model, loss *tensor.Tensor) {
		parameters := Parameters(m)
		gradients := tensor.Grad(loss, Values(parameters)...)
		moved := make([]*tensor.Tensor, len(parameters))
		for i, p := range parameters {
			moved[i] = p.Value().Sub(gradients[i].Times(0.2))
		}
		for i, p := range parameters {
			p.Set(moved[i])
		}
	}
	compiled, pass := build()
	f, err := e.Compile(func([]*tensor.Tensor) []*tensor.Tensor {
		loss := CrossEntropy(compiled.Forward(pass, x), labels, Mean)
		step(compiled, loss)
		return []*tensor.Tensor{loss}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	eager, eagerPass := build()
	for round := range 60 {
		if err := f.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if round >= 3 {
			continue
		}
		step(eager, CrossEntropy(eager.Forward(eagerPass, x), labels, Mean))
		others := Variables(eager)
		for i, n := range Variables(compiled) {
			if got, want := n.Variable.Value().Float32s(), others[i].Variable.Value().Float32s(); !slices.Equal(got, want) {
				t.Fatalf("round %d: %s is %v, want %v", round, n.Name, got, want)
			}
		}
	}
	if loss := CrossEntropy(compiled.Forward(nil, x), labels, Mean).Item(); !(loss < 0.1) {
		t.Errorf("loss %v after training, expected it close to 0", loss)
	}
}

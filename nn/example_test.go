package nn_test

import (
	"context"
	"fmt"
	"log"

	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/tensor"
)

// descend compiles a step of gradient descent: its runs move the parameters of m and give the loss before the step.
func descend(e *tensor.Engine, m nn.Model, rate float64, loss func() *tensor.Tensor) *tensor.Function {
	step, err := e.Compile(func([]*tensor.Tensor) []*tensor.Tensor {
		l, parameters := loss(), nn.Parameters(m)
		for i, g := range tensor.Grad(l, nn.Values(parameters)...) {
			p := parameters[i]
			p.Set(p.Value().Sub(g.Times(rate)))
		}
		return []*tensor.Tensor{l}
	})
	if err != nil {
		log.Fatal(err)
	}
	return step
}

func run(f *tensor.Function, times int) {
	for range times {
		if err := f.Run(context.Background()); err != nil {
			log.Fatal(err)
		}
	}
}

// A line through points: the layer finds slope and intercept.
func Example_line() {
	e := tensor.Open(tensor.Options{})
	defer e.Close()
	x := e.New([]float32{-1, 0, 1, 2}, 4, 1)
	y := e.New([]float32{-1, 1, 3, 5}, 4, 1)
	line := nn.NewLinear(e.NewRandom(1), 1, 1)
	step := descend(e, line, 0.1, func() *tensor.Tensor { return nn.MSE(line.Forward(nil, x), y, nn.Mean) })
	defer step.Close()
	run(step, 200)
	fmt.Printf("y = %.3f x + %.3f\n", line.Weight.Value().Item(), line.Bias.Value().Item())
	// Output: y = 2.000 x + 1.000
}

// Exclusive or, which no linear layer can be, by one hidden layer.
func Example_xor() {
	e := tensor.Open(tensor.Options{})
	defer e.Close()
	x := e.New([]float32{0, 0, 0, 1, 1, 0, 1, 1}, 4, 2)
	y := e.New([]float32{0, 1, 1, 0}, 4, 1)
	model := nn.NewMLP(e.NewRandom(1), []int{2, 8, 1}, nn.Tanh)
	loss := func() *tensor.Tensor { return nn.BCEWithLogits(model.Forward(nil, x), y, nn.Mean) }
	step := descend(e, model, 1, loss)
	defer step.Close()
	run(step, 500)
	fmt.Println(model.Forward(nil, x).Above(0).Float64s(), step.Result(0).Item() < 0.02)
	// Output: [0 1 1 0] true
}

// The variables of a model have names.
func ExampleVariables() {
	e := tensor.Open(tensor.Options{})
	defer e.Close()
	model := nn.NewSequential(nn.NewLinear(e.NewRandom(1), 3, 4), nn.NewBatchNorm(e, 4), nn.Func(nn.ReLU))
	for _, n := range nn.Variables(model) {
		fmt.Println(n.Name, n.Variable.Shape())
	}
	// Output:
	// layers.0.weight [3 4]
	// layers.0.bias [4]
	// layers.1.weight [4]
	// layers.1.bias [4]
	// layers.1.running_mean [4]
	// layers.1.running_var [4]
}

package train_test

import (
	"context"
	"fmt"

	"github.com/baremetaldevx86/microdr/data"
	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/tensor"
	"github.com/baremetaldevx86/microdr/train"
)

// The exclusive or of two bits, which no single layer can tell: a step is compiled once and run until the loss is small.
func Example() {
	e := tensor.Open(tensor.Options{})
	defer e.Close()
	model := nn.NewMLP(e.NewRandom(1), []int{2, 8, 1}, nn.Tanh)
	x, y := e.New([]float32{0, 0, 0, 1, 1, 0, 1, 1}, 4, 2), e.New([]float32{0, 1, 1, 0}, 4, 1)
	o, err := train.NewOptimizer(e, nn.Variables(model), train.Options{Rule: optim.AdamRule{Rate: 0.1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	step, err := o.Compile(func([]*tensor.Tensor) []*tensor.Tensor {
		logits := model.Forward(nil, x)
		return []*tensor.Tensor{nn.BCEWithLogits(logits, y, nn.Mean), logits}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer step.Close()
	for range 200 {
		if err := step.Run(context.Background()); err != nil {
			fmt.Println(err)
			return
		}
	}
	for i, logit := range step.Result(1).Float64s() {
		fmt.Println(i>>1, i&1, logit > 0)
	}
	// Output:
	// 0 0 false
	// 0 1 true
	// 1 0 true
	// 1 1 false
}

// Handwritten digits: data, model, plan, run. Without an Output line it is compiled and not run, as it takes a minute.
func Example_digits() {
	folder, err := data.FindMNIST()
	if err != nil {
		fmt.Println(err) // says what to run
		return
	}
	digits, test, err := data.LoadMNIST(folder)
	if err != nil {
		fmt.Println(err)
		return
	}
	e := tensor.Open(tensor.Options{})
	defer e.Close()
	mlp := nn.NewMLP(e.NewRandom(1), []int{784, 256, 128, 10}, nn.ReLU)
	plan := train.Plan{Epochs: 3, Batch: 32, Optimizer: train.Options{Rule: optim.AdamWRule{Rate: 0.001, Decay: 0.01}}}
	plan.OnEpoch = func(e train.Epoch) { fmt.Printf("%d: %.2f %% right\n", e.Epoch, 100*e.TestAccuracy) }
	model := nn.NewSequential(nn.Func(nn.Flatten), mlp)
	t, err := train.NewTrainer(e, train.Task{Model: model, Train: digits, Test: test}, plan)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	if err := t.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
}

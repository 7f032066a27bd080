package train_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

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
	o := must(train.NewOptimizer(e, nn.Variables(model), train.Options{Rule: optim.AdamRule{Rate: 0.1}}))
	step := must(o.Compile(func([]*tensor.Tensor) []*tensor.Tensor {
		logits := model.Forward(nil, x)
		return []*tensor.Tensor{nn.BCEWithLogits(logits, y, nn.Mean), logits}
	}))
	defer step.Close()
	for range 200 {
		check(step.Run(context.Background()))
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

// Handwritten digits, once scripts/get-mnist has fetched them: data, model, plan, run. TestExampleDigits runs it where
// they are.
func Example_digits() {
	digits, test, err := data.LoadMNIST(must(data.FindMNIST()))
	check(err)
	e := tensor.Open(tensor.Options{})
	defer e.Close()
	model := nn.NewSequential(nn.Func(nn.Flatten), nn.NewMLP(e.NewRandom(1), []int{784, 128, 10}, nn.ReLU))
	plan := train.Plan{Epochs: 1, Batch: 32, Optimizer: train.Options{Rule: optim.AdamWRule{Rate: 0.001, Decay: 0.01}}}
	t := must(train.NewTrainer(e, train.Task{Model: model, Train: digits, Test: test}, plan))
	defer t.Close()
	check(t.Run(context.Background()))
	fmt.Printf("%.1f %% right\n", 100*t.Best().TestAccuracy)
}

// TestExampleDigits: an Output line could not do without the data, nor say how far two machines may differ.
func TestExampleDigits(t *testing.T) {
	if testing.Short() {
		t.Skip("a second or so of training")
	}
	if _, err := data.FindMNIST(); err != nil {
		t.Skip(err)
	}
	var right float64
	if _, err := fmt.Sscanf(printed(t, Example_digits), "%f %% right\n", &right); err != nil || right < 95 {
		t.Errorf("%v %% right, %v, want 95 or more", right, err)
	}
}

// printed calls f and returns what it prints.
func printed(t *testing.T, f func()) string {
	t.Helper()
	file := must(os.Create(filepath.Join(t.TempDir(), "stdout")))
	defer file.Close()
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	os.Stdout = file
	f()
	return string(must(os.ReadFile(file.Name())))
}

// check and must stand for what a program does about errors.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](x T, err error) T {
	check(err)
	return x
}

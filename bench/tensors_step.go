package bench

import (
	"context"
	"fmt"
	"strings"

	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/tensor"
	"github.com/baremetaldevx86/microdr/train"
)

const (
	smallStepBar  = 30 // microseconds
	digitsStepBar = 2  // times the matrix products alone

	// stepRate is so small that parameters are about the same after all rounds, so that every round has numbers of the
	// same kind: nothing dies, and no gradient becomes subnormal.
	stepRate = 1e-6
)

// perceptron is a multilayer perceptron and its batch.
type perceptron struct {
	widths []int // of the input and of every layer's output
	batch  int
}

// small is 4 layers that compute next to nothing: what remains is the cost of a step as such. digits is the usual
// first network for handwritten digits.
func small() *perceptron  { return &perceptron{[]int{16, 16, 16, 16, 16}, 1} }
func digits() *perceptron { return &perceptron{[]int{784, 256, 128, 10}, 32} }

// String names a step: "step of MLP 784-256-128-10 batch 32".
func (q *perceptron) String() string {
	widths := strings.ReplaceAll(strings.Trim(fmt.Sprint(q.widths), "[]"), " ", "-")
	return fmt.Sprintf("step of MLP %s batch %d", widths, q.batch)
}

// floats is the type of a batch of so many features.
func (q *perceptron) floats(width int) tensor.Spec {
	return tensor.Spec{Type: tensor.Float32, Shape: []int{q.batch, width}}
}

// step compiles forward, backward and the update by SGD, on synthetic inputs. The loss is the square of distances, or,
// with classes, the cross-entropy.
func (q *perceptron) step(e *tensor.Engine, classes bool) (*train.Step, error) {
	model := nn.NewMLP(e.NewRandom(1), q.widths, nn.ReLU)
	o, err := train.NewOptimizer(e, nn.Variables(model), train.Options{Rule: optim.SGDRule{Rate: stepRate}})
	if err != nil {
		return nil, err
	}
	in, out := q.widths[0], q.widths[len(q.widths)-1]
	target, loss := q.floats(out), nn.MSE
	if classes {
		target, loss = tensor.Spec{Type: tensor.Int32, Shape: []int{q.batch}}, nn.CrossEntropy
	}
	step, err := o.Compile(func(x []*tensor.Tensor) []*tensor.Tensor {
		return []*tensor.Tensor{loss(model.Forward(&nn.Pass{Training: true}, x[0]), x[1], nn.Mean)}
	}, q.floats(in), target)
	if err != nil {
		return nil, err
	}
	repeat(step.Input(0).Float32s(), between(q.batch*in, 31, 0, 1))
	if !classes {
		repeat(step.Input(1).Float32s(), between(q.batch*out, 32, 0, 1))
		return step, nil
	}
	for i, labels := 0, step.Input(1).Words(); i < len(labels); i++ {
		labels[i] = uint32(i % out)
	}
	return step, nil
}

// products compiles the matrix products of a step and nothing else: of each layer that of the forward pass, that to the
// weights' gradient, and, but for the first layer, that to the gradient of its input. Their factors are inputs, so that
// none waits for another.
func (q *perceptron) products(e *tensor.Engine) (*tensor.Function, error) {
	var inputs []tensor.Spec // a layer's input, weight and gradient of its output
	for i, in := range q.widths[:len(q.widths)-1] {
		out := q.widths[i+1]
		weight := tensor.Spec{Type: tensor.Float32, Shape: []int{in, out}}
		inputs = append(inputs, q.floats(in), weight, q.floats(out))
	}
	f, err := e.Compile(func(in []*tensor.Tensor) (out []*tensor.Tensor) {
		for i := 0; i < len(in); i += 3 {
			x, w, g := in[i], in[i+1], in[i+2]
			out = append(out, x.MatMul(w), x.T().MatMul(g))
			if i > 0 {
				out = append(out, g.MatMul(w.T()))
			}
		}
		return out
	}, inputs...)
	if err != nil {
		return nil, err
	}
	for i := range inputs {
		repeat(f.Input(i).Float32s(), between(1<<12, uint64(41+i), -1, 1))
	}
	return f, nil
}

// smallStep is the step of a network that computes next to nothing, beside a bar.
func smallStep(workers int) measurement {
	name := fmt.Sprintf("%v %s", small(), workersName(workers))
	return measurement{rows: []string{name}, measure: func(ctx context.Context, s *suite, names []string) ([]Row, error) {
		return s.smallRows(ctx, names, workers)
	}}
}

func (s *suite) smallRows(ctx context.Context, names []string, workers int) ([]Row, error) {
	e := tensor.Open(tensor.Options{Workers: workers})
	defer e.Close()
	step, err := small().step(e, false)
	if err != nil {
		return nil, err
	}
	defer step.Close()
	t, err := Rounds(ctx, s.Rounds, runs(step))
	if err != nil {
		return nil, err
	}
	r := Against(names[0], "us", Lower, t[0].Times(microseconds), smallStepBar)
	r.Note = "a bar"
	return []Row{r}, nil
}

// digitsStep is the step of a network for handwritten digits, beside its matrix products alone.
func digitsStep(workers int) measurement {
	name := fmt.Sprintf("%v %s", digits(), workersName(workers))
	rows := []string{name, name + " over its products"}
	return measurement{rows: rows, measure: func(ctx context.Context, s *suite, names []string) ([]Row, error) {
		return s.digitsRows(ctx, names, workers)
	}}
}

func (s *suite) digitsRows(ctx context.Context, names []string, workers int) ([]Row, error) {
	e := tensor.Open(tensor.Options{Workers: workers})
	defer e.Close()
	step, err := digits().step(e, true)
	if err != nil {
		return nil, err
	}
	defer step.Close()
	products, err := digits().products(e)
	if err != nil {
		return nil, err
	}
	defer products.Close()
	t, err := Rounds(ctx, s.Rounds, runs(step), runs(products))
	if err != nil {
		return nil, err
	}
	beside := Compare(names[0], "us", Lower, t[0].Times(microseconds), t[1].Times(microseconds))
	beside.Note = "its matrix products alone"
	over := Against(names[1], "times", Lower, t[0].Over(t[1]), digitsStepBar)
	over.Note = "a bar; of quotients round by round"
	return []Row{beside, over}, nil
}

package train

import (
	"context"
	"errors"
	"slices"

	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/tensor"
)

// Step is a compiled step of a training: a batch goes in, and the loss, its gradients and the new parameters are
// computed by one function. A run allocates nothing.
type Step struct {
	o        *Optimizer
	function *tensor.Function
	inputs   int
}

// Compile compiles the step whose loss is the first result of f, a scalar; f is recorded once, as tensor.Engine.Compile
// does. Steps for batches of several sizes may share an optimizer.
func (o *Optimizer) Compile(f func(inputs []*tensor.Tensor) []*tensor.Tensor, inputs ...tensor.Spec) (*Step, error) {
	n := len(inputs)
	function, err := o.e.Compile(func(in []*tensor.Tensor) []*tensor.Tensor {
		results := f(in[:n:n])
		gradients := tensor.Grad(results[0], o.wrt()...)
		if o.options.Accumulate {
			o.accumulate(gradients, in[n].At(0, 0))
		} else {
			o.update(gradients, in[n])
		}
		return results
	}, append(slices.Clone(inputs), o.numbers())...)
	if err != nil {
		return nil, err
	}
	return &Step{o, function, n}, nil
}

// numbers is the input that all functions of the optimizer have: what changes from step to step.
func (o *Optimizer) numbers() tensor.Spec {
	return tensor.Spec{Type: tensor.Float32, Shape: []int{len(o.values)}}
}

// accumulate notes that gradients are added up.
func (o *Optimizer) accumulate(gradients []*tensor.Tensor, weight *tensor.Tensor) {
	for i, s := range o.slots {
		s.sum.Set(s.sum.Value().Add(gradients[i].Mul(weight)))
	}
}

// Input returns input i, whose elements are set with Write32, Write or Words before a run.
func (s *Step) Input(i int) *kernel.Buffer { return s.function.Input(i) }

// Result returns result i of the last run; the first one is the loss, at the parameters before the step.
func (s *Step) Result(i int) *tensor.Tensor { return s.function.Result(i) }

// Peak returns how many bytes one step needs at most: batch, parameters, states of the optimizer, and everything in
// between. With Options.Accumulate it is about adding up, not about the update.
func (s *Step) Peak() int { return s.function.Bytes() }

// Run does one step. After an error everything is as it was.
func (s *Step) Run(ctx context.Context) error {
	if s.o.options.Accumulate {
		if err := s.Add(ctx, 1); err != nil {
			return err
		}
		return s.o.Apply(ctx)
	}
	s.o.refresh(1)
	s.function.Input(s.inputs).Write(s.o.values)
	if err := s.function.Run(ctx); err != nil {
		return err
	}
	s.o.step++
	return nil
}

// Add adds the gradients of a batch, times a weight, to the sums of an optimizer that accumulates. Batches of one step
// whose losses are means give the gradient of the mean over all of their examples if each weighs as its share of them.
func (s *Step) Add(ctx context.Context, weight float64) error {
	if !s.o.options.Accumulate {
		return errors.New("train: gradients to be added up, expected an optimizer with Options.Accumulate")
	}
	s.o.refresh(weight)
	s.function.Input(s.inputs).Write(s.o.values)
	return s.function.Run(ctx)
}

// Apply does one step with the gradients that were added up, which are zeros afterwards. After an error everything is
// as it was.
func (o *Optimizer) Apply(ctx context.Context) error {
	if !o.options.Accumulate {
		return errors.New("train: nothing was added up, expected an optimizer with Options.Accumulate")
	}
	if o.apply == nil {
		f, err := o.e.Compile(o.recordApply, o.numbers())
		if err != nil {
			return err
		}
		o.apply = f
	}
	o.refresh(1)
	o.apply.Input(0).Write(o.values)
	if err := o.apply.Run(ctx); err != nil {
		return err
	}
	o.step++
	return nil
}

func (o *Optimizer) recordApply(in []*tensor.Tensor) []*tensor.Tensor {
	sums := make([]*tensor.Tensor, len(o.slots))
	for i, s := range o.slots {
		sums[i] = s.sum.Value()
	}
	o.update(sums, in[0])
	for _, s := range o.slots {
		s.sum.Set(o.e.Zeros(s.sum.Shape()...))
	}
	return nil
}

// Forget drops the gradients that were added up.
func (o *Optimizer) Forget() {
	for _, s := range o.slots {
		if s.sum != nil {
			s.sum.Set(o.e.Zeros(s.sum.Shape()...))
		}
	}
}

// Close gives the memory of the step back; the optimizer and its parameters stay.
func (s *Step) Close() { s.function.Close() }

// Close gives the memory of the optimizer's own function back. Its variables belong to the engine.
func (o *Optimizer) Close() {
	if o.apply != nil {
		o.apply.Close()
		o.apply = nil
	}
}

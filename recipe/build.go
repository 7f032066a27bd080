package recipe

import (
	"errors"
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/tensor"
)

// builder makes layers one after the other, each for what the one before it gives.
type builder struct {
	random *tensor.Random
	x      *tensor.Tensor // what the layers so far give for one sample: its shape is known, its elements nobody computes
	file   string
}

// channels is the extent of the axis that convolutions and normalisations are about.
func (b *builder) channels() int { return b.x.Dim(1) }

// Build makes the model for samples of a shape, without the axis of the batch, and a number of classes. random says
// what its parameters begin with. A layer that does not go with what it is given is an *Error.
func (r *Recipe) Build(random *tensor.Random, sample []int, classes int) (nn.Module, error) {
	e := random.Counter.Value().Engine()
	b := &builder{random: random, x: e.Zeros(append([]int{1}, sample...)...), file: r.file}
	model, err := b.layers(r.Layers)
	if err != nil {
		return nil, err
	}
	if want := []int{1, classes}; !slices.Equal(b.x.Shape(), want) {
		last := r.Layers[len(r.Layers)-1]
		return nil, b.failed(&last, "the model gives [batch %v], expected [batch %d], a number for each class",
			b.x.Shape()[1:], classes)
	}
	return model, nil
}

func (b *builder) layers(list []Layer) (nn.Module, error) {
	all := nn.NewSequential()
	for i := range list {
		m, err := b.layer(&list[i])
		if err != nil {
			return nil, err
		}
		all.Layers = append(all.Layers, m)
	}
	return all, nil
}

// layer makes one layer and finds out what it gives.
func (b *builder) layer(l *Layer) (m nn.Module, err error) {
	input := b.x
	if l.inner != nil {
		inner, err := b.layers(l.inner)
		if err != nil {
			return nil, err
		}
		m = &nn.Residual{Inner: inner}
	}
	err = tensor.Catch(func() {
		if m == nil {
			m = l.kind.make(b, l.values)
		}
		b.x = m.Forward(nil, input)
	})
	var misfit *tensor.Error
	if errors.As(err, &misfit) {
		return nil, b.failed(l, "%s of [batch %v]: %s: %s", l.kind.name, input.Shape()[1:], misfit.Call, misfit.Detail)
	}
	return m, err
}

func (b *builder) failed(l *Layer, format string, args ...any) error {
	return &Error{Package: "recipe", File: b.file, Line: l.line, Column: l.column, Message: fmt.Sprintf(format, args...)}
}

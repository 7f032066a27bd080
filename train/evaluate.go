package train

import (
	"context"
	"errors"
	"io"

	"github.com/baremetaldevx86/microdr/data"
	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/tensor"
)

// Evaluation is what a model makes of a set.
type Evaluation struct {
	Loss        float64 // the mean, of labels without smoothing
	Accuracy    float64 // the share of images that are classified right
	Labels      []int32 // of the images in the order of the set
	Predictions []int32 // likewise
	Confidence  []float32
}

// testBatch is how many images are classified at once.
const testBatch = 256

// Evaluate classifies all images of a set of the shape of those that the model is trained with, as inference does.
func (t *Trainer) Evaluate(ctx context.Context, source data.Source) (*Evaluation, error) {
	loader, err := data.NewLoader(ctx, source, data.Options{Batch: testBatch, Epochs: 1, Workers: t.plan.Workers,
		Mean: t.plan.Mean, Deviation: t.plan.Deviation})
	if err != nil {
		return nil, err
	}
	defer loader.Close()
	out := &Evaluation{}
	for {
		b, err := loader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := t.classify(ctx, out, b); err != nil {
			return nil, err
		}
	}
	n := float64(len(out.Labels))
	out.Loss /= n
	for i, label := range out.Labels {
		if out.Predictions[i] == label {
			out.Accuracy++
		}
	}
	out.Accuracy /= n
	return out, nil
}

// classify adds a batch to an evaluation whose loss is a sum.
func (t *Trainer) classify(ctx context.Context, out *Evaluation, b *data.Batch) error {
	f, err := t.testOf(len(b.Labels))
	if err != nil {
		return err
	}
	load(f.Input, b)
	if err := f.Run(ctx); err != nil {
		return err
	}
	out.Loss += f.Result(0).Item()
	out.Labels = append(out.Labels, b.Labels...)
	out.Predictions = append(out.Predictions, f.Result(1).Int32s()...)
	out.Confidence = append(out.Confidence, f.Result(2).Float32s()...)
	return nil
}

// testOf returns the function that classifies a number of images: the sum of losses, the classes, and their
// probabilities.
func (t *Trainer) testOf(images int) (*tensor.Function, error) {
	if f := t.tests[images]; f != nil {
		return f, nil
	}
	f, err := t.e.Compile(func(in []*tensor.Tensor) []*tensor.Tensor {
		logits := t.task.Model.Forward(nil, in[0])
		return []*tensor.Tensor{
			nn.CrossEntropy(logits, in[1], nn.Sum), logits.ArgMax(-1), logits.Softmax(-1).MaxOver(-1),
		}
	}, t.specs(images)...)
	if err != nil {
		return nil, err
	}
	t.tests[images] = f
	return f, nil
}

// Confusion returns how often images of the class of a row were taken for the class of a column.
func (v *Evaluation) Confusion(classes int) [][]int {
	table := make([][]int, classes)
	for i := range table {
		table[i] = make([]int, classes)
	}
	for i, label := range v.Labels {
		if p := v.Predictions[i]; int(label) < classes && int(p) < classes {
			table[label][p]++
		}
	}
	return table
}

// Wrong returns the numbers of the images that are classified wrong, in their order.
func (v *Evaluation) Wrong() []int {
	var list []int
	for i, label := range v.Labels {
		if v.Predictions[i] != label {
			list = append(list, i)
		}
	}
	return list
}

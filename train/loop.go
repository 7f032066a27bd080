package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/baremetaldevx86/microdr/data"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/tensor"
)

// batchStep is the compiled step for batches of one size. Its results are the mean loss and the number of images that
// were classified right.
type batchStep struct{ *Step }

// load fills an input of images and one of labels.
func load(input func(int) *kernel.Buffer, b *data.Batch) {
	input(0).Write32(b.Pixels)
	words := input(1).Words()
	for i, label := range b.Labels {
		words[i] = uint32(label)
	}
}

// specs are the inputs for a number of images.
func (t *Trainer) specs(images int) []tensor.Spec {
	s := t.task.Train.Shape()
	return []tensor.Spec{
		{Type: tensor.Float32, Shape: []int{images, s.Channels, s.Height, s.Width}},
		{Type: tensor.Int32, Shape: []int{images}},
	}
}

// stepOf returns the step for batches of a number of images, compiled when the first one comes: besides full batches
// there is at most the last one of an epoch.
func (t *Trainer) stepOf(images int) (*batchStep, error) {
	if s := t.steps[images]; s != nil {
		return s, nil
	}
	s, err := t.optimizer.Compile(func(in []*tensor.Tensor) []*tensor.Tensor {
		logits := t.task.Model.Forward(&nn.Pass{Training: true, Random: t.task.Random}, in[0])
		return []*tensor.Tensor{nn.SmoothCrossEntropy(logits, in[1], t.plan.Smoothing, nn.Mean), right(logits, in[1]).Sum()}
	}, t.specs(images)...)
	if err != nil {
		return nil, err
	}
	t.steps[images] = &batchStep{s}
	return t.steps[images], nil
}

// Peak compiles the step of the largest batch, which Run takes then, and returns how many bytes it needs: see Step.Peak.
func (t *Trainer) Peak() (int, error) {
	s, err := t.stepOf(min(t.plan.Batch, t.task.Train.Len()))
	if err != nil {
		return 0, err
	}
	return s.Peak(), nil
}

// right tells, as 1 and 0, which images are classified right.
func right(logits, labels *tensor.Tensor) *tensor.Tensor {
	return logits.ArgMax(-1).Eq(labels).Cast(tensor.Float32)
}

// Run trains until the last epoch of the plan, from where the trainer stands. When ctx ends it finishes the step,
// writes a checkpoint, and returns the cause: Run, or another trainer after Resume, goes on with the same bits as if
// nothing had been.
func (t *Trainer) Run(ctx context.Context) error {
	err := t.run(ctx)
	if err == nil || ctx.Err() == nil || !errors.Is(err, ctx.Err()) && !errors.Is(err, context.Cause(ctx)) {
		return err
	}
	if err := t.save(LastFile); err != nil {
		return err
	}
	return context.Cause(ctx)
}

func (t *Trainer) run(ctx context.Context) error {
	if t.state.pending() {
		if err := t.finishEpoch(ctx); err != nil {
			return err
		}
	}
	if t.state.At.Epoch >= t.plan.Epochs {
		return nil
	}
	steady := context.WithoutCancel(ctx)
	loader, err := data.NewLoader(steady, t.task.Train, t.plan.loading(t.state.At))
	if err != nil {
		return err
	}
	defer loader.Close()
	for ctx.Err() == nil {
		if err := t.step(steady, loader); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if t.state.pending() {
			if err := t.finishEpoch(ctx); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// step does one step, of as many batches as it has.
func (t *Trainer) step(ctx context.Context, loader *data.Loader) error {
	for last := false; !last; {
		b, err := loader.Next()
		if err != nil {
			return err
		}
		s, err := t.stepOf(len(b.Labels))
		if err != nil {
			return err
		}
		load(s.Input, b)
		last = b.Last || t.plan.Accumulate <= 1 || (b.Number+1)%t.plan.Accumulate == 0
		if err := t.trainWith(ctx, s, b, last); err != nil {
			return err
		}
		if err := t.count(s, len(b.Labels)); err != nil {
			return fmt.Errorf("train: epoch %d, batch %d: %w", b.Epoch+1, b.Number+1, err)
		}
	}
	t.state.At, t.state.Steps = loader.State(), t.optimizer.Steps()
	if t.plan.OnStep != nil {
		t.plan.OnStep(t.progress())
	}
	return nil
}

// trainWith trains with one batch, the last of a step or not.
func (t *Trainer) trainWith(ctx context.Context, s *batchStep, b *data.Batch, last bool) error {
	if !t.plan.Optimizer.Accumulate {
		return s.Run(ctx)
	}
	if err := s.Add(ctx, float64(len(b.Labels))/float64(t.imagesOfStep(b.Number))); err != nil || !last {
		return err
	}
	return t.optimizer.Apply(ctx)
}

// imagesOfStep returns how many images the step with a batch has.
func (t *Trainer) imagesOfStep(batch int) int {
	total := t.task.Train.Len()
	if t.plan.DropLast {
		total -= total % t.plan.Batch
	}
	first := batch - batch%t.plan.Accumulate
	return min(total, (first+t.plan.Accumulate)*t.plan.Batch) - first*t.plan.Batch
}

// count adds what came of a batch to the sums of the epoch.
func (t *Trainer) count(s *batchStep, images int) error {
	var loss, correct [1]float64
	s.Result(0).Read(loss[:])
	s.Result(1).Read(correct[:])
	if err := finite("loss", loss[0]); err != nil {
		return err
	}
	t.state.Seen += images
	t.state.LossSum += loss[0] * float64(images)
	t.state.Right += int(correct[0])
	return nil
}

// finite refuses the loss of a model that is lost.
func finite(what string, loss float64) error {
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("the %s is %v, expected a finite one: a lower rate or clipping may help", what, loss)
	}
	return nil
}

func (t *Trainer) progress() Progress {
	s := &t.state
	epoch := s.At.Epoch + 1
	if s.pending() {
		epoch--
	}
	return Progress{Epoch: epoch, Epochs: t.plan.Epochs, Step: s.Steps, Steps: t.plan.Steps(t.task.Train.Len()),
		Images: s.Seen, Loss: s.LossSum / float64(s.Seen), Accuracy: float64(s.Right) / float64(s.Seen)}
}

// finishEpoch tests the model, and writes the checkpoints.
func (t *Trainer) finishEpoch(ctx context.Context) error {
	tested, err := t.Evaluate(ctx, t.task.Test)
	if err != nil {
		return err
	}
	p, best := t.progress(), t.Best()
	if err := finite("test loss", tested.Loss); err != nil { // the epoch's last step was the one too many
		return fmt.Errorf("train: epoch %d: %w", p.Epoch, err)
	}
	epoch := Epoch{Epoch: p.Epoch, Steps: p.Step, TrainLoss: p.Loss, TrainAccuracy: p.Accuracy,
		TestLoss: tested.Loss, TestAccuracy: tested.Accuracy}
	t.state.History = append(t.state.History, epoch)
	t.state.Seen, t.state.LossSum, t.state.Right = 0, 0, 0
	if best.Epoch == 0 || epoch.TestAccuracy > best.TestAccuracy {
		if err := t.save(BestFile); err != nil {
			return err
		}
	}
	if err := t.save(LastFile); err != nil {
		return err
	}
	if t.plan.OnEpoch != nil {
		t.plan.OnEpoch(epoch)
	}
	return nil
}

package train

import (
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/data"
	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/tensor"
)

// Plan says how a classifier of images is trained.
type Plan struct {
	Epochs     int // passes through the training set, at least 1
	Batch      int // images in a batch, at least 1
	Accumulate int // batches in a step; 0: 1
	DropLast   bool
	Optimizer  Options
	Smoothing  float64 // of labels, see nn.SmoothCrossEntropy
	Seed       uint64  // of the order of images and of their augmentation
	Workers    int     // goroutines that read images; 0: one for each processor. Their number changes no bit

	Augment         data.Augmentation // of what is trained with
	Mean, Deviation []float32         // see data.Options

	// Description says what else determines the training, such as its model and its optimizer: lines "name: value". A
	// checkpoint holds it, and Resume refuses one with another. What may change on the way must not stand in it.
	Description string

	// Folder is where checkpoints go, LastFile after each epoch and when Run is stopped, and BestFile after the epoch
	// whose accuracy on the test set is the best. It must exist; empty: none are written.
	Folder string

	OnStep  func(Progress) // after each step; it must not keep the trainer waiting
	OnEpoch func(Epoch)    // after each epoch, when its checkpoints are written
}

// The names of checkpoints in Plan.Folder.
const (
	LastFile = "last.safetensors"
	BestFile = "best.safetensors"
)

// batches returns how many batches an epoch with a number of images has.
func (p *Plan) batches(images int) int {
	if p.DropLast {
		return images / p.Batch
	}
	return (images + p.Batch - 1) / p.Batch
}

// Steps returns how many steps all epochs with a number of images have, for schedules that end with them.
func (p *Plan) Steps(images int) int {
	perStep := max(1, p.Accumulate)
	return p.Epochs * ((p.batches(images) + perStep - 1) / perStep)
}

// loading is how images are read from a place on.
func (p *Plan) loading(start data.State) data.Options {
	return data.Options{Batch: p.Batch, Start: start, Epochs: p.Epochs, Shuffle: true, DropLast: p.DropLast,
		Workers: p.Workers, Augment: p.Augment, Mean: p.Mean, Deviation: p.Deviation}
}

func (p *Plan) check(train, test data.Source) error {
	switch {
	case p.Epochs < 1 || p.Batch < 1 || p.Accumulate < 0:
		return fmt.Errorf("train: %d epochs, batches of %d, %d of them in a step, expected at least 1 of each",
			p.Epochs, p.Batch, max(1, p.Accumulate))
	case p.batches(train.Len()) == 0 || test.Len() == 0:
		return fmt.Errorf("train: %d images to train with and %d to test with, expected at least a batch of %d and 1",
			train.Len(), test.Len(), p.Batch)
	case train.Shape() != test.Shape():
		return fmt.Errorf("train: images of %+v to train with and %+v to test with, expected one shape",
			train.Shape(), test.Shape())
	}
	return p.loading(data.State{Seed: p.Seed}).Check(train)
}

// Progress is how far a training is.
type Progress struct {
	Epoch, Epochs int     // the one that is going on, from 1
	Step, Steps   int     // of all epochs
	Images        int     // of this epoch so far
	Loss          float64 // the mean over them
	Accuracy      float64 // the share of them that was classified right, each before the step with it
}

// Epoch is what came of one epoch.
type Epoch struct {
	Epoch         int     `json:"epoch"` // from 1
	Steps         int     `json:"steps"` // done so far
	TrainLoss     float64 `json:"train_loss"`
	TrainAccuracy float64 `json:"train_accuracy"`
	TestLoss      float64 `json:"test_loss"`
	TestAccuracy  float64 `json:"test_accuracy"`
}

// Task is what is trained, and with what.
type Task struct {
	Model       nn.Module      // from [batch, channels, height, width] to logits, [batch, classes]
	Random      *tensor.Random // for what is random in the model, such as dropout; nil if nothing is
	Train, Test data.Source    // images of one shape
}

// Trainer trains one model. It may be used by one goroutine at a time.
type Trainer struct {
	e         *tensor.Engine
	task      Task
	plan      Plan
	optimizer *Optimizer
	variables []nn.Named // all that a checkpoint holds
	steps     map[int]*batchStep
	tests     map[int]*tensor.Function
	state     state
}

// NewTrainer returns a trainer of a task on the engine that its model belongs to.
func NewTrainer(e *tensor.Engine, task Task, plan Plan) (*Trainer, error) {
	if err := plan.check(task.Train, task.Test); err != nil {
		return nil, err
	}
	t := &Trainer{e: e, task: task, plan: plan, steps: map[int]*batchStep{}, tests: map[int]*tensor.Function{}}
	t.plan.Optimizer.Accumulate = plan.Accumulate > 1
	all := nn.Variables(task.Model)
	parameters := slices.DeleteFunc(slices.Clone(all), func(n nn.Named) bool { return n.Buffer })
	o, err := NewOptimizer(e, parameters, t.plan.Optimizer)
	if err != nil {
		return nil, err
	}
	t.optimizer = o
	t.variables = append(all, o.State()...)
	if task.Random != nil {
		t.variables = append(t.variables, nn.Named{Name: "random/counter", Variable: task.Random.Counter, Buffer: true})
	}
	t.state = t.identity()
	return t, nil
}

// History returns what came of the epochs so far, those before Resume included.
func (t *Trainer) History() []Epoch { return slices.Clone(t.state.History) }

// Steps returns how many steps were done so far, those before Resume included.
func (t *Trainer) Steps() int { return t.state.Steps }

// Best returns the epoch with the best accuracy on the test set, the first of equals; the zero value before there is
// one.
func (t *Trainer) Best() Epoch {
	var best Epoch
	for _, e := range t.state.History {
		if e.TestAccuracy > best.TestAccuracy || best.Epoch == 0 {
			best = e
		}
	}
	return best
}

// Close gives back the memory of the compiled functions. The model stays.
func (t *Trainer) Close() {
	for _, s := range t.steps {
		s.Close()
	}
	for _, f := range t.tests {
		f.Close()
	}
	t.optimizer.Close()
}

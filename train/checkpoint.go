package train

import (
	"fmt"
	"path/filepath"

	"github.com/baremetaldevx86/microdr/data"
	"github.com/baremetaldevx86/microdr/nn"
)

// format is the version of what checkpoints hold besides variables.
const format = 1

// state is where a training stands, besides the values of variables.
type state struct {
	Format int `json:"format"`

	// What a training that goes on must agree in.
	Images     int  `json:"images"`
	Batch      int  `json:"batch"`
	Accumulate int  `json:"accumulate"`
	DropLast   bool `json:"drop_last"`

	At      data.State `json:"at"` // the next batch
	Steps   int        `json:"steps"`
	Seen    int        `json:"seen"` // images of the epoch so far, and their sums
	LossSum float64    `json:"loss_sum"`
	Right   int        `json:"right"`
	History []Epoch    `json:"history"`
}

// pending tells whether all batches of an epoch are done, but not what comes after it.
func (s *state) pending() bool { return s.Seen > 0 && s.At.Batch == 0 }

// identity is the state of a training that has not begun.
func (t *Trainer) identity() state {
	return state{Format: format, Images: t.task.Train.Len(), Batch: t.plan.Batch, Accumulate: max(1, t.plan.Accumulate),
		DropLast: t.plan.DropLast, At: data.State{Seed: t.plan.Seed}}
}

// save writes a checkpoint to the plan's folder, if it has one.
func (t *Trainer) save(name string) error {
	if t.plan.Folder == "" {
		return nil
	}
	if err := SaveVariables(filepath.Join(t.plan.Folder, name), t.variables, t.state); err != nil {
		return &CheckpointError{err}
	}
	return nil
}

// CheckpointError is a checkpoint that could not be written.
type CheckpointError struct{ Err error }

// Error says that it is about a checkpoint, and what went wrong with which file.
func (e *CheckpointError) Error() string { return "train: checkpoint: " + e.Err.Error() }

// Unwrap returns what went wrong.
func (e *CheckpointError) Unwrap() error { return e.Err }

// Resume takes up the training whose checkpoint stands at path: its model, optimizer, plan and training set must be
// those of this trainer, but for the number of epochs. What happens then is bit for bit what would have happened
// without a stop.
func (t *Trainer) Resume(path string) error {
	var s state
	if err := LoadVariables(path, nil, &s); err != nil {
		return err
	}
	want := t.identity()
	is := state{Format: s.Format, Images: s.Images, Batch: s.Batch, Accumulate: s.Accumulate, DropLast: s.DropLast,
		At: data.State{Seed: s.At.Seed}}
	if fmt.Sprint(is) != fmt.Sprint(want) {
		return fmt.Errorf("train: %s: format %d, %d images in batches of %d, %d to a step, last dropped %v, seed %d, "+
			"expected format %d, %d, %d, %d, %v, seed %d",
			path, is.Format, is.Images, is.Batch, is.Accumulate, is.DropLast, is.At.Seed,
			want.Format, want.Images, want.Batch, want.Accumulate, want.DropLast, want.At.Seed)
	}
	if err := LoadVariables(path, t.variables, nil); err != nil {
		return err
	}
	t.state = s
	t.optimizer.SetSteps(s.Steps)
	t.optimizer.Forget()
	return nil
}

// LoadBest sets the model to what it was after its best epoch, whose checkpoint stands in the plan's folder: to test
// it, not to go on from there.
func (t *Trainer) LoadBest() error {
	return LoadVariables(filepath.Join(t.plan.Folder, BestFile), nn.Variables(t.task.Model), nil)
}

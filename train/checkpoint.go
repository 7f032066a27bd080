package train

import (
	"fmt"
	"path/filepath"

	"github.com/baremetaldevx86/microdr/data"
	"github.com/baremetaldevx86/microdr/nn"
)

// format is the version of what checkpoints hold besides variables.
const format = 2

// state is where a training stands, besides the values of variables.
type state struct {
	Format int `json:"format"`

	Description string `json:"description"` // what a training that goes on must agree in, see Trainer.description

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
	return state{Format: format, Description: t.description(), At: data.State{Seed: t.plan.Seed}}
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

// Resume takes up the training whose checkpoint stands at path. Its model, optimizer, plan and training set must be those
// of this trainer, but for the number of epochs: as far as the plans say what they are, Plan.Description included, an error
// names what differs. What happens then is bit for bit what would have happened without a stop.
func (t *Trainer) Resume(path string) error {
	var s state
	if err := readState(path, &s); err != nil {
		return err
	}
	if s.Format != format {
		return fmt.Errorf("train: %s: a checkpoint of format %d, expected %d", path, s.Format, format)
	}
	if d := differences(t.description(), s.Description); d != "" {
		return fmt.Errorf("train: %s is of another training: %s", path, d)
	}
	if err := nn.LoadNamed(path, t.variables); err != nil {
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
	return nn.LoadNamed(filepath.Join(t.plan.Folder, BestFile), nn.Variables(t.task.Model))
}

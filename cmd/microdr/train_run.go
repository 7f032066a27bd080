package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/baremetaldevx86/microdr/internal/atomicfile"
	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/recipe"
	"github.com/baremetaldevx86/microdr/tensor"
	"github.com/baremetaldevx86/microdr/train"
)

// training is a run of `microdr train`.
type training struct {
	a          *app
	o          *trainOptions
	r          *recipe.Recipe
	set        *trainSet
	engine     *tensor.Engine
	trainer    *train.Trainer
	parameters int
	bytes      int // that one step needs
	progress   *progress
	started    time.Time
	first      int    // steps that were done before
	undo       func() // removes the folder if nothing stands in it
	lost       error  // the first line that stdout or metrics.jsonl did not take
}

// planEvent is the first line of --json.
type planEvent struct {
	Event      string `json:"event"`
	Parameters int    `json:"parameters"`
	Bytes      int    `json:"bytes"` // that one step needs at most
}

// epochEvent is a line of --json.
type epochEvent struct {
	Event string `json:"event"`
	train.Epoch
	Seconds float64 `json:"seconds"` // of this run so far
}

// resultEvent is the last line of --json.
type resultEvent struct {
	Event            string  `json:"event"`
	Model            string  `json:"model"`
	Parameters       int     `json:"parameters"`
	Epochs           int     `json:"epochs"`
	TestAccuracy     float64 `json:"test_accuracy"` // after the last epoch
	TestLoss         float64 `json:"test_loss"`
	BestTestAccuracy float64 `json:"best_test_accuracy"`
	BestEpoch        int     `json:"best_epoch"`
	Seconds          float64 `json:"seconds"` // of this run
	Folder           string  `json:"folder"`
}

// beginTraining makes the model and its trainer, which takes up an earlier training or has a folder made for it.
func (a *app) beginTraining(o *trainOptions, r *recipe.Recipe, set *trainSet) (t *training, err error) {
	t = &training{a: a, o: o, r: r, set: set, progress: newProgress(a.stderr, a.quiet),
		started: time.Now(), undo: func() {}}
	t.engine = tensor.Open(tensor.Options{Workers: a.workers, Memory: a.watched(o.out)})
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	random := t.engine.NewRandom(o.seed)
	shape := set.train.Shape()
	model, err := r.Build(random, []int{shape.Channels, shape.Height, shape.Width}, set.classes)
	if err != nil {
		return t, inputError{err}
	}
	for _, p := range nn.Parameters(model) {
		t.parameters += p.Value().Len()
	}
	plan := r.Training.Plan(set.train.Len(), set.mean, set.deviation)
	plan.Seed, plan.Workers, plan.Folder = o.seed, a.workers, o.out
	plan.Description = fmt.Sprintf("data: %s\n%s", set.title, r.Description())
	plan.OnStep, plan.OnEpoch = t.onStep, t.onEpoch
	task := train.Task{Model: model, Random: random, Train: set.train, Test: set.test}
	if t.trainer, err = train.NewTrainer(t.engine, task, plan); err != nil {
		return t, inputError{err}
	}
	if o.resume {
		if err := t.trainer.Resume(filepath.Join(o.out, train.LastFile)); err != nil {
			return t, inputError{err}
		}
		t.first = t.trainer.Steps()
	}
	if t.bytes, err = t.trainer.Peak(); err != nil || o.resume {
		return t, err
	}
	t.undo, err = o.makeFolder()
	return t, err
}

// announce says what is trained and how much memory that takes.
func (t *training) announce() error {
	if !t.a.quiet {
		fmt.Fprintf(t.a.stderr, "%d parameters, one step needs %s\n", t.parameters, bytesize(int64(t.bytes)))
	}
	if t.a.json {
		return t.a.writeJSON(planEvent{"plan", t.parameters, t.bytes})
	}
	return nil
}

func (t *training) close() {
	if t.trainer != nil {
		t.trainer.Close()
	}
	t.engine.Close()
}

func (t *training) seconds() float64 { return time.Since(t.started).Seconds() }

func (t *training) onStep(p train.Progress) {
	done, total := p.Step-t.first, p.Steps-t.first
	t.progress.show(join(fmt.Sprintf("epoch %d of %d, step %d of %d", p.Epoch, p.Epochs, p.Step, p.Steps),
		fmt.Sprintf("loss %.4f", p.Loss), fmt.Sprintf("%.2f %% right", 100*p.Accuracy),
		pace(done, t.seconds()), left(done, total, t.seconds())), false)
}

func (t *training) onEpoch(e train.Epoch) {
	t.progress.show(fmt.Sprintf("epoch %d: loss %.4f, test loss %.4f, %.2f %% right", e.Epoch, e.TrainLoss, e.TestLoss,
		100*e.TestAccuracy), false)
	err := t.write("metrics.jsonl", func(w io.Writer) error {
		lines := json.NewEncoder(w)
		for _, e := range t.trainer.History() {
			if err := lines.Encode(e); err != nil {
				return err
			}
		}
		return nil
	})
	if t.a.json && err == nil {
		err = t.a.writeJSON(epochEvent{"epoch", e, t.seconds()})
	}
	if t.lost == nil {
		t.lost = err
	}
}

// write writes a file of the folder.
func (t *training) write(name string, write func(io.Writer) error) error {
	path := filepath.Join(t.o.out, name)
	if err := atomicfile.Write(path, write); err != nil {
		return outputError{fmt.Errorf("train: %s: %w", path, err)}
	}
	return nil
}

func (t *training) writeBytes(name string, content []byte) error {
	return t.write(name, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// finish tests the model once more and writes report and result.
func (t *training) finish(ctx context.Context) error {
	seconds := t.seconds()
	tested, err := t.trainer.Evaluate(ctx, t.set.test)
	if err != nil {
		return err
	}
	best := t.trainer.Best()
	result := resultEvent{
		Event: "result", Model: modelName(t.o.model), Parameters: t.parameters, Epochs: len(t.trainer.History()),
		TestAccuracy: tested.Accuracy, TestLoss: tested.Loss, BestTestAccuracy: best.TestAccuracy, BestEpoch: best.Epoch,
		Seconds: seconds, Folder: t.o.out,
	}
	if err := t.report(result, tested); err != nil {
		return err
	}
	if t.a.json {
		err := t.a.writeJSON(result)
		t.a.finished = err == nil
		return err
	}
	return t.a.printf("%s\nreport: %s\n", result.summary(), filepath.Join(t.o.out, "report.html"))
}

// summary is the result in a sentence.
func (r *resultEvent) summary() string {
	tested := fmt.Sprintf("test accuracy %.2f %% (best %.2f %% after epoch %d), loss %.4f",
		100*r.TestAccuracy, 100*r.BestTestAccuracy, r.BestEpoch, r.TestLoss)
	return fmt.Sprintf("%s: %d parameters, %d epochs, %.1f s: %s", r.Model, r.Parameters, r.Epochs, r.Seconds, tested)
}

// report writes the pictures and the page.
func (t *training) report(result resultEvent, tested *train.Evaluation) error {
	table := tested.Confusion(t.set.classes)
	confusion, err := train.ConfusionPicture(table)
	if err != nil {
		return err
	}
	wrong, err := train.WrongPicture(t.set.test, tested)
	if err != nil {
		return err
	}
	page := train.Report{
		Title: result.Model + " on " + t.set.title, Summary: result.summary(), Settings: t.settings(),
		Epochs: t.trainer.History(), Confusion: table,
		Pictures: []train.Picture{
			{Caption: "Confusions: a row for each class, a column for what it was taken for", PNG: confusion},
			{Caption: "Classified wrong, the surest first: in blue what it is, in red what it was taken for", PNG: wrong},
		},
	}
	html, err := page.HTML()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name    string
		content []byte
	}{{"confusion.png", confusion}, {"misclassified.png", wrong}, {"report.html", html}} {
		if err := t.writeBytes(f.name, f.content); err != nil {
			return err
		}
	}
	return nil
}

// settings are what the report says of how it was trained.
func (t *training) settings() []train.Setting {
	list := []train.Setting{
		{Name: "model", Value: t.o.model}, {Name: "parameters", Value: fmt.Sprint(t.parameters)},
		{Name: "memory for one step", Value: bytesize(int64(t.bytes))},
		{Name: "images to train with", Value: fmt.Sprint(t.set.train.Len())},
		{Name: "images to test with", Value: fmt.Sprint(t.set.test.Len())},
		{Name: "seed", Value: fmt.Sprint(t.o.seed)},
	}
	for _, s := range t.r.Training.Describe() {
		list = append(list, train.Setting{Name: s[0], Value: s[1]})
	}
	return list
}

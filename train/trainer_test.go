package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/data"
	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/philox"
	"github.com/baremetaldevx86/microdr/tensor"
)

// stripes are images of 6x6 with noise, whose class says which of three rows is bright.
func stripes(t testing.TB, n int, seed uint64) *data.FloatImages {
	t.Helper()
	r := philox.Random{Key: seed}
	pixels, labels := make([]float32, 36*n), make([]int32, n)
	for i := range labels {
		labels[i] = int32(r.Below(3))
		for k := range 36 {
			pixels[36*i+k] = float32(0.6 * r.Float64())
			if k/6 == 2*int(labels[i]) {
				pixels[36*i+k] += 0.5
			}
		}
	}
	set, err := data.NewFloatImages(data.Shape{Channels: 1, Height: 6, Width: 6}, pixels, labels)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// training is a trainer of a small model on stripes, on an engine of its own.
type training struct {
	*Trainer
	folder string
}

// newTraining has batches of 16, 16 and 13 images. The model has all that has state: dropout and a normalisation.
func newTraining(t testing.TB, workers int, change func(p *Plan)) *training {
	t.Helper()
	e := open(t, tensor.Options{Workers: workers})
	r := e.NewRandom(5)
	pad := tensor.Window{Pad: [2][2]int{{1, 1}, {1, 1}}}
	model := nn.NewSequential(nn.NewConv2D(r, 1, 4, [2]int{3, 3}, pad), nn.NewBatchNorm(e, 4), nn.Func(nn.ReLU),
		nn.Func(nn.Flatten), &nn.Dropout{Rate: 0.2}, nn.NewLinear(r, 144, 3))
	p := Plan{Epochs: 4, Batch: 16, Seed: 9, Workers: workers, Smoothing: 0.05, Augment: data.Augmentation{Flip: true},
		Mean: []float32{0.3}, Deviation: []float32{0.3}, Folder: t.TempDir()}
	task := Task{Model: model, Random: r, Train: stripes(t, 45, 1), Test: stripes(t, 300, 2)}
	p.Optimizer = Options{Rule: optim.AdamWRule{Rate: 0.02, Decay: 0.01}, Groups: []Group{NoDecay()}, ClipNorm: 5}
	if change != nil {
		change(&p)
	}
	p.Optimizer.Schedule = optim.OneCycle(p.Steps(task.Train.Len()), 0.3, 0.1, 0)
	trainer, err := NewTrainer(e, task, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trainer.Close)
	return &training{trainer, p.Folder}
}

// file returns a checkpoint's bytes.
func (tr *training) file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(tr.folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTrainer(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(p *Plan)
		steps  int
	}{
		{"plain", nil, 12},
		{"without the last batch", func(p *Plan) { p.DropLast = true }, 8},
		{"two batches a step", func(p *Plan) { p.Accumulate = 2; p.Optimizer.Rule = optim.AdamWRule{Rate: 0.03} }, 8},
	} {
		t.Run(row.name, func(t *testing.T) {
			var steps, epochs int
			tr := newTraining(t, 1, func(p *Plan) {
				p.OnStep = func(at Progress) {
					steps++
					if want := (Progress{Epoch: epochs + 1, Step: steps, Steps: row.steps}); at.Epoch != want.Epoch ||
						at.Step != want.Step || at.Steps != want.Steps {
						t.Errorf("%+v, want %+v", at, want)
					}
				}
				p.OnEpoch = func(e Epoch) {
					if epochs++; e.Epoch != epochs {
						t.Errorf("epoch %d, want %d", e.Epoch, epochs)
					}
				}
				if row.change != nil {
					row.change(p)
				}
			})
			before, err := tr.Evaluate(t.Context(), tr.task.Test)
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			h := tr.History()
			last := h[len(h)-1]
			if steps != row.steps || len(h) != 4 || last.Steps != steps {
				t.Errorf("%d steps, %d epochs, the last after %d steps", steps, len(h), last.Steps)
			}
			if last.TestAccuracy < 0.9 || last.TestLoss > 0.7*before.Loss || last.TrainLoss > h[0].TrainLoss {
				t.Errorf("loss %g before, then %+v", before.Loss, h)
			}
			if err := tr.Run(t.Context()); err != nil || steps != row.steps {
				t.Errorf("another run: %v, %d steps", err, steps)
			}
		})
	}
}

// TestBits: a training that was stopped and resumed, by other numbers of workers, writes the same checkpoints.
func TestBits(t *testing.T) {
	for _, accumulate := range []int{1, 2} {
		set := func(p *Plan) { p.Accumulate = accumulate }
		straight := newTraining(t, 1, set)
		if err := straight.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, stopAt := range []int{1, 3, 4} {
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("enough")
			first := newTraining(t, 2, func(p *Plan) {
				set(p)
				p.OnStep = func(at Progress) {
					if at.Step == stopAt {
						cancel(why)
					}
				}
			})
			if err := first.Run(ctx); !errors.Is(err, why) {
				t.Fatalf("stopped: %v", err)
			}
			second := newTraining(t, 2, func(p *Plan) { set(p); p.Folder = first.folder })
			for _, s := range second.optimizer.slots { // what a step left that failed half way
				if s.sum != nil {
					s.sum.Set(second.e.Ones(s.sum.Shape()...))
				}
			}
			if err := second.Resume(filepath.Join(first.folder, LastFile)); err != nil {
				t.Fatal(err)
			}
			if err := second.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{LastFile, BestFile} {
				if !bytes.Equal(second.file(t, name), straight.file(t, name)) {
					t.Errorf("accumulate %d, stopped after step %d: other bytes in %s", accumulate, stopAt, name)
				}
			}
		}
	}
}

func TestBestIsKept(t *testing.T) {
	tr := newTraining(t, 1, func(p *Plan) { p.Optimizer.Rule = optim.SGDRule{Rate: 30} })
	err := tr.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.LoadBest(); err != nil {
		t.Fatal(err)
	}
	got, err := tr.Evaluate(t.Context(), tr.task.Test)
	if err != nil {
		t.Fatal(err)
	}
	if got.Accuracy != tr.Best().TestAccuracy || got.Loss != tr.Best().TestLoss {
		t.Errorf("accuracy %g, loss %g, want those of %+v", got.Accuracy, got.Loss, tr.Best())
	}
	right := 0
	table := got.Confusion(3)
	for i := range table {
		right += table[i][i]
	}
	if right+len(got.Wrong()) != 300 {
		t.Errorf("%d right and %d wrong of 300", right, len(got.Wrong()))
	}
}

func TestResumeRefuses(t *testing.T) {
	described := func(lines string) func(p *Plan) { return func(p *Plan) { p.Description = lines } }
	tr := newTraining(t, 1, func(p *Plan) { p.Epochs, p.Description = 1, "rate: 0.002\nlayer 1: relu\n" })
	if err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(tr.folder, LastFile)
	for _, row := range []struct {
		name   string
		change func(p *Plan)
		want   string // the differences, all of them; empty: any error
	}{
		{"another seed", func(p *Plan) { p.Seed++ }, "seed: 10, expected 9"},
		{"another batch", func(p *Plan) { p.Batch++ }, "batch: 17, expected 16"},
		{"the last batch", func(p *Plan) { p.DropLast = true }, "last batch dropped: true, expected false"},
		{"smoothing", func(p *Plan) { p.Smoothing = 0 }, "smoothing: 0, expected 0.05"},
		{"mean", func(p *Plan) { p.Mean = []float32{0.25} }, "mean: [0.25], expected [0.3]"},
		{"augmentation", func(p *Plan) { p.Augment.Flip = false },
			"augmentation: {Shift:0 Flip:false Rotate:0 Scale:0 Fill:0}, " +
				"expected {Shift:0 Flip:true Rotate:0 Scale:0 Fill:0}"},
		{"another rate", described("rate: 0.1\nlayer 1: relu"), "rate: 0.1, expected 0.002"},
		{"two things", described("rate: 0.1\nlayer 1: elu"), "rate: 0.1, expected 0.002; layer 1: elu, expected relu"},
		{"more and less", described("rate: 0.002\nclip: 1"), "clip: 1, expected nothing; layer 1: nothing, expected relu"},
		{"another rule", func(p *Plan) { p.Optimizer.Rule = optim.RMSPropRule{Rate: 1, Momentum: 1, Centered: true} }, ""},
	} {
		err := newTraining(t, 1, func(p *Plan) { p.Description = tr.plan.Description; row.change(p) }).Resume(path)
		want := "train: " + path + " is of another training: " + row.want
		if err == nil || row.want != "" && err.Error() != want {
			t.Errorf("%s: %v, want %s", row.name, err, want)
		}
	}
	if err := newTraining(t, 1, described(tr.plan.Description)).Resume(path); err != nil {
		t.Errorf("more epochs: %v", err)
	}
}

func TestDifferencesAreFew(t *testing.T) {
	got := differences("a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\nf: 2", "")
	want := "a: 1, expected nothing; b: 1, expected nothing; c: 1, expected nothing; d: 1, expected nothing; and 2 more"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestCheckpointError(t *testing.T) {
	tr := newTraining(t, 1, func(p *Plan) { p.Folder = filepath.Join(p.Folder, "missing") })
	var at *CheckpointError
	if err := tr.Run(t.Context()); !errors.As(err, &at) {
		t.Errorf("%v, want a CheckpointError", err)
	}
}

// TestLossThatIsNoNumber: a model that is lost is no checkpoint that could not be written, and leaves none, even if only
// the test shows it, as where an epoch is one step.
func TestLossThatIsNoNumber(t *testing.T) {
	for _, row := range []struct {
		batch int
		want  string
	}{{16, "train: epoch 1, batch 2: the loss is "}, {45, "train: epoch 1: the test loss is "}} {
		tr := newTraining(t, 1, func(p *Plan) { p.Batch, p.Optimizer = row.batch, Options{Rule: optim.SGDRule{Rate: 1e30}} })
		var checkpoint *CheckpointError
		err := tr.Run(t.Context())
		if err == nil || errors.As(err, &checkpoint) || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("batches of %d: %v, want %s", row.batch, err, row.want)
		}
		if _, err := os.Stat(filepath.Join(tr.folder, LastFile)); err == nil {
			t.Errorf("batches of %d: a checkpoint of a model that is lost", row.batch)
		}
	}
}

// TestPeak: it counts parameters and the two states of AdamW twice, old and new, and it grows with the batch.
func TestPeak(t *testing.T) {
	least := 0
	for _, batch := range []int{4, 40} {
		tr := newTraining(t, 1, func(p *Plan) { p.Batch = batch })
		got, err := tr.Peak()
		if err != nil {
			t.Fatal(err)
		}
		parameters := 0
		for _, p := range nn.Parameters(tr.task.Model) {
			parameters += p.Value().Len()
		}
		least = max(least, 4*(2*3*parameters+batch*(36+144)))
		if got < least {
			t.Errorf("batches of %d: %d bytes, want at least %d", batch, got, least)
		}
		least = got + 4*36*36 // that many more pixels
		if err := tr.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if again, err := tr.Peak(); again != got || err != nil {
			t.Errorf("batches of %d: %d bytes after Run, %v, want %d", batch, again, err, got)
		}
	}
}

// TestEvaluate computes loss and accuracy over a set of more than one batch again, of images normalised by hand.
func TestEvaluate(t *testing.T) {
	tr := newTraining(t, 1, nil)
	set := tr.task.Test
	pixels, labels := make([]float32, 36*set.Len()), make([]int32, set.Len())
	for i := range labels {
		label, err := set.Read(i, pixels[36*i:][:36])
		if err != nil {
			t.Fatal(err)
		}
		labels[i] = label
	}
	x := tr.e.New(pixels, len(labels), 1, 6, 6).Minus(0.3).Times(1 / 0.3)
	logits, truth := tr.task.Model.Forward(nil, x), tr.e.NewInt32(labels, len(labels))
	loss, accuracy := nn.CrossEntropy(logits, truth, nn.Mean).Item(), right(logits, truth).Mean().Item()
	got, err := tr.Evaluate(t.Context(), set)
	if err != nil || math.Abs(got.Loss-loss) > 1e-5 || math.Abs(got.Accuracy-accuracy) > 1e-6 {
		t.Errorf("%+v, %v, want loss %v and accuracy %v", got, err, loss, accuracy)
	}
}

// TestSmoothing: the loss that is trained with is that of smoothed labels.
func TestSmoothing(t *testing.T) {
	losses := map[float64]float64{}
	for _, smoothing := range []float64{0, 0.5} {
		tr := newTraining(t, 1, func(p *Plan) {
			p.Epochs, p.Batch, p.Smoothing = 1, 45, smoothing
			p.OnStep = func(at Progress) { losses[smoothing] = at.Loss }
		})
		for _, p := range nn.Parameters(tr.task.Model) {
			p.Set(p.Value().Times(20)) // logits so far apart that smoothing counts
		}
		if err := tr.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if losses[0] == losses[0.5] {
		t.Errorf("losses %v, expected smoothing to matter", losses)
	}
}

func TestImagesOfStep(t *testing.T) { // of 45 images in batches of 16
	for _, row := range []struct {
		accumulate int
		dropLast   bool
		batch      int
		want       int
	}{{2, false, 0, 32}, {2, false, 1, 32}, {2, false, 2, 13}, {3, false, 1, 45}, {3, true, 1, 32}} {
		tr := newTraining(t, 1, func(p *Plan) { p.Accumulate, p.DropLast = row.accumulate, row.dropLast })
		if got := tr.imagesOfStep(row.batch); got != row.want {
			t.Errorf("%+v: %d images", row, got)
		}
	}
}

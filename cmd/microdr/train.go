package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/data"
	"github.com/baremetaldevx86/microdr/recipe"
	"github.com/spf13/cobra"
)

const trainHelp = `Train a model that tells classes of images apart. The result is a folder with
report.html, metrics.jsonl, pictures of what was confused, and the checkpoints
last.safetensors and best.safetensors.

A MODEL is mlp, cnn, or a file such as

  layers:
    - flatten
    - linear: {out: 64, start: he-uniform}
    - relu
    - linear: 10
  training: {epochs: 5, batch: 32, optimizer: adamw, rate: 0.002}

Ctrl-C finishes the step and writes last.safetensors; the same command with
--resume goes on from there, with the same bits as if nothing had been. Without it
a folder that holds a run is refused, unless --overwrite is given.

With --json the first line is {"event":"plan","parameters":..,"bytes":..}, with
the memory that one step needs; every epoch is a line {"event":"epoch",..}; the
last line is {"event":"result",..}.`

// trainOptions are what the flags say.
type trainOptions struct {
	model, data, optimizer, out string
	epochs, batch               int
	rate                        float64
	seed                        uint64
	resume, overwrite           bool
}

func trainCommand(a *app) *cobra.Command {
	c := a.command(cobra.Command{
		Use:     "train",
		Short:   "Train a model",
		Long:    trainHelp,
		Example: "  microdr train xor\n  microdr train mnist --model cnn --out runs/cnn",
		Args:    cobra.NoArgs,
	}, func(c *cobra.Command, _ []string) error { return c.Help() })
	mnist, xor := trainOptions{}, trainOptions{}
	c.AddCommand(
		a.trainTask(&mnist, "mnist", "Handwritten digits (scripts/get-mnist fetches them)", "mlp", loadMNIST),
		a.trainTask(&xor, "xor", "The exclusive or of two bits", "xor", loadXOR))
	return c
}

// trainTask is the command that trains with one set.
func (a *app) trainTask(o *trainOptions, name, short, model string,
	load func(o *trainOptions) (*trainSet, error)) *cobra.Command {
	c := a.command(cobra.Command{Use: name, Short: short, Long: short + ".\n\n" + trainHelp, Args: cobra.NoArgs},
		func(c *cobra.Command, _ []string) error {
			if err := a.checkWorkers(); err != nil {
				return err
			}
			if o.out == "" {
				o.out = filepath.Join("runs", name+"-"+modelName(o.model))
			}
			r, err := o.recipe()
			if err != nil {
				return err
			}
			if err := o.checkFolder(); err != nil {
				return err
			}
			set, err := load(o)
			if err != nil {
				return inputError{err}
			}
			return a.train(c.Context(), o, r, set)
		})
	flags := c.Flags()
	flags.StringVarP(&o.model, "model", "m", model, "mlp, cnn, or a file")
	if name == "mnist" {
		flags.StringVar(&o.data, "data", "", "folder of the four files (default: where scripts/get-mnist puts them)")
	}
	flags.IntVar(&o.epochs, "epochs", 0, "passes through the training set; 0: as the model says")
	flags.IntVar(&o.batch, "batch", 0, "images in a step; 0: as the model says")
	flags.Float64Var(&o.rate, "rate", 0, "highest learning rate; 0: as the model says")
	optimizers := strings.Join(recipe.Optimizers(), ", ")
	flags.StringVar(&o.optimizer, "optimizer", "", "one of "+optimizers+" (default: as the model says)")
	o.seed = 1
	flags.Var((*seedFlag)(&o.seed), "seed", "of first weights, order and augmentation")
	flags.IntVar(&a.workers, "workers", 0, "goroutines that compute; 0: one per processor (no effect on results)")
	flags.StringVarP(&o.out, "out", "o", "", "folder of the results, made if need be (default runs/"+name+"-MODEL)")
	flags.BoolVar(&o.resume, "resume", false, "go on from last.safetensors in the folder")
	flags.BoolVar(&o.overwrite, "overwrite", false, "replace the run that the folder holds")
	return c
}

// recipe is that of the model, with what the flags change.
func (o *trainOptions) recipe() (*recipe.Recipe, error) {
	if o.epochs < 0 || o.batch < 0 || !(o.rate >= 0) {
		return nil, usageError{errors.New("--epochs, --batch and --rate: expected 0 or more")}
	}
	var r *recipe.Recipe
	var err error
	switch filepath.Ext(o.model) {
	case ".yaml", ".yml":
		if r, err = recipe.Load(o.model); err != nil {
			return nil, inputError{err}
		}
	default:
		if r, err = recipe.Builtin(o.model); err != nil {
			return nil, usageError{err}
		}
	}
	t := &r.Training
	if o.epochs > 0 {
		t.Epochs = o.epochs
	}
	if o.batch > 0 {
		t.Batch = o.batch
	}
	if o.rate > 0 {
		t.Rate = o.rate
	}
	if o.optimizer != "" {
		if err := t.SetOptimizer(o.optimizer); err != nil {
			return nil, usageError{err}
		}
	}
	return r, nil
}

// modelName is a model's name without folder and extension.
func modelName(model string) string {
	base := filepath.Base(model)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// trainSet is what to train and to test with.
type trainSet struct {
	title           string
	train, test     data.Source
	classes         int
	mean, deviation []float32
}

func loadMNIST(o *trainOptions) (*trainSet, error) {
	folder := o.data
	if folder == "" {
		found, err := data.FindMNIST()
		if err != nil {
			return nil, err
		}
		folder = found
	}
	training, test, err := data.LoadMNIST(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w\nTo fetch the files, run: scripts/get-mnist %s", err, folder)
	}
	if err != nil {
		return nil, err
	}
	mean, deviation, err := data.Statistics(training)
	return &trainSet{"MNIST", training, test, 10, mean, deviation}, err
}

// loadXOR returns the four examples, many times to train with, so that an epoch has some steps.
func loadXOR(*trainOptions) (*trainSet, error) {
	const times = 32
	shape := data.Shape{Channels: 1, Height: 1, Width: 2}
	pixels, labels := []float32{0, 0, 0, 1, 1, 0, 1, 1}, []int32{0, 1, 1, 0}
	training, err := data.NewFloatImages(shape, slices.Repeat(pixels, times), slices.Repeat(labels, times))
	if err != nil {
		return nil, err
	}
	test, err := data.NewFloatImages(shape, pixels, labels)
	return &trainSet{title: "exclusive or", train: training, test: test, classes: 2}, err
}

// train trains, and writes what came of it.
func (a *app) train(ctx context.Context, o *trainOptions, r *recipe.Recipe, set *trainSet) error {
	t, err := a.beginTraining(o, r, set)
	if err != nil {
		return err
	}
	defer t.close()
	if err = t.announce(); err == nil {
		err = t.trainer.Run(ctx)
	}
	t.progress.clear()
	if err != nil {
		t.undo()
	}
	if err == nil {
		err = t.lost
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) && !a.quiet {
			fmt.Fprintf(a.stderr, "stopped; to go on, add --resume: %s\n", filepath.Join(o.out, "last.safetensors"))
		}
		return classify(err)
	}
	return t.finish(ctx)
}

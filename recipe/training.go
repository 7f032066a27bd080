package recipe

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/data"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/train"
)

// trainingFields is the table of what stands under training.
func trainingFields() []field {
	inf := math.Inf(1)
	return []field{
		natural("epochs", 10.0), natural("batch", 32.0),
		{key: "optimizer", kind: word, choices: Optimizers(), standard: "adamw"},
		{key: "rate", least: 1e-12, most: 1e6, standard: 1e-3},
		{key: "decay", most: inf, standard: 0.0},
		{key: "schedule", kind: word, choices: Schedules(), standard: "one-cycle"},
		{key: "smoothing", most: 0.99, standard: 0.0},
		{key: "clip", most: inf, standard: 0.0},
		{key: "shift", kind: whole, most: 1 << 10, standard: 0.0},
		{key: "flip", kind: truth, standard: false},
		{key: "rotate", most: 180, standard: 0.0},
		{key: "scale", most: 0.99, standard: 0.0},
	}
}

func trainingOf(v values) Training {
	return Training{
		Epochs: v.whole("epochs"), Batch: v.whole("batch"), Optimizer: v.word("optimizer"), Rate: v.number("rate"),
		Decay: v.number("decay"), Schedule: v.word("schedule"), Smoothing: v.number("smoothing"), Clip: v.number("clip"),
		Shift: v.whole("shift"), Flip: v.truth("flip"), Rotate: v.number("rotate"), Scale: v.number("scale"),
	}
}

// Optimizers returns the names of the optimizers.
func Optimizers() []string {
	return []string{"sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "muon"}
}

// rules are the optimizers by their names. Those that have no weight decay of their own add its gradient.
func rules() map[string]func(rate, decay float64) optim.Rule {
	l2 := func(rule func(rate float64) optim.Rule) func(rate, decay float64) optim.Rule {
		return func(rate, decay float64) optim.Rule {
			if decay == 0 {
				return rule(rate)
			}
			return optim.L2Rule{Rule: rule(rate), Decay: decay}
		}
	}
	adamW := func(rate, decay float64) optim.Rule { return optim.AdamWRule{Rate: rate, Decay: decay} }
	return map[string]func(rate, decay float64) optim.Rule{
		"sgd":      l2(func(rate float64) optim.Rule { return optim.SGDRule{Rate: rate} }),
		"momentum": l2(func(rate float64) optim.Rule { return optim.SGDRule{Rate: rate, Momentum: 0.9} }),
		"nesterov": l2(func(rate float64) optim.Rule { return optim.SGDRule{Rate: rate, Momentum: 0.9, Nesterov: true} }),
		"adam":     l2(func(rate float64) optim.Rule { return optim.AdamRule{Rate: rate} }),
		"rmsprop":  l2(func(rate float64) optim.Rule { return optim.RMSPropRule{Rate: rate} }),
		"adamw":    adamW,
		"muon":     adamW, // of what is no matrix, at muonShare of the rate
	}
}

// muonShare is how the rates of AdamW and Muon go together: Jordan's are 3e-4 or so and 0.02.
const muonShare = 0.05

// Schedules returns the names of the schedules.
func Schedules() []string { return []string{"constant", "linear-warm-up", "cosine", "one-cycle"} }

// schedules are by their names, for a number of steps.
func schedules() map[string]func(steps int) optim.Schedule {
	return map[string]func(steps int) optim.Schedule{
		"constant":       func(int) optim.Schedule { return optim.Constant() },
		"linear-warm-up": func(n int) optim.Schedule { return optim.WarmUp(max(1, n/20), optim.Constant()) },
		"cosine":         func(n int) optim.Schedule { return optim.Cosine(n, 0) },
		"one-cycle":      func(n int) optim.Schedule { return optim.OneCycle(n, 0.3, 0.04, 0) },
	}
}

// Plan returns the plan of the training with a set of images, whose mean and deviation are given channel by channel.
func (t *Training) Plan(images int, mean, deviation []float32) train.Plan {
	p := train.Plan{
		Epochs: t.Epochs, Batch: t.Batch, Smoothing: t.Smoothing, Mean: mean, Deviation: deviation,
		Augment: data.Augmentation{Shift: t.Shift, Flip: t.Flip, Rotate: t.Rotate, Scale: t.Scale},
	}
	p.Optimizer = train.Options{ClipNorm: t.Clip, Groups: []train.Group{train.NoDecay()},
		Schedule: schedules()[t.Schedule](p.Steps(images))}
	rate := t.Rate
	if t.Optimizer == "muon" {
		p.Optimizer.Muon = &train.Muon{Rate: t.Rate, Decay: t.Decay}
		rate *= muonShare
	}
	p.Optimizer.Rule = rules()[t.Optimizer](rate, t.Decay)
	return p
}

// SetOptimizer changes the optimizer to one of Optimizers.
func (t *Training) SetOptimizer(name string) error {
	if !slices.Contains(Optimizers(), name) {
		return fmt.Errorf("recipe: no optimizer %q, expected one of %s", name, strings.Join(Optimizers(), ", "))
	}
	t.Optimizer = name
	return nil
}

// Describe returns names and values of all that the training says, as in the file.
func (t *Training) Describe() [][2]string {
	return [][2]string{
		{"epochs", fmt.Sprint(t.Epochs)}, {"batch", fmt.Sprint(t.Batch)}, {"optimizer", t.Optimizer},
		{"rate", fmt.Sprint(t.Rate)}, {"decay", fmt.Sprint(t.Decay)}, {"schedule", t.Schedule},
		{"smoothing", fmt.Sprint(t.Smoothing)}, {"clip", fmt.Sprint(t.Clip)}, {"shift", fmt.Sprint(t.Shift)},
		{"flip", fmt.Sprint(t.Flip)}, {"rotate", fmt.Sprint(t.Rotate)}, {"scale", fmt.Sprint(t.Scale)},
	}
}

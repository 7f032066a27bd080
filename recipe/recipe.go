package recipe

import (
	"embed"
	"fmt"
	"io"
	"os"
)

// Recipe is a model and its training.
type Recipe struct {
	Layers   []Layer
	Training Training
	file     string
}

// Layer is a row of the list of layers.
type Layer struct {
	kind         *layerKind
	values       values
	inner        []Layer // of a layer that has some
	line, column int
}

// Training is how a model is trained, in the words of the file.
type Training struct {
	Epochs, Batch int
	Optimizer     string // one of Optimizers
	Rate          float64
	Decay         float64 // of weights, not of biases and normalisations
	Schedule      string  // one of Schedules
	Smoothing     float64 // of labels
	Clip          float64 // the most that the norm of all gradients may be; 0: any

	// What happens to images at random: see data.Augmentation.
	Shift  int
	Flip   bool
	Rotate float64
	Scale  float64
}

// maxBytes is the size of the largest file that is read.
const maxBytes = 1 << 20

// Load reads the file at path. Mistakes in its text are Errors.
func Load(path string) (*Recipe, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("recipe: expected a readable file: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("recipe: expected a readable file: %w", err)
	}
	return Parse(path, text)
}

//go:embed builtin/*.yaml
var builtin embed.FS

// Builtin returns the recipe that comes with the program under a name: one of Names.
func Builtin(name string) (*Recipe, error) {
	text, err := builtin.ReadFile("builtin/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("recipe: no model %q, expected one of %v or a file whose name ends in .yaml", name, Names())
	}
	return Parse(name+".yaml", text)
}

// Names returns the names of the recipes that come with the program.
func Names() []string { return []string{"mlp", "cnn", "xor"} }

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/baremetaldevx86/microdr/npy"
	"github.com/baremetaldevx86/microdr/onnx"
	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
	"github.com/baremetaldevx86/microdr/tensor"
	"github.com/spf13/cobra"
)

type onnxRunOptions struct {
	inputs []string
	output string
	plain  bool
	seed   uint64
}

func onnxRunCommand(a *app) *cobra.Command {
	var o onnxRunOptions
	c := a.command(cobra.Command{
		Use:   "run MODEL",
		Short: "Run a model",
		Long: `Run MODEL, an ONNX file, on inputs from NumPy files (.npy) or protocol buffers
(.pb, as in ONNX's test data), and print the outputs, or write them to a folder.
If an input is missing, the error says what the model wants.

With --json the result is {"event":"onnx","outputs":{NAME:{"type","shape","elements"}}},
or {"type","shape","file"} with --output; numbers that JSON lacks are strings.`,
		Example: "  microdr onnx run model.onnx --input image=image.npy\n" +
			"  microdr onnx run model.onnx --input x=x.npy --output results",
		Args: cobra.ExactArgs(1),
	}, func(c *cobra.Command, args []string) error { return a.onnxRun(c.Context(), args[0], o) })
	f := c.Flags()
	f.StringArrayVar(&o.inputs, "input", nil, "NAME=FILE: the value of an input")
	f.StringVarP(&o.output, "output", "o", "", "folder to write NAME.npy to for every output")
	a.onnxFlags(c, &o.plain, &o.seed)
	return c
}

func (a *app) onnxRun(ctx context.Context, path string, o onnxRunOptions) error {
	if err := a.checkWorkers(); err != nil {
		return err
	}
	m, err := onnx.Load(path)
	if err != nil {
		return inputError{err}
	}
	inputs, err := readOnnxInputs(m, o.inputs)
	if err != nil {
		return err
	}
	run := onnx.Options{Seed: o.seed}
	if !o.plain {
		run.Engine = tensor.Open(tensor.Options{Workers: a.workers, Memory: a.watched("")})
		defer run.Engine.Close()
	}
	outputs, err := m.Run(ctx, inputs, run)
	if err != nil {
		return err
	}
	var results []onnxResult
	for _, info := range m.Outputs() {
		list, err := onnxResults(info.Name, outputs[info.Name])
		if err != nil {
			return err
		}
		results = append(results, list...)
	}
	if o.output != "" {
		if err := saveOnnxResults(o.output, results); err != nil {
			return outputError{err}
		}
	}
	return a.printOnnxResults(results)
}

// readOnnxInputs reads the files of NAME=FILE, and refuses to go on without an input.
func readOnnxInputs(m *onnx.Model, arguments []string) (map[string]onnx.Value, error) {
	declared := map[string]*format.ValueInfo{}
	for _, info := range m.Inputs() {
		declared[info.Name] = info
	}
	values := map[string]onnx.Value{}
	for _, argument := range arguments {
		name, file, ok := strings.Cut(argument, "=")
		if !ok || declared[name] == nil || values[name] != nil {
			return nil, usageError{fmt.Errorf("--input %s: expected NAME=FILE, once for each of: %s", argument, wanted(m))}
		}
		v, err := readOnnxValue(file, declared[name].Type)
		if err != nil {
			return nil, inputError{err}
		}
		values[name] = v
	}
	for _, info := range m.Inputs() {
		if values[info.Name] == nil {
			return nil, usageError{fmt.Errorf("--input: expected %s=FILE for %s", info.Name, onnx.Declared(info))}
		}
	}
	return values, nil
}

// wanted lists what a model takes.
func wanted(m *onnx.Model) string {
	var list []string
	for _, info := range m.Inputs() {
		list = append(list, onnx.Declared(info))
	}
	if len(list) == 0 {
		return "no inputs"
	}
	return strings.Join(list, ", ")
}

func readOnnxValue(path string, t *format.Type) (onnx.Value, error) {
	if filepath.Ext(path) == ".pb" {
		data, err := format.ReadFile(path)
		if err != nil {
			return nil, err
		}
		return onnx.ParseValue(data, t)
	}
	a, err := npy.Load(path)
	if err != nil {
		return nil, err
	}
	return fromNumPy(a)
}

// onnxResult is one array of an output: the elements of a sequence have names of their own.
type onnxResult struct {
	name string
	*ndarray.Array
	file string
}

func onnxResults(name string, v onnx.Value) ([]onnxResult, error) {
	switch v := v.(type) {
	case *onnx.Sequence:
		var list []onnxResult
		for i, element := range v.Values {
			inner, err := onnxResults(fmt.Sprintf("%s.%d", name, i), element)
			if err != nil {
				return nil, err
			}
			list = append(list, inner...)
		}
		return list, nil
	case *onnx.Optional:
		if v.Value == nil {
			return nil, nil
		}
		return onnxResults(name, v.Value)
	}
	a, err := onnx.ToArray(v)
	if err != nil {
		return nil, err
	}
	return []onnxResult{{name: name, Array: a}}, nil
}

// saveOnnxResults writes a file for each, and notes its name. What a name has that a file's has not becomes _.
func saveOnnxResults(folder string, results []onnxResult) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	for i := range results {
		a, err := toNumPy(results[i].Array)
		if err != nil {
			return fmt.Errorf("output %q: %w", results[i].name, err)
		}
		file := filepath.Join(folder, fileName(results[i].name)+".npy")
		for _, earlier := range results[:i] {
			if earlier.file == file {
				return errors.New(file + ": expected one output of this name")
			}
		}
		if err := npy.Save(file, a); err != nil {
			return err
		}
		results[i].file = file
	}
	return nil
}

func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
}

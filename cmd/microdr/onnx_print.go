package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/baremetaldevx86/microdr/array"
	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

// numPyTypes are the element types that NumPy files and ONNX have in common.
var numPyTypes = map[array.Type]ndarray.Type{
	array.Float16: ndarray.HalfFloat, array.BFloat16: ndarray.BrainFloat, array.Float32: ndarray.Float32,
	array.Float64: ndarray.Float64, array.Int8: ndarray.Int8, array.Int16: ndarray.Int16, array.Int32: ndarray.Int32,
	array.Int64: ndarray.Int64, array.Uint8: ndarray.Uint8, array.Uint16: ndarray.Uint16, array.Uint32: ndarray.Uint32,
	array.Uint64: ndarray.Uint64, array.Bool: ndarray.Bool,
}

// fromNumPy lets the format decode the bytes, which are those of raw data.
func fromNumPy(a *array.Array) (*ndarray.Array, error) {
	t := &format.Tensor{Type: numPyTypes[a.Type], Raw: a.Data, HasRaw: true}
	for _, length := range a.Shape {
		t.Shape = append(t.Shape, int64(length))
	}
	return t.Array()
}

// toNumPy refuses strings and complex numbers. There is no bfloat16 in NumPy: it becomes float32.
func toNumPy(a *ndarray.Array) (*array.Array, error) {
	if a.Type() == ndarray.BrainFloat {
		wide, err := ndarray.Cast(a, ndarray.Float32)
		if err != nil {
			return nil, err
		}
		a = wide
	}
	for name, t := range numPyTypes {
		if t == a.Type() {
			return &array.Array{Type: name, Shape: a.Shape(), Data: format.TensorOf("", a).Raw}, nil
		}
	}
	return nil, fmt.Errorf("expected numbers or truth values for a .npy file, got %v", a)
}

func (a *app) printOnnxResults(results []onnxResult) error {
	if a.json {
		return a.onnxResultsJSON(results)
	}
	for _, r := range results {
		text := firstElements(r.Array, 24)
		if r.file != "" {
			text = r.file
		}
		if err := a.printf("%s %v: %s\n", r.name, r.Array, text); err != nil {
			return err
		}
	}
	return nil
}

// firstElements lists at most n elements.
func firstElements(a *ndarray.Array, n int) string {
	words := elementTexts(a, min(n, a.Len()))
	if a.Len() > n {
		words = append(words, "...")
	}
	return strings.Join(words, " ")
}

func elementTexts(a *ndarray.Array, n int) []string {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	first, err := ndarray.Take(a, []int{n}, list)
	if err != nil {
		return nil
	}
	text, err := ndarray.Cast(first, ndarray.String)
	if err != nil { // complex numbers, which Go prints without spaces inside
		return strings.Fields(strings.Trim(fmt.Sprint(first.Any()), "[]"))
	}
	return ndarray.Elements[string](text)
}

func (a *app) onnxResultsJSON(results []onnxResult) error {
	type output struct {
		Type     string `json:"type"`
		Shape    []int  `json:"shape"`
		File     string `json:"file,omitempty"`
		Elements []any  `json:"elements,omitempty"`
	}
	outputs := map[string]output{}
	for _, r := range results {
		o := output{Type: r.Type().String(), Shape: r.Shape(), File: r.file}
		if r.file == "" {
			o.Elements = jsonElements(r.Array)
		}
		outputs[r.name] = o
	}
	a.finished = true
	return a.writeJSON(map[string]any{"event": "onnx", "outputs": outputs})
}

// jsonElements has numbers as they are printed, and strings for what JSON has no numbers for.
func jsonElements(a *ndarray.Array) []any {
	var out []any
	for i, word := range elementTexts(a, a.Len()) {
		switch {
		case a.Type() == ndarray.Bool:
			out = append(out, ndarray.Elements[bool](a)[i])
		case a.Type().IsInteger(), a.Type().IsFloat() && isFinite(a, i):
			out = append(out, json.Number(word))
		default:
			out = append(out, word)
		}
	}
	return out
}

func isFinite(a *ndarray.Array, i int) bool {
	one, err := ndarray.Take(a, []int{1}, []int{i})
	if err != nil {
		return false
	}
	values, err := one.Floats()
	return err == nil && !math.IsNaN(values[0]) && !math.IsInf(values[0], 0)
}

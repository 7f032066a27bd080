package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/array"
	"github.com/baremetaldevx86/microdr/npy"
	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

// linear is a model that computes y = x w, with w = [1 2; 3 4], and the shape of x.
func linear() string {
	weights, err := ndarray.Of([]float32{1, 2, 3, 4}, 2, 2)
	if err != nil {
		panic(err)
	}
	typ := &format.Type{Kind: format.TensorType, Element: ndarray.Float32, Ranked: true,
		Shape: []format.Dimension{{Name: "batch"}, {Known: true, Length: 2}}}
	m := &format.Model{Opsets: []format.Opset{{Version: 13}}, Graph: &format.Graph{
		Nodes: []*format.Node{
			{OpType: "MatMul", Inputs: []string{"x", "w"}, Outputs: []string{"y"}},
			{OpType: "Shape", Inputs: []string{"x"}, Outputs: []string{"a/b"}},
		},
		Initializers: []*format.Tensor{format.TensorOf("w", weights)},
		Inputs:       []*format.ValueInfo{{Name: "x", Type: typ}},
		Outputs:      []*format.ValueInfo{{Name: "y"}, {Name: "a/b"}},
	}}
	return string(m.Encode())
}

// npyFile is the file of a float32 matrix.
func npyFile(values []float32, shape ...int) string {
	a, err := array.Of(values, shape...)
	if err != nil {
		panic(err)
	}
	var out strings.Builder
	if err := npy.Encode(&out, a); err != nil {
		panic(err)
	}
	return out.String()
}

func TestOnnxRun(t *testing.T) {
	one := npyFile([]float32{1, 1, 0, 2}, 2, 2)
	matrix, err := ndarray.Of([]float32{1, 1, 0, 2}, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	files := func(x string) map[string]string { return map[string]string{"m.onnx": linear(), "x.npy": x} }
	for _, r := range []row{
		{name: "prints", args: "onnx run m.onnx --input x=x.npy", files: files(one),
			out: []string{"y float32[2 2]: 4.0 6.0 6.0 8.0\n", "a/b int64[2]: 2 2\n"}},
		{name: "by plain loops", args: "onnx run m.onnx --plain --input x=x.npy", files: files(one),
			out: []string{"y float32[2 2]: 4.0 6.0 6.0 8.0\n"}},
		{name: "from a protocol buffer", args: "onnx run m.onnx --input x=x.pb",
			files: map[string]string{"m.onnx": linear(), "x.pb": string(format.TensorOf("", matrix).Encode())},
			out:   []string{"y float32[2 2]: 4.0 6.0 6.0 8.0\n"}},
		{name: "writes", args: "onnx run m.onnx --input x=x.npy -o out", files: files(one),
			out:  []string{"y float32[2 2]: " + filepath.Join("out", "y.npy")},
			left: []string{"out/y.npy", "out/a_b.npy"}},
		{name: "json", args: "onnx run m.onnx --json --input x=x.npy", files: files(one),
			out: []string{`"y":{"type":"float32","shape":[2,2],"elements":[4.0,6.0,6.0,8.0]}`}},
		{name: "no input", args: "onnx run m.onnx", files: files(one), code: 2,
			err: []string{"--input: expected x=FILE for x float32[?batch 2]"}},
		{name: "another input", args: "onnx run m.onnx --input z=x.npy", files: files(one), code: 2,
			err: []string{"--input z=x.npy: expected NAME=FILE, once for each of: x float32[?batch 2]"}},
		{name: "another shape", args: "onnx run m.onnx --input x=x.npy", files: files(npyFile([]float32{1}, 1, 1)), code: 1,
			err: []string{`onnx: input "x": expected float32[?batch 2], got float32[1 1]`}},
		{name: "fewer than no workers", args: "onnx run m.onnx --workers -1 --input x=x.npy", files: files(one), code: 2,
			err: []string{"--workers: expected 0 or more"}},
		{name: "no array", args: "onnx run m.onnx --input x=x.npy", files: files("x"), code: 3, err: []string{"npy: x.npy"}},
		{name: "no model", args: "onnx run x.npy", files: files("\x3a\x05"), code: 3,
			err: []string{"onnx: model: field 7: expected its value"}},
		{name: "an output that cannot be", args: "onnx run m.onnx --input x=x.npy -o x.npy", files: files(one), code: 4,
			err: []string{"x.npy"}},
	} {
		t.Run(r.name, r.run)
	}
}

// TestOnnxMissingInput names the first of several inputs that are missing, every time.
func TestOnnxMissingInput(t *testing.T) {
	folder := t.TempDir()
	graph := &format.Graph{Outputs: []*format.ValueInfo{{Name: "a"}}}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		graph.Inputs = append(graph.Inputs, &format.ValueInfo{Name: name})
	}
	m := &format.Model{Opsets: []format.Opset{{Version: 13}}, Graph: graph}
	write(t, filepath.Join(folder, "m.onnx"), string(m.Encode()))
	for range 8 {
		got := runIn(t, folder, "onnx", "run", "m.onnx")
		if !strings.Contains(got.stderr, "--input: expected a=FILE for a\n") {
			t.Fatalf("got %s", got.stderr)
		}
	}
}

// TestOnnxInfinity prints what JSON has no numbers for as strings.
func TestOnnxInfinity(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "m.onnx"), linear())
	write(t, filepath.Join(folder, "x.npy"), npyFile([]float32{3e38, 3e38}, 1, 2))
	got := runIn(t, folder, "onnx", "run", "m.onnx", "--json", "--input", "x=x.npy")
	var result struct {
		Outputs map[string]struct{ Elements []any }
	}
	if err := json.Unmarshal([]byte(got.stdout), &result); err != nil {
		t.Fatalf("%v in %s%s", err, got.stdout, got.stderr)
	}
	if y := result.Outputs["y"].Elements; len(y) != 2 || y[0] != "INF" {
		t.Errorf("got %v", y)
	}
}

// TestOnnxComplex prints each complex number as a string of its own.
func TestOnnxComplex(t *testing.T) {
	folder := t.TempDir()
	m := &format.Model{Opsets: []format.Opset{{Version: 13}}, Graph: &format.Graph{
		Initializers: []*format.Tensor{format.TensorOf("y", ndarray.Vector(1+2i, -3i))},
		Outputs:      []*format.ValueInfo{{Name: "y"}},
	}}
	write(t, filepath.Join(folder, "m.onnx"), string(m.Encode()))
	got := runIn(t, folder, "onnx", "run", "m.onnx", "--json")
	if want := `"elements":["(1+2i)","(0-3i)"]`; !strings.Contains(got.stdout, want) {
		t.Errorf("got %s%s, want %s", got.stdout, got.stderr, want)
	}
}

// TestOnnxCheck has one case that passes and one that does not.
func TestOnnxCheck(t *testing.T) {
	tensor := func(v ...float32) string {
		a, err := ndarray.Of(v, 1, len(v))
		if err != nil {
			t.Fatal(err)
		}
		return string(format.TensorOf("", a).Encode())
	}
	files := map[string]string{}
	for name, want := range map[string]string{"test_good": tensor(4, 6), "test_bad": tensor(4, 7)} {
		files[name+"/model.onnx"] = linear()
		files[name+"/test_data_set_0/input_0.pb"] = tensor(1, 1)
		files[name+"/test_data_set_0/output_0.pb"] = want
	}
	for _, r := range []row{
		{name: "a folder of cases", args: "onnx check .", files: files, code: 1,
			out: []string{"all       1       1       0\n",
				`failed, test_bad: test_data_set_0: onnx: output "y": element 1: expected 7, got 6`}},
		{name: "one case", args: "onnx check test_good --plain", files: files,
			out: []string{"all       1       0       0\n"}},
		{name: "json", args: "onnx check . --json", files: files, code: 1,
			out: []string{`{"event":"check","passed":1,"failed":1,"unsupported":0,"operators":[`,
				`"case":"test_bad","verdict":"failed"`}},
		{name: "fewer than no workers", args: "onnx check . --workers -1", files: files, code: 2,
			err: []string{"--workers: expected 0 or more"}},
		{name: "nothing", args: "onnx check .", files: map[string]string{"a": ""}, code: 3,
			err: []string{"expected folders with a model.onnx"}},
	} {
		t.Run(r.name, r.run)
	}
}

// TestOnnxExitCode ends with 1 for an operator that there is not.
func TestOnnxExitCode(t *testing.T) {
	folder := t.TempDir()
	m := &format.Model{Opsets: []format.Opset{{Version: 13}}, Graph: &format.Graph{
		Nodes: []*format.Node{{OpType: "Sing", Outputs: []string{"y"}}}, Outputs: []*format.ValueInfo{{Name: "y"}},
	}}
	if err := os.WriteFile(filepath.Join(folder, "m.onnx"), m.Encode(), 0o666); err != nil {
		t.Fatal(err)
	}
	got := runIn(t, folder, "onnx", "run", "m.onnx")
	if got.code != 1 || !strings.Contains(got.stderr, `node 0 "" (ai.onnx Sing 13): operator is not supported`) {
		t.Errorf("got code %d, %s", got.code, got.stderr)
	}
}

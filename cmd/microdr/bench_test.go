package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"testing"
)

func TestBenchCommandLine(t *testing.T) {
	rows := []row{
		{name: "bench alone", args: "bench", code: 0, out: []string{"kernels"}},
		{name: "unknown bench", args: "bench kernals", code: 2, err: []string{`unknown command "kernals"`}},
		{name: "no rounds", args: "bench kernels --rounds 0", code: 2, err: []string{"--rounds: expected 1 or more"}},
		{name: "unknown row", args: "bench kernels --only elementwize", code: 2, err: []string{`no such row: "elementwize"`, `"elementwise 16k"`}},
		{name: "no rounds of convolutions", args: "bench conv --rounds 0", code: 2, err: []string{"--rounds: expected 1 or more"}},
		{name: "unknown convolution", args: "bench conv --only 7x7", code: 2, err: []string{`no such row: "7x7"`}},
		{name: "convolution", args: "bench conv --rounds 1 --only 32x1x28x28", code: 0,
			out: []string{"baseline", "32x1x28x28 by 32x1x3x3 image of the FMA peak", "a bar"}, err: []string{"measuring 32x1x28x28 by"}},
		{name: "no examples", args: "bench kernels --only table -q", code: 3, err: []string{"examples/table", "no such file"}},
		{name: "unknown product", args: "bench matmul --only 2x2x3", code: 2, err: []string{`no such row: "2x2x3"`, `"1x10x128 beside OpenBLAS"`}},
		{name: "no rounds of products", args: "bench matmul --rounds 0", code: 2, err: []string{"--rounds: expected 1 or more"}},
		{name: "product", args: "bench matmul --only 128x128x128 --rounds 1", code: 0,
			out: []string{"128x128x128 of the FMA peak", "%", "a bar; the peak is"}, err: []string{"measuring 128x128x128"}},
		{name: "no workers of tensors", args: "bench tensors --workers 1,0", code: 2, err: []string{"--workers: expected 1 or more"}},
		{name: "unknown function of tensors", args: "bench tensors --only product", code: 2,
			err: []string{`no such row: "product"`, `"x+y 1M by 2 workers"`}},
		{name: "step", args: "bench tensors --only step --workers 1 --rounds 1", code: 0,
			out: []string{"baseline", "step of MLP 16-16-16-16-16 batch 1 by 1 worker", "over its products", "a bar"},
			err: []string{"measuring step of MLP"}},
		{name: "table", args: "bench kernels --only launch --rounds 1", code: 0,
			out: []string{"baseline", "launch one tile", "allocs/run", "a bar"}, err: []string{"measuring launch one tile"}},
		{name: "fit", args: "bench kernels --only fit --examples . --rounds 1 -q", code: 0,
			files: map[string]string{"table/scene.yaml": smallScene("a.png"), "table/a.png": pngFile(8, 8),
				"chessboard/scene.yaml": smallScene("a.png"), "chessboard/a.png": pngFile(8, 8)},
			out: []string{"fit chessboard", "fit table", "eval, whole process"}},
	}
	for _, r := range rows {
		t.Run(r.name, r.run)
	}
}

// TestBenchJSON holds stdout to the form that every bench has: one array, these keys and no others.
func TestBenchJSON(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("the row needs gcc: ", err)
	}
	got := runIn(t, t.TempDir(), "bench", "kernels", "--only", "elementwise 16k", "--rounds", "1", "--json")
	if got.code != 0 {
		t.Fatalf("exit code %d: %s", got.code, got.stderr)
	}
	type line struct {
		Name     string  `json:"name"`
		Ours     float64 `json:"ours"`
		Baseline float64 `json:"baseline"`
		Unit     string  `json:"unit"`
		Ratio    float64 `json:"ratio"`
	}
	var lines []line
	d := json.NewDecoder(bytes.NewReader([]byte(got.stdout)))
	d.DisallowUnknownFields()
	if err := d.Decode(&lines); err != nil {
		t.Fatalf("%v: %s", err, got.stdout)
	}
	var names []string
	for _, l := range lines {
		names = append(names, l.Name)
		if off := l.Ratio*l.Ours/l.Baseline - 1; l.Unit != "ns/lane" || !(l.Ours > 0) || !(off*off < 1e-20) {
			t.Errorf("%+v: want nanoseconds, and baseline over ours as the ratio", l)
		}
	}
	if want := []string{"elementwise 16k", "elementwise 16k by hand"}; !slices.Equal(names, want) {
		t.Errorf("got the rows %q, want %q", names, want)
	}
}

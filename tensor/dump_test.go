package tensor

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestDump: the texts tell operations, arguments before uses, which stage writes what, and the programs.
func TestDump(t *testing.T) {
	e := open(t, Options{})
	x := e.New([]float32{1, 2, 3, 4}, 2, 2)
	y := x.Exp().MatMul(x.T()).Plus(0.3).Sum(0)
	for name, r := range map[string]struct {
		dump func(b *strings.Builder) error
		want []string
	}{
		"text": {func(b *strings.Builder) error { return Dump(b, y) }, []string{
			"%0 = given : float32[2 2]\n", "%1 = Exp %0 : float32[2 2], written by group 0\n",
			"%2 = Permute offset 0 strides [1 2] %0 : float32[2 2]\n", "%3 = MatMul %1 %2 : float32[2 2], written by group 1\n",
			"Full 0.3 : float32[]\n", "Reduce sum group 2 inner 2", "\nmodule tensors", "matmul ", "uniform",
		}},
		"dot": {func(b *strings.Builder) error { return DumpDOT(b, y) }, []string{
			"digraph tensors {\n", "subgraph cluster_0 {", "n1 [label=\"Exp\\nfloat32[2 2]\"]\n", "n0 -> n1\n", "n1 -> n3\n", "n2 -> n3\n",
		}},
	} {
		var b strings.Builder
		if err := r.dump(&b); err != nil {
			t.Error(err)
		}
		for _, want := range r.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s lacks %q:\n%s", name, want, b.String())
			}
		}
		if open, closed := strings.Count(b.String(), "{"), strings.Count(b.String(), "}"); open != closed {
			t.Errorf("%s: %d braces open, %d close", name, open, closed)
		}
	}
	if y.buffer != nil {
		t.Error("a dump computes")
	}
}

// TestTimeline: every stage that ran is an event with a time, after those before it.
func TestTimeline(t *testing.T) {
	var timeline Timeline
	e := open(t, Options{Timeline: &timeline})
	x := e.New([]float32{1, 2, 3, 4}, 2, 2)
	if err := e.Eval(x.Exp().MatMul(x).Sum()); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := timeline.WriteChromeTrace(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		TraceEvents []struct {
			Name, Ph string
			TS, Dur  float64
			Args     map[string]any
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	want := []string{"map", "matmul", "reduce"}
	if len(got.TraceEvents) != len(want) {
		t.Fatalf("%d events: %s", len(got.TraceEvents), b.String())
	}
	end := 0.0
	for i, event := range got.TraceEvents {
		if event.Ph != "X" || event.Args["kind"] != want[i] || event.TS < end || event.Dur <= 0 {
			t.Errorf("event %d: %+v", i, event)
		}
		end = event.TS + event.Dur
	}
}

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/tensor"
)

// TestStreams: what is timed computes what its name says.
func TestStreams(t *testing.T) {
	want := map[string]func(x, y []float64) []float64{
		"x+y":         func(x, y []float64) []float64 { return each(x, func(i int) float64 { return x[i] + y[i] }) },
		"relu(x*2+1)": func(x, _ []float64) []float64 { return each(x, func(i int) float64 { return max(x[i]*2+1, 0) }) },
		"sum":         func(x, _ []float64) []float64 { return []float64{total(x)} },
		"sum of squares": func(x, _ []float64) []float64 {
			return []float64{total(each(x, func(i int) float64 { return x[i] * x[i] }))}
		},
	}
	const n = 1<<14 + 5
	e := tensor.Open(tensor.Options{Workers: 2})
	defer e.Close()
	for _, q := range streams() {
		f, err := q.compile(e, n)
		if err != nil {
			t.Fatalf("%s: %v", q.name, err)
		}
		defer f.Close()
		inputs := [2][]float64{make([]float64, n), make([]float64, n)}
		for i := range q.inputs {
			f.Input(i).Read(inputs[i])
		}
		if _, err := runs(f)(context.Background(), 2); err != nil {
			t.Fatalf("%s: %v", q.name, err)
		}
		got, want := f.Result(0).Float64s(), want[q.name](inputs[0], inputs[1])
		if len(got) != len(want) {
			t.Fatalf("%s: got %d elements, want %d", q.name, len(got), len(want))
		}
		for i := range got {
			if !(math.Abs(got[i]-want[i]) <= 1e-5*(1+math.Abs(want[i]))) {
				t.Fatalf("%s: element %d is %g, want %g", q.name, i, got[i], want[i])
			}
		}
		outputs := len(got) / n // a scalar counts nothing
		if q.bytes != 4*(q.inputs+outputs) {
			t.Errorf("%s: %d bytes an element, want those of %d inputs and %d outputs", q.name, q.bytes, q.inputs, outputs)
		}
	}
}

func each(x []float64, f func(i int) float64) []float64 {
	out := make([]float64, len(x))
	for i := range x {
		out[i] = f(i)
	}
	return out
}

func total(x []float64) (sum float64) {
	for _, v := range x {
		sum += v
	}
	return sum
}

// TestStepsTrain: the steps that are timed lower the loss, so that all of forward, backward and update is in them.
func TestStepsTrain(t *testing.T) {
	for _, r := range []struct {
		network *perceptron
		classes bool
		steps   int
	}{
		{small(), false, 3000},
		{&perceptron{[]int{24, 16, 10}, 8}, true, 3000},
	} {
		e := tensor.Open(tensor.Options{Workers: 1})
		defer e.Close()
		step, err := r.network.step(e, r.classes)
		if err != nil {
			t.Fatal(err)
		}
		defer step.Close()
		loss := func(n int) float64 {
			if _, err := runs(step)(context.Background(), n); err != nil {
				t.Fatal(err)
			}
			return step.Result(0).Item()
		}
		before := loss(1)
		if after := loss(r.steps); !(after < before-1e-5) || !(after > before/2) {
			t.Errorf("%v: the loss goes from %g to %g, want a little less", r.network, before, after)
		}
	}
}

// shapes lists, sorted, the matrix products that a function's run does: m, n and k.
func shapes(t *testing.T, line *tensor.Timeline) (out [][3]int) {
	t.Helper()
	var text bytes.Buffer
	if err := line.WriteChromeTrace(&text); err != nil {
		t.Fatal(err)
	}
	var trace struct {
		TraceEvents []struct {
			Args struct {
				Kind    string
				M, N, K int
			}
		}
	}
	if err := json.Unmarshal(text.Bytes(), &trace); err != nil {
		t.Fatal(err)
	}
	for _, e := range trace.TraceEvents {
		if a := e.Args; a.K > 0 {
			out = append(out, [3]int{a.M, a.N, a.K})
		}
	}
	slices.SortFunc(out, func(a, b [3]int) int { return slices.Compare(a[:], b[:]) })
	return out
}

// TestProductsOfStep: the products that a step is held to are the step's own, no more and no fewer.
func TestProductsOfStep(t *testing.T) {
	q := digits()
	run := func(compile func(e *tensor.Engine) (runner, error)) [][3]int {
		line := &tensor.Timeline{}
		e := tensor.Open(tensor.Options{Workers: 1, Timeline: line})
		defer e.Close()
		f, err := compile(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		return shapes(t, line)
	}
	step := run(func(e *tensor.Engine) (runner, error) { return q.step(e, true) })
	products := run(func(e *tensor.Engine) (runner, error) { return q.products(e) })
	if len(products) != 8 || !slices.Equal(step, products) {
		t.Errorf("the step has the products %v, its baseline %v, want the same 8", step, products)
	}
}

// TestTensors makes every row, of tiny tensors and in one short round.
func TestTensors(t *testing.T) {
	var told []string
	o := TensorOptions{Elements: []int{1 << 12}, Workers: []int{2, 1}, triad: 1 << 12,
		Options: Options{Rounds: 1, Progress: func(line string) { told = append(told, line) }}}
	rows, err := Tensors(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"x+y 4k by 2 workers GB/s", "x+y 4k by 1 worker GB/s",
		"relu(x*2+1) 4k by 2 workers GB/s", "relu(x*2+1) 4k by 1 worker GB/s",
		"sum 4k by 2 workers GB/s", "sum 4k by 1 worker GB/s",
		"sum of squares 4k by 2 workers GB/s", "sum of squares 4k by 1 worker GB/s",
		"step of MLP 16-16-16-16-16 batch 1 by 2 workers us", "step of MLP 16-16-16-16-16 batch 1 by 1 worker us",
		"step of MLP 784-256-128-10 batch 32 by 2 workers us",
		"step of MLP 784-256-128-10 batch 32 by 2 workers over its products times",
		"step of MLP 784-256-128-10 batch 32 by 1 worker us",
		"step of MLP 784-256-128-10 batch 32 by 1 worker over its products times",
	}
	var got []string
	for _, r := range rows {
		got = append(got, r.Name+" "+r.Unit)
		if r.Note == "" || !(r.Ours > 0) || !(r.Baseline > 0) || !(r.Ratio > 0) || strings.Contains(r.Name, ",") {
			t.Errorf("%+v is no row that --only can name", r)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got the rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(told) != 12 || told[0] != "measuring x+y 4k by 2 workers" {
		t.Errorf("told %q, want a line for each of 12 measurements", told)
	}
}

func TestChosenTensors(t *testing.T) {
	for _, r := range []struct {
		only    []string
		want    int // measurements
		refused bool
	}{
		{nil, 20, false},
		{[]string{"x+y 64M"}, 2, false},
		{[]string{"sum"}, 8, false},
		{[]string{"sum 1M by 1", "step of MLP 16"}, 3, false},
		{[]string{"step of MLP 784-256-128-10 batch 32 by 1 worker over"}, 1, false},
		{[]string{"sum", "mean"}, 0, true},
	} {
		s := newSuite(KernelOptions{Options: Options{Only: r.only}})
		chosen, err := s.chosen(TensorOptions{}.complete().measurements())
		if len(chosen) != r.want || errors.Is(err, ErrNoRow) != r.refused {
			t.Errorf("%q: got %d measurements, %v, want %d", r.only, len(chosen), err, r.want)
		}
	}
}

func TestCountName(t *testing.T) {
	names := map[int]string{0: "0", 1000: "1000", 1 << 14: "16k", 1 << 20: "1M", 1 << 26: "64M", 1<<20 + 1: "1048577"}
	for n, want := range names {
		if got := countName(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

// TestTensorsBadSize: an error comes with the rows until then, and names the row.
func TestTensorsBadSize(t *testing.T) {
	o := TensorOptions{Elements: []int{64, 1 << 60}, Workers: []int{1}, triad: 64,
		Options: Options{Rounds: 1, Only: []string{"sum 64", "sum 1"}}}
	rows, err := Tensors(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "by 1 worker: ") || len(rows) != 1 {
		t.Errorf("got %d rows, %v, want one row and an error that names the other", len(rows), err)
	}
}

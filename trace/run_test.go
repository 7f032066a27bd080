package trace_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/trace"
)

// run records body once and executes it for every row of args, one lane a row. The results come back by row.
func run(t *testing.T, m *ir.Module, args [][]float64, body func(r *trace.Recorder, x []trace.Float) []trace.Float) [][]float64 {
	t.Helper()
	r := trace.New(m)
	var inputs, outputs []int
	var x []trace.Float
	for i := range args[0] {
		inputs = append(inputs, m.AddBuffer(fmt.Sprintf("in%d", i), ir.F32, ir.Input, len(args)))
		x = append(x, r.Gather(inputs[i], r.Lane()))
	}
	for i, y := range body(r, x) {
		outputs = append(outputs, m.AddBuffer(fmt.Sprintf("out%d", i), ir.F32, ir.Output, len(args)))
		r.Store(outputs[i], r.Lane(), y)
	}
	m.AddMap("test", r.Program(), len(args))

	e := kernel.New(kernel.Options{Workers: 1, Verify: true})
	defer e.Close()
	k, err := e.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	buffers := make([]*kernel.Buffer, len(m.Buffers))
	for i := range m.Buffers {
		if buffers[i], err = e.NewBuffer(ir.F32, len(args)); err != nil {
			t.Fatal(err)
		}
		defer buffers[i].Free()
	}
	for i, b := range inputs {
		for row := range args {
			buffers[b].Float32s()[row] = float32(args[row][i])
		}
	}
	if err := k.Run(context.Background(), kernel.Args{Buffers: buffers}); err != nil {
		t.Fatal(err)
	}
	out := make([][]float64, len(args))
	for row := range out {
		for _, b := range outputs {
			out[row] = append(out[row], float64(buffers[b].Float32s()[row]))
		}
	}
	return out
}

// near tells whether got is want to float32 accuracy; NaN is close to NaN.
func near(got, want float64) bool {
	if got == want || got != got && want != want {
		return true
	}
	return math.Abs(got-want) <= 4e-6*(1+math.Abs(want))
}

// grid returns all rows of n of the given values.
func grid(n int, values ...float64) [][]float64 {
	rows := [][]float64{nil}
	for range n {
		var longer [][]float64
		for _, row := range rows {
			for _, v := range values {
				longer = append(longer, append(row[:len(row):len(row)], v))
			}
		}
		rows = longer
	}
	return rows
}

// check compares what body computes for every row with want.
func check(t *testing.T, name string, args [][]float64, body func(r *trace.Recorder, x []trace.Float) []trace.Float, want func(x []float64) []float64) {
	t.Helper()
	for row, got := range run(t, &ir.Module{Name: name}, args, body) {
		for i, w := range want(args[row]) {
			if !near(got[i], w) {
				t.Errorf("%s%v: result %d is %v, want %v", name, args[row], i, got[i], w)
				return
			}
		}
	}
}

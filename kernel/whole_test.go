package kernel

import (
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/trace"
)

func TestWrittenWhole(t *testing.T) {
	const n = 300
	for _, row := range []struct {
		name  string
		rows  int // of the temporary
		write func(r *trace.Recorder, b int)
		want  bool
	}{
		{"lane", 1, func(r *trace.Recorder, b int) { r.Store(b, r.Lane(), r.Float(1)) }, true},
		{"rows", 2, func(r *trace.Recorder, b int) {
			r.Store(b, r.Lane().Plus(n), r.Float(1))
			r.Store(b, r.Lane(), r.Float(2))
		}, true},
		{"a row is missing", 2, func(r *trace.Recorder, b int) { r.Store(b, r.Lane(), r.Float(1)) }, false},
		{"one row twice", 2, func(r *trace.Recorder, b int) {
			r.Store(b, r.Lane(), r.Float(1))
			r.Store(b, r.Lane(), r.Float(2))
		}, false},
		{"shifted", 1, func(r *trace.Recorder, b int) { r.Store(b, r.Lane().Plus(1), r.Float(1)) }, false},
		{"scattered", 1, func(r *trace.Recorder, b int) { r.Store(b, r.Lane().Times(2), r.Float(1)) }, false},
		{"added", 1, func(r *trace.Recorder, b int) { r.B.ScatterAdd(b, r.Lane().V, r.Float(1).V) }, false},
		{"in two stages", 2, nil, false},
	} {
		m := &ir.Module{Name: "whole"}
		tmp := m.AddBuffer("tmp", ir.F32, ir.Temp, row.rows, n)
		if row.write == nil {
			row.write = func(r *trace.Recorder, b int) { r.Store(b, r.Lane().Plus(n), r.Float(1)) }
			r := trace.New(m)
			r.Store(tmp, r.Lane(), r.Float(1))
			m.AddMap("first", r.Program(), n)
		}
		r := trace.New(m)
		row.write(r, tmp)
		m.AddMap("write", r.Program(), n)
		mean := m.AddBuffer("mean", ir.F32, ir.Temp, row.rows)
		m.AddReduce("mean", ir.ReduceMean, tmp, mean, n, 1)
		product := m.AddBuffer("product", ir.F32, ir.Temp, row.rows)
		m.AddMatMul("product", &ir.MatMul{M: row.rows, N: 1, K: 1, A: ir.Matrix{Row: 1}}, tmp, mean, product)
		low, err := ir.Lower(m, ir.Passes(), true)
		if err != nil {
			t.Fatal(err)
		}
		if got := writtenWhole(low); got[tmp] != row.want || !got[mean] || !got[product] {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

func TestConvWritesWhole(t *testing.T) {
	m := &ir.Module{Name: "whole"}
	x, w := m.AddBuffer("x", ir.F32, ir.Input, 9), m.AddBuffer("w", ir.F32, ir.Input, 1)
	y := m.AddBuffer("y", ir.F32, ir.Temp, 9)
	one := [2]int{1, 1}
	m.AddConv("conv", ir.Conv{Batch: 1, Channels: 1, Filters: 1, Groups: 1, Height: 3, Width: 3, FilterHeight: 1, FilterWidth: 1,
		OutHeight: 3, OutWidth: 3, Stride: one, Dilation: one}, x, w, y)
	if err := ir.Verify(m); err != nil {
		t.Fatal(err)
	}
	if !writtenWhole(m)[y] {
		t.Error("a convolution writes all of its output")
	}
}

package ir

import (
	"strings"
	"testing"
)

// product is a module of one product of 2 x (3 x 5 times 5 x 4), whose second matrix is the same for both.
func product() *Module {
	m := &Module{Name: "product"}
	a, b := m.AddBuffer("a", F32, Input, 2, 3, 5), m.AddBuffer("b", F32, Input, 5, 4)
	c := m.AddBuffer("c", F32, Output, 2, 3, 4)
	m.AddMatMul("c", &MatMul{Batch: []int{2}, M: 3, N: 4, K: 5,
		A: Matrix{Batch: []int{15}, Row: 5, Col: 1}, B: Matrix{Batch: []int{0}, Row: 4, Col: 1}}, a, b, c)
	return m
}

// TestVerifyMatMul changes a valid product; what is refused says why.
func TestVerifyMatMul(t *testing.T) {
	for _, r := range []struct {
		name   string
		change func(m *Module, s *Stage, p *MatMul)
		wants  string // "": valid
	}{
		{"nothing", func(*Module, *Stage, *MatMul) {}, ""},
		{"the last element of a", func(_ *Module, _ *Stage, p *MatMul) { p.A.Offset = 1 }, "elements from 1 to 30 of a, which has 30"},
		{"one before b", func(_ *Module, _ *Stage, p *MatMul) { p.B.Col = -1 }, "elements from -3 to 16 of b, which has 20"},
		{"backwards", func(_ *Module, _ *Stage, p *MatMul) { p.B.Col, p.B.Offset = -1, 3 }, ""},
		{"one element for all", func(_ *Module, _ *Stage, p *MatMul) { p.B.Row, p.B.Col, p.B.Offset = 0, 0, 19 }, ""},
		{"a stride that overflows", func(_ *Module, _ *Stage, p *MatMul) { p.A.Row = 1 << 62 }, "a stride of 4611686018427387904 reaches beyond a"},
		{"strides that would cancel", func(_ *Module, _ *Stage, p *MatMul) { p.A.Row, p.A.Col = 1<<62, -1<<62 }, "reaches beyond a"},
		{"an offset that overflows", func(_ *Module, _ *Stage, p *MatMul) { p.A.Offset = -1 << 63 }, "of a, which has 30"},
		{"a batch that overflows", func(_ *Module, _ *Stage, p *MatMul) { p.Batch[0] = 1 << 62 }, "more than 1099511627776"},
		{"a sum without end", func(_ *Module, _ *Stage, p *MatMul) { p.K = 1 << 62 }, "more than 1099511627776"},
		{"a negative extent", func(_ *Module, _ *Stage, p *MatMul) { p.K = -1 }, "negative size"},
		{"no sum", func(_ *Module, _ *Stage, p *MatMul) { p.K, p.A.Offset = 0, 1<<40 }, ""},
		{"nothing at all", func(m *Module, _ *Stage, p *MatMul) { p.M, m.Buffers[2].Shape = 0, []int{0} }, ""},
		{"half of the output", func(_ *Module, _ *Stage, p *MatMul) { p.N = 2 }, "the product has 12 elements, c has 24"},
		{"no stride for the batch", func(_ *Module, _ *Stage, p *MatMul) { p.B.Batch = nil }, "a stride for each"},
		{"too many batches", func(_ *Module, _ *Stage, p *MatMul) {
			p.Batch = []int{1, 1, 1, 1, 1, 1, 2}
			p.A.Batch, p.B.Batch = p.Batch, p.Batch
		}, "at most 6 batch dimensions"},
		{"no product", func(_ *Module, s *Stage, _ *MatMul) { s.MatMul = nil }, "has extents and strides"},
		{"one input", func(_ *Module, s *Stage, _ *MatMul) { s.In = s.In[:1] }, "two inputs"},
		{"in place", func(m *Module, s *Stage, _ *MatMul) { m.Buffers[0].Life, s.Out[0] = Output, 0 }, "reads and writes a"},
		{"halves", func(m *Module, _ *Stage, _ *MatMul) { m.Buffers[0].Type, m.Buffers[1].Type = F16, BF16 }, ""},
		{"a sum of halves", func(m *Module, _ *Stage, _ *MatMul) { m.Buffers[2].Type = F16 }, "of f32 or f64, not f16"},
		{"a sum of doubles", func(m *Module, _ *Stage, _ *MatMul) { m.Buffers[2].Type = F64 }, ""},
		{"doubles", func(m *Module, _ *Stage, _ *MatMul) { m.Buffers[0].Type = F64 }, "a product of f32 does not take a matrix of f64"},
		{"integers", func(m *Module, _ *Stage, _ *MatMul) { m.Buffers[1].Type = I32 }, "does not take a matrix of i32"},
	} {
		m := product()
		r.change(m, &m.Stages[0], m.Stages[0].MatMul)
		if err := Verify(m); r.wants == "" && err != nil || r.wants != "" && (err == nil || !strings.Contains(err.Error(), r.wants)) {
			t.Errorf("%s: %v, want %q", r.name, err, r.wants)
		}
	}
}

func TestMatrixAt(t *testing.T) {
	a := Matrix{Offset: 7, Batch: []int{100, 0, -10}}
	for i, want := range []int{7, -3, 7, -3, 107, 97} {
		if got := a.At([]int{2, 2, 2}, i); got != want {
			t.Errorf("matrix %d is at %d, want %d", i, got, want)
		}
	}
}

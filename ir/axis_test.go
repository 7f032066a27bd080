package ir

import (
	"strings"
	"testing"
)

// axes is a valid module of stages along an axis.
const axes = `module axes
buffer in f32 [4 6] input
buffer sum f32 [4 2] output
buffer running f32 [4 6] output
buffer sorted f32 [4 6] output
buffer from i32 [4 6] output
reduce squares [4 3 2] {
  %0 = lane i32
  %1 = gather f32 in %0
  %2 = mul f32 %1 %1
  return %2
} -> (sum) op sum
scan running (in) -> (running) group 3 inner 2
sort order (in) -> (sorted, from) group 6
`

// TestVerifyAxes breaks a valid module of reductions, scans and sorts in one place at a time.
func TestVerifyAxes(t *testing.T) {
	for _, r := range []struct {
		name  string
		harm  func(m *Module)
		wants string
	}{
		{"nothing", func(m *Module) {}, ""},
		{"an input beside the program", func(m *Module) { m.Stages[0].In = []int{0} }, "has no input"},
		{"another group", func(m *Module) { m.Stages[0].Group = 6 }, "is not [outer, 6, 2]"},
		{"two results", func(m *Module) { m.Stages[0].Prog.Results = []Value{1, 2} }, "one result"},
		{"an effect", func(m *Module) { m.Stages[0].Prog.Effects = []Effect{{Store, 1, 0, 1}} }, "one result"},
		{"a broken program", func(m *Module) { m.Stages[0].Prog.Nodes[2].Op = 0 }, "%2 has no op"},
		{"a program that reads what the stage writes", func(m *Module) { m.Stages[0].Prog.Nodes[1].Imm = 1 }, "reads and writes sum"},
		{"more lanes than there are", func(m *Module) { m.Stages[0].Domain[0] = 1 << 40 }, "elements"},
		{"words to floats", func(m *Module) { m.Stages[0].Prog.Results[0] = 0 }, "floats to floats"},
		{"no output", func(m *Module) { m.Stages[0].Out = nil }, "one output"},
		{"too small an output", func(m *Module) { m.Buffers[1].Shape = []int{2, 2} }, "do not give 4"},
		{"a mean of words", func(m *Module) {
			m.Stages[0].Prog.Results[0], m.Buffers[1].Type, m.Stages[0].Reduce = 0, I32, ReduceMean
		}, "unless it is a mean"},
		{"a scan with a program", func(m *Module) { m.Stages[1].Prog = m.Stages[0].Prog }, "only maps and reductions"},
		{"a scan without inner", func(m *Module) { m.Stages[1].Inner = 0 }, "a scan has"},
		{"a scan of doubles", func(m *Module) { m.Buffers[0].Type, m.Buffers[2].Type = F64, F64 }, "%1: the types"},
		{"a scan of other size", func(m *Module) { m.Stages[1].Inner = 5 }, "(inner 5)"},
		{"a sort without group", func(m *Module) { m.Stages[2].Group = 0 }, "a sort has"},
		{"a sort of other size", func(m *Module) { m.Stages[2].Group = 7 }, "rows of 7"},
		{"indices that are floats", func(m *Module) { m.Buffers[4].Type = F32 }, "its indices are i32"},
		{"values and indices in one", func(m *Module) { m.Stages[2].Out = []int{4, 4} }, "one of indices"},
	} {
		m, err := Parse("axes", []byte(axes))
		if err != nil {
			t.Fatal(err)
		}
		r.harm(m)
		err = Verify(m)
		if (err == nil) != (r.wants == "") || err != nil && !strings.Contains(err.Error(), r.wants) {
			t.Errorf("%s: %v, want %q", r.name, err, r.wants)
		}
	}
}

// Stage.Reads tells of a program's gathers.
func TestReadsOfReduction(t *testing.T) {
	m, err := Parse("axes", []byte(axes))
	if err != nil {
		t.Fatal(err)
	}
	reads, writes := m.Stages[0].Reads()
	if len(reads) != 1 || reads[0] != 0 || len(writes) != 1 || writes[0] != 1 {
		t.Errorf("reads %v, writes %v", reads, writes)
	}
}

package jit_test

import (
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/mem"
)

// FuzzText compiles whatever the parser of the text form accepts, and compares small programs with the interpreter.
func FuzzText(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(ir.Print(irtest.Random(seed, irtest.Options{Lanes: 1 + int(seed%20), Nodes: 25})))
	}
	pages, heap := &jit.Pages{}, mem.Vectors{Heap: mem.NewHeap(mem.Options{})}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ir.Parse("fuzz", []byte(text))
		if err != nil || !small(m) {
			return
		}
		want := irtest.Interpreted(m, 1)
		for _, target := range targets(t) {
			got := run(t, m, target, pages, heap, 1)
			if d := difference(m, want, got); d != "" {
				t.Fatalf("%v: %s\n%s", target, d, text)
			}
		}
	})
}

// small tells of a module of one map stage that the interpreter does quickly, whose result does not depend on the order
// of its lanes and effects, and which machine code can execute.
func small(m *ir.Module) bool {
	if len(m.Stages) != 1 || m.Stages[0].Kind != ir.StageMap || len(m.Funcs) > 4 || m.Stages[0].Lanes() < 1 || m.Stages[0].Lanes() > 300 {
		return false
	}
	for i := range m.Buffers {
		if n := m.Buffers[i].Len(); n < 1 || n > 1000 {
			return false
		}
	}
	low, err := ir.Lower(m, ir.Passes(), true)
	if err != nil {
		return false
	}
	p := low.Stages[0].Prog
	written := map[int]bool{}
	for _, e := range p.Effects {
		index := p.Node(e.Index)
		if written[e.Buffer] || e.Kind == ir.Store && index.Op != ir.OpLane {
			return false
		}
		written[e.Buffer] = true
	}
	iterations := m.Stages[0].Lanes()
	for i := range p.Loops {
		if iterations *= p.Loops[i].Max; iterations > 3000 {
			return false
		}
	}
	for i := range p.Nodes {
		if n := &p.Nodes[i]; n.Op.Info().Transc {
			return false
		}
	}
	return len(p.Nodes) < 500
}

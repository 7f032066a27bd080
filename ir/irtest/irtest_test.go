package irtest_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
)

// interpret runs the only stage of a module on filled buffers and returns the outputs.
func interpret(m *ir.Module, seed uint64) irtest.Memory {
	uniforms, mem := irtest.Fill(m, seed)
	bits := make([]uint64, len(uniforms))
	for i, u := range m.Uniforms {
		bits[i] = irtest.UniformBits(u.Type, uniforms[i])
	}
	irtest.InterpretStage(m, 0, bits, mem)
	return mem
}

// TestPassesKeepMeaning interprets random programs before and after each pass, and after a trip through text.
func TestPassesKeepMeaning(t *testing.T) {
	for seed := range uint64(340) {
		m := irtest.Random(seed, irtest.Options{Lanes: 3})
		if seed >= 300 {
			m = irtest.RandomReduction(seed, irtest.Options{})
		}
		want := interpret(m, seed)
		text := ir.Print(m)
		back, err := ir.Parse("random", []byte(text))
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if !reflect.DeepEqual(m, back) {
			t.Fatalf("seed %d: the module changed on its way through text\n%s\n%s", seed, text, ir.Print(back))
		}
		for _, pass := range ir.Passes() {
			next, err := ir.Lower(m, []ir.Pass{pass}, true)
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, ir.Print(m))
			}
			if got := interpret(next, seed); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d: pass %s changes results\n%s\n%s", seed, pass.Name, ir.Print(m), ir.Print(next))
			}
			m = next
		}
	}
}

// TestRandomCovers checks that every op and effect comes up, loops within loops and calls from loops included.
func TestRandomCovers(t *testing.T) {
	var text bytes.Buffer
	seen := map[ir.Op]bool{}
	nested := false
	for seed := range uint64(200) {
		m := irtest.Random(seed, irtest.Options{Lanes: 1})
		m.WriteText(&text)
		p := m.Stages[0].Prog
		for i := range p.Nodes {
			seen[p.Nodes[i].Op] = true
		}
		for _, f := range m.Funcs {
			seen[ir.OpParam] = seen[ir.OpParam] || len(f.Body.Params) > 0
		}
		for _, s := range p.Parents {
			nested = nested || s > ir.ScopeLane
		}
	}
	for op := ir.OpInvalid + 1; int(op) < ir.NumOps; op++ {
		if !seen[op] {
			t.Errorf("%v never comes up", op)
		}
	}
	if !nested || !bytes.Contains(text.Bytes(), []byte("scatter_add")) {
		t.Error("no nested loops or no scatter_add")
	}
}

// TestBrokenText exchanges words of random programs' texts. Most are refused; what is accepted still prints,
// reads back and goes through every pass.
func TestBrokenText(t *testing.T) {
	accepted := 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 7))
		m := irtest.Random(seed%20, irtest.Options{Lanes: 1, Nodes: 25})
		if seed%8 == 0 {
			m = irtest.RandomReduction(seed%24, irtest.Options{Nodes: 10})
		}
		words := strings.SplitAfter(ir.Print(m), " ")
		for range 1 + r.IntN(3) {
			i := r.IntN(len(words))
			j := min(len(words)-1, max(0, i+r.IntN(80)-40))
			words[i] = words[j]
		}
		m, err := ir.Parse("broken", []byte(strings.Join(words, "")))
		if err != nil {
			continue
		}
		accepted++
		text := ir.Print(m)
		back, err := ir.Parse("printed", []byte(text))
		if err != nil || !reflect.DeepEqual(m, back) {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		want := interpret(m, seed)
		low, err := ir.Lower(m, ir.Passes(), true)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if got := interpret(low, seed); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: passes change results\n%s\n%s", seed, text, ir.Print(low))
		}
	}
	if accepted < 100 {
		t.Errorf("only %d of 3000 texts are accepted", accepted)
	}
}

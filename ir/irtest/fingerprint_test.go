package irtest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
)

func fingerprint(m *ir.Module) [32]byte { return ir.Fingerprint(m, m.Stages[0].Prog) }

// lists makes a program's lists its own, so that one can be changed.
func lists(m *ir.Module) (*ir.Module, *ir.Program) {
	m = m.Clone()
	p := *m.Stages[0].Prog
	p.Nodes, p.Loops, p.Calls = slices.Clone(p.Nodes), slices.Clone(p.Loops), slices.Clone(p.Calls)
	p.Parents, p.Effects = slices.Clone(p.Parents), slices.Clone(p.Effects)
	for i := range p.Loops {
		l := &p.Loops[i]
		l.States, l.Init, l.Next = slices.Clone(l.States), slices.Clone(l.Init), slices.Clone(l.Next)
	}
	for i := range p.Calls {
		p.Calls[i].Args = slices.Clone(p.Calls[i].Args)
	}
	m.Stages[0].Prog = &p
	return m, &p
}

// TestFingerprintIgnores changes what does not matter to how a program executes.
func TestFingerprintIgnores(t *testing.T) {
	for seed := range uint64(100) {
		m := irtest.Random(seed, irtest.Options{})
		c, p := lists(m)
		for i := range p.Nodes {
			p.Nodes[i].Pos += int32(i + 1)
		}
		for i := range c.Buffers {
			b := &c.Buffers[i]
			b.Name, b.Shape = fmt.Sprintf("renamed%d", i), []int{7, i}
		}
		for i := range c.Uniforms {
			c.Uniforms[i].Name += "'"
		}
		for i, f := range c.Funcs {
			renamed := *f
			renamed.Name = fmt.Sprintf("f'%d", i)
			c.Funcs[i] = &renamed
		}
		c.Name, c.Stages[0].Name = "renamed", "renamed"
		c.AddBuffer("unused", ir.BF16, ir.Input, 3)
		c.Uniform("unused", ir.F64)
		if fingerprint(c) != fingerprint(m) {
			t.Fatalf("seed %d: names, positions, shapes or what is not referred to count\n%s", seed, ir.Print(m))
		}
	}
}

// TestFingerprintTellsApart changes one field of one node, loop, call, effect or buffer at a time.
func TestFingerprintTellsApart(t *testing.T) {
	counts := map[string]int{}
	for seed := range uint64(150) {
		m := irtest.Random(seed, irtest.Options{})
		seen := map[[32]byte]string{fingerprint(m): "the original"}
		for what, change := range changes(rand.New(rand.NewPCG(seed, 1)), m.Stages[0].Prog) {
			c, p := lists(m)
			change(c, p)
			f := fingerprint(c)
			if other, ok := seen[f]; ok {
				t.Fatalf("seed %d: a change of %s has the fingerprint of %s\n%s", seed, what, other, ir.Print(m))
			}
			seen[f] = "a change of " + what
			counts[what]++
		}
	}
	if len(counts) != 22 {
		t.Errorf("%d kinds of changes came up: %v", len(counts), counts)
	}
}

// changes returns changes of one field each at random places of a program.
func changes(r *rand.Rand, p *ir.Program) map[string]func(*ir.Module, *ir.Program) {
	out := map[string]func(*ir.Module, *ir.Program){}
	k := r.IntN(len(p.Nodes))
	for i, name := range []string{"first", "second", "third"} {
		out["a node's "+name+" argument"] = func(_ *ir.Module, p *ir.Program) { p.Nodes[k].Args[i]++ }
	}
	out["a node's op"] = func(_ *ir.Module, p *ir.Program) { p.Nodes[k].Op ^= 1 }
	out["a node's type"] = func(_ *ir.Module, p *ir.Program) { p.Nodes[k].Type ^= 1 }
	out["a node's scope"] = func(_ *ir.Module, p *ir.Program) { p.Nodes[k].Scope++ }
	if p.Nodes[k].Op != ir.OpGather { // whose immediate must be a buffer
		out["a node's immediate"] = func(_ *ir.Module, p *ir.Program) { p.Nodes[k].Imm ^= 1 << r.IntN(64) }
	}
	out["a scope's parent"] = func(_ *ir.Module, p *ir.Program) { p.Parents[len(p.Parents)-1]++ }
	if n := len(p.Loops); n > 0 {
		k := r.IntN(n)
		s := r.IntN(len(p.Loops[k].States))
		out["a loop's scope"] = func(_ *ir.Module, p *ir.Program) { p.Loops[k].Scope++ }
		out["a loop's condition"] = func(_ *ir.Module, p *ir.Program) { p.Loops[k].Cond++ }
		out["a loop's bound"] = func(_ *ir.Module, p *ir.Program) { p.Loops[k].Max++ }
		out["a loop's state"] = func(_ *ir.Module, p *ir.Program) { p.Loops[k].States[s]++ }
		out["a loop's initial value"] = func(_ *ir.Module, p *ir.Program) { p.Loops[k].Init[s]++ }
		out["a loop's next value"] = func(_ *ir.Module, p *ir.Program) { p.Loops[k].Next[s]++ }
	}
	if n := len(p.Calls); n > 0 {
		k := r.IntN(n)
		if len(p.Calls[k].Args) > 0 {
			out["a call's argument"] = func(_ *ir.Module, p *ir.Program) { p.Calls[k].Args[0]++ }
		}
		out["a called function's body"] = func(m *ir.Module, p *ir.Program) {
			f := *m.Funcs[p.Calls[k].Func]
			body := *f.Body
			body.Nodes = slices.Clone(body.Nodes)
			body.Nodes[len(body.Nodes)-1].Type ^= 1
			f.Body = &body
			m.Funcs[p.Calls[k].Func] = &f
		}
	}
	e := r.IntN(len(p.Effects))
	out["an effect's kind"] = func(_ *ir.Module, p *ir.Program) { p.Effects[e].Kind ^= 1 }
	out["an effect's buffer"] = func(m *ir.Module, p *ir.Program) {
		p.Effects[e].Buffer = (p.Effects[e].Buffer + 1) % len(m.Buffers)
	}
	out["an effect's index"] = func(_ *ir.Module, p *ir.Program) { p.Effects[e].Index++ }
	out["an effect's value"] = func(_ *ir.Module, p *ir.Program) { p.Effects[e].Value++ }
	out["the type of a buffer that is written"] = func(m *ir.Module, p *ir.Program) { m.Buffers[p.Effects[e].Buffer].Type ^= 1 }
	for i := range p.Nodes {
		if n := &p.Nodes[i]; n.Op == ir.OpGather {
			out["the type of a buffer that is read"] = func(m *ir.Module, p *ir.Program) { m.Buffers[n.Imm].Type ^= 1 }
		}
	}
	return out
}

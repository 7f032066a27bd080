package ir

import (
	"fmt"
	"slices"
)

// Pass changes every lane program of a module without changing what it computes.
type Pass struct {
	Name string
	Doc  string
	Run  func(m *Module, p *Program) *Program
}

// passes is what stands between a differentiated module and an executor, in order. The oracle runs the program
// without expand.
var passes = []Pass{
	{"inline", "replace calls by the bodies of their functions", InlineCalls},
	{"expand", "replace transcendentals by primitive ops; after all differentiation", ExpandTranscendentals},
	{"deadcode", "drop what no effect and no result needs", DeadCode},
}

// passOrder says which pass must come before which; a test holds the table above to it.
var passOrder = [][2]string{
	{"inline", "expand"},   // function bodies hold transcendentals too
	{"expand", "deadcode"}, // expansion leaves the tests for special values that folding decided
}

// Passes returns the passes in order, without those named.
func Passes(without ...string) []Pass {
	return slices.DeleteFunc(slices.Clone(passes), func(p Pass) bool { return slices.Contains(without, p.Name) })
}

// Lower returns a copy of the module whose lane programs, those of maps and of reductions, went through the given
// passes. With verify, the verifier runs after each.
func Lower(m *Module, list []Pass, verify bool) (*Module, error) {
	m = m.Clone()
	for _, pass := range list {
		for i := range m.Stages {
			if s := &m.Stages[i]; s.Prog != nil {
				s.Prog = pass.Run(m, s.Prog)
			}
		}
		if verify {
			if err := Verify(m); err != nil {
				return nil, fmt.Errorf("after pass %s: %w", pass.Name, err)
			}
		}
	}
	return m, nil
}

// InlineCalls replaces each call by the body of its function; nodes that are equal become shared.
func InlineCalls(m *Module, p *Program) *Program {
	if len(p.Calls) == 0 {
		return drop(m, p, p.Live())
	}
	return Rewrite(m, p, func(r *Rewriter, v Value) (Value, bool) {
		n := r.From.Node(v)
		if n.Op != OpCall {
			return None, false
		}
		c := r.From.Call(v)
		r.SetResults(v, inline(m, r.To, c.Func, r.Images(c.Args)))
		return v, true // read only through its results
	})
}

// inline copies the body of function f, applied to args, into b and returns its results.
func inline(m *Module, b *Builder, f int, args []Value) []Value {
	body := m.Funcs[f].Body
	r := NewRewriter(body, b)
	for i, v := range body.Params {
		r.SetImage(v, args[i])
	}
	r.Hook = func(r *Rewriter, v Value) (Value, bool) {
		if body.Node(v).Op != OpCall {
			return None, false
		}
		c := body.Call(v)
		r.SetResults(v, inline(m, b, c.Func, r.Images(c.Args)))
		return v, true
	}
	r.Run(body.Live())
	return r.Images(body.Results)
}

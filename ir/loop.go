package ir

import (
	"fmt"
	"math/bits"
	"slices"
)

// LoopBuilder records one loop. Between LoopBegin and End, whatever is computed from States belongs to the body;
// everything else stays outside of it.
type LoopBuilder struct {
	b      *Builder
	index  int
	States []Value
}

// LoopBegin opens a loop that carries one state of each given type.
func (b *Builder) LoopBegin(types ...Type) *LoopBuilder {
	parent := ScopeLane
	if n := len(b.open); n > 0 {
		parent = b.open[n-1]
	}
	scope := Scope(len(b.p.Parents))
	b.p.Parents = append(b.p.Parents, parent)
	b.open = append(b.open, scope)
	l := &LoopBuilder{b: b, index: len(b.p.Loops)}
	for i, t := range types {
		l.States = append(l.States, b.append(OpState, t, scope, noArgs, uint64(l.index)<<32|uint64(i)))
	}
	b.p.Loops = append(b.p.Loops, Loop{Scope: scope, States: slices.Clone(l.States)})
	b.outer = append(b.outer, nil)
	return l
}

// End closes the loop: it starts from init and runs while cond holds, at most max times. It returns the states at
// the end, followed by the number of iterations done (I32).
func (l *LoopBuilder) End(init []Value, cond Value, next []Value, max int) []Value {
	b := l.b
	loop := &b.p.Loops[l.index]
	l.check(init, cond, next, max)
	if n := len(b.open); n == 0 || b.open[n-1] != loop.Scope {
		b.fail("loops must end in the reverse order of their begin")
	}
	b.open = b.open[:len(b.open)-1]
	loop.Init, loop.Cond, loop.Next, loop.Max = slices.Clone(init), cond, slices.Clone(next), max
	scope := b.close(loop)
	b.p.Parents[loop.Scope] = scope
	v := b.append(OpLoop, Invalid, scope, noArgs, uint64(l.index))
	results := make([]Value, len(init)+1)
	for i := range results {
		results[i] = b.Result(v, i)
	}
	return results
}

func (l *LoopBuilder) check(init []Value, cond Value, next []Value, max int) {
	b, n := l.b, len(l.States)
	if len(init) != n || len(next) != n || max < 1 || b.Type(cond) != Bool {
		b.fail("loop of %d states with %d initial and %d next values, condition %v, bound %d",
			n, len(init), len(next), b.Type(cond), max)
	}
	for i, s := range l.States {
		if t := b.Type(s); b.Type(init[i]) != t || b.Type(next[i]) != t {
			b.fail("loop state %d is %v, starts as %v and becomes %v", i, t, b.Type(init[i]), b.Type(next[i]))
		}
	}
}

// close returns the deepest scope outside the loop that its body or initial values read: there the loop runs. It is
// at least the lane's, since lanes stop on their own.
func (b *Builder) close(loop *Loop) Scope {
	for _, vs := range [][]Value{loop.Init, {loop.Cond}, loop.Next} {
		b.notes(loop.Scope, vs)
	}
	deepest := ScopeLane
	for _, s := range b.outer[loop.Scope-2] {
		if !b.p.Encloses(loop.Scope, s) && b.p.Encloses(deepest, s) {
			deepest = s
		}
	}
	if deepest > ScopeLane { // what this loop reads of those further out, the one around it reads too
		b.notes(deepest, loop.Init)
		for _, s := range b.outer[loop.Scope-2] {
			b.note(deepest, s)
		}
	}
	return deepest
}

// Result returns result i of a loop or call.
func (b *Builder) Result(v Value, i int) Value {
	return b.node(OpResult, b.p.resultType(b.m, v, i), [3]Value{v, None, None}, uint64(i))
}

func (p *Program) resultType(m *Module, v Value, i int) Type {
	n := &p.Nodes[v]
	switch n.Op {
	case OpLoop:
		l := &p.Loops[n.Imm]
		if i == len(l.States) {
			return I32
		}
		return p.Nodes[l.States[i]].Type
	case OpCall:
		body := m.Funcs[p.Calls[n.Imm].Func].Body
		return body.Nodes[body.Results[i]].Type
	}
	panic(fmt.Sprintf("ir: result of %v", n.Op))
}

// Call applies function f of the module and returns its results.
func (b *Builder) Call(f int, args ...Value) []Value {
	body := b.m.Funcs[f].Body
	if len(args) != len(body.Params) {
		b.fail("%s takes %d arguments, not %d", b.m.Funcs[f].Name, len(body.Params), len(args))
	}
	for i, a := range args {
		if t := body.Nodes[body.Params[i]].Type; b.Type(a) != t {
			b.fail("argument %d of %s is %v, not %v", i, b.m.Funcs[f].Name, b.Type(a), t)
		}
	}
	hash := hashCall(f, args)
	v := b.findCall(b.calls[hash], f, args)
	if v == None {
		v = b.newCall(f, args)
		b.calls[hash] = append(b.calls[hash], v)
	}
	results := make([]Value, len(body.Results))
	for i := range results {
		results[i] = b.Result(v, i)
	}
	return results
}

func hashCall(f int, args []Value) uint64 {
	h := uint64(f)
	for _, a := range args {
		h = bits.RotateLeft64((h^uint64(uint32(a)))*0x9e3779b97f4a7c15, 29)
	}
	return h
}

// findCall returns the one of some calls that applies f to args.
func (b *Builder) findCall(calls []Value, f int, args []Value) Value {
	for _, v := range calls {
		if c := b.p.Call(v); c.Func == f && slices.Equal(c.Args, args) {
			return v
		}
	}
	return None
}

func (b *Builder) newCall(f int, args []Value) Value {
	b.p.Calls = append(b.p.Calls, Call{f, append([]Value(nil), args...)})
	return b.append(OpCall, Invalid, b.callScope(f, args), noArgs, uint64(len(b.p.Calls)-1))
}

func (b *Builder) callScope(f int, args []Value) Scope {
	scope := ScopeUniform
	for _, a := range args {
		scope = b.deeper(scope, a)
	}
	if scope == ScopeUniform && b.readsLane(b.m.Funcs[f].Body) {
		scope = ScopeLane
	}
	if scope > ScopeLane {
		b.notes(scope, args)
	}
	return scope
}

// readsLane tells whether a function's body depends on the lane by itself.
func (b *Builder) readsLane(body *Program) bool {
	for i := range body.Nodes {
		switch body.Nodes[i].Op {
		case OpLane, OpLoop:
			return true
		case OpCall:
			if b.readsLane(b.m.Funcs[body.Calls[body.Nodes[i].Imm].Func].Body) {
				return true
			}
		}
	}
	return false
}

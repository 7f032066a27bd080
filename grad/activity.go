package grad

import (
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// status says how a value depends on the independent ones.
type status uint8

const (
	still  status = iota // not at all, or with derivative zero
	bits                 // an integer made from the bits of a moving float
	moving               // a float with a derivative
)

// activity finds the status of the nodes that outs depend on. It looks only at what a derivative can come through:
// not at conditions, indices, iteration counts or what is detached.
type activity struct {
	*scratch
	p        *ir.Program
	env      *environment
	fixed    []ir.Value // the independent values, and those held constant: not looked behind
	uniforms []int      // the independent uniforms by index, sorted
	order    []ir.Value // the nodes behind outs, but for the fixed ones, in the order of execution
	inLoop   []bool     // by scope: inside of a loop that is complete
	err      error
}

// scratch holds what is known of each value of a program. Sweeps look at few of a program's nodes, so their tables
// are used again rather than made anew.
type scratch struct {
	state   []status
	reached []bool     // from outs
	isFixed []bool     // not looked behind
	change  []ir.Value // a tangent or adjoint plus 1; 0 for none
	sources []ir.Value // a list in use
	changed []ir.Value // the values that have a change
}

// grow makes room for n values.
func (s *scratch) grow(n int) {
	if n > len(s.state) {
		n += n / 2
		s.state, s.reached, s.isFixed = make([]status, n), make([]bool, n), make([]bool, n)
		s.change = make([]ir.Value, n)
	}
}

// clear forgets what an activity and the sweep over it left.
func (s *scratch) clear(a *activity) {
	for _, list := range [][]ir.Value{a.order, a.fixed, s.changed} {
		for _, v := range list {
			s.state[v], s.reached[v], s.isFixed[v], s.change[v] = still, false, false, 0
		}
	}
	s.changed = s.changed[:0]
}

func newActivity(env *environment, p *ir.Program, uniforms []int, s *scratch) *activity {
	s.grow(len(p.Nodes))
	a := &activity{scratch: s, p: p, env: env, uniforms: uniforms, inLoop: make([]bool, len(p.Parents))}
	for i := range p.Loops {
		l := &p.Loops[i]
		a.inLoop[l.Scope] = l.Max > 0
	}
	for s := 2; s < len(p.Parents); s++ { // a scope comes after its parent
		a.inLoop[s] = a.inLoop[s] || a.inLoop[p.Parents[s]]
	}
	return a
}

// fix sets the status of a value.
func (a *activity) fix(v ir.Value, s status) {
	a.fixed = append(a.fixed, v)
	a.isFixed[v], a.state[v] = true, s
}

// analyse finds the status of everything behind outs.
func (a *activity) analyse(outs []ir.Value) error {
	again := a.reach(outs)
	for changed := true; changed && a.err == nil; changed = changed && again {
		changed = false
		for _, v := range a.order {
			if s := a.transfer(v); s > a.state[v] {
				a.state[v] = s
				changed = true
			}
		}
	}
	return a.err
}

// inside tells whether v belongs to the body of a complete loop, where it has no single value.
func (a *activity) inside(v ir.Value) bool { return a.inLoop[a.p.Nodes[v].Scope] }

// reach lists the nodes behind outs and tells whether there are loops' states among them, whose sources come later.
func (a *activity) reach(outs []ir.Value) (states bool) {
	var stack []ir.Value
	visit := func(v ir.Value) {
		if !a.reached[v] {
			a.reached[v] = true
			if !a.isFixed[v] {
				stack = append(stack, v)
			}
		}
	}
	for _, v := range outs {
		if v != ir.None {
			visit(v)
		}
	}
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		a.order = append(a.order, v)
		states = states || a.p.Nodes[v].Op == ir.OpState
		for _, x := range a.sourcesOf(v) {
			visit(x)
		}
	}
	slices.Sort(a.order)
	return states
}

// sourcesOf returns the values that a derivative may reach v from. The list is good until the next call.
func (a *activity) sourcesOf(v ir.Value) []ir.Value {
	list := a.sources[:0]
	n := &a.p.Nodes[v]
	r, args := row(a.p, v)
	switch {
	case r.zero:
	case n.Op == ir.OpConvert && n.Type.IsInt() && a.p.Node(args[0]).Type.IsFloat():
	case n.Op == ir.OpState || n.Op == ir.OpResult:
		list = carried(list, a.p, v)
	default:
		if n.Op == ir.OpSelect && r != &annihilated {
			args[0] = ir.None
		}
		for _, x := range args {
			if x != ir.None {
				list = append(list, x)
			}
		}
	}
	a.sources = list
	return list
}

// transfer computes the status of v from those of its sources.
func (a *activity) transfer(v ir.Value) status {
	n := a.p.Node(v)
	if n.Op == ir.OpResult && a.p.Node(n.Args[0]).Op == ir.OpCall {
		return a.callResult(n)
	}
	s := still
	for _, x := range a.sourcesOf(v) {
		s = max(s, a.state[x])
	}
	switch {
	case s == still || n.Type == ir.Bool:
		return still
	case n.Type.IsFloat() && s == bits:
		a.fail(v, "makes a float from the bits of a float that depends on the independent values; detach it first")
		return still
	case n.Type.IsInt():
		return bits
	}
	return moving
}

func (a *activity) fail(v ir.Value, format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf("grad: %%%d (%v) %s", v, a.p.Node(v).Op, fmt.Sprintf(format, args...))
	}
}

// callResult returns the status of a result of a call.
func (a *activity) callResult(n *ir.Node) status {
	c := a.p.Call(n.Args[0])
	args := make([]status, len(c.Args))
	for i, x := range c.Args {
		args[i] = a.state[x]
	}
	results, err := a.env.results(c.Func, args, a.uniforms)
	if err == nil {
		err = a.env.gathersOutside(c.Func, a)
	}
	if err != nil {
		if a.err == nil {
			a.err = err
		}
		return still
	}
	return results[n.Imm]
}

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
	inLoop   []bool     // by scope: inside of a loop that is complete
	err      error
	errAt    ir.Value // the node of err: of several the first
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
	touched []ir.Value // the values that were reached
	order   []ir.Value // those that may move, each behind its sources, but for loops' states
	visits  []ir.Value // a sweep's
}

// grow makes room for n values.
func (s *scratch) grow(n int) {
	if n > len(s.state) {
		n *= 2
		s.state, s.reached, s.isFixed = make([]status, n), make([]bool, n), make([]bool, n)
		s.change = make([]ir.Value, n)
	}
}

// clear forgets what an activity and the sweep over it left.
func (s *scratch) clear(a *activity) {
	for _, list := range [][]ir.Value{s.touched, a.fixed, s.changed} {
		for _, v := range list {
			s.state[v], s.reached[v], s.isFixed[v], s.change[v] = still, false, false, 0
		}
	}
	s.changed, s.touched, s.order, s.visits = s.changed[:0], s.touched[:0], s.order[:0], s.visits[:0]
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

// analyse finds the status of everything behind outs. The states of loops have sources that come later, so they need
// several rounds, in the order of execution.
func (a *activity) analyse(outs []ir.Value) error {
	states := false
	for _, v := range outs {
		if v != ir.None {
			states = a.reach(v) || states
		}
	}
	if states {
		slices.Sort(a.order)
	}
	for changed := true; changed && a.err == nil; changed = changed && states {
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

// reach lists the nodes behind v and tells whether there are loops' states among them.
func (a *activity) reach(v ir.Value) (states bool) {
	if a.reached[v] {
		return false
	}
	a.reached[v] = true
	a.touched = append(a.touched, v)
	if a.isFixed[v] {
		return false
	}
	n := &a.p.Nodes[v]
	states = n.Op == ir.OpState
	r, args := row(a.p, v)
	switch {
	case r.zero:
		return false
	case states || n.Op == ir.OpResult:
		for _, x := range carried(nil, a.p, v) {
			states = a.reach(x) || states
		}
	default:
		first, last := used(a.p, n, r, args)
		for _, x := range args[first:last] {
			states = a.reach(x) || states
		}
	}
	a.order = append(a.order, v)
	return states
}

// used returns the range of the arguments of an ordinary node that a derivative may come through.
func used(p *ir.Program, n *ir.Node, r *rule, args [3]ir.Value) (first, last int) {
	switch {
	case r == &annihilated:
		return 0, 2
	case n.Op == ir.OpSelect:
		return 1, 3
	case n.Op == ir.OpConvert && n.Type.IsInt() && p.Nodes[args[0]].Type.IsFloat():
		return 0, 0
	}
	return 0, n.Op.Info().Args
}

// ofSources returns the highest status of the sources of v, which is in order: a node that may move.
func (a *activity) ofSources(v ir.Value, n *ir.Node) status {
	s := still
	if n.Op == ir.OpState || n.Op == ir.OpResult {
		for _, x := range a.sourcesOf(v) {
			s = max(s, a.state[x])
		}
		return s
	}
	r, args := row(a.p, v)
	first, last := used(a.p, n, r, args)
	for _, x := range args[first:last] {
		s = max(s, a.state[x])
	}
	return s
}

// sourcesOf returns the values that a derivative may reach v from. The list is good until the next call.
func (a *activity) sourcesOf(v ir.Value) []ir.Value {
	list := a.sources[:0]
	n := &a.p.Nodes[v]
	r, args := row(a.p, v)
	switch {
	case r.zero:
	case n.Op == ir.OpState || n.Op == ir.OpResult:
		list = carried(list, a.p, v)
	default:
		first, last := used(a.p, n, r, args)
		list = append(list, args[first:last]...)
	}
	a.sources = list
	return list
}

// transfer computes the status of v from those of its sources.
func (a *activity) transfer(v ir.Value) status {
	n := a.p.Node(v)
	if n.Op == ir.OpResult && a.p.Node(n.Args[0]).Op == ir.OpCall {
		return a.callResult(v, n)
	}
	s := a.ofSources(v, n)
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
	a.failWith(v, fmt.Errorf("grad: %%%d (%v) %s", v, a.p.Node(v).Op, fmt.Sprintf(format, args...)))
}

func (a *activity) failWith(v ir.Value, err error) {
	if a.err == nil || v < a.errAt {
		a.err, a.errAt = err, v
	}
}

// callResult returns the status of a result of a call.
func (a *activity) callResult(v ir.Value, n *ir.Node) status {
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
		a.failWith(v, err)
		return still
	}
	return results[n.Imm]
}

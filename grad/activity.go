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
	p        *ir.Program
	env      *environment
	fixed    map[ir.Value]status // the independent values, and those held constant: not looked behind
	uniforms []int               // the independent uniforms by index, sorted
	state    []status
	known    []bool // reached from outs
	inLoop   []bool // by scope: the body of a loop that is complete
	err      error
}

func analyse(env *environment, p *ir.Program, outs []ir.Value, fixed map[ir.Value]status, uniforms []int) (*activity, error) {
	a := &activity{p: p, env: env, fixed: fixed, uniforms: uniforms,
		state: make([]status, len(p.Nodes)), known: make([]bool, len(p.Nodes))}
	a.inLoop = make([]bool, len(p.Parents))
	for i := range p.Loops {
		if l := &p.Loops[i]; l.Max > 0 {
			a.inLoop[l.Scope] = true
		}
	}
	for v, s := range fixed {
		a.state[v] = s
	}
	order := a.reach(outs)
	for changed := true; changed && a.err == nil; {
		changed = false
		for _, v := range order {
			if s := a.transfer(v); s > a.state[v] {
				a.state[v] = s
				changed = true
			}
		}
	}
	return a, a.err
}

// inside tells whether v belongs to the body of a complete loop, where it has no single value.
func (a *activity) inside(v ir.Value) bool {
	for s := a.p.Nodes[v].Scope; s >= 0; s = a.p.Parents[s] {
		if a.inLoop[s] {
			return true
		}
	}
	return false
}

// reach lists the nodes behind outs in the order of execution.
func (a *activity) reach(outs []ir.Value) []ir.Value {
	var order, stack []ir.Value
	visit := func(v ir.Value) {
		if a.known[v] {
			return
		}
		a.known[v] = true
		if _, ok := a.fixed[v]; !ok {
			stack = append(stack, v)
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
		order = append(order, v)
		a.sources(v, visit)
	}
	slices.Sort(order)
	return order
}

// sources calls f for the values that a derivative may reach v from.
func (a *activity) sources(v ir.Value, f func(ir.Value)) {
	n := a.p.Node(v)
	r, args := row(a.p, v)
	switch {
	case r.zero:
	case n.Op == ir.OpConvert && n.Type.IsInt() && a.p.Node(args[0]).Type.IsFloat():
	case n.Op == ir.OpState || n.Op == ir.OpResult:
		carried(a.p, v, f)
	default:
		if n.Op == ir.OpSelect && r != &annihilated {
			args[0] = ir.None
		}
		for _, x := range args {
			if x != ir.None {
				f(x)
			}
		}
	}
}

// transfer computes the status of v from those of its sources.
func (a *activity) transfer(v ir.Value) status {
	n := a.p.Node(v)
	if n.Op == ir.OpResult && a.p.Node(n.Args[0]).Op == ir.OpCall {
		return a.callResult(n)
	}
	s := still
	a.sources(v, func(x ir.Value) { s = max(s, a.state[x]) })
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
		err = a.env.gathersOutside(c.Func, a.p, a.fixed)
	}
	if err != nil {
		if a.err == nil {
			a.err = err
		}
		return still
	}
	return results[n.Imm]
}

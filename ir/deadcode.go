package ir

// DeadCode drops the nodes that no effect and no result needs, and loop states that nothing reads.
func DeadCode(m *Module, p *Program) *Program { return drop(m, p, needed(p)) }

// needed marks what the effects and results need. Unlike Program.Live it looks at each state of a loop on its own:
// a state is needed if its result is, or if the condition or the next value of a needed state reads it. A loop
// keeps its first state if its number of iterations is all that is read.
func needed(p *Program) []bool {
	d := deadness{p, make([]bool, len(p.Nodes)), nil}
	for _, e := range p.Effects {
		d.mark(e.Index)
		d.mark(e.Value)
	}
	for _, list := range [][]Value{p.Params, p.Results} {
		for _, v := range list {
			d.mark(v)
		}
	}
	d.drain()
	for i := len(p.Nodes) - 1; i >= 0; i-- {
		if p.Nodes[i].Op == OpLoop && d.live[i] && !d.anyState(p.Loop(Value(i))) {
			d.mark(p.Loop(Value(i)).States[0])
			d.drain()
		}
	}
	return d.live
}

type deadness struct {
	p     *Program
	live  []bool
	stack []Value
}

func (d *deadness) mark(v Value) {
	if !d.live[v] {
		d.live[v] = true
		d.stack = append(d.stack, v)
	}
}

func (d *deadness) drain() {
	for len(d.stack) > 0 {
		v := d.stack[len(d.stack)-1]
		d.stack = d.stack[:len(d.stack)-1]
		d.visit(v)
	}
}

// visit marks what v needs.
func (d *deadness) visit(v Value) {
	n := d.p.Node(v)
	switch n.Op {
	case OpLoop:
		d.mark(d.p.Loop(v).Cond)
	case OpState:
		l := d.p.Loop(v)
		d.mark(l.Init[uint32(n.Imm)])
		d.mark(l.Next[uint32(n.Imm)])
	case OpResult:
		d.mark(n.Args[0])
		if from := d.p.Node(n.Args[0]); from.Op == OpLoop && n.Imm < uint64(len(d.p.Loop(n.Args[0]).States)) {
			d.mark(d.p.Loop(n.Args[0]).States[n.Imm])
		}
	default:
		d.p.Operands(v, d.mark)
	}
}

func (d *deadness) anyState(l *Loop) bool {
	for _, s := range l.States {
		if d.live[s] {
			return true
		}
	}
	return false
}

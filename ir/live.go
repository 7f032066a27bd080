package ir

// Live marks the nodes that the effects and results need.
func (p *Program) Live() []bool {
	k := newMarker(p)
	k.sweep()
	return k.live()
}

// needed marks what the effects and results need. Unlike Program.Live it looks at each state of a loop on its own:
// a state is needed if its result is, or if the condition or the next value of a needed state reads it. A loop
// keeps its first state if its number of iterations is all that is read.
func needed(p *Program) []bool {
	k := newMarker(p)
	k.byState = true
	k.sweep()
	for i := len(p.Nodes) - 1; i >= 0 && len(p.Loops) > 0; i-- {
		if n := &p.Nodes[i]; n.Op == OpLoop && k.marked[i+1] && !k.anyState(&p.Loops[n.Imm]) {
			k.mark(p.Loops[n.Imm].States[0])
			k.drain()
		}
	}
	return k.live()
}

// marker marks nodes from the last to the first, which visits the users of a node before the node. What is marked
// behind the place it has come to, a loop's next states by their states, waits on a stack.
type marker struct {
	p       *Program
	byState bool   // loops are not taken as a whole
	marked  []bool // by value + 1, so that None may be marked without asking
	at      Value
	stack   []Value
}

func (k *marker) live() []bool { return k.marked[1:] }

// newMarker starts with the effects and results.
func newMarker(p *Program) *marker {
	k := &marker{p: p, marked: make([]bool, len(p.Nodes)+1), at: Value(len(p.Nodes))}
	for i := range p.Effects {
		k.mark(p.Effects[i].Index)
		k.mark(p.Effects[i].Value)
	}
	k.marks(p.Params)
	k.marks(p.Results)
	return k
}

func (k *marker) mark(v Value) {
	if k.marked[v+1] {
		return
	}
	k.marked[v+1] = true
	if v >= k.at {
		k.stack = append(k.stack, v)
	}
}

func (k *marker) marks(vs []Value) {
	for _, v := range vs {
		k.mark(v)
	}
}

// sweep marks all that the marked nodes need. The arguments of nearly all nodes come before them and have only to be
// marked.
func (k *marker) sweep() {
	for k.at > 0 {
		k.at--
		if !k.marked[k.at+1] {
			continue
		}
		n := &k.p.Nodes[k.at]
		if n.Op == OpState || n.Op >= OpLoop {
			k.visit(k.at)
			k.drain()
			continue
		}
		for _, a := range &n.Args {
			k.marked[a+1] = true
		}
	}
}

func (k *marker) drain() {
	for len(k.stack) > 0 {
		v := k.stack[len(k.stack)-1]
		k.stack = k.stack[:len(k.stack)-1]
		k.visit(v)
	}
}

// visit marks what v needs.
func (k *marker) visit(v Value) {
	n := &k.p.Nodes[v]
	for _, a := range n.Args {
		if a != None {
			k.mark(a)
		}
	}
	switch n.Op {
	case OpCall:
		k.marks(k.p.Calls[n.Imm].Args)
	case OpLoop:
		l := &k.p.Loops[n.Imm]
		k.mark(l.Cond)
		if !k.byState {
			k.marks(l.Init)
			k.marks(l.States)
			k.marks(l.Next)
		}
	case OpState:
		if l := &k.p.Loops[n.Imm>>32]; k.byState {
			k.mark(l.Init[uint32(n.Imm)])
			k.mark(l.Next[uint32(n.Imm)])
		}
	case OpResult:
		from := &k.p.Nodes[n.Args[0]]
		if !k.byState || from.Op != OpLoop {
			return
		}
		if l := &k.p.Loops[from.Imm]; n.Imm < uint64(len(l.States)) {
			k.mark(l.States[n.Imm])
		}
	}
}

func (k *marker) anyState(l *Loop) bool {
	for _, s := range l.States {
		if k.marked[s+1] {
			return true
		}
	}
	return false
}

package ir

// markRecorded finds out of a verified program that no Builder made whether one would have made the same nodes.
func (p *Program) markRecorded(m *Module) {
	b := newBuilder(m, len(p.Nodes))
	b.p.Loops, b.p.Calls, b.p.Parents = p.Loops, p.Calls, p.Parents
	b.outer = make([][]Scope, len(p.Loops))
	p.recorded = true
	for i := range p.Nodes {
		n := &p.Nodes[i]
		b.SetPos(n.Pos)
		if v := b.again(p, Value(i), n); v != Value(i) || b.p.Nodes[v] != *n {
			p.recorded = false
			return
		}
	}
}

// again makes the node of v, from a program of which b holds all nodes before it.
func (b *Builder) again(p *Program, v Value, n *Node) Value {
	switch n.Op {
	case OpState:
		if i := uint32(n.Imm); i > 0 && p.Loops[n.Imm>>32].States[i-1] != v-1 {
			return None
		}
		return b.append(n.Op, n.Type, n.Scope, n.Args, n.Imm)
	case OpLoop:
		l := &p.Loops[n.Imm]
		if b.close(l) != n.Scope || !p.followed(v, len(l.States)+1) {
			return None
		}
		return b.append(n.Op, n.Type, n.Scope, n.Args, n.Imm)
	case OpCall:
		c := &p.Calls[n.Imm]
		hash := hashCall(c.Func, c.Args)
		if b.findCall(b.calls[hash], c.Func, c.Args) != None || !p.followed(v, len(b.m.Funcs[c.Func].Body.Results)) {
			return None
		}
		b.calls[hash] = append(b.calls[hash], v)
		return b.append(n.Op, n.Type, b.callScope(c.Func, c.Args), n.Args, n.Imm)
	case OpParam, OpResult:
		return b.node(n.Op, n.Type, n.Args, n.Imm)
	}
	return b.remake(n, n.Args)
}

// followed tells whether the n results of v stand right behind it.
func (p *Program) followed(v Value, n int) bool {
	for i := range n {
		k := int(v) + 1 + i
		if k >= len(p.Nodes) || p.Nodes[k].Op != OpResult || p.Nodes[k].Args[0] != v || p.Nodes[k].Imm != uint64(i) {
			return false
		}
	}
	return true
}

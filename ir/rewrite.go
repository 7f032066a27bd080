package ir

import "slices"

// Rewriter copies a program node by node into a fresh builder, so that folding and sharing apply again. A pass
// is a Rewriter with a hook that replaces some nodes.
type Rewriter struct {
	From *Program
	To   *Builder

	// Hook, if set, may return the replacement of a live node, built in To from the images of its
	// arguments; ok = false copies the node. It never sees states and loops.
	Hook func(r *Rewriter, v Value) (image Value, ok bool)

	live   []bool         // as given to Run
	image  []Value        // of each value of From
	images []Value        // the same by value + 1, so that there is one of None
	loops  []*LoopBuilder // by loop of From
	ended  [][]Value      // the results of each loop of From
	calls  [][]Value      // the results of each call of From, or of whatever replaced it
}

// Rewrite copies the live part of p into a new program of module m.
func Rewrite(m *Module, p *Program, hook func(*Rewriter, Value) (Value, bool)) *Program {
	if hook == nil {
		return drop(m, p, p.Live())
	}
	return rewrite(m, p, p.Live(), hook, len(p.Nodes))
}

// rewrite copies the live part of p into a program of about n nodes.
func rewrite(m *Module, p *Program, live []bool, hook func(*Rewriter, Value) (Value, bool), n int) *Program {
	r := NewRewriter(p, newBuilder(m, n))
	r.Hook = hook
	return r.program(live, r.Run)
}

// drop returns the live part of p, p itself if that is all of it. Of a program that a Builder recorded, the nodes that
// are left are no more equal or ready to fold than they were, so there is nothing to look up.
func drop(m *Module, p *Program, live []bool) *Program {
	if !p.recorded {
		return rewrite(m, p, live, nil, len(p.Nodes))
	}
	kept := p.keepResults(live)
	if kept == len(live) && len(p.Params) == 0 { // a copy declares its parameters first
		return p
	}
	r := NewRewriter(p, NewBuilder(m))
	r.To.p.Nodes = make([]Node, 0, kept)
	return r.program(live, r.copyVerbatim)
}

// keepResults marks the results of live loops and calls, which come with them, and counts what is live.
func (p *Program) keepResults(live []bool) (count int) {
	structured := len(p.Loops)+len(p.Calls) > 0
	for i, l := range live {
		if !l {
			continue
		}
		count++
		if op := p.Nodes[i].Op; !structured || op != OpLoop && op != OpCall {
			continue
		}
		for k := i + 1; k < len(live) && p.Nodes[k].Op == OpResult && p.Nodes[k].Args[0] == Value(i); k++ {
			live[k] = live[k] || !p.ofDeadState(&p.Nodes[k], live)
		}
	}
	return count
}

// ofDeadState tells whether a result is that of a loop's state that is not live.
func (p *Program) ofDeadState(result *Node, live []bool) bool {
	from := &p.Nodes[result.Args[0]]
	if from.Op != OpLoop {
		return false
	}
	states := p.Loops[from.Imm].States
	return result.Imm < uint64(len(states)) && !live[states[result.Imm]]
}

// program copies a whole program, its nodes by run.
func (r *Rewriter) program(live []bool, run func(live []bool)) *Program {
	p := r.From
	for _, v := range p.Params {
		r.image[v] = r.To.Param(p.Nodes[v].Type)
	}
	run(live)
	for _, e := range p.Effects {
		r.To.Effect(e.Kind, e.Buffer, r.image[e.Index], r.image[e.Value])
	}
	r.To.SetResults(r.Images(p.Results)...)
	return r.To.Program()
}

// NewRewriter prepares to copy nodes of p into b.
func NewRewriter(p *Program, b *Builder) *Rewriter {
	images := slices.Repeat([]Value{None}, len(p.Nodes)+1)
	return &Rewriter{From: p, To: b, image: images[1:], images: images,
		loops: make([]*LoopBuilder, len(p.Loops)), ended: make([][]Value, len(p.Loops)), calls: make([][]Value, len(p.Calls))}
}

// Run copies the nodes marked live, in order. Nodes that already have an image keep it. A loop loses the states
// that are not live; it needs one that is.
func (r *Rewriter) Run(live []bool) {
	r.live = live
	pos := r.To.pos
	for i := range r.From.Nodes {
		if v := Value(i); live[i] && r.image[v] == None {
			r.To.SetPos(r.From.Nodes[i].Pos)
			r.image[v] = r.copy(v)
		}
	}
	r.To.SetPos(pos)
}

// copyVerbatim is Run for a program of which nothing changes but the numbers. What is outside of loops keeps its scope.
func (r *Rewriter) copyVerbatim(live []bool) {
	r.live = live
	b := r.To
	for i, l := range live {
		if !l || r.image[i] != None {
			continue
		}
		n := &r.From.Nodes[i]
		if n.Op == OpState || n.Op >= OpLoop {
			b.pos = n.Pos
			r.image[i] = r.copy(Value(i))
			continue
		}
		r.image[i] = Value(len(b.p.Nodes))
		b.p.Nodes = append(b.p.Nodes, *n)
		c := &b.p.Nodes[len(b.p.Nodes)-1]
		for k, a := range &c.Args {
			c.Args[k] = r.images[a+1]
		}
		if c.Scope > ScopeLane {
			c.Scope = b.scopeOf(c.Op, &c.Args)
		}
	}
	b.pos = 0
}

// Image returns what became of v, or None.
func (r *Rewriter) Image(v Value) Value {
	if v == None {
		return None
	}
	return r.image[v]
}

// SetImage fixes what v becomes, before or during Run.
func (r *Rewriter) SetImage(v, image Value) { r.image[v] = image }

// SetResults fixes what the results of the call v become.
func (r *Rewriter) SetResults(v Value, images []Value) { r.calls[r.From.Nodes[v].Imm] = images }

// Images returns what became of each value.
func (r *Rewriter) Images(vs []Value) []Value {
	out := make([]Value, len(vs))
	for i, v := range vs {
		out[i] = r.Image(v)
	}
	return out
}

func (r *Rewriter) copy(v Value) Value {
	n := r.From.Node(v)
	switch n.Op {
	case OpState:
		return r.state(v, n)
	case OpLoop:
		return r.loop(n)
	}
	if r.Hook != nil {
		if image, ok := r.Hook(r, v); ok {
			return image
		}
	}
	return r.plain(n)
}

// state opens the loop of v, whose first live state it is, and gives all live ones their images.
func (r *Rewriter) state(v Value, n *Node) Value {
	index := n.Imm >> 32
	from := &r.From.Loops[index]
	kept := r.keep(from.States, from)
	if r.loops[index] == nil {
		types := make([]Type, len(kept))
		for i, s := range kept {
			types[i] = r.From.Nodes[s].Type
		}
		r.loops[index] = r.To.LoopBegin(types...)
	}
	for i, s := range kept {
		if r.image[s] == None {
			r.image[s] = r.loops[index].States[i]
		}
	}
	return r.image[v]
}

// keep returns those of the list, one value for each state of the loop, whose states are live.
func (r *Rewriter) keep(list []Value, l *Loop) []Value {
	var out []Value
	for i, s := range l.States {
		if r.live[s] {
			out = append(out, list[i])
		}
	}
	return out
}

// loop ends a loop. The results of states that are not live have no image.
func (r *Rewriter) loop(n *Node) Value {
	l := &r.From.Loops[n.Imm]
	lb := r.loops[n.Imm]
	init, next := r.Images(r.keep(l.Init, l)), r.Images(r.keep(l.Next, l))
	kept := lb.End(init, r.image[l.Cond], next, l.Max)
	node := r.To.Node(kept[0]).Args[0]
	results := slices.Repeat([]Value{None}, len(l.States)+1)
	for i, s := range l.States {
		if r.live[s] {
			results[i], kept = kept[0], kept[1:]
		}
	}
	results[len(l.States)] = kept[0]
	r.ended[n.Imm] = results
	return node
}

// result returns what became of a result of a loop or call.
func (r *Rewriter) result(n *Node) Value {
	from := r.From.Node(n.Args[0])
	if from.Op == OpLoop {
		return r.ended[from.Imm][n.Imm]
	}
	return r.calls[from.Imm][n.Imm]
}

// plain copies a node that needs no care.
func (r *Rewriter) plain(n *Node) Value {
	b := r.To
	var args [3]Value
	for i, a := range &n.Args {
		args[i] = r.images[a+1]
	}
	switch n.Op {
	case OpCall:
		c := &r.From.Calls[n.Imm]
		results := b.Call(c.Func, r.Images(c.Args)...)
		r.calls[n.Imm] = results
		return b.Node(results[0]).Args[0]
	case OpResult:
		return r.result(n)
	case OpParam:
		panic("ir: rewriting a parameter without an image")
	}
	return b.remake(n, args)
}

// remake builds a node of the op, type and immediate of n, which may be of another program of the module.
func (b *Builder) remake(n *Node, args [3]Value) Value {
	switch n.Op {
	case OpConst:
		return b.constant(n.Type, n.Imm)
	case OpUniform:
		return b.UniformAt(int(n.Imm))
	case OpLane:
		return b.Lane()
	case OpSelect:
		return b.Select(args[0], args[1], args[2])
	case OpConvert:
		return b.Convert(n.Type, args[0])
	case OpBitcast:
		return b.Bitcast(n.Type, args[0])
	case OpGather:
		return b.Gather(int(n.Imm), args[0])
	}
	return b.make(n.Op, args, n.Op.Info().Args)
}

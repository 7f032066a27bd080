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

	live  []bool // as given to Run
	image []Value
	multi map[Value][]Value // the results of loops, calls and whatever replaced calls
	loops map[uint64]*LoopBuilder
}

// Rewrite copies the live part of p into a new program of module m.
func Rewrite(m *Module, p *Program, hook func(*Rewriter, Value) (Value, bool)) *Program {
	return rewrite(m, p, p.Live(), hook)
}

func rewrite(m *Module, p *Program, live []bool, hook func(*Rewriter, Value) (Value, bool)) *Program {
	r := NewRewriter(p, NewBuilder(m))
	r.Hook = hook
	for _, v := range p.Params {
		r.image[v] = r.To.Param(p.Nodes[v].Type)
	}
	r.Run(live)
	for _, e := range p.Effects {
		r.To.Effect(e.Kind, e.Buffer, r.image[e.Index], r.image[e.Value])
	}
	r.To.SetResults(r.Images(p.Results)...)
	return r.To.Program()
}

// NewRewriter prepares to copy nodes of p into b.
func NewRewriter(p *Program, b *Builder) *Rewriter {
	r := &Rewriter{From: p, To: b, multi: map[Value][]Value{}, loops: map[uint64]*LoopBuilder{}}
	r.image = slices.Repeat([]Value{None}, len(p.Nodes))
	return r
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
func (r *Rewriter) SetResults(v Value, images []Value) { r.multi[v] = images }

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
		return r.loop(v, n)
	}
	if r.Hook != nil {
		if image, ok := r.Hook(r, v); ok {
			return image
		}
	}
	return r.plain(v, n)
}

// state opens the loop of v when its first live state comes by.
func (r *Rewriter) state(v Value, n *Node) Value {
	index := n.Imm >> 32
	from := &r.From.Loops[index]
	kept := r.keep(from.States, from)
	l, ok := r.loops[index]
	if !ok {
		var types []Type
		for _, s := range kept {
			types = append(types, r.From.Nodes[s].Type)
		}
		l = r.To.LoopBegin(types...)
		r.loops[index] = l
	}
	return l.States[slices.Index(kept, v)]
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
func (r *Rewriter) loop(v Value, n *Node) Value {
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
	r.multi[v] = results
	return node
}

// plain copies a node that needs no care.
func (r *Rewriter) plain(v Value, n *Node) Value {
	b := r.To
	arg := func(i int) Value { return r.Image(n.Args[i]) }
	switch n.Op {
	case OpConst:
		return b.constant(n.Type, n.Imm)
	case OpUniform:
		return b.UniformAt(int(n.Imm))
	case OpLane:
		return b.Lane()
	case OpParam:
		panic("ir: rewriting a parameter without an image")
	case OpSelect:
		return b.Select(arg(0), arg(1), arg(2))
	case OpConvert:
		return b.Convert(n.Type, arg(0))
	case OpBitcast:
		return b.Bitcast(n.Type, arg(0))
	case OpGather:
		return b.Gather(int(n.Imm), arg(0))
	case OpCall:
		c := r.From.Calls[n.Imm]
		r.multi[v] = b.Call(c.Func, r.Images(c.Args)...)
		return b.Node(r.multi[v][0]).Args[0]
	case OpResult:
		return r.multi[n.Args[0]][n.Imm]
	}
	return b.Make(n.Op, r.Images(n.Args[:n.Op.Info().Args])...)
}

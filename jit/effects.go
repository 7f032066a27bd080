package jit

import "github.com/baremetaldevx86/microdr/ir"

// Effects stand at the end of a program, but their values would all have to be kept until then. A write happens as soon
// as its value is there. Writes to one buffer keep their order unless each addresses elements of its own.

// effects says what the effects of a program wait for.
type effects struct {
	missing []int8  // values that effect i still waits for
	waiting []int32 // by value: the first entry in waits, -1
	waits   []wait
	queues  [][]int // effects by buffer, where their order matters
	queue   []int32 // the queue of an effect, -1 for none
	skip    []bool  // the index is not needed: neighbours inside the buffer
}

// wait is an effect in the list of those that wait for a value.
type wait struct{ effect, next int32 }

// schedule prepares the effects.
func (o *order) schedule() {
	n := len(o.p.Effects)
	f := &o.effects
	*f = effects{missing: make([]int8, n), waiting: f.waiting, queue: make([]int32, n), skip: make([]bool, n)}
	byBuffer := map[int][]int{}
	for i := range o.p.Effects {
		e := &o.p.Effects[i]
		f.queue[i] = -1
		if e.Kind == ir.Store {
			f.skip[i] = o.affineIndex(e.Index, e.Buffer).inside && o.m.Buffers[e.Buffer].Type.Size() >= 4
			byBuffer[e.Buffer] = append(byBuffer[e.Buffer], i)
		}
		for _, v := range o.awaited(i) {
			f.waits = append(f.waits, wait{int32(i), f.waiting[v]})
			f.waiting[v] = int32(len(f.waits) - 1)
			f.missing[i]++
		}
	}
	for _, list := range byBuffer {
		if !o.apart(list) {
			for _, i := range list {
				f.queue[i] = int32(len(f.queues))
			}
			f.queues = append(f.queues, list)
		}
	}
}

// awaited lists what an effect reads, but for leaves.
func (o *order) awaited(i int) []ir.Value {
	e := &o.p.Effects[i]
	list := make([]ir.Value, 0, 2)
	for k, v := range [2]ir.Value{e.Value, e.Index} {
		if k == 1 && o.effects.skip[i] {
			continue
		}
		if v = o.name(v); !o.isLeaf(v) && (len(list) == 0 || list[0] != v) {
			list = append(list, v)
		}
	}
	return list
}

// name follows a value to the one whose register it has.
func (o *order) name(v ir.Value) ir.Value {
	for o.isName(o.p.Node(v)) {
		v = o.p.Node(v).Args[0]
	}
	return v
}

// apart tells whether stores address elements of their own: the lane's number plus constants that differ.
func (o *order) apart(list []int) bool {
	seen := make(map[int32]bool, len(list))
	for _, i := range list {
		a := o.affineIndex(o.p.Effects[i].Index, o.p.Effects[i].Buffer)
		if !a.ok || a.uniform != ir.None || seen[a.offset] {
			return len(list) == 1
		}
		seen[a.offset] = true
	}
	return true
}

// ready tells the effects that wait for v, or with ir.None those that wait for nothing, that it is there.
func (o *order) ready(v ir.Value) {
	f := &o.effects
	if v == ir.None {
		for i := range f.missing {
			if f.missing[i] == 0 {
				o.write(i)
			}
		}
		return
	}
	for w := f.waiting[v]; w >= 0; w = f.waits[w].next {
		i := int(f.waits[w].effect)
		if f.missing[i]--; f.missing[i] == 0 {
			o.write(i)
		}
	}
}

// write places an effect whose values are there, when its turn comes.
func (o *order) write(i int) {
	f := &o.effects
	if f.queue[i] < 0 {
		o.place(i)
		return
	}
	q := &f.queues[f.queue[i]]
	for len(*q) > 0 && f.missing[(*q)[0]] == 0 {
		o.place((*q)[0])
		*q = (*q)[1:]
	}
}

func (o *order) place(i int) {
	group := int32(len(o.loops) - 1)
	e := &o.p.Effects[i]
	at := o.add(item{itemEffect, ir.None, int32(i)}, group)
	o.loops[group].cost += o.effectWeight(i) - 1
	o.use(e.Value, at, group)
	if !o.effects.skip[i] {
		o.use(e.Index, at, group)
	}
	o.use(o.loops[group].mask, at, group)
}

// isMasked tells of a gather that reads neighbours which may lie outside of their buffer: it loads under the mask of the
// lanes that run.
func (o *order) isMasked(n *ir.Node) bool {
	if o.root != ir.ScopeLane || o.m.Buffers[n.Imm].Type.Size() < 4 {
		return false
	}
	a := o.affineIndex(n.Args[0], int(n.Imm))
	return a.ok && !a.inside
}

// skipsIndex tells of a gather that reads neighbours inside its buffer: it needs the lane's number alone.
func (o *order) skipsIndex(n *ir.Node) bool {
	return n.Op == ir.OpGather && o.root == ir.ScopeLane && o.m.Buffers[n.Imm].Type.Size() >= 4 &&
		o.affineIndex(n.Args[0], int(n.Imm)).inside
}

// live marks the nodes that the effects need: users stand behind what they use, so one pass from the last node does. A
// loop's body stands before its loop, but may need states, which stand before it.
func (o *order) live() []bool {
	live := sized(&o.memory.live, len(o.p.Nodes))
	clear(live)
	for i := range o.p.Effects {
		e := &o.p.Effects[i]
		live[e.Value] = true
		if !o.effects.skip[i] {
			live[e.Index] = true
		}
	}
	mark := func(v ir.Value) { live[v] = true }
	for i := len(o.p.Nodes) - 1; i >= 0; i-- {
		n := &o.p.Nodes[i]
		switch {
		case !live[i]:
		case n.Op == ir.OpLoop:
			o.p.Operands(ir.Value(i), mark)
		default:
			for _, a := range o.operands(ir.Value(i)) {
				if a != ir.None {
					live[a] = true
				}
			}
		}
	}
	return live
}

package eval

import (
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// loop compiles the loop of node v. Its registers come from the same pool as the enclosing region's, are
// taken before the body is emitted and go back after it, so that the body may not clobber what lives outside.
func (r *region) loop(v ir.Value) *loop {
	c := r.c
	l := c.p.Loop(v)
	out := &loop{max: l.Max, count: -1}
	in := &region{c: c, reg: map[ir.Value]int32{}, free: r.free, outer: r}
	r.allocResults(v, l, out)

	copyIn := func(v, as ir.Value) {
		f := fileOf(c.p.Node(v).Type)
		reg := in.alloc(f)
		in.reg[as] = reg
		out.enter = append(out.enter, move{f, r.find(v), reg})
		out.close = append(out.close, move{f, reg, reg})
	}
	for _, a := range c.captured(l) {
		copyIn(a, a)
	}
	for i, s := range l.States {
		copyIn(l.Init[i], s)
	}
	head, body := c.split(l)
	in.findLastUses(append(slices.Clone(head), body...), append([]ir.Value{l.Cond}, l.Next...))
	in.pin()
	in.freely = true
	out.head = in.emit(head, 0)
	out.cond = in.find(l.Cond)
	out.close = append(out.close, in.crossing(head)...)
	out.body = in.emit(body, len(head))
	in.moves(l, out)
	for i := range out.results {
		out.results[i].from = in.reg[l.States[out.results[i].from]]
	}
	in.releaseAll(l)
	return out
}

// pin keeps the captured values and the states, all that has a register so far, from being released.
func (r *region) pin() {
	for v := range r.reg {
		r.last[v] = math.MaxInt
	}
}

// crossing lists the registers that the head computes and the body, or the next states, read: they move when lanes
// close ranks.
func (r *region) crossing(head []ir.Value) []move {
	var out []move
	for v, reg := range r.reg {
		n := r.c.p.Node(v)
		at := v
		if n.Op == ir.OpResult {
			at = n.Args[0] // computed by its loop
		}
		if n.Op != ir.OpState && slices.Contains(head, at) && r.last[v] >= len(head) {
			out = append(out, move{fileOf(n.Type), reg, reg})
		}
	}
	slices.SortFunc(out, func(a, b move) int { return int(a.file)<<24 + int(a.from) - int(b.file)<<24 - int(b.from) })
	return out
}

// allocResults gives registers in the enclosing region to the results that are read.
func (r *region) allocResults(v ir.Value, l *ir.Loop, out *loop) {
	for _, w := range r.c.byScope[r.c.p.Node(v).Scope] {
		n := r.c.p.Node(w)
		if n.Op != ir.OpResult || n.Args[0] != v {
			continue
		}
		f := fileOf(n.Type)
		reg := r.alloc(f)
		r.reg[w] = reg
		if int(n.Imm) == len(l.States) {
			out.count = reg
			continue
		}
		// from holds the state's number until the states have registers.
		out.results = append(out.results, move{f, int32(n.Imm), reg})
	}
}

// moves emits the copies of the next states. They pass through temporaries only where a state is itself the
// next value of another.
func (r *region) moves(l *ir.Loop, out *loop) {
	direct := true
	for i, n := range l.Next {
		direct = direct && (r.c.p.Node(n).Op != ir.OpState || n == l.States[i])
	}
	for i, s := range l.States {
		f := fileOf(r.c.p.Node(s).Type)
		from, to := r.find(l.Next[i]), r.reg[s]
		if from == to {
			continue
		}
		if direct {
			out.commit = append(out.commit, move{f, from, to})
			continue
		}
		tmp := r.alloc(f)
		r.reg[ir.Value(-2-i)] = tmp // returned by releaseAll
		out.next = append(out.next, move{f, from, tmp})
		out.commit = append(out.commit, move{f, tmp, to})
	}
}

// releaseAll returns the registers of a loop's region.
func (r *region) releaseAll(l *ir.Loop) {
	keys := make([]ir.Value, 0, len(r.reg))
	for v := range r.reg {
		keys = append(keys, v)
	}
	slices.Sort(keys)
	for _, v := range keys {
		if v < 0 {
			r.release(fileOf(r.c.p.Node(l.States[-2-int(v)]).Type), r.reg[v])
			continue
		}
		r.release(fileOf(r.c.p.Node(v).Type), r.reg[v])
	}
}

// split divides a loop's nodes into those that the condition needs and the rest.
func (c *compiler) split(l *ir.Loop) (head, body []ir.Value) {
	needed := c.needed(nil, []ir.Value{l.Cond})
	for _, v := range c.byScope[l.Scope] {
		if needed[v] {
			head = append(head, v)
		} else {
			body = append(body, v)
		}
	}
	return head, body
}

// needed marks everything that the given nodes and roots depend on.
func (c *compiler) needed(nodes, roots []ir.Value) map[ir.Value]bool {
	seen := map[ir.Value]bool{}
	var visit func(v ir.Value)
	visit = func(v ir.Value) {
		if seen[v] {
			return
		}
		seen[v] = true
		c.p.Operands(v, visit)
	}
	for _, v := range append(slices.Clone(nodes), roots...) {
		visit(v)
	}
	return seen
}

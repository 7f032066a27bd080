package bench

import (
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// How often a loop runs is known when it ran. To count it, a program is rewritten: a loop has its number of iterations as
// a result, and what loops inside of it count is added up in further states of its own.

// withCounts returns a copy of a lowered module that counts the iterations of each loop, all lanes together, in one more
// buffer, and where the counts of each stage begin in it. It computes all else as before. Loops that are the same in all
// lanes are not counted.
func withCounts(m *ir.Module) (counted *ir.Module, first []int) {
	c := m.Clone()
	total := 0
	for i := range c.Stages {
		first = append(first, total)
		if p := c.Stages[i].Prog; p != nil {
			total += len(p.Loops)
		}
	}
	buffer := c.AddBuffer("iterations", ir.I32, ir.Output, max(total, 1))
	for i := range c.Stages {
		if s := &c.Stages[i]; s.Prog != nil && len(s.Prog.Loops) > 0 {
			s.Prog = countLoops(s.Prog, buffer, first[i])
		}
	}
	return c, first
}

// loopCounter rewrites one program.
type loopCounter struct {
	from   *ir.Program
	to     ir.Program
	image  []ir.Value       // of the nodes so far
	counts [][]loopCount    // of a loop: what its results count, itself first
	inner  [][]int          // the loops right inside of a loop
	number map[int]ir.Value // constants
}

// loopCount says which result of a loop is the number of iterations of another one, or its own.
type loopCount struct{ loop, result int }

// countLoops adds to a program that each lane adds its iterations of loop i to element first+i of a buffer.
func countLoops(p *ir.Program, buffer, first int) *ir.Program {
	n := len(p.Loops)
	c := &loopCounter{from: p, to: *p, counts: make([][]loopCount, n), inner: make([][]int, n), number: map[int]ir.Value{}}
	c.to.Nodes, c.to.Loops, c.to.Effects = nil, slices.Clone(p.Loops), slices.Clone(p.Effects)
	for i := range p.Loops {
		for j := range p.Loops {
			if p.Parents[p.Loops[j].Scope] == p.Loops[i].Scope {
				c.inner[i] = append(c.inner[i], j)
			}
		}
	}
	for i := range max(n, 1) {
		c.constant(first + i)
	}
	c.constant(0)
	for v := range p.Nodes {
		c.node(ir.Value(v))
	}
	for i := range c.to.Effects {
		e := &c.to.Effects[i]
		e.Index, e.Value = c.image[e.Index], c.image[e.Value]
	}
	for v := range p.Nodes {
		if node := &p.Nodes[v]; node.Op == ir.OpLoop && node.Scope == ir.ScopeLane {
			c.leave(ir.Value(v), buffer, first)
		}
	}
	return &c.to
}

func (c *loopCounter) add(n ir.Node) ir.Value {
	c.to.Nodes = append(c.to.Nodes, n)
	return ir.Value(len(c.to.Nodes) - 1)
}

// constant returns a number, which is made before all else.
func (c *loopCounter) constant(x int) ir.Value {
	v, ok := c.number[x]
	if !ok {
		v = c.add(ir.Node{Op: ir.OpConst, Type: ir.I32, Args: args(), Imm: uint64(x)})
		c.number[x] = v
	}
	return v
}

// args fills up the arguments of a node.
func args(list ...ir.Value) [3]ir.Value {
	out := [3]ir.Value{ir.None, ir.None, ir.None}
	copy(out[:], list)
	return out
}

// node copies a node; a loop, when it closes, with the states that count.
func (c *loopCounter) node(v ir.Value) {
	n := c.from.Nodes[v]
	switch {
	case n.Op == ir.OpLoop:
		c.close(int(n.Imm))
	case n.Op == ir.OpResult:
		// Further states stand before the number of iterations.
		if l := c.from.Loop(n.Args[0]); int(n.Imm) == len(l.States) {
			n.Imm = uint64(len(c.to.Loops[c.from.Nodes[n.Args[0]].Imm].States))
		}
	}
	for i, a := range n.Args {
		if a != ir.None {
			n.Args[i] = c.image[a]
		}
	}
	c.image = append(c.image, c.add(n))
}

// close finishes a loop, whose body stands there: its parts are renamed, and a state counts what each loop inside does.
func (c *loopCounter) close(loop int) {
	l := &c.to.Loops[loop]
	l.States, l.Init, l.Next, l.Cond = c.images(l.States), c.images(l.Init), c.images(l.Next), c.image[l.Cond]
	for _, inside := range c.inner[loop] {
		for _, x := range c.counts[inside] {
			i := len(l.States)
			state := c.add(ir.Node{Op: ir.OpState, Type: ir.I32, Scope: l.Scope, Args: args(), Imm: uint64(loop)<<32 | uint64(i)})
			done := c.result(c.closed(inside), x.result, l.Scope)
			next := c.add(ir.Node{Op: ir.OpAdd, Type: ir.I32, Scope: l.Scope, Args: args(state, done)})
			l.States, l.Init, l.Next = append(l.States, state), append(l.Init, c.constant(0)), append(l.Next, next)
			c.counts[loop] = append(c.counts[loop], loopCount{x.loop, i})
		}
	}
	c.counts[loop] = append(c.counts[loop], loopCount{loop, len(l.States)})
}

func (c *loopCounter) images(vs []ir.Value) []ir.Value {
	out := make([]ir.Value, len(vs))
	for i, v := range vs {
		out[i] = c.image[v]
	}
	return out
}

// closed returns the node of a loop that stands there.
func (c *loopCounter) closed(loop int) ir.Value {
	i := slices.IndexFunc(c.to.Nodes, func(n ir.Node) bool { return n.Op == ir.OpLoop && n.Imm == uint64(loop) })
	return ir.Value(i)
}

func (c *loopCounter) result(loop ir.Value, i int, s ir.Scope) ir.Value {
	return c.add(ir.Node{Op: ir.OpResult, Type: ir.I32, Scope: s, Args: args(loop), Imm: uint64(i)})
}

// leave adds the counts of a loop of the lanes to the buffer.
func (c *loopCounter) leave(v ir.Value, buffer, first int) {
	for _, x := range c.counts[c.from.Nodes[v].Imm] {
		done := c.result(c.image[v], x.result, ir.ScopeLane)
		e := ir.Effect{Kind: ir.ScatterAdd, Buffer: buffer, Index: c.constant(first + x.loop), Value: done}
		c.to.Effects = append(c.to.Effects, e)
	}
}

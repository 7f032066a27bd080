package grad

import (
	"errors"
	"fmt"

	"github.com/baremetaldevx86/microdr/ir"
)

// Column is a column of a Jacobian: the buffer that holds d Output / d Param.
type Column struct {
	Output    string
	Param     string // the name of a uniform or of an input buffer
	Component int    // of an input buffer: which of its reads, in the order in which the program makes them
	Buffer    string // "jac.OUTPUT.PARAM", and ".COMPONENT" if the buffer is read more than once
}

// Jacobian returns the module that also computes whole columns of its Jacobian, each an output buffer of the shape of
// the output: the map stages compute all derivatives of a lane, by forward or reverse sweeps, whichever is less
// work, store them without adding over lanes, and the columns then go through the same reductions as the
// output.
//
// For a uniform a column is the derivative of each element with respect to it. An input buffer holds parameters of
// which each lane reads its own (an albedo per pixel): its column is the derivative of each element with
// respect to the one element that the lanes behind it read, so all lanes that are reduced into one element must
// read the same; a buffer that several stages read is an error.
func Jacobian(m *ir.Module, spec Spec) (*ir.Module, []Column, error) {
	g, err := newGraph(m, spec)
	if err != nil {
		return nil, nil, err
	}
	var dirs []*direction
	var columns []Column
	add := func(param string, component int, suffix string, d *direction) {
		d.tan = map[int]int{}
		d.name = func(b int) string { return "jac." + g.m.Buffers[b].Name + "." + param + suffix }
		dirs = append(dirs, d)
		for _, o := range g.outputs {
			columns = append(columns, Column{m.Buffers[o].Name, param, component, d.name(o)})
		}
	}
	for _, u := range g.uniforms {
		add(m.Uniforms[u].Name, 0, "", &direction{uniform: onlyUniform(m, u), gather: noGather})
	}
	for _, b := range g.inputs {
		n, err := g.reads(b)
		if err != nil {
			return nil, nil, err
		}
		for k := range n {
			suffix := ""
			if n > 1 {
				suffix = fmt.Sprintf(".%d", k)
			}
			add(m.Buffers[b].Name, k, suffix, &direction{uniform: noUniform, gather: onlyGather(b, k)})
		}
	}
	if err := g.pushForward(dirs, (*graph).tangentsCheaper); err != nil {
		return nil, nil, err
	}
	m, err = g.finish()
	return m, columns, err
}

func noUniform(*ir.Builder, int) ir.Value { return ir.None }

func noGather(*ir.Builder, int, int) int { return tangentZero }

func onlyUniform(m *ir.Module, u int) func(*ir.Builder, int) ir.Value {
	return func(b *ir.Builder, v int) ir.Value {
		if v != u {
			return ir.None
		}
		return b.Const(m.Uniforms[u].Type, 1)
	}
}

func onlyGather(buffer, k int) func(*ir.Builder, int, int) int {
	return func(_ *ir.Builder, b, j int) int {
		if b != buffer || j != k {
			return tangentZero
		}
		return tangentOne
	}
}

// reads counts the elements of an input buffer that a lane reads.
func (g *graph) reads(buffer int) (int, error) {
	n, stages := 0, 0
	for i := range g.primal {
		if g.primal[i].Kind != ir.StageMap {
			continue
		}
		l, err := g.open(i)
		if err != nil {
			return 0, err
		}
		before := n
		for _, v := range l.gathers {
			if int(l.b.Node(v).Imm) == buffer {
				n++
			}
		}
		if n > before {
			stages++
		}
	}
	if stages > 1 {
		return 0, fmt.Errorf("grad: buffer %s is read by %d stages; a Jacobian takes it from one", g.m.Buffers[buffer].Name, stages)
	}
	return n, nil
}

// tangentsCheaper tries both modes on a lane and takes the program with less work.
func (g *graph) tangentsCheaper(i int, l *lane, dirs []*direction) (*lane, [][]ir.Value, error) {
	fl, forward, ferr := g.tangentsForward(i, l, dirs)
	r, err := g.open(i)
	if err != nil {
		return nil, nil, err
	}
	rl, reverse, rerr := g.tangentsReverse(i, r, dirs)
	switch {
	case ferr != nil && rerr != nil:
		return nil, nil, errors.Join(ferr, rerr)
	case rerr != nil:
		return fl, forward, nil
	case ferr != nil || g.work(rl, reverse) < g.work(fl, forward):
		return rl, reverse, nil
	}
	return fl, forward, nil
}

// loopWeight is the number of iterations that a loop is assumed to make, if its bound is not lower.
const loopWeight = 16

// work estimates the cost of a lane with its tangents: the nodes left after inlining, those in loops counted more
// often.
func (g *graph) work(l *lane, tangents [][]ir.Value) int {
	p := *l.b.Program() // its lists are only read
	p.Effects, p.Results = nil, nil
	for _, ts := range tangents {
		for _, t := range ts {
			if t != ir.None {
				p.Results = append(p.Results, t)
			}
		}
	}
	q := ir.InlineCalls(g.m, &p)
	weight := make([]int, len(q.Parents))
	for s := range weight {
		weight[s] = 1
	}
	for i := range q.Loops {
		weight[q.Loops[i].Scope] = min(loopWeight, q.Loops[i].Max)
	}
	total := 0
	for i := range q.Nodes {
		w := 1
		for s := q.Nodes[i].Scope; s >= 0; s = q.Parents[s] {
			w *= weight[s]
		}
		total += w
	}
	return total
}

package bench

import "github.com/baremetaldevx86/microdr/ir"

// amount is what lanes do: operations on floats (sums, products, quotients, roots, minima and maxima count one, a fused
// multiply-add two) and the bytes of the elements that they read from buffers and write to them.
type amount struct{ flops, bytes float64 }

func (a amount) plus(b amount, times float64) amount {
	return amount{a.flops + times*b.flops, a.bytes + times*b.bytes}
}

// work is what a lane of a map does: outside of loops, and in an iteration of each. The condition that ends a loop is
// not counted once more.
type work struct {
	outside amount
	loops   []amount
}

// workOf looks at a map stage of a lowered module.
func workOf(m *ir.Module, s *ir.Stage) work {
	p := s.Prog
	w := work{loops: make([]amount, len(p.Loops))}
	in := map[ir.Scope]*amount{ir.ScopeLane: &w.outside}
	for i, l := range p.Loops {
		in[l.Scope] = &w.loops[i]
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		a := in[n.Scope]
		if a == nil { // the same in all lanes
			continue
		}
		a.flops += flopsOf(n)
		if n.Op == ir.OpGather {
			a.bytes += float64(m.Buffers[n.Imm].Type.Size())
		}
	}
	for _, e := range p.Effects {
		w.outside.bytes += float64(m.Buffers[e.Buffer].Type.Size())
	}
	return w
}

func flopsOf(n *ir.Node) float64 {
	if !n.Type.IsFloat() {
		return 0
	}
	switch n.Op {
	case ir.OpFMA:
		return 2
	case ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpScale, ir.OpDiv, ir.OpMin, ir.OpMax, ir.OpSqrt:
		return 1
	}
	return 0
}

// total is what all lanes do, if the loops take so many iterations, all lanes together.
func (w *work) total(lanes int, iterations []float64) amount {
	t := amount{}.plus(w.outside, float64(lanes))
	for i, l := range w.loops {
		t = t.plus(l, iterations[i])
	}
	return t
}

// reduction is what a reduce stage does: it combines every element once.
func reduction(m *ir.Module, s *ir.Stage) amount {
	in, out := &m.Buffers[s.In[0]], &m.Buffers[s.Out[0]]
	return amount{float64(in.Len()), float64(in.Len()*in.Type.Size() + out.Len()*out.Type.Size())}
}

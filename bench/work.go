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

// wholeStage is what a stage does that is no map: reductions combine every element once.
func wholeStage(m *ir.Module, s *ir.Stage) amount {
	out := &m.Buffers[s.Out[0]]
	a := amount{0, float64(out.Len() * out.Type.Size())}
	for _, in := range s.In {
		a.bytes += float64(m.Buffers[in].Len() * m.Buffers[in].Type.Size())
	}
	switch s.Kind {
	case ir.StageReduce:
		a.flops = float64(elements(m, s))
	case ir.StageMatMul:
		a.flops = 2 * float64(out.Len()) * float64(s.MatMul.K)
	case ir.StageConv:
		a.flops = 2 * float64(s.Conv.FMAs())
	}
	return a
}

// elements is how many a stage that is no map combines, or makes.
func elements(m *ir.Module, s *ir.Stage) int {
	n := m.Buffers[s.Out[0]].Len()
	if s.Kind == ir.StageReduce {
		n *= s.Group
	}
	return n
}

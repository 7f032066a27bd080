package irtest

import (
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// scan executes a scan, column by column.
func scan(m *ir.Module, s *ir.Stage, mem Memory) {
	in, out, t := mem[s.In[0]], mem[s.Out[0]], m.Buffers[s.In[0]].Type
	for i := range in {
		if out[i] = in[i]; i/s.Inner%s.Group > 0 {
			out[i] = ir.Scalar(ir.OpAdd, t, [3]uint64{out[i-s.Inner], in[i]})
		}
	}
}

// sortRows executes a sort by numbers that float64 holds exactly, whatever the type: NaN is above all of them.
func sortRows(m *ir.Module, s *ir.Stage, mem Memory) {
	in, t := mem[s.In[0]], m.Buffers[s.In[0]].Type
	for first := 0; first < len(in); first += s.Group {
		order := make([]int, s.Group)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			x := math.Float64frombits(ir.ConvertBits(ir.F64, t, in[first+a]))
			y := math.Float64frombits(ir.ConvertBits(ir.F64, t, in[first+b]))
			switch {
			case x == y || x != x && y != y:
				return 0
			case x != x || y == y && x > y != s.Descending:
				return 1
			}
			return -1
		})
		for i, from := range order {
			mem[s.Out[0]][first+i], mem[s.Out[1]][first+i] = in[first+from], uint64(from)
		}
	}
}

// RandomReduction returns a verified module whose one stage, of a random kind and shape, reduces what a random program
// computes (see Random, whose options count but for Lanes). It is of no more than 2000 lanes.
func RandomReduction(seed uint64, o Options) *ir.Module {
	g := newGenerator(seed, o)
	g.b = ir.NewBuilder(g.m)
	g.pool = nil
	g.open()
	lane := g.b.Lane()
	g.add(lane, g.b.Convert(ir.F32, lane))
	for range g.o.Nodes {
		g.step(0)
	}
	t := []ir.Type{ir.F32, ir.F32, ir.I32}[g.IntN(3)]
	if t == ir.F32 && !g.o.NoDouble && g.IntN(4) == 0 {
		t = ir.F64
	}
	g.b.SetResults(g.latest(t))
	op := ir.ReduceOp(g.IntN(int(ir.ReduceProd) + 1))
	to := t
	if t.IsFloat() && !g.o.NoDouble && g.IntN(3) == 0 {
		to = ir.F32 + ir.F64 - t
	} else if t == ir.I32 && op == ir.ReduceMean {
		op = ir.ReduceSum
	}
	group := []int{1 + g.IntN(20), 1 + g.IntN(300), 257 + g.IntN(1000), 256, 1024}[g.IntN(5)]
	inner := []int{1, 1, 1 + g.IntN(40)}[g.IntN(3)]
	outer := 1 + g.IntN(max(1, 2000/(group*inner)))
	if group*inner > 2000 {
		inner = 1
	}
	out := g.m.AddBuffer("out", to, ir.Output, outer, inner)
	g.m.AddReduceProgram("reduce", op, g.b.Program(), out, outer, group, inner)
	g.check()
	return g.m
}

package ir

import "slices"

// ReduceOp is how a reduction combines two elements.
type ReduceOp uint8

// The reductions. Identities of floats: -0, -0, +Inf, -Inf, 1. Mean is Sum divided by the group's size, rounded once
// more; it is of floats only. Sums and products of i32 wrap.
const (
	ReduceSum ReduceOp = iota
	ReduceMean
	ReduceMin
	ReduceMax
	ReduceProd
)

var reduceNames = [...]string{"sum", "mean", "min", "max", "prod"}

func (r ReduceOp) String() string { return reduceNames[r] }

// ReduceBlock is the number of elements that a reduction sums in one block: element i of a block goes to
// accumulator i%16, in order; accumulators fold as a[i] += a[i+8], then 4, 2, 1. Blocks fold in a tree over their
// index: r[i] = r[2i] + r[2i+1] until one is left, an odd last one passing up unchanged. Accumulators start at
// the operation's identity, so missing elements change no bit.
const ReduceBlock = 256

// ReduceLanes is the number of accumulators of a block.
const ReduceLanes = 16

// AddReduce appends a reduction of in, seen as [outer, group, inner], to out.
func (m *Module) AddReduce(name string, op ReduceOp, in, out, group, inner int) {
	m.Stages = append(m.Stages, Stage{Kind: StageReduce, Name: name, Reduce: op,
		In: []int{in}, Out: []int{out}, Group: group, Inner: inner})
}

// AddReduceProgram appends a reduction of what a program computes to out: the element at [o, g, i] of [outer, group,
// inner] is the program's result in lane (o*group + g)*inner + i. Elements are not written to memory.
func (m *Module) AddReduceProgram(name string, op ReduceOp, prog *Program, out, outer, group, inner int) {
	m.Stages = append(m.Stages, Stage{Kind: StageReduce, Name: name, Reduce: op, Prog: prog,
		Domain: []int{outer, group, inner}, Out: []int{out}, Group: group, Inner: inner})
}

// AddScan appends the running sums of in, seen as [outer, group, inner], along the middle (see StageScan).
func (m *Module) AddScan(name string, in, out, group, inner int) {
	m.Stages = append(m.Stages, Stage{Kind: StageScan, Name: name,
		In: []int{in}, Out: []int{out}, Group: group, Inner: inner})
}

// AddSort appends a sort of in, seen as rows of group elements, to values and indices (see StageScan).
func (m *Module) AddSort(name string, in, values, indices, group int, descending bool) {
	m.Stages = append(m.Stages, Stage{Kind: StageSort, Name: name,
		In: []int{in}, Out: []int{values, indices}, Group: group, Descending: descending})
}

// Elements returns the type of what a reduction reduces.
func (s *Stage) Elements(m *Module) Type {
	if s.Prog != nil {
		return s.Prog.Node(s.Prog.Results[0]).Type
	}
	return m.Buffers[s.In[0]].Type
}

// StoreElements returns the program of a reduction as one of a map: its lanes store their elements to a buffer, each to
// the one that has its number.
func StoreElements(p *Program, buffer int) *Program {
	q := *p
	q.Nodes = slices.Clone(p.Nodes)
	lane := Value(slices.IndexFunc(q.Nodes, func(n Node) bool { return n.Op == OpLane }))
	if lane < 0 {
		lane = Value(len(q.Nodes))
		q.Nodes = append(q.Nodes, Node{Op: OpLane, Type: I32, Scope: ScopeLane, Args: noArgs})
	}
	q.Effects = []Effect{{Kind: Store, Buffer: buffer, Index: lane, Value: p.Results[0]}}
	q.Results = nil
	return &q
}

// SplitReductions returns a copy of the module in which no reduction has a program: the elements are those of a
// temporary, which a map of the reduction's name writes. It computes the same bits.
func SplitReductions(m *Module) *Module {
	out := m.Clone()
	out.Stages = nil
	for _, s := range m.Stages {
		if s.Kind == StageReduce && s.Prog != nil {
			elements := out.AddBuffer(s.Name+".elements", s.Prog.Node(s.Prog.Results[0]).Type, Temp, s.Domain...)
			out.AddMap(s.Name, StoreElements(s.Prog, elements), s.Domain...)
			s.Prog, s.Domain, s.In = nil, nil, []int{elements}
		}
		out.Stages = append(out.Stages, s)
	}
	return out
}

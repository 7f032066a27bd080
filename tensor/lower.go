package tensor

import (
	"fmt"

	"github.com/baremetaldevx86/microdr/ir"
)

// lowering writes the module of a schedule.
type lowering struct {
	m        *ir.Module
	slots    map[*Tensor]int // buffers of what is in memory, or given
	uniforms map[*Tensor]int // of numbers
	s        *schedule
	done     map[*Tensor]bool // written by a stage before

	// Of the stage that is being written:
	b    *ir.Builder
	memo map[reading]ir.Value
}

// reading is an element of a tensor in a program.
type reading struct {
	t     *Tensor
	index ir.Value
}

// lower writes the module that computes the roots: its inputs are the given tensors, in the order of the schedule, then
// come the roots as outputs.
func lower(s *schedule, roots []*Tensor) *lowering {
	l := &lowering{m: &ir.Module{Name: "tensors"}, slots: map[*Tensor]int{}, uniforms: map[*Tensor]int{}, s: s,
		done: map[*Tensor]bool{}}
	for i, t := range s.order {
		if t.given() {
			l.slots[t] = l.m.AddBuffer(fmt.Sprintf("in%d", i), types[t.typ].ir, ir.Input, t.Len())
			l.done[t] = true
		}
		if t.isUniform() {
			l.uniforms[t] = l.m.Uniform(fmt.Sprintf("c%d", len(l.uniforms)), ir.F32)
		}
	}
	for i, t := range roots {
		l.slots[t] = l.m.AddBuffer(fmt.Sprintf("out%d", i), types[t.typ].ir, ir.Output, t.Len())
	}
	for _, g := range s.groups {
		for _, t := range g.members {
			if _, ok := l.slots[t]; !ok {
				l.slots[t] = l.m.AddBuffer(fmt.Sprintf("t%d", len(l.m.Buffers)), types[t.typ].ir, ir.Temp, t.Len())
			}
		}
	}
	for _, g := range s.groups {
		l.group(g)
	}
	return l
}

// name is that of the stage that computes t.
func (l *lowering) name(t *Tensor) string { return fmt.Sprintf("%s %d", title(t), len(l.m.Stages)) }

// title is the name of the operation.
func title(t *Tensor) string {
	switch a := t.attr.(type) {
	case formula:
		return a.name
	case custom:
		return a.name
	}
	return t.kind.name
}

func (l *lowering) group(g *group) {
	first := g.members[0]
	switch {
	case first.Len() == 0:
	case g.stage:
		first.kind.stage(l, first)
	default:
		l.begin()
		lane := l.b.Lane()
		for _, t := range g.members {
			l.b.Store(l.slots[t], lane, l.compute(t, lane))
		}
		l.m.AddMap(l.name(g.members[len(g.members)-1]), l.b.Program(), first.Len())
	}
	for _, t := range g.members {
		l.done[t] = true
	}
}

// begin starts the program of a stage.
func (l *lowering) begin() {
	l.b, l.memo = ir.NewBuilder(l.m), map[reading]ir.Value{}
}

// read emits element number index of t: from memory, if a stage before has written it, or computed.
func (l *lowering) read(t *Tensor, index ir.Value) ir.Value {
	if l.done[t] {
		return l.b.Gather(l.slots[t], index)
	}
	return l.compute(t, index)
}

// compute emits the computation of an element.
func (l *lowering) compute(t *Tensor, index ir.Value) ir.Value {
	key := reading{t, index}
	if v, ok := l.memo[key]; ok {
		return v
	}
	if !t.kind.inline {
		panic("tensor: " + t.kind.name + " is used before it is computed")
	}
	v := t.kind.read(l, t, index)
	l.memo[key] = v
	return v
}

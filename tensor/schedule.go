package tensor

import "slices"

// How a graph becomes stages. Operations that are not inline (reductions, products, ...) are a stage each. The others are
// computed where they are needed, element by element, so that chains of them fuse; the schedule decides which of them are
// written to memory all the same: those that are asked for, that a stage needs in memory, or that several stages would have
// to compute.
//
// A level is given to each operation: that of its arguments, or one more where an operation is a stage or looks at elements
// of its argument other than its own. Those of one level and one number of elements that are written at all are written by
// one stage. As nothing in a stage depends on anything of a higher level, there are no circles.

// group is operations that are computed by one stage.
type group struct {
	level   int
	stage   bool // a stage of its own kind
	order   int  // of its first member
	members []*Tensor
}

// schedule is what planning finds out about a graph.
type schedule struct {
	order    []*Tensor // arguments first
	facts    map[*Tensor]*fact
	groups   []*group
	separate bool // a stage for each operation
}

// fact is what is known of an operation in the graph.
type fact struct {
	level   int
	memory  bool     // needed in memory
	users   []*group // that compute with it
	written *group   // that writes it
	cost    int      // of computing an element, from what is in memory
	reads   int      // from memory
}

// sources returns what t is computed from.
func (t *Tensor) sources() []*Tensor {
	switch {
	case t.buffer != nil:
		return nil
	case t.isView():
		base, _ := t.source()
		return []*Tensor{base}
	}
	if w, ok := t.attr.(wrapped); ok {
		return []*Tensor{w.inside()}
	}
	return t.args
}

// settled returns the tensor that has the elements of t in the same order: what it is a mere reshaping of.
func (t *Tensor) settled() *Tensor {
	for t.buffer == nil {
		if w, ok := t.attr.(wrapped); ok {
			t = w.inside()
			continue
		}
		if !t.isView() {
			return t
		}
		base, s := t.source()
		if s.offset != 0 || base.Len() != t.Len() || !isContiguous(t.shape, s.strides) {
			return t
		}
		t = base
	}
	return t
}

// newSchedule plans the computation of the roots, none of which has elements yet.
func newSchedule(roots []*Tensor, separate bool) *schedule {
	s := &schedule{facts: map[*Tensor]*fact{}, separate: separate}
	s.walk(roots)
	for _, t := range roots {
		s.facts[t].memory = true
	}
	for _, t := range s.order {
		s.level(t)
	}
	byKey := map[[2]int]*group{}
	for _, t := range slices.Backward(s.order) {
		s.place(t, byKey)
	}
	s.arrange()
	return s
}

// walk lists the graph, arguments first.
func (s *schedule) walk(roots []*Tensor) {
	type frame struct {
		t    *Tensor
		next int
	}
	var stack []frame
	push := func(t *Tensor) {
		if s.facts[t] == nil {
			s.facts[t] = &fact{}
			stack = append(stack, frame{t, 0})
		}
	}
	for _, r := range roots {
		push(r)
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if sources := top.t.sources(); top.next < len(sources) {
				top.next++
				push(sources[top.next-1])
				continue
			}
			s.order = append(s.order, top.t)
			stack = stack[:len(stack)-1]
		}
	}
}

// given tells whether the elements need no computing.
func (t *Tensor) given() bool {
	return t.buffer != nil || t.kind == &placeholderKind
}

// level computes the level of t and what it takes to compute it.
func (s *schedule) level(t *Tensor) {
	f := s.facts[t]
	if t.alive(); t.given() {
		f.reads = 1
		return
	}
	elsewhere := looksAround(t)
	for i, a := range t.sources() {
		g := s.facts[a]
		s.demand(a, s.needOf(t, i))
		if elsewhere && t.Len() >= 2*a.Len() && g.reads > 0 && !g.isCheap() { // it would be computed again and again
			s.demand(a, whole)
		}
		level := g.level
		ahead := elsewhere && a.kind.inline && !a.isView() && g.reads > 0
		if !t.kind.inline || !a.given() && (ahead || a.kind == &storeKind) {
			level++
		}
		f.level = max(f.level, level)
		f.cost += g.cost
		f.reads += g.reads
	}
	f.cost += costOf(t)
	if !t.kind.inline || t.kind == &storeKind {
		f.memory = true
	}
	if f.memory || !t.kind.inline {
		f.cost, f.reads = 0, 1
	}
}

// looksAround tells whether an element of t is computed from elements of its arguments at other places.
func looksAround(t *Tensor) bool {
	switch t.kind {
	case &mapKind, &storeKind, &customKind, &checkpointKind, &afterKind:
		return false
	}
	return t.kind.inline
}

// need is what a kind asks of an argument.
type need uint8

const (
	anything need = iota
	readable      // in memory, itself or what it is a view of
	whole         // in memory, contiguous
)

// needOf tells what t asks of its source i.
func (s *schedule) needOf(t *Tensor, i int) need {
	switch t.kind {
	case &takeKind:
		if i == 0 {
			return readable
		}
		return anything
	case &matMulKind:
		return readable
	case &scatterKind:
		return anything
	case &reduceKind:
		if !s.separate {
			return anything
		}
	}
	if t.kind.inline {
		return anything
	}
	return whole
}

// demand makes sure that a is in memory as it is needed.
func (s *schedule) demand(a *Tensor, n need) {
	if n == anything {
		return
	}
	if a.isView() && n == readable {
		if base, _ := a.source(); !base.kind.inline || s.facts[base].reads > 0 {
			s.facts[base].memory = true
			return
		}
	}
	s.facts[a].memory = true
}

// costOf is about how many instructions an element costs.
func costOf(t *Tensor) int {
	switch t.kind {
	case &mapKind:
		cost := 0
		p := t.attr.(formula).prog
		for i := range p.Nodes {
			switch n := &p.Nodes[i]; {
			case n.Op.Info().Transc:
				cost += 16
			case n.Op.Info().Args > 0:
				cost++
			}
		}
		return cost
	case &padKind, &concatKind:
		return 8
	case &takeKind:
		return 4
	}
	return 0
}

// isCheap tells whether computing t again is no worse than reading it.
func (f *fact) isCheap() bool { return f.cost <= 4 && f.reads <= 1 }

// place finds out who uses t, and whether it is written to memory. Those that use it have been placed.
func (s *schedule) place(t *Tensor, byKey map[[2]int]*group) {
	f := s.facts[t]
	if t.given() {
		return
	}
	if t.kind.inline && s.separate && !t.isView() && f.reads > 0 {
		f.memory = true
	}
	if !f.memory && len(f.users) > 1 && !t.isView() && !f.isCheap() {
		f.memory = true
	}
	users := f.users
	if f.memory {
		f.written = s.groupOf(t, byKey)
		users = []*group{f.written}
	}
	for i, a := range t.sources() {
		g := s.facts[a]
		for _, u := range users {
			if s.needOf(t, i) != anything || slices.Contains(g.users, u) {
				continue
			}
			g.users = append(g.users, u)
		}
	}
}

// groupOf returns the group that writes t.
func (s *schedule) groupOf(t *Tensor, byKey map[[2]int]*group) *group {
	f := s.facts[t]
	key := [2]int{f.level, t.Len()}
	g := byKey[key]
	if g == nil || !t.kind.inline || s.separate {
		g = &group{level: f.level, stage: !t.kind.inline}
		s.groups = append(s.groups, g)
		if t.kind.inline && !s.separate {
			byKey[key] = g
		}
	}
	g.members = append(g.members, t)
	return g
}

// arrange puts the groups in the order in which they run: by level, stages of their own kind first.
func (s *schedule) arrange() {
	number := map[*Tensor]int{}
	for i, t := range s.order {
		number[t] = i
	}
	for _, g := range s.groups {
		slices.SortFunc(g.members, func(a, b *Tensor) int { return number[a] - number[b] })
		g.order = number[g.members[0]]
	}
	slices.SortFunc(s.groups, func(a, b *group) int {
		switch {
		case s.separate:
			return a.order - b.order
		case a.level != b.level:
			return a.level - b.level
		case a.stage != b.stage && a.stage:
			return -1
		case a.stage != b.stage:
			return 1
		}
		return a.order - b.order
	})
}

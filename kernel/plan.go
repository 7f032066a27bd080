package kernel

import (
	"cmp"
	"slices"
	"unsafe"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/mem"
)

// plan says where in one block of memory the temporaries of a run lie. A temporary lives from the first stage that
// touches it, which writes it, to the last; what is not alive at the same time may lie in the same place. So may what
// stages have for themselves, as long as each runs: the pairs of its scatter_adds, or what the workers of a convolution
// share.
type plan struct {
	size   int       // of the block, in bytes
	places []place   // by buffer, without bytes where there is no temporary or nobody touches it
	own    [][]place // by stage
	clears [][]int   // by stage: the temporaries that it begins and may not write whole
}

// place is a range of bytes that something has during the stages [first, last].
type place struct {
	offset, bytes int
	first, last   int
}

// newPlan plans a lowered module, whose convolutions share so many bytes.
func newPlan(m *ir.Module, precision Precision, shared func(stage int) int) *plan {
	stages := len(m.Stages)
	p := &plan{places: make([]place, len(m.Buffers)), own: make([][]place, stages), clears: make([][]int, stages)}
	whole := writtenWhole(m)
	for number := range m.Stages {
		i := number
		if number > 0 && isEpilogue(m, &m.Stages[number-1], &m.Stages[number]) {
			i-- // it runs while the product does
		}
		reads, writes := m.Stages[number].Reads()
		for _, b := range append(reads[:len(reads):len(reads)], writes...) {
			at := &p.places[b]
			if buffer := &m.Buffers[b]; buffer.Life == ir.Temp && at.bytes == 0 {
				*at = place{bytes: temporaryBytes(buffer, precision), first: i}
				if !whole[b] {
					p.clears[i] = append(p.clears[i], b)
				}
			}
			at.last = i
		}
		if p.own[number] = pairsOf(m, number, precision); m.Stages[number].Kind == ir.StageConv {
			p.own[number] = []place{{bytes: alignLine(shared(number)), first: number, last: number}}
		}
	}
	var all []*place
	for b := range p.places {
		all = append(all, &p.places[b])
	}
	for _, own := range p.own {
		for j := range own {
			all = append(all, &own[j])
		}
	}
	p.size = pack(all)
	return p
}

func temporaryBytes(b *ir.Buffer, precision Precision) int {
	return alignLine(b.Len()*elementSize(b.Type, precision) + jit.Slack)
}

// pairsOf returns the ranges of indices and of values of the scatter_adds of stage i, in their order.
func pairsOf(m *ir.Module, i int, precision Precision) []place {
	s := &m.Stages[i]
	if s.Prog == nil {
		return nil
	}
	var list []place
	for _, e := range s.Prog.Effects {
		if e.Kind == ir.ScatterAdd {
			lanes := max(s.Lanes(), 1)
			for _, size := range [2]int{4, elementSize(m.Buffers[e.Buffer].Type, precision)} {
				list = append(list, place{bytes: alignLine(lanes * size), first: i, last: i})
			}
		}
	}
	return list
}

// pack gives all ranges their offsets, and returns the size of the block. Large ranges come first, each to the smallest
// gap that takes it between those that live at the same time, or behind them.
func pack(all []*place) (size int) {
	order := slices.DeleteFunc(slices.Clone(all), func(p *place) bool { return p.bytes == 0 })
	slices.SortStableFunc(order, func(a, b *place) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.first, b.first))
	})
	var placed []*place // by offset
	for _, p := range order {
		p.offset = p.bestGap(placed)
		size = max(size, p.offset+p.bytes)
		at, _ := slices.BinarySearchFunc(placed, p, func(a, b *place) int { return cmp.Compare(a.offset, b.offset) })
		placed = slices.Insert(placed, at, p)
	}
	return size
}

// bestGap returns the offset of the smallest gap that takes p between those of the placed ranges, ordered by offset,
// that live at the same time.
func (p *place) bestGap(placed []*place) int {
	end, best, room := 0, -1, 0
	for _, q := range placed {
		if q.last < p.first || q.first > p.last {
			continue
		}
		if gap := q.offset - end; gap >= p.bytes && (best < 0 || gap < room) {
			best, room = end, gap
		}
		end = max(end, q.offset+q.bytes)
	}
	if best < 0 {
		return end
	}
	return best
}

// Peak returns how many bytes a run holds at once besides the buffers of the caller: what stages leave for each other
// and have for themselves while they run, which is given back after the run; and the rooms of workers, which stay until
// Close. It is known before the first run. What workers need for lane programs, some KiB each, is not in it.
func (k *Kernel) Peak() int { return k.plan.size + k.rooms }

// planMemory makes the plan, when all stages are prepared, and adds up the rooms.
func (k *Kernel) planMemory() {
	k.plan = newPlan(k.module, k.engine.options.Precision, func(stage int) int { return k.stages[stage].conv.shared() })
	for i := range k.stages {
		k.rooms += k.roomsOf(&k.stages[i])
	}
}

// roomsOf returns how many bytes a stage's workers hold from its first run on, frames of lane programs aside.
func (k *Kernel) roomsOf(s *stage) int {
	switch {
	case s.product != nil:
		return s.product.rooms()
	case s.conv.code != nil:
		return k.convCrew(s) * s.conv.code.Private()
	case s.reduction != nil:
		return k.reducersOf(s)*s.reduction.room().size() + s.reduction.Partials()
	case s.axis != nil:
		return k.axisCrew(s) * s.axis.scratch
	}
	return 0
}

// takeTemporaries takes the memory of a run's temporaries.
func (k *Kernel) takeTemporaries() (err error) {
	if k.temporaries = (mem.Span{}); k.plan.size > 0 {
		k.temporaries, err = k.arena.Alloc(k.plan.size)
	}
	return err
}

// temporary returns a temporary of the run.
func (k *Kernel) temporary(b int) eval.Memory {
	return eval.Memory{Ptr: k.at(&k.plan.places[b]), Len: k.module.Buffers[b].Len()}
}

// at returns where a range lies, nil if it has no bytes.
func (k *Kernel) at(p *place) unsafe.Pointer {
	if p.bytes == 0 {
		return nil
	}
	return unsafe.Add(k.temporaries.Base(), p.offset)
}

// clearTemporaries zeroes the temporaries that live from stage i on and are not surely written whole there.
func (k *Kernel) clearTemporaries(i int, given []*Buffer) {
	for _, b := range k.plan.clears[i] {
		if p := &k.plan.places[b]; given[b] == nil {
			clear(k.temporaries.Sub(p.offset, p.offset+p.bytes).Bytes())
		}
	}
}

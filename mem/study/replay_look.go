package study

import (
	"fmt"
	"math"

	"github.com/baremetaldevx86/microdr/mem"
)

// look plays the trace to see where blocks lie, that their contents stay, and what the counters say.
func (r *replay) look(kind Kind, result *Result) error {
	l := &looker{replay: r, reserved: &ledger{Source: r.Source}, result: result, current: make([]int, r.trace.Blocks), every: max(1, len(r.trace.Ops)/samples)}
	*result = Result{Policy: kind.Name, PeakLive: r.peakLive}
	r.atEnd = l.allIntact
	failed, cost, err := r.pass("looking at", kind, l.reserved, l.do)
	r.atEnd = nil
	result.Failed, result.Ops = failed, cost.ops
	n := float64(max(len(l.panel.Samples), 1))
	result.MeanInternal, result.MeanExternal = l.internal/n, l.external/n
	if failed != "" {
		result.PeakLive = l.peak
	}
	if result.PeakLive > 0 {
		result.Ratio = float64(result.PeakResident) / float64(result.PeakLive)
	}
	l.finish(kind.Name, failed, cost.ops)
	return err
}

// looker watches one policy.
type looker struct {
	*replay
	result             *Result
	reserved           *ledger
	panel              Panel
	current            []int // the placement of each block that lives, by ID
	addresses          []uintptr
	every              int
	live, peak, most   int64   // most is that of the samples
	internal, external float64 // sums over the samples
}

func (l *looker) do(p *player, i int, op Op) error {
	old := p.blocks[op.ID]
	if op.Kind != OpAlloc {
		if err := intact(old, op.ID); err != nil {
			return err
		}
		if op.Kind == OpFree {
			l.left(op.ID, i)
		}
	}
	if err := p.do(op); err != nil {
		l.sample(p, i)
		return err
	}
	if op.Kind != OpFree {
		s := p.blocks[op.ID]
		if op.Kind == OpRealloc {
			if err := sameStart(s, old.Size(), op.ID); err != nil {
				return err
			}
			l.left(op.ID, i)
		}
		touch(s)
		sign(s, op.ID)
		l.current[op.ID] = len(l.panel.Blocks)
		l.panel.Blocks = append(l.panel.Blocks, Placement{Size: op.Size, From: i, To: len(l.trace.Ops)})
		l.addresses = append(l.addresses, uintptr(s.Base()))
	}
	l.live += op.Size - int64(old.Size())
	l.peak = max(l.peak, l.live)
	if i%l.every == 0 || i == l.peakOp || i == len(l.trace.Ops)-1 {
		l.sample(p, i)
	}
	return nil
}

// allIntact tells whether the contents of what lives at the end stayed.
func (l *looker) allIntact(p *player) error {
	for id, s := range p.blocks {
		if s != (mem.Span{}) {
			if err := intact(s, int32(id)); err != nil {
				return fmt.Errorf("study: %s: at the end: %w", l.result.Policy, err)
			}
		}
	}
	return nil
}

// left notes that a block is no longer where it was.
func (l *looker) left(id int32, op int) { l.panel.Blocks[l.current[id]].To = op }

func (l *looker) sample(p *player, i int) {
	k := p.policy.Counters()
	l.panel.Samples = append(l.panel.Samples, Sample{i, k.Live, k.Granted, k.Resident})
	l.result.PeakResident = max(l.result.PeakResident, k.Resident)
	l.internal += k.Internal()
	l.external += k.External()
	if l.live > l.most {
		l.most = l.live
		l.result.Internal, l.result.External = k.Internal(), k.External()
	}
}

// finish makes the panel: addresses count from the lowest, as if all that the policy reserved lay in a row.
func (l *looker) finish(name, failed string, ops int) {
	lowest := int64(math.MaxInt64)
	for i, a := range l.addresses {
		b := &l.panel.Blocks[i]
		b.Offset = l.reserved.offsetOf(a)
		b.To = min(b.To, max(ops, b.From+1))
		lowest = min(lowest, b.Offset)
	}
	for i := range l.panel.Blocks {
		l.panel.Blocks[i].Offset -= lowest
	}
	l.panel.Name, l.panel.Failed, l.panel.Ops = name, failed, len(l.trace.Ops)
	l.result.Panel = l.panel
}

// sign marks the ends of a block with its number.
func sign(s mem.Span, id int32) {
	b := s.Bytes()
	b[0], b[len(b)-1] = signature(id), signature(id)
}

func signature(id int32) byte { return byte(uint32(id) * 2654435761 >> 24) }

// intact tells whether the ends of a block are as sign left them.
func intact(s mem.Span, id int32) error {
	b := s.Bytes()
	if b[0] != signature(id) || b[len(b)-1] != signature(id) {
		return fmt.Errorf("block %d of %d bytes was overwritten", id, len(b))
	}
	return nil
}

// sameStart tells whether a block that was reallocated begins as it did.
func sameStart(s mem.Span, before int, id int32) error {
	b := s.Bytes()[:min(before, s.Size())]
	if b[0] != signature(id) || len(b) == before && b[before-1] != signature(id) {
		return fmt.Errorf("block %d of %d bytes was lost when it grew to %d", id, before, s.Size())
	}
	return nil
}

// A ledger is a source that remembers what it lent, in the order of lending: where the system puts it may differ from run
// to run.
type ledger struct {
	mem.Source
	lent []mem.Span
}

func (l *ledger) Reserve(size int) (mem.Span, error) {
	s, err := l.Source.Reserve(size)
	if err == nil {
		l.lent = append(l.lent, s)
	}
	return s, err
}

// offsetOf returns how far an address is from the first that was lent.
func (l *ledger) offsetOf(address uintptr) int64 {
	before := int64(0)
	for _, s := range l.lent {
		if in := address - uintptr(s.Base()); in < uintptr(s.Size()) {
			return before + int64(in)
		}
		before += int64(s.Size())
	}
	return before
}

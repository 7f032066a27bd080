package study

import (
	"fmt"

	"github.com/baremetaldevx86/microdr/mem"
)

// look plays the trace to see where blocks lie, that their contents stay, and what the counters say.
func (r *replay) look(kind Kind, result *Result) error {
	l := &looker{replay: r, result: result, current: make([]int, r.trace.Blocks), every: max(1, len(r.trace.Ops)/samples)}
	*result = Result{Policy: kind.Name, PeakLive: r.peakLive}
	failed, ops, err := r.pass("looking at", kind, l.do)
	result.Failed, result.Ops = failed, ops
	if n := float64(max(len(l.panel.Samples), 1)); n > 0 {
		result.MeanInternal, result.MeanExternal = l.internal/n, l.external/n
	}
	if failed != "" {
		result.PeakLive = l.peak
	}
	if result.PeakLive > 0 {
		result.Ratio = float64(result.PeakResident) / float64(result.PeakLive)
	}
	l.finish(kind.Name, failed, ops)
	return err
}

// looker watches one policy.
type looker struct {
	*replay
	result             *Result
	panel              Panel
	current            []int // the placement of each block that lives, by ID
	addresses          []uintptr
	every              int
	live, peak         int64
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
	if i%l.every == 0 || i == l.peakOp {
		l.sample(p, i)
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
	if i == l.peakOp {
		l.result.Internal, l.result.External = k.Internal(), k.External()
	}
}

// finish makes the panel: addresses count from the lowest.
func (l *looker) finish(name, failed string, ops int) {
	lowest := ^uintptr(0)
	for _, a := range l.addresses {
		lowest = min(lowest, a)
	}
	for i, a := range l.addresses {
		b := &l.panel.Blocks[i]
		b.Offset = int64(a - lowest)
		b.To = min(b.To, max(ops, b.From+1))
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

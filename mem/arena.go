package mem

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// minChunk is the least an arena reserves at a time. Each further chunk
// doubles the arena, so a few system calls reach any size.
const minChunk = 1 << 20

// An Arena hands out memory by advancing an offset and takes it back all at
// once: the memory of one iteration of a fit. After [Arena.Reset] the same
// sequence of allocations finds the same, already touched pages, so a steady
// iteration makes neither system calls nor page faults.
//
// One goroutine at a time uses an arena; only Counters may be called from
// others meanwhile. [Arena.Release] gives its pages back.
type Arena struct {
	source Source
	chunks []Span
	at     position
	marks  []uint64 // serial numbers of the open marks, outermost first
	serial uint64   // of the last mark made
	tally  tally
}

// A position is a state to go back to. Everything in chunks[:chunk] is used
// up, chunks[chunk][:offset] is taken, and the rest is free.
type position struct {
	chunk, offset int
	live          int64 // bytes asked for up to here
	granted       int64 // those rounded up to Alignment
	blocks        int64
}

// tally is the arena's Counters as others may read them: the owner alone
// writes, so plain stores suffice.
type tally struct {
	live, granted, peak, reserved, blocks, allocations atomic.Int64
}

// NewArena returns an empty arena that takes its pages from source, usually
// OS{}. It reserves nothing before the first allocation.
func NewArena(source Source) *Arena { return &Arena{source: source} }

// Alloc returns size bytes, aligned to [Alignment], that live until the arena
// is reset, released, or rewound to a mark made before. Their contents are
// undefined. The error is [ErrSize] or the source's; the arena then is as
// before the call.
func (a *Arena) Alloc(size int) (Span, error) {
	rounded, err := roundUp(size, Alignment)
	if err != nil {
		return Span{}, err
	}
	if a.at.chunk >= len(a.chunks) || rounded > a.chunks[a.at.chunk].size-a.at.offset {
		if err := a.advance(rounded); err != nil {
			return Span{}, err
		}
	}
	chunk := a.chunks[a.at.chunk]
	s := chunk.Sub(a.at.offset, a.at.offset+size)
	a.at.offset += rounded
	a.at.live += int64(size)
	a.at.granted += int64(rounded)
	a.at.blocks++
	a.tally.allocations.Add(1)
	a.publish()
	return s, nil
}

// advance moves to the next chunk that has room for size bytes, reserving one
// at the end if none has.
func (a *Arena) advance(size int) error {
	next := min(a.at.chunk+1, len(a.chunks))
	for next < len(a.chunks) && a.chunks[next].size < size {
		next++
	}
	if next == len(a.chunks) {
		if err := a.grow(size); err != nil {
			return err
		}
	}
	a.at.chunk, a.at.offset = next, 0
	return nil
}

// grow appends a chunk of at least size bytes, and of as much as the arena
// already has if the source will lend it.
func (a *Arena) grow(size int) error {
	reserved := a.tally.reserved.Load()
	chunk, err := lend(a.source, max(size, minChunk, int(reserved)))
	if err != nil {
		chunk, err = lend(a.source, size)
	}
	if err != nil {
		return err
	}
	a.chunks = append(a.chunks, chunk)
	a.tally.reserved.Store(reserved + int64(chunk.size))
	return nil
}

// A Mark is a point in an arena's allocations to rewind to.
type Mark struct {
	at     position
	depth  int
	serial uint64
}

// Mark opens a mark. Marks nest: rewinding to one closes it and all that were
// opened after it.
func (a *Arena) Mark() Mark {
	a.serial++
	a.marks = append(a.marks, a.serial)
	return Mark{a.at, len(a.marks) - 1, a.serial}
}

// Rewind frees everything allocated since m and closes m. It panics if m is
// not open: rewound to already, enclosed by a mark that was, or of another
// life of the arena.
func (a *Arena) Rewind(m Mark) {
	if m.depth >= len(a.marks) || a.marks[m.depth] != m.serial {
		panic(fmt.Sprintf("mem: rewind to mark %d, which is not open", m.serial))
	}
	a.marks = a.marks[:m.depth]
	a.rewind(m.at)
}

// Reset frees everything and closes all marks, but keeps the pages.
func (a *Arena) Reset() {
	a.marks = a.marks[:0]
	a.rewind(position{})
}

func (a *Arena) rewind(to position) {
	if scribble {
		a.discardSince(to)
	}
	a.at = to
	a.publish()
}

// discardSince overwrites what was allocated between the position from and now.
func (a *Arena) discardSince(from position) {
	for i := from.chunk; i < len(a.chunks) && i <= a.at.chunk; i++ {
		start, end := 0, a.chunks[i].size
		if i == from.chunk {
			start = from.offset
		}
		if i == a.at.chunk {
			end = a.at.offset
		}
		discard(a.chunks[i].Sub(start, end))
	}
}

// Release frees everything and gives all pages back to the source. The arena
// is then empty and may be used again.
func (a *Arena) Release() error {
	a.Reset()
	var errs []error
	for _, chunk := range a.chunks {
		errs = append(errs, a.source.Release(chunk))
	}
	a.chunks = nil
	a.tally.reserved.Store(0)
	return errors.Join(errs...)
}

func (a *Arena) publish() {
	a.tally.live.Store(a.at.live)
	a.tally.granted.Store(a.at.granted)
	a.tally.blocks.Store(a.at.blocks)
	if a.at.live > a.tally.peak.Load() {
		a.tally.peak.Store(a.at.live)
	}
}

// Counters returns the arena's counters. Each is exact when no allocation is
// going on; during one, they may be from either side of it.
func (a *Arena) Counters() Counters {
	t := &a.tally
	return Counters{
		Live: t.live.Load(), Granted: t.granted.Load(), Peak: t.peak.Load(),
		Reserved: t.reserved.Load(), Blocks: t.blocks.Load(), Allocations: t.allocations.Load(),
	}
}

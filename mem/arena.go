package mem

import (
	"errors"
	"fmt"
	"unsafe"
)

// minChunk is the least an arena reserves at a time. Each further chunk
// doubles the arena, so a few system calls reach any size.
const minChunk = 1 << 20

// hugeChunk is the least chunk that is asked to have huge pages.
const hugeChunk = 8 << 20

// An Arena hands out memory by advancing an offset and takes it back all at
// once: the memory of one iteration of a fit. After [Arena.Reset] the same
// sequence of allocations finds the same, already touched pages, so a steady
// iteration makes neither system calls nor page faults.
//
// One goroutine at a time uses an arena; only Counters may be called from
// others meanwhile. [Arena.Release] gives its pages back.
type Arena struct {
	// The fast path advances offset in the chunk at base, up to limit. Where every block passes a recorder, limit is 0.
	base   unsafe.Pointer
	limit  int
	offset cell  // bytes taken of the current chunk
	live   tally // bytes asked for
	blocks tally

	options  Options
	recorded uint32 // the arena's number with the recorder
	chunks   []Span
	high     []int    // the most that was ever taken of each chunk
	chunk    int      // the current one
	full     int      // bytes taken of those before it
	marks    []uint64 // serial numbers of the open marks, outermost first
	serial   uint64   // of the last mark made

	// What others may read: full, the sums over all chunks of high but for the current one's and of their sizes, and what
	// was reached before the last rewind.
	before, touched, highest, reserved, peak, past cell
}

// A position is a state to go back to.
type position struct {
	chunk, offset, full int
	live, blocks        int64
}

// NewArena returns an empty arena. It reserves nothing before the first allocation. Of the options it uses Name, Source,
// Recorder and Debug, which overwrites what is freed.
func NewArena(o Options) *Arena {
	a := &Arena{options: o}
	a.options.Debug = o.debug()
	if o.Recorder != nil {
		a.recorded = o.Recorder.Open(o.Name)
	}
	o.Registry.addArena(a)
	return a
}

// Alloc returns size bytes, aligned to [Alignment], that live until the arena
// is reset, released, or rewound to a mark made before. Their contents are
// undefined. The error is [ErrSize] or the source's; the arena then is as
// before the call.
func (a *Arena) Alloc(size int) (Span, error) {
	offset := int(a.offset.get())
	if size > 0 && size <= a.limit-offset {
		return a.take(offset, size), nil
	}
	return a.alloc(size)
}

// take hands out size bytes at the offset in the current chunk. Chunks are multiples of Alignment, so what is left is one
// too, and rounding up does not exceed it.
func (a *Arena) take(offset, size int) Span {
	a.offset.set(int64(offset+size+Alignment-1) &^ (Alignment - 1))
	a.live.add(int64(size))
	a.blocks.add(1)
	return Span{unsafe.Add(a.base, offset), size}
}

// alloc is the slow way, which everything can take.
func (a *Arena) alloc(size int) (Span, error) {
	if _, err := roundUp(size, Alignment); err != nil {
		return Span{}, err
	}
	if len(a.chunks) == 0 || size > a.chunks[a.chunk].size-int(a.offset.get()) {
		if err := a.advance(size); err != nil {
			return Span{}, err
		}
	}
	s := a.take(int(a.offset.get()), size)
	if a.options.Recorder != nil {
		a.options.Recorder.Alloc(a.recorded, s, Alignment)
	}
	return s, nil
}

// advance moves to the next chunk that has room for size bytes, reserving one
// at the end if none has.
func (a *Arena) advance(size int) error {
	next := min(a.chunk+1, len(a.chunks))
	for next < len(a.chunks) && a.chunks[next].size < size {
		next++
	}
	if next == len(a.chunks) {
		if err := a.grow(size); err != nil {
			return err
		}
	}
	a.moveTo(position{next, 0, a.full + int(a.offset.get()), a.live.get(), a.blocks.get()})
	return nil
}

// moveTo makes p the present.
func (a *Arena) moveTo(p position) {
	if len(a.chunks) == 0 {
		return
	}
	a.high[a.chunk] = max(a.high[a.chunk], int(a.offset.get()))
	touched := 0
	for i, h := range a.high {
		if i != p.chunk {
			touched += h
		}
	}
	a.chunk, a.full = p.chunk, p.full
	if a.base = a.chunks[p.chunk].base; a.options.Recorder == nil {
		a.limit = a.chunks[p.chunk].size
	}
	a.touched.set(int64(touched))
	a.highest.set(int64(a.high[p.chunk]))
	a.before.set(int64(p.full))
	a.offset.set(int64(p.offset))
	a.live.set(p.live)
	a.blocks.set(p.blocks)
}

// grow appends a chunk of at least size bytes, and of as much as the arena
// already has if the source will lend it.
func (a *Arena) grow(size int) error {
	reserved := a.reserved.get()
	chunk, err := lend(a.options.source(), max(size, minChunk, int(reserved)))
	if err != nil {
		chunk, err = lend(a.options.source(), size)
	}
	if err != nil {
		return err
	}
	if chunk.size >= hugeChunk {
		askForHuge(a.options.source(), chunk)
	}
	a.chunks = append(a.chunks, chunk)
	a.high = append(a.high, 0)
	a.reserved.set(reserved + int64(chunk.size))
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
	at := position{a.chunk, int(a.offset.get()), a.full, a.live.get(), a.blocks.get()}
	return Mark{at, len(a.marks) - 1, a.serial}
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
	if a.options.Recorder != nil {
		a.options.Recorder.Rewind(a.recorded, int(to.blocks))
	}
	if scribble || a.options.Debug {
		a.poisonSince(to)
	}
	a.peak.set(max(a.peak.get(), a.live.get()))
	a.past.set(a.past.get() + a.blocks.get() - to.blocks)
	a.moveTo(to)
}

// poisonSince overwrites what was allocated between the position from and now.
func (a *Arena) poisonSince(from position) {
	for i := from.chunk; i < len(a.chunks) && i <= a.chunk; i++ {
		start, end := 0, a.chunks[i].size
		if i == from.chunk {
			start = from.offset
		}
		if i == a.chunk {
			end = int(a.offset.get())
		}
		poison(a.chunks[i].Sub(start, end))
	}
}

// Release frees everything and gives all pages back to the source. The arena
// is then empty and may be used again.
func (a *Arena) Release() error {
	a.Reset()
	var errs []error
	for _, chunk := range a.chunks {
		errs = append(errs, a.options.source().Release(chunk))
	}
	a.chunks, a.high, a.base, a.limit = nil, nil, nil, 0
	a.touched.set(0)
	a.highest.set(0)
	a.reserved.set(0)
	return errors.Join(errs...)
}

// Counters returns the arena's counters. Each is exact when no allocation is
// going on; during one, they may be from either side of it.
func (a *Arena) Counters() Counters {
	live, offset, page := a.live.read(), a.offset.read(), int64(PageSize())
	resident := a.touched.read() + max(a.highest.read(), offset)
	return Counters{
		Live: live, Granted: a.before.read() + offset, Peak: max(a.peak.read(), live),
		Reserved: a.reserved.read(), Resident: (resident + page - 1) &^ (page - 1),
		Blocks: a.blocks.read(), Allocations: a.past.read() + a.blocks.read(),
	}
}

package mem

// Counters say what an allocator holds. They may be read at any time and from any goroutine.
type Counters struct {
	Live        int64 `json:"live"`        // bytes asked for and not yet freed
	Granted     int64 `json:"granted"`     // bytes that those blocks occupy, rounding included
	Peak        int64 `json:"peak"`        // the largest Live so far
	Reserved    int64 `json:"reserved"`    // bytes of address space held from the Source
	Resident    int64 `json:"resident"`    // bytes of pages that were handed out since the system last took them back: what has memory if all of it was touched
	Blocks      int64 `json:"blocks"`      // blocks not yet freed
	Allocations int64 `json:"allocations"` // blocks ever handed out
}

// Internal returns internal fragmentation: the part of the granted bytes that nobody asked for, 0 to 1.
func (c Counters) Internal() float64 { return share(c.Granted-c.Live, c.Granted) }

// External returns external fragmentation: the part of the resident bytes that is in no live block, 0 to 1.
func (c Counters) External() float64 { return share(c.Resident-c.Granted, c.Resident) }

func share(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return max(0, float64(part)/float64(whole))
}

// ClassCounters tell of the blocks of one size class.
type ClassCounters struct {
	Size        int   `json:"size"` // bytes of a block; 0 for all blocks that are too large for a class
	Slabs       int64 `json:"slabs"`
	Blocks      int64 `json:"blocks"`      // live
	Allocations int64 `json:"allocations"` // ever
	Granted     int64 `json:"granted"`     // bytes that the live blocks occupy
}

// TB is the part of testing.TB that [CheckLeaks] needs, so that no program
// has to link package testing.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
}

// CheckLeaks makes t fail if allocator still has live bytes when t ends.
// Call it right after making the allocator: cleanups run last in, first out,
// so those registered later may still free.
func CheckLeaks(t TB, allocator interface{ Counters() Counters }) {
	t.Helper()
	t.Cleanup(func() {
		t.Helper()
		if c := allocator.Counters(); c.Live != 0 || c.Blocks != 0 {
			t.Errorf("mem: %d bytes in %d blocks were never freed", c.Live, c.Blocks)
		}
	})
}

// freedByte is what scribbled memory holds: a signalling pattern that is a
// large negative float32 and an implausible index.
const freedByte = 0xDB

// poison overwrites freed memory.
func poison(s Span) {
	b := s.Bytes()
	for i := range b {
		b[i] = freedByte
	}
}

// discard poisons freed memory in the builds that ask for it.
func discard(s Span) {
	if scribble {
		poison(s)
	}
}

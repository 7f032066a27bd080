package mem

// Counters say what an [Arena] or a [Heap] holds. Both return a snapshot that
// may be taken at any time and from any goroutine.
type Counters struct {
	Live        int64 // bytes asked for and not yet freed
	Granted     int64 // bytes those blocks occupy, rounding included; Granted-Live is internal fragmentation
	Peak        int64 // the largest Live so far
	Reserved    int64 // bytes of address space held from the Source
	Blocks      int64 // blocks not yet freed
	Allocations int64 // blocks ever handed out
}

// add counts a block of size bytes that occupies granted.
func (c *Counters) add(size, granted int) {
	c.Live += int64(size)
	c.Granted += int64(granted)
	c.Peak = max(c.Peak, c.Live)
	c.Blocks++
	c.Allocations++
}

// sub takes back what add counted for one block.
func (c *Counters) sub(size, granted int) {
	c.Live -= int64(size)
	c.Granted -= int64(granted)
	c.Blocks--
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

// discard overwrites freed memory in the builds that ask for it.
func discard(s Span) {
	if scribble {
		b := s.Bytes()
		for i := range b {
			b[i] = freedByte
		}
	}
}

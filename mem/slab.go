package mem

import (
	"fmt"
	"unsafe"
)

// slabSize is the size and the alignment of a slab, so the slab of a block
// follows from the block's address.
const slabSize = 256 << 10

// A slab is slabSize bytes cut into blocks of one class. What it knows of
// them lives in Go memory beside it: a stray write through a block cannot
// corrupt a freelist, and a freed block keeps nothing of the allocator's.
//
// Invariant: every block is exactly one of live (sizes[i] > 0), in free, or
// at or beyond fresh.
type slab struct {
	base  unsafe.Pointer
	class int
	block int      // bytes of a block
	sizes []uint32 // bytes asked for, by block; 0 where none is live
	free  []uint16 // blocks that were freed, the last one first out
	fresh int      // blocks from here on were never used
	live  int      // live blocks
	index int      // in the heap's list of slabs with room; -1 if full
}

func newSlab(base unsafe.Pointer, class int) *slab {
	block := classSize(class)
	return &slab{base: base, class: class, block: block, sizes: make([]uint32, slabSize/block), index: -1}
}

func (s *slab) full() bool { return s.live == len(s.sizes) }

// take makes a block live and returns the size bytes of it. The slab is not full.
func (s *slab) take(size int) Span {
	i := s.fresh
	if last := len(s.free) - 1; last >= 0 {
		i = int(s.free[last])
		s.free = s.free[:last]
	} else {
		s.fresh++
	}
	s.sizes[i] = uint32(size)
	s.live++
	return Span{unsafe.Add(s.base, i*s.block), size}
}

// put takes back a span that take returned, and panics if it was not that.
func (s *slab) put(span Span) {
	offset := int(span.address() - uintptr(s.base))
	i := offset / s.block
	switch {
	case offset%s.block != 0 || i >= len(s.sizes):
		panic(fmt.Sprintf("mem: free of %#x, which is inside a block and not its start", span.address()))
	case s.sizes[i] == 0:
		panic(fmt.Sprintf("mem: double free of the %d-byte block at %#x", span.size, span.address()))
	case int(s.sizes[i]) != span.size:
		panic(fmt.Sprintf("mem: free of %d bytes at %#x, where %d were allocated", span.size, span.address(), s.sizes[i]))
	}
	s.sizes[i] = 0
	s.free = append(s.free, uint16(i))
	s.live--
}

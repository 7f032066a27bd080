package mem

import (
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// A slab is a frame that is cut into blocks of one size class. What is known of them stands in a table outside: a stray
// write through a block cannot corrupt it, a freed block keeps nothing of the allocator's, and whole pages of free
// blocks can go back to the system.
//
// A block is exactly one of: live, or in bits, or in the front of the owner. Only the owner, a [Cache], touches anything
// but the owner's number; that changes under the heap's lock while its old owner is idle.
type slab struct {
	// What others read when they free a block has a cache line of its own, which the owner does not write to.
	owner uint32 // number of a cache; 0 if this is no slab
	class uint32
	block uint32 // bytes of a block
	magic uint32 // (offset * magic) >> 32 == offset / block
	count uint32 // blocks
	_     [64 - 5*4]byte

	free   cell32 // blocks in bits
	next   uint32 // in the owner's list of slabs with free blocks
	prev   uint32
	cursor uint32 // the word to look at next
	listed bool
	pages  uint64 // bit p: blocks on page p were handed out since it was purged
	recent uint64 // the same, since the last tick that the owner noticed
	older  uint64 // the same, between that and the one before
	words  uint64 // bit w: bits[w] is not 0
	_      [64 - 4*4 - 8 - 4*8]byte
	bits   [slabWords]uint64 // bit i%64 of bits[i/64]: block i is free
}

const (
	slabWords = 64 // blocks beyond 64 a word do not exist: slabs of the least classes leave the end of their frame unused
	slabEntry = unsafe.Sizeof(slab{})
)

// form cuts the frame into blocks of the class, all free. pages is what the region knows of its pages.
func (s *slab) form(owner, class uint32, pages uint64) {
	block := uint32(classSize(uint(class)))
	s.class, s.block, s.magic = class, block, uint32((1<<32+uint64(block)-1)/uint64(block))
	s.count, s.next, s.prev, s.listed = min(frameBytes/block, 64*slabWords), none, none, false
	s.pages, s.recent, s.older = pages, 0, 0
	s.words, s.cursor = 0, 0
	s.free.set(s.count)
	for w := uint32(0); w*64 < s.count; w++ {
		s.bits[w] = ^uint64(0) >> (64 - min(64, s.count-w*64))
		s.words |= 1 << w
	}
	atomic.StoreUint32(&s.owner, owner)
}

// indexOf returns the number of the block at an offset in the slab, or false if none begins there.
func (s *slab) indexOf(offset uintptr) (uint32, bool) {
	i := uint32(uint64(offset) * uint64(s.magic) >> 32)
	return i, uintptr(i)*uintptr(s.block) == offset && i < s.count
}

// put makes block i free and tells whether it was not already.
func (s *slab) put(i uint32) bool {
	w, bit := i>>6&(slabWords-1), uint64(1)<<(i&63)
	old := s.bits[w]
	s.bits[w] = old | bit
	s.words |= 1 << w
	if old&bit != 0 {
		return false
	}
	s.free.set(s.free.get() + 1)
	return true
}

const (
	// worthwhile is how many free blocks make a word worth taking.
	worthwhile = 8
	// mostTaken is how many bytes of blocks are taken at a time, if that is more than one block.
	mostTaken = 16 << 10
)

// takeWord takes free blocks of one word out of the slab and returns them with the word's number. There are some. The lowest
// word is taken if it is worth it, so that work of few blocks stays on few pages. If it is not, words take turns,
// which leaves each the longest time to fill up.
func (s *slab) takeWord() (w uint32, free uint64) {
	w = uint32(bits.TrailingZeros64(s.words)) & (slabWords - 1)
	if bits.OnesCount64(s.bits[w]) < worthwhile {
		if ahead := s.words >> s.cursor << s.cursor; ahead != 0 {
			w = uint32(bits.TrailingZeros64(ahead)) & (slabWords - 1)
		}
		s.cursor = (w + 1) & (slabWords - 1)
	}
	free = s.bits[w]
	left := uint64(0)
	if s.block > mostTaken/64 {
		left = free
		for range max(1, mostTaken/s.block) {
			left &= left - 1
		}
	}
	if s.bits[w] = left; left == 0 {
		s.words &^= 1 << w
	}
	free &^= left
	s.free.set(s.free.get() - uint32(bits.OnesCount64(free)))
	return w, free
}

// putWord gives blocks of takeWord back.
func (s *slab) putWord(w uint32, free uint64) {
	s.bits[w] |= free
	s.words |= 1 << w
	s.free.set(s.free.get() + uint32(bits.OnesCount64(free)))
}

// runs calls f with the offset and the size of every run of free blocks that may hold a page.
func (s *slab) runs(f func(offset, size int)) {
	begin := -1
	for i := range int(s.count) + 1 {
		free := i < int(s.count) && s.bits[i>>6]>>(i&63)&1 != 0
		switch {
		case free && begin < 0:
			begin = i
		case !free && begin >= 0:
			end := i * int(s.block)
			if i == int(s.count) {
				end = frameBytes
			}
			f(begin*int(s.block), end-begin*int(s.block))
			begin = -1
		}
	}
}

// The fields that others read fill one cache line, those of the owner begin the next.
var _ = [1]struct{}{}[unsafe.Offsetof(slab{}.free)-64+unsafe.Offsetof(slab{}.bits)-128]

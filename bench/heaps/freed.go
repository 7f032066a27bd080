package heaps

import (
	"slices"
	"time"
)

// survives tells whether a slot's block is one of the tenth that is not freed after the standard work.
func survives(slot int) bool { return mix(1<<63+uint64(slot))%10 == 0 }

// While it waits for unused memory to go back to the system, a peer does a few operations now and then: allocators that
// have no thread for it look at the clock only when they are called.
const (
	decaySteps     = 10
	decayAllocated = 64 // blocks in each step
)

// passFreed answers the bytes that the process holds after nine tenths of the blocks of the standard work were freed and
// the wait is over, those of the pages that live bytes lie in, and what is held when the peer was asked to settle, too. The
// peers in C cannot be asked, and answer the first two.
func passFreed(h heap, o order) ([]int64, error) {
	s, err := newSampler(h, o)
	if err != nil {
		return nil, err
	}
	defer s.gauge.close()
	s.fill(s.filling)
	s.replace(s.ops)
	for i, b := range s.slots {
		if !survives(i) {
			s.free(b)
			s.slots[i] = block{}
		}
	}
	for range decaySteps {
		time.Sleep(o.wait / decaySteps)
		s.few()
	}
	if err := s.look(); err != nil {
		return nil, err
	}
	decayed := s.last - s.before
	h.settle()
	if err := s.look(); err != nil {
		return nil, err
	}
	return []int64{decayed, livePages(s.slots) * pageStep, s.last - s.before}, nil
}

// few does a few operations that leave nothing behind.
func (s *sampler) few() {
	var blocks [decayAllocated]block
	for i := range blocks {
		blocks[i] = s.alloc(int(s.filling[i%len(s.filling)].size))
	}
	for _, b := range blocks {
		s.free(b)
	}
}

// livePages returns in how many pages there are bytes of blocks.
func livePages(blocks []block) (pages int64) {
	var from, to []uintptr
	for _, b := range blocks {
		if b.size > 0 {
			from = append(from, uintptr(b.p)/pageStep)
			to = append(to, (uintptr(b.p)+uintptr(b.size)-1)/pageStep)
		}
	}
	slices.Sort(from) // blocks do not overlap: the k-th beginning belongs to the k-th end
	slices.Sort(to)
	next := uintptr(0)
	for i := range from {
		first := max(from[i], next)
		if to[i] >= first {
			pages += int64(to[i] - first + 1)
		}
		next = to[i] + 1
	}
	return pages
}

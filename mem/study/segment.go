package study

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/baremetaldevx86/microdr/mem"
)

const (
	unit     = 16 // bytes: every block starts at a multiple and is as long as one
	wordSize = 8  // bytes that a word within a segment takes

	// firstCommit is the least that a segment commits at a time. Each further step doubles it, so that a few system
	// calls reach any size.
	firstCommit = 1 << 20

	// largestSize leaves room for adding a header and rounding up to a power of two.
	largestSize = math.MaxInt / 4
)

// A segment is the address space that a policy cuts into blocks, below a break that only moves up, as sbrk moves that of
// a process (and mem_sbrk that of the malloc lab, Bryant and O'Hallaron, Computer Systems, section 9.9). Policies keep
// their headers and links in it, as words and with offsets from its base in place of pointers.
type segment struct {
	source    mem.Source
	pages     mem.Span // reserved once
	base      unsafe.Pointer
	limit     int // the break's
	top       int // the break: policies use what lies below
	committed int // bytes, at least top
	highest   int // the end of the highest block so far
	counters  mem.Counters
}

// newSegment reserves limit bytes and commits none.
func newSegment(source mem.Source, limit int) (segment, error) {
	pages, err := source.Reserve(limit)
	if err != nil {
		return segment{}, err
	}
	counters := mem.Counters{Reserved: int64(pages.Size())}
	return segment{source: source, pages: pages, base: pages.Base(), limit: limit, counters: counters}, nil
}

// extend moves the break up by size bytes. The error is [mem.ErrNoMemory]; the break is where it was then.
func (s *segment) extend(size int) error {
	if size > s.limit-s.top {
		return fmt.Errorf("study: %d bytes more than %d, of at most %d: %w", size, s.top, s.limit, mem.ErrNoMemory)
	}
	if err := s.commit(s.top + size); err != nil {
		return err
	}
	s.top += size
	return nil
}

// commit makes at least the first size bytes usable, and twice what is if the source lets it.
func (s *segment) commit(size int) error {
	if size <= s.committed {
		return nil
	}
	size = roundUp(size, mem.PageSize())
	ample := min(s.pages.Size(), max(size, 2*s.committed, firstCommit))
	if s.commitTo(ample) == nil {
		return nil
	}
	if err := s.commitTo(size); err != nil {
		return fmt.Errorf("study: %w (%w)", mem.ErrNoMemory, err)
	}
	return nil
}

func (s *segment) commitTo(size int) error {
	err := s.source.Commit(s.pages.Sub(s.committed, size))
	if err == nil {
		s.committed = size
	}
	return err
}

// word returns the word at an offset, a multiple of [wordSize] below the break.
func (s *segment) word(offset int) *int { return (*int)(unsafe.Add(s.base, offset)) }

// offset returns how far a block's first byte is from the base.
func (s *segment) offset(block mem.Span) int { return int(uintptr(block.Base()) - uintptr(s.base)) }

// grant counts a block of size bytes at an offset, of which the policy took those from start to end, and returns it.
func (s *segment) grant(offset, size, start, end int) mem.Span {
	s.highest = max(s.highest, end)
	c := &s.counters
	c.Live += int64(size)
	c.Granted += int64(end - start)
	c.Peak = max(c.Peak, c.Live)
	c.Blocks++
	c.Allocations++
	return s.pages.Sub(offset, offset+size)
}

// revoke takes back what grant counted for a block that took so many bytes.
func (s *segment) revoke(block mem.Span, granted int) {
	s.counters.Live -= int64(block.Size())
	s.counters.Granted -= int64(granted)
	s.counters.Blocks--
}

// Counters implements [Policy]. Resident is a high-water mark: nothing is purged before the end.
func (s *segment) Counters() mem.Counters {
	c := s.counters
	c.Resident = int64(roundUp(s.highest, mem.PageSize()))
	return c
}

// Close implements [Policy].
func (s *segment) Close() error {
	if s.base == nil {
		return nil
	}
	pages := s.pages
	c := mem.Counters{Peak: s.counters.Peak, Allocations: s.counters.Allocations}
	*s = segment{source: s.source, counters: c}
	return s.source.Release(pages)
}

// checkSize returns an error that is [mem.ErrSize] for a size that no block can have.
func checkSize(size int) error {
	if size <= 0 || size > largestSize {
		return fmt.Errorf("study: %d bytes: %w", size, mem.ErrSize)
	}
	return nil
}

// roundUp rounds size up to a multiple of a power of two.
func roundUp(size, multiple int) int { return (size + multiple - 1) &^ (multiple - 1) }

package study

import "github.com/baremetaldevx86/microdr/mem"

// list is the allocator that everybody writes first: all blocks, free and used, are in one list in the order of their
// addresses; allocating walks it from the start to the first free block that is large enough and cuts off what is too
// much; freeing merges a block with its neighbours in the list, which are those in memory (Kernighan and Ritchie, The C
// Programming Language, section 8.7, has a relative of it that lists the free blocks only).
//
// A block is a header of four words and what the caller gets.
type list struct {
	segment
	last int // the block that ends at the break; 0 if there is none
}

// The words of a header, by their offsets in a block. Offset 0 of the segment is left free: there a link says none.
const (
	listSize   = 0 * wordSize // bytes after the header
	listUsed   = 1 * wordSize // 1 if used, 0 if free
	listNext   = 2 * wordSize
	listPrev   = 3 * wordSize
	listHeader = 4 * wordSize
	listFirst  = unit // where the first block is
)

func newList(source mem.Source, limit int) (Policy, error) {
	s, err := newSegment(source, limit)
	if err != nil {
		return nil, err
	}
	return &list{segment: s}, nil
}

func (l *list) Alloc(size int) (mem.Span, error) {
	if err := checkSize(size); err != nil {
		return mem.Span{}, err
	}
	need := roundUp(size, unit)
	b := l.choose(need)
	if b == 0 {
		var err error
		if b, err = l.grow(need); err != nil {
			return mem.Span{}, err
		}
	}
	l.split(b, need)
	*l.word(b + listUsed) = 1
	return l.grant(b+listHeader, size, b, l.end(b)), nil
}

// choose returns the first free block with at least need bytes, or 0.
func (l *list) choose(need int) int {
	if l.last == 0 {
		return 0
	}
	for b := listFirst; b != 0; b = *l.word(b + listNext) {
		if l.free(b) && *l.word(b + listSize) >= need {
			return b
		}
	}
	return 0
}

// grow returns a free block with need bytes at the break: the last one made larger, or a new one.
func (l *list) grow(need int) (int, error) {
	if l.free(l.last) {
		err := l.extend(need - *l.word(l.last + listSize))
		if err == nil {
			*l.word(l.last + listSize) = need
		}
		return l.last, err
	}
	b := max(l.top, listFirst)
	if err := l.extend(b + listHeader + need - l.top); err != nil {
		return 0, err
	}
	*l.word(b + listSize) = need
	*l.word(b + listUsed) = 0
	l.link(l.last, b)
	l.link(b, 0)
	return b, nil
}

// split cuts a block after need bytes, if a block fits into the rest.
func (l *list) split(b, need int) {
	rest := *l.word(b + listSize) - need - listHeader
	if rest < unit {
		return
	}
	r := b + listHeader + need
	*l.word(r + listSize) = rest
	*l.word(r + listUsed) = 0
	l.link(r, *l.word(b + listNext))
	l.link(b, r)
	*l.word(b + listSize) = need
}

func (l *list) Free(s mem.Span) {
	b := l.offset(s) - listHeader
	l.revoke(s, l.end(b)-b)
	*l.word(b + listUsed) = 0
	if next := *l.word(b + listNext); l.free(next) {
		l.merge(b, next)
	}
	if prev := *l.word(b + listPrev); l.free(prev) {
		l.merge(prev, b)
	}
}

// merge appends a block to the one before it.
func (l *list) merge(b, next int) {
	*l.word(b + listSize) += listHeader + *l.word(next + listSize)
	l.link(b, *l.word(next + listNext))
}

// link makes next, which may be 0, follow b, which may be 0.
func (l *list) link(b, next int) {
	if b != 0 {
		*l.word(b + listNext) = next
	}
	if next != 0 {
		*l.word(next + listPrev) = b
	} else {
		l.last = b
	}
}

// free reports whether b is a block, and free.
func (l *list) free(b int) bool { return b != 0 && *l.word(b + listUsed) == 0 }

// end returns the offset of the first byte after a block.
func (l *list) end(b int) int { return b + listHeader + *l.word(b + listSize) }

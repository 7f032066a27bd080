package study

import "github.com/baremetaldevx86/microdr/mem"

// tagged is a heap of blocks with boundary tags (Knuth, The Art of Computer Programming, volume 1, section 2.5,
// algorithm C; Wilson, Johnstone, Neely and Boles, Dynamic Storage Allocation, 1995, section 3.2), whatever the order in
// which its fit keeps and chooses free blocks. No two free blocks are neighbours: freeing merges them at once.
//
// A block begins with a header, one word: its size in bytes, a multiple of [unit], and two flags. A free block repeats
// its size in its last word, the footer, and has two words of links for the fit. A used one has no footer; that the one
// before it is free, and so has one, is a flag (Standish, Data Structure Techniques, 1980). Headers stand a word before a
// multiple of [unit], so that what follows is aligned:
//
//	used: | size, used, before | caller's bytes ...                |
//	free: | size,     , before | link | link | ...          | size |
//
// The word before the break is the header of an epilogue, a used block of size 0, so that the last block needs no care.
type tagged struct {
	segment
	fit fit
}

// A fit keeps the free blocks of a [tagged] heap and chooses among them. Offset 0 is no block.
type fit interface {
	// choose returns a free block of at least size bytes, or 0.
	choose(size int) int
	// insert enters a free block, whose tags say so already.
	insert(b int)
	// remove takes a block out.
	remove(b int)
	// move makes of a free block another one, which overlaps it or ends where it starts, with no third between the two.
	// It also sets the tags.
	move(from, to, size int)
}

const (
	usedFlag  = 1 // in a header: the block is used
	afterFree = 2 // in a header: the block before is free, and so has a footer
	tagFlags  = unit - 1

	linkA    = 1 * wordSize // offsets of the words for the fit in a free block
	linkB    = 2 * wordSize
	minBlock = 4 * wordSize // a free block has a header, two links and a footer
)

// newTagged returns a heap whose fit is what newFit makes for it.
func newTagged(source mem.Source, limit int, newFit func(*tagged) fit) (Policy, error) {
	s, err := newSegment(source, limit)
	if err != nil {
		return nil, err
	}
	h := &tagged{segment: s}
	h.fit = newFit(h)
	return h, nil
}

func (h *tagged) Alloc(size int) (mem.Span, error) {
	if err := checkSize(size); err != nil {
		return mem.Span{}, err
	}
	need := max(minBlock, roundUp(size+wordSize, unit))
	b := h.fit.choose(need)
	if b == 0 {
		var err error
		if b, err = h.grow(need); err != nil {
			return mem.Span{}, err
		}
	}
	h.take(b, need)
	return h.grant(b+wordSize, size, b, h.after(b)), nil
}

// grow returns a free block of at least need bytes at the break: the last one made larger, or a new one.
func (h *tagged) grow(need int) (int, error) {
	if h.top == 0 {
		if err := h.extend(unit); err != nil {
			return 0, err
		}
		*h.word(h.top - wordSize) = usedFlag
	}
	b, size := h.top-wordSize, 0
	if before := h.before(b); before != 0 {
		b, size = before, h.size(before)
	}
	if size >= need { // a fit may overlook a block
		return b, nil
	}
	if err := h.extend(need - size); err != nil {
		return 0, err
	}
	*h.word(h.top - wordSize) = usedFlag
	if size > 0 {
		h.fit.move(b, b, need)
	} else {
		h.setFree(b, need)
		h.fit.insert(b)
	}
	return b, nil
}

// take makes the first need bytes of a free block a used block, or all if no block fits into the rest.
func (h *tagged) take(b, need int) {
	size := h.size(b)
	if size-need >= minBlock {
		h.fit.move(b, b+need, size-need)
		size = need
	} else {
		h.fit.remove(b)
		*h.word(b + size) &^= afterFree
	}
	*h.word(b) = size | usedFlag // no free block is before a free block
}

func (h *tagged) Free(s mem.Span) {
	b := h.offset(s) - wordSize
	size, before, after := h.size(b), h.before(b), h.after(b)
	h.revoke(s, size)
	switch {
	case before == 0 && !h.free(after):
		h.setFree(b, size)
		h.fit.insert(b)
	case before == 0:
		h.fit.move(after, b, size+h.size(after))
	case !h.free(after):
		h.fit.move(before, before, h.size(before)+size)
	default:
		size += h.size(before) + h.size(after)
		h.fit.remove(after)
		h.fit.move(before, before, size)
	}
}

// setFree writes the tags of a free block.
func (h *tagged) setFree(b, size int) {
	*h.word(b) = size
	*h.word(b + size - wordSize) = size
	*h.word(b + size) |= afterFree
}

func (h *tagged) size(b int) int  { return *h.word(b) &^ tagFlags }
func (h *tagged) free(b int) bool { return *h.word(b)&usedFlag == 0 }

// after returns the block after b, which may be the epilogue.
func (h *tagged) after(b int) int { return b + h.size(b) }

// before returns the block before b if it is free, and else 0.
func (h *tagged) before(b int) int {
	if *h.word(b)&afterFree == 0 {
		return 0
	}
	return b - *h.word(b - wordSize)
}

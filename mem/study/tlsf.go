package study

import (
	"math/bits"

	"github.com/baremetaldevx86/microdr/mem"
)

// tlsf is the two-level segregated fit (Masmano, Ripoll, Crespo and Real, TLSF: a new dynamic memory allocator for
// real-time systems, 2004): lists of free blocks, by size, of which the first level tells powers of two apart and the
// second cuts each into [tlsfLists] equal parts. A bitmap for either level tells which lists hold a block, so that
// finding one, like all else here, takes constant time.
//
// The price is that a search is for a list all of whose blocks are large enough: it overlooks those that are so by
// chance, and what it finds may be up to 1/32 larger than the best, and more if that list is empty.
type tlsf struct {
	heap   *tagged
	levels uint64 // bit i: lists[i] is not all 0
	second [tlsfLevels]uint32
	heads  [tlsfLevels][tlsfLists]int
}

const (
	tlsfBits   = 5 // of a size after its leading one that tell its list
	tlsfLists  = 1 << tlsfBits
	tlsfShift  = tlsfBits + 4 // below 1<<tlsfShift each multiple of unit has its list
	tlsfLevels = 64 - tlsfShift
)

func newTLSF(source mem.Source, limit int) (Policy, error) {
	return newTagged(source, limit, func(h *tagged) fit { return &tlsf{heap: h} })
}

// tlsfList returns the levels of the list for blocks of size bytes.
func tlsfList(size int) (first, second int) {
	if size < 1<<tlsfShift {
		return 0, size / unit
	}
	log := bits.Len(uint(size)) - 1
	return log - tlsfShift + 1, size>>(log-tlsfBits) - tlsfLists
}

// tlsfSearch returns the levels of the first list all of whose blocks have size bytes.
func tlsfSearch(size int) (first, second int) {
	if size >= 1<<tlsfShift {
		log := bits.Len(uint(size)) - 1
		size += 1<<(log-tlsfBits) - 1
	}
	return tlsfList(size)
}

func (t *tlsf) choose(size int) int {
	first, second := tlsfSearch(size)
	if part := t.second[first] >> second; part != 0 {
		return t.heads[first][second+bits.TrailingZeros32(part)]
	}
	above := t.levels >> (first + 1)
	if above == 0 {
		return 0
	}
	first += 1 + bits.TrailingZeros64(above)
	return t.heads[first][bits.TrailingZeros32(t.second[first])]
}

// insert makes b the first of its list.
func (t *tlsf) insert(b int) {
	first, second := tlsfList(t.heap.size(b))
	next := t.heads[first][second]
	*t.next(b), *t.prev(b) = next, 0
	if next != 0 {
		*t.prev(next) = b
	}
	t.heads[first][second] = b
	t.second[first] |= 1 << second
	t.levels |= 1 << first
}

func (t *tlsf) remove(b int) {
	next, prev := *t.next(b), *t.prev(b)
	if next != 0 {
		*t.prev(next) = prev
	}
	if prev != 0 {
		*t.next(prev) = next
		return
	}
	first, second := tlsfList(t.heap.size(b))
	t.heads[first][second] = next
	if next == 0 {
		t.second[first] &^= 1 << second
	}
	if t.second[first] == 0 {
		t.levels &^= 1 << first
	}
}

func (t *tlsf) move(from, to, size int) {
	t.remove(from)
	t.heap.setFree(to, size)
	t.insert(to)
}

func (t *tlsf) next(b int) *int { return t.heap.word(b + linkA) }
func (t *tlsf) prev(b int) *int { return t.heap.word(b + linkB) }

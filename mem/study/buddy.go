package study

import (
	"math/bits"

	"github.com/baremetaldevx86/microdr/mem"
)

// buddy is the binary buddy system (Knowlton, A fast storage allocator, 1965; Knuth, section 2.5, algorithms R and S).
// Blocks are powers of two in size, their offsets multiples of it. A free block of order k, that is of 1<<k bytes, is
// split into two buddies of order k-1, whose offsets differ in bit k-1 only; so a block finds its buddy by its offset,
// and merges with it when both are free and whole.
//
// Used blocks have no header: the span tells the order, and bitmaps beside the segment, two bits for every 16 bytes at
// most, tell which blocks are free. So what is a power of two already wastes nothing. Free blocks of an order are in a
// list, linked through their first two words.
type buddy struct {
	segment
	heads    [maxOrder + 1]int // the first free block of an order, if any
	nonempty uint64            // bit k: there are free blocks of order k
	free     [maxOrder + 1]bitmap
}

const (
	minOrder = 4 // unit, the room for two links
	maxOrder = 62

	buddyNext = 0 * wordSize
	buddyPrev = 1 * wordSize
	noBuddy   = -1 // ends a list; 0 is a block here
)

func newBuddy(source mem.Source, limit int) (Policy, error) {
	s, err := newSegment(source, limit)
	if err != nil {
		return nil, err
	}
	b := &buddy{segment: s}
	for k := range b.heads {
		b.heads[k] = noBuddy
	}
	return b, nil
}

func (b *buddy) Alloc(size int) (mem.Span, error) {
	if err := checkSize(size); err != nil {
		return mem.Span{}, err
	}
	order := orderOf(size)
	for b.nonempty>>order == 0 {
		if err := b.grow(order); err != nil {
			return mem.Span{}, err
		}
	}
	at := b.take(order)
	return b.grant(at, size, at, at+1<<order), nil
}

// take removes a block from the least order that has one, and frees the halves that are too much.
func (b *buddy) take(order int) int {
	k := order + bits.TrailingZeros64(b.nonempty>>order)
	at := b.heads[k]
	b.remove(at, k)
	for k > order {
		k--
		b.insert(at+1<<k, k)
	}
	return at
}

// grow moves the break to the next multiple of a block of the order. Where that is less than a block away it may have
// completed one whose start was free; if not, growing again will.
func (b *buddy) grow(order int) error {
	from, to := b.top, roundUp(b.top+1, 1<<order)
	if err := b.extend(to - from); err != nil {
		return err
	}
	for from < to { // offsets and ends of the blocks in a gap are multiples of rising powers of two
		k := min(order, trailingZeros(from))
		b.release(from, k)
		from += 1 << k
	}
	return nil
}

func (b *buddy) Free(s mem.Span) {
	order := orderOf(s.Size())
	b.revoke(s, 1<<order)
	b.release(b.offset(s), order)
}

// release frees a block and merges it with its buddy, that with its own, and so on.
func (b *buddy) release(at, order int) {
	for order < maxOrder && b.free[order].has(at>>order^1) {
		b.remove(at^1<<order, order)
		at &^= 1 << order
		order++
	}
	b.insert(at, order)
}

// insert makes a block the first in the list of its order.
func (b *buddy) insert(at, order int) {
	next := b.heads[order]
	*b.word(at + buddyNext), *b.word(at + buddyPrev) = next, noBuddy
	if next != noBuddy {
		*b.word(next + buddyPrev) = at
	}
	b.heads[order] = at
	b.nonempty |= 1 << order
	b.free[order].add(at >> order)
}

func (b *buddy) remove(at, order int) {
	next, prev := *b.word(at + buddyNext), *b.word(at + buddyPrev)
	if next != noBuddy {
		*b.word(next + buddyPrev) = prev
	}
	if prev != noBuddy {
		*b.word(prev + buddyNext) = next
	} else {
		b.heads[order] = next
	}
	if b.heads[order] == noBuddy {
		b.nonempty &^= 1 << order
	}
	b.free[order].drop(at >> order)
}

// orderOf returns the least order whose blocks hold size bytes.
func orderOf(size int) int { return max(minOrder, bits.Len(uint(size-1))) }

// trailingZeros returns the order that an offset is aligned to.
func trailingZeros(offset int) int { return min(maxOrder, bits.TrailingZeros(uint(offset))) }

// A bitmap is a set of small numbers.
type bitmap []uint64

func (m bitmap) has(i int) bool { return i/64 < len(m) && m[i/64]>>(i%64)&1 != 0 }
func (m bitmap) drop(i int)     { m[i/64] &^= 1 << (i % 64) }

func (m *bitmap) add(i int) {
	for i/64 >= len(*m) {
		*m = append(*m, 0)
	}
	(*m)[i/64] |= 1 << (i % 64)
}

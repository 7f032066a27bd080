package study

import (
	"cmp"
	"slices"
	"testing"
)

// listBlocks walks over the memory and returns the used blocks, the free ones, and those the links lead to.
func listBlocks(t *testing.T, l *list) (used, free, known []int) {
	prev := 0
	for b := listFirst; b < l.top; prev, b = b, l.end(b) {
		switch {
		case *l.word(b + listPrev) != prev || *l.word(b + listNext) != l.end(b) && l.end(b) != l.top:
			t.Fatalf("block at %d: links %d and %d", b, *l.word(b + listPrev), *l.word(b + listNext))
		case !l.free(b):
			used = append(used, b)
		case l.free(prev):
			t.Fatalf("free blocks at %d and %d are neighbours", prev, b)
		default:
			free = append(free, b)
		}
	}
	for b := l.last; b != 0; b = *l.word(b + listPrev) {
		if l.free(b) {
			known = append(known, b)
		}
	}
	slices.Reverse(known)
	return used, free, known
}

// taggedBlocks walks over the memory and returns the used blocks, the free ones, and those the fit knows.
func taggedBlocks(t *testing.T, h *tagged) (used, free, known []int) {
	if h.top == 0 {
		return nil, nil, nil
	}
	before := 0 // that is free
	for b := unit - wordSize; b < h.top-wordSize; b = h.after(b) {
		switch {
		case h.before(b) != before:
			t.Fatalf("block at %d: the free one before it is %d, want %d", b, h.before(b), before)
		case !h.free(b):
			used = append(used, b)
			before = 0
		case before != 0:
			t.Fatalf("free blocks at %d and %d are neighbours", before, b)
		default:
			free = append(free, b)
			before = b
		}
	}
	return used, free, fitBlocks(t, h)
}

// fitBlocks returns the blocks that a fit knows, by address.
func fitBlocks(t *testing.T, h *tagged) (known []int) {
	switch f := h.fit.(type) {
	case *first:
		return f.blocks()
	case *next:
		known = f.blocks()
		if f.rover != 0 && !slices.Contains(known, f.rover) {
			t.Fatalf("the rover is at %d, which is no free block", f.rover)
		}
	case *best:
		known = f.blocks(t, f.root)
		if !slices.IsSortedFunc(known, func(a, b int) int { return cmp.Or(cmp.Compare(h.size(a), h.size(b)), cmp.Compare(a, b)) }) {
			t.Fatalf("the tree is out of order: %v", known)
		}
	case *tlsf:
		known = f.blocks(t)
	}
	slices.Sort(known)
	return known
}

func (l *addressOrder) blocks() (known []int) {
	for b := l.head; b != 0; b = *l.next(b) {
		known = append(known, b)
	}
	return known
}

func (t *best) blocks(test *testing.T, node int) []int {
	if node == 0 {
		return nil
	}
	for _, child := range []int{*t.left(node), *t.right(node)} {
		if child != 0 && priority(child) > priority(node) {
			test.Fatalf("node %d is above %d of a higher priority", node, child)
		}
	}
	return append(append(t.blocks(test, *t.left(node)), node), t.blocks(test, *t.right(node))...)
}

func (t *tlsf) blocks(test *testing.T) (known []int) {
	for i := range t.heads {
		for j, head := range t.heads[i] {
			if (head != 0) != (t.second[i]>>j&1 != 0) || t.second[i] != 0 != (t.levels>>i&1 != 0) {
				test.Fatalf("list %d, %d begins with %d, bitmaps %b and %b", i, j, head, t.levels, t.second[i])
			}
			for b := head; b != 0; b = *t.next(b) {
				if x, y := tlsfList(t.heap.size(b)); x != i || y != j {
					test.Fatalf("block of %d bytes in list %d, %d", t.heap.size(b), i, j)
				}
				known = append(known, b)
			}
		}
	}
	return known
}

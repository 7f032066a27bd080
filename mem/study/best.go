package study

import "github.com/baremetaldevx86/microdr/mem"

// best is best fit: of the free blocks that are large enough, the smallest, and of several such the one with the lowest
// address (Knuth, section 2.5; Wilson et al., section 3.5).
//
// It keeps them in a treap (Seidel and Aragon, Randomized search trees, 1996): a binary search tree by size, then
// address, that is also a heap by priority. Priorities that look random make it as deep as a tree of random insertions,
// some 2 ln n; a hash of the address is one that needs no memory.
type best struct {
	heap *tagged
	root int
}

func newBest(source mem.Source, limit int) (Policy, error) {
	return newTagged(source, limit, func(h *tagged) fit { return &best{heap: h} })
}

func (t *best) choose(size int) int {
	found := 0
	for b := t.root; b != 0; {
		if t.heap.size(b) < size {
			b = *t.right(b)
		} else {
			found, b = b, *t.left(b)
		}
	}
	return found
}

// insert goes down to where b's priority puts it, and splits what was there into what is less than b and what is more.
func (t *best) insert(b int) {
	at := &t.root
	for *at != 0 && priority(*at) >= priority(b) {
		at = t.toward(*at, b)
	}
	node := *at
	*at = b
	less, more := t.left(b), t.right(b)
	for node != 0 {
		if t.less(node, b) {
			*less = node
			less = t.right(node)
			node = *less
		} else {
			*more = node
			more = t.left(node)
			node = *more
		}
	}
	*less, *more = 0, 0
}

// remove puts in b's place its two subtrees, merged by priority.
func (t *best) remove(b int) {
	at := &t.root
	for *at != b {
		at = t.toward(*at, b)
	}
	less, more := *t.left(b), *t.right(b)
	for less != 0 && more != 0 {
		if priority(less) >= priority(more) {
			*at = less
			at = t.right(less)
			less = *at
		} else {
			*at = more
			at = t.left(more)
			more = *at
		}
	}
	*at = max(less, more) // one of them is 0
}

func (t *best) move(from, to, size int) {
	t.remove(from)
	t.heap.setFree(to, size)
	t.insert(to)
}

func (t *best) left(b int) *int  { return t.heap.word(b + linkA) }
func (t *best) right(b int) *int { return t.heap.word(b + linkB) }

// toward returns the link of node below which b belongs.
func (t *best) toward(node, b int) *int {
	if t.less(node, b) {
		return t.right(node)
	}
	return t.left(node)
}

// less orders by size, then address.
func (t *best) less(a, b int) bool {
	if s, u := t.heap.size(a), t.heap.size(b); s != u {
		return s < u
	}
	return a < b
}

// priority is the output function of SplitMix64 (Steele, Lea and Flood, 2014), a bijection.
func priority(b int) uint64 {
	x := uint64(b)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

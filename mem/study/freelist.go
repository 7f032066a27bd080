package study

// addressOrder keeps free blocks in a doubly linked list in the order of their addresses, which Wilson et al. (1995,
// section 3.5) found to fragment less than the last freed first.
type addressOrder struct {
	heap       *tagged
	head, tail int
}

// insert looks for b's place from two ends by turns: over the list from its head, and over the blocks behind b, of which
// every third or so is free in the long run (Knuth's fifty per cent rule).
func (l *addressOrder) insert(b int) {
	h := l.heap
	end := h.top - wordSize
	listed, near := l.head, h.after(b)
	for listed != 0 && listed < b && near != end && !h.free(near) {
		listed, near = *l.next(listed), h.after(near)
	}
	switch {
	case listed == 0 || listed > b:
		l.link(*l.prev(listed), b, listed)
	case near == end:
		l.link(l.tail, b, 0)
	default:
		l.link(*l.prev(near), b, near)
	}
}

func (l *addressOrder) remove(b int) {
	prev, next := *l.prev(b), *l.next(b)
	*l.next(prev) = next
	*l.prev(next) = prev
}

// move keeps the place in the list.
func (l *addressOrder) move(from, to, size int) {
	l.link(*l.prev(from), to, *l.next(from))
	l.heap.setFree(to, size)
}

// link makes b the one between prev and next.
func (l *addressOrder) link(prev, b, next int) {
	*l.prev(b), *l.next(b) = prev, next
	*l.next(prev) = b
	*l.prev(next) = b
}

// next returns b's link to the block after it. The first follows 0, and 0 the last.
func (l *addressOrder) next(b int) *int {
	if b == 0 {
		return &l.head
	}
	return l.heap.word(b + linkA)
}

// prev returns b's link to the block before it.
func (l *addressOrder) prev(b int) *int {
	if b == 0 {
		return &l.tail
	}
	return l.heap.word(b + linkB)
}

// search returns the first block of at least size bytes among those from the one given up to another, or 0.
func (l *addressOrder) search(from, to, size int) int {
	for b := from; b != to; b = *l.next(b) {
		if l.heap.size(b) >= size {
			return b
		}
	}
	return 0
}

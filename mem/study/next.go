package study

import "github.com/baremetaldevx86/microdr/mem"

// next is next fit: first fit that begins where the last search ended, so that small blocks do not pile up at the start
// (Knuth, section 2.5, exercise 6, with the roving pointer that Wilson et al. named).
type next struct {
	addressOrder
	rover int // a free block; 0 for the first
}

func newNext(source mem.Source, limit int) (Policy, error) {
	return newTagged(source, limit, func(h *tagged) fit { return &next{addressOrder: addressOrder{heap: h}} })
}

func (n *next) choose(size int) int {
	if n.rover == 0 {
		n.rover = n.head
	}
	b := n.search(n.rover, 0, size)
	if b == 0 {
		b = n.search(n.head, n.rover, size)
	}
	if b != 0 {
		n.rover = b
	}
	return b
}

// remove leaves the rover at the block after b.
func (n *next) remove(b int) {
	if n.rover == b {
		n.rover = *n.next(b)
	}
	n.addressOrder.remove(b)
}

// move takes the rover along.
func (n *next) move(from, to, size int) {
	if n.rover == from {
		n.rover = to
	}
	n.addressOrder.move(from, to, size)
}

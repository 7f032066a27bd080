package study

import "github.com/baremetaldevx86/microdr/mem"

// first is first fit: of the free blocks that are large enough, the one with the lowest address (Knuth, section 2.5,
// algorithm A).
type first struct{ addressOrder }

func newFirst(source mem.Source, limit int) (Policy, error) {
	return newTagged(source, limit, func(h *tagged) fit { return &first{addressOrder{heap: h}} })
}

func (f *first) choose(size int) int { return f.search(f.head, 0, size) }

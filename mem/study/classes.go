package study

import (
	"fmt"

	"github.com/baremetaldevx86/microdr/mem"
)

// classes is the product's heap, with one worker and without a decay: slabs of one size class each for blocks up to 32 KiB,
// and for what is larger a TLSF that keeps nothing in the blocks.
type classes struct {
	heap  *mem.Heap
	cache *mem.Cache
}

func newClasses(source mem.Source, limit int) (Policy, error) {
	h := mem.NewHeap(mem.Options{Name: "classes", Source: &limited{source, limit}, Decay: -1})
	return &classes{h, h.NewCache()}, nil
}

func (c *classes) Alloc(size int) (mem.Span, error) { return c.cache.Alloc(size) }
func (c *classes) Free(s mem.Span)                  { c.cache.Free(s) }
func (c *classes) Counters() mem.Counters           { return c.heap.Counters() }

// Close is no occasion to complain about live blocks.
func (c *classes) Close() error {
	_ = c.heap.Close()
	return nil
}

// limited lends only so much address space.
type limited struct {
	mem.Source
	left int
}

func (l *limited) Reserve(size int) (mem.Span, error) {
	if size > l.left {
		return mem.Span{}, fmt.Errorf("study: %d bytes, with %d left: %w", size, l.left, mem.ErrNoMemory)
	}
	s, err := l.Source.Reserve(size)
	l.left -= s.Size()
	return s, err
}

func (l *limited) Release(s mem.Span) error {
	l.left += s.Size()
	return l.Source.Release(s)
}

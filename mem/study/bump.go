package study

import "github.com/baremetaldevx86/microdr/mem"

// bump is the arena: it takes a block back only together with all others.
type bump struct {
	arena    *mem.Arena
	counters mem.Counters
}

func newBump(source mem.Source, limit int) (Policy, error) {
	return &bump{arena: mem.NewArena(mem.Options{Source: &limited{source, limit}})}, nil
}

func (b *bump) Alloc(size int) (mem.Span, error) {
	s, err := b.arena.Alloc(size)
	if err != nil {
		return mem.Span{}, err
	}
	c := &b.counters
	c.Live += int64(size)
	c.Peak = max(c.Peak, c.Live)
	c.Blocks++
	c.Allocations++
	return s, nil
}

func (b *bump) Free(s mem.Span) {
	b.counters.Live -= int64(s.Size())
	b.counters.Blocks--
	if b.counters.Blocks == 0 {
		b.arena.Reset()
	}
}

func (b *bump) Counters() mem.Counters {
	c, a := b.counters, b.arena.Counters()
	c.Granted, c.Reserved, c.Resident = a.Granted, a.Reserved, a.Resident
	return c
}

func (b *bump) Close() error { return b.arena.Release() }

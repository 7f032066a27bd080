package heaps

import (
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"unsafe"

	"modernc.org/memory"
)

// heap is an allocator under measurement.
type heap interface {
	// workers returns the hands of so many workers.
	workers(n int) []allocator
	// settle does what there is to do for unused memory to go back to the system, after the wait.
	settle()
}

// openGo opens a peer in Go, for so many slots.
func openGo(peer string, slots int) (heap, error) {
	switch peer {
	case Ours:
		return openOurs(), nil
	case "Go make":
		return garbage{}, nil
	case "sync.Pool":
		return new(pools), nil
	case "modernc":
		return new(modernc), nil
	case "floor":
		return openFixed(slots), nil
	}
	return nil, fmt.Errorf("heaps: no peer of the name %q", peer)
}

// same is the same allocator n times, for one that any goroutine may use.
func same(a allocator, n int) []allocator {
	return slices.Repeat([]allocator{a}, n)
}

// garbage is Go's own heap, where free means to forget.
type garbage struct{}

func (garbage) workers(n int) []allocator { return same(garbage{}, n) }
func (garbage) settle()                   { runtime.GC() }
func (garbage) free(block)                {}

func (garbage) alloc(size int) block {
	return block{unsafe.Pointer(unsafe.SliceData(make([]byte, size))), size}
}

// pools keeps a pool for every power of two.
type pools struct{ classes [64]sync.Pool }

func (p *pools) workers(n int) []allocator { return same(p, n) }

// settle lets the pools drop what they hold: first it moves to their victims' cache.
func (p *pools) settle() {
	runtime.GC()
	runtime.GC()
}

func (p *pools) alloc(size int) block {
	class := bits.Len(uint(size - 1))
	if kept := p.classes[class].Get(); kept != nil {
		return block{kept.(unsafe.Pointer), size}
	}
	return block{unsafe.Pointer(unsafe.SliceData(make([]byte, 1<<class))), size}
}

func (p *pools) free(b block) {
	p.classes[bits.Len(uint(b.size-1))].Put(b.p)
}

// modernc is modernc.org/memory. Its allocators are for one goroutine, and only the one that allocated a block can free
// it; so several workers share one behind a lock.
type modernc struct{ memory memory.Allocator }

func (m *modernc) workers(n int) []allocator {
	if n > 1 {
		return same(&locked{modernc: m}, n)
	}
	return []allocator{m}
}

func (m *modernc) settle() {
	if err := m.memory.Trim(); err != nil {
		panic(err)
	}
}

func (m *modernc) alloc(size int) block {
	p, err := m.memory.UnsafeMalloc(size)
	if err != nil {
		panic(err)
	}
	return block{p, size}
}

func (m *modernc) free(b block) {
	if err := m.memory.UnsafeFree(b.p); err != nil {
		panic(err)
	}
}

// locked is modernc for several workers.
type locked struct {
	mu sync.Mutex
	*modernc
}

func (l *locked) alloc(size int) block {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.modernc.alloc(size)
}

func (l *locked) free(b block) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.modernc.free(b)
}

// fixed allocates what was freed last, whatever the size: in the standard work a slot keeps the place that it was filled
// with, and shares what it needs behind that with its neighbours. What is left is the cost of the loop, of the calls and
// of the memory that the blocks' owners touch.
type fixed struct {
	bytes []byte
	next  int
	freed unsafe.Pointer
}

// fixedMean is more than the mean size of a block, see sizeOf.
const fixedMean = 4096

func openFixed(slots int) heap {
	return &fixed{bytes: make([]byte, slots*fixedMean+largest)}
}

// workers gives every worker memory of its own.
func (f *fixed) workers(n int) []allocator {
	all := []allocator{f}
	for len(all) < n {
		all = append(all, &fixed{bytes: make([]byte, len(f.bytes))})
	}
	return all
}

func (f *fixed) settle()      {}
func (f *fixed) free(b block) { f.freed = b.p }

func (f *fixed) alloc(size int) block {
	if p := f.freed; p != nil {
		f.freed = nil
		return block{p, size}
	}
	if f.next+largest > len(f.bytes) {
		f.next = 0
	}
	b := block{unsafe.Pointer(&f.bytes[f.next]), size}
	f.next += (size + 15) &^ 15
	return b
}

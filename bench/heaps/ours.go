package heaps

import (
	"time"
	"unsafe"

	"github.com/baremetaldevx86/microdr/mem"
)

// Ours is the name of our allocator among the peers.
const Ours = "ours"

// A block is a mem.Span in all but the name; the array has no length where it is not.
var _ [0]struct{} = [unsafe.Sizeof(block{}) - unsafe.Sizeof(mem.Span{})]struct{}{}

// ours is the heap of package mem.
type ours struct {
	heap   *mem.Heap
	caches []cache
}

// cache is the hands of one worker.
type cache struct{ *mem.Cache }

func openOurs() heap { return &ours{heap: mem.NewHeap(mem.Options{})} }

func (o *ours) workers(n int) []allocator {
	var all []allocator
	for range n {
		c := cache{o.heap.NewCache()}
		o.caches = append(o.caches, c)
		all = append(all, c)
	}
	return all
}

// settle does what a worker does that pauses for long.
func (o *ours) settle() {
	for _, c := range o.caches {
		c.Trim()
	}
}

func (c cache) alloc(size int) block {
	s, err := c.Alloc(size)
	if err != nil {
		panic(err)
	}
	return block{s.Base(), s.Size()}
}

func (c cache) free(b block) { c.Free(*(*mem.Span)(unsafe.Pointer(&b))) }

// The work of the arena: so many blocks of 64 to 512 bytes, which it takes back all at once.
const (
	arenaBlocks   = 10_000
	arenaSmallest = 64
	arenaLargest  = 512
)

// passArena answers the nanoseconds of n allocations, or a few more, and how many they were.
func passArena(_ heap, o order) ([]int64, error) {
	sizes := make([]int, arenaBlocks)
	for i := range sizes {
		sizes[i] = arenaSmallest + int(mix(uint64(i))%(arenaLargest-arenaSmallest+1))
	}
	a := mem.NewArena(mem.Options{})
	defer a.Release()
	round := func() error {
		for _, size := range sizes {
			if _, err := a.Alloc(size); err != nil {
				return err
			}
		}
		a.Reset()
		return nil
	}
	if err := round(); err != nil {
		return nil, err
	}
	rounds := (o.n + arenaBlocks - 1) / arenaBlocks
	begun := time.Now()
	for range rounds {
		if err := round(); err != nil {
			return nil, err
		}
	}
	return []int64{int64(time.Since(begun)), int64(rounds * arenaBlocks)}, nil
}

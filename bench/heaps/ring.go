package heaps

import (
	"runtime"
	"sync/atomic"
)

// ringSize is how many blocks may be on their way to another worker: at a hundred nanoseconds an operation and a tenth of
// them handed over, what comes together while the other one is off the processor for some milliseconds.
const ringSize = 1 << 12

// A ring hands blocks from one goroutine to one other. c/ring.h is the same, with the same order of memory.
type ring struct {
	blocks [ringSize]block

	// Each side has a cache line of its own; knows is what it has seen of the other's count.
	pushed atomic.Uint64
	knows1 uint64 // of popped
	_      [48]byte
	popped atomic.Uint64
	knows2 uint64 // of pushed
	_      [48]byte
}

// push is the sender's; it tells whether there was room.
func (r *ring) push(b block) bool {
	n := r.pushed.Load()
	if n-r.knows1 == ringSize {
		if r.knows1 = r.popped.Load(); n-r.knows1 == ringSize {
			return false
		}
	}
	r.blocks[n%ringSize] = b
	r.pushed.Store(n + 1)
	return true
}

// pop is the receiver's; it tells whether there was a block.
func (r *ring) pop() (block, bool) {
	n := r.popped.Load()
	if n == r.knows2 {
		if r.knows2 = r.pushed.Load(); n == r.knows2 {
			return block{}, false
		}
	}
	b := r.blocks[n%ringSize]
	r.popped.Store(n + 1)
	return b, true
}

// drain frees all that has arrived, and tells whether that was anything.
func (w *worker) drain(in *ring) (any bool) {
	for {
		b, ok := in.pop()
		if !ok {
			return any
		}
		w.free(b)
		any = true
	}
}

// exchange does the work of one of two workers: blocks of operations that are marked are handed to the other one, and
// what that one has handed over is freed at the same time.
func (w *worker) exchange(ops []op, in, out *ring) {
	for _, o := range ops {
		s := &w.slots[o.slot&^handed]
		if o.slot&handed == 0 {
			w.free(*s)
		} else {
			for w.drain(in); !out.push(*s); {
				if !w.drain(in) {
					runtime.Gosched()
				}
			}
		}
		b := w.alloc(int(o.size))
		touch(b)
		*s = b
	}
}

// produce allocates a block for each operation and hands it over.
func (w *worker) produce(ops []op, out *ring) {
	for _, o := range ops {
		b := w.alloc(int(o.size))
		touch(b)
		for !out.push(b) {
			runtime.Gosched()
		}
	}
}

// consume frees so many blocks as they arrive.
func (w *worker) consume(blocks int, in *ring) {
	for blocks > 0 {
		b, ok := in.pop()
		if !ok {
			runtime.Gosched()
			continue
		}
		w.free(b)
		blocks--
	}
}

package heaps

import "unsafe"

// block is what an allocator handed out. The size is part of it as it is of a [mem.Span]: our allocator and the pool want
// it back.
type block struct {
	p    unsafe.Pointer
	size int
}

// An allocator is the hands of one worker. A refusal of memory is a panic: nothing here could go on.
//
// It is called through an interface, by all peers in Go alike, which costs a nanosecond a call (BenchmarkCalls). The peers
// in C are called through the linker's table of dynamic symbols, which is the same kind of jump. The rows of the floors,
// where hardly anything else happens, have both.
type allocator interface {
	alloc(size int) block
	free(block)
}

// pageStep is how far apart the bytes are that a block's owner writes to.
const pageStep = 4096

// touch writes the first byte of every page of a block, counted from its start.
func touch(b block) {
	for i := 0; i < b.size; i += pageStep {
		*(*byte)(unsafe.Add(b.p, i)) = 1
	}
}

// worker is an allocator and the blocks that it handed out.
type worker struct {
	allocator
	slots []block
}

// newWorker makes a worker whose table of slots has its memory already.
func newWorker(a allocator, slots int) *worker {
	w := &worker{a, make([]block, slots)}
	for i := range w.slots {
		w.slots[i].size = 1
	}
	clear(w.slots)
	return w
}

// fill does the first operations of a sequence, before which the slots are empty.
func (w *worker) fill(ops []op) {
	for i := range w.slots {
		b := w.alloc(int(ops[i].size))
		touch(b)
		w.slots[i] = b
	}
}

// replace does the others.
func (w *worker) replace(ops []op) {
	for _, o := range ops {
		s := &w.slots[o.slot&^handed]
		w.free(*s)
		b := w.alloc(int(o.size))
		touch(b)
		*s = b
	}
}

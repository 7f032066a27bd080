package heaps

import "time"

// lifo frees the newest blocks and allocates as many, a few up to longestRun at a time. The slots are the stack.
func (w *worker) lifo(ops []op) {
	for len(ops) > 0 {
		run := ops[:min(1+int(ops[0].slot&^handed)%min(longestRun, len(w.slots)), len(ops))]
		top := w.slots[len(w.slots)-len(run):]
		for i := len(top) - 1; i >= 0; i-- {
			w.free(top[i])
		}
		for i, o := range run {
			b := w.alloc(int(o.size))
			touch(b)
			top[i] = b
		}
		ops = ops[len(run):]
	}
}

const longestRun = 128

// fifo frees the oldest block and allocates one. The slots are the queue, which goes in a circle.
func (w *worker) fifo(ops []op) {
	oldest := 0
	for _, o := range ops {
		w.free(w.slots[oldest])
		b := w.alloc(int(o.size))
		touch(b)
		w.slots[oldest] = b
		if oldest++; oldest == len(w.slots) {
			oldest = 0
		}
	}
}

// replay does the operations of a trace, with empty slots before and after.
func (w *worker) replay(ops []op) {
	for _, o := range ops {
		s := &w.slots[o.slot]
		if o.size == 0 {
			w.free(*s)
			continue
		}
		b := w.alloc(int(o.size))
		touch(b)
		*s = b
	}
}

// passLoop makes the pass of one worker's loop: it answers the nanoseconds that all operations took.
func passLoop(loop func(*worker, []op)) func(heap, order) ([]int64, error) {
	return func(h heap, o order) ([]int64, error) {
		filling, ops, err := o.sequence(0)
		if err != nil {
			return nil, err
		}
		w := newWorker(h.workers(1)[0], o.n)
		w.fill(filling)
		begun := time.Now()
		loop(w, ops)
		return []int64{int64(time.Since(begun))}, nil
	}
}

// A trace is done again and again, until so many operations are done or so many bytes allocated.
const (
	enoughReplayed  = 1 << 20
	enoughAllocated = 8 << 30
)

// repetitions is how often a trace is done.
func repetitions(ops []op) int {
	bytes := uint64(1)
	for _, o := range ops {
		bytes += uint64(o.size)
	}
	return 1 + int(min(enoughReplayed/uint64(len(ops)), enoughAllocated/bytes))
}

// passTrace answers the nanoseconds that the operations of a trace took, and how many they were.
func passTrace(h heap, o order) ([]int64, error) {
	ops, err := readOps(traceFile(o.folder))
	if err != nil {
		return nil, err
	}
	w := newWorker(h.workers(1)[0], o.n)
	w.replay(ops)
	times := repetitions(ops)
	begun := time.Now()
	for range times {
		w.replay(ops)
	}
	return []int64{int64(time.Since(begun)), int64(times * len(ops))}, nil
}

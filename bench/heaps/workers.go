package heaps

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// passExchange answers the nanoseconds that two workers took, each with its own sequence, a tenth of whose blocks the
// other one frees.
func passExchange(h heap, o order) ([]int64, error) {
	hands := h.workers(2)
	var workers [2]*worker
	var filling, ops [2][]op
	for i := range workers {
		var err error
		if filling[i], ops[i], err = o.sequence(i); err != nil {
			return nil, err
		}
		workers[i] = newWorker(hands[i], o.n)
	}
	rings := [2]*ring{new(ring), new(ring)} // by receiver
	var done atomic.Int32
	return together(
		func(i int) { workers[i].fill(filling[i]) },
		func(i int) { workers[i].exchange(ops[i], rings[i], rings[1-i]) },
		func(i int) { // the other one may wait for room
			for done.Add(1); done.Load() < 2; runtime.Gosched() {
				workers[i].drain(rings[i])
			}
		}), nil
}

// passHandover answers the nanoseconds that it took one worker to allocate a block for each operation, and another to
// free it.
func passHandover(h heap, o order) ([]int64, error) {
	_, ops, err := o.sequence(0)
	if err != nil {
		return nil, err
	}
	hands := h.workers(2)
	producer, consumer := newWorker(hands[0], 1), newWorker(hands[1], 1)
	r := new(ring)
	return together(func(int) {}, func(i int) {
		if i == 0 {
			producer.produce(ops, r)
		} else {
			consumer.consume(len(ops), r)
		}
	}, func(int) {}), nil
}

// together runs two workers, each on a thread of its own, and returns how long work lasted, from the first one's begin
// to the last one's end. Neither begins before both are prepared.
func together(prepare, work, after func(worker int)) []int64 {
	var ready, all sync.WaitGroup
	var begun, ended [2]time.Time
	ready.Add(2)
	for i := range 2 {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			prepare(i)
			ready.Done()
			ready.Wait()
			begun[i] = time.Now()
			work(i)
			ended[i] = time.Now()
			after(i)
		})
	}
	all.Wait()
	from, to := begun[0], ended[0]
	if begun[1].Before(from) {
		from = begun[1]
	}
	if ended[1].After(to) {
		to = ended[1]
	}
	return []int64{int64(to.Sub(from))}
}

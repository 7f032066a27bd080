package optim

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// inParallel calls work on ranges that cover 0..n, on all cores. Which ranges
// these are differs from run to run: work must not depend on it.
func inParallel(n int, work func(from, to int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		work(0, n)
		return
	}
	step := max(1, n/(8*workers))
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for {
				from := int(next.Add(int64(step))) - step
				if from >= n {
					return
				}
				work(from, min(n, from+step))
			}
		})
	}
	wait.Wait()
}

package kernel

import "sync/atomic"

// Loop is work on the numbers from 0 up to a count, in any order, that a crew shares. It may be run again and again, by
// one goroutine at a time, and allocates nothing after the first time; so those that need it often keep it, and with it
// what the work reads.
type Loop struct {
	work  func(worker, i int)
	count int
	next  atomic.Int64
	task  task
}

// NewLoop returns a loop around work, which is called with a number and with that of who does it, below Crew.Workers: no
// two do work of one number at the same time, so that it may choose memory to write to.
func NewLoop(work func(worker, i int)) *Loop {
	l := &Loop{work: work}
	l.task.work = l.share
	return l
}

// Run does the work on 0 to n-1 and returns when all is done. The calling goroutine does its share.
func (l *Loop) Run(c *Crew, n int) {
	l.count = n
	l.next.Store(0)
	c.run(&l.task, min(c.Workers(), n))
}

func (l *Loop) share(worker int) {
	for i := int(l.next.Add(1)) - 1; i < l.count; i = int(l.next.Add(1)) - 1 {
		l.work(worker, i)
	}
}

// Each does work on 0 to n-1 once, see Loop.
func (c *Crew) Each(n int, work func(i int)) {
	NewLoop(func(_, i int) { work(i) }).Run(c, n)
}

package kernel

import "sync"

// task is work that several goroutines do at once: work(0), work(1), ... each on one of them. It may be given to a crew
// again and again, and costs no allocation.
type task struct {
	work func(worker int)
	wait sync.WaitGroup
}

// ticket asks for one part of a task.
type ticket struct {
	task   *task
	worker int
}

// crew is the goroutines of an engine besides those that call it. They start when first needed.
type crew struct {
	tickets chan ticket
	stop    chan struct{}
	start   sync.Once
	end     sync.Once
	size    int
}

func newCrew(size int) *crew {
	return &crew{tickets: make(chan ticket, max(size, 1)), stop: make(chan struct{}), size: size}
}

// close ends the goroutines.
func (c *crew) close() { c.end.Do(func() { close(c.stop) }) }

// run does n parts of a task and returns when all are done. The calling goroutine does part 0 and then whatever is
// still waiting, of its own task or another's: so it never waits for a goroutine that has not begun.
func (c *crew) run(t *task, n int) {
	if n <= 1 {
		t.work(0)
		return
	}
	c.start.Do(c.launch)
	t.wait.Add(n - 1)
	for w := 1; w < n; w++ {
		select {
		case c.tickets <- ticket{t, w}:
		default: // more callers than goroutines
			ticket{t, w}.do()
		}
	}
	t.work(0)
	for {
		select {
		case other := <-c.tickets:
			other.do()
			continue
		default:
		}
		break
	}
	t.wait.Wait()
}

func (t ticket) do() {
	t.task.work(t.worker)
	t.task.wait.Done()
}

func (c *crew) launch() {
	for range c.size {
		go c.serve()
	}
}

func (c *crew) serve() {
	for {
		select {
		case t := <-c.tickets:
			t.do()
		case <-c.stop:
			return
		}
	}
}

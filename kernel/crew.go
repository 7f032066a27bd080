package kernel

import "sync"

// task is work that several goroutines do at once: work(0), work(1), ... each on one of them. It may be given to a crew
// again and again, and costs no allocation after the first time.
type task struct {
	work func(worker int)
	wait sync.WaitGroup

	mu    sync.Mutex // guards what follows
	round int        // how often the task was given
	taken []bool     // parts of this round that somebody does
}

// ticket asks for one part of a round of a task.
type ticket struct {
	task          *task
	round, worker int
}

// begin starts a round of n parts.
func (t *task) begin(n int) (round int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.taken) < n {
		t.taken = make([]bool, n)
	}
	clear(t.taken)
	t.round++
	return t.round
}

// take tells whether the part is still to be done, and gives it to the caller.
func (t ticket) take() bool {
	t.task.mu.Lock()
	defer t.task.mu.Unlock()
	if t.task.round != t.round || t.task.taken[t.worker] {
		return false
	}
	t.task.taken[t.worker] = true
	return true
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

// run does n parts of a task and returns when all are done. The calling goroutine does part 0 and then every other one
// that nobody has begun: so it waits only for what is under way, and never does another task's work.
func (c *crew) run(t *task, n int) {
	if n <= 1 {
		t.work(0)
		return
	}
	c.start.Do(c.launch)
	round := t.begin(n)
	t.wait.Add(n - 1)
	for w := 1; w < n; w++ {
		select {
		case c.tickets <- ticket{t, round, w}:
		default: // everybody has enough to do
		}
	}
	t.work(0)
	for w := 1; w < n; w++ {
		ticket{t, round, w}.do()
	}
	t.wait.Wait()
}

// do does the part unless somebody has.
func (t ticket) do() {
	if t.take() {
		t.task.work(t.worker)
		t.task.wait.Done()
	}
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

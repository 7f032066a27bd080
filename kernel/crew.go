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

// Crew is goroutines that wait for work, besides those that call it. They start when first needed. A crew serves any
// number of goroutines; a nil one leaves all work to them.
type Crew struct {
	tickets chan ticket
	stop    chan struct{}
	start   sync.Once
	end     sync.Once
	size    int
}

// NewCrew returns a crew of so many goroutines. Close ends them.
func NewCrew(size int) *Crew {
	return &Crew{tickets: make(chan ticket, max(size, 1)), stop: make(chan struct{}), size: size}
}

// Workers is the number of goroutines that share a loop: the crew's and the calling one.
func (c *Crew) Workers() int {
	if c == nil {
		return 1
	}
	return c.size + 1
}

// Close ends the goroutines. What is under way is finished, and later loops run on those that call.
func (c *Crew) Close() { c.end.Do(func() { close(c.stop) }) }

// run does n parts of a task and returns when all are done. The calling goroutine does part 0 and then every other one
// that nobody has begun: so it waits only for what is under way, and never does another task's work.
func (c *Crew) run(t *task, n int) {
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

func (c *Crew) launch() {
	for range c.size {
		go c.serve()
	}
}

func (c *Crew) serve() {
	for {
		select {
		case t := <-c.tickets:
			t.do()
		case <-c.stop:
			return
		}
	}
}

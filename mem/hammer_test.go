package mem

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// racingClock ticks as fast as it can.
type racingClock struct{ ticks atomic.Int64 }

type racingTimer struct {
	*time.Timer
	clock *racingClock
}

func (r *racingClock) NewTimer(f func()) Timer {
	t := time.AfterFunc(time.Hour, f)
	t.Stop()
	return racingTimer{t, r}
}

func (r racingTimer) Reset(time.Duration) bool {
	r.clock.ticks.Add(1)
	return r.Timer.Reset(time.Millisecond)
}

// hammer lets workers allocate, fill, hand over to one another, free, trim, leave and come back, while the decay ticks and
// someone reads the counters. Under -race -tags memgo the detector sees every byte.
func hammer(t *testing.T, h *Heap, workers, rounds int) {
	handed := make(chan filled, 64*workers)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			c := h.NewCache()
			defer func() { c.Close() }()
			for i := range rounds {
				if !hammerOnce(t, c, handed, random) {
					return
				}
				switch {
				case i%1000 == 999:
					c.Close()
					c = h.NewCache()
				case i%300 == 299:
					c.Trim()
				}
			}
		})
	}
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() { watchCounters(t, h, stop) })
	group.Wait()
	close(stop)
	reader.Wait()
	close(handed)
	for b := range handed {
		verify(t, b.span, b.fill)
		h.Free(b.span)
	}
	if k := h.Counters(); k.Live != 0 || k.Blocks != 0 || k.Allocations != int64(workers*rounds) {
		t.Errorf("counters %+v after %d allocations and as many frees", k, workers*rounds)
	}
}

// hammerOnce allocates a block, gives it to whoever comes, and takes and frees what others gave.
func hammerOnce(t *testing.T, c *Cache, handed chan filled, random *rand.Rand) bool {
	s, err := c.Alloc(1 + int(random.ExpFloat64()*4000))
	if err != nil {
		t.Error(err)
		return false
	}
	b := filled{s, byte(random.Uint32())}
	fill(b.span, b.fill)
	select {
	case handed <- b:
	default:
		verify(t, b.span, b.fill)
		c.Free(b.span)
	}
	if random.IntN(2) == 0 {
		select {
		case other := <-handed:
			verify(t, other.span, other.fill)
			c.Free(other.span)
		default:
		}
	}
	return true
}

func watchCounters(t *testing.T, h *Heap, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
			if k := h.Counters(); k.Peak < 0 || k.Resident < 0 || k.Resident > k.Reserved {
				t.Errorf("counters %+v", k)
				return
			}
			h.Classes()
		}
	}
}

func TestHeapHammer(t *testing.T) {
	clock := &racingClock{}
	h := newHeap(t, Options{Clock: clock, Decay: time.Millisecond})
	rounds := 20_000
	if testing.Short() {
		rounds = 3000
	}
	hammer(t, h, 4, rounds)
	if clock.ticks.Load() == 0 {
		t.Error("the decay never ticked")
	}
}

// TestSharedHammer lets goroutines without caches of their own use the heap, more of them than processors.
func TestSharedHammer(t *testing.T) {
	h := newHeap(t, Options{})
	handed := make(chan filled, 100)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(2, uint64(worker)))
			for range 1000 {
				s, err := h.Alloc(1 + int(random.ExpFloat64()*2000))
				if err != nil {
					t.Error(err)
					return
				}
				b := filled{s, byte(random.Uint32())}
				fill(b.span, b.fill)
				select {
				case handed <- b:
				case other := <-handed:
					verify(t, other.span, other.fill)
					h.Free(other.span)
					verify(t, b.span, b.fill)
					h.Free(b.span)
				}
			}
		})
	}
	group.Wait()
	close(handed)
	for b := range handed {
		h.Free(b.span)
	}
	h.ticking.Lock() // no cache that the pool dropped is being closed meanwhile
	k := h.Counters()
	h.ticking.Unlock()
	if k.Live != 0 || k.Blocks != 0 || k.Allocations != 8000 {
		t.Errorf("counters %+v", k)
	}
}

// ourselves returns the program of this test, if the system can run it: not if an emulator does.
func ourselves(t *testing.T) string {
	program, err := os.Executable()
	if err == nil {
		err = exec.Command(program, "-test.run", "^$").Run()
	}
	if err != nil {
		t.Skip(err)
	}
	return program
}

// TestProcessesUnderLoadHammer starts processes while workers allocate: the address space is copied, with what is reserved.
func TestProcessesUnderLoadHammer(t *testing.T) {
	program := ourselves(t)
	h, processes := newHeap(t, Options{}), 20
	if testing.Short() {
		processes = 3
	}
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		defer close(stop)
		for range processes {
			if out, err := exec.Command(program, "-test.run", "^$").CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		}
	})
	for range 2 {
		group.Go(func() {
			c, handed := h.NewCache(), make(chan filled, 50)
			defer c.Close()
			random := rand.New(rand.NewPCG(3, 4))
			for running := true; running; {
				select {
				case <-stop:
					running = false
				default:
					running = hammerOnce(t, c, handed, random)
				}
			}
			close(handed)
			for b := range handed {
				verify(t, b.span, b.fill)
				c.Free(b.span)
			}
		})
	}
	group.Wait()
}

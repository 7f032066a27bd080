package mem

import (
	"errors"
	"runtime"
	"testing"
	"time"
)

// residentOf returns how much of a heap has physical memory, and whether the system tells.
func residentOf(t *testing.T, h *Heap) (int64, bool) {
	t.Helper()
	total := int64(0)
	for _, r := range *h.regions.Load() {
		n, err := Resident(r.span(0, int(r.frontier.Load())))
		if errors.Is(err, errors.ErrUnsupported) {
			return 0, false
		}
		if err != nil {
			t.Fatal(err)
		}
		total += int64(n)
	}
	return total, true
}

// smallPages is a source that cannot be asked for huge pages, of which more become resident than were touched.
type smallPages struct{ Source }

// TestDecay frees nine blocks of ten and lets time pass. What is left must be little more than what is live, by our
// count and by the system's, and contents must be what they were.
func TestDecay(t *testing.T) {
	clock := &manualClock{}
	h := newHeap(t, Options{Clock: clock, Source: smallPages{OS{}}})
	c := h.NewCache()
	var blocks []filled
	for i := range 2000 {
		for _, size := range []int{3000, 30_000, 100_000}[:1+i%3] {
			s := mustAlloc(t, c, size)
			fill(s, byte(i))
			blocks = append(blocks, filled{s, byte(i)})
		}
	}
	full := h.Counters()
	var left []filled
	for i, b := range blocks {
		if i%10 == 0 {
			left = append(left, b)
		} else {
			c.Free(b.span)
		}
	}
	before := h.Counters().Resident
	for range 2 * ticksAfter {
		clock.pass()
		c.Free(mustAlloc(t, c, 64<<10)) // the worker looks around
	}
	k := h.Counters()
	if before < full.Granted || float64(k.Resident) > 1.3*float64(k.Live) {
		t.Errorf("%d bytes resident, before the decay %d, of %d live", k.Resident, before, k.Live)
	}
	if resident, told := residentOf(t, h); told && resident > k.Resident {
		t.Errorf("%d bytes resident, counted %d", resident, k.Resident)
	}
	for _, b := range left {
		verify(t, b.span, b.fill)
		c.Free(b.span)
	}
	check(t, h)
}

// TestDecayTakesItsTime frees memory and takes it back before the second tick: nothing may be purged. Then the
// clock must fall silent.
func TestDecayTakesItsTime(t *testing.T) {
	clock := &manualClock{}
	h := newHeap(t, Options{Clock: clock})
	s := mustAlloc(t, h, 1<<20)
	h.Free(s)
	clock.pass()
	if k := h.Counters(); k.Resident < 1<<20 {
		t.Errorf("%d bytes resident after one tick", k.Resident)
	}
	s = mustAlloc(t, h, 1<<20)
	clock.pass()
	clock.pass()
	if k := h.Counters(); k.Resident < 1<<20 {
		t.Errorf("%d bytes resident, with %d live", k.Resident, k.Live)
	}
	h.Free(s)
	for range 2 * ticksAfter {
		clock.pass()
	}
	if k := h.Counters(); k.Resident != 0 {
		t.Errorf("%d bytes resident long after the last was freed", k.Resident)
	}
	if clock.pass() {
		t.Error("the clock still ticks")
	}
}

func TestDecayOff(t *testing.T) {
	clock := &manualClock{}
	h := newHeap(t, Options{Clock: clock, Decay: -1})
	h.Free(mustAlloc(t, h, 1<<20))
	if clock.pass() {
		t.Error("the clock ticks without a decay")
	}
	h.Trim()
	if k := h.Counters(); k.Resident != 0 {
		t.Errorf("%d bytes resident after Trim", k.Resident)
	}
}

func TestCloseStopsTheClock(t *testing.T) {
	clock := &manualClock{}
	h := NewHeap(Options{Clock: clock})
	h.Free(mustAlloc(t, h, 1<<20))
	timer := clock.timers[0]
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if timer.running {
		t.Error("the tick that was due was not stopped")
	}
	timer.f() // one that was under way already does no harm
	if timer.running {
		t.Error("a closed heap set the clock")
	}
}

// TestPurgeFails refuses to purge: nothing may be lost, and it is tried again.
func TestPurgeFails(t *testing.T) {
	clock, source := &manualClock{}, &stubborn{refuse: 3}
	h := newHeap(t, Options{Clock: clock, Source: source})
	for range 4 {
		h.Free(mustAlloc(t, h, 1<<20))
	}
	for range 10 {
		clock.pass()
		check(t, h)
	}
	if k := h.Counters(); k.Resident != 0 || source.refuse > 0 {
		t.Errorf("%d bytes resident, %d refusals left", k.Resident, source.refuse)
	}
}

type stubborn struct {
	OS
	refuse int
}

func (s *stubborn) Purge(span Span) error {
	if s.refuse > 0 {
		s.refuse--
		return errors.New("not now")
	}
	return s.OS.Purge(span)
}

// TestPoolDropsCaches lets the collector drop the caches of callers without one: their slabs must serve others.
func TestPoolDropsCaches(t *testing.T) {
	h := newHeap(t, Options{})
	s := mustAlloc(t, h, 100)
	for i := 0; ; i++ {
		runtime.GC()
		h.mu.Lock()
		idle := len(h.idle)
		h.mu.Unlock()
		if idle > 0 {
			break
		}
		if i == 1000 {
			t.Fatal("the cache was not closed")
		}
		time.Sleep(time.Millisecond)
	}
	c := h.NewCache()
	c.Free(s) // of a slab that is its own now, or of an idle cache
	if again := mustAlloc(t, c, 100); again.address()>>frameBits != s.address()>>frameBits {
		t.Errorf("a new slab for %#x, where %#x was freed", again.address(), s.address())
	} else {
		c.Free(again)
	}
}

// TestAdoption closes a worker with live blocks, which others then free and reuse.
func TestAdoption(t *testing.T) {
	h := newHeap(t, Options{})
	first, second := h.NewCache(), h.NewCache()
	mustAlloc(t, second, 64) // has a slab of its own
	var spans []Span
	for range 100 {
		spans = append(spans, mustAlloc(t, first, 9000))
	}
	resident := h.Counters().Resident
	first.Close()
	for _, s := range spans {
		second.Free(s)
	}
	third := h.NewCache()
	for i := range spans {
		spans[i] = mustAlloc(t, []*Cache{second, third}[i%2], 9000)
	}
	if k := h.Counters(); k.Resident > resident+2*frameBytes {
		t.Errorf("%d bytes resident, %d before", k.Resident, resident)
	}
	h.closed = true
}

// TestDecayKeepsRecent: free blocks that a cache takes again and again keep their pages, and so do those that it took since
// the tick before the last.
func TestDecayKeepsRecent(t *testing.T) {
	clock := &manualClock{}
	h := newHeap(t, Options{Clock: clock, Source: smallPages{OS{}}})
	c := h.NewCache()
	use := func(size, blocks int) {
		var spans []Span
		for range blocks {
			spans = append(spans, mustAlloc(t, c, size))
		}
		for _, s := range spans {
			c.Free(s)
		}
	}
	const size, other = 30_000, 20_000                                        // one of whose blocks is taken only to look around
	for _, s := range []Span{mustAlloc(t, c, size), mustAlloc(t, c, other)} { // for their slabs to stay
		defer c.Free(s)
	}
	use(size, 5)
	use(other, 1)
	resident := h.Counters().Resident
	for tick := range 5 {
		clock.pass()
		use(size, 5)
		use(other, 1)
		if k := h.Counters(); k.Resident != resident {
			t.Fatalf("tick %d: %d bytes resident, want %d: what is used stays", tick, k.Resident, resident)
		}
	}
	for tick, stays := range []bool{true, true, false} {
		clock.pass()
		use(other, 1)
		if k := h.Counters(); (k.Resident == resident) != stays {
			t.Errorf("tick %d after the last use: %d bytes resident of %d, want them all: %v", tick, k.Resident, resident, stays)
		}
	}
}

// TestCloseStartsTheClock: what is free in a cache that is closed, and what another one sends it later, goes back, too.
func TestCloseStartsTheClock(t *testing.T) {
	clock := &manualClock{}
	h := newHeap(t, Options{Clock: clock})
	c, other := h.NewCache(), h.NewCache()
	a, b, d := mustAlloc(t, c, 30_000), mustAlloc(t, c, 30_000), mustAlloc(t, c, 30_000)
	c.Free(a)
	rest := func() {
		for range 10 * ticksAfter {
			if !clock.pass() {
				return
			}
		}
		t.Fatal("the clock ticks on though nothing happens")
	}
	rest()
	c.Close()
	if !clock.pass() {
		t.Error("no tick after a cache was closed")
	}
	rest()
	other.Free(b)
	other.Trim()
	if !clock.pass() {
		t.Error("no tick after a block was sent to a closed cache")
	}
	rest()
	if k := h.Counters(); float64(k.Resident) > 1.4*float64(k.Live) {
		t.Errorf("%d bytes resident, of %d live", k.Resident, k.Live)
	}
	other.Free(d)
	other.Close()
}

// TestTickAllocatesNothing: the clock's ticks take nothing from the Go heap, with caches of callers without one and
// idle ones about.
func TestTickAllocatesNothing(t *testing.T) {
	clock := &manualClock{}
	h := newHeap(t, Options{Clock: clock})
	for range 5 { // each leaves a cache idle, or gives up its own
		c := h.NewCache()
		defer c.Close()
	}
	idle := []*Cache{h.NewCache(), h.NewCache(), h.NewCache()}
	for _, c := range idle {
		c.Close()
	}
	s, err := h.Alloc(100_000) // by a caller without a cache, whose own stays open
	if err != nil {
		t.Fatal(err)
	}
	h.Free(s)
	c := h.NewCache()
	defer c.Close()
	work := func() {
		c.Free(mustAlloc(t, c, 100_000))
		clock.pass()
	}
	work()
	for range 20 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 50 {
			work()
		}
		if runtime.ReadMemStats(&after); after.Mallocs == before.Mallocs {
			return // the runtime may allocate at any time
		}
	}
	t.Error("ticks allocate")
}

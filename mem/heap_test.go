package mem

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"
)

func TestClasses(t *testing.T) {
	for size := 1; size <= largestSmall; size++ {
		c := classOf(size)
		block := classSize(c)
		if c >= classCount || block < size || block%minAlignment != 0 {
			t.Fatalf("size %d: class %d of %d bytes", size, c, block)
		}
		if c > 0 && classSize(c-1) >= size {
			t.Fatalf("size %d: class %d, but class %d would do", size, c, c-1)
		}
		if waste := block - size; waste >= minAlignment && 8*waste >= block {
			t.Fatalf("size %d: a block of %d wastes an eighth", size, block)
		}
	}
	if classSize(classCount-1) != largestSmall {
		t.Errorf("the last class has %d bytes, want %d", classSize(classCount-1), largestSmall)
	}
}

// TestIndexOf tries every offset in a slab of every class against division.
func TestIndexOf(t *testing.T) {
	for class := range uint32(classCount) {
		var s slab
		s.form(1, class, 0)
		for offset := uint32(0); offset < frameBytes; offset += minAlignment / 2 {
			i, begins := s.indexOf(uintptr(offset))
			if want := offset%s.block == 0 && offset/s.block < s.count; begins != want || begins && i != offset/s.block {
				t.Fatalf("blocks of %d, offset %d: block %d, %v", s.block, offset, i, begins)
			}
		}
	}
}

// newHeap returns a heap that t closes and checks, on a clock that stands still.
func newHeap(t testing.TB, o Options) *Heap {
	if o.Clock == nil {
		o.Clock = &manualClock{}
	}
	h := NewHeap(o)
	t.Cleanup(func() {
		if !h.closed {
			check(t, h)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func mustAllocAligned(t testing.TB, c *Cache, size, alignment int) Span {
	t.Helper()
	s, err := c.AllocAligned(size, alignment)
	if err != nil {
		t.Fatalf("AllocAligned(%d, %d): %v", size, alignment, err)
	}
	if s.Size() != size || s.address()%uintptr(alignment) != 0 {
		t.Fatalf("AllocAligned(%d, %d) = %d bytes at %#x", size, alignment, s.Size(), s.address())
	}
	return s
}

func TestHeapCounters(t *testing.T) {
	h := newHeap(t, Options{})
	small, big := mustAlloc(t, h, 65), mustAlloc(t, h, largestSmall+1)
	k := h.Counters()
	if k.Live != 65+largestSmall+1 || k.Peak != k.Live || k.Blocks != 2 || k.Allocations != 2 {
		t.Errorf("counters %+v", k)
	}
	if k.Granted != 80+largestSmall+1<<granuleBits || k.Resident < k.Granted || k.Reserved < k.Resident {
		t.Errorf("counters %+v", k)
	}
	for _, class := range h.Classes() {
		if want := int64(0); class.Size == 80 || class.Size == 0 {
			want = 1
			if class.Blocks != want {
				t.Errorf("class %+v", class)
			}
		} else if class.Blocks != want || class.Slabs != 0 {
			t.Errorf("class %+v", class)
		}
	}
	h.Free(big)
	h.Free(small)
	h.Free(Span{})
	after := h.Counters()
	if after.Live != 0 || after.Granted != 0 || after.Blocks != 0 || after.Peak != k.Peak {
		t.Errorf("counters %+v after freeing all", after)
	}
	if err := h.Close(); err != nil || h.Counters().Reserved != 0 {
		t.Errorf("Close: %v, %+v", err, h.Counters())
	}
}

func TestHeapAlignment(t *testing.T) {
	h := newHeap(t, Options{})
	c := h.NewCache()
	var spans []Span
	for alignment := 1; alignment <= LargestAlignment; alignment *= 2 {
		for _, size := range []int{1, 63, 64, 100, 4097, largestSmall, largestSmall + 1, 300_000} {
			spans = append(spans, mustAllocAligned(t, c, size, alignment))
		}
	}
	disjoint(t, spans)
	for _, s := range spans {
		c.Free(s)
	}
	for _, alignment := range []int{0, -1, 3, 96, LargestAlignment * 2, math.MinInt} {
		if _, err := c.AllocAligned(100, alignment); !errors.Is(err, ErrSize) {
			t.Errorf("alignment %d: error %v", alignment, err)
		}
	}
}

func disjoint(t *testing.T, spans []Span) {
	t.Helper()
	for i, a := range spans {
		for _, b := range spans[:i] {
			if a.address() < b.address()+uintptr(b.size) && b.address() < a.address()+uintptr(a.size) {
				t.Fatalf("%d bytes at %#x and %d at %#x overlap", a.size, a.address(), b.size, b.address())
			}
		}
	}
}

func TestHeapInvalidFree(t *testing.T) {
	h, other := newHeap(t, Options{}), newHeap(t, Options{})
	c := h.NewCache()
	small, big, foreign := mustAlloc(t, c, 200), mustAlloc(t, c, 100_000), mustAlloc(t, other, 200)
	freed, freedBig := mustAlloc(t, c, 200), mustAlloc(t, c, 100_000)
	mustAlloc(t, c, 100_000) // keeps the one in front from merging
	c.Free(freed)
	c.Free(freedBig)
	ours := new([64]byte)
	for name, row := range map[string]struct {
		span Span
		want string
	}{
		"double free":       {freed, "double free"},
		"double free, big":  {freedBig, "freed already"},
		"another heap's":    {foreign, "did not allocate"},
		"Go memory":         {Span{unsafe.Pointer(ours), 64}, "did not allocate"},
		"inside":            {small.Sub(64, 200), "inside a block"},
		"too long":          {Span{small.base, 209}, "the block has 208"},
		"part of big":       {big.Sub(0, 100), "100000 were allocated"},
		"inside of big":     {big.Sub(64, 100_000), "no block begins there"},
		"far inside of big": {big.Sub(1<<granuleBits, 100_000), "no block begins there"},
	} {
		for who, free := range map[string]func(Span){"its cache": c.Free, "another cache": h.Free} {
			if name == "double free" && who == "another cache" {
				continue // found when its owner takes it in
			}
			if got := panicOf(func() { free(row.span) }); !strings.Contains(got, row.want) {
				t.Errorf("%s, %s: panic %q, want %q", name, who, got, row.want)
			}
		}
	}
	h.closed = true // the heap of this test is beyond checking
	other.Free(foreign)
}

// TestHeapOutOfMemory refuses address space, and memory behind it, at every request that filling a heap makes. The heap
// must stay usable and give all memory back.
func TestHeapOutOfMemory(t *testing.T) {
	sizes := []int{100, 40_000, 5000, 1 << 21, 100, 3 << 20}
	for refused := range 40 {
		source := &counting{refuse: refused}
		h := NewHeap(Options{Source: source, Clock: &manualClock{}})
		var spans []Span
		failures := 0
		for _, size := range sizes {
			s, err := h.Alloc(size)
			if err != nil {
				if failures++; !errors.Is(err, ErrNoMemory) {
					t.Errorf("refusing request %d: Alloc(%d): %v", refused, size, err)
				}
				check(t, h)
				s = mustAlloc(t, h, size) // the source refuses only once
			}
			fill(s, byte(size))
			spans = append(spans, s)
		}
		for _, s := range spans {
			verify(t, s, byte(s.size))
			h.Free(s)
		}
		check(t, h)
		if err := h.Close(); err != nil || source.lent != 0 {
			t.Errorf("refusing request %d: Close: %v, %d bytes still lent", refused, err, source.lent)
		}
		if source.refuse >= 0 && failures != 0 || refused == 0 && source.refuse >= 0 {
			t.Errorf("request %d was never made, and %d allocations failed", refused, failures)
		}
	}
}

// counting is a Source that refuses one request, and counts what it has lent.
type counting struct {
	OS
	refuse int // requests until then
	lent   int
}

func (c *counting) refused() bool {
	c.refuse--
	return c.refuse == -1
}

func (c *counting) Reserve(size int) (Span, error) {
	if c.refused() {
		return Span{}, ErrNoMemory
	}
	s, err := c.OS.Reserve(size)
	c.lent += s.size
	return s, err
}

func (c *counting) Commit(s Span) error {
	if c.refused() {
		return ErrNoMemory
	}
	return c.OS.Commit(s)
}

func (c *counting) Release(s Span) error {
	c.lent -= s.size
	return c.OS.Release(s)
}

// TestHeapReusesSlabs fills and empties one class after another: an emptied
// slab must serve the next class, or the heap grows without bound.
func TestHeapReusesSlabs(t *testing.T) {
	h := newHeap(t, Options{})
	c := h.NewCache()
	most := int64(0)
	for class := range uint(classCount) {
		var spans []Span
		for range 2*frameBytes/classSize(class) + 1 {
			spans = append(spans, mustAlloc(t, c, classSize(class)))
		}
		for _, s := range spans {
			c.Free(s)
		}
		most = max(most, h.Counters().Resident)
	}
	if limit := int64(classCount+4) * frameBytes; most > limit { // a slab or two stay with each class
		t.Errorf("%d bytes resident, want at most %d", most, limit)
	}
	c.Trim()
	h.Trim()
	if k := h.Counters(); k.Resident != 0 {
		t.Errorf("%d bytes resident after trimming", k.Resident)
	}
}

// TestNoGoMemory allocates and frees without the Go heap.
func TestNoGoMemory(t *testing.T) {
	h := newHeap(t, Options{})
	c, arena := h.NewCache(), NewArena(Options{})
	defer arena.Release()
	for name, once := range map[string]func(){
		"small":  func() { c.Free(mustAlloc(t, c, 100)) },
		"medium": func() { c.Free(mustAlloc(t, c, 30_000)) },
		"large":  func() { c.Free(mustAlloc(t, c, 300_000)) },
		"arena":  func() { mustAlloc(t, arena, 100); arena.Reset() },
		"marks":  func() { m := arena.Mark(); mustAlloc(t, arena, 5000); arena.Rewind(m) },
	} {
		if n := testing.AllocsPerRun(1000, once); n != 0 {
			t.Errorf("%s: %v allocations in the Go heap", name, n)
		}
	}
}

// TestNoFaults does the same work again and again: once its pages are there, none is faulted in any more.
func TestNoFaults(t *testing.T) {
	if _, err := CountFaults(); err != nil || scribble {
		t.Skip("no faults to count")
	}
	h := newHeap(t, Options{})
	c, arena := h.NewCache(), NewArena(Options{})
	defer arena.Release()
	iteration := func() {
		var spans [50]Span
		for i := range spans {
			spans[i] = mustAlloc(t, c, 1+i*i*i*5)
			fill(spans[i], 1)
			fill(mustAlloc(t, arena, 1+i*10_000), 2)
		}
		for _, s := range spans {
			c.Free(s)
		}
		arena.Reset()
	}
	for range 100 {
		iteration()
	}
	const iterations = 100
	before, _ := CountFaults()
	for range iterations {
		iteration()
	}
	after, _ := CountFaults()
	if n := after.Minor - before.Minor; n > iterations/10 { // the runtime of Go has some of its own
		t.Errorf("%d page faults in %d iterations", n, iterations)
	}
}

func TestHeapCloseReportsLeaks(t *testing.T) {
	h := NewHeap(Options{})
	c := h.NewCache()
	mustAlloc(t, c, 10)
	mustAlloc(t, c, 1_000_000)
	if err := h.Close(); err == nil || !strings.Contains(err.Error(), "1000010 bytes live in 2 blocks") {
		t.Errorf("Close: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	for _, size := range []int{10, 1_000_000} {
		if _, err := c.Alloc(size); !errors.Is(err, ErrClosed) {
			t.Errorf("Alloc(%d) after Close: %v", size, err)
		}
		if _, err := h.Alloc(size); !errors.Is(err, ErrClosed) {
			t.Errorf("Alloc(%d) of the heap after Close: %v", size, err)
		}
	}
	if k := h.Counters(); k.Live != 0 || k.Reserved != 0 || k.Resident != 0 || k.Peak != 1000010 || k.Allocations != 2 {
		t.Errorf("counters %+v", k)
	}
}

// recorder is a TB that notes failures instead of failing.
type recorder struct {
	cleanup func()
	errors  []string
}

func (*recorder) Helper()                     {}
func (r *recorder) Cleanup(f func())          { r.cleanup = f }
func (r *recorder) Errorf(s string, v ...any) { r.errors = append(r.errors, fmt.Sprintf(s, v...)) }

func TestCheckLeaks(t *testing.T) {
	h := newHeap(t, Options{})
	s := mustAlloc(t, h, 10)
	var r recorder
	CheckLeaks(&r, h)
	r.cleanup()
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "10 bytes in 1 blocks") {
		t.Errorf("with a live block: %q", r.errors)
	}
	h.Free(s)
	r.cleanup()
	if len(r.errors) != 1 {
		t.Errorf("with none: %q", r.errors[1:])
	}
}

// manualClock is a Clock that a test moves.
type manualClock struct{ timers []*manualTimer }

type manualTimer struct {
	f       func()
	running bool
}

func (m *manualClock) NewTimer(f func()) Timer {
	t := &manualTimer{f: f}
	m.timers = append(m.timers, t)
	return t
}

func (t *manualTimer) Reset(time.Duration) bool {
	was := t.running
	t.running = true
	return was
}

func (t *manualTimer) Stop() bool {
	was := t.running
	t.running = false
	return was
}

// pass lets the time of one tick pass and tells whether there was any.
func (m *manualClock) pass() (any bool) {
	for _, t := range m.timers {
		if t.Stop() {
			t.f()
			any = true
		}
	}
	return any
}

// TestDoubleFreeLarge frees two neighbours in either order, and then once more the one that is inside of the free block now.
func TestDoubleFreeLarge(t *testing.T) {
	for _, upwards := range []bool{true, false} {
		h := newHeap(t, Options{})
		c := h.NewCache()
		a, b, d := mustAlloc(t, c, 100_000), mustAlloc(t, c, 100_000), mustAlloc(t, c, 100_000)
		if upwards {
			c.Free(a)
			c.Free(b)
		} else {
			c.Free(b)
			c.Free(a)
		}
		if got := panicOf(func() { c.Free(b) }); !strings.Contains(got, "no block begins there") {
			t.Errorf("upwards %v: panic %q", upwards, got)
		}
		c.Free(d)
	}
}

// TestTrimGivesUp trims with a source that purges nothing.
func TestTrimGivesUp(t *testing.T) {
	source := &stubborn{refuse: 1 << 30}
	h := newHeap(t, Options{Source: source})
	var spans []Span
	for range 2 * purgeBatch {
		spans = append(spans, mustAlloc(t, h, 100_000))
		mustAlloc(t, h, 100_000)
	}
	for _, s := range spans {
		h.Free(s)
	}
	h.Trim()
	check(t, h)
	h.closed = true
}

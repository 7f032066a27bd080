package mem

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

func TestClasses(t *testing.T) {
	for size := 1; size <= largestSmall; size++ {
		c := classOf(size)
		block := classSize(c)
		if c < 0 || c >= classCount || block < size || block%Alignment != 0 {
			t.Fatalf("size %d: class %d of %d bytes", size, c, block)
		}
		if c > 0 && classSize(c-1) >= size {
			t.Fatalf("size %d: class %d, but class %d would do", size, c, c-1)
		}
		if size > 512 && 8*(block-size) >= block {
			t.Fatalf("size %d: a block of %d wastes an eighth", size, block)
		}
	}
	if classSize(classCount-1) != largestSmall {
		t.Errorf("the last class has %d bytes, want %d", classSize(classCount-1), largestSmall)
	}
}

func TestHeapCounters(t *testing.T) {
	h := NewHeap(OS{})
	CheckLeaks(t, h)
	small, big := mustAlloc(t, h, 65), mustAlloc(t, h, largestSmall+1)
	c := h.Counters()
	if c.Live != 65+largestSmall+1 || c.Peak != c.Live || c.Blocks != 2 || c.Allocations != 2 {
		t.Errorf("counters %+v", c)
	}
	if c.Granted < c.Live+63 || c.Reserved < c.Granted {
		t.Errorf("counters %+v", c)
	}
	h.Free(big)
	h.Free(small)
	h.Free(Span{})
	after := h.Counters()
	if after.Live != 0 || after.Granted != 0 || after.Blocks != 0 || after.Peak != c.Peak || after.Reserved >= c.Reserved {
		t.Errorf("counters %+v after freeing all", after)
	}
	if err := h.Close(); err != nil || h.Counters().Reserved != 0 {
		t.Errorf("Close: %v, %+v", err, h.Counters())
	}
}

func TestHeapInvalidFree(t *testing.T) {
	h, other := NewHeap(OS{}), NewHeap(OS{})
	defer other.Close()
	CheckLeaks(t, h)
	small, big, foreign := mustAlloc(t, h, 200), mustAlloc(t, h, 100_000), mustAlloc(t, other, 200)
	freed, freedBig := mustAlloc(t, h, 200), mustAlloc(t, h, 100_000)
	h.Free(freed)
	h.Free(freedBig)
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
		"part of small":     {small.Sub(0, 100), "where 200 were allocated"},
		"part of big":       {big.Sub(0, 100), "where 100000 were allocated"},
		"inside of big":     {big.Sub(64, 100_000), "did not allocate"},
		"beyond the blocks": {Span{small.base, 201}, "where 200 were allocated"},
	} {
		if got := panicOf(func() { h.Free(row.span) }); !strings.Contains(got, row.want) {
			t.Errorf("%s: panic %q, want %q", name, got, row.want)
		}
	}
	h.Free(small) // the heap is still usable
	h.Free(big)
}

func TestHeapOutOfMemory(t *testing.T) {
	for _, size := range []int{100, 100_000} {
		h := NewHeap(&refusing{})
		if _, err := h.Alloc(size); !errors.Is(err, ErrNoMemory) {
			t.Errorf("Alloc(%d): error %v, want %v", size, err, ErrNoMemory)
		}
		h.source.(*refusing).budget = 1 << 30
		h.Free(mustAlloc(t, h, size))
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestHeapReusesSlabs fills and empties one class after another: an emptied
// slab must serve the next class, or the heap grows without bound.
func TestHeapReusesSlabs(t *testing.T) {
	h := NewHeap(OS{})
	CheckLeaks(t, h)
	defer h.Close()
	for class := range classCount {
		var spans []Span
		for range 2*slabSize/classSize(class) + 1 {
			spans = append(spans, mustAlloc(t, h, classSize(class)))
		}
		for _, s := range spans {
			h.Free(s)
		}
	}
	// One slab stays with each class, and two more are in use at a time.
	limit := int64(classCount+2+chunkSlabs) * slabSize * (chunkSlabs + 1) / chunkSlabs
	if got := h.Counters().Reserved; got > limit {
		t.Errorf("reserved %d bytes, want at most %d", got, limit)
	}
}

func TestHeapCloseReportsLeaks(t *testing.T) {
	h := NewHeap(OS{})
	mustAlloc(t, h, 10)
	mustAlloc(t, h, 1_000_000)
	if err := h.Close(); err == nil || !strings.Contains(err.Error(), "1000010 bytes live in 2 blocks") {
		t.Errorf("Close: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Errorf("second Close: %v", err)
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
	h := NewHeap(OS{})
	defer h.Close()
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

// FuzzHeap plays the input as allocations and frees against a shadow map by
// address: contents kept, no overlap, counters exact.
func FuzzHeap(f *testing.F) {
	f.Add([]byte{10, 200, 1, 30, 255, 2, 90, 0, 7})
	f.Add([]byte{16, 16, 16, 1, 1, 16, 1, 240, 255, 3, 3})
	f.Fuzz(func(t *testing.T, ops []byte) {
		h := NewHeap(OS{})
		CheckLeaks(t, h)
		defer h.Close()
		shadow := map[uintptr]byte{} // what each live block is filled with
		var live []Span
		var want Counters
		free := func(i int) {
			verify(t, live[i], shadow[live[i].address()])
			delete(shadow, live[i].address())
			want.Live -= int64(live[i].Size())
			h.Free(live[i])
			live[i] = live[len(live)-1]
			live = live[:len(live)-1]
		}
		for i, op := range ops[:min(len(ops), 500)] {
			if op%2 == 1 && len(live) > 0 {
				free(int(op/2) % len(live))
			} else {
				s := mustAlloc(t, h, sizeOf(op))
				if _, taken := shadow[s.address()]; taken {
					t.Fatalf("%#x handed out twice", s.address())
				}
				fill(s, byte(i))
				shadow[s.address()] = byte(i)
				live = append(live, s)
				want.Live += int64(s.Size())
				want.Peak = max(want.Peak, want.Live)
				want.Allocations++
			}
			c := h.Counters()
			if c.Live != want.Live || c.Peak != want.Peak || c.Allocations != want.Allocations || c.Blocks != int64(len(live)) {
				t.Fatalf("counters %+v, want %+v and %d blocks", c, want, len(live))
			}
		}
		for len(live) > 0 {
			free(0)
		}
	})
}

// TestHeapHammer lets workers allocate, fill, hand over to one another and
// free, while another reads the counters. Under -race -tags memgo the detector
// sees every byte.
func TestHeapHammer(t *testing.T) {
	const workers, rounds, held = 4, 2000, 32
	h := NewHeap(OS{})
	CheckLeaks(t, h)
	type block struct {
		span Span
		fill byte
	}
	handed := make(chan block, workers*held)
	release := func(b block) {
		verify(t, b.span, b.fill)
		h.Free(b.span)
	}
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for range rounds {
				s, err := h.Alloc(1 + int(random.ExpFloat64()*2000))
				if err != nil {
					t.Error(err)
					return
				}
				b := block{s, byte(random.Uint32())}
				fill(b.span, b.fill)
				select {
				case handed <- b:
				default:
					release(b)
				}
				if random.IntN(2) == 0 {
					select {
					case other := <-handed:
						release(other)
					default:
					}
				}
			}
		})
	}
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if c := h.Counters(); c.Live > c.Peak || c.Live > c.Granted {
					t.Errorf("counters %+v", c)
					return
				}
			}
		}
	})
	group.Wait()
	close(stop)
	reader.Wait()
	close(handed)
	for b := range handed {
		release(b)
	}
	if c := h.Counters(); c.Allocations != workers*rounds {
		t.Errorf("%d allocations, want %d", c.Allocations, workers*rounds)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

// TestArenaCountersHammer reads an arena's counters while its owner allocates.
func TestArenaCountersHammer(t *testing.T) {
	a := NewArena(OS{})
	var group sync.WaitGroup
	stop := make(chan struct{})
	group.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = a.Counters()
			}
		}
	})
	for i := range 5000 {
		if i%100 == 0 {
			a.Reset()
		}
		fill(mustAlloc(t, a, 1+i), byte(i))
	}
	close(stop)
	group.Wait()
	if err := a.Release(); err != nil {
		t.Error(err)
	}
}

func BenchmarkHeap(b *testing.B) {
	for _, size := range []int{256, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			h := NewHeap(OS{})
			defer h.Close()
			for range b.N {
				s, err := h.Alloc(size)
				if err != nil {
					b.Fatal(err)
				}
				h.Free(s)
			}
		})
	}
}

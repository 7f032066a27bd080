package mem

import (
	"errors"
	"testing"
)

// narrow is a source without address space for whole regions.
type narrow struct{ OS }

func (n narrow) Reserve(size int) (Span, error) {
	if size > 8<<20 {
		return Span{}, ErrNoMemory
	}
	return n.OS.Reserve(size)
}

func TestHeapManyRegions(t *testing.T) {
	h := newHeap(t, Options{Source: narrow{}})
	c := h.NewCache()
	var spans []Span
	for i := range 300 {
		s := mustAlloc(t, c, 100_000)
		fill(s, byte(i))
		spans = append(spans, s, mustAlloc(t, c, 20_000))
		fill(spans[2*i+1], byte(i+1))
	}
	if n := len(*h.regions.Load()); n < 2 {
		t.Fatalf("%d regions", n)
	}
	check(t, h)
	other := h.NewCache()
	for i, s := range spans {
		verify(t, s, byte(i/2+i%2))
		if i%3 == 0 {
			other.Free(s)
		} else {
			c.Free(s)
		}
	}
	other.Trim()
	c.Trim()
	h.Trim()
	if k := h.Counters(); k.Resident != 0 || k.Blocks != 0 {
		t.Errorf("counters %+v after freeing everything", k)
	}
}

// TestAlignedNearRegion asks for almost all of a region at an alignment.
func TestAlignedNearRegion(t *testing.T) {
	h := newHeap(t, Options{Source: narrow{}})
	c := h.NewCache()
	for _, size := range []int{2<<20 - 1024, 2 << 20, 3<<20 - 4096, 4<<20 + 1} {
		for _, alignment := range []int{16, 4096, 1 << 18} {
			s := mustAllocAligned(t, c, size, alignment)
			fill(s, 1)
			c.Free(s)
		}
	}
}

// TestHeapOtherRegion: where one region has addresses and the source no memory for them, another one serves.
func TestHeapOtherRegion(t *testing.T) {
	if regionBits < 25 {
		t.Skip("a region has no addresses beyond its memory")
	}
	source := &exhausted{}
	h := newHeap(t, Options{Source: source})
	c := h.NewCache()
	first, second := mustAlloc(t, c, 20<<20), mustAlloc(t, c, 20<<20)
	if n := len(*h.regions.Load()); n != 2 {
		t.Fatalf("%d regions", n)
	}
	c.Free(second)
	source.now = true
	s := mustAlloc(t, c, 8<<20)
	if source.refused == 0 {
		t.Error("the first region was not asked")
	}
	if _, err := c.Alloc(20 << 20); !errors.Is(err, ErrNoMemory) {
		t.Errorf("without a region that has memory: error %v", err)
	}
	c.Free(s)
	c.Free(first)
}

// exhausted is a source of regions of 32 MiB that refuses all memory from some moment on.
type exhausted struct {
	OS
	now     bool
	refused int
}

func (e *exhausted) Reserve(size int) (Span, error) {
	if size > 40<<20 {
		return Span{}, ErrNoMemory
	}
	return e.OS.Reserve(size)
}

func (e *exhausted) Commit(s Span) error {
	if e.now {
		e.refused++
		return ErrNoMemory
	}
	return e.OS.Commit(s)
}

// TestHeapMostRegions: slabs are numbered by regions, so there are no more of these than numbers.
func TestHeapMostRegions(t *testing.T) {
	h := newHeap(t, Options{Source: narrow{}})
	s := mustAlloc(t, h, 4<<20)
	regions := *h.regions.Load()
	full := make([]*region, mostRegions)
	for i := range full {
		full[i] = regions[0]
	}
	h.regions.Store(&full)
	if _, err := h.Alloc(4 << 20); !errors.Is(err, ErrNoMemory) {
		t.Errorf("error %v", err)
	}
	h.regions.Store(&regions)
	h.Free(s)
}

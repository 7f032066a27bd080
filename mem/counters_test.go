package mem

import "testing"

// TestPeakOfTwo: two caches may each hold as much as there is up to the peak before they publish it. What is live then is
// the peak all the same.
func TestPeakOfTwo(t *testing.T) {
	h := newHeap(t, Options{})
	caches := [2]*Cache{h.NewCache(), h.NewCache()}
	allocate := func(c *Cache, blocks int) (spans []Span) {
		for range blocks {
			spans = append(spans, mustAlloc(t, c, 1000))
		}
		return spans
	}
	for _, s := range allocate(caches[0], 1000) {
		caches[0].Free(s)
	}
	for _, c := range caches {
		c.Trim() // which publishes
	}
	for _, c := range caches {
		for _, s := range allocate(c, 700) {
			defer c.Free(s)
		}
	}
	if k := h.Counters(); k.Live != 1_400_000 || k.Peak != k.Live {
		t.Errorf("counters %+v", k)
	}
}

//go:build !race

package mem

import (
	"testing"
	"unsafe"
)

// Under the race detector a sync.Pool drops things at random, whose caches are closed only when the collector comes by.

// TestSharedDecay frees nine blocks of ten without a cache of its own, and lets time pass.
func TestSharedDecay(t *testing.T) {
	for _, trim := range []bool{false, true} {
		clock := &manualClock{}
		h := newHeap(t, Options{Clock: clock})
		var left []filled
		for i := range 1500 {
			s := mustAlloc(t, h, 30_000)
			fill(s, byte(i))
			left = append(left, filled{s, byte(i)})
		}
		kept := left[:0]
		for i, b := range left {
			if i%10 == 0 {
				kept = append(kept, b)
			} else {
				h.Free(b.span)
			}
		}
		if trim {
			h.Trim()
		} else {
			for range 2 * ticksAfter {
				clock.pass()
			}
		}
		if k := h.Counters(); float64(k.Resident) > 1.3*float64(k.Live) {
			t.Errorf("trimmed %v: %d bytes resident, of %d live", trim, k.Resident, k.Live)
		}
		for _, b := range kept {
			verify(t, b.span, b.fill)
			h.Free(b.span)
		}
		check(t, h)
	}
}

// TestSharedCacheAfterPanic: who panics at a wrong free gives the borrowed cache back, so that the next one needs no other.
func TestSharedCacheAfterPanic(t *testing.T) {
	h := newHeap(t, Options{})
	s := mustAlloc(t, h, 100)
	inside := Span{unsafe.Add(s.Base(), 1), 50}
	for range 10 {
		if got := panicOf(func() { h.Free(inside) }); got == "" {
			t.Fatal("no panic")
		}
	}
	h.Free(s)
	if n := len(*h.caches.Load()); n > 3 { // a collection may have emptied the pool meanwhile
		t.Errorf("%d caches for one caller", n)
	}
}

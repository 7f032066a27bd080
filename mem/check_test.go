package mem

import (
	"math/bits"
	"testing"
)

// check fails t where a heap that nothing uses at the moment is not what its comments say.
func check(t testing.TB, h *Heap) {
	t.Helper()
	h.ticking.Lock()
	defer h.ticking.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	pages, slabs := int64(0), [classCount]int64{}
	for _, r := range *h.regions.Load() {
		checkExtents(t, &r.extents)
		for i := uint32(0); i < r.extents.count; i += r.extents.at(i).size & sizeMask {
			if size := r.extents.at(i).size; size&isSlab != 0 {
				s := r.slab(i >> (frameBits - granuleBits))
				slabs[s.class]++
				checkSlab(t, h, s, r.number<<numberBits|i>>(frameBits-granuleBits))
			}
		}
		r.words(0, int(r.frontier.Load())>>r.page, func(word *uint64, mask uint64) {
			pages += int64(bits.OnesCount64(*word&mask)) << r.page
		})
	}
	if pages != h.resident {
		t.Fatalf("%d bytes of pages are marked as resident, counted are %d", pages, h.resident)
	}
	if slabs != h.slabs {
		t.Fatalf("slabs by class are %v, counted are %v", slabs, h.slabs)
	}
}

// checkExtents checks that blocks follow each other without a gap, know who is in front, and that the free ones, no two of
// them neighbours, are just those in the lists.
func checkExtents(t testing.TB, e *extents) {
	t.Helper()
	free, before := 0, uint32(0)
	for i := uint32(0); i < e.count; {
		g := e.at(i)
		size := g.size & sizeMask
		if size == 0 || size > e.count-i || g.before != before {
			t.Fatalf("block %d of %d granules, %d in front (want %d)", i, size, g.before, before)
		}
		if g.size&isFree != 0 {
			free++
			if before != 0 && e.at(i-before).size&isFree != 0 {
				t.Fatalf("blocks %d and %d are free and neighbours", i-before, i)
			}
		}
		i, before = i+size, size
	}
	e.free(func(i uint32, g *granule) {
		free--
		f, s := listOf(g.size & sizeMask)
		if g.size&isFree == 0 || g.prev == none && e.heads[f][s] != i || g.prev != none && e.at(g.prev).next != i {
			t.Fatalf("block %d is wrongly in list %d, %d: %+v", i, f, s, *g)
		}
	})
	if free != 0 {
		t.Fatalf("%d more free blocks than blocks in the lists", free)
	}
}

// checkSlab checks the sums of a slab, and that it is in its owner's list just if it has free blocks.
func checkSlab(t testing.TB, h *Heap, s *slab, number uint32) {
	t.Helper()
	free, words := 0, uint64(0)
	for w, b := range s.bits[:(s.count+63)/64] {
		free += bits.OnesCount64(b)
		if b != 0 {
			words |= 1 << w
		}
	}
	if free != int(s.free.get()) || words != s.words || s.listed != (free > 0) {
		t.Fatalf("slab %d: %d blocks free, counted %d; words %#x, kept %#x; listed %v", number, free, s.free.get(), words, s.words, s.listed)
	}
	found := false
	for n := h.cache(s.owner).rooms[s.class].head; n != none; n = h.slab(n).next {
		found = found || n == number
	}
	if found != s.listed {
		t.Fatalf("slab %d: in its owner's list is %v, want %v", number, found, s.listed)
	}
}

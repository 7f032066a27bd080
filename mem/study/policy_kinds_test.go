package study

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/mem"
)

// TestFits leaves holes of the sizes given between used blocks, and says which of them blocks of other sizes go to; -1 is
// none of them.
func TestFits(t *testing.T) {
	holes := []int{256, 1024, 512, 1024, 240}
	for _, row := range []struct {
		kind        string
		sizes, want []int
	}{
		{"list", []int{500, 500, 200, 200}, []int{1, 2, 0, 1}}, // the lowest; each block takes 32 more
		{"list", []int{1000, 1000, 1000}, []int{1, 3, -1}},
		{"first", []int{500, 500, 200, 200}, []int{1, 1, 0, 2}}, // the lowest
		{"first", []int{1000, 1000, 1000, 200}, []int{1, 3, -1, 0}},
		{"next", []int{500, 500, 200, 200, 200}, []int{1, 1, 2, 2, 3}},         // not back to 0
		{"next", []int{1000, 1000, 200, 200}, []int{1, 3, 4, 0}},               // but after the last
		{"best", []int{500, 500, 500, 200, 200, 200}, []int{2, 1, 1, 4, 0, 3}}, // the smallest, the lowest of two
		{"best", []int{230, 230, 600, 600}, []int{4, 0, 1, 3}},
		{"tlsf", []int{500, 500, 500, 200, 200}, []int{2, 3, 3, 4, 0}}, // the smallest, the last freed of two
		{"tlsf", []int{1000, 1024}, []int{3, -1}},                      // 1 has 1024, but so that chance decides
	} {
		kind := Kinds()[slices.IndexFunc(Kinds(), func(k Kind) bool { return k.Name == row.kind })]
		m := newModel(t, kind, 1<<20, 1<<20)
		spans := m.dig(holes)
		var got []int
		for _, size := range row.sizes {
			s, err := m.policy.Alloc(size)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, slices.IndexFunc(spans, func(hole mem.Span) bool {
				return address(s)-address(hole) < uintptr(hole.Size())
			}))
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: blocks of %v bytes go to holes %v, want %v of %v", row.kind, row.sizes, got, row.want, holes)
		}
		m.close()
	}
}

// dig returns free spans of the sizes between used blocks.
func (m *model) dig(sizes []int) (holes []mem.Span) {
	for _, size := range sizes {
		for _, size := range []int{size, 1} {
			s, err := m.policy.Alloc(size)
			if err != nil {
				m.t.Fatal(err)
			}
			holes = append(holes, s)
		}
	}
	holes = slices.Collect(func(yield func(mem.Span) bool) {
		for i := 0; i < len(holes); i += 2 {
			if !yield(holes[i]) {
				return
			}
		}
	})
	for _, s := range holes {
		m.policy.Free(s)
	}
	return holes
}

// TestAddressOrder frees every other of many blocks in a random order. Were a place in the list looked for from its head
// only, this would take minutes.
func TestAddressOrder(t *testing.T) {
	policy, err := newFirst(mem.OS{}, 32<<20)
	if err != nil {
		t.Fatal(err)
	}
	var spans []mem.Span
	for range 400_000 {
		s, err := policy.Alloc(64)
		if err != nil {
			t.Fatal(err)
		}
		spans = append(spans, s)
	}
	random := rand.New(rand.NewPCG(13, 14))
	for _, i := range random.Perm(len(spans) / 2) {
		policy.Free(spans[2*i])
	}
	free := policy.(*tagged).fit.(*first).blocks()
	if len(free) != len(spans)/2 || !slices.IsSorted(free) {
		t.Errorf("%d free blocks, want %d in order", len(free), len(spans)/2)
	}
	if err := policy.Close(); err != nil {
		t.Error(err)
	}
}

// TestBuddiesAlign: the offset of a block is a multiple of its size.
func TestBuddiesAlign(t *testing.T) {
	m := newModel(t, Kind{"buddy", "", newBuddy}, 16<<20, 16<<20)
	random := rand.New(rand.NewPCG(15, 16))
	for range 5000 {
		if random.IntN(3) > 0 {
			m.alloc(randomSize(random, 14))
		} else if len(m.live) > 0 {
			m.free(random.IntN(len(m.live)))
		}
	}
	for _, b := range m.live {
		if offset := m.offset(b); offset%int(b.granted) != 0 {
			t.Errorf("%d bytes at %d", b.granted, offset)
		}
	}
	m.close()
}

// TestBuddiesMerge frees blocks of 64 bytes, some of which are neighbours without being buddies.
func TestBuddiesMerge(t *testing.T) {
	m := newModel(t, Kind{"buddy", "", newBuddy}, 1<<20, 1<<20)
	alloc := func(size, want int) mem.Span {
		t.Helper()
		s, err := m.policy.Alloc(size)
		if err != nil {
			t.Fatal(err)
		}
		if got := int(address(s) - address(m.source.first)); got != want {
			t.Errorf("Alloc(%d) at %d, want %d", size, got, want)
		}
		return s
	}
	a, b, c, d := alloc(64, 0), alloc(33, 64), alloc(64, 128), alloc(50, 192)
	m.policy.Free(b)
	m.policy.Free(c)
	e := alloc(128, 256) // not at 64
	m.policy.Free(a)
	alloc(128, 0)
	m.policy.Free(d)
	alloc(65, 128)
	m.policy.Free(e)
	alloc(256, 256) // the free half and what follows it, with the break in between
	if c := m.policy.Counters(); c.Granted != 512 {
		t.Errorf("counters %+v", c)
	}
	m.close()
}

// TestTLSFLists: sizes are in the list of their range, and lists that are searched hold nothing too small.
func TestTLSFLists(t *testing.T) {
	random := rand.New(rand.NewPCG(17, 18))
	index := func(first, second int) int { return first*tlsfLists + second }
	last := 0
	for size := minBlock; size < 1<<16; size += unit {
		list := index(tlsfList(size))
		if list < last || list > last+1 && size > minBlock {
			t.Fatalf("size %d: list %d after %d", size, list, last)
		}
		last = list
	}
	for range 1_000_000 {
		size := roundUp(minBlock+randomSize(random, 60), unit)
		list, search := index(tlsfList(size)), index(tlsfSearch(size))
		if search != list && search != list+1 {
			t.Fatalf("size %d is in list %d, and searched for from %d", size, list, search)
		}
		if smaller := size - unit; smaller >= minBlock && index(tlsfList(smaller)) >= search {
			t.Fatalf("size %d is searched for in a list that has %d", size, smaller)
		}
		if larger := size + size/32 + unit; index(tlsfList(larger)) < search {
			t.Fatalf("size %d is not searched for in a list that has %d", size, larger)
		}
	}
}

// TestTLSFOverlooks: the block at the break, which chance alone makes large enough, serves without the break moving.
func TestTLSFOverlooks(t *testing.T) {
	m := newModel(t, Kind{"tlsf", "", newTLSF}, 1<<20, 1<<20)
	m.alloc(5090)
	h := m.policy.(*tagged)
	start, top := m.offset(m.live[0]), h.top
	m.free(0)
	if b := h.fit.choose(5008); b != 0 {
		t.Errorf("the search did not overlook block %d", b)
	}
	if m.alloc(5000); m.offset(m.live[0]) != start || h.top != top {
		t.Errorf("block at %d and break at %d, want %d and %d", m.offset(m.live[0]), h.top, start, top)
	}
	m.close()
}

// TestTLSFConstantTime has a million free blocks, none of which serves what is then asked for a million times. If a
// single one of these looked at them all, that would be noticed; if each did, the test would not end.
func TestTLSFConstantTime(t *testing.T) { manyFree(t, newTLSF, 1_000_000) }

// TestBestManyBlocks does the same with best fit, whose tree is as deep as the logarithm of their number only.
func TestBestManyBlocks(t *testing.T) { manyFree(t, newBest, 200_000) }

func manyFree(t *testing.T, newPolicy func(mem.Source, int) (Policy, error), blocks int) {
	policy, err := newPolicy(mem.OS{}, 2*blocks*minBlock+4<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer policy.Close()
	alloc := func(size int) mem.Span {
		s, err := policy.Alloc(size)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	spans := make([]mem.Span, 2*blocks)
	for i := range spans {
		spans[i] = alloc(1)
	}
	for i := 0; i < len(spans); i += 2 {
		policy.Free(spans[i])
	}
	for i := range blocks {
		policy.Free(alloc(100 + i%1000*10))
	}
	if s := alloc(1); address(s) < address(spans[0]) || address(s) > address(spans[len(spans)-1]) {
		t.Error("a small block does not go to one of the holes")
	}
}

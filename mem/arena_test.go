package mem

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func mustAlloc(t testing.TB, a Allocator, size int) Span {
	t.Helper()
	s, err := a.Alloc(size)
	if err != nil {
		t.Fatalf("Alloc(%d): %v", size, err)
	}
	if s.Size() != size || s.address()%minAlignment != 0 {
		t.Fatalf("Alloc(%d) = %d bytes at %#x", size, s.Size(), s.address())
	}
	return s
}

func TestArenaBadSizes(t *testing.T) {
	granted := map[string]int64{"arena": 128, "heap": 112}
	for name, a := range map[string]interface {
		Allocator
		Counters() Counters
	}{"arena": NewArena(Options{}), "heap": NewHeap(Options{})} {
		for _, row := range []struct {
			size int
			want error
		}{
			{0, ErrSize}, {-1, ErrSize}, {math.MinInt, ErrSize}, {math.MaxInt, ErrSize},
			{math.MaxInt - Alignment, ErrSize},
		} {
			if _, err := a.Alloc(row.size); !errors.Is(err, row.want) {
				t.Errorf("%s: Alloc(%d): error %v, want %v", name, row.size, err, row.want)
			}
		}
		if c := a.Counters(); c != (Counters{}) {
			t.Errorf("%s: counters %+v after failures only", name, c)
		}
		mustAlloc(t, a, 100).Bytes()[99] = 1
		if c := a.Counters(); c.Live != 100 || c.Granted != granted[name] || c.Blocks != 1 {
			t.Errorf("%s: counters %+v after one block of 100", name, c)
		}
	}
}

func TestArenaReusesPages(t *testing.T) {
	a := NewArena(Options{})
	CheckLeaks(t, a)
	sizes := []int{1, 64, 65, minChunk - 1, 3 * minChunk, 100, 5 * minChunk, 7}
	var first []Span
	var reserved int64
	for iteration := range 3 {
		for i, size := range sizes {
			s := mustAlloc(t, a, size)
			s.Bytes()[size-1] = byte(i)
			if iteration == 0 {
				first = append(first, s)
			} else if s != first[i] {
				t.Errorf("iteration %d: block %d at %#x, was at %#x", iteration, i, s.address(), first[i].address())
			}
		}
		c := a.Counters()
		if iteration > 0 && c.Reserved != reserved {
			t.Errorf("iteration %d: reserved %d, was %d", iteration, c.Reserved, reserved)
		}
		reserved = c.Reserved
		a.Reset()
	}
	if got := testing.AllocsPerRun(10, func() {
		for _, size := range sizes {
			mustAlloc(t, a, size)
		}
		a.Reset()
	}); got != 0 {
		t.Errorf("a steady iteration makes %v Go allocations", got)
	}
	if err := a.Release(); err != nil || a.Counters().Reserved != 0 {
		t.Errorf("after Release: %v, %+v", err, a.Counters())
	}
}

func TestArenaMarksNest(t *testing.T) {
	a := NewArena(Options{})
	defer a.Release()
	base := mustAlloc(t, a, 10)
	base.Bytes()[9] = 42
	outer := a.Mark()
	x := mustAlloc(t, a, 20)
	inner := a.Mark()
	y := mustAlloc(t, a, 2*minChunk)
	a.Rewind(inner)
	if again := mustAlloc(t, a, 2*minChunk); again != y {
		t.Errorf("after the inner rewind at %#x, was at %#x", again.address(), y.address())
	}
	stale := a.Mark()
	a.Rewind(outer)
	if c := a.Counters(); c.Live != 10 || c.Blocks != 1 || c.Granted != 64 || c.Peak != 30+2*minChunk {
		t.Errorf("counters %+v after the outer rewind", c)
	}
	if again := mustAlloc(t, a, 20); again != x {
		t.Errorf("after the outer rewind at %#x, was at %#x", again.address(), x.address())
	}
	if base.Bytes()[9] != 42 {
		t.Error("rewind touched what was allocated before the mark")
	}
	a.Mark() // of the depth of outer, but not outer
	for name, m := range map[string]Mark{"inner": inner, "outer": outer, "stale": stale} {
		if got := panicOf(func() { a.Rewind(m) }); !strings.Contains(got, "not open") {
			t.Errorf("rewinding again to %s: panic %q", name, got)
		}
	}
}

func TestArenaOutOfMemory(t *testing.T) {
	a := NewArena(Options{Source: &refusing{budget: minChunk + minChunk/2}})
	defer a.Release()
	mustAlloc(t, a, minChunk)
	before := a.Counters()
	if _, err := a.Alloc(minChunk); !errors.Is(err, ErrNoMemory) {
		t.Fatalf("error %v, want %v", err, ErrNoMemory)
	}
	if a.Counters() != before {
		t.Errorf("counters %+v, want %+v", a.Counters(), before)
	}
	mustAlloc(t, a, minChunk/4) // doubling is refused, the bare size is not
	a.Reset()
	mustAlloc(t, a, minChunk)
}

// FuzzArena plays the input as allocations, marks, rewinds and resets against
// a list of what should be live: contents kept, no overlap, counters exact.
func FuzzArena(f *testing.F) {
	f.Add([]byte{10, 200, 1, 30, 255, 2, 90, 0, 7})
	f.Add([]byte{250, 251, 252, 253, 254, 255, 0, 250})
	f.Fuzz(func(t *testing.T, ops []byte) {
		a := NewArena(Options{})
		CheckLeaks(t, a)
		defer a.Release()
		type block struct {
			span Span
			fill byte
		}
		type mark struct {
			mark   Mark
			blocks int
		}
		var live []block
		var marks []mark
		check := func() {
			var want int64
			for _, b := range live {
				want += int64(b.span.Size())
				verify(t, b.span, b.fill)
			}
			if c := a.Counters(); c.Live != want || c.Blocks != int64(len(live)) {
				t.Fatalf("counters %+v, want %d bytes in %d blocks", c, want, len(live))
			}
		}
		for i, op := range ops[:min(len(ops), 200)] {
			switch {
			case op == 0:
				a.Reset()
				live, marks = nil, nil
			case op < 10:
				marks = append(marks, mark{a.Mark(), len(live)})
			case op < 20 && len(marks) > 0:
				to := int(op) % len(marks)
				a.Rewind(marks[to].mark)
				live, marks = live[:marks[to].blocks], marks[:to]
				check()
			default:
				s := mustAlloc(t, a, sizeOf(op))
				fill(s, byte(i))
				live = append(live, block{s, byte(i)})
			}
		}
		check()
	})
}

// sizeOf spreads an opcode over sizes from 1 byte to about a megabyte.
func sizeOf(op byte) int { return 1 + int(op&7)<<(op>>4)*9 }

// fill and verify touch the ends of a block and samples between, which is
// where an overlap of aligned blocks must show.
func fill(s Span, value byte) {
	b := s.Bytes()
	for i := 0; i < len(b); i += Alignment {
		b[i] = value
	}
	b[len(b)-1] = value
}

func verify(t testing.TB, s Span, value byte) {
	t.Helper()
	b := s.Bytes()
	for i := 0; i < len(b); i += Alignment {
		if b[i] != value {
			t.Errorf("byte %d of %d at %#x is %d, want %d", i, len(b), s.address(), b[i], value)
			return
		}
	}
	if b[len(b)-1] != value {
		t.Errorf("last byte of %d at %#x is %d, want %d", len(b), s.address(), b[len(b)-1], value)
	}
}

func BenchmarkArena(b *testing.B) {
	a := NewArena(Options{})
	defer a.Release()
	for i := range b.N {
		if i%1000 == 0 {
			a.Reset()
		}
		if _, err := a.Alloc(256); err != nil {
			b.Fatal(err)
		}
	}
}

package mem

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

// allocateHere and freeHere are names to find in stacks.
func allocateHere(t *testing.T, c *Cache, size int) Span { return mustAlloc(t, c, size) }

func freeHere(c *Cache, s Span) { c.Free(s) }

func TestDebugMistakes(t *testing.T) {
	h := NewHeap(Options{Debug: true})
	defer h.Close()
	c := h.NewCache()
	freed, live := allocateHere(t, c, 100), allocateHere(t, c, 100)
	freeHere(c, freed)
	before, behind := allocateHere(t, c, 24), allocateHere(t, c, 20)
	for name, row := range map[string]struct {
		mistake func()
		want    []string
	}{
		"double free":   {func() { c.Free(freed) }, []string{"double free of 100 bytes", "allocateHere", "freeHere"}},
		"inside":        {func() { c.Free(live.Sub(16, 100)) }, []string{"16 bytes into a block of 100", "allocateHere"}},
		"part":          {func() { c.Free(live.Sub(0, 50)) }, []string{"free of 50 bytes", "where 100 were", "allocateHere"}},
		"too much":      {func() { c.Free(Span{live.base, 1 << 30}) }, []string{"where 100 were"}},
		"inside, freed": {func() { c.Free(freed.Sub(16, 100)) }, []string{"and freed", "freeHere"}},
		"unknown":       {func() { c.Free(Span{unsafe.Pointer(new([16]byte)), 10}) }, []string{"did not allocate"}},
		"written in front": {func() {
			front, _ := h.debug.blocks[before.address()].margins()
			front.Bytes()[front.size-1] = 7
			c.Free(before)
		}, []string{"in front of the 24", "allocateHere"}},
		"written behind": {func() {
			Span{behind.base, 21}.Bytes()[20] = 7
			c.Free(behind)
		}, []string{"behind the 20", "allocateHere"}},
		"two at once": {func() {
			defer c.alone()()
			c.Free(live)
		}, []string{"two goroutines"}},
	} {
		got := panicOf(row.mistake)
		for _, want := range row.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: panic without %q:\n%s", name, want, got)
			}
		}
	}
	c.Free(live)
}

// TestDebugCounters plays ordinary work and counts.
func TestDebugCounters(t *testing.T) {
	h := newHeap(t, Options{Debug: true})
	c := h.NewCache()
	var spans []Span
	for i := range 300 {
		s := mustAllocAligned(t, c, 1+i*37, 1<<(i%13))
		fill(s, byte(i))
		spans = append(spans, s)
	}
	k := h.Counters()
	if want := int64(300 + 37*299*300/2); k.Live != want || k.Peak != want || k.Blocks != 300 {
		t.Errorf("counters %+v", k)
	}
	for i, s := range spans {
		verify(t, s, byte(i))
		h.Free(s)
	}
	if k := h.Counters(); k.Live != 0 || k.Blocks != 0 || k.Granted != 0 || k.Resident != 0 {
		t.Errorf("counters %+v", k)
	}
}

func TestDebugQuarantineEnds(t *testing.T) {
	source := &counting{refuse: -1}
	h := NewHeap(Options{Debug: true, Source: source})
	for range quarantined + 10 {
		h.Free(mustAlloc(t, h, 10))
	}
	if n := len(h.debug.blocks); n != quarantined {
		t.Errorf("%d freed blocks are remembered, want %d", n, quarantined)
	}
	if err := h.Close(); err != nil || source.lent != 0 {
		t.Errorf("Close: %v, %d bytes still lent", err, source.lent)
	}
}

func TestDebugLeaks(t *testing.T) {
	var registry Registry
	h := NewHeap(Options{Name: "parameters", Debug: true, Registry: &registry})
	c := h.NewCache()
	allocateHere(t, c, 10)
	for range 2 {
		mustAlloc(t, c, 100)
	}
	for who, text := range map[string]string{"Close": "", "Leaks": registry.Leaks()} {
		if who == "Close" {
			text = h.Close().Error()
		} else if !strings.Contains(text, "heap parameters") {
			t.Errorf("no name in %q", text)
		}
		most, least := strings.Index(text, "200 bytes in 2 blocks allocated by"), strings.Index(text, "10 bytes in 1 blocks allocated by")
		if most < 0 || least < most || !strings.Contains(text[least:], "allocateHere") || strings.Contains(text, "(*Cache)") {
			t.Errorf("%s: %s", who, text)
		}
	}
	if leaks := registry.Leaks(); leaks != "" {
		t.Errorf("after Close: %s", leaks)
	}
}

// TestDebugUseAfterFree reads a freed block in a process of its own, which must not survive that.
func TestDebugUseAfterFree(t *testing.T) {
	if scribble {
		t.Skip("Go memory cannot be forbidden")
	}
	if os.Getenv("MEM_TEST_USE_AFTER_FREE") != "" {
		h := NewHeap(Options{Debug: true})
		s := mustAlloc(t, h, 100)
		h.Free(s)
		fmt.Println("read", s.Bytes()[0])
		return
	}
	program := ourselves(t)
	child := exec.Command(program, "-test.run", "TestDebugUseAfterFree")
	child.Env = append(os.Environ(), "MEM_TEST_USE_AFTER_FREE=1")
	out, err := child.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "fault") || !strings.Contains(string(out), "TestDebugUseAfterFree") {
		t.Errorf("%v:\n%s", err, out)
	}
}

// TestDebugClosedCache uses a cache after its end, in every way.
func TestDebugClosedCache(t *testing.T) {
	h := NewHeap(Options{Debug: true})
	defer h.Close()
	c := h.NewCache()
	s := mustAlloc(t, c, 100)
	c.Close()
	defer h.NewCache().Close() // which must not be the same one again
	for name, use := range map[string]func(){
		"Alloc": func() { c.Alloc(1) }, "Free": func() { c.Free(s) }, "Trim": c.Trim, "Close": c.Close,
	} {
		if got := panicOf(use); !strings.Contains(got, "after it was closed") {
			t.Errorf("%s: panic %q", name, got)
		}
	}
	h.Free(s)
}

// TestDebugLostHeap loses a heap that holds a block.
func TestDebugLostHeap(t *testing.T) {
	var registry Registry
	func() {
		allocateHere(t, NewHeap(Options{Name: "lost", Debug: true, Registry: &registry}).NewCache(), 10)
	}()
	runtime.GC()
	runtime.GC()
	if leaks := registry.Leaks(); !strings.Contains(leaks, "heap lost") || !strings.Contains(leaks, "allocateHere") {
		t.Errorf("leaks %q", leaks)
	}
}

func TestArenaDebug(t *testing.T) {
	a := NewArena(Options{Debug: true})
	defer a.Release()
	s := mustAlloc(t, a, 100)
	fill(s, 1)
	a.Reset()
	if !poisoned(s) {
		t.Error("memory that was rewound still holds what it held")
	}
}

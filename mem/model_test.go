package mem

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// A model is a heap with what it should hold: blocks of two and more workers, what each is filled with, the counters.
type model struct {
	t       testing.TB
	heap    *Heap
	clock   *manualClock
	caches  []*Cache
	blocks  []filled
	starts  map[uintptr]int // sizes by address
	want    Counters
	workers int
}

type filled struct {
	span Span
	fill byte
}

func newModel(t testing.TB, workers int) *model {
	m := &model{t: t, clock: &manualClock{}, starts: map[uintptr]int{}, workers: workers}
	m.heap = newHeap(t, Options{Clock: m.clock})
	for range workers {
		m.caches = append(m.caches, m.heap.NewCache())
	}
	return m
}

// play does one step: what, by which worker, and how.
func (m *model) play(what, who, how uint32) {
	c := m.caches[int(who)%m.workers]
	switch what % 16 {
	case 0, 1, 2, 3, 4, 5:
		m.alloc(c, 1+int(how>>3)&(1<<(4+how%9)-1), minAlignment) // up to 4 KiB
	case 6:
		m.alloc(c, 1+int(how>>3)&(1<<(12+how%10)-1), minAlignment) // up to 2 MiB
	case 7:
		m.alloc(c, 1+int(how>>5)%100_000, min(1<<(how%22), LargestAlignment))
	case 8, 9, 10, 11, 12, 13:
		m.free(c, how)
	case 14:
		m.rare(who, how)
	case 15:
		for range how % 64 {
			m.free(c, how*7919+17)
		}
	}
}

// rare is what happens now and then: workers trim, leave and come back, and time passes.
func (m *model) rare(who, how uint32) {
	i := int(who) % m.workers
	switch how % 8 {
	case 0:
		m.caches[i].Close()
		m.caches[i] = m.heap.NewCache()
	case 1:
		m.caches[i].Trim()
	case 2:
		m.heap.Trim()
	case 3: // two leave, and come back in the other order
		j := int(how>>3) % m.workers
		m.caches[i].Close()
		m.caches[j].Close()
		m.caches[j] = m.heap.NewCache()
		if i != j {
			m.caches[i] = m.heap.NewCache()
		}
	default:
		m.clock.pass()
	}
}

func (m *model) alloc(c *Cache, size, alignment int) {
	m.t.Helper()
	s := mustAllocAligned(m.t, c, size, alignment)
	for _, near := range []uintptr{s.address(), s.address() + uintptr(size) - 1} {
		if _, taken := m.starts[near]; taken {
			m.t.Fatalf("%d bytes at %#x, where %d are live", size, near, m.starts[near])
		}
	}
	m.starts[s.address()] = size
	b := filled{s, byte(m.want.Allocations)}
	fill(s, b.fill)
	m.blocks = append(m.blocks, b)
	m.want.Live += int64(size)
	m.want.Peak = max(m.want.Peak, m.want.Live)
	m.want.Allocations++
	m.want.Blocks++
}

func (m *model) free(c *Cache, which uint32) {
	m.t.Helper()
	if len(m.blocks) == 0 {
		return
	}
	i := int(which) % len(m.blocks)
	b := m.blocks[i]
	verify(m.t, b.span, b.fill)
	delete(m.starts, b.span.address())
	c.Free(b.span)
	m.blocks[i] = m.blocks[len(m.blocks)-1]
	m.blocks = m.blocks[:len(m.blocks)-1]
	m.want.Live -= int64(b.span.size)
	m.want.Blocks--
}

// compare checks the counters. The peak is exact with one worker, and with more off by what they may keep for themselves.
func (m *model) compare() {
	m.t.Helper()
	k := m.heap.Counters()
	if k.Live != m.want.Live || k.Blocks != m.want.Blocks || k.Allocations != m.want.Allocations ||
		max(k.Peak-m.want.Peak, m.want.Peak-k.Peak) > int64(m.workers-1)*2*publishAt {
		m.t.Fatalf("counters %+v, want %+v", k, m.want)
	}
	if k.Granted < k.Live || k.Resident < k.Granted || k.Reserved < k.Resident {
		m.t.Fatalf("counters %+v", k)
	}
}

// end checks that no two blocks overlap and that all contents are still there, and frees everything.
func (m *model) end() {
	m.t.Helper()
	check(m.t, m.heap)
	slices.SortFunc(m.blocks, func(a, b filled) int { return int(int64(a.span.address()) - int64(b.span.address())) })
	for i, b := range m.blocks {
		if i > 0 && m.blocks[i-1].span.address()+uintptr(m.blocks[i-1].span.size) > b.span.address() {
			m.t.Fatalf("blocks at %#x and %#x overlap", m.blocks[i-1].span.address(), b.span.address())
		}
	}
	for len(m.blocks) > 0 {
		m.free(m.caches[len(m.blocks)%m.workers], uint32(len(m.blocks)/2))
	}
	m.compare()
	for _, c := range m.caches {
		c.Close()
	}
	check(m.t, m.heap)
	for range 2 * ticksAfter {
		m.clock.pass()
	}
	if k := m.heap.Counters(); k.Resident != 0 || k.Live != 0 || m.clock.pass() {
		m.t.Fatalf("counters %+v and the clock still ticks, long after everything was freed", k)
	}
	check(m.t, m.heap)
}

// FuzzHeap plays the input as the work of workers: allocations of all sizes and alignments, frees, of each other's blocks
// too, trims, workers that leave and come, and time that passes.
func FuzzHeap(f *testing.F) {
	f.Add(uint8(1), []byte{0, 10, 1, 0, 30, 2, 7, 90, 200, 8, 0, 0, 14, 7, 0})
	f.Add(uint8(3), []byte{6, 255, 255, 6, 254, 129, 15, 60, 3, 14, 0, 0, 14, 2, 1, 8, 1, 7})
	f.Fuzz(func(t *testing.T, workers uint8, steps []byte) {
		m := newModel(t, 1+int(workers)%3)
		for i := 0; i+2 < min(len(steps), 1500); i += 3 {
			m.play(uint32(steps[i]), uint32(steps[i+1]), uint32(steps[i+2])*2654435761>>8)
			m.compare()
		}
		m.end()
	})
}

// TestHeapModel plays long random work, by one worker and by three, growing and shrinking.
func TestHeapModel(t *testing.T) {
	for workers := 1; workers <= 3; workers += 2 {
		m := newModel(t, workers)
		random := rand.New(rand.NewPCG(7, uint64(workers)))
		for i := range 20_000 {
			what := random.Uint32()
			if i/4000%2 == 1 && what%3 == 0 {
				what = 8 // mostly frees
			}
			m.play(what, random.Uint32(), random.Uint32())
			if i%100 == 0 {
				m.compare()
			}
			if i%1000 == 0 {
				check(t, m.heap)
			}
		}
		m.end()
	}
}

// FuzzExtents plays the input to the TLSF alone, against a plain list of what is taken.
func FuzzExtents(f *testing.F) {
	f.Add([]byte{1, 30, 2, 200, 0, 3, 5, 255, 1, 0, 1, 7})
	f.Fuzz(func(t *testing.T, steps []byte) {
		const count = 4096
		table := make([]granule, count+1)
		var e extents
		e.init(unsafe.Pointer(&table[0]), count)
		taken := map[uint32]uint32{} // sizes by start
		for i := 0; i+1 < min(len(steps), 2000); i += 2 {
			what, how := uint32(steps[i]), uint32(steps[i+1])
			if what%2 == 0 {
				size, alignment := 1+how*(what>>4)/4, uint32(1)<<((what>>1)%8)
				if at := e.find(size, alignment); at != none {
					at = e.take(at, size, alignment)
					if at%alignment != 0 || at+size > count {
						t.Fatalf("%d granules at %d, alignment %d", size, at, alignment)
					}
					for start, n := range taken {
						if at < start+n && start < at+size {
							t.Fatalf("%d granules at %d overlap %d at %d", size, at, n, start)
						}
					}
					taken[at] = size
				} else if longest := longestGap(taken, count); size+alignment-1 <= longest*16/17 {
					t.Fatalf("no room for %d granules, where %d in a row are free", size, longest)
				}
			} else {
				for start := range taken {
					if start >= how*16 {
						e.give(start, isDirty*(what>>1&1))
						delete(taken, start)
						break
					}
				}
			}
			checkExtents(t, &e)
			for at := uint32(0); at < count; at += e.at(at).size & sizeMask {
				for inside := at + 1; inside < at+e.at(at).size&sizeMask; inside++ {
					if e.at(inside).size != 0 {
						t.Fatalf("granule %d of the block at %d says %#x", inside, at, e.at(inside).size)
					}
				}
			}
		}
	})
}

// longestGap returns the most granules in a row that nobody has taken.
func longestGap(taken map[uint32]uint32, count uint32) uint32 {
	longest := uint32(0)
	for i, run := uint32(0), uint32(0); i < count; i++ {
		if n, ok := taken[i]; ok {
			i, run = i+n-1, 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

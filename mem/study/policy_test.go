package study

import (
	"errors"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/baremetaldevx86/microdr/mem"
)

// FuzzPolicies plays what three bytes at a time say: a block of some size, the end of one, or of all.
func FuzzPolicies(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 30, 300, 3000} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		f.Add(data)
	}
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 1, 0, 0, 40, 0, 128, 0, 0, 255, 0, 0, 5, 255, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<12 {
			t.Skip("long inputs show nothing new")
		}
		forAll(t, 4<<20, func(m *model) { m.play(data) })
	})
}

// TestPolicyChurn holds between some and some hundred blocks, and none now and then.
func TestPolicyChurn(t *testing.T) {
	operations := 100_000
	if testing.Short() {
		operations = 10_000
	}
	forAll(t, 64<<20, func(m *model) {
		random := rand.New(rand.NewPCG(3, 4))
		wanted := 0
		for i := range operations {
			switch {
			case i%5000 == 4999:
				m.verify()
				m.freeAll(random)
			case i%500 == 0:
				wanted = random.IntN(600)
			}
			if len(m.live) == 0 || random.IntN(2*wanted+1) > len(m.live) {
				m.alloc(randomSize(random, 15))
			} else {
				m.free(random.IntN(len(m.live)))
			}
		}
		m.verify()
		m.freeAll(random)
		m.verify()
	})
}

func TestPolicySizes(t *testing.T) {
	forAll(t, 16<<20, func(m *model) {
		m.alloc(100)
		for _, size := range []int{0, -1, math.MinInt, math.MaxInt, math.MaxInt - 15} {
			if s, err := m.policy.Alloc(size); !errors.Is(err, mem.ErrSize) || s != (mem.Span{}) {
				m.t.Errorf("Alloc(%d): %v, %v, want %v", size, s, err, mem.ErrSize)
			}
			m.check()
		}
		for _, size := range []int{math.MaxInt / 2, math.MaxInt / 4, math.MaxInt / 8} {
			if s, err := m.policy.Alloc(size); !errors.Is(err, mem.ErrSize) && !errors.Is(err, mem.ErrNoMemory) || s != (mem.Span{}) {
				m.t.Errorf("Alloc(%d): %v, %v", size, s, err)
			}
			m.check()
		}
		m.free(0)
	})
}

// TestPolicyLimit fills a policy up, twice with the same blocks: of all that was freed nothing may be lost.
func TestPolicyLimit(t *testing.T) {
	const limit = 4 << 20
	forExact(t, limit, func(m *model) {
		m.source.budget = math.MaxInt
		sizes := m.exhaust(14)
		if c := m.policy.Counters(); c.Granted < limit/2 || c.Granted > limit || c.Reserved > limit {
			m.t.Errorf("counters %+v when a limit of %d is reached", c, limit)
		}
		if s, err := m.policy.Alloc(limit + 1); !errors.Is(err, mem.ErrNoMemory) {
			m.t.Errorf("Alloc(%d) of at most %d: %v, %v", limit+1, limit, s, err)
		}
		m.verify()
		m.refill(sizes)
	})
}

// TestPolicyOddLimit: a limit is one though it is no multiple of pages.
func TestPolicyOddLimit(t *testing.T) {
	const limit = 100_007
	forExact(t, limit, func(m *model) {
		m.source.budget = math.MaxInt
		m.exhaust(3)
		if c := m.policy.Counters(); c.Granted > limit || c.Granted < limit-100 {
			m.t.Errorf("granted %d of %d", c.Granted, limit)
		}
	})
}

// TestPolicyRefused: the source commits no more, and later more.
func TestPolicyRefused(t *testing.T) {
	forAll(t, 16<<20, func(m *model) {
		m.source.budget = 0
		if m.alloc(100) {
			m.t.Fatal("memory that nobody lent")
		}
		m.source.budget = 3 << 20
		sizes := m.exhaust(14)
		if c := m.policy.Counters(); m.promises.exact && c.Granted < 3<<19 || c.Granted > 3<<20 {
			m.t.Errorf("counters %+v when %d bytes are refused", c, m.source.budget)
		}
		if left := m.source.budget - m.source.committed; m.promises.exact && left > 64<<10 {
			m.t.Errorf("no memory though the source would lend %d bytes, if not twice as many", left)
		}
		m.refill(sizes)
		m.source.budget += 4 << 20
		if !m.alloc(1 << 20) {
			m.t.Error("no memory though the source lends again")
		}
	})
}

// TestPolicyCoalesces: when all is free, it is one block, or for buddies the largest power of two.
func TestPolicyCoalesces(t *testing.T) {
	forExact(t, 16<<20, func(m *model) {
		random := rand.New(rand.NewPCG(11, 12))
		for range 1000 {
			m.alloc(randomSize(random, 13))
		}
		m.freeAll(random)
		m.verify()
		size := m.highest - 64
		if _, ok := m.policy.(*buddy); ok {
			size = 1 << (bits.Len(uint(m.highest)) - 1)
		}
		committed, resident := m.source.committed, m.policy.Counters().Resident
		if !m.alloc(size) || m.source.committed != committed || m.policy.Counters().Resident != resident {
			m.t.Errorf("a block of %d bytes did not fit into %d that are free", size, m.highest)
		}
	})
}

// TestPolicyGrowsLast: a free block at the break is made larger, rather than left behind.
func TestPolicyGrowsLast(t *testing.T) {
	forExact(t, 1<<20, func(m *model) {
		m.alloc(16)
		m.alloc(32 << 10)
		start := m.offset(m.live[1])
		for _, size := range []int{64 << 10, 128 << 10, 128<<10 - 100} {
			m.free(1)
			m.alloc(size)
			if _, ok := m.policy.(*buddy); !ok && m.offset(m.live[1]) != start {
				m.t.Errorf("a block of %d bytes is at %d, want %d", size, m.offset(m.live[1]), start)
			}
		}
		m.freeAll(rand.New(rand.NewPCG(21, 22)))
		if !m.alloc(256<<10) || m.policy.Counters().Resident > int64(256<<10+mem.PageSize()) {
			m.t.Errorf("counters %+v with one block", m.policy.Counters())
		}
	})
}

func TestPolicyCloseLive(t *testing.T) {
	forAll(t, 16<<20, func(m *model) {
		for range 10 {
			m.alloc(10_000)
		}
		m.close()
		if c := m.policy.Counters(); m.promises.exact && c != (mem.Counters{Peak: 100_000, Allocations: 10}) {
			m.t.Errorf("counters %+v", c)
		} // and forAll closes once more
	})
}

func TestPolicyReserveRefused(t *testing.T) {
	for _, kind := range Kinds() {
		if _, err := kind.New(mem.OS{}, 0); promisesOf(kind.Name).exact && !errors.Is(err, mem.ErrSize) {
			t.Errorf("%s with a limit of 0: %v", kind.Name, err)
		}
	}
}

// TestPolicyCommitsInSteps: a break that moves by one small block at a time must not ask the source each time.
func TestPolicyCommitsInSteps(t *testing.T) {
	counted := &counter{Source: mem.OS{}}
	for _, kind := range Kinds() {
		counted.commits = 0
		policy, err := kind.New(counted, 16<<20)
		if err != nil {
			t.Fatal(err)
		}
		for range 100_000 {
			if _, err := policy.Alloc(64); err != nil {
				t.Fatal(err)
			}
			if kind.Name == "list" && policy.Counters().Blocks > 2000 {
				break // one list of all blocks takes its time
			}
		}
		most := 20
		if kind.Name == "classes" && mem.LargestAlignment < 2<<20 {
			most = 60 // its regions are small where spans are Go memory, and so is the alignment
		}
		if counted.commits > most {
			t.Errorf("%s commits %d times", kind.Name, counted.commits)
		}
		if err := policy.Close(); err != nil {
			t.Error(err)
		}
	}
}

// counter is a source that counts.
type counter struct {
	mem.Source
	commits int
}

func (c *counter) Commit(s mem.Span) error {
	c.commits++
	return c.Source.Commit(s)
}

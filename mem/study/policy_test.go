package study

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/mem"
)

// promises are what a policy that is built on a segment keeps beyond [Policy]; the zero value is for those that are not.
type promises struct {
	exact   bool               // the limit is a limit, Granted and Resident follow from the blocks, neighbours merge
	header  int                // bytes before a block that are granted with it
	granted func(size int) int // the least
	spare   int                // granted beyond that where the rest of a free block is too small for one
}

func promisesOf(kind string) promises {
	tagged := func(size int) int { return max(32, (size+8+15)&^15) }
	switch kind {
	case "list":
		return promises{true, 32, func(size int) int { return 32 + (size+15)&^15 }, 32}
	case "first", "next", "best", "tlsf":
		return promises{true, 8, tagged, 16}
	case "buddy":
		return promises{true, 0, func(size int) int { return max(16, 1<<bits.Len(uint(size-1))) }, 0}
	}
	return promises{}
}

// lender is a source that commits no more than budget bytes, and knows what it has lent.
type lender struct {
	mem.Source
	budget    int
	committed int
	lent      map[mem.Span]bool
	first     mem.Span // that was ever reserved
}

var errBudget = errors.New("over budget")

func newLender(budget int) *lender {
	return &lender{Source: mem.OS{}, budget: budget, lent: map[mem.Span]bool{}}
}

func (l *lender) Reserve(size int) (mem.Span, error) {
	s, err := l.Source.Reserve(size)
	if err == nil {
		l.lent[s] = true
	}
	if l.first == (mem.Span{}) {
		l.first = s
	}
	return s, err
}

func (l *lender) Commit(s mem.Span) error {
	if s.Size() > l.budget-l.committed {
		return errors.Join(errBudget, mem.ErrNoMemory)
	}
	l.committed += s.Size()
	return l.Source.Commit(s)
}

func (l *lender) Release(s mem.Span) error {
	if !l.lent[s] {
		return errors.New("released what was not lent")
	}
	delete(l.lent, s)
	return l.Source.Release(s)
}

// model knows what a policy should hold, and fails the test when that is not so.
type model struct {
	t         *testing.T
	policy    Policy
	promises  promises
	source    *lender
	live      []modelBlock // by address
	want      mem.Counters
	highest   int // offset of the end of the highest block ever
	allocated int // blocks ever
}

type modelBlock struct {
	span    mem.Span
	granted int64
	fill    byte
}

func address(s mem.Span) uintptr { return uintptr(s.Base()) }

func newModel(t *testing.T, kind Kind, limit, budget int) *model {
	t.Helper()
	source := newLender(budget)
	policy, err := kind.New(source, limit)
	if err != nil {
		t.Fatal(err)
	}
	return &model{t: t, policy: policy, promises: promisesOf(kind.Name), source: source}
}

// forAll runs a test for every policy, with limit bytes at most.
func forAll(t *testing.T, limit int, test func(*model)) {
	for _, kind := range Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			m := newModel(t, kind, limit, limit)
			test(m)
			m.close()
		})
	}
}

// forExact runs a test for the policies of which more can be said.
func forExact(t *testing.T, limit int, test func(*model)) {
	forAll(t, limit, func(m *model) {
		if m.promises.exact {
			test(m)
		}
	})
}

// alloc reports whether there was memory.
func (m *model) alloc(size int) bool {
	m.t.Helper()
	before := m.policy.Counters()
	s, err := m.policy.Alloc(size)
	if err != nil {
		if !errors.Is(err, mem.ErrNoMemory) {
			m.t.Fatalf("Alloc(%d): %v", size, err)
		}
		m.check()
		return false
	}
	m.allocated++
	b := modelBlock{s, m.policy.Counters().Granted - before.Granted, byte(m.allocated)}
	m.enter(b, size)
	m.check()
	return true
}

// enter makes b live and checks its place.
func (m *model) enter(b modelBlock, size int) {
	m.t.Helper()
	from := address(b.span)
	to := from + uintptr(size)
	i, found := slices.BinarySearchFunc(m.live, from, func(b modelBlock, a uintptr) int { return cmp.Compare(address(b.span), a) })
	switch {
	case b.span.Size() != size || from%16 != 0:
		m.t.Fatalf("Alloc(%d): %d bytes at %#x", size, b.span.Size(), from)
	case found,
		i > 0 && address(m.live[i-1].span)+uintptr(m.live[i-1].span.Size()) > from,
		i < len(m.live) && address(m.live[i].span) < to:
		m.t.Fatalf("Alloc(%d): %#x is in another block", size, from)
	}
	m.live = slices.Insert(m.live, i, b)
	fill(b)
	m.want.Live += int64(size)
	m.want.Granted += b.granted
	m.want.Peak = max(m.want.Peak, m.want.Live)
	m.want.Blocks++
	m.want.Allocations++
	if p := m.promises; p.exact {
		least := int64(p.granted(size))
		if b.granted < least || b.granted > least+int64(p.spare) {
			m.t.Fatalf("Alloc(%d): granted %d, want %d and at most %d more", size, b.granted, least, p.spare)
		}
		m.highest = max(m.highest, m.offset(b)-p.header+int(b.granted))
	}
}

func (m *model) offset(b modelBlock) int { return int(address(b.span) - address(m.source.first)) }

// free takes back the block at index i.
func (m *model) free(i int) {
	m.t.Helper()
	b := m.live[i]
	verify(m.t, b)
	m.live = slices.Delete(m.live, i, i+1)
	m.policy.Free(b.span)
	m.want.Live -= int64(b.span.Size())
	m.want.Granted -= b.granted
	m.want.Blocks--
	m.check()
}

// freeAll takes back all blocks in a random order.
func (m *model) freeAll(random *rand.Rand) {
	m.t.Helper()
	for len(m.live) > 0 {
		m.free(random.IntN(len(m.live)))
	}
}

// check compares all counters.
func (m *model) check() {
	m.t.Helper()
	got, want := m.policy.Counters(), m.want
	if m.promises.exact {
		page := mem.PageSize()
		want.Reserved = int64(m.source.first.Size())
		want.Resident = int64((m.highest + page - 1) / page * page)
	} else { // they may round up, reserve and purge as they like, and take all back only with the last block
		want.Granted, want.Reserved, want.Resident = got.Granted, got.Reserved, got.Resident
		if got.Granted < got.Live {
			m.t.Fatalf("counters %+v", got)
		}
	}
	if got != want {
		m.t.Fatalf("counters\n%+v, want\n%+v", got, want)
	}
}

// verify checks the contents of all live blocks, and the structures within the memory.
func (m *model) verify() {
	m.t.Helper()
	for _, b := range m.live {
		verify(m.t, b)
	}
	var blocks, free, known []int
	switch p := m.policy.(type) {
	case *list:
		blocks, free, known = listBlocks(m.t, p)
	case *tagged:
		blocks, free, known = taggedBlocks(m.t, p)
	default:
		return
	}
	if len(blocks) != len(m.live) {
		m.t.Fatalf("%d used blocks, want %d", len(blocks), len(m.live))
	}
	for i, b := range m.live {
		if blocks[i] != m.offset(b)-m.promises.header {
			m.t.Fatalf("used block at %d, want %d", blocks[i], m.offset(b)-m.promises.header)
		}
	}
	if !slices.Equal(free, known) {
		m.t.Fatalf("free blocks %v, but to find are %v", free, known)
	}
}

// listBlocks walks over the memory and returns the used blocks, the free ones, and those the links lead to.
func listBlocks(t *testing.T, l *list) (used, free, known []int) {
	prev := 0
	for b := listFirst; b < l.top; prev, b = b, l.end(b) {
		switch {
		case *l.word(b + listPrev) != prev || *l.word(b + listNext) != l.end(b) && l.end(b) != l.top:
			t.Fatalf("block at %d: links %d and %d", b, *l.word(b + listPrev), *l.word(b + listNext))
		case !l.free(b):
			used = append(used, b)
		case l.free(prev):
			t.Fatalf("free blocks at %d and %d are neighbours", prev, b)
		default:
			free = append(free, b)
		}
	}
	for b := l.last; b != 0; b = *l.word(b + listPrev) {
		if l.free(b) {
			known = append(known, b)
		}
	}
	slices.Reverse(known)
	return used, free, known
}

// taggedBlocks walks over the memory and returns the used blocks, the free ones, and those the fit knows.
func taggedBlocks(t *testing.T, h *tagged) (used, free, known []int) {
	if h.top == 0 {
		return nil, nil, nil
	}
	before := 0 // that is free
	for b := unit - wordSize; b < h.top-wordSize; b = h.after(b) {
		switch {
		case h.before(b) != before:
			t.Fatalf("block at %d: the free one before it is %d, want %d", b, h.before(b), before)
		case !h.free(b):
			used = append(used, b)
			before = 0
		case before != 0:
			t.Fatalf("free blocks at %d and %d are neighbours", before, b)
		default:
			free = append(free, b)
			before = b
		}
	}
	return used, free, fitBlocks(t, h)
}

// fitBlocks returns the blocks that a fit knows, by address.
func fitBlocks(t *testing.T, h *tagged) (known []int) {
	switch f := h.fit.(type) {
	case *first:
		return f.blocks()
	case *next:
		known = f.blocks()
		if f.rover != 0 && !slices.Contains(known, f.rover) {
			t.Fatalf("the rover is at %d, which is no free block", f.rover)
		}
	case *best:
		known = f.blocks(t, f.root)
		if !slices.IsSortedFunc(known, func(a, b int) int { return cmp.Or(cmp.Compare(h.size(a), h.size(b)), cmp.Compare(a, b)) }) {
			t.Fatalf("the tree is out of order: %v", known)
		}
	case *tlsf:
		known = f.blocks(t)
	}
	slices.Sort(known)
	return known
}

func (l *addressOrder) blocks() (known []int) {
	for b := l.head; b != 0; b = *l.next(b) {
		known = append(known, b)
	}
	return known
}

func (t *best) blocks(test *testing.T, node int) []int {
	if node == 0 {
		return nil
	}
	for _, child := range []int{*t.left(node), *t.right(node)} {
		if child != 0 && priority(child) > priority(node) {
			test.Fatalf("node %d is above %d of a higher priority", node, child)
		}
	}
	return append(append(t.blocks(test, *t.left(node)), node), t.blocks(test, *t.right(node))...)
}

func (t *tlsf) blocks(test *testing.T) (known []int) {
	for i := range t.heads {
		for j, head := range t.heads[i] {
			if (head != 0) != (t.second[i]>>j&1 != 0) || t.second[i] != 0 != (t.levels>>i&1 != 0) {
				test.Fatalf("list %d, %d begins with %d, bitmaps %b and %b", i, j, head, t.levels, t.second[i])
			}
			for b := head; b != 0; b = *t.next(b) {
				if x, y := tlsfList(t.heap.size(b)); x != i || y != j {
					test.Fatalf("block of %d bytes in list %d, %d", t.heap.size(b), i, j)
				}
				known = append(known, b)
			}
		}
	}
	return known
}

// close ends a test: all memory must be back.
func (m *model) close() {
	m.t.Helper()
	if err := m.policy.Close(); err != nil {
		m.t.Errorf("Close: %v", err)
	}
	if len(m.source.lent) != 0 || m.policy.Counters().Reserved != 0 {
		m.t.Errorf("after Close %d spans are lent, counters %+v", len(m.source.lent), m.policy.Counters())
	}
}

// fill writes a byte that tells b from most others over all of it.
func fill(b modelBlock) {
	data := b.span.Bytes()
	data[0] = b.fill
	for n := 1; n < len(data); n *= 2 {
		copy(data[n:], data[:n])
	}
}

func verify(t *testing.T, b modelBlock) {
	t.Helper()
	if data := b.span.Bytes(); bytes.Count(data, []byte{b.fill}) != len(data) {
		t.Fatalf("block of %d bytes at %#x has changed", len(data), address(b.span))
	}
}

// randomSize is log-uniform between 1 and 1<<most.
func randomSize(random *rand.Rand, most int) int {
	n := 1 << random.IntN(most+1)
	return n - random.IntN((n+1)/2)
}

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

func (m *model) play(data []byte) {
	for ; len(data) >= 3; data = data[3:] {
		value := int(data[1]) | int(data[2])<<8
		switch op := data[0]; {
		case op < 128:
			m.alloc(1 + value>>(op%16)<<(op/16))
		case op == 255:
			for len(m.live) > 0 {
				m.free(value % len(m.live))
			}
		case len(m.live) > 0:
			m.free(value % len(m.live))
		}
	}
	m.verify()
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

// exhaust allocates until there is no memory and returns the sizes. They repeat for the same seed.
func (m *model) exhaust(most int) (sizes []int) {
	random := rand.New(rand.NewPCG(5, 6))
	for {
		size := randomSize(random, most)
		if !m.alloc(size) {
			return sizes
		}
		sizes = append(sizes, size)
	}
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

// refill frees everything and allocates the same again.
func (m *model) refill(sizes []int) {
	m.t.Helper()
	m.freeAll(rand.New(rand.NewPCG(7, 8)))
	m.verify()
	for i, size := range sizes {
		if !m.alloc(size) {
			m.t.Fatalf("no memory for block %d of %d, all of which there was memory for before", i, len(sizes))
		}
	}
	m.verify()
	m.freeAll(rand.New(rand.NewPCG(9, 10)))
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
		if kind.Name == "classes" {
			most = 60 // its regions are small where spans are Go memory
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

// BenchmarkChurn replaces one of so many blocks, sizes log-uniform from 17 to 4112, after each was replaced some times.
func BenchmarkChurn(b *testing.B) {
	for _, blocks := range []int{1000, 10_000, 100_000} {
		for _, kind := range Kinds() {
			if kind.Name == "bump" || kind.Name == "list" && blocks > 10_000 {
				continue // the one would take no block back, the other take minutes
			}
			b.Run(fmt.Sprintf("%d/%s", blocks, kind.Name), func(b *testing.B) { churn(b, kind, blocks) })
		}
	}
}

func churn(b *testing.B, kind Kind, blocks int) {
	policy, err := kind.New(mem.OS{}, 1<<30)
	if err != nil {
		b.Fatal(err)
	}
	defer policy.Close()
	random := rand.New(rand.NewPCG(19, 20))
	spans := make([]mem.Span, blocks)
	replace := func(i int) {
		if spans[i] != (mem.Span{}) {
			policy.Free(spans[i])
		}
		if spans[i], err = policy.Alloc(16 + randomSize(random, 12)); err != nil {
			b.Fatal(err)
		}
	}
	for i := range spans {
		replace(i)
	}
	for range 4 * blocks {
		replace(random.IntN(blocks))
	}
	for b.Loop() {
		replace(random.IntN(blocks))
	}
	c := policy.Counters()
	b.ReportMetric(float64(c.Resident)/float64(c.Peak), "resident/peak")
}

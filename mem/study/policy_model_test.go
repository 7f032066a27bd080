package study

import (
	"bytes"
	"cmp"
	"errors"
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

package mem

import (
	"fmt"
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// A Cache allocates from a [Heap] for one worker: without locks as long as the slabs that it owns have room. One
// goroutine at a time uses it. Any cache of the heap may free what another one allocated.
//
// A worker that stops working closes its cache; one that pauses for long calls [Cache.Trim].
type Cache struct {
	// What the fast paths need. Where every block passes a recorder, or in debug mode, small and extent are 0, which
	// sends all calls the slow way.
	small  uint           // sizes 1 to small are allocated from fronts
	low    uintptr        // of the heap's first region,
	extent uintptr        // the bytes of it that this cache knows to be committed,
	slabs  unsafe.Pointer // and its table of slabs
	id     uint32
	epoch  uint32 // the heap's, as last seen
	ahead  tally  // bytes that may be allocated, less those freed, before the heap has to know
	limit  tally  // what ahead was when it was told last
	fronts [128]front

	rooms  [classCount]room
	outbox [4]*packet // for the owners whose numbers end so
	empty  *packet    // a list of them
	heap   *Heap

	idle   bool        // closed, and one of heap.idle; guarded by heap.mu
	shared bool        // by callers without a cache; guarded by heap.mu
	using  atomic.Bool // by some goroutine, at this moment; kept for shared ones, and in debug mode
	locked bool        // drained by another cache, under heap.mu

	_        [64]byte
	remote   atomic.Pointer[packet] // what others have sent, the latest first
	returned atomic.Pointer[packet] // what others have emptied
	_        [64]byte
}

// A front is the word of a slab that blocks of a class are being taken from.
type front struct {
	bits    cell           // free blocks of the word
	base    unsafe.Pointer // of the word's first block
	size    uintptr        // bytes of a block
	taken   tally          // blocks ever taken out of slabs
	handed  tally          // blocks of other caches ever freed by this one
	drained tally          // blocks of this cache ever freed by others, as far as they were taken in

	slab   *slab          // that blocks are being taken from; nil for none
	start  unsafe.Pointer // of the slab
	number uint32         // of the slab
	word   uint32
}

// A room is the list of the owned slabs of a class with free blocks, but for those in the front.
type room struct{ head, tail uint32 }

// Alloc returns size bytes aligned to 16, with undefined contents. The error is [ErrSize], [ErrClosed] or the source's;
// nothing has changed then.
func (c *Cache) Alloc(size int) (Span, error) {
	if last := uint(size) - 1; last < c.small {
		f := &c.fronts[classOf(size)&127]
		if free := uint64(f.bits.get()); free != 0 {
			f.bits.set(int64(free & (free - 1)))
			c.count(size)
			return Span{unsafe.Add(f.base, uintptr(bits.TrailingZeros64(free))*f.size), size}, nil
		}
	}
	return c.allocate(size, minAlignment)
}

// count notes that a block of size bytes was handed out.
func (c *Cache) count(size int) {
	if c.ahead.add(-int64(size)) < 0 {
		c.publish()
	}
}

// discount notes that a block of size bytes was taken back.
func (c *Cache) discount(size int) {
	if c.ahead.add(int64(size)) > 2*publishAt {
		c.publish()
	}
}

// unpublished returns the bytes allocated less the bytes freed that the heap does not know of.
func (c *Cache) unpublished() int64 { return c.limit.read() - c.ahead.read() }

// publishAt is how many bytes more or less than the heap knows of a cache may hold.
const publishAt = 1 << 20

// publish adds what was counted to the heap's sums. The next time is when a new peak may have been reached, at the latest.
//
//go:noinline
func (c *Cache) publish() {
	ahead := min(c.heap.sum(c.unpublished()), publishAt)
	c.limit.set(ahead)
	c.ahead.set(ahead)
}

// AllocAligned is [Cache.Alloc] with an alignment, a power of two up to [LargestAlignment].
func (c *Cache) AllocAligned(size, alignment int) (Span, error) {
	if alignment <= 0 || alignment&(alignment-1) != 0 || alignment > LargestAlignment {
		return Span{}, fmt.Errorf("mem: alignment %d: %w", alignment, ErrSize)
	}
	return c.allocate(size, alignment)
}

// allocate is the slow way, which everything can take.
func (c *Cache) allocate(size, alignment int) (Span, error) {
	if size <= 0 || size > LargestBlock {
		return Span{}, fmt.Errorf("mem: %d bytes: %w", size, ErrSize)
	}
	h := c.heap
	if h.watched {
		return h.allocWatched(c, size, alignment)
	}
	return c.place(size, alignment)
}

// place finds room for a block.
func (c *Cache) place(size, alignment int) (Span, error) {
	class, small := alignedClass(size, alignment)
	if !small {
		return c.heap.allocLarge(c, size, alignment)
	}
	f := &c.fronts[class]
	if f.bits.get() == 0 {
		if err := c.refill(class); err != nil {
			return Span{}, err
		}
	}
	free := uint64(f.bits.get())
	f.bits.set(int64(free & (free - 1)))
	c.count(size)
	return Span{unsafe.Add(f.base, uintptr(bits.TrailingZeros64(free))*f.size), size}, nil
}

// refill gives the empty front of a class the free blocks of another word.
func (c *Cache) refill(class uint) error {
	if c.heap.epoch.Load() != c.epoch {
		c.lookAround()
	}
	f := &c.fronts[class]
	if f.slab == nil || f.slab.words == 0 {
		if err := c.nextSlab(class); err != nil {
			return err
		}
	}
	s := f.slab
	w, free := s.takeWord()
	if s.free.get() == 0 {
		c.unlist(f.number, s)
	}
	at := int(w) * 64 * int(s.block)
	low, high := bits.TrailingZeros64(free), bits.Len64(free)
	c.heap.touch(f.number, s, at+low*int(s.block), (high-low)*int(s.block))
	f.bits.set(int64(free))
	f.base, f.size, f.word = unsafe.Add(f.start, at), uintptr(s.block), w
	f.taken.set(f.taken.get() + int64(bits.OnesCount64(free)))
	return nil
}

// nextSlab lets the front of a class go on with another slab that has free blocks.
func (c *Cache) nextSlab(class uint) error {
	c.lookAround()
	number := c.rooms[class].head
	if number == none {
		var err error
		if number, err = c.heap.slabFor(c, class); err != nil {
			return err
		}
	}
	f := &c.fronts[class]
	r, frame := c.heap.frame(number)
	f.slab, f.number, f.start = r.slab(frame), number, unsafe.Add(r.base, int(frame)<<frameBits)
	return nil
}

// Free takes back a span that was allocated from the heap, by any of its caches; freeing the zero Span does nothing. It
// panics at a block that the heap did not allocate or that is known to be free. Only debug mode knows of every one. Blocks of
// other workers are sent to them 32 at a time, or when this one looks for a slab, trims, or closes its cache.
func (c *Cache) Free(span Span) {
	offset := uintptr(span.base) - c.low
	if offset < c.extent {
		s := (*slab)(unsafe.Add(c.slabs, offset>>frameBits*slabEntry))
		if atomic.LoadUint32(&s.owner) == c.id {
			i, begins := s.indexOf(offset & (frameBytes - 1))
			w := i >> 6 & (slabWords - 1)
			word := s.bits[w]
			if begins && uint(span.size)-1 < uint(s.block) && word>>(i&63)&1 == 0 {
				discard(span)
				s.bits[w] = word | 1<<(i&63)
				s.words |= 1 << w
				free := s.free.get() + 1
				s.free.set(free)
				c.ahead.add(int64(span.size))
				if free == 1 || free == s.count {
					c.noteFree(s, uint32(offset>>frameBits))
				}
				return
			}
		}
	}
	c.free(span)
}

// put takes back a block of an own slab. It does what Free does for most blocks, and says what is wrong with others.
func (c *Cache) put(s *slab, offset uintptr, span Span, number uint32) {
	i, begins := s.indexOf(offset)
	if !begins || uint(span.size)-1 >= uint(s.block) || !s.put(i) {
		wrongFree(s, i, offset, span)
	}
	discard(span)
	c.ahead.add(int64(span.size))
	c.noteFree(s, number)
}

// noteFree follows what is more than a block's return to its slab.
//
//go:noinline
func (c *Cache) noteFree(s *slab, number uint32) {
	if c.ahead.get() > 2*publishAt {
		c.publish()
	}
	if free := s.free.get(); free == 1 || free == s.count {
		c.noteRoom(s, number)
	}
}

// wrongFree panics with what is wrong about a span.
//
//go:noinline
func wrongFree(s *slab, i uint32, offset uintptr, span Span) {
	what := "double free"
	if uintptr(i)*uintptr(s.block) != offset || i >= s.count {
		what = "free inside a block and not at its start"
	} else if span.size > int(s.block) {
		what = fmt.Sprintf("the block has %d", s.block)
	}
	panic(fmt.Sprintf("mem: free of %d bytes at %#x: %s", span.size, span.address(), what))
}

// noteRoom follows a slab that has got its first free block, or its last.
func (c *Cache) noteRoom(s *slab, number uint32) {
	if !s.listed {
		c.list(number, s)
	}
	if c.locked {
		return
	}
	c.heap.stir()
	// The slab that a class is being served from stays, or else its last, or allocating and freeing one block would form a
	// slab each time.
	serving, room := c.fronts[s.class].slab, &c.rooms[s.class]
	if s.free.get() == s.count && serving != s && (serving != nil || room.head != room.tail) {
		c.unlist(number, s)
		c.heap.dissolve(number, s)
	}
}

// list enters a slab at the end: by the time its turn comes, it will have more free blocks.
func (c *Cache) list(number uint32, s *slab) {
	l := &c.rooms[s.class]
	s.listed, s.next, s.prev = true, none, l.tail
	if l.tail == none {
		l.head = number
	} else {
		c.heap.slab(l.tail).next = number
	}
	l.tail = number
}

func (c *Cache) unlist(number uint32, s *slab) {
	l := &c.rooms[s.class]
	if s.prev == none {
		l.head = s.next
	} else {
		c.heap.slab(s.prev).next = s.next
	}
	if s.next == none {
		l.tail = s.prev
	} else {
		c.heap.slab(s.next).prev = s.prev
	}
	s.listed = false
}

// free is the slow way, which everything can take.
func (c *Cache) free(span Span) {
	if span == (Span{}) {
		return
	}
	if c.heap.watched {
		c.heap.freeWatched(c, span)
		return
	}
	c.reclaim(span)
}

// reclaim takes back any block of the heap.
func (c *Cache) reclaim(span Span) {
	h := c.heap
	r := h.regionOf(span.address())
	if r == nil {
		panic(fmt.Sprintf("mem: free of %d bytes at %#x, which this heap did not allocate", span.size, span.address()))
	}
	offset := span.address() - r.low
	frame := uint32(offset >> frameBits)
	s := r.slab(frame)
	switch owner := atomic.LoadUint32(&s.owner); owner {
	case 0:
		h.freeLarge(c, r, span)
	case c.id:
		c.put(s, offset&(frameBytes-1), span, r.number<<numberBits|frame)
	default:
		c.hand(h.cache(owner), s, span)
	}
}

// hand gives a block back to the cache that owns its slab.
func (c *Cache) hand(owner *Cache, s *slab, span Span) {
	offset := span.address() & (frameBytes - 1)
	if i, begins := s.indexOf(offset); !begins || uint(span.size)-1 >= uint(s.block) {
		wrongFree(s, i, offset, span)
	}
	discard(span)
	c.fronts[s.class].handed.add(1)
	c.discount(span.size)
	c.send(owner, span.address())
}

// lookAround does what is due now and then: it takes in blocks from others, sends them theirs, and gives pages back that
// were free for long.
func (c *Cache) lookAround() {
	h := c.heap
	c.drain()
	c.sendAll()
	if r := h.home(); r != nil && !h.watched {
		c.low, c.slabs, c.extent = r.low, r.slabs, r.frontier.Load()
	}
	if epoch := h.epoch.Load(); epoch != c.epoch {
		c.epoch = epoch
		c.putFrontsBack() // what they hold may be free for long, too
		c.scavenge(false)
	}
	h.stir()
}

// scavenge gives pages of free blocks back to the system: all of them, or those that no block was taken from since the tick
// before the last.
func (c *Cache) scavenge(all bool) {
	h := c.heap
	for class := range c.rooms {
		for number := c.rooms[class].head; number != none; {
			s := h.slab(number)
			next, keep := s.next, s.recent|s.older
			if all {
				keep = 0
			}
			h.purgeSlab(number, s, keep)
			s.recent, s.older = 0, s.recent
			number = next
		}
	}
}

// Trim gives back to the system what is free in slabs of this cache, and slabs without live blocks to the heap, whose decay or
// [Heap.Trim] gives them back in turn. It costs page faults later on.
func (c *Cache) Trim() {
	if c.heap.debug != nil {
		defer c.alone()()
	}
	c.drain()
	c.sendAll()
	c.publish()
	c.putFrontsBack()
	c.dissolveEmpty()
	c.scavenge(true)
}

// putFrontsBack returns the free blocks of all fronts to their slabs.
func (c *Cache) putFrontsBack() {
	for class := range c.rooms {
		f := &c.fronts[class]
		s, free := f.slab, uint64(f.bits.get())
		f.slab = nil
		if free == 0 {
			continue
		}
		s.putWord(f.word, free)
		f.bits.set(0)
		f.taken.set(f.taken.get() - int64(bits.OnesCount64(free)))
		if !s.listed {
			c.list(f.number, s)
		}
	}
}

// dissolveEmpty gives slabs without live blocks back to the heap.
func (c *Cache) dissolveEmpty() {
	for class := range c.rooms {
		for number := c.rooms[class].head; number != none; {
			s := c.heap.slab(number)
			next := s.next
			if s.free.get() == s.count {
				c.unlist(number, s)
				c.heap.dissolve(number, s)
			}
			number = next
		}
	}
}

// abandon forgets everything, since the heap's memory is gone. What counts over its life stays.
func (c *Cache) abandon() {
	c.extent = 0
	c.remote.Store(nil)
	c.outbox = [4]*packet{}
	c.ahead.set(0)
	c.limit.set(0)
	for class := range c.rooms {
		c.rooms[class] = room{none, none}
		f := &c.fronts[class]
		f.taken.set(f.taken.get() - int64(bits.OnesCount64(uint64(f.bits.get()))))
		f.bits.set(0)
		f.slab = nil
		f.drained.set(f.handed.get())
	}
}

// Close ends the use of the cache, which must not be touched again: the next worker may have it already. What is live stays
// so, and what is freed of it later serves others.
func (c *Cache) Close() {
	h := c.heap
	if h.debug != nil {
		defer c.alone()()
	}
	c.drain()
	c.sendAll()
	c.publish()
	c.putFrontsBack()
	c.dissolveEmpty()
	h.retire(c)
	h.stir() // pages of its slabs may be free for long
}

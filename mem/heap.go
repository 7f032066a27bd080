package mem

import (
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
)

// ErrClosed marks the use of a heap after Close.
var ErrClosed = errors.New("heap is closed")

func errClosed() error { return fmt.Errorf("mem: %w", ErrClosed) }

// numberBits of the number of a slab are the frame, the rest is the number of the region.
const (
	numberBits  = 20
	mostRegions = 1 << (32 - numberBits)
)

// A Heap holds what outlives an iteration: parameters, optimizer state, images, connection buffers. Blocks up to 32 KiB
// come from slabs, each of one size class and owned by one [Cache]; larger ones are extents of a TLSF, found in constant
// time under a lock. Pages that stay free go back to the system after a decay.
//
// Workers take a Cache each with [Heap.NewCache]. The heap's own Alloc and Free may be called from any goroutine; they
// borrow a cache for the call.
type Heap struct {
	options  Options
	source   Source
	watched  bool       // every block passes the recorder or the debugger
	recorded uint32     // the heap's number with the recorder
	debug    *debugger  // nil unless in debug mode
	shared   sync.Pool  // of *borrowed
	ticking  sync.Mutex // held while a tick is under way

	epoch   atomic.Uint32 // ticks of the decay
	stirred atomic.Int32  // ticks still to come
	regions atomic.Pointer[[]*region]
	caches  atomic.Pointer[[]*Cache] // by number - 1

	_    [64]byte     // what is written often, away from what is read often
	live atomic.Int64 // bytes, as published by the caches
	peak atomic.Int64
	_    [64]byte

	mu       sync.Mutex // guards everything below, the regions' extents and pages, and what idle caches own
	idle     []*Cache
	reserved int64
	resident int64
	slabs    [classCount]int64 // by class
	large    ClassCounters
	timer    Timer // of the decay; nil before the first tick
	due      bool  // a tick is
	closed   bool
}

// borrowed is a cache for callers without one. When the pool drops it, the cache is closed. Whoever borrows it sets using, and
// so does a tick that gives back what has been free in it for long.
type borrowed struct{ *Cache }

// NewHeap returns an empty heap. It reserves nothing before the first allocation.
func NewHeap(o Options) *Heap {
	h := &Heap{options: o, source: o.source()}
	h.regions.Store(&[]*region{})
	h.caches.Store(&[]*Cache{})
	h.shared.New = func() any {
		b := &borrowed{h.open(true)}
		runtime.AddCleanup(b, h.dropped, b.Cache)
		return b
	}
	h.watch()
	o.Registry.addHeap(h)
	return h
}

// NewCache returns a cache for one worker. It continues with the slabs of one that was closed, if there is any.
func (h *Heap) NewCache() *Cache { return h.open(false) }

// open returns a cache for one worker, or one to be shared by callers without.
func (h *Heap) open(shared bool) *Cache {
	h.mu.Lock()
	defer h.mu.Unlock()
	if last := len(h.idle) - 1; last >= 0 && h.debug == nil {
		c := h.idle[last]
		h.idle, c.idle, c.shared = h.idle[:last], false, shared
		return c
	}
	caches := *h.caches.Load()
	c := &Cache{heap: h, id: uint32(len(caches) + 1), epoch: h.epoch.Load(), shared: shared}
	if !h.watched {
		c.small = largestSmall
	}
	for i := range c.rooms {
		c.rooms[i] = room{none, none}
	}
	grown := append(caches[:len(caches):len(caches)], c)
	h.caches.Store(&grown)
	return c
}

// dropped closes a cache that the pool has dropped, unless the heap was closed, or is being.
func (h *Heap) dropped(c *Cache) {
	h.ticking.Lock()
	defer h.ticking.Unlock()
	h.mu.Lock()
	closed := h.closed
	h.mu.Unlock()
	if !closed {
		c.Close()
	}
}

// retire enters a cache among the idle ones, where its slabs serve others.
func (h *Heap) retire(c *Cache) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !c.idle && !h.closed {
		c.idle = true
		h.idle = append(h.idle, c)
	}
}

// borrow returns a cache that nobody else uses before giveBack.
func (h *Heap) borrow() *borrowed {
	b := h.shared.Get().(*borrowed)
	for !b.using.CompareAndSwap(false, true) { // a tick is at work there
		busy := b
		b = h.shared.New().(*borrowed)
		h.shared.Put(busy)
	}
	return b
}

func (h *Heap) giveBack(b *borrowed) {
	b.using.Store(false)
	h.shared.Put(b)
}

// Alloc is [Cache.Alloc] with a cache borrowed for the call.
func (h *Heap) Alloc(size int) (Span, error) { return h.AllocAligned(size, minAlignment) }

// AllocAligned is [Cache.AllocAligned] with a cache borrowed for the call.
func (h *Heap) AllocAligned(size, alignment int) (Span, error) {
	b := h.borrow()
	s, err := b.AllocAligned(size, alignment)
	h.giveBack(b)
	return s, err
}

// Free is [Cache.Free] with a cache borrowed for the call.
func (h *Heap) Free(span Span) {
	b := h.borrow()
	defer h.giveBack(b) // also if it panics
	b.Free(span)
}

// home returns the first region, nil if there is none yet.
func (h *Heap) home() *region {
	if regions := *h.regions.Load(); len(regions) > 0 {
		return regions[0]
	}
	return nil
}

// regionOf returns the region with the address in its committed part, or nil.
func (h *Heap) regionOf(address uintptr) *region {
	for _, r := range *h.regions.Load() {
		if r.holds(address) {
			return r
		}
	}
	return nil
}

// cache returns the cache of a number.
func (h *Heap) cache(id uint32) *Cache { return (*h.caches.Load())[id-1] }

// frame returns where the slab of a number lies.
func (h *Heap) frame(number uint32) (*region, uint32) {
	return (*h.regions.Load())[number>>numberBits], number & (1<<numberBits - 1)
}

func (h *Heap) slab(number uint32) *slab {
	r, frame := h.frame(number)
	return r.slab(frame)
}

// slabFor returns a slab of the class with free blocks, now of the cache: one that an idle cache owned, or a new one.
func (h *Heap) slabFor(c *Cache, class uint) (uint32, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, other := range h.idle {
		other.drainIdle()
		if number := other.rooms[class].head; number != none {
			s := h.slab(number)
			other.unlist(number, s)
			atomic.StoreUint32(&s.owner, c.id)
			c.list(number, s)
			return number, nil
		}
	}
	r, offset, err := h.extent(frameBytes, frameBytes)
	if err != nil {
		return 0, err
	}
	frame := uint32(offset >> frameBits)
	number := r.number<<numberBits | frame
	r.extents.at(uint32(offset >> granuleBits)).size |= isSlab
	h.slabs[class]++
	s := r.slab(frame)
	s.form(c.id, uint32(class), r.pagesOf(frame))
	c.list(number, s)
	return number, nil
}

// drainIdle is drain for a cache that is idle, under the lock. Empty slabs stay where they are.
func (c *Cache) drainIdle() {
	if c.remote.Load() != nil {
		c.locked = true
		c.drain()
		c.sendAll()
		c.locked = false
	}
}

// dissolve makes an extent of an empty slab again, and frees it.
func (h *Heap) dissolve(number uint32, s *slab) {
	h.stir()
	h.mu.Lock()
	defer h.mu.Unlock()
	r, frame := h.frame(number)
	atomic.StoreUint32(&s.owner, 0)
	h.slabs[s.class]--
	i := frame << (frameBits - granuleBits)
	r.extents.at(i).size &^= isSlab
	r.extents.give(i, isDirty)
}

// extent returns size bytes at the alignment, whole granules both, from the first region with room.
func (h *Heap) extent(size, alignment int) (*region, int, error) {
	if h.closed {
		return nil, 0, errClosed()
	}
	regions := *h.regions.Load()
	var refused error // by the source, where a region had addresses: another one may have memory
	for _, r := range regions {
		offset, ok, err := r.take(size, alignment)
		if ok {
			return r, offset, nil
		}
		refused = errors.Join(refused, err)
	}
	if refused != nil {
		return nil, 0, refused
	}
	if len(regions) == mostRegions {
		return nil, 0, fmt.Errorf("mem: %d regions: %w", mostRegions, ErrNoMemory)
	}
	r, err := newRegion(h.source, uint32(len(regions)), size+size/secondLists+alignment)
	if err != nil {
		return nil, 0, err
	}
	h.reserved += int64(r.size)
	grown := append(regions[:len(regions):len(regions)], r)
	h.regions.Store(&grown)
	offset, ok, err := r.take(size, alignment)
	if err == nil && !ok {
		err = fmt.Errorf("mem: %d bytes at alignment %d: %w", size, alignment, ErrNoMemory)
	}
	return r, offset, err
}

// allocLarge returns an extent.
func (h *Heap) allocLarge(c *Cache, size, alignment int) (Span, error) {
	c.lookAround()
	granted := (size + 1<<granuleBits - 1) &^ (1<<granuleBits - 1)
	h.mu.Lock()
	r, offset, err := h.extent(granted, max(alignment, 1<<granuleBits))
	if err == nil {
		r.extents.at(uint32(offset >> granuleBits)).next = uint32(granted - size)
		h.resident += r.touch(offset, granted)
		h.large.Blocks++
		h.large.Allocations++
		h.large.Granted += int64(granted)
	}
	h.mu.Unlock()
	if err != nil {
		return Span{}, err
	}
	c.count(size)
	return r.span(offset, size), nil
}

// freeLarge takes an extent back.
func (h *Heap) freeLarge(c *Cache, r *region, span Span) {
	offset := int(span.address() - r.low)
	h.mu.Lock()
	g := r.extents.at(uint32(offset >> granuleBits))
	if err := whatIsWrong(g, offset, span.size); err != "" {
		h.mu.Unlock()
		panic(fmt.Sprintf("mem: free of %d bytes at %#x: %s", span.size, span.address(), err))
	}
	discard(span)
	granted := int64(g.size&sizeMask) << granuleBits
	r.extents.give(uint32(offset>>granuleBits), isDirty)
	h.large.Blocks--
	h.large.Granted -= granted
	h.mu.Unlock()
	c.discount(span.size)
	h.stir()
}

// whatIsWrong tells why size bytes at offset are no extent in use; nothing if they are.
func whatIsWrong(g *granule, offset, size int) string {
	granted := int(g.size&sizeMask) << granuleBits
	switch {
	case offset&(1<<granuleBits-1) != 0:
		return "no block begins there"
	case g.size&isFree != 0:
		return "freed already"
	case g.size&isSlab != 0 || granted == 0:
		return "no block begins there"
	case granted-int(g.next) != size:
		return fmt.Sprintf("%d were allocated there", granted-int(g.next))
	}
	return ""
}

// touch notes that blocks of a slab may be touched from now on. It takes the lock only if they lie on pages that were not.
func (h *Heap) touch(number uint32, s *slab, offset, size int) {
	pages := pagesOf(offset, size)
	s.recent |= pages
	if pages&^s.pages == 0 {
		return
	}
	s.pages |= pages
	r, frame := h.frame(number)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.resident += r.touch(int(frame)<<frameBits+offset, size)
}

// purgeSlab gives whole pages of free blocks back to the system, but for those in keep. Its owner calls it.
func (h *Heap) purgeSlab(number uint32, s *slab, keep uint64) {
	r, frame := h.frame(number)
	var free uint64
	s.runs(func(offset, size int) {
		from, to := (offset+1<<r.page-1)>>r.page, (offset+size)>>r.page
		if from < to {
			free |= pagesOf(from<<r.page, (to-from)<<r.page)
		}
	})
	for pages := free & s.pages &^ keep; pages != 0; {
		from := bits.TrailingZeros64(pages)
		n := bits.TrailingZeros64(^(pages >> from))
		run := pagesOf(from<<r.page, n<<r.page)
		pages &^= run
		at := int(frame)<<frameBits + from<<r.page
		if r.purge(at, n<<r.page) == nil {
			s.pages &^= run
			h.mu.Lock()
			h.resident -= r.forget(at, n<<r.page)
			h.mu.Unlock()
		}
	}
}

// sum adds what a cache counted, and returns how much more may become live before there is a new peak.
func (h *Heap) sum(live int64) (headroom int64) {
	now := h.live.Add(live)
	for {
		peak := h.peak.Load()
		if now <= peak {
			return peak - now
		}
		if h.peak.CompareAndSwap(peak, now) {
			return 0
		}
	}
}

// Counters returns a snapshot. It is exact while no call is under way, and no cache is being closed that a pool dropped.
// Peak may be off by what two or more caches have allocated and not yet published, 1 MiB each.
func (h *Heap) Counters() Counters {
	if h.debug != nil {
		return h.debug.snapshot()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	k := Counters{Reserved: h.reserved, Resident: h.resident}
	k.Live, k.Peak = h.live.Load(), h.peak.Load()
	for _, c := range *h.caches.Load() {
		k.Live += c.unpublished()
	}
	k.Peak = max(k.Peak, k.Live)
	for _, class := range h.classesLocked() {
		k.Blocks += class.Blocks
		k.Allocations += class.Allocations
		k.Granted += class.Granted
	}
	return k
}

// Classes returns the counters of each size class, and of the blocks beyond them as one with Size 0.
func (h *Heap) Classes() []ClassCounters {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.classesLocked()
}

func (h *Heap) classesLocked() []ClassCounters {
	all := make([]ClassCounters, classCount, classCount+1)
	for _, r := range *h.regions.Load() {
		for frame := range uint32(r.frontier.Load() >> frameBits) {
			if s := r.slab(frame); s.owner != 0 {
				all[s.class].Blocks += int64(s.count - s.free.read())
				all[s.class].Slabs++
			}
		}
	}
	for class := range all {
		k := &all[class]
		k.Size = classSize(uint(class))
		for _, c := range *h.caches.Load() {
			f := &c.fronts[class]
			ready := int64(bits.OnesCount64(uint64(f.bits.read())))
			k.Blocks -= ready + f.handed.read() - f.drained.read()
			k.Allocations += f.taken.read() - ready
		}
		k.Granted = k.Blocks * int64(k.Size)
	}
	return append(all, h.large)
}

// Close gives all pages back to the source, those of live blocks included, and reports live blocks as an error. Nothing
// may use the heap or its caches meanwhile; afterwards allocations fail with [ErrClosed]. Closing twice does nothing.
func (h *Heap) Close() error {
	h.ticking.Lock() // first: a cache that the pool dropped may be about to be closed
	defer h.ticking.Unlock()
	k := h.Counters()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
		h.due = false
	}
	var errs []error
	if k.Blocks != 0 {
		errs = append(errs, fmt.Errorf("mem: closed with %d bytes live in %d blocks%s", k.Live, k.Blocks, h.debug.leaks()))
	}
	if h.debug != nil {
		errs = append(errs, h.debug.close())
	}
	for _, c := range *h.caches.Load() {
		c.abandon()
	}
	h.slabs = [classCount]int64{}
	for _, r := range *h.regions.Load() {
		errs = append(errs, r.release())
	}
	h.regions.Store(&[]*region{})
	h.live.Store(0)
	h.peak.Store(k.Peak)
	h.reserved, h.resident = 0, 0
	h.large = ClassCounters{Allocations: h.large.Allocations}
	return errors.Join(errs...)
}

// Vectors is a heap whose Alloc aligns to [Alignment], as vector code needs it.
type Vectors struct{ *Heap }

// Alloc implements [Allocator].
func (v Vectors) Alloc(size int) (Span, error) { return v.AllocAligned(size, Alignment) }

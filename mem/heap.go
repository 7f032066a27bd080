package mem

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// chunkSlabs is how many slabs a heap reserves address space for at a time.
const chunkSlabs = 8

// A Heap holds what outlives an iteration: parameters, optimizer state,
// images. Blocks up to 32 KiB come from slabs of one size class each, larger
// ones are page spans of their own that go back to the source when freed.
// All methods may be called from any goroutine.
type Heap struct {
	source Source

	mu       sync.Mutex // guards everything below
	chunks   []Span
	slabs    map[uintptr]*slab        // by address / slabSize
	empty    []unsafe.Pointer         // slabs in no class
	room     [classCount][]*slab      // slabs that are not full, by class
	large    map[unsafe.Pointer]large // live blocks with pages of their own
	counters Counters
}

// large is a live block that has pages to itself.
type large struct {
	pages Span // what the source lent
	size  int  // what was asked for
}

// NewHeap returns an empty heap that takes its pages from source, usually
// OS{}. It reserves nothing before the first allocation.
func NewHeap(source Source) *Heap {
	return &Heap{source: source, slabs: map[uintptr]*slab{}, large: map[unsafe.Pointer]large{}}
}

// Alloc returns size bytes aligned to [Alignment], with undefined contents.
// The error is [ErrSize] or the source's; the heap then is as before the call.
func (h *Heap) Alloc(size int) (Span, error) {
	if size <= 0 {
		return Span{}, fmt.Errorf("mem: %d bytes: %w", size, ErrSize)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if size > largestSmall {
		return h.allocLarge(size)
	}
	return h.allocSmall(size)
}

func (h *Heap) allocLarge(size int) (Span, error) {
	pages, err := lend(h.source, size)
	if err != nil {
		return Span{}, err
	}
	h.large[pages.base] = large{pages, size}
	h.counters.Reserved += int64(pages.size)
	h.counters.add(size, pages.size)
	return Span{pages.base, size}, nil
}

func (h *Heap) allocSmall(size int) (Span, error) {
	s, err := h.slabWithRoom(classOf(size))
	if err != nil {
		return Span{}, err
	}
	span := s.take(size)
	if s.full() {
		h.unlist(s)
	}
	h.counters.add(size, s.block)
	return span, nil
}

// slabWithRoom returns a slab of the class that is not full.
func (h *Heap) slabWithRoom(class int) (*slab, error) {
	if list := h.room[class]; len(list) > 0 {
		return list[len(list)-1], nil
	}
	if len(h.empty) == 0 {
		if err := h.reserveSlabs(); err != nil {
			return nil, err
		}
	}
	last := len(h.empty) - 1
	s := newSlab(h.empty[last], class)
	h.empty = h.empty[:last]
	h.slabs[slabNumber(s.base)] = s
	h.list(s)
	return s, nil
}

// reserveSlabs adds chunkSlabs empty slabs. A source aligns to pages only, so
// it asks for one more than that and leaves the ends unused.
func (h *Heap) reserveSlabs() error {
	chunk, err := lend(h.source, (chunkSlabs+1)*slabSize)
	if err != nil {
		return err
	}
	h.chunks = append(h.chunks, chunk)
	h.counters.Reserved += int64(chunk.size)
	first := int(-chunk.address() & (slabSize - 1))
	for i := chunkSlabs - 1; i >= 0; i-- { // the lowest address is used first
		h.empty = append(h.empty, unsafe.Add(chunk.base, first+i*slabSize))
	}
	return nil
}

// list enters s among the slabs with room.
func (h *Heap) list(s *slab) {
	s.index = len(h.room[s.class])
	h.room[s.class] = append(h.room[s.class], s)
}

// unlist removes s from the slabs with room; the last one takes its place.
func (h *Heap) unlist(s *slab) {
	list := h.room[s.class]
	last := len(list) - 1
	list[s.index] = list[last]
	list[s.index].index = s.index
	list[last] = nil
	h.room[s.class] = list[:last]
	s.index = -1
}

// Free takes back a span that Alloc returned; freeing the zero Span does
// nothing. It panics at a block that is already free, that this heap did not
// allocate, or of which span is only a part.
func (h *Heap) Free(span Span) {
	if span == (Span{}) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.slabs[slabNumber(span.base)]; s != nil {
		h.freeSmall(s, span)
		return
	}
	h.freeLarge(span)
}

func (h *Heap) freeSmall(s *slab, span Span) {
	s.put(span)
	discard(span)
	h.counters.sub(span.size, s.block)
	if s.index < 0 {
		h.list(s)
	}
	// An emptied slab may serve another class; the last of a class stays, or
	// allocating and freeing one block would set up a slab each time.
	if s.live == 0 && len(h.room[s.class]) > 1 {
		h.unlist(s)
		delete(h.slabs, slabNumber(s.base))
		h.empty = append(h.empty, s.base)
	}
}

func (h *Heap) freeLarge(span Span) {
	block, ok := h.large[span.base]
	if !ok {
		panic(fmt.Sprintf("mem: free of %d bytes at %#x, which this heap did not allocate or has freed already", span.size, span.address()))
	}
	if block.size != span.size {
		panic(fmt.Sprintf("mem: free of %d bytes at %#x, where %d were allocated", span.size, span.address(), block.size))
	}
	delete(h.large, span.base)
	discard(span)
	h.counters.Reserved -= int64(block.pages.size)
	h.counters.sub(block.size, block.pages.size)
	h.giveBack(block.pages)
}

// giveBack returns pages whose address and size the heap itself kept, so a
// refusal can only be our own mistake.
func (h *Heap) giveBack(pages Span) {
	if err := h.source.Release(pages); err != nil {
		panic(err)
	}
}

// Counters returns a consistent snapshot.
func (h *Heap) Counters() Counters {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counters
}

// Close gives all pages back to the source, those of live blocks included, and
// reports live blocks as an error. The heap is then empty and may be used again.
func (h *Heap) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	if c := h.counters; c.Blocks != 0 {
		errs = append(errs, fmt.Errorf("mem: closed with %d bytes live in %d blocks", c.Live, c.Blocks))
	}
	for _, block := range h.large {
		errs = append(errs, h.source.Release(block.pages))
	}
	for _, chunk := range h.chunks {
		errs = append(errs, h.source.Release(chunk))
	}
	h.forget()
	return errors.Join(errs...)
}

// forget empties the bookkeeping and keeps what counts over the heap's life.
func (h *Heap) forget() {
	h.chunks, h.empty, h.room = nil, nil, [classCount][]*slab{}
	clear(h.slabs)
	clear(h.large)
	h.counters = Counters{Peak: h.counters.Peak, Allocations: h.counters.Allocations}
}

func slabNumber(p unsafe.Pointer) uintptr { return uintptr(p) / slabSize }

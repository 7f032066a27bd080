package mem

import (
	"errors"
	"fmt"
	"math/bits"
	"sync/atomic"
	"unsafe"
)

const (
	granuleBits = 12 // a granule is what extents are multiples of: an eighth of the least of them
	frameBits   = 18 // a frame is the size and the alignment of a slab
	frameBytes  = 1 << frameBits

	// LargestAlignment is the limit of AllocAligned: 2 MiB, a huge page, or where spans are backed by Go memory 256 KiB.
	LargestAlignment = largestAlignment
	// LargestBlock is the limit of one block in bytes.
	LargestBlock = 64 << 30

	// hugeFrom is where huge pages begin in a region: what is small does not pay for 2 MiB at the first touch, and what is
	// large saves a walk through the page tables at almost every access that misses the caches.
	hugeFrom = 64 << 20

	firstCommit = 4 << 20
	mostCommit  = 64 << 20
)

// A region is a range of addresses that a heap divides: into extents, of which some are slabs. Memory is committed from
// the bottom up as it is needed, and so are the tables that describe it, which lie elsewhere.
//
// The heap's lock guards it, but for the slabs, which belong to their owners.
type region struct {
	number   uint32
	base     unsafe.Pointer // aligned to LargestAlignment
	low      uintptr        // its address
	size     int
	frontier atomic.Uintptr // bytes that are committed
	lent     []Span         // what the source lent: the range, and the tables
	source   Source

	extents extents
	slabs   unsafe.Pointer // of slab, by frame
	pages   unsafe.Pointer // of uint64: a bit for each page that was handed out and not purged since
	tables  [3]table
	page    uint // logarithm of the page size
}

// pagesOf returns the bits of the pages that a range within a frame touches.
func pagesOf(offset, size int) uint64 {
	page := uint(bits.TrailingZeros(uint(PageSize())))
	from, last := uint(offset)>>page, uint(offset+size-1)>>page
	return (2<<(last-from) - 1) << from
}

// A table has an entry for every so many bytes of a region.
type table struct {
	span      Span
	entry     int  // bytes of an entry
	each      uint // logarithm of the bytes that an entry describes
	committed int
}

// newRegion reserves address space of at least need bytes, and of 1<<regionBits if it can be had.
func newRegion(source Source, number uint32, need int) (*region, error) {
	r := &region{number: number, source: source, page: uint(bits.Len(uint(PageSize())) - 1)}
	need = (need + frameBytes - 1) &^ (frameBytes - 1)
	var err error
	for r.size = max(1<<regionBits, need); ; r.size = max(r.size/4, need) {
		if err = r.reserve(); err == nil || r.size == need {
			break
		}
	}
	if err == nil {
		err = r.start()
	}
	if err != nil {
		return nil, errors.Join(err, r.release())
	}
	return r, nil
}

// reserve gets the address space of all parts, or of none.
func (r *region) reserve() error {
	whole, err := r.source.Reserve(r.size + LargestAlignment)
	if err != nil {
		return err
	}
	r.lent = append(r.lent, whole)
	skip := -whole.address() & (LargestAlignment - 1)
	r.base, r.low = unsafe.Add(whole.base, skip), whole.address()+skip
	r.tables = [3]table{
		{entry: int(granuleSize), each: granuleBits},
		{entry: int(slabEntry), each: frameBits},
		{entry: 8, each: 6 + r.page},
	}
	for i := range r.tables {
		t := &r.tables[i]
		if t.span, err = r.source.Reserve((r.size>>t.each + 2) * t.entry); err != nil {
			return errors.Join(err, r.release())
		}
		r.lent = append(r.lent, t.span)
	}
	return nil
}

// start makes the region one free block.
func (r *region) start() error {
	r.slabs, r.pages = r.tables[1].span.base, r.tables[2].span.base
	if err := r.commit(0); err != nil {
		return err
	}
	r.extents.init(r.tables[0].span.base, uint32(r.size>>granuleBits))
	return nil
}

func (r *region) release() error {
	var errs []error
	for _, s := range r.lent {
		errs = append(errs, r.source.Release(s))
	}
	r.lent = nil
	return errors.Join(errs...)
}

// commit makes the first end bytes usable, their tables first: one entry beyond, since blocks know who is in front.
func (r *region) commit(end int) error {
	for i := range r.tables {
		if err := r.tables[i].commit(r.source, end); err != nil {
			return err
		}
	}
	frontier := int(r.frontier.Load())
	if end <= frontier {
		return nil
	}
	if err := r.source.Commit(r.span(frontier, end-frontier)); err != nil {
		return err
	}
	if frontier >= hugeFrom {
		askForHuge(r.source, r.span(frontier, end-frontier))
	}
	r.frontier.Store(uintptr(end))
	return nil
}

func (t *table) commit(source Source, end int) error {
	page := PageSize()
	want := min(((end>>t.each+2)*t.entry+page-1)&^(page-1), t.span.size)
	if want <= t.committed {
		return nil
	}
	if err := source.Commit(t.span.Sub(t.committed, want)); err != nil {
		return err
	}
	t.committed = want
	return nil
}

// grow commits up to end bytes at least, and some more at once, if that much can be had.
func (r *region) grow(end int) error {
	frontier := int(r.frontier.Load())
	if end <= frontier {
		return nil
	}
	more := min(max(frontier/2, firstCommit), mostCommit)
	unit := max(PageSize(), 1<<granuleBits)
	generous := min(max(end, frontier+more), r.size)
	if r.commit((generous+unit-1)&^(unit-1)) == nil {
		return nil
	}
	return r.commit(min((end+unit-1)&^(unit-1), r.size))
}

// take returns the offset of size bytes at the alignment, whole granules both, or false if there is no room. The error
// is the source's, and nothing has changed then.
func (r *region) take(size, alignment int) (offset int, ok bool, err error) {
	if size > r.size {
		return 0, false, nil
	}
	n, a := uint32(size>>granuleBits), uint32(alignment>>granuleBits)
	i := r.extents.find(n, a)
	if i == none {
		return 0, false, nil
	}
	if err := r.grow(int(i+gapAt(i, a)+n) << granuleBits); err != nil {
		return 0, false, err
	}
	return int(r.extents.take(i, n, a)) << granuleBits, true, nil
}

// span returns size bytes at offset.
func (r *region) span(offset, size int) Span { return Span{unsafe.Add(r.base, offset), size} }

// slab returns the entry of a frame.
func (r *region) slab(frame uint32) *slab {
	return (*slab)(unsafe.Add(r.slabs, uintptr(frame)*slabEntry))
}

// words calls f with each word of the page bits that tells of the pages from to to, and the mask of these.
func (r *region) words(from, to int, f func(word *uint64, mask uint64)) {
	for from < to {
		word := (*uint64)(unsafe.Add(r.pages, from>>6<<3))
		n := min(64-from&63, to-from)
		f(word, (1<<n-1)<<(from&63))
		from += n
	}
}

// touch notes that the pages of a block may be touched from now on, and returns how many bytes of them were not before.
func (r *region) touch(offset, size int) int64 {
	fresh := 0
	last := offset + size + 1<<r.page - 1
	r.words(offset>>r.page, last>>r.page, func(word *uint64, mask uint64) {
		fresh += bits.OnesCount64(mask &^ *word)
		*word |= mask
	})
	return int64(fresh) << r.page
}

// pagesOf returns the bits of a frame's pages, of which there are at most 64.
func (r *region) pagesOf(frame uint32) (pages uint64) {
	n := frameBytes >> r.page
	shift := 0
	r.words(int(frame)*n, int(frame)*n+n, func(word *uint64, mask uint64) {
		pages |= *word & mask >> bits.TrailingZeros64(mask) << shift
		shift += bits.OnesCount64(mask)
	})
	return pages
}

// whole returns the range of whole pages within a range of bytes, as far as they are committed.
func (r *region) whole(offset, size int) (from, to int) {
	from, to = (offset+1<<r.page-1)>>r.page, min(offset+size, int(r.frontier.Load()))>>r.page
	return from, max(from, to)
}

// forget notes that the whole pages of the range were purged, and returns how many bytes that is.
func (r *region) forget(offset, size int) int64 {
	from, to := r.whole(offset, size)
	gone := 0
	r.words(from, to, func(word *uint64, mask uint64) {
		gone += bits.OnesCount64(mask & *word)
		*word &^= mask
	})
	return int64(gone) << r.page
}

// purge gives the memory of the whole pages of the range back. It looks at no table, so it needs no lock.
func (r *region) purge(offset, size int) error {
	from, to := r.whole(offset, size)
	if from == to {
		return nil
	}
	if err := r.source.Purge(r.span(from<<r.page, (to-from)<<r.page)); err != nil {
		return fmt.Errorf("mem: purging free pages: %w", err)
	}
	return nil
}

// holds tells whether the address lies in the committed part.
func (r *region) holds(address uintptr) bool { return address-r.low < r.frontier.Load() }

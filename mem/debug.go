package mem

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unsafe"
)

// A debugger serves a heap in debug mode. Every block has pages of its own, between two that must not be touched, and
// ends as close to the second as its alignment lets it. What the pages hold besides the block is filled with a pattern,
// which must still be there when the block is freed. A freed block's pages must not be touched either and stay reserved
// for a while, so that whoever still uses them is stopped at once. Stacks are kept of who allocated and who freed.
type debugger struct {
	source Source

	mu         sync.Mutex // guards everything below
	blocks     map[uintptr]*debugBlock
	quarantine []*debugBlock // freed, the oldest first
	counters   Counters
}

// quarantined is how many freed blocks are remembered.
const quarantined = 4096

type debugBlock struct {
	span      Span
	pages     Span // guards included
	allocated stack
	freed     stack // nil while the block is live
}

// newDebugger returns nothing for heaps that are not debugged.
func newDebugger(o Options) *debugger {
	if !o.debug() {
		return nil
	}
	return &debugger{source: o.source(), blocks: map[uintptr]*debugBlock{}}
}

// inner returns the pages between the guards.
func (b *debugBlock) inner() Span { return b.pages.Sub(PageSize(), b.pages.size-PageSize()) }

// margins returns what the pages hold in front of the block and behind it.
func (b *debugBlock) margins() (front, back Span) {
	in := b.inner()
	start := int(b.span.address() - in.address())
	return in.Sub(0, start), in.Sub(start+b.span.size, in.size)
}

func (d *debugger) alloc(size, alignment int) (Span, error) {
	page := PageSize()
	inner := (size + max(alignment, page) - 1) &^ (max(alignment, page) - 1)
	pages, err := d.source.Reserve(inner + max(alignment, page) + page) // room to align the end of the block
	if err != nil {
		return Span{}, err
	}
	b := &debugBlock{pages: pages, allocated: callers()}
	end := pages.address() + uintptr(pages.size-page)
	start := (end - uintptr(size)) &^ uintptr(alignment-1)
	b.span = Span{unsafe.Add(pages.base, start-pages.address()), size}
	if err := d.source.Commit(b.inner()); err != nil {
		return Span{}, errors.Join(err, d.source.Release(pages))
	}
	poison(b.inner())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.blocks[b.span.address()] = b
	k := &d.counters
	k.Live += int64(size)
	k.Granted += int64(b.inner().size)
	k.Peak = max(k.Peak, k.Live)
	k.Reserved += int64(pages.size)
	k.Resident += int64(b.inner().size)
	k.Blocks++
	k.Allocations++
	return b.span, nil
}

// free panics, with the stacks it knows, at every span that is not a live block.
func (d *debugger) free(span Span) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.blocks[span.address()]
	switch {
	case b == nil:
		panic(fmt.Sprintf("mem: free of %d bytes at %#x%s", span.size, span.address(), d.around(span.address())))
	case b.freed != nil:
		panic(fmt.Sprintf("mem: double free of %d bytes at %#x\nallocated %v\nfreed first %v", span.size, span.address(), b.allocated, b.freed))
	case b.span.size != span.size:
		panic(fmt.Sprintf("mem: free of %d bytes at %#x, where %d were\nallocated %v", span.size, span.address(), b.span.size, b.allocated))
	}
	b.checkMargins()
	b.freed = callers()
	k := &d.counters
	k.Live -= int64(b.span.size)
	k.Granted -= int64(b.inner().size)
	k.Resident -= int64(b.inner().size)
	k.Blocks--
	d.shut(b)
	if d.quarantine = append(d.quarantine, b); len(d.quarantine) > quarantined {
		d.release(d.quarantine[0])
		d.quarantine = d.quarantine[1:]
	}
}

// shut makes the pages of a freed block useless.
func (d *debugger) shut(b *debugBlock) {
	if scribble { // they cannot be forbidden
		poison(b.inner())
	} else if d.source.Purge(b.inner()) == nil {
		_ = OS{}.Forbid(b.inner()) // if it is refused, reads give zeros
	}
}

// release forgets a freed block.
func (d *debugger) release(b *debugBlock) {
	delete(d.blocks, b.span.address())
	d.counters.Reserved -= int64(b.pages.size)
	if scribble && !poisoned(b.inner()) {
		panic(fmt.Sprintf("mem: %d bytes at %#x were written after they were freed\nallocated %v\nfreed %v", b.span.size, b.span.address(), b.allocated, b.freed))
	}
	if err := d.source.Release(b.pages); err != nil {
		panic(err)
	}
}

func (b *debugBlock) checkMargins() {
	front, back := b.margins()
	for where, margin := range map[string]Span{"in front of": front, "behind": back} {
		if !poisoned(margin) {
			panic(fmt.Sprintf("mem: bytes %s the %d at %#x were written\nallocated %v", where, b.span.size, b.span.address(), b.allocated))
		}
	}
}

func poisoned(s Span) bool {
	for _, b := range s.Bytes() {
		if b != freedByte {
			return false
		}
	}
	return true
}

// around says what block an address is in that is no block's start.
func (d *debugger) around(address uintptr) string {
	for _, b := range d.blocks {
		if address-b.pages.address() >= uintptr(b.pages.size) {
			continue
		}
		text := fmt.Sprintf(": that is %d bytes into a block of %d\nallocated %v", int64(address-b.span.address()), b.span.size, b.allocated)
		if b.freed != nil {
			text += fmt.Sprintf("\nand freed %v", b.freed)
		}
		return text
	}
	return ", which this heap did not allocate"
}

func (d *debugger) snapshot() Counters {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counters
}

// leaks lists the live blocks by who allocated them, the most bytes first.
func (d *debugger) leaks() string {
	if d == nil {
		return ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	type group struct{ bytes, blocks int }
	groups := map[string]group{}
	for _, b := range d.blocks {
		if b.freed == nil {
			where := b.allocated.String()
			g := groups[where]
			groups[where] = group{g.bytes + b.span.size, g.blocks + 1}
		}
	}
	var text strings.Builder
	for _, where := range slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(groups[b].bytes, groups[a].bytes), cmp.Compare(a, b))
	}) {
		fmt.Fprintf(&text, "\n%d bytes in %d blocks allocated %s", groups[where].bytes, groups[where].blocks, where)
	}
	return text.String()
}

// close gives all pages back, those of live blocks too.
func (d *debugger) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, b := range d.blocks {
		errs = append(errs, d.source.Release(b.pages))
	}
	clear(d.blocks)
	d.quarantine = nil
	d.counters = Counters{Peak: d.counters.Peak, Allocations: d.counters.Allocations}
	return errors.Join(errs...)
}

// A stack is where a goroutine was: program counters, the innermost first.
type stack []uintptr

// callers returns the stack outside of this package's allocators.
func callers() stack {
	var pcs [32]uintptr
	return append(stack{}, pcs[:runtime.Callers(2, pcs[:])]...)
}

func (s stack) String() string {
	var text strings.Builder
	text.WriteString("by")
	frames := runtime.CallersFrames(s)
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if f.Function != "runtime.goexit" && !ownFrame(f.Function) {
			fmt.Fprintf(&text, "\n\t%s\n\t\t%s:%d", f.Function, f.File, f.Line)
		}
	}
	return text.String()
}

// ownFrame tells whether a function is a method of the allocators, which every stack ends with.
func ownFrame(function string) bool {
	_, method, _ := strings.Cut(function, "/mem.")
	for _, receiver := range []string{"(*debugger)", "(*Heap)", "(*Cache)", "Vectors", "callers"} {
		if strings.HasPrefix(method, receiver) {
			return true
		}
	}
	return false
}

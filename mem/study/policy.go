package study

import (
	"slices"

	"github.com/baremetaldevx86/microdr/mem"
)

// Policy is an allocator that follows one policy. One goroutine uses it.
type Policy interface {
	// Alloc returns size bytes, aligned to 16. The error is [mem.ErrSize] or [mem.ErrNoMemory]; nothing has changed then.
	Alloc(size int) (mem.Span, error)
	// Free takes back a span that Alloc returned, whole and once.
	Free(mem.Span)
	// Counters tells what is held. Granted includes a policy's headers, so that Internal tells of them too.
	Counters() mem.Counters
	// Close gives all memory back, that of live blocks included.
	Close() error
}

// Kind is one of the policies.
type Kind struct {
	Name  string // as --policy takes it
	About string // a line for people
	New   func(source mem.Source, limit int) (Policy, error)
}

// kinds is the table of policies. Of limit bytes of address space none takes more.
var kinds = []Kind{
	{"bump", "advances an offset, and frees nothing before everything is free", newBump},
	{"list", "the first free block in one list of all blocks, free and used", newList},
	{"first", "first fit: the lowest free block that is large enough", newFirst},
	{"next", "next fit: the next free block that is large enough, from where the last search ended", newNext},
	{"best", "best fit: the smallest free block that is large enough", newBest},
	{"buddy", "binary buddies: blocks are powers of two, and halves of the next", newBuddy},
	{"tlsf", "two-level segregated fit: lists of free blocks by size, found by bitmaps in constant time", newTLSF},
	{"classes", "the product: slabs of size classes, and a TLSF for what is larger", newClasses},
}

// Kinds returns the policies, the simplest first.
func Kinds() []Kind { return slices.Clone(kinds) }

package mem

import (
	"math/bits"
	"unsafe"
)

// extents divides a range of granules into blocks, used and free, and finds a free one that fits in constant time: the
// two-level segregated fit of Masmano, Ripoll, Crespo and Real (TLSF, ECRTS 2004). Free blocks hang in lists by size:
// the first level is the power of two, the second cuts each power into secondLists equal steps; a bit says of each list
// whether it is empty. A freed block merges with free neighbours at once.
//
// Unlike the original it keeps nothing in the blocks themselves: what it knows of a block stands in the table entry of
// the block's first granule. So the pages of free blocks can go back to the system, and a stray write corrupts no list.
//
// Granules are numbered from 0. The entry of a block's first granule is exact; those of the others say 0 granules.
type extents struct {
	table unsafe.Pointer // of granule
	count uint32         // granules

	first  uint32                          // bit f: second[f] is not 0
	second [firstLists]uint32              // bit s: heads[f][s] is not empty
	heads  [firstLists][secondLists]uint32 // number of a first free block, or none
}

// A granule is the entry of the block that begins there.
type granule struct {
	size   uint32 // granules of the block, and flags
	before uint32 // granules of the block in front; 0 in front of the first
	next   uint32 // in its list, if it is free
	prev   uint32
}

const (
	secondBits  = 5
	secondLists = 1 << secondBits
	firstLists  = 32 - secondBits // the first of them holds all sizes under secondLists, one a list
	none        = ^uint32(0)

	// granules in a block are fewer than 1<<sizeBits
	sizeBits = 27
	sizeMask = 1<<sizeBits - 1

	isFree  = 1 << 31
	isDirty = 1 << 30 // free, and was in use since its pages were purged
	isAged  = 1 << 29 // dirty for more than a tick of the decay
	isSlab  = 1 << 28 // used, cut into blocks of a size class
)

const granuleSize = unsafe.Sizeof(granule{})

func (e *extents) at(i uint32) *granule {
	return (*granule)(unsafe.Add(e.table, uintptr(i)*granuleSize))
}

// init makes the range one clean free block.
func (e *extents) init(table unsafe.Pointer, count uint32) {
	*e = extents{table: table, count: count}
	for f := range e.heads {
		for s := range e.heads[f] {
			e.heads[f][s] = none
		}
	}
	g := e.at(0)
	g.size, g.before = count, 0
	e.link(0, count, 0)
}

// listOf returns the list of free blocks of the size.
func listOf(size uint32) (f, s uint32) {
	if size < secondLists {
		return 0, size
	}
	log := uint32(bits.Len32(size)) - 1
	return log - secondBits + 1, size>>(log-secondBits) - secondLists
}

// link makes the block free, with the flags isDirty and isAged as given.
func (e *extents) link(i, size, flags uint32) {
	f, s := listOf(size)
	g, head := e.at(i), e.heads[f][s]
	g.size, g.next, g.prev = size|isFree|flags, head, none
	if head != none {
		e.at(head).prev = i
	}
	e.heads[f][s] = i
	e.second[f] |= 1 << s
	e.first |= 1 << f
}

// unlink takes a free block out of its list.
func (e *extents) unlink(i uint32) {
	g := e.at(i)
	if g.next != none {
		e.at(g.next).prev = g.prev
	}
	if g.prev != none {
		e.at(g.prev).next = g.next
		return
	}
	f, s := listOf(g.size & sizeMask)
	if e.heads[f][s] = g.next; g.next != none {
		return
	}
	if e.second[f] &^= 1 << s; e.second[f] == 0 {
		e.first &^= 1 << f
	}
}

// take makes used the part of the free block i, as find returned it, that has size granules at the alignment, and
// returns where that begins. What the block is longer stays free.
func (e *extents) take(i, size, alignment uint32) uint32 {
	e.unlink(i)
	g := e.at(i)
	whole, flags := g.size&sizeMask, g.size&(isDirty|isAged)
	if gap := gapAt(i, alignment); gap != 0 {
		e.link(i, gap, flags)
		i, whole = i+gap, whole-gap
		g = e.at(i)
		g.before = gap
	}
	g.size = size
	if rest := whole - size; rest != 0 {
		e.link(i+size, rest, flags)
		e.follow(i+size, rest)
	}
	e.follow(i, size)
	return i
}

// follow tells the block behind i how long i is.
func (e *extents) follow(i, size uint32) {
	if i+size < e.count {
		e.at(i + size).before = size
	}
}

// patience is how many blocks of a list are looked at that may or may not fit.
const patience = 4

// gapAt returns how many granules lie between i and the next multiple of the alignment, a power of two.
func gapAt(i, alignment uint32) uint32 { return -i & (alignment - 1) }

// find returns a free block with room for size granules at the alignment, or none. A block of a longer list always
// fits; before that, the first few of the list that the size itself belongs to are tried, which keeps long blocks whole.
func (e *extents) find(size, alignment uint32) uint32 {
	f, s := listOf(size)
	i := e.heads[f][s]
	for range patience {
		if i == none {
			break
		}
		g := e.at(i)
		if g.size&sizeMask >= size+gapAt(i, alignment) {
			return i
		}
		i = g.next
	}
	return e.longer(size + alignment - 1)
}

// longer returns a free block of at least size granules, from the shortest list all of whose blocks are that long.
func (e *extents) longer(size uint32) uint32 {
	if size >= secondLists { // up to the least size of the next list
		size += 1<<(uint32(bits.Len32(size))-1-secondBits) - 1
	}
	f, s := listOf(size)
	if f >= firstLists {
		return none
	}
	if lists := e.second[f] >> s << s; lists != 0 {
		return e.heads[f][bits.TrailingZeros32(lists)]
	}
	above := e.first >> (f + 1) << (f + 1)
	if above == 0 {
		return none
	}
	f = uint32(bits.TrailingZeros32(above))
	return e.heads[f][bits.TrailingZeros32(e.second[f])]
}

// give makes the used block i free again, merged with what is free around it. The flag isDirty says that its pages
// need purging one day.
func (e *extents) give(i, dirty uint32) {
	g := e.at(i)
	size := g.size & sizeMask
	if behind := i + size; behind < e.count {
		if b := e.at(behind); b.size&isFree != 0 {
			e.unlink(behind)
			size, dirty = size+b.size&sizeMask, dirty|b.size&isDirty
			b.size = 0 // no block begins there any more
		}
	}
	if before := g.before; before != 0 {
		if b := e.at(i - before); b.size&isFree != 0 {
			g.size = 0
			i -= before
			e.unlink(i)
			size, dirty = size+before, dirty|b.size&isDirty
		}
	}
	e.link(i, size, dirty)
	e.follow(i, size)
}

// free calls visit with every free block. It must not change any.
func (e *extents) free(visit func(i uint32, g *granule)) {
	for firsts := e.first; firsts != 0; firsts &= firsts - 1 {
		f := bits.TrailingZeros32(firsts)
		for seconds := e.second[f]; seconds != 0; seconds &= seconds - 1 {
			for i := e.heads[f][bits.TrailingZeros32(seconds)]; i != none; i = e.at(i).next {
				visit(i, e.at(i))
			}
		}
	}
}

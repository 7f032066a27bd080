// Package mem hands out memory that the garbage collector neither scans nor moves: a [Heap] with a [Cache] for each worker, and
// an [Arena] that is taken back whole at the end of an iteration. It counts what it holds, gives back what stays free, and
// finds the mistakes of its callers if asked to.
//
// It must not know what the bytes mean (buffers, tiles, code), and it imports nothing else of this module.
//
// Start with [Span] and [Make], then [Cache] (cache.go) and [Heap] (heap.go). Below them are slabs (slab.go), which are
// extents (extents.go) of a region (region.go); the system calls are confined to one os_*.go file per system, and those
// for pages of machine code (code.go) to one code_*.go. The build tag memgo backs every span with Go memory, which lets
// the race detector see it.
package mem

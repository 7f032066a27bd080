// Package mem hands out memory that the garbage collector neither scans nor
// moves: page spans from the operating system, an [Arena] that is released
// whole at the end of an iteration, and a [Heap] for what lives longer.
//
// It must not know what the bytes mean (buffers, tiles, code), and it imports
// nothing else of this module.
//
// Start with [Span] and [Make], then [Arena] (arena.go) and [Heap] (heap.go);
// the system calls are confined to one os_*.go file per system, and those for
// pages of machine code (code.go) to one code_*.go. The build tag
// memgo backs every span with Go memory, which lets the race detector see it.
package mem

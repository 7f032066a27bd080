// Package heaps holds the measurements behind `microdr mem bench`: our allocator beside Go's make, a sync.Pool of classes,
// modernc.org/memory, and the malloc of glibc, jemalloc and mimalloc, all driven by one recorded sequence of operations. It
// must not know how any of them works, nor assert anything: it reports.
//
// Start with sequence.go (the work), then serve.go (what a peer's process is ordered to do), loops.go (the loops of the
// peers in Go; c/ has the same ones in C) and measure.go (the rounds, and the table of measures). Package mem enters in
// ours.go alone.
package heaps

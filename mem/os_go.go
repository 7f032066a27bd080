//go:build memgo || !(linux || darwin || windows)

package mem

import (
	"errors"
	"os"
	"unsafe"
)

// scribble overwrites freed memory, so that a reader of it gets nonsense and,
// under the race detector, a report with both stacks.
const scribble = true

// largestGoSpan keeps a request from ending the process: the Go runtime does
// not return from running out of memory.
const largestGoSpan = 1 << 30

// mapPages returns Go memory without pointers in it. The span's own pointer
// keeps it alive, so there is nothing to do to release it.
func mapPages(size int) (unsafe.Pointer, error) {
	if size > largestGoSpan {
		return nil, errors.New("larger than a span backed by Go memory may be")
	}
	page := os.Getpagesize()
	block := unsafe.Pointer(unsafe.SliceData(make([]byte, size+page)))
	return unsafe.Add(block, -uintptr(block)&uintptr(page-1)), nil
}

func unmapPages(unsafe.Pointer, int) error { return nil }

//go:build memgo || !(linux || darwin || windows)

package mem

import (
	"errors"
	"unsafe"
)

// scribble overwrites freed memory, so that a reader of it gets nonsense and,
// under the race detector, a report with both stacks.
const scribble = true

// Regions are small here, where reserving is allocating.
const (
	regionBits       = 20
	largestAlignment = frameBytes
)

// largestGoSpan keeps a request from ending the process: the Go runtime does
// not return from running out of memory.
const largestGoSpan = 1 << 30

// reservePages returns Go memory without pointers in it. The span's own pointer
// keeps it alive, so there is nothing to do to release it.
func reservePages(size int) (unsafe.Pointer, error) {
	if size > largestGoSpan {
		return nil, errors.New("larger than a span backed by Go memory may be")
	}
	page := PageSize()
	block := unsafe.Pointer(unsafe.SliceData(make([]byte, size+page)))
	return unsafe.Add(block, -uintptr(block)&uintptr(page-1)), nil
}

func commitPages(unsafe.Pointer, int) error { return nil }

func purgePages(base unsafe.Pointer, size int) error {
	clear(unsafe.Slice((*byte)(base), size))
	return nil
}

func releasePages(unsafe.Pointer, int) error { return nil }
func forbidPages(unsafe.Pointer, int) error  { return nil }
func hugePages(unsafe.Pointer, int)          {}

func countFaults() (Faults, error)                   { return Faults{}, errors.ErrUnsupported }
func residentPages(unsafe.Pointer, int) (int, error) { return 0, errors.ErrUnsupported }

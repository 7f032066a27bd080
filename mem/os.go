package mem

import (
	"fmt"
	"os"
)

// A Source lends page spans to an [Arena] or a [Heap]. [OS] is the one for
// production; tests put a failing one in its place. It must be safe for
// concurrent use.
type Source interface {
	// Reserve returns at least size bytes of zeroed, readable and writable
	// memory, in whole pages.
	Reserve(size int) (Span, error)
	// Release takes back a span that Reserve returned, whole and once.
	Release(Span) error
}

// OS lends pages from the operating system. Its zero value is ready to use.
// A page costs physical memory only once it is touched.
type OS struct{}

// Reserve implements [Source]. Its errors are [ErrSize] or [ErrNoMemory].
func (OS) Reserve(size int) (Span, error) {
	rounded, err := roundUp(size, os.Getpagesize())
	if err != nil {
		return Span{}, err
	}
	base, err := mapPages(rounded)
	if err != nil {
		return Span{}, fmt.Errorf("mem: reserve %d bytes: %w (%w)", rounded, ErrNoMemory, err)
	}
	return Span{base, rounded}, nil
}

// Release implements [Source].
func (OS) Release(s Span) error {
	if err := unmapPages(s.base, s.size); err != nil {
		return fmt.Errorf("mem: release %d bytes at %#x: %w", s.size, s.address(), err)
	}
	return nil
}

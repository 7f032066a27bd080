package mem

import (
	"fmt"
	"os"
)

// Code pages hold machine code. They are writable first and, once sealed, readable and executable, never both. Unlike
// data they always come from the operating system, whatever the build tags.

// ReserveCode returns at least size bytes of zeroed, writable memory in whole pages, for Seal.
func (OS) ReserveCode(size int) (Span, error) {
	rounded, err := roundUp(size, os.Getpagesize())
	if err != nil {
		return Span{}, err
	}
	base, err := mapCode(rounded)
	if err != nil {
		return Span{}, fmt.Errorf("mem: reserve %d bytes of code: %w (%w)", rounded, ErrNoMemory, err)
	}
	return Span{base, rounded}, nil
}

// Seal makes a span of ReserveCode executable, and no longer writable.
func (OS) Seal(s Span) error {
	if err := sealCode(s.base, s.size); err != nil {
		return fmt.Errorf("mem: make %d bytes at %#x executable: %w", s.size, s.address(), err)
	}
	return nil
}

// ReleaseCode gives a span of ReserveCode back.
func (OS) ReleaseCode(s Span) error {
	if err := unmapCode(s.base, s.size); err != nil {
		return fmt.Errorf("mem: release %d bytes of code at %#x: %w", s.size, s.address(), err)
	}
	return nil
}

// CanReplaceCode tells whether ReplaceCode works on this system.
const CanReplaceCode = canReplaceCode

// ReplaceCode moves the pages of s, sealed, to where old lies, which has the same size and is gone then. Threads that
// execute what is the same in both notice nothing.
func (OS) ReplaceCode(old, s Span) error {
	if err := moveCode(old.base, s.base, s.size); err != nil {
		return fmt.Errorf("mem: move %d bytes of code to %#x: %w", s.size, old.address(), err)
	}
	return nil
}

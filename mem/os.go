package mem

import (
	"errors"
	"fmt"
	"os"
)

// A Source lends address space, and memory behind it. [OS] is the one for
// production; tests put a failing one in its place. It must be safe for
// concurrent use. Spans are whole pages everywhere.
type Source interface {
	// Reserve returns at least size bytes of address space, which must not be touched before it is committed.
	Reserve(size int) (Span, error)
	// Commit makes a part of a reserved span readable and writable. What was not committed before reads as zero,
	// and costs physical memory only page by page as it is touched.
	Commit(Span) error
	// Purge gives the physical memory of a committed part back. It stays committed and reads as zero.
	Purge(Span) error
	// Release takes back a span that Reserve returned, whole and once.
	Release(Span) error
}

// OS lends pages from the operating system. Its zero value is ready to use.
type OS struct{}

// PageSize returns the bytes of a page, a power of two.
func PageSize() int { return os.Getpagesize() }

// Reserve implements [Source]. Its errors are [ErrSize] or [ErrNoMemory].
func (OS) Reserve(size int) (Span, error) {
	rounded, err := roundUp(size, PageSize())
	if err != nil {
		return Span{}, err
	}
	base, err := reservePages(rounded)
	if err != nil {
		return Span{}, fmt.Errorf("mem: reserve %d bytes: %w (%w)", rounded, ErrNoMemory, err)
	}
	return Span{base, rounded}, nil
}

// Commit implements [Source]. Its error is [ErrNoMemory].
func (OS) Commit(s Span) error {
	if err := commitPages(s.base, s.size); err != nil {
		return fmt.Errorf("mem: commit %d bytes: %w (%w)", s.size, ErrNoMemory, err)
	}
	return nil
}

// Purge implements [Source].
func (OS) Purge(s Span) error {
	if err := purgePages(s.base, s.size); err != nil {
		return fmt.Errorf("mem: purge %d bytes at %#x: %w", s.size, s.address(), err)
	}
	return nil
}

// Release implements [Source].
func (OS) Release(s Span) error {
	if err := releasePages(s.base, s.size); err != nil {
		return fmt.Errorf("mem: release %d bytes at %#x: %w", s.size, s.address(), err)
	}
	return nil
}

// Forbid makes every access to a committed part a fault, until it is committed again. Where spans are backed by Go
// memory it does nothing.
func (OS) Forbid(s Span) error {
	if err := forbidPages(s.base, s.size); err != nil {
		return fmt.Errorf("mem: forbid %d bytes at %#x: %w", s.size, s.address(), err)
	}
	return nil
}

// Huge asks for huge pages behind a committed part, where the system has them and lets programs choose. It is a wish:
// nothing tells whether it came true but [Resident] and [Faults].
func (OS) Huge(s Span) { hugePages(s.base, s.size) }

// askForHuge asks a source that can be asked.
func askForHuge(source Source, s Span) {
	if h, ok := source.(interface{ Huge(Span) }); ok {
		h.Huge(s)
	}
}

// Faults are the page faults of the process so far.
type Faults struct {
	Minor int64 `json:"minor"` // served from memory
	Major int64 `json:"major"` // waited for a disk
}

// CountFaults returns the page faults of the process; an error that is [errors.ErrUnsupported] where the system does
// not count them.
func CountFaults() (Faults, error) { return countFaults() }

// Resident returns how many bytes of a committed span have physical memory; an error that is [errors.ErrUnsupported]
// where the system does not tell.
func Resident(s Span) (int, error) { return residentPages(s.base, s.size) }

// lend reserves and commits.
func lend(source Source, size int) (Span, error) {
	s, err := source.Reserve(size)
	if err != nil {
		return Span{}, err
	}
	if err := source.Commit(s); err != nil {
		return Span{}, errors.Join(err, source.Release(s))
	}
	return s, nil
}

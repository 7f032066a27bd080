package jit

import (
	"errors"
	"sync"
	"unsafe"

	"github.com/baremetaldevx86/microdr/jit/amd64"
	"github.com/baremetaldevx86/microdr/mem"
)

// Pages is where code lives. Programs share chunks of pages: a new one goes behind the last, and a chunk is given back
// when the last program in it is closed. It serves any number of goroutines.
//
// Pages that hold code already can't be written, not even for a moment: another thread may be running there. What comes
// behind it is written to fresh pages, together with a copy of what their predecessors hold, and these then take the
// place of the old ones.
type Pages struct {
	mu    sync.Mutex
	open  *chunk // has room at its end; nil for none
	bytes int    // of all chunks

	scratch sync.Pool // of *scratch: what compilations leave for the next ones
}

// chunk is a run of pages.
type chunk struct {
	span mem.Span
	used int // bytes
	live int // programs
}

const (
	chunkSize     = 1 << 16
	codeAlignment = 64
)

// placement is where a program's code lies.
type placement struct {
	chunk *chunk
	code  unsafe.Pointer
}

// place copies code to executable pages.
func (p *Pages) place(code []byte) (placement, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.open; c != nil && mem.CanReplaceCode && len(code) <= c.span.Size()-c.used {
		if at, err := c.append(code); err == nil {
			return at, nil
		}
	}
	size := len(code)
	if mem.CanReplaceCode {
		size = max(size, chunkSize)
	}
	span, err := mem.OS{}.ReserveCode(size)
	if err != nil {
		return placement{}, err
	}
	copy(span.Bytes(), code)
	if err := (mem.OS{}).Seal(span); err != nil {
		return placement{}, errors.Join(err, mem.OS{}.ReleaseCode(span))
	}
	c := &chunk{span: span, used: alignCode(len(code)), live: 1}
	p.bytes += span.Size()
	if p.open == nil || p.open.span.Size()-p.open.used < c.span.Size()-c.used {
		p.open = c
	}
	return placement{c, span.Base()}, nil
}

func alignCode(n int) int { return (n + codeAlignment - 1) &^ (codeAlignment - 1) }

// append places code behind what the chunk holds.
func (c *chunk) append(code []byte) (placement, error) {
	first := c.used &^ (pageSize - 1)
	last := (c.used + len(code) + pageSize - 1) &^ (pageSize - 1)
	old := c.span.Sub(first, last)
	fresh, err := mem.OS{}.ReserveCode(last - first)
	if err != nil {
		return placement{}, err
	}
	copy(fresh.Bytes(), old.Bytes()[:c.used-first])
	copy(fresh.Bytes()[c.used-first:], code)
	if err = (mem.OS{}).Seal(fresh); err == nil {
		err = mem.OS{}.ReplaceCode(old, fresh)
	}
	if err != nil {
		return placement{}, errors.Join(err, mem.OS{}.ReleaseCode(fresh))
	}
	at := c.span.Sub(c.used, c.used+len(code))
	c.used = min(alignCode(c.used+len(code)), c.span.Size())
	c.live++
	return placement{c, at.Base()}, nil
}

// pageSize is that of the systems that ReplaceCode works on: amd64 has no other.
const pageSize = 1 << 12

// free ends a placement.
func (p *Pages) free(at placement) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := at.chunk
	if c.live--; c.live > 0 {
		return nil
	}
	if p.open == c {
		p.open = nil
	}
	p.bytes -= c.span.Size()
	return mem.OS{}.ReleaseCode(c.span)
}

// Bytes returns the size of all pages that hold code.
func (p *Pages) Bytes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes
}

// CanRun tells whether this process can run what Compile makes, given the instructions.
const CanRun = amd64.CanEnter

// Probe tells whether the system gives out executable memory.
func Probe() error {
	p := &Pages{}
	at, err := p.place([]byte{0xc3})
	if err != nil {
		return err
	}
	return p.free(at)
}

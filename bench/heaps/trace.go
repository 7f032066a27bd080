package heaps

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// A Trace is what a program did with memory, to be done again by all peers.
type Trace struct {
	Name  string // what the program was
	ops   []op
	slots int
	at    map[uint64]uint32 // slots of live blocks
	empty []uint32          // slots of none
}

// Alloc adds an allocation; block is a number that no other live block has.
func (t *Trace) Alloc(block uint64, size int) error {
	if _, twice := t.at[block]; twice || size < 1 || int64(size) > 1<<32-1 {
		return fmt.Errorf("heaps: trace: block %d of %d bytes: is live already, or of a size that no operation has", block, size)
	}
	if t.at == nil {
		t.at = map[uint64]uint32{}
	}
	slot := uint32(t.slots)
	if n := len(t.empty); n > 0 {
		slot, t.empty = t.empty[n-1], t.empty[:n-1]
	} else {
		t.slots++
	}
	t.at[block] = slot
	t.ops = append(t.ops, op{slot, uint32(size)})
	return nil
}

// Free adds that a block is freed.
func (t *Trace) Free(block uint64) error {
	slot, ok := t.at[block]
	if !ok {
		return fmt.Errorf("heaps: trace: block %d is freed, but not live", block)
	}
	delete(t.at, block)
	t.empty = append(t.empty, slot)
	t.ops = append(t.ops, op{slot, 0})
	return nil
}

// end frees what is still live, so that the trace can be done again. In which order makes no difference worth the name.
func (t *Trace) end() {
	for _, block := range slices.Sorted(maps.Keys(t.at)) {
		t.Free(block) // is live
	}
}

func traceFile(folder string) string { return filepath.Join(folder, "trace.ops") }

// write leaves the trace where peers look for it.
func (t *Trace) write(folder string) error {
	if t.end(); len(t.ops) == 0 {
		return errors.New("heaps: a trace of nothing")
	}
	if err := os.WriteFile(traceFile(folder), bytesOf(t.ops), 0o600); err != nil {
		return fmt.Errorf("heaps: %w", err)
	}
	return nil
}

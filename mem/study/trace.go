package study

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// Limits of traces. What goes beyond is an error of reading.
const (
	MaxAllocators = 1 << 20
	MaxOperations = 1 << 26
	MaxBlock      = 1 << 36 // bytes
)

// A Trace is what a program asked of its allocators, one operation after the other.
type Trace struct {
	Ops        []Op
	Blocks     int      // IDs are 0 to Blocks-1
	Allocators []string // the names of those recorded; none for text
	Seconds    float64  // that the recording lasted; 0 for text
	CutOff     int64    // the byte where a recording without an end stops making sense; 0 for whole ones and for text
}

// Op is one operation.
type Op struct {
	Kind      OpKind
	Alignment uint8 // logarithm; 0 where nobody asked
	ID        int32 // of the block; no two live blocks have the same, and none is used again
	Size      int64 // bytes; 0 for frees
}

// OpKind says what an operation does.
type OpKind uint8

// The operations.
const (
	OpAlloc OpKind = iota
	OpFree
	OpRealloc // to the new Size, the contents kept
)

// Peak returns the most bytes that are live at a time, and the operation after which they are.
func (t *Trace) Peak() (bytes int64, op int) {
	sizes := make([]int64, t.Blocks)
	live := int64(0)
	for i, o := range t.Ops {
		live += o.Size - sizes[o.ID]
		sizes[o.ID] = o.Size
		if live > bytes {
			bytes, op = live, i
		}
	}
	return bytes, op
}

// ReadTrace reads a recording (see [Recording]), one that was cut off up to its last whole record, or a text trace in the format of the malloc lab of Bryant and O'Hallaron,
// "Computer Systems: A Programmer's Perspective": lines `a ID SIZE`, `r ID SIZE` and `f ID`, after up to four lines of one
// number each, of which the third of four is the number of operations. Errors give the byte in a recording, line and column in a text, and what was expected.
func ReadTrace(r io.Reader) (*Trace, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	head, err := b.Peek(len(magic))
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("study: %w", err)
	}
	if bytes.HasPrefix(head, []byte(magic[:6])) {
		return readRecording(b)
	}
	return readText(b)
}

// builder appends operations and knows which blocks live.
type builder struct {
	trace Trace
	live  []bool
}

// operation appends one, or says why it cannot follow what is there.
func (b *builder) operation(o Op) error {
	switch {
	case len(b.trace.Ops) == MaxOperations:
		return fmt.Errorf("expected at most %d operations", MaxOperations)
	case o.Kind != OpFree && (o.Size <= 0 || o.Size > MaxBlock):
		return fmt.Errorf("a block of %d bytes, expected 1 to %d", o.Size, int64(MaxBlock))
	}
	b.live[o.ID] = o.Kind != OpFree
	b.trace.Ops = append(b.trace.Ops, o)
	return nil
}

// block returns the ID of a new block.
func (b *builder) block() int32 {
	b.live = append(b.live, false)
	b.trace.Blocks++
	return int32(b.trace.Blocks - 1)
}

package amd64

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Inst is an instruction on vectors or masks. Which operand is the destination, the row of the table says: Reg in
// most, RM in stores.
type Inst struct {
	Op    Op
	Width Width
	Reg   uint8 // number of the register in the field reg: a Vec, a Mask or a Reg
	Src   uint8 // number of the register in the field vvvv, where the op has one
	RM    RM
	Mask  Mask // lanes to write; K0: all
	Zero  bool // lanes not written become zero instead of keeping what they hold
	Imm   uint8
}

// Line is an instruction as listed: where it stands, the tag that was current, its text in Intel's syntax.
type Line struct {
	Offset, Size int
	Tag          int32
	Text         string
}

// Code is machine code being written. Its zero value is empty. Jumps go to labels, whose places may be set later.
type Code struct {
	Bytes []byte

	List  bool   // keep Lines
	Tag   int32  // of the instructions that follow
	Lines []Line // if List is set

	labels []label
}

// Label is a place to jump to.
type Label int

type label struct {
	at   int // offset, -1 while unknown
	last int // offset of the last displacement that awaits it, -1: none; each holds the offset of the one before
}

// NewLabel returns a label whose place is yet to be set.
func (c *Code) NewLabel() Label {
	c.labels = append(c.labels, label{at: -1, last: -1})
	return Label(len(c.labels) - 1)
}

// Place puts a label here.
func (c *Code) Place(l Label) {
	t := c.label(l)
	if t.at >= 0 {
		panic(fmt.Sprintf("amd64: label L%d is placed twice", l))
	}
	t.at = len(c.Bytes)
	for ref := t.last; ref >= 0; {
		field := c.Bytes[ref : ref+4]
		before := int(int32(binary.LittleEndian.Uint32(field)))
		binary.LittleEndian.PutUint32(field, displacement(ref, t.at))
		ref = before
	}
	t.last = -1
}

// Labels returns the offset of each label, -1 for those that have no place. Label number i is Li in a listing.
func (c *Code) Labels() []int {
	at := make([]int, len(c.labels))
	for i, l := range c.labels {
		at[i] = l.at
	}
	return at
}

// label returns one that NewLabel made.
func (c *Code) label(l Label) *label {
	if l < 0 || int(l) >= len(c.labels) {
		panic(fmt.Sprintf("amd64: no such label L%d", l))
	}
	return &c.labels[l]
}

// displacement is what the 32 bits at ref hold to reach the offset at. It counts from their end.
func displacement(ref, at int) uint32 { return uint32(at - ref - 4) }

// reference appends an opcode and a displacement of 32 bits that reaches the label.
func (c *Code) reference(opcode octets, l Label) {
	t := c.label(l)
	c.write(opcode)
	ref := len(c.Bytes)
	field := displacement(ref, t.at)
	if t.at < 0 {
		field, t.last = uint32(t.last), ref
	}
	c.Bytes = binary.LittleEndian.AppendUint32(c.Bytes, field)
}

// Unplaced tells whether some label that is jumped to has no place.
func (c *Code) Unplaced() bool {
	return slices.ContainsFunc(c.labels, func(l label) bool { return l.last >= 0 })
}

// Reset empties the code for the next use of its memory. Labels of before are void.
func (c *Code) Reset() {
	c.Bytes, c.Lines, c.labels, c.Tag = c.Bytes[:0], c.Lines[:0], c.labels[:0], 0
}

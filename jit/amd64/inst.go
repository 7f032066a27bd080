package amd64

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
	at   int   // offset, -1 while unknown
	refs []int // offsets of the 32-bit displacements that await it
}

// NewLabel returns a label whose place is yet to be set.
func (c *Code) NewLabel() Label {
	c.labels = append(c.labels, label{at: -1})
	return Label(len(c.labels) - 1)
}

// Place puts a label here.
func (c *Code) Place(l Label) {
	t := &c.labels[l]
	if t.at >= 0 {
		panic("amd64: a label is placed twice")
	}
	t.at = len(c.Bytes)
	for _, ref := range t.refs {
		c.patch(ref, t.at)
	}
	t.refs = t.refs[:0]
}

// Reset empties the code for the next use of its memory.
func (c *Code) Reset() {
	c.Bytes, c.Lines, c.labels, c.Tag = c.Bytes[:0], c.Lines[:0], c.labels[:0], 0
}

// patch sets the displacement at ref to reach the offset at.
func (c *Code) patch(ref, at int) {
	d := uint32(at - ref - 4)
	c.Bytes[ref], c.Bytes[ref+1], c.Bytes[ref+2], c.Bytes[ref+3] = byte(d), byte(d>>8), byte(d>>16), byte(d>>24)
}

// reference appends a displacement of 32 bits that reaches the label.
func (c *Code) reference(l Label) {
	at := len(c.Bytes)
	c.Bytes = append(c.Bytes, 0, 0, 0, 0)
	t := &c.labels[l]
	if t.at >= 0 {
		c.patch(at, t.at)
	} else {
		t.refs = append(t.refs, at)
	}
}

// Unplaced tells whether some label that is jumped to has no place.
func (c *Code) Unplaced() bool {
	for i := range c.labels {
		if len(c.labels[i].refs) > 0 {
			return true
		}
	}
	return false
}

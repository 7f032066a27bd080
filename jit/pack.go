package jit

import (
	"unsafe"

	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// A packer writes panels of B for micro-kernels: rows of whole vectors, one behind the other, so that a tile reads its
// panel in order wherever the matrix lies.

// panelShape is the width of a panel.
type panelShape struct {
	vectors int
	tail    bool
}

// PackedColumns is how many columns, and how many elements of each, [Tiles.Columns] transposes at a time.
const PackedColumns = 8

// Packer is the code of one, as long as its Tiles are not closed.
type Packer struct{ code unsafe.Pointer }

// PackCall is what a packer works on. Strides are in bytes.
type PackCall struct {
	From, To unsafe.Pointer
	Step     int
	ToRow    int // from one row of the panel to the next
	Count    int // 1 or more

	tail     [8]int32
	tailMask uint16
}

// SetTail says how many lanes of the last vector exist, for shapes with Tail.
func (c *PackCall) SetTail(lanes int) {
	var t TileCall
	t.SetTail(lanes)
	c.tail, c.tailMask = t.tail, t.tailMask
}

// Run does it, see [TileCall.Run].
func (c *PackCall) Run(p Packer) { amd64.Enter(p.code, unsafe.Pointer(c)) }

// The places of a call's fields.
const (
	packFrom  = int32(unsafe.Offsetof(PackCall{}.From))
	packTo    = int32(unsafe.Offsetof(PackCall{}.To))
	packStep  = int32(unsafe.Offsetof(PackCall{}.Step))
	packToRow = int32(unsafe.Offsetof(PackCall{}.ToRow))
	packCount = int32(unsafe.Offsetof(PackCall{}.Count))
	packTail  = int32(unsafe.Offsetof(PackCall{}.tail))
	packMask  = int32(unsafe.Offsetof(PackCall{}.tailMask))
)

// The registers of a packer besides frameReg and those that memoryOfA uses.
const (
	packAt    = amd64.RAX
	packDown  = amd64.RDX
	packTurns = amd64.RBX
)

// copyRows writes a packer of rows.
func (e *tileEmitter) copyRows() {
	c := e.code
	c.Load(amd64.Size8, tileB, field(packFrom))
	c.Load(amd64.Size8, packAt, field(packTo))
	c.Load(amd64.Size8, tileBRow, field(packStep))
	c.Load(amd64.Size8, tileAColumn, field(packToRow))
	c.Load(amd64.Size8, packTurns, field(packCount))
	last := uint8(e.Vectors)
	switch {
	case e.Tail && e.masks:
		c.Emit(amd64.Inst{Op: amd64.KMOVW, Reg: tailMask, RM: field(packMask)})
	case e.Tail:
		e.op(amd64.Inst{Op: amd64.VMOVUPS, Reg: last, RM: field(packTail)})
	}
	next := c.NewLabel()
	c.Place(next)
	for j := range e.Vectors {
		in := amd64.Inst{Op: amd64.VMOVUPS, Reg: e.ofB(j), RM: e.memoryOfB(j)}
		switch {
		case e.isTail(j) && e.masks:
			in.Mask, in.Zero = tailMask, true
		case e.isTail(j):
			in.Op, in.Src = amd64.VMASKMOVPS, last
		}
		e.op(in)
	}
	for j := range e.Vectors {
		e.op(amd64.Inst{Op: amd64.VMOVUPSStore, Reg: e.ofB(j), RM: amd64.Mem(packAt, int32(j)*e.size)})
	}
	c.Add(amd64.Size8, tileB, amd64.R(tileBRow))
	c.Add(amd64.Size8, packAt, amd64.R(tileAColumn))
	c.SubImm(amd64.Size8, amd64.R(packTurns), 1)
	c.JumpIf(amd64.NotEqual, next)
	c.Return()
}

// transposeColumns writes the packer of columns, for both targets in vectors of 256 bits: the halves of four vectors
// hold four elements of columns 0 to 3 and of columns 4 to 7, so that to exchange lanes within halves is enough.
func transposeColumns(c *amd64.Code) {
	e := &tileEmitter{code: c, width: amd64.W256}
	c.Load(amd64.Size8, tileA[0], field(packFrom))
	c.Load(amd64.Size8, packAt, field(packTo))
	c.Load(amd64.Size8, tileARow, field(packStep))
	c.Load(amd64.Size8, packDown, field(packToRow))
	c.Load(amd64.Size8, packTurns, field(packCount))
	e.multiplesOfRow()
	next := c.NewLabel()
	c.Place(next)
	for range 2 {
		e.transposeFour()
		c.AddImm(amd64.Size8, amd64.R(tileA[0]), 16)
	}
	c.SubImm(amd64.Size8, amd64.R(packTurns), 1)
	c.JumpIf(amd64.NotEqual, next)
	c.Return()
}

// transposeFour packs four rows of eight columns.
func (e *tileEmitter) transposeFour() {
	const low, high = 0x44, 0xee // the lower halves of both operands, and the upper ones
	for i := range uint8(4) {
		e.code.Emit(amd64.Inst{Op: amd64.VMOVUPS, Width: amd64.W128, Reg: i, RM: e.memoryOfA(int(i))})
		e.op(amd64.Inst{Op: amd64.VINSERTF128, Reg: i, Src: i, RM: e.memoryOfA(int(i) + 4), Imm: 1})
	}
	for i := range uint8(2) {
		pair := amd64.V(amd64.Vec(2*i + 1))
		e.op(amd64.Inst{Op: amd64.VUNPCKLPS, Reg: 4 + 2*i, Src: 2 * i, RM: pair})
		e.op(amd64.Inst{Op: amd64.VUNPCKHPS, Reg: 5 + 2*i, Src: 2 * i, RM: pair})
	}
	for i := range uint8(4) {
		half := uint8(low)
		if i%2 == 1 {
			half = high
		}
		e.op(amd64.Inst{Op: amd64.VSHUFPS, Reg: 8 + i, Src: 4 + i/2, RM: amd64.V(amd64.Vec(6 + i/2)), Imm: half})
		e.op(amd64.Inst{Op: amd64.VMOVUPSStore, Reg: 8 + i, RM: amd64.Mem(packAt, 0)})
		e.code.Add(amd64.Size8, packAt, amd64.R(packDown))
	}
}

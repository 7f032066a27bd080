package jit

import "github.com/baremetaldevx86/microdr/jit/amd64"

// The registers of a micro-kernel besides frameReg. A(r, k) lies at one of three addresses that move along k, 9 rows
// apart, plus a multiple of the rows' stride that an index register times 1, 2, 4 or 8 gives.
const (
	tileB       = amd64.RSI
	tileBRow    = amd64.RDX
	tileAColumn = amd64.RCX
	tileK       = amd64.RBX
	tileC       = amd64.RAX
	tileARow    = amd64.R11
	tileARow3   = amd64.R12
	tileARow5   = amd64.R13
	tileARow7   = amd64.R15
)

// tileA are the three addresses.
var tileA = [...]amd64.Reg{amd64.R8, amd64.R9, amd64.R10}

// tileUnroll is how many k a turn of the loop takes.
const tileUnroll = 4

// tileEmitter writes a micro-kernel.
type tileEmitter struct {
	TileShape
	code    *amd64.Code
	width   amd64.Width
	size    int32 // bytes of a vector
	masks   bool  // there are mask registers and broadcast operands
	temps   int
	firstIn uint8 // register of the sum of row 0
}

// tailMask is the mask register of the lanes that exist.
const tailMask = 1

func newTileEmitter(t Target, s TileShape, code *amd64.Code) *tileEmitter {
	d := targets[t]
	e := &tileEmitter{TileShape: s, code: code, width: d.width, size: int32(4 * d.lanes), masks: d.masks != 0}
	e.temps = min(2, popcount(d.vectors)-s.Vectors*(s.Rows+1))
	e.firstIn = uint8(s.Vectors + e.temps)
	return e
}

// sum is the register of vector j of row r of the tile.
func (e *tileEmitter) sum(r, j int) uint8 { return e.firstIn + uint8(r*e.Vectors+j) }

// spare is a register that is free before and after the loop: that of the first vector of B.
const spare = 0

// ofB is the register of vector j of B, which temporaries follow.
func (e *tileEmitter) ofB(j int) uint8 { return uint8(j) }

func (e *tileEmitter) temp(i int) uint8 { return uint8(e.Vectors + i%e.temps) }

func (e *tileEmitter) isTail(j int) bool { return e.Tail && j == e.Vectors-1 }

func (e *tileEmitter) op(in amd64.Inst) {
	in.Width = e.width
	e.code.Emit(in)
}

func field(at int32) amd64.RM { return amd64.Mem(frameReg, at) }

// emit writes the loop over the tiles.
func (e *tileEmitter) emit() {
	c := e.code
	c.Load(amd64.Size8, tileARow, field(callARow))
	c.Load(amd64.Size8, tileAColumn, field(callACol))
	c.Load(amd64.Size8, tileBRow, field(callBRow))
	e.multiplesOfRow()
	if e.Tail && e.masks {
		c.Emit(amd64.Inst{Op: amd64.KMOVW, Reg: tailMask, RM: field(callMask)})
	}
	next := c.NewLabel()
	c.Place(next)
	c.Load(amd64.Size8, tileA[0], field(callA))
	c.Load(amd64.Size8, tileB, field(callB))
	for i := 1; i <= (e.Rows-1)/rowsOfBase; i++ {
		c.LoadAddress(tileA[i], amd64.Mem(tileA[i-1], 0).Index(tileARow, 8))
		c.Add(amd64.Size8, tileA[i], amd64.R(tileARow))
	}
	e.begin()
	e.products()
	e.end()
	c.Load(amd64.Size8, tileA[0], field(callA))
	c.Add(amd64.Size8, tileA[0], field(callAStep))
	c.Store(amd64.Size8, field(callA), tileA[0])
	c.Store(amd64.Size8, field(callC), tileC) // has come to the row behind the tile
	c.SubImm(amd64.Size8, field(callLeft), 1)
	c.JumpIf(amd64.NotEqual, next)
	c.Return()
}

// multiplesOfRow fills the index registers.
func (e *tileEmitter) multiplesOfRow() {
	e.code.LoadAddress(tileARow3, amd64.Mem(tileARow, 0).Index(tileARow, 2))
	e.code.LoadAddress(tileARow5, amd64.Mem(tileARow, 0).Index(tileARow, 4))
	e.code.LoadAddress(tileARow7, amd64.Mem(tileARow3, 0).Index(tileARow, 4))
}

// begin fills the sums with zeros or with what C holds.
func (e *tileEmitter) begin() {
	c := e.code
	fresh, done := c.NewLabel(), c.NewLabel()
	c.CompareImm(amd64.Size8, field(callFresh), 0)
	c.JumpIf(amd64.NotEqual, fresh)
	e.eachOfC(func(sum uint8, at amd64.RM, tail bool) {
		in := amd64.Inst{Op: amd64.VMOVUPS, Reg: sum, RM: at}
		switch {
		case tail && e.masks:
			in.Mask, in.Zero = tailMask, true
		case tail:
			in.Op, in.Src = amd64.VMASKMOVPS, spare
		}
		e.op(in)
	})
	c.Jump(done)
	c.Place(fresh)
	for r := range e.Rows {
		for j := range e.Vectors {
			x := e.sum(r, j)
			e.op(amd64.Inst{Op: amd64.VXORPS, Reg: x, Src: x, RM: amd64.V(amd64.Vec(x))})
		}
	}
	c.Place(done)
}

// end writes the sums to C.
func (e *tileEmitter) end() {
	e.eachOfC(func(sum uint8, at amd64.RM, tail bool) {
		in := amd64.Inst{Op: amd64.VMOVUPSStore, Reg: sum, RM: at}
		switch {
		case tail && e.masks:
			in.Mask = tailMask
		case tail:
			in.Op, in.Src = amd64.VMASKMOVPSStore, spare
		}
		e.op(in)
	})
}

// eachOfC visits the vectors of the tile and leaves tileC at the row behind it.
func (e *tileEmitter) eachOfC(visit func(sum uint8, at amd64.RM, tail bool)) {
	c := e.code
	c.Load(amd64.Size8, tileC, field(callC))
	if e.Tail && !e.masks {
		e.op(amd64.Inst{Op: amd64.VMOVUPS, Reg: spare, RM: field(callTail)})
	}
	for r := range e.Rows {
		for j := range e.Vectors {
			visit(e.sum(r, j), amd64.Mem(tileC, int32(j)*e.size), e.isTail(j))
		}
		c.Add(amd64.Size8, tileC, field(callCRow))
	}
}

// products writes the loop over k.
func (e *tileEmitter) products() {
	c := e.code
	turn, rest, one, done := c.NewLabel(), c.NewLabel(), c.NewLabel(), c.NewLabel()
	c.Load(amd64.Size8, tileK, field(callK))
	c.SubImm(amd64.Size8, amd64.R(tileK), tileUnroll)
	c.JumpIf(amd64.Less, rest)
	c.Place(turn)
	for range tileUnroll {
		e.step()
	}
	c.SubImm(amd64.Size8, amd64.R(tileK), tileUnroll)
	c.JumpIf(amd64.GreaterEqual, turn)
	c.Place(rest)
	c.AddImm(amd64.Size8, amd64.R(tileK), tileUnroll)
	c.JumpIf(amd64.Equal, done)
	c.Place(one)
	e.step()
	c.SubImm(amd64.Size8, amd64.R(tileK), 1)
	c.JumpIf(amd64.NotEqual, one)
	c.Place(done)
}

// step adds the products of one k.
func (e *tileEmitter) step() {
	for j := range e.Vectors {
		if e.direct(j) {
			continue
		}
		in := amd64.Inst{Op: amd64.VMOVUPS, Reg: e.ofB(j), RM: e.memoryOfB(j)}
		if e.isTail(j) && e.masks {
			in.Mask, in.Zero = tailMask, true
		}
		e.op(in)
	}
	for r := range e.Rows {
		e.row(r)
	}
	e.code.Add(amd64.Size8, tileB, amd64.R(tileBRow))
	for i := 0; i <= (e.Rows-1)/rowsOfBase; i++ {
		e.code.Add(amd64.Size8, tileA[i], amd64.R(tileAColumn))
	}
}

// direct tells whether a vector of B is an operand in memory: if only one row needs it.
func (e *tileEmitter) direct(j int) bool {
	return e.Rows == 1 && !(e.isTail(j) && e.masks) && !e.broadcasts()
}

// broadcasts tells whether elements of A are operands in memory: if each is needed for one vector only.
func (e *tileEmitter) broadcasts() bool { return e.masks && e.Vectors == 1 }

func (e *tileEmitter) memoryOfB(j int) amd64.RM { return amd64.Mem(tileB, int32(j)*e.size) }

func (e *tileEmitter) row(r int) {
	a := e.memoryOfA(r)
	if e.broadcasts() {
		e.op(amd64.Inst{Op: amd64.VFMADD231PS, Reg: e.sum(r, 0), Src: e.ofB(0), RM: a.Broadcast()})
		return
	}
	e.op(amd64.Inst{Op: amd64.VBROADCASTSS, Reg: e.temp(r), RM: a})
	for j := range e.Vectors {
		b := amd64.V(amd64.Vec(e.ofB(j)))
		if e.direct(j) {
			b = e.memoryOfB(j)
		}
		e.op(amd64.Inst{Op: amd64.VFMADD231PS, Reg: e.sum(r, j), Src: e.temp(r), RM: b})
	}
}

// memoryOfA is A(r, k).
func (e *tileEmitter) memoryOfA(r int) amd64.RM {
	base := amd64.Mem(tileA[r/rowsOfBase], 0)
	switch r %= rowsOfBase; r {
	case 0:
		return base
	case 3, 6:
		return base.Index(tileARow3, uint8(r/3))
	case 5:
		return base.Index(tileARow5, 1)
	case 7:
		return base.Index(tileARow7, 1)
	}
	return base.Index(tileARow, uint8(r))
}

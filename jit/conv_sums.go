package jit

import "github.com/baremetaldevx86/microdr/jit/amd64"

// sumShape is how many rows of sums, of so many vectors each, are in registers at once.
type sumShape struct{ rows, vectors int }

// sumEmitter writes what the codes of convolutions have in common: sums in registers, and multiply-adds onto them, of a
// scalar for each row and a vector for each column.
type sumEmitter struct {
	code  *amd64.Code
	to    *target
	tile  sumShape
	bytes int32 // of a vector
}

func newSumEmitter(to *target, code *amd64.Code, tile sumShape) sumEmitter {
	return sumEmitter{code, to, tile, int32(4 * to.lanes)}
}

func (e *sumEmitter) op(in amd64.Inst) {
	in.Width = e.to.width
	e.code.Append(&in)
}

func (e *sumEmitter) load(r amd64.Reg, at int32) {
	e.code.Load(amd64.Size8, r, amd64.Mem(frameReg, at))
}

// sum is the register of a sum, column that of the vector of a column. scalar holds what a row multiplies, and masks.
func (e *sumEmitter) sum(row, vector int) uint8 { return uint8(row*e.tile.vectors + vector) }
func (e *sumEmitter) column(vector int) uint8   { return e.sum(e.tile.rows, vector) }
func (e *sumEmitter) scalar() uint8             { return e.column(e.tile.vectors) }

// eachSum calls f for all sums.
func (e *sumEmitter) eachSum(f func(row, vector int)) {
	for row := range e.tile.rows {
		for vector := range e.tile.vectors {
			f(row, vector)
		}
	}
}

// zeroSums sets the sums to +0.
func (e *sumEmitter) zeroSums() {
	e.eachSum(func(row, vector int) {
		r := e.sum(row, vector)
		e.op(amd64.Inst{Op: amd64.VXORPS, Reg: r, Src: r, RM: amd64.V(amd64.Vec(r))})
	})
}

// loadSums and storeSums move the sums from and to memory.
func (e *sumEmitter) loadSums(at func(row, vector int) amd64.RM) {
	e.eachSum(func(row, vector int) {
		e.op(amd64.Inst{Op: amd64.VMOVUPS, Reg: e.sum(row, vector), RM: at(row, vector)})
	})
}

func (e *sumEmitter) storeSums(at func(row, vector int) amd64.RM) {
	e.eachSum(func(row, vector int) {
		e.op(amd64.Inst{Op: amd64.VMOVUPSStore, Reg: e.sum(row, vector), RM: at(row, vector)})
	})
}

// loadColumns loads the vectors of the columns, one behind the other.
func (e *sumEmitter) loadColumns(from amd64.RM) {
	for v := range e.tile.vectors {
		e.op(amd64.Inst{Op: amd64.VMOVUPS, Reg: e.column(v), RM: from.Plus(int32(v) * e.bytes)})
	}
}

// addRow adds to the sums of a row the products of the columns and a scalar in memory.
func (e *sumEmitter) addRow(row int, scalar amd64.RM) {
	e.op(amd64.Inst{Op: amd64.VBROADCASTSS, Reg: e.scalar(), RM: scalar})
	for v := range e.tile.vectors {
		e.op(amd64.Inst{Op: amd64.VFMADD231PS, Reg: e.sum(row, v), Src: e.scalar(), RM: amd64.V(amd64.Vec(e.column(v)))})
	}
}

package jit

import (
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// foldStep is the number of elements of a step: a vector of AVX-512, or two of AVX2.
const foldStep = ir.ReduceLanes

const stepBytes = 4 * foldStep

// Registers of a fold, besides frameReg.
const (
	foldSourceReg = amd64.RSI // of the group or row
	foldToReg     = amd64.RDX
	foldCountReg  = amd64.R8
	foldStrideReg = amd64.R9
	foldPitchReg  = amd64.R10
	foldFirstReg  = amd64.R11
	foldEndReg    = amd64.R12
	foldTailReg   = amd64.R13
	foldAtReg     = amd64.RAX // within it
	foldAccReg    = amd64.RBX
	foldStepsReg  = amd64.RCX // left

	accVec      = 0 // and the next, of a step of two vectors
	elementVec  = 2
	otherVec    = 3
	identityVec = 4
	signVec     = 5
	maskVec     = 6 // and the next
)

// foldEmitter writes the two entries of a fold.
type foldEmitter struct {
	foldOps
	target       *target
	code         amd64.Code
	groups, rows int // offsets of the entries
}

func emitFold(ops foldOps, t *target, list bool) *foldEmitter {
	e := &foldEmitter{foldOps: ops, target: t}
	e.code.List = list
	e.emitGroups()
	e.rows = len(e.code.Bytes)
	e.emitRows()
	if e.code.Unplaced() {
		panic("jit: a jump leads nowhere")
	}
	return e
}

// parts is the number of vectors of a step.
func (e *foldEmitter) parts() uint8 { return uint8(foldStep / e.target.lanes) }

// part returns the memory of a vector of the step at an address.
func (e *foldEmitter) part(base amd64.Reg, i uint8) amd64.RM {
	return amd64.Mem(base, int32(i)*vectorSlot/int32(e.parts()))
}

func (e *foldEmitter) op(op amd64.Op, w amd64.Width, d, a uint8, b amd64.RM) {
	e.code.Emit(amd64.Inst{Op: op, Width: w, Reg: d, Src: a, RM: b})
}

// move loads or stores a whole vector.
func (e *foldEmitter) move(op amd64.Op, r uint8, m amd64.RM) { e.op(op, e.target.width, r, 0, m) }

// combine combines accumulators with a register, or with memory that need not be negated, or is.
func (e *foldEmitter) combine(w amd64.Width, acc uint8, x amd64.RM, negated bool) {
	if !e.extreme {
		e.op(e.foldOps.combine, w, acc, acc, x)
		return
	}
	if x.IsMem() && negated {
		e.op(amd64.VXORPS, w, elementVec, signVec, x)
		x = vec(elementVec)
	} else if x.IsMem() {
		e.op(amd64.VMOVUPS, w, elementVec, 0, x)
		x = vec(elementVec)
	}
	e.op(amd64.VMINPS, w, otherVec, elementVec, vec(acc))
	e.op(amd64.VMINPS, w, acc, acc, x)
	e.op(amd64.VORPS, w, acc, acc, vec(otherVec))
}

// prologue loads the frame, and the vectors that do not change.
func (e *foldEmitter) prologue() {
	load := func(r amd64.Reg, offset int32) { e.code.Load(amd64.Size8, r, amd64.Mem(frameReg, offset)) }
	load(foldSourceReg, foldSource)
	load(foldToReg, foldTo)
	load(foldCountReg, foldCount)
	load(foldStrideReg, foldStride)
	load(foldTailReg, foldTail)
	e.move(amd64.VMOVUPS, identityVec, amd64.Mem(frameReg, foldIdentity))
	e.move(amd64.VMOVUPS, signVec, amd64.Mem(frameReg, foldSign))
	if e.target.masks != 0 {
		e.code.Emit(amd64.Inst{Op: amd64.KMOVW, Reg: tailMask, RM: amd64.Mem(frameReg, foldBits)})
		return
	}
	for i := range e.parts() {
		e.move(amd64.VMOVUPS, maskVec+i, amd64.Mem(frameReg, foldMask+32*int32(i)))
	}
}

// tail loads part i of the elements of a step that are there, negated if need be, and the identity for the others.
func (e *foldEmitter) tail(i uint8) {
	m := e.part(foldAtReg, i)
	if e.target.masks != 0 {
		in := amd64.Inst{Op: amd64.VMOVUPS, Width: e.target.width, Reg: elementVec, RM: m, Mask: tailMask}
		if e.negate {
			in.Op, in.Src = amd64.VXORPS, signVec
		}
		e.move(amd64.VMOVAPS, elementVec, vec(identityVec))
		e.code.Emit(in)
		return
	}
	e.op(amd64.VMASKMOVPS, e.target.width, elementVec, maskVec+i, m)
	if e.negate {
		e.op(amd64.VXORPS, e.target.width, elementVec, elementVec, vec(signVec))
	}
	e.code.Emit(amd64.Inst{Op: amd64.VBLENDVPS, Width: e.target.width, Reg: elementVec, Src: identityVec,
		RM: vec(elementVec), Imm: (maskVec + i) << 4})
}

// whenZero jumps if a register is zero.
func (e *foldEmitter) whenZero(r amd64.Reg, to amd64.Label) {
	e.code.Test(amd64.Size8, amd64.R(r), r)
	e.code.JumpIf(amd64.Equal, to)
}

// countDown takes n from a register and jumps unless it is then zero.
func (e *foldEmitter) countDown(r amd64.Reg, n int32, to amd64.Label) {
	e.code.SubImm(amd64.Size8, amd64.R(r), n)
	e.code.JumpIf(amd64.NotEqual, to)
}

// overSteps does a group or row from foldAtReg on: whole for each of its steps, and rest for a tail. Both find the
// number of the vector in the step.
func (e *foldEmitter) overSteps(whole, rest func(i uint8)) {
	loop, tail, done := e.code.NewLabel(), e.code.NewLabel(), e.code.NewLabel()
	e.code.Load(amd64.Size8, foldStepsReg, amd64.Mem(frameReg, foldSteps))
	e.whenZero(foldStepsReg, tail)
	e.code.Place(loop)
	for i := range e.parts() {
		whole(i)
	}
	e.code.AddImm(amd64.Size8, amd64.R(foldAtReg), stepBytes)
	e.code.AddImm(amd64.Size8, amd64.R(foldAccReg), stepBytes)
	e.countDown(foldStepsReg, 1, loop)
	e.code.Place(tail)
	e.whenZero(foldTailReg, done)
	for i := range e.parts() {
		rest(i)
	}
	e.code.Place(done)
}

// emitGroups writes the entry that reduces contiguous groups. Accumulators stay in registers.
func (e *foldEmitter) emitGroups() {
	e.prologue()
	next := e.code.NewLabel()
	e.code.Place(next)
	e.code.Move(amd64.Size8, foldAtReg, foldSourceReg)
	for i := range e.parts() {
		e.move(amd64.VMOVAPS, accVec+i, vec(identityVec))
	}
	e.overSteps(func(i uint8) {
		e.combine(e.target.width, accVec+i, e.part(foldAtReg, i), e.negate)
	}, func(i uint8) {
		e.tail(i)
		e.combine(e.target.width, accVec+i, vec(elementVec), false)
	})
	e.foldLanes()
	e.code.Emit(amd64.Inst{Op: amd64.VMOVDStore, Reg: accVec, RM: amd64.Mem(foldToReg, 0)})
	e.code.AddImm(amd64.Size8, amd64.R(foldToReg), 4)
	e.code.Add(amd64.Size8, foldSourceReg, amd64.R(foldStrideReg))
	e.countDown(foldCountReg, 1, next)
	e.code.Return()
}

// foldLanes folds 16 accumulators in registers by halves.
func (e *foldEmitter) foldLanes() {
	lanes := func(op amd64.Op, w amd64.Width, imm uint8) {
		e.code.Emit(amd64.Inst{Op: op, Width: w, Reg: accVec, RM: vec(elementVec), Imm: imm})
	}
	if e.parts() == 1 {
		lanes(amd64.VEXTRACTF64X4, amd64.W512, 1)
	} else {
		e.move(amd64.VMOVAPS, elementVec, vec(accVec+1))
	}
	e.combine(amd64.W256, accVec, vec(elementVec), false)
	lanes(amd64.VEXTRACTF128, amd64.W256, 1)
	e.combine(amd64.W128, accVec, vec(elementVec), false)
	e.code.Emit(amd64.Inst{Op: amd64.VSHUFPS, Width: amd64.W128, Reg: elementVec, Src: accVec, RM: vec(accVec), Imm: 0x0e})
	e.combine(amd64.W128, accVec, vec(elementVec), false)
	e.op(amd64.VMOVSHDUP, amd64.W128, elementVec, 0, vec(accVec))
	e.combine(amd64.W128, accVec, vec(elementVec), false)
	if e.negate {
		e.op(amd64.VXORPS, amd64.W128, accVec, accVec, vec(signVec))
	}
}

// emitRows writes the entry that folds rows to accumulators in memory.
func (e *foldEmitter) emitRows() {
	e.prologue()
	e.code.Load(amd64.Size8, foldPitchReg, amd64.Mem(frameReg, foldPitch))
	e.code.Load(amd64.Size8, foldFirstReg, amd64.Mem(frameReg, foldFirst))
	e.code.Load(amd64.Size8, foldEndReg, amd64.Mem(frameReg, foldEnd))
	e.eachRow(foldSet, func(i uint8) {
		if e.negate {
			e.op(amd64.VXORPS, e.target.width, accVec, signVec, e.part(foldAtReg, i))
		} else {
			e.move(amd64.VMOVUPS, accVec, e.part(foldAtReg, i))
		}
		e.move(amd64.VMOVUPSStore, accVec, e.part(foldAccReg, i))
	}, func(i uint8) {
		e.tail(i)
		e.move(amd64.VMOVUPSStore, elementVec, e.part(foldAccReg, i))
	})
	e.eachRow(foldCount, func(i uint8) {
		e.move(amd64.VMOVUPS, accVec, e.part(foldAccReg, i))
		e.combine(e.target.width, accVec, e.part(foldAtReg, i), e.negate)
		e.move(amd64.VMOVUPSStore, accVec, e.part(foldAccReg, i))
	}, func(i uint8) {
		e.tail(i)
		e.move(amd64.VMOVUPS, accVec, e.part(foldAccReg, i))
		e.combine(e.target.width, accVec, vec(elementVec), false)
		e.move(amd64.VMOVUPSStore, accVec, e.part(foldAccReg, i))
	})
	e.foldRows()
	e.code.Return()
}

// eachRow does the rows that the frame counts at an offset, and goes round the accumulators.
func (e *foldEmitter) eachRow(count int32, whole, rest func(i uint8)) {
	next, inside, done := e.code.NewLabel(), e.code.NewLabel(), e.code.NewLabel()
	e.code.Load(amd64.Size8, foldCountReg, amd64.Mem(frameReg, count))
	e.whenZero(foldCountReg, done)
	e.code.Place(next)
	e.code.Move(amd64.Size8, foldAtReg, foldSourceReg)
	e.code.Move(amd64.Size8, foldAccReg, foldToReg)
	e.overSteps(whole, rest)
	e.code.Add(amd64.Size8, foldSourceReg, amd64.R(foldStrideReg))
	e.code.Add(amd64.Size8, foldToReg, amd64.R(foldPitchReg))
	e.code.Compare(amd64.Size8, foldToReg, amd64.R(foldEndReg))
	e.code.JumpIf(amd64.NotEqual, inside)
	e.code.Move(amd64.Size8, foldToReg, foldFirstReg)
	e.code.Place(inside)
	e.countDown(foldCountReg, 1, next)
	e.code.Place(done)
}

// foldRows folds 16 accumulators in memory by halves, as far as the frame says.
func (e *foldEmitter) foldRows() {
	for i := range int32(4) {
		done := e.code.NewLabel()
		e.code.Load(amd64.Size8, foldCountReg, amd64.Mem(frameReg, foldHalves+8*i))
		e.whenZero(foldCountReg, done)
		e.code.LoadAddress(foldAtReg, amd64.Mem(foldFirstReg, 0).Index(foldPitchReg, 8>>i))
		e.alongAccumulators(func(k uint8) {
			e.move(amd64.VMOVUPS, accVec, e.part(foldAccReg, k))
			e.combine(e.target.width, accVec, e.part(foldAtReg, k), false)
			e.move(amd64.VMOVUPSStore, accVec, e.part(foldAccReg, k))
		})
		e.code.Place(done)
	}
	if !e.negate {
		return
	}
	done := e.code.NewLabel()
	e.code.Load(amd64.Size8, foldCountReg, amd64.Mem(frameReg, foldLast))
	e.whenZero(foldCountReg, done)
	e.code.Move(amd64.Size8, foldCountReg, foldPitchReg)
	e.alongAccumulators(func(k uint8) {
		e.op(amd64.VXORPS, e.target.width, accVec, signVec, e.part(foldAccReg, k))
		e.move(amd64.VMOVUPSStore, accVec, e.part(foldAccReg, k))
	})
	e.code.Place(done)
}

// alongAccumulators does as many bytes of accumulators, from the first on, as are left in foldCountReg.
func (e *foldEmitter) alongAccumulators(step func(k uint8)) {
	loop := e.code.NewLabel()
	e.code.Move(amd64.Size8, foldAccReg, foldFirstReg)
	e.code.Place(loop)
	for k := range e.parts() {
		step(k)
	}
	e.code.AddImm(amd64.Size8, amd64.R(foldAtReg), stepBytes)
	e.code.AddImm(amd64.Size8, amd64.R(foldAccReg), stepBytes)
	e.countDown(foldCountReg, stepBytes, loop)
}

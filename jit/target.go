package jit

import (
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// Target is an instruction set to compile for.
type Target uint8

// The targets: AVX2 with FMA, F16C and BMI1, and AVX-512 with F, BW, DQ and VL.
const (
	AVX2 Target = iota
	AVX512
)

func (t Target) String() string { return [...]string{"avx2", "avx512"}[t] }

// target is what differs between the instruction sets.
type target struct {
	width     amd64.Width
	lanes     int // of a vector
	vectors   uint32
	masks     uint32
	wideWords bool // the environment holds whole vectors, since operands cannot broadcast
	class     func(t ir.Type) class

	scaleWeight int // see cost.go: the op has an instruction, or takes a dozen
	table       [ir.NumOps][ir.F64 + 1]rule

	// spread fills a vector with a general register.
	spread func(e *emitter, d uint8, from amd64.Reg)
	loopOps
	memoryOps
	conversion
}

// loopOps are what loops do with masks.
type loopOps struct {
	// running loads the mask of the lanes of unit j that run at all.
	running func(e *emitter, d uint8, j int)
	// remain sets m = m and cond.
	remain func(e *emitter, m, cond uint8)
	// test sets the processor's zero flag if no lane of any of the masks is set.
	test func(e *emitter, masks []uint8)
	// merge sets the lanes in m of a state to those of from, which may be memory: half h of the vectors of type t.
	merge func(e *emitter, t ir.Type, state uint8, m uint8, from amd64.RM, h int)
	// mergeSlot does so where the state is in memory.
	mergeSlot func(e *emitter, t ir.Type, slot int32, m uint8, from uint8, h int)
	// count adds one to the lanes in m.
	count func(e *emitter, d uint8, m uint8)
	// below stores, to an offset of the frame, the mask of the lanes whose numbers are below the end.
	below func(e *emitter, lanes uint8, to int32)
	// none empties a mask.
	none func(e *emitter, m uint8)
}

// memoryOps are how buffers are read and written, see gather.go and store.go. m is a truth value, which gathers destroy.
type memoryOps struct {
	and amd64.Op // of words

	// inside returns a scratch truth value: the lanes of unit u that run and whose index lies in a buffer. With
	// everyLane, it does not matter which ones run.
	inside func(e *emitter, index uint8, buffer, u int) uint8
	// half returns what half h of a vector of type t takes for m: m itself or a scratch register.
	half func(e *emitter, t ir.Type, m uint8, h int) uint8
	// load reads a vector from memory, zero where m is not set; save writes one where m is set.
	load func(e *emitter, t ir.Type, d uint8, from amd64.RM, m uint8)
	save func(e *emitter, t ir.Type, to amd64.RM, from, m uint8)
	// gather4 reads elements of four bytes from scratch1, zero where m is not set; gather8 eight bytes, by half the
	// lanes of the index.
	gather4 func(e *emitter, d, index, m uint8)
	gather8 func(e *emitter, d, index, m uint8)
	// scatter writes elements to scratch1 where m is set; nil: there is none.
	scatter func(e *emitter, t ir.Type, index uint8, values []uint8, m uint8)
	// isSet makes a truth value of words, true where they are above 0.
	isSet func(e *emitter, d, a uint8)
	// laneBits sets the bits of a general register to the lanes of m.
	laneBits func(e *emitter, to amd64.Reg, m uint8)
	// packHalves packs the lower halves of 32-bit lanes to the lower half of a vector.
	packHalves func(e *emitter, d uint8)
}

// everyLane stands for no unit.
const everyLane = -1

func (t *target) rule(op ir.Op, typ ir.Type) rule { return t.table[op][typ] }

// row is a line of a table of rules.
type row struct {
	op    ir.Op
	types []ir.Type
	rule  rule
}

var (
	words    = []ir.Type{ir.I32, ir.U32}
	allTypes = []ir.Type{ir.Bool, ir.I32, ir.U32, ir.F32, ir.F64}
	f32      = []ir.Type{ir.F32}
	f64      = []ir.Type{ir.F64}
	i32      = []ir.Type{ir.I32}
	u32      = []ir.Type{ir.U32}
	truth    = []ir.Type{ir.Bool}
	bitTypes = []ir.Type{ir.Bool, ir.I32, ir.U32}
)

// newTarget fills in the table; later rows replace earlier ones.
func newTarget(t target, tables ...[]row) *target {
	for _, rows := range tables {
		for _, r := range rows {
			for _, typ := range r.types {
				t.table[r.op][typ] = r.rule
			}
		}
	}
	return &t
}

// common is the table of what both targets do alike.
func common() []row {
	return []row{
		{ir.OpAdd, f32, binary(amd64.VADDPS)},
		{ir.OpAdd, f64, binary(amd64.VADDPD)},
		{ir.OpAdd, words, binary(amd64.VPADDD)},
		{ir.OpSub, f32, binary(amd64.VSUBPS)},
		{ir.OpSub, f64, binary(amd64.VSUBPD)},
		{ir.OpSub, words, binary(amd64.VPSUBD)},
		{ir.OpMul, f32, binary(amd64.VMULPS)},
		{ir.OpMul, f64, binary(amd64.VMULPD)},
		{ir.OpMul, words, binary(amd64.VPMULLD)},
		{ir.OpDiv, f32, quotientOf(amd64.VDIVPS, amd64.VMULPS)},
		{ir.OpDiv, f64, quotientOf(amd64.VDIVPD, amd64.VMULPD)},
		{ir.OpDiv, words, quotient},
		{ir.OpRem, words, quotient},
		{ir.OpNeg, f32, withConstant(amd64.VXORPS, signBit4)},
		{ir.OpNeg, f64, withConstant(amd64.VXORPD, signBit8)},
		{ir.OpAbs, f32, withConstant(amd64.VANDPS, butSign4)},
		{ir.OpAbs, f64, withConstant(amd64.VANDPD, butSign8)},
		{ir.OpAbs, i32, unary(amd64.VPABSD)},
		{ir.OpAbs, u32, copied},
		{ir.OpMin, f32, minimum(extreme4(amd64.VMINPS))},
		{ir.OpMin, f64, minimum(extreme8(amd64.VMINPD))},
		{ir.OpMin, i32, binary(amd64.VPMINSD)},
		{ir.OpMin, u32, binary(amd64.VPMINUD)},
		{ir.OpMax, f32, maximum(extreme4(amd64.VMAXPS))},
		{ir.OpMax, f64, maximum(extreme8(amd64.VMAXPD))},
		{ir.OpMax, i32, binary(amd64.VPMAXSD)},
		{ir.OpMax, u32, binary(amd64.VPMAXUD)},
		{ir.OpMulHi, i32, highProduct(amd64.VPMULDQ)},
		{ir.OpMulHi, u32, highProduct(amd64.VPMULUDQ)},
		{ir.OpSqrt, f32, unary(amd64.VSQRTPS)},
		{ir.OpSqrt, f64, unary(amd64.VSQRTPD)},
		{ir.OpFMA, f32, multiplyAdd(fma4)},
		{ir.OpFMA, f64, multiplyAdd(fma8)},
		{ir.OpLane, i32, lane},
		{ir.OpConvert, allTypes, convert},
		{ir.OpBitcast, f32, bitsOf},
		{ir.OpGather, allTypes, gather},
	}
}

func extreme4(op amd64.Op) extremeOps {
	return extremeOps{op, amd64.VORPS, amd64.VXORPS, amd64.VSUBPS, amd64.VADDPS}
}

func extreme8(op amd64.Op) extremeOps {
	return extremeOps{op, amd64.VORPD, amd64.VXORPD, amd64.VSUBPD, amd64.VADDPD}
}

// targets describes the instruction sets. It is never written again.
var targets = [...]*target{AVX2: newAVX2(), AVX512: newAVX512()}

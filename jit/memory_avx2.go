package jit

import (
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// memory2 is how AVX2 reads and writes buffers. It has no instruction that scatters.
func memory2() memoryOps {
	return memoryOps{
		and: amd64.VPAND, inside: inside2, half: widenMask,
		load: func(e *emitter, t ir.Type, d uint8, from amd64.RM, m uint8) {
			op := amd64.VMASKMOVPS
			if t == ir.F64 {
				op = amd64.VMASKMOVPD
			}
			e.op(op, d, m, from)
		},
		save: func(e *emitter, t ir.Type, to amd64.RM, from, m uint8) {
			op := amd64.VMASKMOVPSStore
			if t == ir.F64 {
				op = amd64.VMASKMOVPDStore
			}
			e.op(op, from, m, to)
		},
		gather4: func(e *emitter, d, index, m uint8) {
			e.op(amd64.VPXOR, d, d, vec(d))
			e.op(amd64.VGATHERDPSV, d, m, elements(index, 4))
		},
		gather8: func(e *emitter, d, index, m uint8) {
			e.op(amd64.VXORPD, d, d, vec(d))
			e.op(amd64.VGATHERDPDV, d, m, elements(index, 8))
		},
		isSet:    func(e *emitter, d, a uint8) { e.op(amd64.VPCMPGTD, d, a, e.word4(0)) },
		laneBits: func(e *emitter, to amd64.Reg, m uint8) { e.op1(amd64.VMOVMSKPS, uint8(to), vec(m)) },
		packHalves: func(e *emitter, d uint8) { // within the halves of a vector: their first quarters belong together
			e.op(amd64.VPACKUSDW, d, d, vec(d))
			e.emit(&amd64.Inst{Op: amd64.VPERMPD, Width: e.width, Reg: d, RM: vec(d), Imm: 0xd8})
		},
	}
}

// inside2 finds the lanes whose index is below the length: the larger of both is not the index.
func inside2(e *emitter, index uint8, buffer, u int) uint8 {
	t, run := e.temp(), frameMask(u)
	if u == everyLane {
		run = allBits(e)
	}
	e.op1(amd64.VBROADCASTSS, t, amd64.Mem(envReg, e.env.buffer(buffer)+bufferLen))
	e.op(amd64.VPMAXUD, t, t, vec(index))
	e.op(amd64.VPCMPEQD, t, t, vec(index))
	e.op(amd64.VPANDN, t, t, run)
	return t
}

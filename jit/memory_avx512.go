package jit

import (
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// memory512 is how AVX-512 reads and writes buffers: under masks.
func memory512() memoryOps {
	return memoryOps{
		and: amd64.VPANDD, inside: inside512, half: half512, scatter: scatter512,
		load: func(e *emitter, t ir.Type, d uint8, from amd64.RM, m uint8) {
			op := amd64.VMOVUPS
			if t == ir.F64 {
				op = amd64.VMOVUPD
			}
			e.emit(&amd64.Inst{Op: op, Width: e.width, Reg: d, RM: from, Mask: amd64.Mask(m), Zero: true})
		},
		save: func(e *emitter, t ir.Type, to amd64.RM, from, m uint8) {
			op := amd64.VMOVUPSStore
			if t == ir.F64 {
				op = amd64.VMOVUPDStore
			}
			e.emit(&amd64.Inst{Op: op, Width: e.width, Reg: from, RM: to, Mask: amd64.Mask(m)})
		},
		gather4: func(e *emitter, d, index, m uint8) {
			e.op(amd64.VPXORD, d, d, vec(d))
			e.emit(&amd64.Inst{Op: amd64.VGATHERDPS, Width: e.width, Reg: d, RM: elements(index, 4), Mask: amd64.Mask(m)})
		},
		gather8: func(e *emitter, d, index, m uint8) {
			e.op(amd64.VXORPD, d, d, vec(d))
			e.emit(&amd64.Inst{Op: amd64.VGATHERDPD, Width: e.width, Reg: d, RM: elements(index, 8), Mask: amd64.Mask(m)})
		},
		isSet: func(e *emitter, d, a uint8) {
			e.emit(&amd64.Inst{Op: amd64.VPCMPD, Width: e.width, Reg: d, Src: a, RM: e.word4(0), Imm: 4})
		},
		laneBits: func(e *emitter, to amd64.Reg, m uint8) {
			e.emit(&amd64.Inst{Op: amd64.KMOVWToReg, Reg: uint8(to), RM: kreg(m)})
		},
		packHalves: func(e *emitter, d uint8) {
			e.emit(&amd64.Inst{Op: amd64.VPMOVDW, Width: e.width, Reg: d, RM: vec(d)})
		},
	}
}

// inside512 compares under the mask of the lanes that run.
func inside512(e *emitter, index uint8, buffer, u int) uint8 {
	run := uint8(amd64.K0)
	if u != everyLane {
		run = e.reg(e.runMask(), u)
	}
	k := e.maskTemp()
	length := amd64.Mem(envReg, e.env.buffer(buffer)+bufferLen).Broadcast()
	e.emit(&amd64.Inst{Op: amd64.VPCMPUD, Width: e.width, Reg: k, Src: index, RM: length, Imm: 1, Mask: amd64.Mask(run)})
	return k
}

func half512(e *emitter, t ir.Type, m uint8, h int) uint8 {
	if t == ir.F64 && h == 1 {
		return e.upperMask(m)
	}
	return m
}

func scatter512(e *emitter, t ir.Type, index uint8, values []uint8, m uint8) {
	if t != ir.F64 {
		e.emit(&amd64.Inst{Op: amd64.VSCATTERDPS, Width: e.width, Reg: values[0], RM: elements(index, 4), Mask: amd64.Mask(m)})
		return
	}
	high, upper := e.temp(), e.upperMask(m)
	e.target.upperHalf(e, high, index)
	e.emit(&amd64.Inst{Op: amd64.VSCATTERDPD, Width: e.width, Reg: values[0], RM: elements(index, 8), Mask: amd64.Mask(m)})
	e.emit(&amd64.Inst{Op: amd64.VSCATTERDPD, Width: e.width, Reg: values[1], RM: elements(high, 8), Mask: amd64.Mask(upper)})
}

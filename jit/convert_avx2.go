package jit

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// conversion2 are the conversions of AVX2, which knows signed integers only. An unsigned x is taken as x - 2^31, which
// flips its highest bit.
func conversion2() conversion {
	narrow := map[ir.Type]func(e *emitter, d, a uint8){
		ir.F32: func(e *emitter, d, a uint8) { e.op1(amd64.VCVTPD2PS, d, vec(a)) },
		ir.I32: doubleToInt2, ir.U32: doubleToUint2,
	}
	return conversion{
		toFloat4: map[ir.Type]func(e *emitter, d, a uint8){
			ir.I32: func(e *emitter, d, a uint8) { e.op1(amd64.VCVTDQ2PS, d, vec(a)) },
			ir.U32: uintToFloat2,
		},
		fromFloat: map[ir.Type]func(e *emitter, d, a uint8){ir.I32: floatToInt2, ir.U32: floatToUint2},
		widen:     widen2,
		narrow:    func(e *emitter, t ir.Type, d, a uint8) { narrow[t](e, d, a) },
		truncate:  truncate2,
		truthWord: func(e *emitter, d, a uint8, one uint32) { e.op(amd64.VPAND, d, a, e.word4(one)) },
		oddLanes: func(e *emitter, d, t uint8) {
			e.emit(&amd64.Inst{Op: amd64.VBLENDPS, Width: e.width, Reg: d, Src: d, RM: vec(t), Imm: 0xaa})
		},
		canonical: func(e *emitter, d, a uint8) {
			t := e.vectorOf(amd64.VCMPPSV, a, vec(a), unordered)
			in := blended(amd64.VBLENDVPS, a, e.word4(ir.CanonicalNaN32), t)
			in.Reg = d
			e.emit(&in)
			e.giveBack(vector, t)
		},
		upperHalf: func(e *emitter, d, a uint8) {
			e.emit(&amd64.Inst{Op: amd64.VEXTRACTF128, Width: e.width, Reg: a, RM: vec(d), Imm: 1})
		},
		join: func(e *emitter, d, low, high uint8) {
			e.emit(&amd64.Inst{Op: amd64.VINSERTF128, Width: e.width, Reg: d, Src: low, RM: vec(high), Imm: 1})
		},
		zeroWhere: func(e *emitter, d, a uint8) {
			t := e.temp()
			e.op(amd64.VPCMPEQD, t, a, e.word4(0))
			e.op(amd64.VPANDN, d, t, vec(d))
			e.giveBack(vector, t)
		},
	}
}

// vectorOf returns a scratch register that holds a comparison.
func (e *emitter) vectorOf(op amd64.Op, a uint8, b amd64.RM, predicate uint8) uint8 {
	t := e.temp()
	e.emit(&amd64.Inst{Op: op, Width: e.width, Reg: t, Src: a, RM: b, Imm: predicate})
	return t
}

func (e *emitter) flipHighest(d, a uint8) { e.op(amd64.VPXOR, d, a, signBit4(e)) }

func (e *emitter) truncated(d, a uint8) {
	e.emit(&amd64.Inst{Op: amd64.VROUNDPD, Width: e.width, Reg: d, RM: vec(a), Imm: towards0})
}

// uintToFloat2 is high * 2^16 + low, whose only rounding is that of the sum.
func uintToFloat2(e *emitter, d, a uint8) {
	t := e.temp()
	e.emit(&amd64.Inst{Op: amd64.VPSRLD, Width: e.width, Reg: t, RM: vec(a), Imm: 16})
	e.op1(amd64.VCVTDQ2PS, t, vec(t))
	e.op(amd64.VPAND, d, a, e.word4(0xffff))
	e.op1(amd64.VCVTDQ2PS, d, vec(d))
	e.op(amd64.VFMADD231PS, d, t, e.float4(0x1p16))
	e.giveBack(vector, t)
}

// floatToInt2: the instruction gives the smallest int where it overflows; above, all its bits are flipped, and NaN is
// masked.
func floatToInt2(e *emitter, d, a uint8) {
	t := e.vectorOf(amd64.VCMPPSV, a, e.float4(0x1p31), greaterEqual)
	e.op1(amd64.VCVTTPS2DQ, d, vec(a))
	e.op(amd64.VPXOR, d, d, vec(t))
	e.emit(&amd64.Inst{Op: amd64.VCMPPSV, Width: e.width, Reg: t, Src: a, RM: vec(a), Imm: ordered})
	e.op(amd64.VPAND, d, d, vec(t))
	e.giveBack(vector, t)
}

// floatToUint2 converts m, the number or 0 if it is not above 0, and m - 2^31: where the former overflows it is 2^31,
// and the other bits are those of the latter. From 2^32 on all bits are set.
func floatToUint2(e *emitter, d, a uint8) {
	t, s := e.temp(), e.temp()
	e.op(amd64.VMAXPS, d, a, e.word4(0))
	e.op(amd64.VSUBPS, s, d, e.float4(0x1p31))
	e.op1(amd64.VCVTTPS2DQ, s, vec(s))
	e.op1(amd64.VCVTTPS2DQ, t, vec(d))
	e.emit(&amd64.Inst{Op: amd64.VCMPPSV, Width: e.width, Reg: d, Src: d, RM: e.float4(0x1p32), Imm: greaterEqual})
	e.op(amd64.VPOR, d, d, vec(t))
	e.emit(&amd64.Inst{Op: amd64.VPSRAD, Width: e.width, Reg: t, RM: vec(t), Imm: 31})
	e.op(amd64.VPAND, s, s, vec(t))
	e.op(amd64.VPOR, d, d, vec(s))
	e.giveBack(vector, t)
	e.giveBack(vector, s)
}

func widen2(e *emitter, t ir.Type, d, a uint8) {
	switch t {
	case ir.F32:
		e.op1(amd64.VCVTPS2PD, d, vec(a))
	case ir.I32:
		e.op1(amd64.VCVTDQ2PD, d, vec(a))
	default:
		e.flipHighest(d, a)
		e.op1(amd64.VCVTDQ2PD, d, vec(d))
		e.op(amd64.VADDPD, d, d, e.float8(0x1p31))
	}
}

// truncate2 rounds an unsigned number before it subtracts 2^31, since truncation goes the other way below 0.
func truncate2(e *emitter, t ir.Type, d, a uint8) {
	if t == ir.I32 {
		e.op1(amd64.VCVTTPD2DQ, d, vec(a))
		return
	}
	e.truncated(d, a)
	e.op(amd64.VSUBPD, d, d, e.float8(0x1p31))
	e.op1(amd64.VCVTTPD2DQ, d, vec(d))
	e.flipHighest(d, d)
}

// doubleToInt2: what is below overflows to the smallest int, what is above is limited before, and NaN is masked.
func doubleToInt2(e *emitter, d, a uint8) {
	t := e.vectorOf(amd64.VCMPPDV, a, vec(a), ordered)
	e.op(amd64.VMINPD, d, a, e.float8(math.MaxInt32))
	e.op(amd64.VANDPD, d, d, vec(t))
	e.op1(amd64.VCVTTPD2DQ, d, vec(d))
	e.giveBack(vector, t)
}

// doubleToUint2 limits the number first; the maximum with 0 is 0 for NaN.
func doubleToUint2(e *emitter, d, a uint8) {
	e.op(amd64.VMAXPD, d, a, e.word8(0))
	e.op(amd64.VMINPD, d, d, e.float8(math.MaxUint32))
	truncate2(e, ir.U32, d, d)
}

package jit

import (
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// scaling is how AVX2 computes a * 2^k, rounded once. It multiplies by powers of two: the last factor is 2^m with m next
// to k among the exponents of normal numbers, and what is left of k comes before. That rounds once, for upwards nothing
// is rounded but to infinity; and downwards, where m is the smallest exponent, what the first products round is
// subnormal, and the last one then is 0 in any case.
//
// Two factors do for the k that one's and the other's exponents add up to. For any number to become 0 or infinite takes
// three.
type scaling struct {
	round, max, min, toInt, mul, sub, compare, or, blend, zero amd64.Op

	double    bool
	low, high int32   // exponents of normal numbers; high is also the bias
	shift     uint8   // of the exponent
	two       float64 // |k| that two factors surely do for
	limit     float64 // that takes any number to 0 or infinity
}

func scaling4() scaling {
	return scaling{amd64.VROUNDPS, amd64.VMAXPS, amd64.VMINPS, amd64.VCVTTPS2DQ, amd64.VMULPS, amd64.VSUBPS, amd64.VCMPPSV,
		amd64.VORPS, amd64.VBLENDVPS, amd64.VXORPS, false, -126, 127, 23, 250, 300}
}

func scaling8() scaling {
	return scaling{amd64.VROUNDPD, amd64.VMAXPD, amd64.VMINPD, amd64.VCVTTPD2DQ, amd64.VMULPD, amd64.VSUBPD, amd64.VCMPPDV,
		amd64.VORPD, amd64.VBLENDVPD, amd64.VXORPD, true, -1022, 1023, 52, 2040, 2200}
}

func (s scaling) rule(e *emitter, v ir.Value, n *ir.Node) error {
	small := e.bound(n.Args[1], boundDepth) <= s.two
	for j, end := e.span(v); j < end; j++ {
		a, b := e.reg(n.Args[0], j), e.reg(n.Args[1], j)
		d := e.dst(v, j)
		if small {
			s.nearby(e, d, a, b)
		} else {
			s.anywhere(e, d, a, b)
		}
		e.unpin()
	}
	return nil
}

// nearby is for exponents that two factors do for; NaN is put in at the end.
func (s scaling) nearby(e *emitter, d, a, b uint8) {
	k, m := e.temp(), e.temp()
	e.emit(&amd64.Inst{Op: s.round, Width: e.width, Reg: k, RM: vec(b), Imm: downward})
	e.op1(s.toInt, k, vec(k))
	s.takeFactor(e, m, k)
	s.power(e, k)
	e.op(s.mul, d, a, vec(k))
	s.power(e, m)
	e.op(s.mul, d, d, vec(m))
	e.emit(&amd64.Inst{Op: s.compare, Width: e.width, Reg: m, Src: b, RM: vec(b), Imm: unordered})
	e.op(s.or, d, d, vec(m))
	e.giveBack(vector, k)
	e.giveBack(vector, m)
}

// anywhere is for any exponent. Where it is not finite, the result is a * max(0, b): a * Inf, a * 0 or NaN.
func (s scaling) anywhere(e *emitter, d, a, b uint8) {
	k, m, l := e.temp(), e.temp(), e.temp()
	e.emit(&amd64.Inst{Op: s.round, Width: e.width, Reg: k, RM: vec(b), Imm: downward})
	e.op(s.max, k, k, s.number(e, -s.limit))
	e.op(s.min, k, k, s.number(e, s.limit))
	e.op1(s.toInt, k, vec(k))
	s.takeFactor(e, m, k)
	s.takeFactor(e, l, k)
	for i, r := range [3]uint8{k, l, m} {
		s.power(e, r)
		if i == 0 {
			e.op(s.mul, d, a, vec(r))
		} else {
			e.op(s.mul, d, d, vec(r))
		}
	}
	e.op(s.zero, k, k, vec(k))
	e.op(s.max, k, k, vec(b)) // the second operand if that is NaN
	e.op(s.mul, k, a, vec(k))
	e.op(s.sub, m, b, vec(b)) // NaN where b is not finite
	e.emit(&amd64.Inst{Op: s.compare, Width: e.width, Reg: m, Src: m, RM: vec(m), Imm: unordered})
	in := blended(s.blend, d, vec(k), m)
	in.Reg = d
	e.emit(&in)
	for _, r := range [3]uint8{k, m, l} {
		e.giveBack(vector, r)
	}
}

func (s scaling) number(e *emitter, x float64) amd64.RM {
	if s.double {
		return e.float8(x)
	}
	return e.float4(float32(x))
}

// takeFactor moves from k to m what the exponent of a normal number can be of it. For float64, both are half vectors.
func (s scaling) takeFactor(e *emitter, m, k uint8) {
	e.op(amd64.VPMAXSD, m, k, e.word4(uint32(s.low)))
	e.op(amd64.VPMINSD, m, m, e.word4(uint32(s.high)))
	e.op(amd64.VPSUBD, k, k, vec(m))
}

// power replaces k by 2^k.
func (s scaling) power(e *emitter, k uint8) {
	e.op(amd64.VPADDD, k, k, e.word4(uint32(s.high)))
	shift := amd64.VPSLLD
	if s.double {
		e.op1(amd64.VPMOVSXDQ, k, vec(k))
		shift = amd64.VPSLLQ
	}
	e.emit(&amd64.Inst{Op: shift, Width: e.width, Reg: k, RM: vec(k), Imm: s.shift})
}

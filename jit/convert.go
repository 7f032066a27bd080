package jit

import (
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// highProduct multiplies even lanes and odd lanes to 64 bits and takes the upper halves.
func highProduct(op amd64.Op) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		for j, end := e.span(v); j < end; j++ {
			a, b := e.reg(n.Args[0], j), e.reg(n.Args[1], j)
			d, t := e.dst(v, j), e.temp()
			shift := func(to, from uint8) {
				e.emit(&amd64.Inst{Op: amd64.VPSRLQ, Width: e.width, Reg: to, RM: vec(from), Imm: 32})
			}
			shift(d, a)
			shift(t, b)
			e.op(op, t, d, vec(t)) // odd lanes
			e.op(op, d, a, vec(b))
			shift(d, d)
			e.target.oddLanes(e, d, t)
			e.giveBack(vector, t)
			e.unpin()
		}
		return nil
	}
}

// bitsOf is the bits of a float32 with NaN made canonical.
func bitsOf(e *emitter, v ir.Value, n *ir.Node) error {
	for j, end := e.span(v); j < end; j++ {
		a := e.reg(n.Args[0], j)
		e.target.canonical(e, e.dst(v, j), a)
		e.unpin()
	}
	return nil
}

// conversion is what a target converts with: from lanes of one type to those of another, in whole vectors. Halves of
// float64 are converted one at a time: a half is the lower or upper lanes of a vector of 32-bit elements.
type conversion struct {
	toFloat4  map[ir.Type]func(e *emitter, d, a uint8) // from Bool, I32 and U32
	fromFloat map[ir.Type]func(e *emitter, d, a uint8) // float32 to I32 and U32
	widen     func(e *emitter, t ir.Type, d, a uint8)  // half a vector of 32-bit lanes to float64
	narrow    func(e *emitter, t ir.Type, d, a uint8)  // float64 to half a vector of type t
	truncate  func(e *emitter, t ir.Type, d, a uint8)  // the same to integers, for numbers that fit or become 2^31
	truthWord func(e *emitter, d uint8, a uint8, one uint32)

	oddLanes  func(e *emitter, d, t uint8) // odd lanes of t replace those of d
	canonical func(e *emitter, d, a uint8)
	upperHalf func(e *emitter, d, a uint8) // the upper lanes of a, lower in d
	join      func(e *emitter, d, low, high uint8)
	zeroWhere func(e *emitter, d, a uint8) // lanes of d are 0 where a is 0
}

// convert converts between number types, and truth to 0 and 1.
func convert(e *emitter, v ir.Value, n *ir.Node) error {
	from, to := e.typeOf(n.Args[0]), n.Type
	for u, end := e.unitSpan(); u < end; u++ {
		switch {
		case from == ir.Bool && to == ir.F64:
			e.truthDouble(v, n.Args[0], u)
		case from == ir.Bool:
			one := uint32(1)
			if to == ir.F32 {
				one = 0x3f800000
			}
			a := e.reg(n.Args[0], u)
			e.target.truthWord(e, e.dst(v, u), a, one)
		case to == ir.F64:
			a := e.reg(n.Args[0], u)
			e.widenBoth(from, a, e.dst(v, 2*u), e.dst(v, 2*u+1))
		case from == ir.F64:
			low, high := e.reg(n.Args[0], 2*u), e.reg(n.Args[0], 2*u+1)
			d, t := e.dst(v, u), e.temp()
			e.target.narrow(e, to, d, low)
			e.target.narrow(e, to, t, high)
			e.target.join(e, d, d, t)
			e.giveBack(vector, t)
		case from == ir.F32:
			a := e.reg(n.Args[0], u)
			e.target.fromFloat[to](e, e.dst(v, u), a)
		default:
			a := e.reg(n.Args[0], u)
			e.target.toFloat4[from](e, e.dst(v, u), a)
		}
		e.unpin()
	}
	return nil
}

func (e *emitter) truthDouble(v, x ir.Value, u int) {
	a := e.reg(x, u)
	t := e.temp()
	e.target.truthWord(e, t, a, 1)
	e.widenBoth(ir.I32, t, e.dst(v, 2*u), e.dst(v, 2*u+1))
	e.giveBack(vector, t)
}

// widenBoth makes two vectors of float64 of one of type t.
func (e *emitter) widenBoth(t ir.Type, a, low, high uint8) {
	e.target.upperHalf(e, high, a)
	e.target.widen(e, t, high, high)
	e.target.widen(e, t, low, a)
}

// quotient divides integers in float64, which is exact: the quotient of two numbers below 2^32 is no nearer than 2^-32
// to an integer that it does not reach, and it is rounded by at most 2^-21. The smallest int32 over -1 overflows to
// itself. What is divided by 0 is 0.
func quotient(e *emitter, v ir.Value, n *ir.Node) error {
	x, y := n.Args[0], n.Args[1]
	if c, ok := e.constantWord(y); ok && c != 0 && c&(c-1) == 0 && int32(c) > 0 {
		e.powerOfTwo(v, n, c)
		return nil
	}
	t := n.Type
	for j, end := e.span(v); j < end; j++ {
		a, b := e.reg(x, j), e.reg(y, j)
		d := e.dst(v, j)
		q, r := e.temp(), e.temp()
		e.target.upperHalf(e, q, a)
		e.target.upperHalf(e, r, b)
		e.divideHalf(t, q, q, r)
		p := e.temp()
		e.target.widen(e, t, r, a)
		e.target.widen(e, t, p, b)
		e.op(amd64.VDIVPD, r, r, vec(p))
		e.target.truncate(e, t, r, r)
		e.giveBack(vector, p)
		e.target.join(e, q, r, q)
		e.giveBack(vector, r)
		e.target.zeroWhere(e, q, b)
		if n.Op == ir.OpRem {
			e.remainder(d, a, q, b)
		} else {
			e.op1(amd64.VMOVAPS, d, vec(q))
		}
		e.giveBack(vector, q)
		e.unpin()
	}
	return nil
}

// divideHalf is d = a/b of half a vector of integers.
func (e *emitter) divideHalf(t ir.Type, d, a, b uint8) {
	e.target.widen(e, t, d, a)
	e.target.widen(e, t, b, b)
	e.op(amd64.VDIVPD, d, d, vec(b))
	e.target.truncate(e, t, d, d)
}

// remainder is d = a - q*b, and 0 where b is 0.
func (e *emitter) remainder(d, a, q, b uint8) {
	e.op(amd64.VPMULLD, q, q, vec(b))
	e.op(amd64.VPSUBD, d, a, vec(q))
	e.target.zeroWhere(e, d, b)
}

// powerOfTwo divides by 2^s: a shift, of a + 2^s - 1 where a is negative, so that it truncates.
func (e *emitter) powerOfTwo(v ir.Value, n *ir.Node, c uint32) {
	s := uint8(0)
	for c>>s > 1 {
		s++
	}
	shift := func(op amd64.Op, d, a, count uint8) {
		e.emit(&amd64.Inst{Op: op, Width: e.width, Reg: d, RM: vec(a), Imm: count})
	}
	for j, end := e.span(v); j < end; j++ {
		a := e.reg(n.Args[0], j)
		d := e.dst(v, j)
		switch {
		case s == 0:
			e.op1(amd64.VMOVAPS, d, vec(a))
		case n.Type == ir.U32:
			shift(amd64.VPSRLD, d, a, s)
		default:
			shift(amd64.VPSRAD, d, a, 31)
			shift(amd64.VPSRLD, d, d, 32-s)
			e.op(amd64.VPADDD, d, d, vec(a))
			shift(amd64.VPSRAD, d, d, s)
		}
		if n.Op == ir.OpRem { // a - q * 2^s
			shift(amd64.VPSLLD, d, d, s)
			e.op(amd64.VPSUBD, d, a, vec(d))
		}
		e.unpin()
	}
}

// conversion512 are the conversions of AVX-512.
func conversion512() conversion {
	plain := func(op amd64.Op) func(e *emitter, d, a uint8) {
		return func(e *emitter, d, a uint8) { e.op1(op, d, vec(a)) }
	}
	widen := [...]amd64.Op{ir.I32: amd64.VCVTDQ2PD, ir.U32: amd64.VCVTUDQ2PD, ir.F32: amd64.VCVTPS2PD}
	truncate := [...]amd64.Op{ir.I32: amd64.VCVTTPD2DQ, ir.U32: amd64.VCVTTPD2UDQ}
	return conversion{
		toFloat4:  map[ir.Type]func(e *emitter, d, a uint8){ir.I32: plain(amd64.VCVTDQ2PS), ir.U32: plain(amd64.VCVTUDQ2PS)},
		fromFloat: map[ir.Type]func(e *emitter, d, a uint8){ir.I32: floatToInt512, ir.U32: floatToUint512},
		widen:     func(e *emitter, t ir.Type, d, a uint8) { e.op1(widen[t], d, vec(a)) },
		narrow:    narrow512,
		truncate:  func(e *emitter, t ir.Type, d, a uint8) { e.op1(truncate[t], d, vec(a)) },
		truthWord: func(e *emitter, d, a uint8, one uint32) {
			e.emit(&amd64.Inst{Op: amd64.VBROADCASTSS, Width: e.width, Reg: d, RM: e.word4(one).Whole(), Mask: amd64.Mask(a), Zero: true})
		},
		oddLanes: func(e *emitter, d, t uint8) {
			k := e.maskTemp()
			e.emit(&amd64.Inst{Op: amd64.KMOVW, Reg: k, RM: e.word4(0xaaaa).Whole()})
			e.emit(&amd64.Inst{Op: amd64.VMOVAPS, Width: e.width, Reg: d, RM: vec(t), Mask: amd64.Mask(k)})
			e.giveBack(mask, k)
		},
		canonical: func(e *emitter, d, a uint8) {
			k := e.compareTemp(amd64.VCMPPS, a, vec(a), unordered)
			e.emit(&amd64.Inst{Op: amd64.VBLENDMPS, Width: e.width, Reg: d, Src: a, RM: e.word4(ir.CanonicalNaN32), Mask: amd64.Mask(k)})
			e.giveBack(mask, k)
		},
		upperHalf: func(e *emitter, d, a uint8) {
			e.emit(&amd64.Inst{Op: amd64.VEXTRACTF64X4, Width: e.width, Reg: a, RM: vec(d), Imm: 1})
		},
		join: func(e *emitter, d, low, high uint8) {
			e.emit(&amd64.Inst{Op: amd64.VINSERTF64X4, Width: e.width, Reg: d, Src: low, RM: vec(high), Imm: 1})
		},
		zeroWhere: func(e *emitter, d, a uint8) {
			k := e.compareTemp(amd64.VPCMPD, a, e.word4(0), 4)
			e.emit(&amd64.Inst{Op: amd64.VMOVAPS, Width: e.width, Reg: d, RM: vec(d), Mask: amd64.Mask(k), Zero: true})
			e.giveBack(mask, k)
		},
	}
}

// Predicates of comparisons.
const (
	unordered    = 3
	ordered      = 7
	greaterEqual = 0x1d
	greater      = 0x1e
)

// compareTemp returns a scratch mask that holds a comparison.
func (e *emitter) compareTemp(op amd64.Op, a uint8, b amd64.RM, predicate uint8) uint8 {
	k := e.maskTemp()
	e.emit(&amd64.Inst{Op: op, Width: e.width, Reg: k, Src: a, RM: b, Imm: predicate})
	return k
}

// floatToInt512: the instruction gives the smallest int where it overflows, which is wrong above, and for NaN, which
// becomes 0 by zeroing.
func floatToInt512(e *emitter, d, a uint8) {
	k := e.compareTemp(amd64.VCMPPS, a, vec(a), ordered)
	e.emit(&amd64.Inst{Op: amd64.VCVTTPS2DQ, Width: e.width, Reg: d, RM: vec(a), Mask: amd64.Mask(k), Zero: true})
	e.emit(&amd64.Inst{Op: amd64.VCMPPS, Width: e.width, Reg: k, Src: a, RM: e.float4(0x1p31), Imm: greaterEqual})
	e.emit(&amd64.Inst{Op: amd64.VBROADCASTSS, Width: e.width, Reg: d, RM: e.word4(1<<31 - 1).Whole(), Mask: amd64.Mask(k)})
	e.giveBack(mask, k)
}

// floatToUint512: the instruction saturates above; what is not above 0 is zeroed.
func floatToUint512(e *emitter, d, a uint8) {
	k := e.compareTemp(amd64.VCMPPS, a, e.word4(0), greater)
	e.emit(&amd64.Inst{Op: amd64.VCVTTPS2UDQ, Width: e.width, Reg: d, RM: vec(a), Mask: amd64.Mask(k), Zero: true})
	e.giveBack(mask, k)
}

// narrow512 converts eight float64 like the two above.
func narrow512(e *emitter, t ir.Type, d, a uint8) {
	switch t {
	case ir.F32:
		e.op1(amd64.VCVTPD2PS, d, vec(a))
	case ir.U32:
		k := e.compareTemp(amd64.VCMPPD, a, e.word8(0), greater)
		e.emit(&amd64.Inst{Op: amd64.VCVTTPD2UDQ, Width: e.width, Reg: d, RM: vec(a), Mask: amd64.Mask(k), Zero: true})
		e.giveBack(mask, k)
	default:
		k, above := e.compareTemp(amd64.VCMPPD, a, vec(a), ordered), e.compareTemp(amd64.VCMPPD, a, e.float8(1<<31-1), greaterEqual)
		e.emit(&amd64.Inst{Op: amd64.VCVTTPD2DQ, Width: e.width, Reg: d, RM: vec(a), Mask: amd64.Mask(k), Zero: true})
		e.emit(&amd64.Inst{Op: amd64.VBROADCASTSS, Width: amd64.W256, Reg: d, RM: e.word4(1<<31 - 1).Whole(), Mask: amd64.Mask(above)})
		e.giveBack(mask, k)
		e.giveBack(mask, above)
	}
}

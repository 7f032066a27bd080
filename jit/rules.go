package jit

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// rule emits the instructions of a node. It takes operands from e.reg and e.rm, then drops them, then asks for the
// destination: so the result may take the register of an operand that dies. What needs an operand after the
// destination was written must not drop it.
type rule func(e *emitter, v ir.Value, n *ir.Node) error

// The rules below are the same for both targets but for the width.

// binary is one instruction d = a op b.
func binary(op amd64.Op) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		for j, end := e.span(v); j < end; j++ {
			e.two(op, v, n, j)
		}
		return nil
	}
}

func (e *emitter) two(op amd64.Op, v ir.Value, n *ir.Node, j int) {
	x, y := e.same[n.Args[0]], e.same[n.Args[1]]
	xs, ys := e.entity(x, j), e.entity(y, j)
	if e.places[xs].reg < 0 && e.places[ys].reg >= 0 && n.Op.Info().Commutative {
		x, y, xs, ys = y, x, ys, xs
	}
	a := e.load(xs)
	b := e.operand(y, ys)
	e.dropEntity(x, xs)
	e.dropEntity(y, ys)
	e.op(op, e.dst(v, j), a, b)
	e.unpin()
}

// compare is one comparison; swapped is the predicate for exchanged operands.
func compare(op amd64.Op, predicate, swapped uint8) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		for j, end := e.span(v); j < end; j++ {
			x, y, p := n.Args[0], n.Args[1], predicate
			if !e.held(x, j) && e.held(y, j) {
				x, y, p = y, x, swapped
			}
			a, b := e.reg(x, j), e.rm(y, j)
			e.drop(x, j)
			e.drop(y, j)
			e.emit(&amd64.Inst{Op: op, Width: e.width, Reg: e.dst(v, j), Src: a, RM: b, Imm: p})
			e.unpin()
		}
		return nil
	}
}

// choose is a select that one instruction does, see choice.
func choose(e *emitter, v ir.Value, n *ir.Node) error {
	less, greater := amd64.VMINPS, amd64.VMAXPS
	switch n.Type {
	case ir.F64:
		less, greater = amd64.VMINPD, amd64.VMAXPD
	case ir.I32:
		less, greater = amd64.VPMINSD, amd64.VPMAXSD
	case ir.U32:
		less, greater = amd64.VPMINUD, amd64.VPMAXUD
	}
	op := less
	if e.kinds[v].choice == choosesGreater {
		op = greater
	}
	for j, end := e.span(v); j < end; j++ {
		a, b := e.reg(n.Args[1], j), e.rm(n.Args[2], j)
		e.drop(n.Args[1], j)
		e.drop(n.Args[2], j)
		e.op(op, e.dst(v, j), a, b)
		e.unpin()
	}
	return nil
}

// quotientOf is d = a / b. By a power of two it is multiplied by its inverse: both round the same number, once.
func quotientOf(divide, multiply amd64.Op) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		c, ok := e.constantFloat(n.Args[1])
		fraction, exponent := math.Frexp(c)
		if !ok || math.Abs(fraction) != 0.5 || exponent < -100 || exponent > 100 {
			return binary(divide)(e, v, n)
		}
		inverse := e.float4(float32(1 / c))
		if n.Type == ir.F64 {
			inverse = e.float8(1 / c)
		}
		for j, end := e.span(v); j < end; j++ {
			a := e.reg(n.Args[0], j)
			e.drop(n.Args[0], j)
			e.op(multiply, e.dst(v, j), a, inverse)
			e.unpin()
		}
		return nil
	}
}

// unary is one instruction d = op b.
func unary(op amd64.Op) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		for j, end := e.span(v); j < end; j++ {
			b := e.rm(n.Args[0], j)
			e.drop(n.Args[0], j)
			e.op1(op, e.dst(v, j), b)
			e.unpin()
		}
		return nil
	}
}

// rounding is one instruction with a rounding mode.
func rounding(op amd64.Op, mode uint8) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		for j, end := e.span(v); j < end; j++ {
			b := e.rm(n.Args[0], j)
			e.drop(n.Args[0], j)
			e.emit(&amd64.Inst{Op: op, Width: e.width, Reg: e.dst(v, j), RM: b, Imm: mode})
			e.unpin()
		}
		return nil
	}
}

// Rounding modes, with the inexact exception suppressed.
const (
	toNearest = 8
	downward  = 9
	upward    = 10
	towards0  = 11
)

// withConstant is one instruction d = a op constant.
func withConstant(op amd64.Op, word func(e *emitter) amd64.RM) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		for j, end := e.span(v); j < end; j++ {
			a := e.reg(n.Args[0], j)
			e.drop(n.Args[0], j)
			e.op(op, e.dst(v, j), a, word(e))
			e.unpin()
		}
		return nil
	}
}

func signBit4(e *emitter) amd64.RM { return e.word4(1 << 31) }
func signBit8(e *emitter) amd64.RM { return e.word8(1 << 63) }
func butSign4(e *emitter) amd64.RM { return e.word4(1<<31 - 1) }
func butSign8(e *emitter) amd64.RM { return e.word8(1<<63 - 1) }

// fmaOps are the forms of a fused multiplication and addition: which operands are multiplied. The first is overwritten
// and the third may be memory.
type fmaOps struct{ op132, op213, op231 amd64.Op }

var (
	fma4 = fmaOps{amd64.VFMADD132PS, amd64.VFMADD213PS, amd64.VFMADD231PS}
	fma8 = fmaOps{amd64.VFMADD132PD, amd64.VFMADD213PD, amd64.VFMADD231PD}
)

// multiplyAdd is d = a*b + c: whichever operand dies is overwritten.
func multiplyAdd(ops fmaOps) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		for j, end := e.span(v); j < end; j++ {
			e.three(ops, v, n.Args[0], n.Args[1], n.Args[2], j)
			e.unpin()
		}
		return nil
	}
}

func (e *emitter) three(ops fmaOps, v, x, y, z ir.Value, j int) {
	if e.dies(y) && e.held(y, j) || !e.held(x, j) && e.held(y, j) {
		x, y = y, x
	}
	dead := func(x ir.Value) bool { return e.dies(x) && e.held(x, j) }
	switch {
	case dead(z):
		e.reg(z, j)
		a, b := e.reg(x, j), e.rm(y, j)
		e.op(ops.op231, e.become(v, z, j), a, b)
	case dead(x) && !e.held(y, j) && e.held(z, j):
		e.reg(x, j)
		c, b := e.reg(z, j), e.rm(y, j)
		e.op(ops.op132, e.become(v, x, j), c, b)
	case dead(x):
		e.reg(x, j)
		b, c := e.reg(y, j), e.rm(z, j)
		e.op(ops.op213, e.become(v, x, j), b, c)
	default:
		a, b := e.reg(x, j), e.rm(y, j)
		c := e.rm(z, j)
		d := e.dst(v, j)
		e.move(d, c, ops == fma8)
		e.op(ops.op231, d, a, b)
	}
}

// move copies an operand to a vector register. Elements of buffers are not aligned.
func (e *emitter) move(d uint8, from amd64.RM, wide bool) {
	switch {
	case from.IsBroadcast() && wide:
		e.op1(amd64.VBROADCASTSD, d, from.Whole())
	case from.IsBroadcast():
		e.op1(amd64.VBROADCASTSS, d, from.Whole())
	case from.IsMem():
		e.op1(amd64.VMOVUPS, d, from)
	default:
		e.op1(amd64.VMOVAPS, d, from)
	}
}

// extreme is IEEE 754-2019's minimum or maximum. The instruction returns its second operand if either is NaN or both
// are zeros, so it is right as it stands for a constant first operand other than zero; min(+0, x) too.
//
// Otherwise it is done both ways round. For the minimum, the union of both results has the sign of -0 and the
// exponent and fraction of NaN. For the maximum (V8's sequence): with m the one and d the difference in bits,
// (m | d) - d is +0 for zeros that differ, where m | d = d = -0, NaN for NaN, and m where d is 0.
type extremeOps struct{ op, or, xor, sub, add amd64.Op }

func minimum(o extremeOps) rule { return extreme(o, false) }
func maximum(o extremeOps) rule { return extreme(o, true) }

func extreme(o extremeOps, isMax bool) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		x, y := n.Args[0], n.Args[1]
		if e.plainConstant(y) {
			x, y = y, x
		}
		for j, end := e.span(v); j < end; j++ {
			switch c, ok := e.constantFloat(x); {
			case ok && c == c && (c != 0 || !math.Signbit(c)):
				a, b := e.reg(x, j), e.rm(y, j)
				e.drop(y, j)
				d := e.dst(v, j)
				e.op(o.op, d, a, b)
				if c == 0 && isMax { // -0 becomes +0
					e.op(o.add, d, d, vec(a))
				}
			case isMax:
				e.maximumOf(o, v, x, y, j)
			default:
				a, b := e.reg(x, j), e.reg(y, j)
				d, t := e.dst(v, j), e.temp()
				e.op(o.op, t, a, vec(b))
				e.op(o.op, d, b, vec(a))
				e.op(o.or, d, d, vec(t))
				e.giveBack(vector, t)
			}
			e.unpin()
		}
		return nil
	}
}

func (e *emitter) maximumOf(o extremeOps, v, x, y ir.Value, j int) {
	a, b := e.reg(x, j), e.reg(y, j)
	d, t := e.dst(v, j), e.temp()
	e.op(o.op, t, a, vec(b))
	e.op(o.op, d, b, vec(a))
	e.op(o.xor, t, t, vec(d))
	e.op(o.or, d, d, vec(t))
	e.op(o.sub, d, d, vec(t))
	e.giveBack(vector, t)
}

// constantFloat returns the value of a float constant.
func (e *emitter) constantFloat(v ir.Value) (float64, bool) {
	n := e.p.Node(e.same[v])
	switch {
	case n.Op != ir.OpConst:
		return 0, false
	case n.Type == ir.F64:
		return math.Float64frombits(n.Imm), true
	}
	return float64(math.Float32frombits(uint32(n.Imm))), true
}

func (e *emitter) plainConstant(v ir.Value) bool {
	_, ok := e.constantFloat(v)
	return ok
}

// constantWord returns the bits of an integer constant.
func (e *emitter) constantWord(v ir.Value) (uint32, bool) {
	n := e.p.Node(e.same[v])
	return uint32(n.Imm), n.Op == ir.OpConst && n.Type != ir.F64
}

// isZero tells whether a value is the constant whose bits are all 0.
func (e *emitter) isZero(v ir.Value) bool {
	n := e.p.Node(e.same[v])
	return n.Op == ir.OpConst && n.Imm == 0
}

// negateWord is d = 0 - a.
func negateWord(zero amd64.Op) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		for j, end := e.span(v); j < end; j++ {
			a := e.rm(n.Args[0], j)
			d := e.dst(v, j)
			e.op(zero, d, d, vec(d))
			e.op(amd64.VPSUBD, d, d, a)
			e.unpin()
		}
		return nil
	}
}

// copied is a node that changes nothing.
func copied(e *emitter, v ir.Value, n *ir.Node) error {
	for j, end := e.span(v); j < end; j++ {
		a := e.rm(n.Args[0], j)
		e.move(e.dst(v, j), a, false)
		e.unpin()
	}
	return nil
}

// shift takes counts modulo 32: constant ones by an instruction with a constant, others lane by lane.
func shift(byConstant, byLanes, and amd64.Op) rule {
	return func(e *emitter, v ir.Value, n *ir.Node) error {
		count, known := e.constantWord(n.Args[1])
		for j, end := e.span(v); j < end; j++ {
			if known {
				a := e.reg(n.Args[0], j)
				e.drop(n.Args[0], j)
				e.emit(&amd64.Inst{Op: byConstant, Width: e.width, Reg: e.dst(v, j), RM: vec(a), Imm: uint8(count & 31)})
			} else {
				c := e.reg(n.Args[1], j)
				a := e.reg(n.Args[0], j)
				d := e.dst(v, j)
				e.op(and, d, c, e.word4(31))
				e.op(byLanes, d, a, vec(d))
			}
			e.unpin()
		}
		return nil
	}
}

// lane is the lanes' numbers.
func lane(e *emitter, v ir.Value, _ *ir.Node) error {
	at := e.env.iota()
	lanes := int32(e.target.lanes)
	for j, end := e.span(v); j < end; j++ {
		d := e.dst(v, j)
		e.target.spread(e, d, laneReg)
		e.op(amd64.VPADDD, d, d, amd64.Mem(envReg, at+int32(j)*lanes*4))
		e.unpin()
	}
	return nil
}

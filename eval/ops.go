package eval

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
)

// float runs an op from F32 to F32. Under the oracle F is float64 and the same ops round there.
func (m *machine[F]) float(in *instr, n int) {
	switch in.op {
	case ir.OpConst, ir.OpUniform:
		m.leaf(in, n)
	case ir.OpGather:
		m.gather(in, n)
	case ir.OpSelect:
		selectLanes(m.f[in.dst][:n], m.w[in.a][:n], m.f[in.b][:n], m.f[in.c][:n])
	case ir.OpFMA:
		fmaLanes(m.f[in.dst][:n], m.f[in.a][:n], m.f[in.b][:n], m.f[in.c][:n])
	case opMulAdd, opMulSub, opSubMul:
		fusedLanes(in.op, m.f[in.dst][:n], m.f[in.a][:n], m.f[in.b][:n], m.f[in.c][:n])
	default:
		if in.b < 0 {
			unary(in.op, m.f[in.dst][:n], m.f[in.a][:n])
			return
		}
		binary(in.op, m.f[in.dst][:n], m.f[in.a][:n], m.f[in.b][:n])
	}
}

// double runs an op from F64 to F64.
func (m *machine[F]) double(in *instr, n int) {
	switch in.op {
	case ir.OpConst, ir.OpUniform:
		m.leaf(in, n)
	case ir.OpGather:
		m.gather(in, n)
	case ir.OpSelect:
		selectLanes(m.d[in.dst][:n], m.w[in.a][:n], m.d[in.b][:n], m.d[in.c][:n])
	case ir.OpFMA:
		fmaLanes(m.d[in.dst][:n], m.d[in.a][:n], m.d[in.b][:n], m.d[in.c][:n])
	default:
		if in.b < 0 {
			unary(in.op, m.d[in.dst][:n], m.d[in.a][:n])
			return
		}
		binary(in.op, m.d[in.dst][:n], m.d[in.a][:n], m.d[in.b][:n])
	}
}

// other runs whatever involves words: integers, truth values, conversions, comparisons.
func (m *machine[F]) other(in *instr, n int) {
	switch {
	case in.op == ir.OpGather:
		m.gather(in, n)
	case in.op == ir.OpSelect:
		selectLanes(m.w[in.dst][:n], m.w[in.a][:n], m.w[in.b][:n], m.w[in.c][:n])
	case in.op == ir.OpConvert:
		m.convert(in, n)
	case in.op == ir.OpBitcast:
		m.bitcast(in, n)
	case in.a < 0:
		m.leaf(in, n)
	case in.op.Info().Compare:
		m.compare(in, n)
	default:
		words(in, m.w[in.dst][:n], m.w[in.a][:n], m.w[max(in.b, 0)][:n])
	}
}

func (m *machine[F]) compare(in *instr, n int) {
	dst := m.w[in.dst][:n]
	switch in.typ {
	case ir.F32:
		compare(in.op, dst, m.f[in.a][:n], m.f[in.b][:n])
	case ir.F64:
		compare(in.op, dst, m.d[in.a][:n], m.d[in.b][:n])
	case ir.I32:
		compareI32(in.op, dst, m.w[in.a][:n], m.w[in.b][:n])
	default:
		compare(in.op, dst, m.w[in.a][:n], m.w[in.b][:n])
	}
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

func compare[T float32 | float64 | uint32](op ir.Op, dst []uint32, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	switch op {
	case ir.OpEq:
		for i := range dst {
			dst[i] = bit(a[i] == b[i])
		}
	case ir.OpNe:
		for i := range dst {
			dst[i] = bit(a[i] != b[i])
		}
	case ir.OpLt:
		for i := range dst {
			dst[i] = bit(a[i] < b[i])
		}
	case ir.OpLe:
		for i := range dst {
			dst[i] = bit(a[i] <= b[i])
		}
	}
}

func compareI32(op ir.Op, dst, a, b []uint32) {
	a, b = a[:len(dst)], b[:len(dst)]
	switch op {
	case ir.OpEq:
		for i := range dst {
			dst[i] = bit(a[i] == b[i])
		}
	case ir.OpNe:
		for i := range dst {
			dst[i] = bit(a[i] != b[i])
		}
	case ir.OpLt:
		for i := range dst {
			dst[i] = bit(int32(a[i]) < int32(b[i]))
		}
	case ir.OpLe:
		for i := range dst {
			dst[i] = bit(int32(a[i]) <= int32(b[i]))
		}
	}
}

func selectLanes[T any](dst []T, c []uint32, a, b []T) {
	c, a, b = c[:len(dst)], a[:len(dst)], b[:len(dst)]
	for i := range dst {
		x := b[i]
		if c[i] != 0 {
			x = a[i]
		}
		dst[i] = x
	}
}

func fmaLanes[F float](dst, a, b, c []F) {
	a, b, c = a[:len(dst)], b[:len(dst)], c[:len(dst)]
	if d, ok := any(dst).([]float32); ok {
		a, b, c := any(a).([]float32), any(b).([]float32), any(c).([]float32)
		for i := range d {
			d[i] = ir.FMA32(a[i], b[i], c[i])
		}
		return
	}
	for i := range dst {
		dst[i] = F(math.FMA(float64(a[i]), float64(b[i]), float64(c[i])))
	}
}

func binary[F float](op ir.Op, dst, a, b []F) {
	a, b = a[:len(dst)], b[:len(dst)]
	switch op {
	case ir.OpAdd:
		for i := range dst {
			dst[i] = a[i] + b[i]
		}
	case ir.OpSub:
		for i := range dst {
			dst[i] = a[i] - b[i]
		}
	case ir.OpMul:
		for i := range dst {
			dst[i] = a[i] * b[i]
		}
	case ir.OpDiv:
		for i := range dst {
			dst[i] = a[i] / b[i]
		}
	case ir.OpMin:
		for i := range dst {
			dst[i] = min(a[i], b[i])
		}
	case ir.OpMax:
		for i := range dst {
			dst[i] = max(a[i], b[i])
		}
	default:
		for i := range dst {
			dst[i] = F(ir.ScalarF64(op, float64(a[i]), float64(b[i]), 0))
		}
	}
}

// unary runs the one-argument float ops. Rounding and roots computed in float64 and rounded once more are exact
// for float32 (a square root has no double rounding between these formats).
func unary[F float](op ir.Op, dst, a []F) {
	a = a[:len(dst)]
	switch op {
	case ir.OpDetach:
		copy(dst, a)
	case ir.OpNeg:
		for i := range dst {
			dst[i] = -a[i]
		}
	case ir.OpAbs:
		for i := range dst {
			dst[i] = F(math.Abs(float64(a[i])))
		}
	case ir.OpSqrt:
		for i := range dst {
			dst[i] = F(math.Sqrt(float64(a[i])))
		}
	case ir.OpFloor:
		for i := range dst {
			dst[i] = F(math.Floor(float64(a[i])))
		}
	default:
		for i := range dst {
			dst[i] = F(ir.ScalarF64(op, float64(a[i]), 0, 0))
		}
	}
}

// words runs the integer and bit ops.
func words(in *instr, dst, a, b []uint32) {
	a, b = a[:len(dst)], b[:len(dst)]
	switch in.op {
	case ir.OpDetach:
		copy(dst, a)
	case ir.OpAnd:
		for i := range dst {
			dst[i] = a[i] & b[i]
		}
	case ir.OpOr:
		for i := range dst {
			dst[i] = a[i] | b[i]
		}
	case ir.OpXor:
		for i := range dst {
			dst[i] = a[i] ^ b[i]
		}
	case ir.OpAdd:
		for i := range dst {
			dst[i] = a[i] + b[i]
		}
	case ir.OpSub:
		for i := range dst {
			dst[i] = a[i] - b[i]
		}
	case ir.OpMul:
		for i := range dst {
			dst[i] = a[i] * b[i]
		}
	case ir.OpNot:
		flip := uint32(math.MaxUint32)
		if in.typ == ir.Bool {
			flip = 1
		}
		for i := range dst {
			dst[i] = a[i] ^ flip
		}
	default:
		scalarWords(in, dst, a, b)
	}
}

// scalarWords takes the meaning of the rarer ops straight from package ir.
func scalarWords(in *instr, dst, a, b []uint32) {
	if in.op == ir.OpMulHi && in.typ == ir.U32 {
		for i := range dst {
			dst[i] = ir.MulHiU32(a[i], b[i])
		}
		return
	}
	if in.op == ir.OpShr && in.typ == ir.U32 {
		for i := range dst {
			dst[i] = a[i] >> (b[i] & 31)
		}
		return
	}
	if in.op == ir.OpShl {
		for i := range dst {
			dst[i] = a[i] << (b[i] & 31)
		}
		return
	}
	for i := range dst {
		dst[i] = uint32(ir.Scalar(in.op, in.typ, [3]uint64{uint64(a[i]), uint64(b[i])}))
	}
}

func (m *machine[F]) convert(in *instr, n int) {
	switch {
	case in.typ == ir.F32 && in.to == ir.F64:
		convertLanes(m.d[in.dst][:n], m.f[in.a][:n])
	case in.typ == ir.F64 && in.to == ir.F32:
		convertLanes(m.f[in.dst][:n], m.d[in.a][:n])
	case in.typ == ir.F32:
		toWord(in.to, m.w[in.dst][:n], m.f[in.a][:n])
	case in.typ == ir.F64:
		toWord(in.to, m.w[in.dst][:n], m.d[in.a][:n])
	case in.to == ir.F32:
		fromWord(in.typ, m.f[in.dst][:n], m.w[in.a][:n])
	case in.to == ir.F64:
		fromWord(in.typ, m.d[in.dst][:n], m.w[in.a][:n])
	default:
		copy(m.w[in.dst][:n], m.w[in.a][:n])
	}
}

func convertLanes[T, S float](dst []T, a []S) {
	for i := range dst {
		dst[i] = T(a[i])
	}
}

func toWord[F float](to ir.Type, dst []uint32, a []F) {
	a = a[:len(dst)]
	if to == ir.I32 {
		for i := range dst {
			dst[i] = uint32(ir.ToI32(float64(a[i])))
		}
		return
	}
	for i := range dst {
		dst[i] = ir.ToU32(float64(a[i]))
	}
}

func fromWord[F float](from ir.Type, dst []F, a []uint32) {
	a = a[:len(dst)]
	if from == ir.I32 {
		for i := range dst {
			dst[i] = F(int32(a[i]))
		}
		return
	}
	for i := range dst {
		dst[i] = F(a[i])
	}
}

// bitcast keeps its 32 bits under the oracle too: the float is rounded to float32 first.
func (m *machine[F]) bitcast(in *instr, n int) {
	switch {
	case in.typ == ir.F32:
		dst, a := m.w[in.dst][:n], m.f[in.a][:n]
		for i := range dst {
			dst[i] = ir.Bits32(float32(a[i]))
		}
	case in.to == ir.F32:
		dst, a := m.f[in.dst][:n], m.w[in.a][:n]
		for i := range dst {
			dst[i] = F(ir.FromBits32(a[i]))
		}
	default:
		copy(m.w[in.dst][:n], m.w[in.a][:n])
	}
}

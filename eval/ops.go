package eval

import "github.com/baremetaldevx86/microdr/ir"

// float runs an op from F32 to F32. Under the oracle F is float64 and the same ops round there.
func (m *machine[F]) float(in *instr, n int) {
	switch in.op {
	case ir.OpConst, ir.OpUniform:
		m.leaf(in, n)
	case ir.OpGather:
		m.gather(in, n)
	case ir.OpSelect:
		selectLanes(&m.f[in.dst], &m.w[in.a], &m.f[in.b], &m.f[in.c], n)
	case ir.OpFMA:
		fmaLanes(&m.f[in.dst], &m.f[in.a], &m.f[in.b], &m.f[in.c], n)
	case opMulAdd, opMulSub, opSubMul:
		fusedLanes(in.op, &m.f[in.dst], &m.f[in.a], &m.f[in.b], &m.f[in.c], n)
	default:
		if in.b < 0 {
			unary(in.op, &m.f[in.dst], &m.f[in.a], n)
			return
		}
		binary(in.op, &m.f[in.dst], &m.f[in.a], &m.f[in.b], n)
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
		selectLanes(&m.d[in.dst], &m.w[in.a], &m.d[in.b], &m.d[in.c], n)
	case ir.OpFMA:
		fmaLanes(&m.d[in.dst], &m.d[in.a], &m.d[in.b], &m.d[in.c], n)
	default:
		if in.b < 0 {
			unary(in.op, &m.d[in.dst], &m.d[in.a], n)
			return
		}
		binary(in.op, &m.d[in.dst], &m.d[in.a], &m.d[in.b], n)
	}
}

// other runs whatever involves words: integers, truth values, conversions, comparisons.
func (m *machine[F]) other(in *instr, n int) {
	switch {
	case in.op == ir.OpGather:
		m.gather(in, n)
	case in.op == ir.OpSelect:
		selectLanes(&m.w[in.dst], &m.w[in.a], &m.w[in.b], &m.w[in.c], n)
	case in.op == ir.OpConvert:
		m.convert(in, n)
	case in.op == ir.OpBitcast:
		m.bitcast(in, n)
	case in.a < 0:
		m.leaf(in, n)
	case in.op.Info().Compare:
		m.compare(in, n)
	default:
		words(in, &m.w[in.dst], &m.w[in.a], &m.w[max(in.b, 0)], n)
	}
}

func (m *machine[F]) compare(in *instr, n int) {
	dst := &m.w[in.dst]
	switch in.typ {
	case ir.F32:
		compare(in.op, dst, &m.f[in.a], &m.f[in.b], n)
	case ir.F64:
		compare(in.op, dst, &m.d[in.a], &m.d[in.b], n)
	case ir.I32:
		compare(in.op, dst, cast[int32](&m.w[in.a]), cast[int32](&m.w[in.b]), n)
	default:
		compare(in.op, dst, &m.w[in.a], &m.w[in.b], n)
	}
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
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
		bitsOf(&m.w[in.dst], &m.f[in.a], n)
	case in.to == ir.F32:
		fromBits(&m.f[in.dst], &m.w[in.a], n)
	default:
		copy(m.w[in.dst][:n], m.w[in.a][:n])
	}
}

package eval

import (
	"math"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
)

func elements[T any](mem Memory) []T { return unsafe.Slice((*T)(mem.Ptr), mem.Len) }

// index returns the element that a lane addresses, or a number beyond any buffer.
func index(word uint32) int {
	if word > math.MaxInt32 {
		return math.MaxInt
	}
	return int(word)
}

// gather reads elements; outside the buffer it reads zero.
func (m *machine[F]) gather(in *instr, n int) {
	mem := m.launch.Buffers[in.imm]
	idx := m.w[in.a][:n]
	switch t := m.m.Buffers[in.imm].Type; t {
	case ir.F32:
		gather(m.f[in.dst][:n], idx, elements[F](mem))
	case ir.F64:
		gather(m.d[in.dst][:n], idx, elements[float64](mem))
	case ir.F16, ir.BF16:
		gatherHalf(t, m.f[in.dst][:n], idx, elements[uint16](mem))
	case ir.Bool, ir.U8:
		dst, src := m.w[in.dst][:n], elements[uint8](mem)
		for i, w := range idx {
			dst[i] = 0
			if k := index(w); k < len(src) {
				dst[i] = uint32(src[k])
			}
		}
	default:
		gather(m.w[in.dst][:n], idx, elements[uint32](mem))
	}
}

func gather[T float32 | float64 | uint32](dst []T, idx []uint32, src []T) {
	dst = dst[:len(idx)]
	for i, w := range idx {
		var x T
		if k := index(w); k < len(src) {
			x = src[k]
		}
		dst[i] = x
	}
}

func gatherHalf[F float](t ir.Type, dst []F, idx []uint32, src []uint16) {
	for i, w := range idx {
		dst[i] = 0
		if k := index(w); k < len(src) {
			dst[i] = F(ir.FromHalf(t, src[k]))
		}
	}
}

// effect writes one effect of a block.
func (m *machine[F]) effect(e *effect, n int) {
	idx := m.w[e.index][:n]
	if e.kind == ir.ScatterAdd {
		m.pair(e, idx)
		return
	}
	if m.window.at != nil && m.window.buffer == e.buffer {
		m.throughWindow(e, n)
		return
	}
	mem := m.launch.Buffers[e.buffer]
	switch t := m.m.Buffers[e.buffer].Type; t {
	case ir.F32:
		store(elements[F](mem), idx, m.f[e.value][:n])
	case ir.F64:
		store(elements[float64](mem), idx, m.d[e.value][:n])
	case ir.F16, ir.BF16:
		dst := elements[uint16](mem)
		for i, x := range m.f[e.value][:n] {
			if k := index(idx[i]); k < len(dst) {
				dst[k] = ir.ToHalf(t, float32(x))
			}
		}
	case ir.Bool, ir.U8:
		dst := elements[uint8](mem)
		for i, x := range m.w[e.value][:n] {
			if k := index(idx[i]); k < len(dst) {
				dst[k] = uint8(x)
			}
		}
	default:
		store(elements[uint32](mem), idx, m.w[e.value][:n])
	}
}

// throughWindow stores a block's values one behind the other. A window's elements are values of lanes, of four bytes or
// eight.
func (m *machine[F]) throughWindow(e *effect, n int) {
	at := m.base - m.window.first
	switch fileOf(e.typ) {
	case fileFloat:
		copy(unsafe.Slice((*F)(m.window.at), at+n)[at:], m.f[e.value][:n])
	case fileDouble:
		copy(unsafe.Slice((*float64)(m.window.at), at+n)[at:], m.d[e.value][:n])
	default:
		copy(unsafe.Slice((*uint32)(m.window.at), at+n)[at:], m.w[e.value][:n])
	}
}

func store[T float32 | float64 | uint32](dst []T, idx []uint32, src []T) {
	src = src[:len(idx)]
	for i, w := range idx {
		if k := index(w); k < len(dst) {
			dst[k] = src[i]
		}
	}
}

// pair records what a scatter_add adds; FoldPairs adds it up in the order of the lanes.
func (m *machine[F]) pair(e *effect, idx []uint32) {
	p := &m.launch.Pairs[e.slot]
	for i, w := range idx {
		p.Index[m.base+i] = int32(min(w, math.MaxInt32))
	}
	n := len(idx)
	switch e.typ {
	case ir.F32:
		if f, ok := any(m.f[e.value][:n]).([]float32); ok {
			copy(p.F32[m.base:], f)
			return
		}
		copy(p.F64[m.base:], any(m.f[e.value][:n]).([]float64))
	case ir.F64:
		copy(p.F64[m.base:], m.d[e.value][:n])
	default:
		copy(p.U32[m.base:], m.w[e.value][:n])
	}
}

// FoldPairs adds pairs into the elements [lo, hi) of a buffer, in the order of the lanes. Disjoint ranges may be
// folded at the same time; how they are cut changes no bit.
func FoldPairs(p *Pair, mem Memory, lo, hi int) {
	switch {
	case p.F32 != nil:
		fold(elements[float32](mem), p.Index, p.F32, lo, hi)
	case p.F64 != nil:
		fold(elements[float64](mem), p.Index, p.F64, lo, hi)
	default:
		fold(elements[uint32](mem), p.Index, p.U32, lo, hi)
	}
}

func fold[T float32 | float64 | uint32](dst []T, idx []int32, src []T, lo, hi int) {
	hi = min(hi, len(dst))
	for i, w := range idx {
		if k := int(w); k >= lo && k < hi {
			dst[k] += src[i]
		}
	}
}

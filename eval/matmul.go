package eval

import (
	"math"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
)

// MatMul computes rows [lo, hi) of a stage of matrix products, numbered over the batch and then over the rows of each
// product. Disjoint ranges may run at the same time. Every element is one chain of fused multiply-adds, see ir.MatMul.
func MatMul(m *ir.Module, s *ir.Stage, precision Precision, buffers []Memory, lo, hi int) {
	p := s.MatMul
	wide := precision == F64 || m.Buffers[s.Out[0]].Type == ir.F64
	a, b := newMatrix(m, s.In[0], precision, buffers), newMatrix(m, s.In[1], precision, buffers)
	a.row, a.column, b.row, b.column = p.A.Row, p.A.Col, p.B.Row, p.B.Col
	for row := lo; row < hi; row++ {
		batch, r := row/p.M, row%p.M
		a.at, b.at = p.A.At(p.Batch, batch)+r*p.A.Row, p.B.At(p.Batch, batch)
		if wide {
			productRow64(elements[float64](buffers[s.Out[0]])[row*p.N:(row+1)*p.N], p.K, &a, &b)
		} else {
			productRow32(elements[float32](buffers[s.Out[0]])[row*p.N:(row+1)*p.N], p.K, &a, &b)
		}
	}
}

// matrix is elements of a buffer with strides.
type matrix struct {
	Memory
	typ             ir.Type // of an element in memory
	at, row, column int
}

func newMatrix(m *ir.Module, b int, precision Precision, buffers []Memory) matrix {
	t := m.Buffers[b].Type
	if t == ir.F32 && precision == F64 {
		t = ir.F64
	}
	return matrix{Memory: buffers[b], typ: t}
}

// element reads one; float64 holds all types.
func (m *matrix) element(r, c int) float64 {
	i := m.at + r*m.row + c*m.column
	switch m.typ {
	case ir.F64:
		return elements[float64](m.Memory)[i]
	case ir.F32:
		return float64(elements[float32](m.Memory)[i])
	}
	return float64(ir.FromHalf(m.typ, elements[uint16](m.Memory)[i]))
}

// productRow64 computes a row from row 0 of a.
func productRow64(sums []float64, terms int, a, b *matrix) {
	clear(sums)
	for k := range terms {
		x := a.element(0, k)
		for c := range sums {
			sums[c] = math.FMA(x, b.element(k, c), sums[c])
		}
	}
}

func productRow32(sums []float32, terms int, a, b *matrix) {
	clear(sums)
	for k := range terms {
		x := float32(a.element(0, k))
		if b.typ == ir.F32 && b.column == 1 && len(sums) > 0 {
			first := unsafe.Add(b.Ptr, 4*(b.at+k*b.row))
			addProducts(sums, unsafe.Slice((*float32)(first), len(sums)), x)
			continue
		}
		for c := range sums {
			sums[c] = ir.FMA32(x, float32(b.element(k, c)), sums[c])
		}
	}
}

// addProducts adds x*b to the sums, four at a time: see fma32.
func addProducts(sums, b []float32, x float32) {
	b = b[:len(sums)]
	wide := float64(x)
	for len(sums) >= 4 {
		s, y := (*[4]float32)(sums), (*[4]float32)(b)
		s0, s1 := wide*float64(y[0])+float64(s[0]), wide*float64(y[1])+float64(s[1])
		s2, s3 := wide*float64(y[2])+float64(s[2]), wide*float64(y[3])+float64(s[3])
		if roundsTwice(s0) || roundsTwice(s1) || roundsTwice(s2) || roundsTwice(s3) {
			for i := range s {
				s[i] = ir.FMA32(x, y[i], s[i])
			}
		} else {
			*s = [4]float32{float32(s0), float32(s1), float32(s2), float32(s3)}
		}
		sums, b = sums[4:], b[4:]
	}
	for i := range sums {
		sums[i] = ir.FMA32(x, b[i], sums[i])
	}
}

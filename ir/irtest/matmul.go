package irtest

import "github.com/baremetaldevx86/microdr/ir"

// matMul executes a product element by element, in the type of its output.
func matMul(m *ir.Module, s *ir.Stage, mem Memory) {
	p, t := s.MatMul, m.Buffers[s.Out[0]].Type
	element := func(input int, a *ir.Matrix, batch, r, c int) uint64 {
		b := s.In[input]
		x := mem[b][a.At(p.Batch, batch)+r*a.Row+c*a.Col]
		if from := m.Buffers[b].Type; from != t {
			return widened(t, from, x)
		}
		return x
	}
	for i := range mem[s.Out[0]] {
		batch, r, c := i/(p.M*p.N), i/p.N%p.M, i%p.N
		sum := number(t, 0)
		for k := range p.K {
			sum = ir.Scalar(ir.OpFMA, t, [3]uint64{element(0, &p.A, batch, r, k), element(1, &p.B, batch, k, c), sum})
		}
		mem[s.Out[0]][i] = sum
	}
}

// widened converts the bits of a float to those of a wider type.
func widened(to, from ir.Type, bits uint64) uint64 {
	if from == ir.F16 || from == ir.BF16 {
		bits = number(ir.F32, float64(ir.FromHalf(from, uint16(bits))))
	}
	if to == ir.F32 {
		return bits
	}
	return ir.ConvertBits(to, ir.F32, bits)
}

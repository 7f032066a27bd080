package irtest_test

import (
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
)

// TestMatMul multiplies matrices whose product is known: 2 x 3, stored transposed and backwards, times 3 x 1.
func TestMatMul(t *testing.T) {
	for _, out := range []ir.Type{ir.F32, ir.F64} {
		m := &ir.Module{Name: "product"}
		a, b, c := m.AddBuffer("a", ir.F32, ir.Input, 6), m.AddBuffer("b", ir.F16, ir.Input, 3), m.AddBuffer("c", out, ir.Output, 2)
		m.AddMatMul("c", &ir.MatMul{M: 2, N: 1, K: 3, A: ir.Matrix{Offset: 5, Row: -1, Col: -2}, B: ir.Matrix{Row: 1}}, a, b, c)
		if err := ir.Verify(m); err != nil {
			t.Fatal(err)
		}
		mem := irtest.NewMemory(m)
		for i := range mem[a] { // rows 6 4 2 and 5 3 1
			mem[a][i] = uint64(math.Float32bits(float32(i + 1)))
		}
		for i, x := range []float32{1, 10, 100} {
			mem[b][i] = uint64(ir.ToHalf(ir.F16, x))
		}
		irtest.InterpretModule(m, nil, mem)
		for i, want := range []float64{246, 135} {
			got := math.Float64frombits(mem[c][i])
			if out == ir.F32 {
				got = float64(math.Float32frombits(uint32(mem[c][i])))
			}
			if got != want {
				t.Errorf("%v: element %d is %v, want %v", out, i, got, want)
			}
		}
	}
}

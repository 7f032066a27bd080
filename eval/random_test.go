package eval_test

import (
	"testing"
	"unsafe"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
)

// TestRandomPrograms compares float32 execution with the interpreter of package irtest, bit for bit. The lanes
// are not a multiple of a block, and run in two calls.
func TestRandomPrograms(t *testing.T) {
	programs := uint64(4000)
	if testing.Short() {
		programs = 200
	}
	for seed := range programs {
		o := irtest.Options{Lanes: []int{1, 3, 5, 17}[seed%4]}
		if seed%50 == 0 {
			o.Lanes = 261 + int(seed%7)
		}
		m := irtest.Random(seed, o)
		want := irtest.Interpreted(m, seed)
		got := executed(t, m, seed)
		for b := range want {
			for i := range want[b] {
				if got[b][i] != want[b][i] {
					t.Errorf("seed %d: %s[%d] is %#x, want %#x", seed, m.Buffers[b].Name, i, got[b][i], want[b][i])
					t.Fatalf("%s", ir.Print(m))
				}
			}
		}
	}
}

func executed(t *testing.T, m *ir.Module, seed uint64) irtest.Memory {
	t.Helper()
	low, err := ir.Lower(m, ir.Passes(), true)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	code, err := eval.Compile(low, low.Stages[0].Prog, eval.F32)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	uniforms, mem := irtest.Fill(m, seed)
	raw := make([][]uint64, len(mem)) // aligned storage
	l := &eval.Launch{Uniforms: uniforms}
	for b := range mem {
		raw[b] = irtest.Pack(m.Buffers[b].Type, mem[b])
		l.Buffers = append(l.Buffers, eval.Memory{Ptr: unsafe.Pointer(&raw[b][0]), Len: len(mem[b])})
	}
	lanes := m.Stages[0].Lanes()
	for _, b := range code.ScatterAdds() {
		l.Pairs = append(l.Pairs, newPair(m.Buffers[b].Type, lanes))
	}
	w := code.NewWorker()
	w.Begin(l)
	cut := lanes / eval.Width * eval.Width
	w.Run(cut, lanes)
	w.Run(0, cut)
	for i, b := range code.ScatterAdds() {
		half := (l.Buffers[b].Len + 1) / 2
		eval.FoldPairs(&l.Pairs[i], l.Buffers[b], half, l.Buffers[b].Len)
		eval.FoldPairs(&l.Pairs[i], l.Buffers[b], 0, half)
	}
	for b := range mem {
		irtest.Unpack(m.Buffers[b].Type, raw[b], mem[b])
	}
	irtest.Canonical(m, mem)
	return mem
}

func newPair(t ir.Type, lanes int) eval.Pair {
	p := eval.Pair{Index: make([]int32, lanes)}
	switch t {
	case ir.F32:
		p.F32 = make([]float32, lanes)
	case ir.F64:
		p.F64 = make([]float64, lanes)
	default:
		p.U32 = make([]uint32, lanes)
	}
	return p
}

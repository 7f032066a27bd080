package eval_test

import (
	"math"
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

// TestReduce compares reductions of all kinds with the interpreter, in two ranges of outputs.
func TestReduce(t *testing.T) {
	types := []ir.Type{ir.F32, ir.F64}
	for seed, group := range []int{1, 2, 4, 12, 15, 16, 17, 48, 64, 255, 256, 257, 512, 769, 1280, 3000} {
		for op := ir.ReduceSum; op <= ir.ReduceMax; op++ {
			for i := range 8 {
				from, to, inner := types[i&1], types[i>>1&1], 1+i>>2*2
				m := &ir.Module{Name: "reduce"}
				in := m.AddBuffer("in", from, ir.Input, 2, group, inner)
				out := m.AddBuffer("out", to, ir.Output, 2, inner)
				m.AddReduce("r", op, in, out, group, inner)
				if err := ir.Verify(m); err != nil {
					t.Fatal(err)
				}
				_, mem := irtest.Fill(m, uint64(seed))
				switch {
				case group == 15: // a sum of negative zeros is one, too
					for k := range mem[in] {
						mem[in][k] = uint64(1) << (8*from.Size() - 1)
					}
				case group > 17:
					tame(from, mem[in])
				}
				want := irtest.Memory{mem[in], make([]uint64, len(mem[out]))}
				irtest.InterpretModule(m, nil, want)
				irtest.Canonical(m, want)
				src, dst := irtest.Pack(from, mem[in]), irtest.Pack(to, mem[out])
				buffers := []eval.Memory{{Ptr: unsafe.Pointer(&src[0]), Len: len(mem[in])},
					{Ptr: unsafe.Pointer(&dst[0]), Len: len(mem[out])}}
				eval.Reduce(m, &m.Stages[0], eval.F32, buffers, 1, 2*inner)
				eval.Reduce(m, &m.Stages[0], eval.F32, buffers, 0, 1)
				irtest.Unpack(to, dst, mem[out])
				irtest.Canonical(m, mem)
				for k := range want[out] {
					if mem[out][k] != want[out][k] {
						t.Errorf("%v of groups of %d, inner %d, %v to %v: [%d] is %#x, want %#x",
							op, group, inner, from, to, k, mem[out][k], want[out][k])
					}
				}
			}
		}
	}
}

// tame replaces large numbers, infinities and NaN, which would hide the order of a sum.
func tame(t ir.Type, bits []uint64) {
	for i, b := range bits {
		x := math.Float64frombits(ir.ConvertBits(ir.F64, t, b))
		if t == ir.F64 {
			x = math.Float64frombits(b)
		}
		if !(math.Abs(x) < 1e6) {
			bits[i] = ir.ConvertBits(t, ir.I32, uint64(i))
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

package eval_test

import (
	"math"
	"testing"
	"unsafe"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
)

// stored are elements that lie in memory.
type stored struct {
	memory []uint64
	size   int
}

func (s stored) At(lo, _ int) (unsafe.Pointer, error) {
	return unsafe.Add(unsafe.Pointer(&s.memory[0]), lo*s.size), nil
}

// TestReduce compares reductions of all kinds with the interpreter, cut for several numbers of workers. The tasks are
// done from the last to the first.
func TestReduce(t *testing.T) {
	kinds := [][2]ir.Type{{ir.F32, ir.F32}, {ir.F64, ir.F32}, {ir.F32, ir.F64}, {ir.F64, ir.F64}, {ir.I32, ir.I32}}
	for seed, group := range []int{1, 2, 4, 12, 15, 16, 17, 48, 64, 255, 256, 257, 512, 769, 1280, 3000, 70000} {
		for op := ir.ReduceSum; op <= ir.ReduceProd; op++ {
			for i := range 15 {
				kind, inner := kinds[i%5], []int{1, 3, 40}[i/5]
				if group*inner > 100000 || kind[0] == ir.I32 && op == ir.ReduceMean {
					continue
				}
				m := &ir.Module{Name: "reduce"}
				in := m.AddBuffer("in", kind[0], ir.Input, 2, group, inner)
				out := m.AddBuffer("out", kind[1], ir.Output, 2, inner)
				m.AddReduce("r", op, in, out, group, inner)
				if err := ir.Verify(m); err != nil {
					t.Fatal(err)
				}
				_, mem := irtest.Fill(m, uint64(seed))
				switch {
				case group == 15 && kind[0].IsFloat(): // a sum of negative zeros is one, too
					for k := range mem[in] {
						mem[in][k] = uint64(1) << (8*kind[0].Size() - 1)
					}
				case group > 17 && kind[0].IsFloat():
					tame(kind[0], mem[in])
				}
				checkReduce(t, m, mem)
			}
		}
	}
}

// checkReduce compares the reduction of a module with the interpreter.
func checkReduce(t *testing.T, m *ir.Module, mem irtest.Memory) {
	t.Helper()
	s := &m.Stages[0]
	in, out := s.In[0], s.Out[0]
	from, to := m.Buffers[in].Type, m.Buffers[out].Type
	want := irtest.Memory{mem[in], make([]uint64, len(mem[out]))}
	irtest.InterpretModule(m, nil, want)
	irtest.Canonical(m, want)
	for _, workers := range []int{1, 3, 16} {
		src, dst := irtest.Pack(from, mem[in]), irtest.Pack(to, mem[out])
		r := eval.NewReduction(m, s, eval.F32, workers)
		scratch := make([]uint64, r.Scratch()/8)
		w := r.NewReducer(unsafe.Pointer(&scratch[0]), stored{src, from.Size()}, nil)
		r.Begin(eval.Memory{Ptr: unsafe.Pointer(&dst[0]), Len: len(mem[out])})
		for i := r.Tasks() - 1; i >= 0; i-- {
			if err := w.Task(i); err != nil {
				t.Fatal(err)
			}
		}
		r.Finish()
		irtest.Unpack(to, dst, mem[out])
		irtest.Canonical(m, mem)
		for k := range want[out] {
			if mem[out][k] != want[out][k] {
				t.Fatalf("%v of groups of %d, inner %d, %v to %v, for %d workers: [%d] is %#x, want %#x",
					s.Reduce, s.Group, s.Inner, from, to, workers, k, mem[out][k], want[out][k])
			}
		}
	}
}

// A group that is long is cut where there are several workers.
func TestReductionIsCut(t *testing.T) {
	for _, r := range []struct{ outer, group, inner, workers, min, max int }{
		{1, 1 << 20, 1, 1, 1, 1},
		{1, 1 << 20, 1, 2, 16, 32},
		{3, 1 << 20, 1, 2, 16, 48},
		{1, 5000, 1, 2, 1, 1},
		{1 << 20, 4, 1, 2, 64, 128},
		{1, 4, 1 << 20, 2, 4096, 4096},
		{1, 1 << 14, 64, 2, 16, 32},
		{0, 1 << 40, 1 << 39, 2, 0, 0},
	} {
		m := &ir.Module{Name: "cut"}
		m.AddBuffer("in", ir.F32, ir.Input, r.outer, r.group, r.inner)
		m.AddBuffer("out", ir.F32, ir.Output, r.outer, r.inner)
		m.AddReduce("r", ir.ReduceSum, 0, 1, r.group, r.inner)
		if got := eval.NewReduction(m, &m.Stages[0], eval.F32, r.workers).Tasks(); got < r.min || got > r.max {
			t.Errorf("[%d %d %d] for %d workers is %d tasks, want %d to %d",
				r.outer, r.group, r.inner, r.workers, got, r.min, r.max)
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

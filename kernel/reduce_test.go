package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/trace"
)

// eachEngine calls f with an engine of every backend and of some numbers of workers.
func eachEngine(t *testing.T, f func(name string, e *kernel.Engine)) {
	t.Helper()
	for _, b := range kernel.Backends() {
		for _, workers := range []int{1, 3} {
			e := kernel.New(kernel.Options{Backend: b, Workers: workers, Verify: true})
			f(fmt.Sprintf("%s, %d workers", b, workers), e)
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// interpreted is a module with arguments by seed, and what the interpreter makes of it.
func interpreted(m *ir.Module, seed uint64) *program {
	p := &program{m: m, seed: seed}
	p.uniforms, p.memory = irtest.Fill(m, seed)
	after := irtest.Interpreted(m, seed)
	for i := range m.Buffers {
		p.want = append(p.want, numbersOf(m.Buffers[i].Type, after[i]))
	}
	return p
}

// TestRandomReductions compares reductions of what random programs compute with the interpreter, bit for bit, and so
// those of the elements that the same programs write to memory.
func TestRandomReductions(t *testing.T) {
	var programs []*program
	for seed := range rounds(100) {
		nodes := 15
		if seed%5 == 4 {
			nodes = 300 // of which machine code has one vector at a time
		}
		m := irtest.RandomReduction(seed, irtest.Options{Nodes: nodes})
		programs = append(programs, interpreted(m, seed))
		if seed%4 == 0 {
			programs = append(programs, interpreted(ir.SplitReductions(m), seed))
		}
	}
	eachEngine(t, func(name string, e *kernel.Engine) {
		for _, p := range programs {
			if difference := compare(e, p); difference != "" {
				t.Errorf("%s: %s\n%s", name, difference, ir.Print(p.m))
			}
		}
	})
}

// TestReductionShapes compares reductions of buffers of all shapes and kinds with the interpreter.
func TestReductionShapes(t *testing.T) {
	var programs []*program
	for i, shape := range [][3]int{{1, 1, 1}, {3, 2, 1}, {700, 4, 1}, {65, 7, 1}, {40, 16, 1}, {33, 17, 1}, {5, 255, 1},
		{70, 256, 1}, {3, 257, 1}, {2, 70001, 1}, {1, 33000, 2}, {2, 5, 3}, {3, 17, 8}, {1, 300, 31}, {2, 16, 300},
		{1, 1040, 33}, {9, 3, 1100}, {1, 2, 257}} {
		if testing.Short() && shape[0]*shape[1]*shape[2] > 20_000 {
			continue
		}
		for op := ir.ReduceSum; op <= ir.ReduceProd; op++ {
			for _, kind := range []ir.Type{ir.F32, ir.I32} {
				if kind == ir.I32 && op == ir.ReduceMean {
					continue
				}
				m := &ir.Module{Name: fmt.Sprintf("%v of %v %v", op, shape, kind)}
				in := m.AddBuffer("in", kind, ir.Input, shape[:]...)
				out := m.AddBuffer("out", kind, ir.Output, shape[0], shape[2])
				m.AddReduce("r", op, in, out, shape[1], shape[2])
				programs = append(programs, interpreted(m, uint64(i)))
			}
		}
	}
	eachEngine(t, func(name string, e *kernel.Engine) {
		for _, p := range programs {
			if difference := compare(e, p); difference != "" {
				t.Errorf("%s: %s: %s", name, p.m.Name, difference)
			}
		}
	})
}

// Sums of numbers without NaN, where the order of the additions shows, and zeros of either sign.
func TestReductionOrder(t *testing.T) {
	const n = 3*256*64 + 108
	m := &ir.Module{Name: "order"}
	in := m.AddBuffer("in", ir.F32, ir.Input, n)
	zeros := m.AddBuffer("zeros", ir.F32, ir.Input, 48)
	sum := m.AddBuffer("sum", ir.F32, ir.Output)
	columns := m.AddBuffer("columns", ir.F32, ir.Output, 20)
	m.AddReduce("sum", ir.ReduceSum, in, sum, n, 1)
	m.AddReduce("columns", ir.ReduceSum, in, columns, n/20, 20)
	for op := ir.ReduceSum; op <= ir.ReduceProd; op++ {
		out := m.AddBuffer(fmt.Sprint(op), ir.F32, ir.Output, 3)
		m.AddReduce("zeros", op, zeros, out, 16, 1)
	}
	p := &program{m: m}
	p.memory = irtest.NewMemory(m)
	for i := range n {
		p.memory[in][i] = uint64(math.Float32bits(float32(math.Sin(float64(i))) * 1e3))
	}
	for i := range 48 {
		if i < 16 || i%3 == 0 {
			p.memory[zeros][i] = 1 << 31
		}
	}
	after := irtest.NewMemory(m)
	after[in], after[zeros] = p.memory[in], p.memory[zeros]
	irtest.InterpretModule(m, nil, after)
	for i := range m.Buffers {
		p.want = append(p.want, numbersOf(m.Buffers[i].Type, after[i]))
	}
	eachEngine(t, func(name string, e *kernel.Engine) {
		if difference := compare(e, p); difference != "" {
			t.Errorf("%s: %s", name, difference)
		}
	})
}

// squares is the sum of u x^2 over n elements, by a program.
func squares(n int) *ir.Module {
	m := &ir.Module{Name: "squares"}
	x := m.AddBuffer("x", ir.F32, ir.Input, n)
	out := m.AddBuffer("out", ir.F32, ir.Output)
	r := trace.New(m)
	v := r.Gather(x, r.Lane())
	r.B.SetResults(v.Mul(v).Mul(r.Uniform("u")).V)
	m.AddReduceProgram("squares", ir.ReduceSum, r.Program(), out, 1, n, 1)
	return m
}

// A steady reduction allocates nothing, tells of its lanes, and takes other uniforms.
func TestReductionRuns(t *testing.T) {
	const n = 200_000
	for _, b := range kernel.Backends() {
		e := kernel.New(kernel.Options{Backend: b, Workers: 2})
		k, err := e.Compile(squares(n))
		if err != nil {
			t.Fatal(err)
		}
		x, _ := e.NewBuffer(ir.F32, n)
		out, _ := e.NewBuffer(ir.F32, 1)
		for i := range x.Float32s() {
			x.Float32s()[i] = 1
		}
		last := 0
		args := kernel.Args{Uniforms: []float64{2}, Buffers: []*kernel.Buffer{x, out},
			Progress: func(done, total int) {
				if last = done; total != n {
					t.Errorf("%s: %d lanes in all, want %d", b, total, n)
				}
			}}
		if err := k.Run(context.Background(), args); err != nil {
			t.Fatal(err)
		}
		if got := out.Float32s()[0]; got != 2*n || last != n {
			t.Errorf("%s: the sum is %v, and %d lanes are done", b, got, last)
		}
		args.Progress, args.Uniforms[0] = nil, 0.5
		allocated := leastAllocations(func() { err = k.Run(context.Background(), args) })
		if allocated > 0 || err != nil {
			t.Errorf("%s: %v allocations a run, error %v", b, allocated, err)
		}
		if got := out.Float32s()[0]; got != n/2 {
			t.Errorf("%s: the sum is %v", b, got)
		}
		ctx, cancel := context.WithCancel(context.Background())
		args.Progress = func(int, int) { cancel() }
		if err := k.Run(ctx, args); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: cancelled after the first elements, it gives %v", b, err)
		}
		out.Free()
		x.Free()
		k.Close()
		e.Close()
	}
}

// The oracle reduces in float64.
func TestReductionOracle(t *testing.T) {
	e := kernel.New(kernel.Options{Precision: kernel.Float64})
	defer e.Close()
	k, err := e.Compile(squares(10))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	x, _ := e.NewBuffer(ir.F32, 10)
	out, _ := e.NewBuffer(ir.F32, 1)
	defer x.Free()
	defer out.Free()
	args := kernel.Args{Uniforms: []float64{1}, Buffers: []*kernel.Buffer{x, out}}
	x.Write([]float64{1e10, 1, 1, 1, 1, 1, 1, 1, 1, 0})
	if err := k.Run(context.Background(), args); err != nil {
		t.Fatal(err)
	}
	got := make([]float64, 1)
	if out.Read(got); got[0] != 1e20 {
		t.Errorf("%v", got)
	}
	x.Write([]float64{1 << 13, 0.5, 0, 0, 0, 0, 0, 0, 0, 0x1p-10})
	if err := k.Run(context.Background(), args); err != nil {
		t.Fatal(err)
	}
	if out.Read(got); got[0] != 1<<26+0.25+0x1p-20 {
		t.Errorf("%v is not the sum in float64", got)
	}
}

package kernel_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/mem"
)

// program is a random module with its arguments and what package irtest's interpreter makes of them.
type program struct {
	m        *ir.Module
	seed     uint64
	uniforms []float64
	memory   irtest.Memory // before the run
	want     [][]float64   // after it, by buffer
}

// newProgram adds to a random map reductions of each kind over one of its outputs, by groups and as a whole.
func newProgram(seed uint64, lanes int) *program {
	m := irtest.Random(seed, irtest.Options{Lanes: lanes})
	for i := range m.Buffers {
		if b := m.Buffers[i]; b.Life == ir.Output && b.Type == ir.F32 && b.Len() == lanes {
			group := 1 + int(seed%5)*lanes/7
			for lanes%group != 0 {
				group--
			}
			for op := ir.ReduceSum; op <= ir.ReduceMax; op++ {
				out := m.AddBuffer(fmt.Sprintf("%v.%d", op, i), ir.F32, ir.Output, lanes/group)
				m.AddReduce("groups", op, i, out, group, 1)
				out = m.AddBuffer(fmt.Sprintf("all.%v.%d", op, i), ir.F64, ir.Output)
				m.AddReduce("all", op, i, out, lanes, 1)
			}
			break
		}
	}
	p := &program{m: m, seed: seed}
	p.uniforms, p.memory = irtest.Fill(m, seed)
	_, after := irtest.Fill(m, seed)
	bits := make([]uint64, len(p.uniforms))
	for i, u := range m.Uniforms {
		bits[i] = irtest.UniformBits(u.Type, p.uniforms[i])
	}
	irtest.InterpretModule(m, bits, after)
	for i := range m.Buffers {
		p.want = append(p.want, numbersOf(m.Buffers[i].Type, after[i]))
	}
	return p
}

// numbersOf converts elements given by their bits.
func numbersOf(t ir.Type, bits []uint64) []float64 {
	out := make([]float64, len(bits))
	for i, b := range bits {
		switch t {
		case ir.F64:
			out[i] = math.Float64frombits(b)
		case ir.F16, ir.BF16:
			out[i] = float64(ir.FromHalf(t, uint16(b)))
		case ir.Bool, ir.U8:
			out[i] = float64(b)
		default:
			out[i] = math.Float64frombits(ir.ConvertBits(ir.F64, t, b))
		}
	}
	return out
}

// run executes the program on new buffers and returns how the result differs from what is wanted, "" if it does not.
func (p *program) run(ctx context.Context, e *kernel.Engine, k *kernel.Kernel) (string, error) {
	args := kernel.Args{Uniforms: p.uniforms}
	for i := range p.m.Buffers {
		b, err := e.NewBuffer(p.m.Buffers[i].Type, p.m.Buffers[i].Len())
		if err != nil {
			return "", err
		}
		defer b.Free()
		b.Write(numbersOf(b.Type(), p.memory[i]))
		args.Buffers = append(args.Buffers, b)
	}
	if err := k.Run(ctx, args); err != nil {
		return "", err
	}
	for i, b := range args.Buffers {
		got := make([]float64, b.Len())
		b.Read(got)
		for j, want := range p.want[i] {
			if math.Float64bits(got[j]) != math.Float64bits(want) && (got[j] == got[j] || want == want) {
				return fmt.Sprintf("seed %d: %s[%d] is %v, want %v", p.seed, p.m.Buffers[i].Name, j, got[j], want), nil
			}
		}
	}
	return "", nil
}

// rounds is how often to try something at random: fewer times in short tests, which emulators and the race detector run.
func rounds(n uint64) uint64 {
	if testing.Short() {
		return max(n/6, 1)
	}
	return n
}

// TestRandomPrograms compares random modules with the interpreter, bit for bit, for several numbers of workers and
// sizes of tiles.
func TestRandomPrograms(t *testing.T) {
	var engines []*kernel.Engine
	for _, o := range []kernel.Options{{Workers: 1}, {Workers: 2, TileLanes: 256}, {Workers: 7, TileLanes: 1, Verify: true},
		{Workers: 7, TileLanes: 700}} {
		e := kernel.New(o)
		mem.CheckLeaks(t, heapOf{e})
		engines = append(engines, e)
	}
	for seed := range rounds(120) {
		p := newProgram(seed, []int{1, 40, 300, 1100}[seed%4])
		for i, e := range engines {
			k, err := e.Compile(p.m)
			if err != nil {
				t.Fatal(err)
			}
			difference, err := p.run(context.Background(), e, k)
			if err != nil {
				t.Fatal(err)
			}
			if difference != "" {
				t.Errorf("engine %d: %s", i, difference)
			}
			if err := k.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// heapOf shows an engine's counters as package mem expects them.
type heapOf struct{ e *kernel.Engine }

func (h heapOf) Counters() mem.Counters { return h.e.Memory() }

// TestHammer compiles and runs on many goroutines at once: shared kernels and kernels of their own, buffers freed
// and lost, runs cancelled.
func TestHammer(t *testing.T) {
	e := kernel.New(kernel.Options{Workers: 3, TileLanes: 256})
	mem.CheckLeaks(t, heapOf{e})
	var programs []*program
	var shared []*kernel.Kernel
	for seed := range uint64(4) {
		p := newProgram(seed+500, 600)
		k, err := e.Compile(p.m)
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		programs, shared = append(programs, p), append(shared, k)
	}
	var wg sync.WaitGroup
	for g := range 12 {
		wg.Go(func() {
			for i := range 6 {
				n := (g + i) % len(programs)
				k := shared[n]
				if i%2 == 0 {
					var err error
					if k, err = e.Compile(programs[n].m); err != nil {
						t.Error(err)
						return
					}
					defer k.Close()
				}
				hammer(t, e, k, programs[n], i)
			}
		})
	}
	wg.Wait()
}

func hammer(t *testing.T, e *kernel.Engine, k *kernel.Kernel, p *program, i int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if i%3 == 2 {
		go cancel() // before, during or after the run
	}
	difference, err := p.run(ctx, e, k)
	if err != nil && ctx.Err() == nil {
		t.Error(err)
	}
	if difference != "" {
		t.Error(difference)
	}
	e.Memory()
	if i%4 == 3 {
		runtime.GC()
	}
}

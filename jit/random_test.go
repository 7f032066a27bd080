package jit_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/mem"
	"golang.org/x/sys/cpu"
)

// TestRandomPrograms compares machine code with the interpreter of package irtest, bit for bit.
func TestRandomPrograms(t *testing.T) {
	for _, target := range targets(t) {
		t.Run(target.String(), func(t *testing.T) {
			programs := uint64(4000)
			if testing.Short() {
				programs = 300
			}
			pages, heap := &jit.Pages{}, mem.Vectors{Heap: mem.NewHeap(mem.Options{})}
			defer heap.Close()
			for seed := range programs {
				o := irtest.Options{Lanes: []int{1, 3, 17, 40}[seed%4]}
				if seed%10 == 3 {
					o.Nodes = 150 + int(seed%300)
				}
				if seed%50 == 0 {
					o.Lanes = 261 + int(seed%7)
				}
				m := irtest.Random(seed, o)
				want := irtest.Interpreted(m, seed)
				got := run(t, m, target, pages, heap, seed)
				if d := difference(m, want, got); d != "" {
					t.Errorf("seed %d: %s\n%s", seed, d, ir.Print(m))
				}
			}
		})
	}
}

// targets lists the instruction sets of this machine.
func targets(t *testing.T) []jit.Target {
	x := &cpu.X86
	switch {
	case !jit.CanRun || !x.HasAVX2 || !x.HasFMA || !x.HasF16C || !x.HasBMI1:
		t.Skip("a machine without AVX2")
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL:
		return []jit.Target{jit.AVX2}
	}
	return []jit.Target{jit.AVX2, jit.AVX512}
}

// run lowers, compiles and executes a module of one map stage on memory filled by seed.
func run(t *testing.T, m *ir.Module, target jit.Target, pages *jit.Pages, heap mem.Vectors, seed uint64) irtest.Memory {
	t.Helper()
	uniforms, memory := irtest.Fill(m, seed)
	x := executor{target, pages, heap, budgets[seed%3]}
	if err := x.execute(m, uniforms, memory); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	return memory
}

// executor runs modules of one map stage on a target.
type executor struct {
	target jit.Target
	pages  *jit.Pages
	heap   mem.Vectors
	budget int64 // of a call, in nodes
}

// budgets are what calls may run: some microseconds, an iteration or a few of them.
var budgets = []int64{24000, 1, 60}

// execute changes memory as the module says, with NaN made canonical.
func (x *executor) execute(m *ir.Module, uniforms []float64, memory irtest.Memory) error {
	low, err := ir.Lower(m, ir.Passes(), true)
	if err != nil {
		return err
	}
	p, err := jit.Compile(low, &low.Stages[0], x.target, x.pages, jit.Options{})
	if err != nil {
		return err
	}
	defer p.Close()
	prog, lanes := low.Stages[0].Prog, m.Stages[0].Lanes()
	raw := make([][]uint64, len(memory))
	l := &jit.Launch{Uniforms: uniforms, Pairs: make([]jit.Pair, len(prog.Effects))}
	for b := range memory {
		raw[b] = irtest.Pack(m.Buffers[b].Type, memory[b])
		l.Buffers = append(l.Buffers, jit.Buffer{Address: unsafe.Pointer(&raw[b][0]), Len: len(memory[b])})
	}
	indices, values := map[int][]uint64{}, map[int][]uint64{}
	for _, i := range p.ScatterAdds() {
		indices[i], values[i] = make([]uint64, lanes), make([]uint64, lanes)
		l.Pairs[i] = jit.Pair{Index: unsafe.Pointer(&indices[i][0]), Values: unsafe.Pointer(&values[i][0])}
	}
	if err := x.launch(p, l, lanes); err != nil {
		return err
	}
	for b := range memory {
		irtest.Unpack(m.Buffers[b].Type, raw[b], memory[b])
		if !slices.Equal(raw[b], irtest.Pack(m.Buffers[b].Type, memory[b])) {
			return fmt.Errorf("written beyond the end of %s", m.Buffers[b].Name)
		}
	}
	for _, i := range p.ScatterAdds() {
		b := prog.Effects[i].Buffer
		fold(m.Buffers[b].Type, memory[b], indices[i], values[i], lanes)
	}
	irtest.Canonical(m, memory)
	return nil
}

// launch runs the lanes of the last blocks first.
func (x *executor) launch(p *jit.Program, l *jit.Launch, lanes int) error {
	w, err := p.NewWorker(x.heap)
	if err != nil {
		return err
	}
	defer w.Close()
	cut := lanes / 256 * 256
	return errors.Join(w.Begin(l), w.RunWithBudget(cut, lanes, x.budget), w.RunWithBudget(0, cut, x.budget))
}

// fold adds pairs in the order of the lanes.
func fold(t ir.Type, to []uint64, index, values []uint64, lanes int) {
	at, bits := make([]uint64, lanes), make([]uint64, lanes)
	irtest.Unpack(ir.I32, index, at)
	irtest.Unpack(t, values, bits)
	for i, k := range at {
		if k < uint64(len(to)) {
			to[k] = ir.Scalar(ir.OpAdd, t, [3]uint64{to[k], bits[i]})
		}
	}
}

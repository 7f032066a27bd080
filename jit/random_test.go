package jit_test

import (
	"os"
	"runtime"
	"testing"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/mem"
)

// TestRandomPrograms compares machine code with the interpreter of package irtest, bit for bit.
func TestRandomPrograms(t *testing.T) {
	for _, target := range targets(t) {
		t.Run(target.String(), func(t *testing.T) {
			programs := uint64(4000)
			if testing.Short() {
				programs = 300
			}
			pages, heap := &jit.Pages{}, mem.NewHeap(mem.OS{})
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
				for b := range want {
					for i := range want[b] {
						if got[b][i] != want[b][i] {
							t.Errorf("seed %d: %s[%d] is %#x, want %#x", seed, m.Buffers[b].Name, i, got[b][i], want[b][i])
							if os.Getenv("DUMP") != "" {
								low, _ := ir.Lower(m, ir.Passes(), true)
								t.Log(ir.Print(low))
							}
							goto next
						}
					}
				}
			next:
			}
		})
	}
}

// targets lists the instruction sets of this machine.
func targets(t *testing.T) []jit.Target {
	if runtime.GOARCH != "amd64" {
		t.Skip("another architecture")
	}
	return []jit.Target{jit.AVX2, jit.AVX512}
}

// run lowers, compiles and executes a module of one map stage on memory filled by seed.
func run(t *testing.T, m *ir.Module, target jit.Target, pages *jit.Pages, heap *mem.Heap, seed uint64) irtest.Memory {
	t.Helper()
	low, err := ir.Lower(m, ir.Passes(), true)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	p, err := jit.Compile(low, &low.Stages[0], target, pages, jit.Options{})
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	defer p.Close()
	uniforms, memory := irtest.Fill(m, seed)
	raw := make([][]uint64, len(memory))
	l := &jit.Launch{Uniforms: uniforms, Pairs: make([]jit.Pair, len(low.Stages[0].Prog.Effects))}
	for b := range memory {
		raw[b] = irtest.Pack(m.Buffers[b].Type, memory[b])
		l.Buffers = append(l.Buffers, jit.Buffer{Address: unsafe.Pointer(&raw[b][0]), Len: len(memory[b])})
	}
	lanes := m.Stages[0].Lanes()
	indices, values := map[int][]uint64{}, map[int][]uint64{}
	for _, i := range p.ScatterAdds() {
		indices[i], values[i] = make([]uint64, lanes), make([]uint64, lanes)
		l.Pairs[i] = jit.Pair{Index: unsafe.Pointer(&indices[i][0]), Values: unsafe.Pointer(&values[i][0])}
	}
	w, err := p.NewWorker(heap)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Begin(l); err != nil {
		t.Fatal(err)
	}
	cut := lanes / 256 * 256
	for _, r := range [][2]int{{cut, lanes}, {0, cut}} {
		if err := w.Run(r[0], r[1]); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	for b := range memory {
		irtest.Unpack(m.Buffers[b].Type, raw[b], memory[b])
	}
	for _, i := range p.ScatterAdds() {
		b := low.Stages[0].Prog.Effects[i].Buffer
		fold(m.Buffers[b].Type, memory[b], indices[i], values[i], lanes)
	}
	irtest.Canonical(m, memory)
	return memory
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

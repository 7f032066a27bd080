package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/trace"
)

// dense is max(a*b + bias, floor) over all elements: a product, whose result is only used by the map behind it.
func dense(batch, rows, n, terms int) *ir.Module {
	m := &ir.Module{Name: "dense"}
	a, b := m.AddBuffer("a", ir.F32, ir.Input, batch, rows, terms), m.AddBuffer("b", ir.F32, ir.Input, batch, terms, n)
	bias, c := m.AddBuffer("bias", ir.F32, ir.Input, n), m.AddBuffer("c", ir.F32, ir.Temp, batch, rows, n)
	y, mask := m.AddBuffer("y", ir.F32, ir.Output, batch*rows*n), m.AddBuffer("mask", ir.Bool, ir.Output, batch*rows*n)
	m.AddMatMul("multiply", &ir.MatMul{Batch: []int{batch}, M: rows, N: n, K: terms,
		A: ir.Matrix{Batch: []int{rows * terms}, Row: terms, Col: 1}, B: ir.Matrix{Batch: []int{terms * n}, Row: n, Col: 1}}, a, b, c)
	r := trace.New(m)
	lane := r.Lane()
	x := r.Gather(c, lane).Add(r.Gather(bias, lane.Mod(n)))
	r.Store(y, lane, x.Max(r.Uniform("floor")))
	r.B.Store(mask, lane.V, x.Above(0).V)
	m.AddMap("activate", r.Program(), batch, rows, n)
	return m
}

func denseProgram(seed uint64) *program {
	random := rand.New(rand.NewPCG(seed, 8))
	m := dense(1+random.IntN(3), 1+random.IntN(60), 1+random.IntN(60), random.IntN(60))
	p := &program{m: m, seed: seed, uniforms: []float64{-0.5}, memory: irtest.NewMemory(m)}
	for b := range 3 {
		for i := range p.memory[b] {
			p.memory[b][i] = uint64(math.Float32bits(float32(random.NormFloat64())))
		}
	}
	after := irtest.NewMemory(m)
	copy(after, p.memory[:3])
	irtest.InterpretModule(m, []uint64{irtest.UniformBits(ir.F32, -0.5)}, after)
	for i := range m.Buffers {
		p.want = append(p.want, numbersOf(m.Buffers[i].Type, after[i]))
	}
	return p
}

// TestEpilogues runs products with the map behind them, piece by piece and each by itself, on every backend.
func TestEpilogues(t *testing.T) {
	engines := map[string]*kernel.Engine{}
	for _, b := range kernel.Backends() {
		for workers := 1; workers <= 3; workers++ {
			e := kernel.New(kernel.Options{Backend: b, Workers: workers})
			defer e.Close()
			engines[fmt.Sprint(b, " ", workers)] = e
			small := kernel.New(kernel.Options{Backend: b, Workers: workers})
			defer small.Close()
			small.SetSmallBlocks()
			engines[fmt.Sprint(b, " ", workers, ", small blocks")] = small
		}
		apart := kernel.New(kernel.Options{Backend: b, Observe: func(kernel.Observation) {}})
		defer apart.Close()
		engines[fmt.Sprint(b, ", apart")] = apart
	}
	for seed := range rounds(100) {
		p := denseProgram(seed)
		for name, e := range engines {
			k, err := e.Compile(p.m)
			if err != nil {
				t.Fatal(err)
			}
			if want := !strings.Contains(name, "apart"); k.HasEpilogue(0) != want {
				t.Fatalf("%s: an epilogue: %v, want %v", name, !want, want)
			}
			p.m.Buffers[3].Life = ir.Output // to see its elements, too
			difference, err := p.run(context.Background(), e, k)
			if p.m.Buffers[3].Life = ir.Temp; err != nil || difference != "" {
				t.Fatalf("%s: %v %s", name, err, difference)
			}
			k.Close()
		}
	}
}

// TestEpilogueConditions: what is no epilogue.
func TestEpilogueConditions(t *testing.T) {
	for _, r := range []struct {
		name string
		map_ func(r *trace.Recorder, a, c, y int)
		want bool
	}{
		{"the lane's own", func(r *trace.Recorder, a, c, y int) { r.Store(y, r.Lane(), r.Gather(c, r.Lane()).Times(2)) }, true},
		{"and other buffers anywhere", func(r *trace.Recorder, a, c, y int) {
			r.Store(y, r.Lane(), r.Gather(c, r.Lane()).Add(r.Gather(a, r.Lane().Plus(1))))
		}, true},
		{"the neighbour's", func(r *trace.Recorder, a, c, y int) { r.Store(y, r.Lane(), r.Gather(c, r.Lane().Plus(1))) }, false},
		{"the neighbour's, too", func(r *trace.Recorder, a, c, y int) {
			r.Store(y, r.Lane(), r.Gather(c, r.Lane()).Add(r.Gather(c, r.Lane().Minus(1))))
		}, false},
		{"none", func(r *trace.Recorder, a, c, y int) { r.Store(y, r.Lane(), r.Gather(a, r.Lane())) }, false},
		{"a sum over lanes", func(r *trace.Recorder, a, c, y int) { r.ScatterAdd(y, r.Lane().Mod(3), r.Gather(c, r.Lane())) }, false},
		{"what the product reads", func(r *trace.Recorder, a, c, y int) { r.Store(a, r.Lane(), r.Gather(c, r.Lane())) }, false},
	} {
		m := &ir.Module{Name: "conditions"}
		x, a := m.AddBuffer("x", ir.F32, ir.Input, 16), m.AddBuffer("a", ir.F32, ir.Temp, 16)
		c, y := m.AddBuffer("c", ir.F32, ir.Temp, 16), m.AddBuffer("y", ir.F32, ir.Output, 16)
		first := trace.New(m)
		first.Store(a, first.Lane(), first.Gather(x, first.Lane()))
		m.AddMap("first", first.Program(), 16)
		m.AddMatMul("multiply", &ir.MatMul{M: 4, N: 4, K: 4, A: ir.Matrix{Row: 4, Col: 1}, B: ir.Matrix{Row: 4, Col: 1}}, a, a, c)
		second := trace.New(m)
		r.map_(second, a, c, y)
		m.AddMap("second", second.Program(), 16)
		e := kernel.New(kernel.Options{})
		k, err := e.Compile(m)
		if err != nil {
			t.Fatalf("%s: %v", r.name, err)
		}
		if got := k.HasEpilogue(1); got != r.want {
			t.Errorf("%s: an epilogue: %v, want %v", r.name, got, r.want)
		}
		k.Close()
		e.Close()
	}
}

// An epilogue allocates nothing, stops when the context ends, and counts its lanes.
func TestEpilogueRuns(t *testing.T) {
	const batch, rows, n = 2, 400, 33
	for _, backend := range kernel.Backends() {
		e := kernel.New(kernel.Options{Backend: backend, Workers: 2})
		e.SetSmallBlocks()
		m := dense(batch, rows, n, 20)
		k, err := e.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		args := kernel.Args{Uniforms: []float64{0}, Buffers: make([]*kernel.Buffer, len(m.Buffers))}
		for i, b := range m.Buffers {
			if b.Life == ir.Temp {
				continue
			}
			if args.Buffers[i], err = e.NewBuffer(b.Type, b.Len()); err != nil {
				t.Fatal(err)
			}
		}
		if got := testing.AllocsPerRun(50, func() {
			if err := k.Run(context.Background(), args); err != nil {
				t.Fatal(err)
			}
		}); got != 0 {
			t.Errorf("%s: %v allocations a run", backend, got)
		}
		ctx, cancel := context.WithCancel(context.Background())
		last, total := 0, 0
		args.Progress = func(done, all int) { last, total = done, all }
		if err := k.Run(ctx, args); err != nil || last != total || total != 2*batch*rows*n {
			t.Errorf("%s: %v, told of %d of %d", backend, err, last, total)
		}
		args.Progress = func(done, all int) {
			if last = done; done > all/2 {
				cancel()
			}
		}
		if err := k.Run(ctx, args); !errors.Is(err, context.Canceled) || last == total {
			t.Errorf("%s: got %v after %d of %d", backend, err, last, total)
		}
		k.Close()
		e.Close()
	}
}

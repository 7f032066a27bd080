package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/trace"
)

const lanes = 5000

// module has a map with a loop and two scatter_adds, grouped and whole reductions.
func module() *ir.Module {
	m := &ir.Module{Name: "test"}
	x := m.AddBuffer("x", ir.F32, ir.Temp, lanes)
	mean := m.AddBuffer("mean", ir.F32, ir.Output, lanes/4)
	sum := m.AddBuffer("sum", ir.F64, ir.Output)
	top := m.AddBuffer("max", ir.F32, ir.Output)
	hist := m.AddBuffer("hist", ir.F32, ir.Output, 7)
	count := m.AddBuffer("count", ir.I32, ir.Output, 7)
	r := trace.New(m)
	seed := r.Lane().Float().Times(0.37).Add(r.Uniform("offset"))
	end, _ := trace.While(r, 20, seed, func(s trace.Float) (trace.Bool, trace.Float) {
		return s.Above(0.9), s.Times(0.6).Plus(0.01)
	})
	r.Store(x, r.Lane(), end)
	bin := r.Lane().Mod(9) // bins 7 and 8 are out of range and dropped
	r.ScatterAdd(hist, bin, end)
	r.B.ScatterAdd(count, bin.V, r.Int(1).V)
	m.AddMap("trace", r.Program(), lanes)
	m.AddReduce("pixel", ir.ReduceMean, x, mean, 4, 1)
	m.AddReduce("total", ir.ReduceSum, x, sum, lanes, 1)
	m.AddReduce("top", ir.ReduceMax, x, top, lanes, 1)
	return m
}

// run returns the bits of all outputs.
func run(t *testing.T, o kernel.Options, ctx context.Context) ([][]float64, error) {
	t.Helper()
	e := kernel.New(o)
	defer e.Close()
	k, err := e.Compile(module())
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	args := kernel.Args{Uniforms: []float64{0.125}, Buffers: make([]*kernel.Buffer, len(k.Module().Buffers))}
	for i, b := range k.Module().Buffers {
		if b.Life == ir.Temp {
			continue
		}
		if args.Buffers[i], err = e.NewBuffer(b.Type, b.Len()); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Run(ctx, args); err != nil {
		return nil, err
	}
	var out [][]float64
	for _, b := range args.Buffers {
		if b != nil {
			v := make([]float64, b.Len())
			b.Read(v)
			out = append(out, v)
		}
	}
	return out, nil
}

func TestSameBitsForAnyWorkersAndTiles(t *testing.T) {
	want, err := run(t, kernel.Options{Workers: 1, Verify: true}, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, workers := range []int{1, 2, 7} {
		for _, tile := range []int{1, 256, 512, 1280, 1 << 20} {
			got, err := run(t, kernel.Options{Workers: workers, TileLanes: tile}, context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%d workers, tiles of %d: other bits", workers, tile)
			}
		}
	}
}

func TestAgreesWithTheOracle(t *testing.T) {
	got, err := run(t, kernel.Options{}, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want, err := run(t, kernel.Options{Precision: kernel.Float64}, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		for j := range want[i] {
			if math.Abs(got[i][j]-want[i][j]) > 1e-5*(1+math.Abs(want[i][j])) {
				t.Fatalf("output %d[%d]: %g, oracle %g", i, j, got[i][j], want[i][j])
			}
		}
	}
	if want[1][0] < 1000 {
		t.Errorf("the sum %g of %d lanes is too small to be one", want[1][0], lanes)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := run(t, kernel.Options{}, ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
)

// scanModule scans an array [outer, group, inner].
func scanModule(t ir.Type, outer, group, inner int) *ir.Module {
	m := &ir.Module{Name: fmt.Sprintf("scan %v [%d %d %d]", t, outer, group, inner)}
	in := m.AddBuffer("in", t, ir.Input, outer, group, inner)
	out := m.AddBuffer("out", t, ir.Output, outer, group, inner)
	m.AddScan("scan", in, out, group, inner)
	return m
}

// sortModule sorts rows.
func sortModule(t ir.Type, outer, group int, descending bool) *ir.Module {
	m := &ir.Module{Name: fmt.Sprintf("sort %v [%d %d] %v", t, outer, group, descending)}
	in := m.AddBuffer("in", t, ir.Input, outer, group)
	values := m.AddBuffer("values", t, ir.Output, outer, group)
	places := m.AddBuffer("places", ir.I32, ir.Output, outer, group)
	m.AddSort("sort", in, values, places, group, descending)
	return m
}

// TestScanAndSort compares scans and sorts of random numbers, NaN and zeros of either sign among them, with the
// interpreter.
func TestScanAndSort(t *testing.T) {
	var programs []*program
	for i, shape := range [][3]int{{1, 1, 1}, {3, 1, 5}, {1, 300, 1}, {70, 33, 1}, {2, 20, 1100}, {1, 70000, 1},
		{1, 3, 9000}, {0, 4, 2}} {
		for _, kind := range []ir.Type{ir.F32, ir.I32} {
			programs = append(programs, interpreted(scanModule(kind, shape[0], shape[1], shape[2]), uint64(i)))
		}
	}
	for i, shape := range [][2]int{{1, 1}, {400, 7}, {30, 511}, {3, 512}, {1, 5000}, {0, 3}} {
		for _, kind := range []ir.Type{ir.F32, ir.I32} {
			for _, descending := range []bool{false, true} {
				programs = append(programs, interpreted(sortModule(kind, shape[0], shape[1], descending), uint64(i)))
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

// The oracle scans and sorts in float64.
func TestScanAndSortOracle(t *testing.T) {
	e := kernel.New(kernel.Options{Precision: kernel.Float64})
	defer e.Close()
	for _, r := range []struct {
		m    *ir.Module
		in   []float64
		want [][]float64
	}{
		{scanModule(ir.F32, 1, 3, 1), []float64{1, 0x1p-40, -1}, [][]float64{{1, 1 + 0x1p-40, 0x1p-40}}},
		{scanModule(ir.F32, 1, 2, 2), []float64{1, 2, 0x1p-40, 3}, [][]float64{{1, 2, 1 + 0x1p-40, 5}}},
		{sortModule(ir.F32, 1, 4, false), []float64{1 + 0x1p-40, 1, -2, 0}, [][]float64{{-2, 0, 1, 1 + 0x1p-40}, {2, 3, 1, 0}}},
		{sortModule(ir.F32, 1, 4, true), []float64{1, 1 + 0x1p-40, -2, 1}, [][]float64{{1 + 0x1p-40, 1, 1, -2}, {1, 0, 3, 2}}},
	} {
		k, err := e.Compile(r.m)
		if err != nil {
			t.Fatal(err)
		}
		args := kernel.Args{}
		for _, b := range r.m.Buffers {
			buffer, err := e.NewBuffer(b.Type, b.Len())
			if err != nil {
				t.Fatal(err)
			}
			defer buffer.Free()
			args.Buffers = append(args.Buffers, buffer)
		}
		args.Buffers[0].Write(r.in)
		if err := k.Run(context.Background(), args); err != nil {
			t.Fatal(err)
		}
		for i, want := range r.want {
			got := make([]float64, len(want))
			if args.Buffers[i+1].Read(got); !slices.Equal(got, want) {
				t.Errorf("%s: output %d is %v, want %v", r.m.Name, i, got, want)
			}
		}
		k.Close()
	}
}

// A steady scan or sort allocates nothing, and ends when somebody cancels.
func TestAxisRuns(t *testing.T) {
	e := kernel.New(kernel.Options{Workers: 2})
	defer e.Close()
	for _, m := range []*ir.Module{scanModule(ir.F32, 300, 100, 1), sortModule(ir.F32, 30, 1000, false),
		sortModule(ir.I32, 300, 100, true)} {
		k, err := e.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		args := kernel.Args{}
		for _, b := range m.Buffers {
			buffer, err := e.NewBuffer(b.Type, b.Len())
			if err != nil {
				t.Fatal(err)
			}
			defer buffer.Free()
			args.Buffers = append(args.Buffers, buffer)
		}
		run := func() { err = errors.Join(err, k.Run(context.Background(), args)) }
		run()
		if allocated := leastAllocations(run); allocated > 0 || err != nil {
			t.Errorf("%s: %v allocations a run, error %v", m.Name, allocated, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := k.Run(ctx, args); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: cancelled, it gives %v", m.Name, err)
		}
		k.Close()
	}
}

package bench

import (
	"context"
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/trace"
)

const loopLanes = 600

// loopNest is a module whose loops lie in each other three deep, and one behind them: lane i makes i%4 iterations of the
// outermost, in iteration j of it j of the next, in iteration k of that two of the innermost, and 3 of the last.
func loopNest() *ir.Module {
	m := &ir.Module{Name: "nest"}
	in := m.AddBuffer("in", ir.F32, ir.Input, 7)
	out := m.AddBuffer("out", ir.F32, ir.Output, loopLanes)
	sum := m.AddBuffer("sum", ir.F32, ir.Output)
	type state struct {
		I trace.Int
		X trace.Float
	}
	r := trace.New(m)
	repeat := func(times trace.Int, x trace.Float, body func(i trace.Int, x trace.Float) trace.Float) trace.Float {
		end, _ := trace.While(r, 10, state{r.Int(0), x}, func(s state) (trace.Bool, state) {
			return s.I.Lt(times), state{s.I.Plus(1), body(s.I, s.X)}
		})
		return end.X
	}
	x := repeat(r.Lane().Mod(4), r.Gather(in, r.Int(1)), func(i trace.Int, x trace.Float) trace.Float {
		return repeat(i, x.Times(0.5), func(j trace.Int, x trace.Float) trace.Float {
			return repeat(r.Int(2), x.Add(r.Gather(in, j)), func(_ trace.Int, x trace.Float) trace.Float {
				return x.FMA(r.Uniform("k"), x)
			})
		})
	})
	x = repeat(r.Int(3), x, func(_ trace.Int, x trace.Float) trace.Float { return x.Sqrt() })
	r.Store(out, r.Lane(), x.Div(r.Uniform("k")))
	m.AddMap("nest", r.Program(), loopLanes)
	m.AddReduce("sum", ir.ReduceSum, out, sum, loopLanes, 1)
	return m
}

// nestJob is the nest on an engine.
func nestJob(t *testing.T, o kernel.Options) (e *kernel.Engine, k *kernel.Kernel, args kernel.Args) {
	t.Helper()
	e = kernel.New(o)
	t.Cleanup(func() { e.Close() })
	m := loopNest()
	k, err := e.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	args.Uniforms = []float64{0.75}
	for _, b := range m.Buffers {
		buffer, err := e.NewBuffer(b.Type, b.Len())
		if err != nil {
			t.Fatal(err)
		}
		args.Buffers = append(args.Buffers, buffer)
	}
	args.Buffers[0].Write([]float64{1, 2, 3, 4, 5, 6, 7})
	return e, k, args
}

// Iterations are counted exactly, at any depth and by every backend, and the rest is computed as before.
func TestIterations(t *testing.T) {
	outer, middle, inner := 0.0, 0.0, 0.0
	for i := range loopLanes {
		for j := range i % 4 {
			outer++
			middle += float64(j)
			inner += float64(2 * j)
		}
	}
	want := []float64{outer, middle, inner, 3 * loopLanes}
	for _, b := range kernel.Backends() {
		e, k, args := nestJob(t, kernel.Options{Backend: b, Verify: true})
		if err := k.Run(t.Context(), args); err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(args.Buffers[1].Float32s())
		counted, first := withCounts(k.Module())
		if err := ir.Verify(counted); err != nil {
			t.Fatal(err)
		}
		p := &Profiler{calls: []kernel.Args{args, args}}
		got, err := p.iterations(t.Context(), e, counted)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if got[i] != 2*want[i] {
				t.Errorf("%s: loop %d makes %g iterations in two calls, want %g", b, i, got[i], 2*want[i])
			}
		}
		if !slices.Equal(first, []int{0, 4}) || !slices.Equal(before, args.Buffers[1].Float32s()) {
			t.Errorf("%s: counts begin at %d, or the output changed", b, first)
		}
	}
}

func TestWorkOf(t *testing.T) {
	low, err := ir.Lower(loopNest(), ir.Passes(), true)
	if err != nil {
		t.Fatal(err)
	}
	w := workOf(low, &low.Stages[0])
	want := work{amount{1, 4}, []amount{{1, 0}, {1, 4}, {2, 0}, {1, 0}}} // a quotient and a store; the gather of in[1] is one for all
	if w.outside != want.outside || !slices.Equal(w.loops, want.loops) {
		t.Errorf("got %+v, want %+v", w, want)
	}
	if got := w.total(10, []float64{1, 2, 3, 4}); got != (amount{10 + 1 + 2 + 6 + 4, 40 + 8}) {
		t.Errorf("ten lanes do %+v", got)
	}
	if got := wholeStage(low, &low.Stages[1]); got != (amount{loopLanes, 4 * (loopLanes + 1)}) {
		t.Errorf("the reduction does %+v", got)
	}
	product := product(3, 4, 5, 0).problem().module
	if got := wholeStage(product, &product.Stages[0]); got != (amount{2 * 3 * 4 * 5, 4 * (15 + 20 + 12)}) {
		t.Errorf("the product does %+v", got)
	}
	layer := convolution(square(2, 3, 5, 4, 3, 1), 0).problem().module
	images, filters, results := 2*3*5*5, 4*3*3*3, 2*4*5*5
	if got := wholeStage(layer, &layer.Stages[0]); got != (amount{float64(2 * results * 3 * 3 * 3), float64(4 * (images + filters + results))}) {
		t.Errorf("the convolution does %+v", got)
	}
	for m, want := range map[*ir.Module]int{low: loopLanes, product: 3 * 4, layer: results} {
		if got := elements(m, &m.Stages[len(m.Stages)-1]); got != want {
			t.Errorf("%s: %d elements, want %d", m.Name, got, want)
		}
	}
}

func TestProfile(t *testing.T) {
	var p Profiler
	e, k, args := nestJob(t, kernel.Options{Observe: p.Observe})
	calls := 0
	got, err := p.Profile(t.Context(), ProfileOptions{Engine: e, Workers: 1, Rounds: 3}, func(ctx context.Context) error {
		calls++
		return k.Run(ctx, args)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Stages) != 2 || got.Rounds != 3 || got.Seconds <= 0 || calls < 4 {
		t.Fatalf("%+v after %d calls", got, calls)
	}
	nest, sum := got.Stages[0], got.Stages[1]
	if nest.Name != "nest" || nest.Lanes != loopLanes || nest.Bytes < 4*loopLanes || sum.Name != "sum" || sum.Flops != loopLanes ||
		sum.Lanes != loopLanes {
		t.Errorf("%+v", got.Stages)
	}
	if !(nest.Share > 0 && nest.Share < 1) || !(sum.Share > 0 && sum.Share < 1) || !(got.Rest > 0) || !(got.RestShare > 0) {
		t.Errorf("stages and the rest take no part of the time, or all: %+v", got)
	}
	if machine := kernel.Backends()[0] != kernel.Eval; machine != (got.Peaks != nil) || machine && !(got.Peaks.FMA > 0 && got.Peaks.Bytes > 0) {
		t.Errorf("peaks %+v", got.Peaks)
	}
}

func TestProfileOfNothing(t *testing.T) {
	var p Profiler
	if _, err := p.Profile(t.Context(), ProfileOptions{Rounds: 1}, func(context.Context) error { return nil }); err == nil {
		t.Error("a run that runs no kernel has a profile")
	}
}

package kernel

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/mem"
	"github.com/baremetaldevx86/microdr/trace"
)

// affine is out = in*k + c, over n lanes; elements are read side by side or, with scattered, in reverse.
func affine(n int, c float64, scattered bool) *ir.Module {
	m := &ir.Module{Name: "affine"}
	in, out := m.AddBuffer("in", ir.F32, ir.Input, n), m.AddBuffer("out", ir.F32, ir.Output, n)
	r := trace.New(m)
	at := r.Lane()
	if scattered {
		at = r.Int(n - 1).Sub(at)
	}
	r.Store(out, at, r.Gather(in, at).Mul(r.Uniform("k")).Plus(c))
	m.AddMap("line", r.Program(), n)
	return m
}

// machines are the backends of machine code that this machine has.
func machines(t *testing.T) []Backend {
	var list []Backend
	for _, b := range Backends() {
		if b != Eval {
			list = append(list, b)
		}
	}
	if len(list) == 0 {
		t.Skip("this machine runs no machine code")
	}
	return list
}

func mustBuffer(t *testing.T, e *Engine, n int) *Buffer {
	t.Helper()
	b, err := e.NewBuffer(ir.F32, n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A kernel whose buffer is gone gives an error that names it, for reads and writes, side by side or not; and the engine
// goes on.
func TestBadAddress(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a fault in code that is not Go's ends the process")
	}
	for _, backend := range machines(t) {
		for _, scattered := range []bool{false, true} {
			for _, place := range []string{"code", "nothing"} {
				for bad := range 2 {
					t.Run(fmt.Sprint(backend, scattered, place, bad), func(t *testing.T) {
						badAddress(t, backend, scattered, place, bad)
					})
				}
			}
		}
	}
}

func badAddress(t *testing.T, backend Backend, scattered bool, place string, bad int) {
	const n = 300
	e := New(Options{Backend: backend, Workers: 2, TileLanes: 1})
	defer e.Close()
	k, err := e.Compile(affine(n, 1, scattered))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	args := Args{Uniforms: []float64{2}, Buffers: []*Buffer{mustBuffer(t, e, n), mustBuffer(t, e, n)}}
	defer args.Buffers[0].Free()
	defer args.Buffers[1].Free()
	good := args.Buffers[bad].span
	if place == "code" {
		if bad == 0 {
			t.Skip("pages of code can be read")
		}
		span, err := mem.OS{}.ReserveCode(1 << 14)
		if err != nil {
			t.Fatal(err)
		}
		defer mem.OS{}.ReleaseCode(span)
		if err := (mem.OS{}).Seal(span); err != nil {
			t.Fatal(err)
		}
		args.Buffers[bad].span = span
	} else {
		args.Buffers[bad].span = mem.Span{} // address 0
	}
	err = k.Run(context.Background(), args)
	if args.Buffers[bad].span = good; !errors.Is(err, jit.ErrAddress) || !strings.Contains(err.Error(), `module "affine", stage line`) {
		t.Fatalf("got %v, want an error that names the program", err)
	}
	if err := k.Run(context.Background(), args); err != nil || args.Buffers[1].Float32s()[7] != 1 {
		t.Errorf("afterwards: %v, %v", err, args.Buffers[1].Float32s()[:8])
	}
}

// A product whose input is gone gives such an error, too.
func TestProductBadAddress(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a fault in code that is not Go's ends the process")
	}
	for _, backend := range machines(t) {
		e := New(Options{Backend: backend, Workers: 2})
		const n = 40
		m := &ir.Module{Name: "product"}
		a, b, c := m.AddBuffer("a", ir.F32, ir.Input, n*n), m.AddBuffer("b", ir.F32, ir.Input, n*n), m.AddBuffer("c", ir.F32, ir.Output, n*n)
		at := ir.Matrix{Row: n, Col: 1}
		m.AddMatMul("multiply", &ir.MatMul{M: n, N: n, K: n, A: at, B: at}, a, b, c)
		k, err := e.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		args := Args{Buffers: []*Buffer{mustBuffer(t, e, n*n), mustBuffer(t, e, n*n), mustBuffer(t, e, n*n)}}
		good := args.Buffers[1].span
		args.Buffers[1].span = mem.Span{} // address 0
		err = k.Run(context.Background(), args)
		if args.Buffers[1].span = good; !errors.Is(err, jit.ErrAddress) || !strings.Contains(err.Error(), `module "product", stage multiply`) {
			t.Errorf("got %v, want an error that names the stage", err)
		}
		if err := k.Run(context.Background(), args); err != nil {
			t.Errorf("afterwards: %v", err)
		}
		k.Close()
		e.Close()
	}
}

// A launch allocates nothing, of one tile or of several, whatever the backend.
func TestLaunchAllocatesNothing(t *testing.T) {
	for _, backend := range Backends() {
		for _, n := range []int{256, 4096} {
			e := New(Options{Backend: backend, Workers: 2, TileLanes: 256})
			k, err := e.Compile(affine(n, 1, false))
			if err != nil {
				t.Fatal(err)
			}
			args := Args{Uniforms: []float64{2}, Buffers: []*Buffer{mustBuffer(t, e, n), mustBuffer(t, e, n)}}
			if got := testing.AllocsPerRun(100, func() {
				if err := k.Run(context.Background(), args); err != nil {
					t.Fatal(err)
				}
			}); got != 0 {
				t.Errorf("%s, %d lanes: %v allocations a launch", backend, n, got)
			}
			k.Close()
			args.Buffers[0].Free()
			args.Buffers[1].Free()
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Equal programs share their code, whatever their names; a bounded number stays when nobody uses them; and closing gives
// all pages back.
func TestCache(t *testing.T) {
	e := New(Options{Backend: machines(t)[0]})
	compile := func(c float64) *Kernel {
		k, err := e.Compile(affine(64, c, false))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := compile(1)
	other := affine(64, 1, false)
	other.Name, other.Buffers[0].Name = "renamed", "x"
	second, err := e.Compile(other)
	if err != nil {
		t.Fatal(err)
	}
	if first.stages[0].code != second.stages[0].code || e.cache.hits != 1 {
		t.Errorf("the same program has two codes; %d hits", e.cache.hits)
	}
	longer, err := e.Compile(affine(65, 1, false))
	if err != nil {
		t.Fatal(err)
	}
	if longer.stages[0].code == first.stages[0].code {
		t.Error("code for 64 lanes serves 65")
	}
	for i := range 2 * cacheBound {
		compile(float64(i + 2)).Close()
	}
	if n := len(e.cache.entries); n != cacheBound+2 || e.cache.idle != cacheBound {
		t.Errorf("%d programs kept, %d of them idle; want two in use and %d", n, e.cache.idle, cacheBound)
	}
	for _, k := range []*Kernel{first, second, longer} {
		k.Close()
	}
	if err := e.Close(); err != nil || e.pages.Bytes() != 0 {
		t.Errorf("after Close: %v, %d bytes of code", err, e.pages.Bytes())
	}
}

// 200 goroutines launch kernels of their own while the collector runs, as do compilations beside them.
func TestHammerCollector(t *testing.T) {
	for _, backend := range Backends() {
		e := New(Options{Backend: backend, Workers: 2, TileLanes: 256})
		var stop atomic.Bool
		var collector, launchers sync.WaitGroup
		collector.Go(func() {
			for !stop.Load() {
				runtime.GC()
			}
		})
		for g := range 200 {
			launchers.Go(func() { launchAndCheck(t, e, g) })
		}
		launchers.Wait()
		stop.Store(true)
		collector.Wait()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// launchAndCheck runs a program that one in eight goroutines shares, some times.
func launchAndCheck(t *testing.T, e *Engine, g int) {
	const n = 700
	k, err := e.Compile(affine(n, float64(g%8), g%2 == 1))
	if err != nil {
		t.Error(err)
		return
	}
	defer k.Close()
	in, out := mustBuffer(t, e, n), mustBuffer(t, e, n)
	defer in.Free()
	defer out.Free()
	for i := range in.Float32s() {
		in.Float32s()[i] = float32(i)
	}
	for round := range 5 {
		if err := k.Run(context.Background(), Args{Uniforms: []float64{float64(round)}, Buffers: []*Buffer{in, out}}); err != nil {
			t.Error(err)
			return
		}
		for i, got := range out.Float32s() {
			if want := float32(i*round + g%8); got != want {
				t.Errorf("goroutine %d, round %d: out[%d] is %v, want %v", g, round, i, got, want)
				return
			}
		}
	}
}

// What is asked for by name and can't be had is an error, from the environment too.
func TestBackendNames(t *testing.T) {
	for name, want := range map[string]string{"eval": "", "": "", "avx": "expected eval, avx2 or avx512", "EVAL": "expected"} {
		t.Setenv(backendVariable, name)
		e := New(Options{})
		_, err := e.Compile(affine(16, 1, false))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s=%s: got error %v, want %q", backendVariable, name, err, want)
		}
		e.Close()
	}
}

// A kernel that outlives its engine can still be closed, in any number.
func TestCloseAfterEngine(t *testing.T) {
	e := New(Options{})
	var kernels []*Kernel
	for i := range 2 * cacheBound {
		k, err := e.Compile(affine(64, float64(i), false))
		if err != nil {
			t.Fatal(err)
		}
		kernels = append(kernels, k)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, k := range kernels {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := e.Compile(affine(64, 1, false)); err == nil {
		t.Error("a closed engine compiles")
	}
}

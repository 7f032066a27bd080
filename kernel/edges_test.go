package kernel

import (
	"bufio"
	"context"
	"errors"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/mem"
	"github.com/baremetaldevx86/microdr/trace"
)

// Each backend refuses what can't be run, and runs what is merely empty.
func TestEdges(t *testing.T) {
	for _, backend := range Backends() {
		e := New(Options{Backend: backend})
		k, err := e.Compile(affine(64, 1, false))
		if err != nil {
			t.Fatal(err)
		}
		in, out := mustBuffer(t, e, 64), mustBuffer(t, e, 64)
		run := func(a, b *Buffer) error {
			return k.Run(context.Background(), Args{Uniforms: []float64{2}, Buffers: []*Buffer{a, b}})
		}
		if err := run(in, in); err == nil || !strings.Contains(err.Error(), "one buffer for in and out") {
			t.Errorf("%s: one buffer to read and write: %v", backend, err)
		}
		if err := run(in, out); err != nil {
			t.Error(err)
		}
		k.Close()
		if err := run(in, out); err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("%s: a closed kernel: %v", backend, err)
		}
		if _, err := e.NewBuffer(ir.F32, 1<<62); err == nil {
			t.Errorf("%s: a buffer of 2^62 elements", backend)
		}
		empty, err := e.Compile(affine(0, 1, false))
		if err != nil {
			t.Fatal(err)
		}
		nothing, too := mustBuffer(t, e, 0), mustBuffer(t, e, 0)
		if err := empty.Run(context.Background(), Args{Uniforms: []float64{2}, Buffers: []*Buffer{nothing, too}}); err != nil {
			t.Errorf("%s: no lanes: %v", backend, err)
		}
		empty.Close()
		for _, b := range []*Buffer{in, out, nothing, too} {
			b.Free()
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A lane that goes on for minutes is left when the context ends.
func TestCancelInsideALane(t *testing.T) {
	for _, backend := range machines(t) {
		m := &ir.Module{Name: "endless"}
		out := m.AddBuffer("out", ir.F32, ir.Output, 16)
		r := trace.New(m)
		end, _ := trace.While(r, 1<<31-1, r.Lane().Float(), func(x trace.Float) (trace.Bool, trace.Float) {
			return r.Bool(true), x.Times(0.999).Plus(1)
		})
		r.Store(out, r.Lane(), end)
		m.AddMap("loop", r.Program(), 16)
		e := New(Options{Backend: backend})
		k, err := e.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(5*time.Millisecond, cancel)
		if err := k.Run(ctx, Args{Buffers: []*Buffer{mustBuffer(t, e, 16)}}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want the context's error", backend, err)
		}
		k.Close()
		e.Close()
	}
}

// A temporary that is written past its end, and not whole, starts as zero in every run.
func TestTemporaryStartsAsZero(t *testing.T) {
	const n = 64
	m := &ir.Module{Name: "temporary"}
	tmp, out := m.AddBuffer("tmp", ir.F32, ir.Temp, 2*n), m.AddBuffer("out", ir.F32, ir.Output, 2*n)
	r := trace.New(m)
	r.Store(tmp, r.Lane(), r.Float(1))
	r.Store(tmp, r.Lane().Plus(5*n), r.Float(2)) // outside
	m.AddMap("half", r.Program(), n)
	r = trace.New(m)
	r.Store(out, r.Lane(), r.Gather(tmp, r.Lane()))
	m.AddMap("copy", r.Program(), 2*n)
	r = trace.New(m)
	r.Store(tmp, r.Lane(), r.Float(42))
	m.AddMap("spoil", r.Program(), 2*n)
	e := New(Options{})
	defer e.Close()
	k, err := e.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	b := mustBuffer(t, e, 2*n)
	defer b.Free()
	for range 2 {
		if err := k.Run(context.Background(), Args{Buffers: []*Buffer{nil, b}}); err != nil {
			t.Fatal(err)
		}
		if got := b.Float32s(); got[0] != 1 || got[n] != 0 {
			t.Errorf("got %v and %v, want 1 and 0", got[0], got[n])
		}
	}
}

// A buffer whose pages are gone: an address far from zero.
func TestFreedPages(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a fault in code that is not Go's ends the process")
	}
	for _, backend := range machines(t) {
		for _, scattered := range []bool{false, true} {
			e := New(Options{Backend: backend, Workers: 1})
			k, err := e.Compile(affine(300, 1, scattered))
			if err != nil {
				t.Fatal(err)
			}
			gone, err := mem.OS{}.ReserveCode(1 << 26)
			if err != nil {
				t.Fatal(err)
			}
			if err := (mem.OS{}).ReleaseCode(gone); err != nil {
				t.Fatal(err)
			}
			in, out := mustBuffer(t, e, 300), mustBuffer(t, e, 300)
			good := in.span
			in.span = gone.Sub(1<<25, 1<<26)
			err = k.Run(context.Background(), Args{Uniforms: []float64{2}, Buffers: []*Buffer{in, out}})
			if in.span = good; !errors.Is(err, jit.ErrAddress) {
				t.Errorf("%s: got %v, want a bad address", backend, err)
			}
			k.Close()
			in.Free()
			out.Free()
			e.Close()
		}
	}
}

// No page is writable and executable, while kernels of many engines are compiled and run; and what engines held is gone
// when they are lost.
func TestPagesOfCode(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks at /proc/self/maps")
	}
	backend := machines(t)[0]
	before := executableMaps(t)
	for range 40 {
		e := New(Options{Backend: backend})
		k, err := e.Compile(affine(300, 1, false))
		if err != nil {
			t.Fatal(err)
		}
		if executableMaps(t) <= before {
			t.Error("code on no executable page")
		}
		k.Close()
	}
	for range 50 {
		runtime.GC()
		time.Sleep(time.Millisecond)
		if executableMaps(t) <= before+2 {
			return
		}
	}
	t.Errorf("%d executable mappings before, %d after 40 lost engines", before, executableMaps(t))
}

// executableMaps counts the process's executable mappings, none of which may be writable.
func executableMaps(t *testing.T) int {
	t.Helper()
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		mode := strings.Fields(lines.Text())[1]
		if mode[2] == 'x' {
			n++
		}
		if mode[1] == 'w' && mode[2] == 'x' {
			t.Errorf("writable and executable: %s", lines.Text())
		}
	}
	return n
}

// A clamp by NaN clamps nothing: an exponent behind it may be infinite, which takes any number but NaN along.
func TestScaleBehindClampsByNaN(t *testing.T) {
	for _, backend := range Backends() {
		m := &ir.Module{Name: "scale"}
		out := m.AddBuffer("out", ir.F32, ir.Output, 16)
		b := ir.NewBuilder(m)
		x, n := b.Uniform("x", ir.F32), b.Uniform("n", ir.F32)
		nan, low := b.ConstF32(float32(math.NaN())), b.ConstF32(-5)
		clamped := b.Select(b.Binary(ir.OpLt, n, low), low, n)
		clamped = b.Select(b.Binary(ir.OpLt, nan, clamped), nan, clamped)
		b.Store(out, b.Lane(), b.Binary(ir.OpScale, x, clamped))
		m.AddMap("scale", b.Program(), 16)
		e := New(Options{Backend: backend})
		k, err := e.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		buffer := mustBuffer(t, e, 16)
		if err := k.Run(context.Background(), Args{Uniforms: []float64{math.NaN(), math.Inf(1)}, Buffers: []*Buffer{buffer}}); err != nil {
			t.Fatal(err)
		}
		if got := buffer.Float32s()[3]; got == got {
			t.Errorf("%s: NaN times 2^Inf is %v", backend, got)
		}
		k.Close()
		buffer.Free()
		e.Close()
	}
}

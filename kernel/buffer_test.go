package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/trace"
)

// scale multiplies n numbers by a uniform, through a temporary.
func scale(n int) *ir.Module {
	m := &ir.Module{Name: "scale"}
	in := m.AddBuffer("in", ir.F32, ir.Input, n)
	tmp := m.AddBuffer("tmp", ir.F32, ir.Temp, n)
	out := m.AddBuffer("out", ir.F32, ir.Output, n)
	r := trace.New(m)
	r.Store(tmp, r.Lane(), r.Gather(in, r.Lane()).Mul(r.Uniform("k")))
	m.AddMap("scale", r.Program(), n)
	r = trace.New(m)
	r.Store(out, r.Lane(), r.Gather(tmp, r.Lane()))
	m.AddMap("copy", r.Program(), n)
	return m
}

func newBuffer(t *testing.T, e *kernel.Engine, typ ir.Type, n int) *kernel.Buffer {
	t.Helper()
	b, err := e.NewBuffer(typ, n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestArguments(t *testing.T) {
	e, other := kernel.New(kernel.Options{}), kernel.New(kernel.Options{})
	defer e.Close()
	defer other.Close()
	k, err := e.Compile(scale(8))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	in, out := newBuffer(t, e, ir.F32, 8), newBuffer(t, e, ir.F32, 8)
	freed := newBuffer(t, e, ir.F32, 8)
	freed.Free()
	freed.Free() // does nothing
	u := []float64{2}
	rows := []struct {
		name     string
		uniforms []float64
		buffers  []*kernel.Buffer
		want     string // part of the error, "" for none
	}{
		{"right", u, []*kernel.Buffer{in, nil, out}, ""},
		{"a temporary given", u, []*kernel.Buffer{in, newBuffer(t, e, ir.F32, 8), out}, ""},
		{"no uniforms", nil, []*kernel.Buffer{in, nil, out}, "takes 1 uniforms and 3 buffers, not 0 and 3"},
		{"too few buffers", u, []*kernel.Buffer{in, out}, "takes 1 uniforms and 3 buffers, not 1 and 2"},
		{"no input", u, []*kernel.Buffer{nil, nil, out}, "needs a buffer of 8 f32 for in"},
		{"no output", u, []*kernel.Buffer{in, nil, nil}, "needs a buffer of 8 f32 for out"},
		{"too short", u, []*kernel.Buffer{newBuffer(t, e, ir.F32, 7), nil, out}, "needs a buffer of 8 f32 for in"},
		{"another type", u, []*kernel.Buffer{in, nil, newBuffer(t, e, ir.I32, 8)}, "needs a buffer of 8 f32 for out"},
		{"another engine's", u, []*kernel.Buffer{in, nil, newBuffer(t, other, ir.F32, 8)}, "needs a buffer of 8 f32 for out"},
		{"freed", u, []*kernel.Buffer{freed, nil, out}, "needs a buffer of 8 f32 for in"},
	}
	in.Write([]float64{0, 1, 2, 3, 4, 5, 6, 7})
	for _, row := range rows {
		clear(out.Float32s())
		err := k.Run(context.Background(), kernel.Args{Uniforms: row.uniforms, Buffers: row.buffers})
		want := []float32{0, 2, 4, 6, 8, 10, 12, 14}
		if row.want != "" {
			want = make([]float32, 8)
		}
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: got error %v, want %q", row.name, err, row.want)
		}
		if !slices.Equal(out.Float32s(), want) {
			t.Errorf("%s: out is %v, want %v", row.name, out.Float32s(), want)
		}
	}
}

// Elements survive being written and read, at both precisions.
func TestBufferElements(t *testing.T) {
	rows := []struct {
		typ         ir.Type
		write, want []float64
		wide        []float64 // as read from an engine of Float64, if other
	}{
		{typ: ir.F32, write: []float64{1, -0.5, 0.1}, want: []float64{1, -0.5, float64(float32(0.1))}, wide: []float64{1, -0.5, 0.1}},
		{typ: ir.F64, write: []float64{1, 0.1, -3e200}, want: []float64{1, 0.1, -3e200}},
		{typ: ir.I32, write: []float64{-1, 7, 1 << 30}, want: []float64{-1, 7, 1 << 30}},
		{typ: ir.U32, write: []float64{0, 7, 1<<32 - 1}, want: []float64{0, 7, 1<<32 - 1}},
		{typ: ir.Bool, write: []float64{0, 1, 5}, want: []float64{0, 1, 1}},
		{typ: ir.F16, write: []float64{1.5, -2, 0.25}, want: []float64{1.5, -2, 0.25}},
		{typ: ir.BF16, write: []float64{1.5, -2, 1e30}, want: []float64{1.5, -2, float64(ir.FromHalf(ir.BF16, ir.ToHalf(ir.BF16, 1e30)))}},
	}
	for _, precision := range []kernel.Precision{kernel.Float32, kernel.Float64} {
		e := kernel.New(kernel.Options{Precision: precision})
		for _, row := range rows {
			b := newBuffer(t, e, row.typ, 3)
			b.Write(row.write)
			got := make([]float64, 3)
			b.Read(got)
			want := row.want
			if precision == kernel.Float64 && row.wide != nil {
				want = row.wide
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v at precision %v: got %v, want %v", row.typ, precision, got, want)
			}
			b.Free()
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A run cancelled between tiles leaves a kernel whose next run is right.
func TestCancelMidway(t *testing.T) {
	const n = 5000
	e := kernel.New(kernel.Options{Workers: 2, TileLanes: 256})
	defer e.Close()
	k, err := e.Compile(scale(n))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	in, out := newBuffer(t, e, ir.F32, n), newBuffer(t, e, ir.F32, n)
	for i := range in.Float32s() {
		in.Float32s()[i] = float32(i)
	}
	args := kernel.Args{Uniforms: []float64{3}, Buffers: []*kernel.Buffer{in, nil, out}}
	for _, stop := range []int{256, 1024, 5000, 7000} {
		ctx, cancel := context.WithCancel(context.Background())
		last := 0
		args.Progress = func(done, total int) {
			if last = done; done >= stop {
				cancel()
			}
			if total != 2*n {
				t.Errorf("%d lanes in all, want %d", total, 2*n)
			}
		}
		if err := k.Run(ctx, args); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped at %d: got %v, want the context's error", stop, err)
		}
		if last < stop || last >= 2*n {
			t.Errorf("stopped at %d: %d lanes done of %d", stop, last, 2*n)
		}
	}
	args.Progress = nil
	if err := k.Run(context.Background(), args); err != nil {
		t.Fatal(err)
	}
	for i, got := range out.Float32s() {
		if want := 3 * float32(i); got != want {
			t.Fatalf("after the cancelled runs: out[%d] is %v, want %v", i, got, want)
		}
	}
}

func TestClose(t *testing.T) {
	e := kernel.New(kernel.Options{})
	b := newBuffer(t, e, ir.F32, 100)
	if live := e.Memory().Live; live != 400+jit.Slack {
		t.Errorf("%d bytes live, want %d", live, 400+jit.Slack)
	}
	b.Free()
	if live := e.Memory().Live; live != 0 {
		t.Errorf("%d bytes live after Free, want none", live)
	}
	b = newBuffer(t, e, ir.F32, 100)
	if err := e.Close(); err == nil || !strings.Contains(err.Error(), fmt.Sprint(400+jit.Slack, " bytes live")) {
		t.Errorf("closed over a live buffer with error %v", err)
	}
	if c := e.Memory(); c.Live != 0 || c.Reserved != 0 {
		t.Errorf("after Close: %+v", c)
	}
	b.Free() // does nothing
	if _, err := e.NewBuffer(ir.F32, 1); err == nil {
		t.Error("a closed engine made a buffer")
	}
}

// A buffer lost without Free is returned by the collector, before Close or after.
func TestLostBuffer(t *testing.T) {
	e := kernel.New(kernel.Options{})
	func() { newBuffer(t, e, ir.F32, 1<<20) }()
	for wait := 0; e.Memory().Live != 0; wait++ {
		if wait == 2000 {
			t.Fatalf("%d bytes are still live", e.Memory().Live)
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	func() { newBuffer(t, e, ir.F32, 1<<20) }()
	e.Close()
	runtime.GC()
}

func TestNewBufferErrors(t *testing.T) {
	e := kernel.New(kernel.Options{})
	defer e.Close()
	for _, n := range []int{-1, 1 << 60} {
		if _, err := e.NewBuffer(ir.F32, n); err == nil || !strings.HasPrefix(err.Error(), "kernel: ") {
			t.Errorf("a buffer of %d: got error %v", n, err)
		}
	}
	if b := newBuffer(t, e, ir.F32, 0); len(b.Float32s()) != 0 {
		t.Error("an empty buffer has elements")
	}
}

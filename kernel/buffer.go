package kernel

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/mem"
)

// Buffer is an array that modules read and write. Its storage lies outside the garbage collector and may one day
// lie on another device: reach the elements through the methods. Free gives the storage back; a buffer that is lost
// without it gives it back when the collector finds out, so a view of its elements is good only while the Buffer
// itself is in use.
type Buffer struct {
	engine  *Engine
	typ     ir.Type
	len     int
	span    mem.Span
	cleanup runtime.Cleanup
}

// store is the memory of an engine's buffers, or of its workers. Unlike the engine it may be held by the cleanups of
// lost buffers, which run at any time, after Close too.
type store struct {
	heap mem.Vectors

	mu     sync.Mutex // guards the heap against being closed between the look at closed and the use; closed is set under it
	closed atomic.Bool
}

func newStore(o mem.Options) *store { return &store{heap: mem.Vectors{Heap: mem.NewHeap(o)}} }

// Alloc implements [jit.Memory].
func (s *store) Alloc(size int) (mem.Span, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return mem.Span{}, errClosed
	}
	return s.heap.Alloc(size)
}

// Free implements [jit.Memory].
func (s *store) Free(span mem.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed.Load() {
		s.heap.Free(span)
	}
}

func (s *store) isClosed() bool { return s.closed.Load() }

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed.Store(true)
	return s.heap.Close()
}

// elementSize returns the bytes of an element of type t at precision p.
func elementSize(t ir.Type, p Precision) int {
	if t == ir.F32 && p == Float64 {
		return 8
	}
	return t.Size()
}

// NewBuffer allocates a zeroed buffer of n elements.
func (e *Engine) NewBuffer(t ir.Type, n int) (*Buffer, error) {
	if n < 0 || n > ir.MaxElements {
		return nil, fmt.Errorf("kernel: a buffer of %d elements", n)
	}
	span, err := e.store.Alloc(n*elementSize(t, e.options.Precision) + jit.Slack)
	if err != nil {
		return nil, fmt.Errorf("kernel: a buffer of %d %v: %w", n, t, err)
	}
	clear(span.Bytes())
	b := &Buffer{engine: e, typ: t, len: n, span: span}
	b.cleanup = runtime.AddCleanup(b, e.store.Free, span)
	return b, nil
}

// Free gives the storage back; the buffer must not be used again. Freeing nil, or twice, does nothing.
func (b *Buffer) Free() {
	if b != nil && b.engine != nil {
		b.cleanup.Stop()
		b.engine.store.Free(b.span)
		b.engine = nil
		runtime.KeepAlive(b)
	}
}

// Len returns the number of elements.
func (b *Buffer) Len() int { return b.len }

// Type returns the type of the elements.
func (b *Buffer) Type() ir.Type { return b.typ }

func (b *Buffer) memory() eval.Memory { return eval.Memory{Ptr: b.span.Base(), Len: b.len} }

func view[T any](b *Buffer) []T { return unsafe.Slice((*T)(b.span.Base()), b.len) }

// wide tells whether the elements are stored as float64.
func (b *Buffer) wide() bool {
	return b.typ == ir.F64 || b.typ == ir.F32 && b.engine.options.Precision == Float64
}

// Float32s maps the elements of a float32 buffer of an engine at precision Float32; the slice is valid until
// Free, while the Buffer is in use. Other buffers have no such view, and asking for one is a mistake that panics.
func (b *Buffer) Float32s() []float32 {
	if b.typ != ir.F32 || b.wide() {
		panic(fmt.Sprintf("kernel: float32 view of a buffer of %v at another precision", b.typ))
	}
	return view[float32](b)
}

// Words maps the elements of an int32 or uint32 buffer.
func (b *Buffer) Words() []uint32 {
	if !b.typ.IsInt() {
		panic(fmt.Sprintf("kernel: word view of a buffer of %v", b.typ))
	}
	return view[uint32](b)
}

// Bytes maps the elements of a buffer of uint8 or of truth values, which are 0 or 1.
func (b *Buffer) Bytes() []uint8 {
	if b.typ.Size() != 1 {
		panic(fmt.Sprintf("kernel: byte view of a buffer of %v", b.typ))
	}
	return view[uint8](b)
}

// Read copies the elements to dst as float64, converting as needed; truth values are 0 or 1. dst has Len elements,
// or fewer.
func (b *Buffer) Read(dst []float64) {
	defer runtime.KeepAlive(b)
	switch {
	case b.wide():
		copy(dst, view[float64](b))
	case b.typ == ir.F32:
		for i, x := range view[float32](b)[:len(dst)] {
			dst[i] = float64(x)
		}
	case b.typ == ir.I32:
		for i, x := range view[int32](b)[:len(dst)] {
			dst[i] = float64(x)
		}
	case b.typ == ir.U32:
		for i, x := range view[uint32](b)[:len(dst)] {
			dst[i] = float64(x)
		}
	case b.typ == ir.Bool || b.typ == ir.U8:
		for i, x := range view[uint8](b)[:len(dst)] {
			dst[i] = float64(x)
		}
	default:
		for i, x := range view[uint16](b)[:len(dst)] {
			dst[i] = float64(ir.FromHalf(b.typ, x))
		}
	}
}

// Write sets the first len(src) elements, converting as needed.
func (b *Buffer) Write(src []float64) {
	defer runtime.KeepAlive(b)
	switch {
	case b.wide():
		copy(view[float64](b), src)
	case b.typ == ir.F32:
		dst := view[float32](b)
		for i, x := range src {
			dst[i] = float32(x)
		}
	case b.typ.IsInt():
		dst := view[uint32](b)
		for i, x := range src {
			dst[i] = uint32(int64(x))
		}
	case b.typ == ir.U8:
		dst := view[uint8](b)
		for i, x := range src {
			dst[i] = uint8(int64(x))
		}
	case b.typ == ir.Bool:
		dst := view[bool](b)
		for i, x := range src {
			dst[i] = x != 0
		}
	default:
		dst := view[uint16](b)
		for i, x := range src {
			dst[i] = ir.ToHalf(b.typ, float32(x))
		}
	}
}

// Write32 sets the first len(src) elements of a float32 buffer, at either precision.
func (b *Buffer) Write32(src []float32) {
	defer runtime.KeepAlive(b)
	if b.typ == ir.F32 && !b.wide() {
		copy(view[float32](b), src)
		return
	}
	dst := view[float64](b)
	for i, x := range src {
		dst[i] = float64(x)
	}
}

// Floats returns the elements of a float32 buffer as float32: a view of them where the engine computes in float32, a
// rounded copy under the oracle.
func (b *Buffer) Floats() []float32 {
	defer runtime.KeepAlive(b)
	if b.typ == ir.F32 && !b.wide() {
		return view[float32](b)
	}
	out := make([]float32, b.len)
	for i, x := range view[float64](b) {
		out[i] = float32(x)
	}
	return out
}

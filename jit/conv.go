package jit

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
	"github.com/baremetaldevx86/microdr/mem"
)

// Conv is a compiled convolution. It serves any number of workers.
//
// A run takes steps, one after the other; a step has pieces, which workers may do at the same time. Pieces depend on
// the geometry alone; which worker does which piece changes no bit.
type Conv struct {
	convPlan
	pages *Pages
	at    placement
}

// convPlan is how a mode is executed.
type convPlan interface {
	// steps is how many there are, pieces how many a step has.
	steps() int
	pieces(step int) int
	// shared is how many bytes all workers of a run share; private those of one worker.
	shared() int
	private() int
	// emit writes the code.
	emit(code *amd64.Code)
	// prepare fills in a new worker's memory; run does a piece.
	prepare(w *ConvWorker)
	run(w *ConvWorker, step, piece int) error
}

// ConvArrays are what a run reads and writes: the inputs in the order of the stage's, the output, and memory of Shared
// bytes that the workers have in common, of any contents.
type ConvArrays struct{ First, Second, Out, Shared unsafe.Pointer }

// CompileConv turns a convolution of float32 into machine code on pages. The error says that addresses do not reach
// over its arrays, or that the system refuses executable memory.
func CompileConv(c *ir.Conv, to Target, pages *Pages) (*Conv, error) {
	plan, err := newConvPlan(c, targets[to])
	if err != nil {
		return nil, err
	}
	code := &amd64.Code{}
	plan.emit(code)
	if code.Unplaced() {
		panic("jit: a jump leads nowhere")
	}
	at, err := pages.place(code.Bytes)
	if err != nil {
		return nil, fmt.Errorf("jit: %w", err)
	}
	return &Conv{plan, pages, at}, nil
}

func newConvPlan(c *ir.Conv, t *target) (convPlan, error) {
	if c.Mode == ir.ConvFilter {
		return newFilterPlan(c, t)
	}
	return newSlidePlan(c, t)
}

// Close frees the code. No worker may be running it.
func (c *Conv) Close() error { return c.pages.free(c.at) }

// Steps returns the number of steps of a run.
func (c *Conv) Steps() int { return c.steps() }

// Pieces returns the number of pieces of a step.
func (c *Conv) Pieces(step int) int { return c.pieces(step) }

// Shared returns how many bytes the workers of a run share.
func (c *Conv) Shared() int { return c.shared() }

// Private returns how many bytes a worker has for itself.
func (c *Conv) Private() int { return c.private() }

// ConvWorker does pieces of a convolution, for one goroutine at a time.
type ConvWorker struct {
	c      *Conv
	heap   Memory
	span   mem.Span
	arrays ConvArrays
	stop   <-chan struct{}

	step, piece int
	work        func() error // does the piece
	turning     PackCall
}

// NewWorker returns a worker whose memory comes from heap.
func (c *Conv) NewWorker(heap Memory) (*ConvWorker, error) {
	span, err := heap.Alloc(c.private())
	if err != nil {
		return nil, fmt.Errorf("jit: %w", err)
	}
	clear(span.Bytes())
	w := &ConvWorker{c: c, heap: heap, span: span}
	w.work = func() error { return c.run(w, w.step, w.piece) }
	c.prepare(w)
	return w, nil
}

// Close gives the worker's memory back.
func (w *ConvWorker) Close() { w.heap.Free(w.span) }

// Begin takes the arguments of a run. Closing stop, which may be nil, ends it.
func (w *ConvWorker) Begin(a ConvArrays, stop <-chan struct{}) { w.arrays, w.stop = a, stop }

// Run does a piece of a step, in calls of at most some ten microseconds. The error tells of an access to memory that is
// not there, or is ErrStopped if stop was closed between two calls.
func (w *ConvWorker) Run(step, piece int) error {
	w.step, w.piece = step, piece
	return Guard(w.work)
}

// set writes 8 bytes of the frame.
func (w *ConvWorker) set(at int, x int) { *(*int)(unsafe.Add(w.span.Base(), at)) = x }

func (w *ConvWorker) setBool(at int, x bool) {
	w.set(at, 0)
	if x {
		w.set(at, 1)
	}
}

func (w *ConvWorker) setAddress(at int, p unsafe.Pointer) {
	*(*unsafe.Pointer)(unsafe.Add(w.span.Base(), at)) = p
}

// call enters the code at an offset, and then looks whether the run has been stopped.
func (w *ConvWorker) call(offset int) error {
	amd64.Enter(unsafe.Add(w.c.at.code, offset), w.span.Base())
	select {
	case <-w.stop:
		return ErrStopped
	default:
		return nil
	}
}

// floats is a part of the worker's memory, from an offset in bytes on.
func (w *ConvWorker) floats(at, n int) []float32 { return floatsAt(w.span.Base(), at/4, n) }

// floatsAt views n floats from number first of an array on.
func floatsAt(array unsafe.Pointer, first, n int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Add(array, 4*first)), n)
}

// convLayout hands out parts of a worker's memory, aligned to vectors.
type convLayout struct{ size int }

func (l *convLayout) take(bytes int) (at int) {
	at = l.size
	l.size += (bytes + vectorSlot - 1) &^ (vectorSlot - 1)
	return at
}

// convFrame is the size of a frame: 0 to 127 for the sums, behind that for what pads.
const convFrame = 192

// callWork is about how many cycles a call takes at most.
const callWork = 30_000

// remaining lists what is left of sizes when whole blocks are taken off, and the block, without repetition and without
// 0.
func remaining(block int, sizes ...int) []int {
	var list []int
	for _, n := range sizes {
		if n >= block {
			list = append(list, block)
		}
		if n%block > 0 {
			list = append(list, n%block)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

package kernel

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
)

// code is a compiled lane program, whatever the backend.
type code interface {
	// scatterAdds returns the buffers of the program's scatter_adds, by number.
	scatterAdds() []int
	// newWorker returns what executes lanes on one goroutine; its memory comes from heap.
	newWorker(heap jit.Memory) (worker, error)
	// close frees the code, after its workers.
	close() error
}

// worker executes lanes for one goroutine at a time.
type worker interface {
	// begin takes the arguments of a run.
	begin(l *launch) error
	// run executes the lanes [lo, hi): whole blocks but for the last of the stage, or, where nothing is added up over
	// lanes, any. The error tells of memory that is not there, or is the context's; that may come when all is done, too.
	run(ctx context.Context, lo, hi int) error
	// window makes stores to a buffer, those of lanes to the elements of their numbers, go to other memory: the element
	// first lies at the address. It is said after begin.
	window(buffer int, at unsafe.Pointer, first int)
	close()
}

// launch is what the lanes of one run of a stage share, in the words of both kinds of executor.
type launch struct {
	eval eval.Launch
	jit  jit.Launch
}

// evalCode is a program for the portable executor.
type evalCode struct {
	*eval.Code
	adds []int
}

func newEvalCode(m *ir.Module, p *ir.Program, precision Precision) (*evalCode, error) {
	c, err := eval.Compile(m, p, precision)
	if err != nil {
		return nil, err
	}
	return &evalCode{c, c.ScatterAdds()}, nil
}

func (c *evalCode) scatterAdds() []int                   { return c.adds }
func (c *evalCode) newWorker(jit.Memory) (worker, error) { return &evalWorker{c.NewWorker()}, nil }
func (c *evalCode) close() error                         { return nil }

type evalWorker struct{ eval.Worker }

func (w *evalWorker) begin(l *launch) error {
	w.Begin(&l.eval)
	return nil
}

// run looks for the context's end between blocks.
func (w *evalWorker) run(ctx context.Context, lo, hi int) error {
	for ; lo < hi; lo += eval.Width {
		w.Run(lo, min(lo+eval.Width, hi))
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (w *evalWorker) window(buffer int, at unsafe.Pointer, first int) { w.Window(buffer, at, first) }
func (w *evalWorker) close()                                          {}

// jitCode is a program as machine code.
type jitCode struct {
	*jit.Program
	adds []int
}

func newJITCode(m *ir.Module, s *ir.Stage, t jit.Target, pages *jit.Pages, o jit.Options) (*jitCode, error) {
	p, err := jit.Compile(m, s, t, pages, o)
	if err != nil {
		return nil, err
	}
	c := &jitCode{Program: p}
	for _, i := range p.ScatterAdds() {
		c.adds = append(c.adds, s.Prog.Effects[i].Buffer)
	}
	return c, nil
}

func (c *jitCode) scatterAdds() []int { return c.adds }
func (c *jitCode) close() error       { return c.Close() }

func (c *jitCode) newWorker(heap jit.Memory) (worker, error) {
	w, err := c.NewWorker(heap)
	if err != nil {
		return nil, err
	}
	return &jitWorker{w}, nil
}

type jitWorker struct{ *jit.Worker }

func (w *jitWorker) begin(l *launch) error { return w.Begin(&l.jit) }
func (w *jitWorker) close()                { w.Close() }

func (w *jitWorker) window(buffer int, at unsafe.Pointer, first int) { w.Window(buffer, at, first) }

func (w *jitWorker) run(ctx context.Context, lo, hi int) error {
	if err := w.Run(lo, hi, ctx.Done()); err != jit.ErrStopped {
		return err
	}
	return ctx.Err()
}

// compile chooses the backend for one map stage. The portable executor serves what there are no instructions for:
// transcendentals on float64.
func (e *Engine) compile(m *ir.Module, s *ir.Stage, o jit.Options) (code, error) {
	if e.backend == Eval {
		return newEvalCode(m, s.Prog, e.options.Precision)
	}
	c, err := newJITCode(m, s, e.backend.target(), e.pages, o)
	if errors.Is(err, jit.ErrUnsupported) {
		return newEvalCode(m, s.Prog, e.options.Precision)
	}
	return c, err
}

// pairs are what the scatter_adds of a stage collect: an index and a value for each lane, in memory at places.
func (k *Kernel) pairs(s *stage, places []place, lanes int) error {
	s.launch.eval.Pairs = s.launch.eval.Pairs[:0]
	clear(s.launch.jit.Pairs)
	for i, b := range s.code.scatterAdds() {
		t := k.module.Buffers[b].Type
		if !t.IsFloat() && !t.IsInt() {
			return fmt.Errorf("kernel: scatter_add into a buffer of %v", t)
		}
		size := elementSize(t, k.engine.options.Precision)
		index, values := k.at(&places[2*i]), k.at(&places[2*i+1])
		p := eval.Pair{Index: unsafe.Slice((*int32)(index), lanes)}
		switch {
		case t.IsFloat() && size == 8:
			p.F64 = unsafe.Slice((*float64)(values), lanes)
		case t == ir.F32:
			p.F32 = unsafe.Slice((*float32)(values), lanes)
		default:
			p.U32 = unsafe.Slice((*uint32)(values), lanes)
		}
		s.launch.eval.Pairs = append(s.launch.eval.Pairs, p)
		s.launch.jit.Pairs[s.adds[i]] = jit.Pair{Index: index, Values: values}
	}
	return nil
}

package kernel

import (
	"errors"
	"fmt"
	"runtime/pprof"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
)

// convolution is what executes a conv stage: machine code, or the portable executor where there is none.
type convolution struct {
	code    *jit.Conv
	workers []*jit.ConvWorker
	step    int // of the run
	piece   int // for the portable executor: elements of the output between two looks for the context's end
}

// pieceFMAs is about how many multiply-adds of the portable executor make a piece: half a millisecond.
const pieceFMAs = 1 << 18

// prepareConv chooses what executes a convolution.
func (k *Kernel) prepareConv(s *stage) error {
	outs := k.module.Buffers[s.Out[0]].Len()
	s.conv.piece = max(1, pieceFMAs/max(1, s.Conv.FMAs()/outs))
	var err error
	s.conv.code, err = k.engine.convCode(k.module, s.Stage)
	return err
}

// convCode compiles a convolution; it is nil where the portable executor serves: for float64, and for what code's
// addresses do not reach over.
func (e *Engine) convCode(m *ir.Module, s *ir.Stage) (*jit.Conv, error) {
	if e.backend == Eval || m.Buffers[s.Out[0]].Type != ir.F32 {
		return nil, nil
	}
	code, err := jit.CompileConv(s.Conv, e.backend.target(), e.pages)
	if errors.Is(err, jit.ErrUnsupported) {
		return nil, nil
	}
	return code, err
}

func (c *convolution) release() error {
	for _, w := range c.workers {
		w.Close()
	}
	c.workers = nil
	code := c.code
	if c.code = nil; code == nil {
		return nil
	}
	return code.Close()
}

// shared is how many bytes the workers of a run have in common.
func (c *convolution) shared() int {
	if c.code == nil {
		return 0
	}
	return c.code.Shared()
}

// convStage runs a convolution; own is the memory that its workers have in common.
func (k *Kernel) convStage(s *stage, own []place) error {
	r := &k.now
	r.stage, r.tile = s, 1
	if s.conv.code == nil {
		r.tile = s.conv.piece
		return k.convPieces(k.module.Buffers[s.Out[0]].Len())
	}
	arrays := jit.ConvArrays{First: k.buffers[s.In[0]].Ptr, Second: k.buffers[s.In[1]].Ptr, Out: k.buffers[s.Out[0]].Ptr,
		Shared: k.at(&own[0])}
	if err := k.convWorkers(s, &arrays, k.convCrew(s)); err != nil {
		return err
	}
	for s.conv.step = range s.conv.code.Steps() {
		if err := k.convPieces(s.conv.code.Pieces(s.conv.step)); err != nil {
			return err
		}
	}
	r.progress.add(k.module.Buffers[s.Out[0]].Len())
	return nil
}

// convCrew is how many workers a run has: some for the step with the most pieces.
func (k *Kernel) convCrew(s *stage) int {
	most := 0
	for step := range s.conv.code.Steps() {
		most = max(most, s.conv.code.Pieces(step))
	}
	return min(k.engine.options.Workers, most)
}

// convWorkers sees to n workers that know the arguments of the run.
func (k *Kernel) convWorkers(s *stage, a *jit.ConvArrays, n int) error {
	for len(s.conv.workers) < n {
		w, err := s.conv.code.NewWorker(k.engine.heap)
		if err != nil {
			return fmt.Errorf("kernel: module %q, stage %s: %w", k.module.Name, s.Name, err)
		}
		s.conv.workers = append(s.conv.workers, w)
	}
	for _, w := range s.conv.workers[:n] {
		w.Begin(*a, k.now.ctx.Done())
	}
	return nil
}

// convPieces does n pieces, or computes n elements.
func (k *Kernel) convPieces(n int) error {
	r := &k.now
	r.outs = n
	r.next.Store(0)
	return k.parallel(min(k.engine.options.Workers, (n+r.tile-1)/r.tile), k.works.conv)
}

// convPart does pieces until none is left.
func (k *Kernel) convPart(w int) {
	r := &k.now
	pprof.SetGoroutineLabels(r.stage.labels)
	for k.errs[w] == nil {
		lo := int(r.next.Add(1)-1) * r.tile
		if lo >= r.outs {
			return
		}
		if k.errs[w] = r.ctx.Err(); k.errs[w] == nil {
			k.errs[w] = k.convPiece(w, lo)
		}
	}
}

func (k *Kernel) convPiece(w, lo int) error {
	r := &k.now
	c := &r.stage.conv
	if c.code == nil {
		hi := min(lo+r.tile, r.outs)
		eval.Conv(k.module, r.stage.Stage, k.engine.options.Precision, k.buffers, lo, hi)
		r.progress.add(hi - lo)
		return nil
	}
	switch err := c.workers[w].Run(c.step, lo); {
	case err == jit.ErrStopped:
		return r.ctx.Err()
	case err != nil:
		return k.inStage(err)
	}
	return nil
}

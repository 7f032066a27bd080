package kernel

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/mem"
)

// Kernel is a compiled module. One Run at a time; further callers wait.
type Kernel struct {
	engine *Engine
	module *ir.Module
	stages []stage
	whole  []bool // see writtenWhole

	mu      sync.Mutex // guards the run under way: its temporaries and the workers of the stages
	arena   *mem.Arena // temporaries of one run
	cleanup runtime.Cleanup
}

type stage struct {
	*ir.Stage
	code    Code
	workers []eval.Worker
}

// Args are what a run reads and writes.
type Args struct {
	Uniforms []float64 // by index in Module().Uniforms
	Buffers  []*Buffer // by index in Module().Buffers; nil for temporaries

	// Progress, if set, is called from one goroutine at a time after tiles, with lanes done of all lanes.
	Progress func(done, total int)
}

// Module returns the lowered module: its uniforms and buffers are those of the module that was compiled.
func (k *Kernel) Module() *ir.Module { return k.module }

// Close gives the temporaries back, after the run that is under way. A kernel that is lost without it gives them back
// when the collector finds out.
func (k *Kernel) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cleanup.Stop()
	return k.arena.Release()
}

// Run executes the stages in order. When ctx ends, it stops between tiles with the context's error; outputs are
// then undefined.
func (k *Kernel) Run(ctx context.Context, a Args) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer k.arena.Reset()
	defer runtime.KeepAlive(a.Buffers) // their elements are used by address
	buffers, err := k.bind(a)
	if err != nil {
		return err
	}
	p := newProgress(k, a.Progress)
	for i := range k.stages {
		s := &k.stages[i]
		if s.Kind == ir.StageReduce {
			err = k.reduce(ctx, s, buffers)
		} else {
			err = k.mapStage(ctx, s, buffers, a.Uniforms, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bind checks the arguments and allocates temporaries.
func (k *Kernel) bind(a Args) ([]eval.Memory, error) {
	m := k.module
	if len(a.Uniforms) != len(m.Uniforms) || len(a.Buffers) != len(m.Buffers) {
		return nil, fmt.Errorf("kernel: module %q takes %d uniforms and %d buffers, not %d and %d",
			m.Name, len(m.Uniforms), len(m.Buffers), len(a.Uniforms), len(a.Buffers))
	}
	buffers := make([]eval.Memory, len(m.Buffers))
	for i := range m.Buffers {
		b, got := &m.Buffers[i], a.Buffers[i]
		switch {
		case got == nil && b.Life == ir.Temp:
			span, err := k.arena.Alloc(max(b.Len(), 1) * elementSize(b.Type, k.engine.options.Precision))
			if err != nil {
				return nil, fmt.Errorf("kernel: temporary %s of module %q: %w", b.Name, m.Name, err)
			}
			if !k.whole[i] {
				clear(span.Bytes())
			}
			buffers[i] = eval.Memory{Ptr: span.Base(), Len: b.Len()}
		case got == nil || got.typ != b.Type || got.len != b.Len() || got.engine != k.engine:
			return nil, fmt.Errorf("kernel: module %q needs a buffer of %d %v for %s", m.Name, b.Len(), b.Type, b.Name)
		default:
			buffers[i] = got.memory()
		}
	}
	k.clearSums(a.Buffers)
	return buffers, nil
}

// clearSums zeroes the outputs that stages scatter_add into, so that every run starts from zero.
func (k *Kernel) clearSums(buffers []*Buffer) {
	for i := range k.stages {
		if k.stages[i].code == nil {
			continue
		}
		for _, b := range k.stages[i].code.ScatterAdds() {
			if buffers[b] != nil {
				clear(buffers[b].span.Bytes())
			}
		}
	}
}

// tileLanes is the number of lanes of a tile: a whole number of reduction blocks, about a million
// instruction-lanes, which is around a millisecond.
func (k *Kernel) tileLanes(s *stage) int {
	lanes := k.engine.options.TileLanes
	if lanes <= 0 {
		lanes = 1 << 20 / max(len(s.Prog.Nodes), 1)
	}
	return max(1, (lanes+ir.ReduceBlock-1)/ir.ReduceBlock) * ir.ReduceBlock
}

func (k *Kernel) mapStage(ctx context.Context, s *stage, buffers []eval.Memory, uniforms []float64, p *progress) error {
	lanes, tile := s.Lanes(), k.tileLanes(s)
	pairs, err := k.pairs(s, lanes)
	if err != nil {
		return err
	}
	launch := &eval.Launch{Uniforms: uniforms, Buffers: buffers, Pairs: pairs}
	n := min(k.engine.options.Workers, (lanes+tile-1)/tile)
	for len(s.workers) < n {
		s.workers = append(s.workers, s.code.NewWorker())
	}
	var next atomic.Int64
	err = parallel(n, func(w int) error {
		s.workers[w].Begin(launch)
		for {
			lo := int(next.Add(1)-1) * tile
			if lo >= lanes {
				return nil
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			hi := min(lo+tile, lanes)
			s.workers[w].Run(lo, hi)
			p.add(hi - lo)
		}
	})
	if err != nil {
		return err
	}
	return k.foldPairs(s, pairs, buffers)
}

// parallel calls f(0) .. f(n-1) on goroutines of their own and returns the first error by number.
func parallel(n int, f func(worker int) error) error {
	if n <= 1 {
		return f(0)
	}
	errs := make([]error, n)
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() { errs[w] = f(w) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// pairs allocates what the stage's scatter_adds collect.
func (k *Kernel) pairs(s *stage, lanes int) ([]eval.Pair, error) {
	var out []eval.Pair
	for _, b := range s.code.ScatterAdds() {
		t := k.module.Buffers[b].Type
		p := eval.Pair{}
		var err error
		if p.Index, _, err = mem.Make[int32](k.arena, lanes); err != nil {
			return nil, err
		}
		switch size := elementSize(t, k.engine.options.Precision); {
		case t.IsFloat() && size == 8:
			p.F64, _, err = mem.Make[float64](k.arena, lanes)
		case t == ir.F32:
			p.F32, _, err = mem.Make[float32](k.arena, lanes)
		case t.IsInt():
			p.U32, _, err = mem.Make[uint32](k.arena, lanes)
		default:
			err = fmt.Errorf("kernel: scatter_add into a buffer of %v", t)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// foldPairs adds up the scatter_adds in the order of the lanes, each worker over its own range of elements.
func (k *Kernel) foldPairs(s *stage, pairs []eval.Pair, buffers []eval.Memory) error {
	for i, b := range s.code.ScatterAdds() {
		n := k.engine.options.Workers
		size := buffers[b].Len
		if err := parallel(n, func(w int) error {
			eval.FoldPairs(&pairs[i], buffers[b], size*w/n, size*(w+1)/n)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func (k *Kernel) reduce(ctx context.Context, s *stage, buffers []eval.Memory) error {
	outs := k.module.Buffers[s.Out[0]].Len()
	n := min(k.engine.options.Workers, outs)
	if outs*s.Group < 1<<14 {
		n = 1
	}
	return parallel(n, func(w int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		eval.Reduce(k.module, s.Stage, k.engine.options.Precision, buffers, outs*w/n, outs*(w+1)/n)
		return nil
	})
}

// progress counts lanes over all map stages of a run.
type progress struct {
	report func(done, total int)
	mu     sync.Mutex
	done   int
	total  int
}

func newProgress(k *Kernel, report func(done, total int)) *progress {
	p := &progress{report: report}
	for i := range k.stages {
		if k.stages[i].Kind == ir.StageMap {
			p.total += k.stages[i].Lanes()
		}
	}
	return p
}

func (p *progress) add(lanes int) {
	if p.report == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += lanes
	p.report(p.done, p.total)
}

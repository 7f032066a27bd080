package kernel

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/mem"
)

// Kernel is a compiled module. One Run at a time; further callers wait.
type Kernel struct {
	engine *Engine
	module *ir.Module
	plan   *plan // of the temporaries, once the stages are prepared
	rooms  int   // bytes of those of workers

	mu sync.Mutex // guards the run under way, and all below
	*holdings
	cleanup runtime.Cleanup
	buffers []eval.Memory // of the run
	mirror  []jit.Buffer  // the same for machine code
	task    task          // of the run
	now     running

	temporaries mem.Span // of the run
	errs        []error  // by worker
	works       works
	closed      bool
}

// works are the parts of a run that goroutines do, made once since a method's value costs an allocation.
type works struct{ tiles, fold, reduce, axis, product, conv func(worker int) }

// holdings are what a kernel holds of its engine. One that is lost without Close gives them back when the collector
// finds out.
type holdings struct {
	arena  *mem.Arena // temporaries of one run
	cache  *cache
	stages []stage
}

// stage is a stage with its code, if it has any, and what runs it.
type stage struct {
	*ir.Stage
	entry   *cached
	code    code
	adds    []int // the effects that are scatter_adds
	workers []worker
	launch  launch
	lanes   int // of a map
	tile    int // lanes of a tile

	reduction *reduction
	product   multiplier  // of a matmul
	epilogue  *stage      // of a matmul: the next stage, which runs piece by piece
	inProduct bool        // it is one
	conv      convolution // of a conv stage
	axis      *axis
	labels    context.Context // for profiles
}

// running is the state of a stage that runs.
type running struct {
	ctx      context.Context
	progress *progress
	stage    *stage
	lanes    int
	tile     int
	next     atomic.Int64 // tile
	scatter  int          // number of the scatter_add being folded
	outs     int          // elements being folded, or tasks of a reduction
	parts    int          // goroutines that share them
	phase    int          // of a product
	pieces   int          // of the phase
}

// Args are what a run reads and writes.
type Args struct {
	Uniforms []float64 // by index in Module().Uniforms
	Buffers  []*Buffer // by index in Module().Buffers; nil for temporaries

	// Progress, if set, is called from one goroutine at a time after tiles, with lanes done of all lanes; the
	// elements of products and convolutions count as lanes. It must not panic: that ends the process.
	Progress func(done, total int)
}

func newKernel(e *Engine, low *ir.Module) *Kernel {
	n := len(low.Buffers) + 1 // and the elements of a reduction, see elementStage
	k := &Kernel{engine: e, module: low, errs: make([]error, e.options.Workers),
		buffers: make([]eval.Memory, n), mirror: make([]jit.Buffer, n),
		holdings: &holdings{arena: mem.NewArena(e.options.named("temporaries")), cache: e.cache}}
	k.works = works{k.tiles, k.fold, k.reduceTasks, k.axisTasks, k.sharedProduct, k.convPart}
	k.cleanup = runtime.AddCleanup(k, func(h *holdings) { h.release() }, k.holdings)
	return k
}

// prepare compiles a stage, or finds it compiled.
func (k *Kernel) prepare(st *stage, s *ir.Stage) error {
	*st = stage{Stage: s}
	switch s.Kind {
	case ir.StageMap:
		entry, err := k.cache.get(keyOf(k.module, s), func() (code, error) { return k.engine.compile(k.module, s, jit.Options{}) })
		if err != nil {
			return err
		}
		st.entry, st.code = entry, entry.code
		for i := range s.Prog.Effects {
			if s.Prog.Effects[i].Kind == ir.ScatterAdd {
				st.adds = append(st.adds, i)
			}
		}
		st.lanes, st.tile = s.Lanes(), k.tileLanes(s)
		st.launch.jit.Pairs = make([]jit.Pair, len(s.Prog.Effects))
	case ir.StageReduce:
		if err := k.prepareReduction(st); err != nil {
			return err
		}
	case ir.StageMatMul:
		product, err := k.newMultiplier(s)
		if err != nil {
			return err
		}
		st.product = product
	case ir.StageConv:
		if err := k.prepareConv(st); err != nil {
			return err
		}
	case ir.StageScan, ir.StageSort:
		k.prepareAxis(st)
	default:
		return fmt.Errorf("%v stages cannot run yet", s.Kind)
	}
	st.labels = pprof.WithLabels(context.Background(), pprof.Labels("kernel", k.module.Name, "stage", s.Name))
	return nil
}

// release gives everything back.
func (h *holdings) release() error {
	errs := []error{h.arena.Release()}
	for i := range h.stages {
		s := &h.stages[i]
		for _, w := range s.workers {
			w.close()
		}
		s.reduction.close()
		s.axis.close()
		if s.workers = nil; s.entry != nil {
			errs = append(errs, h.cache.put(s.entry))
			s.entry = nil
		}
		if s.product != nil {
			s.product.close()
			s.product = nil
		}
		errs = append(errs, s.conv.release())
	}
	return errors.Join(errs...)
}

// Module returns the lowered module: its uniforms and buffers are those of the module that was compiled.
func (k *Kernel) Module() *ir.Module { return k.module }

// Close gives the temporaries back, after the run that is under way, and the code. A kernel that is lost without it
// gives them back when the collector finds out.
func (k *Kernel) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	k.cleanup.Stop()
	return k.release()
}

// Run executes the stages in order. When ctx ends, it stops between tiles with the context's error; outputs are
// then undefined. So they are after an error that tells of a bad address: a buffer that is no longer there. While a
// stage runs, its goroutines have the pprof labels "kernel" and "stage"; afterwards the calling one has those of ctx.
func (k *Kernel) Run(ctx context.Context, a Args) error {
	k.mu.Lock()
	defer k.end(ctx, a.Buffers) // one defer for all: a launch of few lanes notices each
	if k.closed || k.engine.store.isClosed() {
		return fmt.Errorf("kernel: module %q: the kernel or its engine is closed", k.module.Name)
	}
	if err := k.bind(a); err != nil {
		return err
	}
	k.now.ctx = ctx
	k.now.progress = newProgress(k, a.Progress)
	for i := range k.stages {
		if k.stages[i].inProduct {
			continue
		}
		if err := k.runStage(i, a); err != nil {
			return err
		}
	}
	return nil
}

// end gives back what a run had. The elements of the buffers were used by address.
func (k *Kernel) end(ctx context.Context, buffers []*Buffer) {
	pprof.SetGoroutineLabels(ctx)
	runtime.KeepAlive(buffers)
	k.arena.Reset()
	k.mu.Unlock()
}

func (k *Kernel) runStage(i int, a Args) (err error) {
	s, observe := &k.stages[i], k.engine.options.Observe
	var begun time.Time
	if observe != nil {
		begun = time.Now()
	}
	k.clearTemporaries(i, a.Buffers)
	switch s.Kind {
	case ir.StageReduce:
		err = k.reduce(s, a.Uniforms)
	case ir.StageScan, ir.StageSort:
		err = k.runAxis(s)
	case ir.StageMatMul:
		err = k.matMul(s, a.Uniforms)
	case ir.StageConv:
		err = k.convStage(s, k.plan.own[i])
	default:
		err = k.mapStage(s, k.plan.own[i], a.Uniforms)
	}
	if err == nil && observe != nil {
		observe(Observation{Kernel: k, Stage: i, Args: a, Time: time.Since(begun)})
	}
	return err
}

// bind checks the arguments and takes the memory of temporaries.
func (k *Kernel) bind(a Args) error {
	m := k.module
	if len(a.Uniforms) != len(m.Uniforms) || len(a.Buffers) != len(m.Buffers) {
		return fmt.Errorf("kernel: module %q takes %d uniforms and %d buffers, not %d and %d",
			m.Name, len(m.Uniforms), len(m.Buffers), len(a.Uniforms), len(a.Buffers))
	}
	if err := k.takeTemporaries(); err != nil {
		return fmt.Errorf("kernel: %d bytes of temporaries of module %q: %w", k.plan.size, m.Name, err)
	}
	for i := range m.Buffers {
		b, got := &m.Buffers[i], a.Buffers[i]
		switch {
		case got == nil && b.Life == ir.Temp:
			k.buffers[i] = k.temporary(i)
		case got == nil || got.typ != b.Type || got.len != b.Len() || got.engine != k.engine:
			return fmt.Errorf("kernel: module %q needs a buffer of %d %v for %s", m.Name, b.Len(), b.Type, b.Name)
		default:
			k.buffers[i] = got.memory()
		}
		k.mirror[i] = jit.Buffer{Address: k.buffers[i].Ptr, Len: k.buffers[i].Len}
	}
	if i, j := aliased(m, a.Buffers); i >= 0 {
		return fmt.Errorf("kernel: module %q is given one buffer for %s and %s, which it writes", m.Name, m.Buffers[i].Name, m.Buffers[j].Name)
	}
	k.clearSums(a.Buffers)
	return nil
}

// aliased finds a buffer that is given twice and written, or returns -1.
func aliased(m *ir.Module, buffers []*Buffer) (first, second int) {
	for j, b := range buffers {
		if b == nil {
			continue // as most are in a module of many stages
		}
		for i, other := range buffers[:j] {
			if b == other && (m.Buffers[i].Life != ir.Input || m.Buffers[j].Life != ir.Input) {
				return i, j
			}
		}
	}
	return -1, -1
}

// clearSums zeroes the outputs that stages scatter_add into, so that every run starts from zero.
func (k *Kernel) clearSums(buffers []*Buffer) {
	for i := range k.stages {
		if k.stages[i].code == nil {
			continue
		}
		for _, b := range k.stages[i].code.scatterAdds() {
			if buffers[b] != nil {
				clear(buffers[b].span.Bytes())
			}
		}
	}
}

// tileLanes is the number of lanes of a tile: a whole number of reduction blocks, about a million nodes. That is around
// a millisecond for the portable executor and some ten microseconds for machine code; that looks for the context's end
// oftener, between the calls that a tile takes (see package jit).
func (k *Kernel) tileLanes(s *ir.Stage) int {
	lanes := k.engine.options.TileLanes
	if lanes <= 0 {
		lanes = 1 << 20 / max(len(s.Prog.Nodes), 1)
	}
	return max(1, (lanes+ir.ReduceBlock-1)/ir.ReduceBlock) * ir.ReduceBlock
}

func (k *Kernel) mapStage(s *stage, pairs []place, uniforms []float64) error {
	r := &k.now
	if r.stage, r.lanes, r.tile = s, s.lanes, s.tile; r.lanes == 0 {
		return nil
	}
	if err := k.pairs(s, pairs, r.lanes); err != nil {
		return err
	}
	n := min(k.engine.options.Workers, (r.lanes+r.tile-1)/r.tile)
	if err := k.launch(s, uniforms, n); err != nil {
		return err
	}
	r.next.Store(0)
	if err := k.parallel(n, k.works.tiles); err != nil {
		return err
	}
	return k.foldPairs(s)
}

// launch prepares n workers of a map, and what they begin with.
func (k *Kernel) launch(s *stage, uniforms []float64, n int) error {
	k.setLaunch(s, uniforms)
	for len(s.workers) < n {
		w, err := s.code.newWorker(k.engine.heap)
		if err != nil {
			return err
		}
		s.workers = append(s.workers, w)
	}
	return nil
}

// setLaunch says what the lanes of a stage share.
func (k *Kernel) setLaunch(s *stage, uniforms []float64) {
	s.launch.eval.Uniforms, s.launch.eval.Buffers = uniforms, k.buffers
	s.launch.jit.Uniforms, s.launch.jit.Buffers = uniforms, k.mirror
}

// parallel does work(0) to work(n-1) on the engine's goroutines and returns the first error by number.
func (k *Kernel) parallel(n int, work func(worker int)) error {
	errs := k.errs[:max(n, 1)]
	clear(errs)
	k.now.parts = max(n, 1)
	k.task.work = work
	k.engine.crew.run(&k.task, n)
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// tiles runs tiles until none is left.
func (k *Kernel) tiles(w int) {
	r := &k.now
	pprof.SetGoroutineLabels(r.stage.labels)
	k.errs[w] = k.runTiles(r.stage.workers[w])
}

func (k *Kernel) runTiles(w worker) error {
	r := &k.now
	if err := w.begin(&r.stage.launch); err != nil {
		return k.inStage(err)
	}
	for {
		lo := int(r.next.Add(1)-1) * r.tile
		if lo >= r.lanes {
			return nil
		}
		if err := r.ctx.Err(); err != nil {
			return err
		}
		hi := min(lo+r.tile, r.lanes)
		switch err := w.run(r.ctx, lo, hi); {
		case err != nil && err == r.ctx.Err():
			return err
		case err != nil:
			return k.inStage(err)
		}
		r.progress.add(hi - lo)
	}
}

func (k *Kernel) inStage(err error) error { return k.in(k.now.stage, err) }

// in says in which stage an error happened.
func (k *Kernel) in(s *stage, err error) error {
	return fmt.Errorf("kernel: module %q, stage %s: %w", k.module.Name, s.Name, err)
}

// foldPairs adds up the scatter_adds in the order of the lanes, each goroutine over its own range of elements.
func (k *Kernel) foldPairs(s *stage) error {
	for i, b := range s.code.scatterAdds() {
		k.now.scatter, k.now.outs = i, k.buffers[b].Len
		if err := k.parallel(min(k.engine.options.Workers, k.now.outs), k.works.fold); err != nil {
			return err
		}
	}
	return nil
}

func (k *Kernel) fold(w int) {
	r := &k.now
	b := r.stage.code.scatterAdds()[r.scatter]
	eval.FoldPairs(&r.stage.launch.eval.Pairs[r.scatter], k.buffers[b], r.outs*w/r.parts, r.outs*(w+1)/r.parts)
}

// progress counts lanes over all lane programs of a run. A nil one does nothing.
type progress struct {
	report func(done, total int)
	mu     sync.Mutex
	done   int
	total  int
}

func newProgress(k *Kernel, report func(done, total int)) *progress {
	if report == nil {
		return nil
	}
	p := &progress{report: report}
	for i := range k.stages {
		switch s := &k.stages[i]; {
		case s.code != nil:
			p.total += s.Lanes()
		case s.Kind == ir.StageMatMul, s.Kind == ir.StageConv:
			p.total += k.module.Buffers[s.Out[0]].Len()
		}
	}
	return p
}

func (p *progress) add(lanes int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += lanes
	p.report(p.done, p.total)
}

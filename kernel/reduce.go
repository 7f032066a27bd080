package kernel

import (
	"context"
	"runtime/pprof"
	"slices"
	"unsafe"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/mem"
)

// reduction is what a reduction stage has besides its program.
type reduction struct {
	*eval.Reduction
	elementSize int
	computed    bool      // by a program
	accumulates bool      // which combines elements
	fold        *jit.Fold // nil: the portable executor folds
	reducers    []*reducer
}

// elementStage returns the program of a reduction as a map, which stores the elements to one more buffer, and how
// machine code of it is compiled. There are as many elements as lanes, but no such memory: workers look at it through
// windows (see worker).
func (e *Engine) elementStage(m *ir.Module, s *ir.Stage) (*ir.Module, *ir.Stage, jit.Options) {
	var o jit.Options
	r := eval.NewReduction(m, s, e.options.Precision, 1)
	if op, t, ok := r.Fold(); ok && r.CanAccumulate() && jit.CanAccumulate(op, t) {
		o.Reduce = &jit.Accumulation{Op: op}
	}
	m = &ir.Module{Name: m.Name, Buffers: slices.Clone(m.Buffers), Uniforms: m.Uniforms, Funcs: m.Funcs}
	b := m.AddBuffer("elements", s.Elements(m), ir.Temp, s.Lanes())
	return m, &ir.Stage{Kind: ir.StageMap, Name: s.Name, Domain: s.Domain, Prog: ir.StoreElements(s.Prog, b)}, o
}

// prepareReduction compiles the program of a reduction, if it has one, and what folds elements.
func (k *Kernel) prepareReduction(st *stage) error {
	o := k.engine.options
	st.reduction = &reduction{Reduction: eval.NewReduction(k.module, st.Stage, o.Precision, o.Workers)}
	st.reduction.elementSize = elementSize(st.Elements(k.module), o.Precision)
	if st.Prog != nil {
		m, s, options := k.engine.elementStage(k.module, st.Stage)
		key := keyOf(m, s)
		if options.Reduce != nil {
			key.sizes += " " + options.Reduce.Op.String()
		}
		entry, err := k.cache.get(key, func() (code, error) { return k.engine.compile(m, s, options) })
		if err != nil {
			return err
		}
		st.entry, st.code, st.reduction.computed = entry, entry.code, true
		if _, ok := entry.code.(*jitCode); ok && options.Reduce != nil {
			st.reduction.Accumulate()
			st.reduction.accumulates = true
		}
	}
	var err error
	st.reduction.fold, err = k.engine.foldOf(st.reduction.Reduction)
	return err
}

// close gives the memory of the workers back. The programs' workers are the stage's.
func (r *reduction) close() {
	if r == nil {
		return
	}
	for _, w := range r.reducers {
		w.heap.Free(w.span)
	}
	r.reducers = nil
}

// reducer does tasks of a reduction for one goroutine at a time, and finds it the elements. It does not hold the kernel,
// which would then never be lost.
type reducer struct {
	eval.Reducer
	program     worker // nil where elements lie in memory
	buffer      int    // number of the one that the program writes
	elementSize int
	heap        *store
	span        mem.Span
	window      unsafe.Pointer // what the program computes
	folder      *jit.Folder    // nil unless the program accumulates

	// Of a run:
	ctx      context.Context
	progress *progress
	elements unsafe.Pointer
}

// room is the memory of a reducer, in bytes: for its sums, for elements that a program computes, and for code that
// folds.
type room struct{ scratch, window, frame int }

func (r room) size() int { return r.scratch + r.window + r.frame }

func (r *reduction) room() room {
	need := room{scratch: alignLine(r.Scratch())}
	if r.computed {
		need.window = alignLine(r.AtOnce()*r.elementSize + jit.Slack)
	}
	if r.fold != nil {
		need.frame = jit.FoldFrame
	}
	return need
}

func (k *Kernel) newReducer(s *stage) (*reducer, error) {
	r := s.reduction
	w := &reducer{heap: k.engine.heap, buffer: len(k.module.Buffers), elementSize: r.elementSize}
	room := r.room()
	var err error
	if w.span, err = w.heap.Alloc(room.size()); err != nil {
		return nil, err
	}
	clear(w.span.Bytes())
	w.window = unsafe.Add(w.span.Base(), room.scratch)
	var fold eval.Folder // nil for the portable one
	if r.fold != nil {
		f := r.fold.NewFolder(unsafe.Add(w.window, room.window))
		if fold = (folder{f}); r.accumulates {
			w.folder = f
		}
	}
	w.Reducer = r.NewReducer(w.span.Base(), w, fold)
	return w, nil
}

// alignLine rounds up to a cache line.
func alignLine(n int) int { return (n + mem.Alignment - 1) &^ (mem.Alignment - 1) }

// At implements [eval.Elements]. It also looks for the context's end.
func (w *reducer) At(lo, hi int) (unsafe.Pointer, error) {
	if w.program == nil {
		return unsafe.Add(w.elements, lo*w.elementSize), w.ctx.Err()
	}
	if w.folder != nil {
		w.folder.Begin(w.window, (hi-lo+ir.ReduceBlock-1)/ir.ReduceBlock)
	}
	w.program.window(w.buffer, w.window, lo)
	if err := w.program.run(w.ctx, lo, hi); err != nil {
		return nil, err
	}
	w.progress.add(hi - lo)
	return w.window, w.ctx.Err()
}

// serialElements is up to how many elements a reduction is no work for several goroutines.
const serialElements = 1 << 14

// reducersOf is how many reducers a run has.
func (k *Kernel) reducersOf(s *stage) int {
	if s.reduction.Len() < serialElements {
		return 1
	}
	return max(1, min(k.engine.options.Workers, s.reduction.Tasks()))
}

func (k *Kernel) reduce(s *stage, uniforms []float64) error {
	r := &k.now
	r.stage, r.outs = s, s.reduction.Tasks()
	n := k.reducersOf(s)
	k.setLaunch(s, uniforms)
	if err := k.growReducers(s, n); err != nil {
		return err
	}
	s.reduction.Begin(k.buffers[s.Out[0]])
	r.next.Store(0)
	if err := k.parallel(n, k.works.reduce); err != nil {
		return err
	}
	s.reduction.Finish()
	return nil
}

// growReducers makes reducers until there are n.
func (k *Kernel) growReducers(s *stage, n int) error {
	r := s.reduction
	for len(r.reducers) < n {
		w, err := k.newReducer(s)
		if err != nil {
			return err
		}
		if s.code != nil {
			if w.program, err = s.code.newWorker(k.engine.heap); err != nil {
				w.heap.Free(w.span)
				return err
			}
			s.workers = append(s.workers, w.program)
		}
		r.reducers = append(r.reducers, w)
	}
	return nil
}

// reduceTasks does tasks until none is left.
func (k *Kernel) reduceTasks(w int) {
	pprof.SetGoroutineLabels(k.now.stage.labels)
	k.errs[w] = k.runReducer(k.now.stage.reduction.reducers[w])
}

func (k *Kernel) runReducer(w *reducer) error {
	r := &k.now
	w.ctx, w.progress = r.ctx, r.progress
	defer func() { w.ctx, w.progress, w.elements = nil, nil, nil }() // a kernel at rest holds nothing of a run
	if w.program == nil {
		w.elements = k.buffers[r.stage.In[0]].Ptr
	} else {
		if err := w.program.begin(&r.stage.launch); err != nil {
			return k.inStage(err)
		}
	}
	for {
		i := int(r.next.Add(1) - 1)
		if i >= r.outs {
			return nil
		}
		switch err := w.Task(i); {
		case err != nil && err == r.ctx.Err():
			return err
		case err != nil:
			return k.inStage(err)
		}
	}
}

package kernel

import (
	"runtime/pprof"
	"unsafe"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/mem"
)

// axis is what a scan or a sort has: tasks, and the memory of the workers that do them. A scan's task is some rows or
// columns, a sort's is some rows.
type axis struct {
	task    func(k *Kernel, s *stage, i int, scratch unsafe.Pointer) error
	tasks   int
	batch   int // outer indices of a task
	columns int // of a scan's task
	scratch int // bytes that a worker needs; 0 for none
	heap    *store
	spans   []mem.Span // by worker
}

// The sizes of tasks: enough to be worth giving away, and soon done when somebody cancels.
const (
	axisElements = 1 << 16
	scanColumns  = 1 << 10
)

func (k *Kernel) prepareAxis(st *stage) {
	a := &axis{heap: k.engine.heap}
	inner := max(st.Inner, 1) // a sort has none
	outer := k.module.Buffers[st.In[0]].Len() / st.Group / inner
	a.columns = min(inner, scanColumns)
	tiles := (inner + a.columns - 1) / a.columns
	a.batch = 1
	if outer > 0 && tiles == 1 {
		fair := (outer + k.engine.options.Workers - 1) / k.engine.options.Workers
		a.batch = max(1, min(axisElements/(st.Group*inner), fair))
	}
	if a.tasks = (outer + a.batch - 1) / a.batch * tiles; st.Kind == ir.StageSort {
		a.task, a.scratch = (*Kernel).sortTask, eval.SortScratch(st.Group, k.engine.options.Precision)
	} else {
		a.task = (*Kernel).scanTask
	}
	st.axis = a
}

// close gives the memory of the workers back.
func (a *axis) close() {
	if a == nil {
		return
	}
	for _, s := range a.spans {
		a.heap.Free(s)
	}
	a.spans = nil
}

// axisCrew is how many workers a run has.
func (k *Kernel) axisCrew(s *stage) int {
	if k.module.Buffers[s.In[0]].Len() < serialElements {
		return 1
	}
	return max(1, min(k.engine.options.Workers, s.axis.tasks))
}

// runAxis runs a scan or a sort.
func (k *Kernel) runAxis(s *stage) error {
	r := &k.now
	r.stage, r.outs = s, s.axis.tasks
	n := k.axisCrew(s)
	for a := s.axis; a.scratch > 0 && len(a.spans) < n; {
		span, err := a.heap.Alloc(a.scratch)
		if err != nil {
			return k.inStage(err)
		}
		a.spans = append(a.spans, span)
	}
	r.next.Store(0)
	return k.parallel(n, k.works.axis)
}

// axisTasks does tasks until none is left.
func (k *Kernel) axisTasks(w int) {
	r := &k.now
	pprof.SetGoroutineLabels(r.stage.labels)
	a := r.stage.axis
	var scratch unsafe.Pointer
	if a.scratch > 0 {
		scratch = a.spans[w].Base()
	}
	for i := int(r.next.Add(1) - 1); i < r.outs && k.errs[w] == nil; i = int(r.next.Add(1) - 1) {
		k.errs[w] = a.task(k, r.stage, i, scratch)
	}
}

// scanTask scans some rows or columns, a piece after the other.
func (k *Kernel) scanTask(s *stage, i int, _ unsafe.Pointer) error {
	a := s.axis
	tiles := (s.Inner + a.columns - 1) / a.columns
	outer := k.module.Buffers[s.In[0]].Len() / s.Group / s.Inner
	first := i % tiles * a.columns
	p := eval.Scanned{First: first, End: min(first+a.columns, s.Inner)}
	for p.Outer = i / tiles * a.batch; p.Outer < min((i/tiles+1)*a.batch, outer); p.Outer++ {
		for p.Lo = 0; p.Lo < s.Group; p.Lo = p.Hi {
			p.Hi = min(p.Lo+max(1, axisElements/a.columns), s.Group)
			if err := k.now.ctx.Err(); err != nil {
				return err
			}
			eval.Scan(k.module, s.Stage, k.engine.options.Precision, k.buffers, p)
		}
	}
	return nil
}

// sortTask sorts some rows. One row is sorted to its end, whoever cancels.
func (k *Kernel) sortTask(s *stage, i int, scratch unsafe.Pointer) error {
	rows := k.module.Buffers[s.In[0]].Len() / s.Group
	for r := i * s.axis.batch; r < min((i+1)*s.axis.batch, rows); r++ {
		if err := k.now.ctx.Err(); err != nil {
			return err
		}
		eval.SortRow(k.module, s.Stage, k.engine.options.Precision, k.buffers, r, scratch)
	}
	return nil
}

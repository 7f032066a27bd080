package kernel

import (
	"github.com/baremetaldevx86/microdr/ir"
)

// A map that follows a product and reads of it the lane's own element (bias, activation, ...) is its epilogue: it runs
// on the rows of a piece as soon as these are there, while they are in the caches, by the goroutine that made them. No
// bit depends on that.

// addEpilogues finds them. Who observes stages sees each by itself.
func (k *Kernel) addEpilogues() {
	if k.engine.options.Observe != nil {
		return
	}
	for i := 1; i < len(k.stages); i++ {
		if product, s := &k.stages[i-1], &k.stages[i]; isEpilogue(k.module, product.Stage, s.Stage) {
			product.epilogue, s.inProduct = s, true
		}
	}
}

// isEpilogue tells whether the lanes of a map are the elements of a product, each of which reads its own; whether
// nothing that the product reads is written; and whether nothing is added up over the lanes.
func isEpilogue(m *ir.Module, product, s *ir.Stage) bool {
	if product.Kind != ir.StageMatMul || s.Kind != ir.StageMap {
		return false
	}
	if lanes := s.Lanes(); lanes == 0 || lanes != m.Buffers[product.Out[0]].Len() {
		return false
	}
	reads := 0
	for i := range s.Prog.Nodes {
		n := &s.Prog.Nodes[i]
		if n.Op != ir.OpGather || int(n.Imm) != product.Out[0] {
			continue
		}
		if offset, ok := offsetFromLane(s.Prog, n.Args[0]); !ok || offset != 0 {
			return false
		}
		reads++
	}
	for _, e := range s.Prog.Effects {
		if e.Kind != ir.Store || e.Buffer == product.In[0] || e.Buffer == product.In[1] {
			return false
		}
	}
	return reads > 0
}

// epilogue runs that of the current product, if it has one, on some lanes.
func (k *Kernel) runEpilogue(w, lo, hi int) error {
	r := &k.now
	s := r.stage.epilogue
	if s == nil || lo == hi {
		return nil
	}
	if err := s.workers[w].run(r.ctx, lo, hi); err != nil {
		if err == r.ctx.Err() {
			return err
		}
		return k.in(s, err)
	}
	r.progress.add(hi - lo)
	return nil
}

// beginEpilogue gives a worker of it the arguments of the run.
func (k *Kernel) beginEpilogue(w int) error {
	s := k.now.stage.epilogue
	if s == nil {
		return nil
	}
	if err := s.workers[w].begin(&s.launch); err != nil {
		return k.in(s, err)
	}
	return nil
}

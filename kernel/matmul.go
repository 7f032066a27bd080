package kernel

import (
	"runtime/pprof"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
)

// multiplier executes a stage of matrix products. A run is some phases, one after the other, each of pieces that workers
// do in any order: what a piece computes does not depend on who does it.
type multiplier interface {
	// extent returns the number of phases, and of pieces of each.
	extent() (phases, pieces int)
	// workers is how many goroutines may share a phase.
	workers() int
	// begin takes the buffers of a run.
	begin(k *Kernel)
	// piece does one, and returns how many elements of the output it finished.
	piece(k *Kernel, worker, phase, piece int) (finished int, err error)
	close() error
}

// newMultiplier chooses what executes a stage: machine code where all is float32.
func (k *Kernel) newMultiplier(s *ir.Stage) (multiplier, error) {
	e := k.engine
	narrow := true
	for _, b := range [...]int{s.In[0], s.In[1], s.Out[0]} {
		narrow = narrow && k.module.Buffers[b].Type == ir.F32
	}
	if p := s.MatMul; e.backend == Eval || !narrow || p.Batches()*p.M*p.N == 0 {
		return &portableProduct{s, e.options.Precision, e.options.Workers}, nil
	}
	return newProduct(s, e.backend.target(), e.pages, e.heap, e.options.Workers, e.products)
}

// matMul runs a stage of matrix products.
func (k *Kernel) matMul(s *stage) error {
	r := &k.now
	r.stage = s
	phases, pieces := s.product.extent()
	r.pieces = pieces
	s.product.begin(k)
	for r.phase = range phases {
		if pieces == 1 { // a small one may take less time than it takes to share it
			if err := k.productPiece(0, 0); err != nil {
				return err
			}
			continue
		}
		r.next.Store(0)
		if err := k.parallel(min(s.product.workers(), pieces), k.works.product); err != nil {
			return err
		}
	}
	return nil
}

// productPieces does pieces of the current phase until none is left.
func (k *Kernel) productPieces(w int) {
	r := &k.now
	pprof.SetGoroutineLabels(r.stage.labels)
	for {
		i := int(r.next.Add(1) - 1)
		if i >= r.pieces {
			return
		}
		if k.errs[w] = k.productPiece(w, i); k.errs[w] != nil {
			return
		}
	}
}

// productPiece does one, unless the run was cancelled.
func (k *Kernel) productPiece(w, i int) error {
	r := &k.now
	if err := r.ctx.Err(); err != nil {
		return err
	}
	finished, err := r.stage.product.piece(k, w, r.phase, i)
	if err != nil {
		return k.inStage(err)
	}
	r.progress.add(finished)
	return nil
}

// portableProduct runs on the portable executor, by rows of the output.
type portableProduct struct {
	*ir.Stage
	precision eval.Precision
	most      int
}

// portablePiece is about how many multiply-adds a piece has: some tenths of a millisecond.
const portablePiece = 1 << 17

func (p *portableProduct) rows() (all, each int) {
	m := p.MatMul
	if m.N == 0 {
		return 0, 1
	}
	return m.Batches() * m.M, max(1, portablePiece/(m.N*max(m.K, 1)))
}

func (p *portableProduct) extent() (phases, pieces int) {
	all, each := p.rows()
	return 1, (all + each - 1) / each
}

func (p *portableProduct) begin(*Kernel) {}
func (p *portableProduct) workers() int  { return p.most }
func (p *portableProduct) close() error  { return nil }

func (p *portableProduct) piece(k *Kernel, _, _, i int) (finished int, err error) {
	all, each := p.rows()
	lo, hi := i*each, min((i+1)*each, all)
	eval.MatMul(k.module, p.Stage, p.precision, k.buffers, lo, hi)
	return (hi - lo) * p.MatMul.N, nil
}

package kernel

import (
	"runtime/pprof"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
)

// multiplier executes a stage of matrix products. A run is some phases, one after the other, each of pieces that
// workers do in any order: what a piece computes does not depend on who does it.
type multiplier interface {
	// extent returns the number of phases, and of pieces of each.
	extent() (phases, pieces int)
	// workers is how many goroutines may share a phase.
	workers() int
	// begin takes the buffers of a run.
	begin(k *Kernel)
	// piece does one, and says what that finished.
	piece(k *Kernel, worker, phase, piece int) (progressed, error)
	// rooms returns how many bytes its workers hold.
	rooms() int
	close()
}

// progressed is what a piece finished of the output: so many elements; and, where these were the last ones that some
// rows lacked, the elements from first to end.
type progressed struct{ elements, first, end int }

// multiplies tells whether machine code does: it takes float32, and something to do.
func (e *Engine) multiplies(m *ir.Module, s *ir.Stage) bool {
	narrow := e.backend != Eval
	for _, b := range [...]int{s.In[0], s.In[1], s.Out[0]} {
		narrow = narrow && m.Buffers[b].Type == ir.F32
	}
	return narrow && m.Buffers[s.Out[0]].Len() > 0
}

// newMultiplier chooses what executes a stage.
func (k *Kernel) newMultiplier(s *ir.Stage) (multiplier, error) {
	e := k.engine
	if !e.multiplies(k.module, s) {
		return &portableProduct{s, e.options.Precision, e.options.Workers}, nil
	}
	return newProduct(s, e.backend.target(), e.tiles, e.heap, e.options.Workers, e.products)
}

// matMul runs a stage of matrix products, with its epilogue if it has one.
func (k *Kernel) matMul(s *stage, uniforms []float64) error {
	r := &k.now
	r.stage = s
	phases, pieces := s.product.extent()
	r.pieces = pieces
	s.product.begin(k)
	n := min(s.product.workers(), pieces)
	if s.epilogue != nil {
		if err := k.launch(s.epilogue, uniforms, n); err != nil {
			return err
		}
	}
	for r.phase = range phases {
		if pieces == 1 {
			if err := k.onePiece(); err != nil {
				return err
			}
			continue
		}
		r.next.Store(0)
		if err := k.parallel(n, k.works.product); err != nil {
			return err
		}
	}
	return nil
}

// onePiece does a phase of a single piece, which may take less time than it takes to share it.
func (k *Kernel) onePiece() error {
	if k.now.phase == 0 {
		if err := k.beginEpilogue(0); err != nil {
			return err
		}
	}
	return k.productPiece(0, 0)
}

// sharedProduct does pieces on a goroutine that others may have the labels of.
func (k *Kernel) sharedProduct(w int) {
	pprof.SetGoroutineLabels(k.now.stage.labels)
	k.productPieces(w)
}

// productPieces does pieces of the current phase until none is left.
func (k *Kernel) productPieces(w int) {
	r := &k.now
	k.errs[w] = nil
	if r.phase == 0 {
		k.errs[w] = k.beginEpilogue(w)
	}
	for k.errs[w] == nil {
		i := int(r.next.Add(1) - 1)
		if i >= r.pieces {
			return
		}
		k.errs[w] = k.productPiece(w, i)
	}
}

// productPiece does one, unless the run was cancelled.
func (k *Kernel) productPiece(w, i int) error {
	r := &k.now
	if err := r.ctx.Err(); err != nil {
		return err
	}
	done, err := r.stage.product.piece(k, w, r.phase, i)
	if err != nil {
		return k.inStage(err)
	}
	r.progress.add(done.elements)
	return k.runEpilogue(w, done.first, done.end)
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
func (p *portableProduct) rooms() int    { return 0 }
func (p *portableProduct) close()        {}

func (p *portableProduct) piece(k *Kernel, _, _, i int) (progressed, error) {
	all, each := p.rows()
	lo, hi, n := i*each, min((i+1)*each, all), p.MatMul.N
	eval.MatMul(k.module, p.Stage, p.precision, k.buffers, lo, hi)
	return progressed{(hi - lo) * n, lo * n, hi * n}, nil
}

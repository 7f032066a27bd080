package kernel

import (
	"errors"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
)

// product executes matrix products by micro-kernels of machine code. It cuts C into tiles (see tiling), k into blocks, one
// phase each, so that what a panel of B and some rows of A have in a block stays in the caches, and both directions of C
// into the blocks that pieces are made of.
type product struct {
	*ir.MatMul // batches of the same B merged
	in         [2]int
	out        int
	tiling     tiling
	blocking
	packing
	code    *jit.Tiles
	packers *jit.Packers // nil where no B is packed
	kinds   [2]panelCode // of whole panels and of the last one
	crew    []*productWorker
	heap    jit.Memory
	buffers [3]unsafe.Pointer // of the run: A, B, C
}

// panelCode is the code for panels of one width.
type panelCode struct {
	tiles [2]jit.Tile // high and low ones
	rows  jit.Packer
}

// limits say how large blocks and pieces are.
type limits struct {
	k         int // most of a block
	rows      int // of C in a block
	least     int // multiply-adds of a piece, but for the last ones
	most      int
	callWork  int // multiply-adds of vectors of a call of generated code
	shortRows int // fewest rows that pay for packing B whatever its strides
}

// measuredLimits are the limits that were fastest. A panel of two vectors of 512 k is as large as an L1 cache, and the A of 512 rows half of an
// L2 cache. A piece has some tens of microseconds, so that it is worth to wake a worker, up to a millisecond, and a call
// some ten microseconds.
func measuredLimits() limits {
	return limits{k: 512, rows: 512, least: 1 << 21, most: 1 << 26, callWork: 1 << 16, shortRows: 512}
}

// blocking says what the blocks and pieces are.
type blocking struct {
	k, ks          int // of a block, and how many blocks there are
	rows, rowsOf   int // rows of tiles of a block, and blocks
	panels, across int // panels of a block, and blocks
	batch, batches int // products of a piece, which are whole ones if it is more than one, and pieces in this direction
	callWork       int // see limits
}

// packing says what is packed.
type packing struct {
	a, b      bool
	byColumns bool // A is packed by columns, since these have unit stride
	aStride   int  // floats from one of its rows, or columns, to the next
}

const floatSize = 4

// newProduct prepares a stage of float32 with at least one element.
func newProduct(s *ir.Stage, t jit.Target, pages *jit.Pages, heap jit.Memory, workers int, l limits) (*product, error) {
	p := &product{MatMul: merged(s.MatMul), in: [2]int{s.In[0], s.In[1]}, out: s.Out[0], heap: heap}
	p.tiling = newTiling(t, p.M, p.N, p.K)
	p.blocking = p.newBlocking(workers, l)
	p.packing = p.newPacking(l)
	if err := p.compile(t, pages); err != nil {
		return nil, err
	}
	_, pieces := p.extent()
	for range min(workers, pieces) {
		w, err := newProductWorker(p)
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.crew = append(p.crew, w)
	}
	return p, nil
}

// merged makes one product of a batch in which B is the same for all and the rows of A go on from one to the next: C does
// so anyway.
func merged(p *ir.MatMul) *ir.MatMul {
	q := *p
	for d := len(q.Batch) - 1; d >= 0 && (q.Batch[d] == 1 || q.B.Batch[d] == 0 && q.A.Batch[d] == q.M*q.A.Row); d-- {
		q.M *= q.Batch[d]
		q.Batch, q.A.Batch, q.B.Batch = q.Batch[:d], q.A.Batch[:d], q.B.Batch[:d]
	}
	return &q
}

func upwards(n, by int) int { return (n + by - 1) / by }

// newBlocking cuts all directions, each evenly, into blocks of at most the limits.
func (p *product) newBlocking(workers int, l limits) (b blocking) {
	g := &p.tiling
	b.callWork = l.callWork
	b.ks = max(1, upwards(p.K, l.k))
	if b.k = upwards(p.K, b.ks); b.ks > 1 {
		b.k = upwards(b.k, jit.PackedColumns) * jit.PackedColumns
		b.ks = upwards(p.K, b.k)
	}
	b.rows = upwards(g.rows(), upwards(p.M, l.rows))
	b.rowsOf = upwards(g.rows(), b.rows)
	all := p.M * p.N * max(b.k, 1) * p.Batches()
	want := min(l.most, max(l.least, all/(4*workers)))
	panel := b.rows * g.height * g.vectors * jit.TileLanes(g.target) * max(b.k, 1)
	b.panels = max(1, min(g.panels(), want/panel))
	b.across = upwards(g.panels(), b.panels)
	b.batch = 1
	if b.across == 1 && b.rowsOf == 1 {
		b.batch = max(1, min(p.Batches(), want/(panel*b.panels)))
	}
	b.batches = upwards(p.Batches(), b.batch)
	return b
}

// newPacking decides what is packed. A unit stride is needed along the rows of B. Without that need, it pays where
// strides are multiples of 4 KiB, since then all that a tile reads meets in a few sets of the caches; where a tile reads a
// page for every k; and in B where enough rows share a panel that packing it costs nothing to speak of.
func (p *product) newPacking(l limits) packing {
	meets := func(stride int) bool { return stride != 0 && stride*floatSize%(1<<12) == 0 }
	const fewTiles, fewPanels, farColumns = 3, 8, 512
	x := packing{byColumns: p.A.Row == 1 && p.A.Col != 1}
	x.b = p.B.Col != 1 || p.M > l.shortRows || meets(p.B.Row) && p.rows >= fewTiles
	if p.tiling.panels() >= fewPanels {
		x.a = p.A.Col == 1 && meets(p.A.Row) || p.A.Col >= farColumns || p.A.Col <= -farColumns
	}
	x.aStride = p.k
	if x.byColumns {
		x.aStride = p.rows * p.tiling.height
	}
	x.aStride = upwards(x.aStride, 16)*16 | 16 // odd in cache lines, so that it meets nothing
	return x
}

func (p *product) compile(t jit.Target, pages *jit.Pages) error {
	g := &p.tiling
	shapes := g.shapes()
	var err error
	if p.code, err = jit.NewTiles(t, pages, shapes...); err != nil {
		return err
	}
	if p.b {
		if p.packers, err = jit.NewPackers(t, pages, shapes...); err != nil {
			return errors.Join(err, p.code.Close())
		}
	}
	for kind := range p.kinds {
		panel := kind * g.whole // a whole one, or the last
		if panel >= g.panels() || kind == 0 && g.whole == 0 {
			continue
		}
		c := &p.kinds[kind]
		c.tiles[0] = p.code.Tile(g.shape(g.height, panel))
		if g.low > 0 {
			c.tiles[1] = p.code.Tile(g.shape(g.height-1, panel))
		}
		if p.b {
			c.rows = p.packers.Rows(g.shape(1, panel))
		}
	}
	return nil
}

func (p *product) close() error {
	for _, w := range p.crew {
		p.heap.Free(w.span)
	}
	p.crew = nil
	err := p.code.Close()
	if p.packers != nil {
		err = errors.Join(err, p.packers.Close())
	}
	return err
}

func (p *product) workers() int { return len(p.crew) }

func (p *product) extent() (phases, pieces int) { return p.ks, p.batches * p.rowsOf * p.across }

func (p *product) begin(k *Kernel) {
	p.buffers = [3]unsafe.Pointer{k.buffers[p.in[0]].Ptr, k.buffers[p.in[1]].Ptr, k.buffers[p.out].Ptr}
	for _, w := range p.crew {
		w.packed = -1
	}
}

func (p *product) piece(_ *Kernel, worker, phase, i int) (finished int, err error) {
	w := p.crew[worker]
	err = jit.Guard(func() error {
		w.piece(phase, i)
		return nil
	})
	return w.finished, err
}

package kernel

import (
	"sync/atomic"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
)

// product executes matrix products by micro-kernels of machine code. It cuts C into tiles (see tiling), k into blocks,
// one phase each, so that what a panel of B and some rows of A have in a block stays in the caches, and both
// directions of C into the blocks that pieces are made of.
type product struct {
	*ir.MatMul // batches of the same B merged
	in         [2]int
	out        int
	tiling     tiling
	blocking
	packing
	kinds        [2]panelCode // of whole panels and of the last one
	columnPacker jit.Packer   // of B whose columns have unit stride
	crew         []*productWorker
	heap         jit.Memory
	buffers      [3]unsafe.Pointer // of the run: A, B, C
	across       []atomic.Int32    // by block of rows: pieces done of the last phase, where there are several
}

// panelCode is the code for panels of one width.
type panelCode struct {
	tiles [2]jit.Tile // high and low ones
	rows  jit.Packer
}

// limits say how large blocks and pieces are.
type limits struct {
	k, rows             int // most of a block
	packedK, packedRows int // the same where A is packed
	least, most         int // multiply-adds of a piece
	callWork            int // multiply-adds of vectors of a call of generated code
	shortRows           int // up to so many rows, it does not pay to pack B whatever its strides
}

// measuredLimits are the limits that were fastest. A panel of four vectors of 1024 k takes a part of an L2 cache, and
// so does a packed block of A; what is not packed flows by. A piece has some tens of microseconds, so that it is worth
// to wake a worker, up to a millisecond, and a call some ten microseconds.
func measuredLimits() limits {
	return limits{k: 1024, rows: 1024, packedK: 512, packedRows: 512, least: 1 << 21, most: 1 << 26, callWork: 1 << 16,
		shortRows: 512}
}

// blocking says what the blocks and pieces are.
type blocking struct {
	k, ks           int // of a block, and how many blocks there are
	rows, rowsOf    int // rows of tiles of a block, and blocks
	panels, columns int // panels of a block, and blocks
	batch, batches  int // products of a piece, whole ones if it is more than one, and such pieces
	callWork        int // see limits
}

// packing says what is packed.
type packing struct {
	a, b      bool
	byColumns bool // A is packed by columns, since these have unit stride
	aStride   int  // floats from one of its rows, or columns, to the next
}

const floatSize = 4

// newProduct prepares a stage of float32 with at least one element.
func newProduct(s *ir.Stage, t jit.Target, tiles *jit.Tiles, heap jit.Memory, workers int, l limits) (*product, error) {
	p := &product{MatMul: merged(s.MatMul), in: [2]int{s.In[0], s.In[1]}, out: s.Out[0], heap: heap}
	p.tiling = newTiling(t, p.M, p.N, p.K)
	p.packing = p.newPacking(l)
	p.blocking = p.newBlocking(workers, l)
	p.aStride = p.strideOfA()
	if err := p.compile(tiles); err != nil {
		return nil, err
	}
	if p.columns > 1 {
		p.across = make([]atomic.Int32, p.batches*p.rowsOf)
	}
	_, pieces := p.extent()
	for range min(workers, pieces) {
		w, err := newProductWorker(p)
		if err != nil {
			p.close()
			return nil, err
		}
		p.crew = append(p.crew, w)
	}
	return p, nil
}

// merged makes one product of a batch in which B is the same for all and the rows of A go on from one to the next: C
// does so anyway.
func merged(p *ir.MatMul) *ir.MatMul {
	q := *p
	for d := len(q.Batch) - 1; d >= 0 && (q.Batch[d] == 1 || q.B.Batch[d] == 0 && q.A.Batch[d] == q.M*q.A.Row); d-- {
		q.M *= q.Batch[d]
		q.Batch, q.A.Batch, q.B.Batch = q.Batch[:d], q.A.Batch[:d], q.B.Batch[:d]
	}
	return &q
}

func upwards(n, by int) int { return (n + by - 1) / by }

// newPacking decides what is packed. A unit stride is needed along the rows of B. Without that need, it pays in B
// where its stride is a multiple of 4 KiB, since then all that a tile reads meets in a few sets of the caches, and
// where enough rows share a panel that packing it costs nothing to speak of; in A where each k lies in another page.
func (p *product) newPacking(l limits) packing {
	const fewTiles, fewColumns, farColumns = 3, 256, 512
	meets := p.B.Row != 0 && p.B.Row*floatSize%(1<<12) == 0
	return packing{
		a:         p.N >= fewColumns && (p.A.Col >= farColumns || p.A.Col <= -farColumns),
		b:         p.B.Col != 1 || p.M > l.shortRows || meets && p.tiling.rows() >= fewTiles,
		byColumns: p.A.Row == 1 && p.A.Col != 1,
	}
}

// newBlocking cuts all directions, each evenly, into blocks of at most the limits, and so that there is a piece or
// more for each worker.
func (p *product) newBlocking(workers int, l limits) (b blocking) {
	if p.a {
		l.k, l.rows = l.packedK, l.packedRows
	}
	g := &p.tiling
	b.callWork = l.callWork
	b.ks = max(1, upwards(p.K, l.k))
	if b.k = upwards(p.K, b.ks); b.ks > 1 {
		b.k = upwards(b.k, jit.PackedColumns) * jit.PackedColumns
		b.ks = upwards(p.K, b.k)
	}
	want := min(l.most, max(l.least, p.M*p.N*b.k*p.Batches()/(4*workers)))
	tile := g.height * g.vectors * jit.TileLanes(g.target) * max(b.k, 1)
	rows := func(of int) { b.rows = upwards(g.rows(), of); b.rowsOf = upwards(g.rows(), b.rows) }
	rows(upwards(p.M, l.rows))
	for b.rows > 1 && b.rowsOf*g.panels()*p.Batches() < workers && b.rows*tile > 2*l.least { // each block packs B anew
		rows(2 * b.rowsOf)
	}
	b.panels = max(1, min(g.panels(), want/(tile*b.rows)))
	b.columns = upwards(g.panels(), b.panels)
	b.batch = 1
	if b.columns == 1 && b.rowsOf == 1 {
		b.batch = max(1, min(p.Batches(), want/(tile*b.rows*b.panels)))
	}
	b.batches = upwards(p.Batches(), b.batch)
	return b
}

// strideOfA is the floats from one row, or column, of a packed block of A to the next. It is odd in cache lines, so
// that nothing meets.
func (p *product) strideOfA() int {
	n := p.k
	if p.byColumns {
		n = p.rows * p.tiling.height
	}
	return upwards(n, 16)*16 | 16
}

func (p *product) compile(tiles *jit.Tiles) error {
	g := &p.tiling
	if err := tiles.Compile(g.shapes()...); err != nil {
		return err
	}
	p.columnPacker = tiles.Columns()
	for kind := range p.kinds {
		panel := kind * g.whole // a whole one, or the last
		if panel >= g.panels() || kind == 0 && g.whole == 0 {
			continue
		}
		c := &p.kinds[kind]
		c.tiles[0] = tiles.Tile(g.shape(g.height, panel))
		if g.low > 0 {
			c.tiles[1] = tiles.Tile(g.shape(g.height-1, panel))
		}
		c.rows = tiles.Rows(g.shape(g.height, panel))
	}
	return nil
}

func (p *product) close() {
	for _, w := range p.crew {
		p.heap.Free(w.span)
	}
	p.crew = nil
}

func (p *product) workers() int { return len(p.crew) }

func (p *product) rooms() (bytes int) {
	for _, w := range p.crew {
		bytes += w.span.Size()
	}
	return bytes
}

func (p *product) extent() (phases, pieces int) { return p.ks, p.batches * p.rowsOf * p.columns }

func (p *product) begin(k *Kernel) {
	p.buffers = [3]unsafe.Pointer{k.buffers[p.in[0]].Ptr, k.buffers[p.in[1]].Ptr, k.buffers[p.out].Ptr}
	for _, w := range p.crew {
		w.packed = -1
	}
	for i := range p.across {
		p.across[i].Store(0)
	}
}

func (p *product) piece(_ *Kernel, worker, phase, i int) (progressed, error) {
	w := p.crew[worker]
	err := jit.Guard(func() error {
		w.piece(phase, i)
		return nil
	})
	return w.done, err
}

// lastAcross counts a finished piece and tells whether it was the last one of its block of rows.
func (p *product) lastAcross(rows int) bool {
	return p.columns == 1 || int(p.across[rows].Add(1)) == p.columns
}

package kernel

import (
	"errors"
	"os"
	"strconv"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/mem"
)

// product executes matrix products by micro-kernels of machine code. It cuts C into tiles (tiling), k into blocks, one
// phase each, so that what a panel of B and some rows of A have in a block stays in the caches, and both directions of C
// into the blocks that pieces are made of.
type product struct {
	*ir.MatMul  // batches of one row of tiles merged
	in          [2]int
	out         int
	tiling      tiling
	tiles       [2][2]jit.Tile // high and low ones, of a whole panel and of the last one
	code        *jit.Tiles
	packers     *jit.Packers // nil where nothing is packed
	packA       bool
	packB       bool
	rowPacker   [2]jit.Packer // of whole panels and of the last one
	kBlock      int
	kBlocks     int
	rowBlock    int // rows of tiles
	panelBlock  int // panels
	batchBlock  int // products of a piece, where a piece is whole ones
	most        int
	heap        jit.Memory
	workersDone []*productWorker
	buffers     [3]unsafe.Pointer // of the run: A, B, C
}

const (
	// longestK is how many k a block has at most: a panel of two vectors of them is as large as an L1 cache is.
	longestK = 512
	// blockRows is about how many rows of C a block has, of which the A of a block of k is half of an L2 cache.
	blockRows = 512
	// leastPiece and mostPiece are how many multiply-adds of floats a piece has: some tens of microseconds, so that it is
	// worth to wake a worker, and a millisecond.
	leastPiece = 1 << 21
	mostPiece  = 1 << 26
	// callWork is how many multiply-adds of vectors a call of generated code does: some ten microseconds.
	callWork  = 1 << 16
	floatSize = 4
)

// newProduct prepares a stage of float32 with at least one element.
func newProduct(s *ir.Stage, t jit.Target, pages *jit.Pages, heap jit.Memory, workers int) (*product, error) {
	p := &product{MatMul: merged(s.MatMul), in: [2]int{s.In[0], s.In[1]}, out: s.Out[0], heap: heap}
	p.tiling = newTiling(t, p.M, p.N, p.K)
	p.block(workers)
	p.choosePacking()
	if err := p.compile(t, pages); err != nil {
		return nil, err
	}
	_, pieces := p.extent()
	p.most = min(workers, pieces)
	for range p.most {
		w, err := newProductWorker(p)
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.workersDone = append(p.workersDone, w)
	}
	return p, nil
}

// merged makes one product of a batch in which B is the same for all and the rows of A go on from one to the next: C does
// so anyway.
func merged(p *ir.MatMul) *ir.MatMul {
	q := *p
	for d := len(q.Batch) - 1; d >= 0 && q.B.Batch[d] == 0 && (q.A.Batch[d] == q.M*q.A.Row || q.Batch[d] == 1); d-- {
		q.M *= q.Batch[d]
		q.Batch, q.A.Batch, q.B.Batch = q.Batch[:d], q.A.Batch[:d], q.B.Batch[:d]
	}
	return &q
}

// block chooses the blocks.
func (p *product) block(workers int) {
	g := &p.tiling
	p.kBlocks = max(1, (p.K+longestK-1)/longestK)
	p.kBlock = (p.K + p.kBlocks - 1) / p.kBlocks
	if p.kBlocks > 1 {
		p.kBlock = (p.kBlock + jit.PackedColumns - 1) / jit.PackedColumns * jit.PackedColumns
	}
	blocks := (p.M + blockRows - 1) / blockRows
	p.rowBlock = (g.rows() + blocks - 1) / blocks
	p.panelBlock, p.batchBlock = g.panels(), 1
	all := p.M * p.N * max(p.kBlock, 1) * p.Batches()
	want := min(mostPiece, max(leastPiece, all/(4*workers)))
	panel := p.rowBlock * g.height * g.vectors * jit.TileLanes(g.target) * max(p.kBlock, 1)
	p.panelBlock = max(1, min(g.panels(), want/panel))
	if p.panelBlock == g.panels() && p.rowBlock == g.rows() {
		p.batchBlock = max(1, min(p.Batches(), want/(panel*p.panelBlock)))
	}
}

// choosePacking decides what is packed.
func (p *product) choosePacking() {
	p.packB = p.B.Col != 1 || p.rowBlock > 4
	p.packA = false
	if x := os.Getenv("PACKB"); x != "" && p.B.Col == 1 {
		p.packB = x == "1"
	}
	if x := os.Getenv("PACKA"); x != "" {
		p.packA = x == "1"
	}
	if x := os.Getenv("KB"); x != "" {
		n, _ := strconv.Atoi(x)
		p.kBlocks = max(1, (p.K+n-1)/n)
		p.kBlock = (p.K + p.kBlocks - 1) / p.kBlocks
	}
}

func (p *product) compile(t jit.Target, pages *jit.Pages) error {
	g := &p.tiling
	shapes := g.shapes()
	var err error
	if p.code, err = jit.NewTiles(t, pages, shapes...); err != nil {
		return err
	}
	if p.packB {
		if p.packers, err = jit.NewPackers(t, pages, shapes...); err != nil {
			return errors.Join(err, p.code.Close())
		}
	}
	for last := range 2 {
		panel := last * g.whole // a whole one, or the last
		if panel >= g.panels() || last == 0 && g.whole == 0 {
			continue
		}
		p.tiles[0][last] = p.code.Tile(g.shape(g.height, panel))
		if g.low > 0 {
			p.tiles[1][last] = p.code.Tile(g.shape(g.height-1, panel))
		}
		if p.packB {
			p.rowPacker[last] = p.packers.Rows(g.shape(1, panel))
		}
	}
	return nil
}

func (p *product) close() error {
	for _, w := range p.workersDone {
		p.heap.Free(w.span)
	}
	p.workersDone = nil
	err := p.code.Close()
	if p.packers != nil {
		err = errors.Join(err, p.packers.Close())
	}
	return err
}

func (p *product) workers() int { return p.most }

// blocks counts the blocks of rows and of panels.
func (p *product) blocks() (rows, panels int) {
	return (p.tiling.rows() + p.rowBlock - 1) / p.rowBlock, (p.tiling.panels() + p.panelBlock - 1) / p.panelBlock
}

func (p *product) extent() (phases, pieces int) {
	rows, panels := p.blocks()
	return p.kBlocks, (p.Batches() + p.batchBlock - 1) / p.batchBlock * rows * panels
}

func (p *product) begin(k *Kernel) {
	p.buffers = [3]unsafe.Pointer{k.buffers[p.in[0]].Ptr, k.buffers[p.in[1]].Ptr, k.buffers[p.out].Ptr}
	for _, w := range p.workersDone {
		w.packed = -1
	}
}

func (p *product) piece(_ *Kernel, worker, phase, i int) (finished int, err error) {
	w := p.workersDone[worker]
	err = jit.Guard(func() error {
		w.piece(phase, i)
		return nil
	})
	return w.finished, err
}

// productWorker is what one goroutine needs: the calls' arguments, and room for packed blocks.
type productWorker struct {
	*product
	span     mem.Span
	roomA    unsafe.Pointer
	roomB    unsafe.Pointer
	packed   int // number of the block of A in the room, -1: none
	call     jit.TileCall
	pack     jit.PackCall
	finished int
}

func newProductWorker(p *product) (*productWorker, error) {
	w := &productWorker{product: p}
	sizeA, sizeB := 0, 0
	if p.packA {
		sizeA = max(p.rowBlock*p.tiling.height*p.strideA(), p.kBlock*p.strideA()) * floatSize
	}
	if p.packB {
		sizeB = p.kBlock * p.tiling.vectors * jit.TileLanes(p.tiling.target) * floatSize
	}
	sizeA = (sizeA + mem.Alignment - 1) / mem.Alignment * mem.Alignment
	var err error
	if w.span, err = p.heap.Alloc(sizeA + sizeB + jit.Slack); err != nil {
		return nil, err
	}
	clear(w.span.Bytes())
	w.roomA, w.roomB = w.span.Base(), unsafe.Add(w.span.Base(), sizeA)
	lanes := p.tiling.lastLanes
	w.call.SetTail(lanes)
	w.pack.SetTail(lanes)
	w.call.CRow = p.N * floatSize
	return w, nil
}

// strideA is the floats from one row of a packed block of A to the next, or from one column to the next where these have
// unit stride. It is odd in cache lines: rows of a power of two would meet in a few sets of the cache.
func (p *product) strideA() int {
	n := p.kBlock
	if p.byColumns() {
		n = p.rowBlock * p.tiling.height
	}
	return (n+15)/16*16 | 16
}

func (p *product) byColumns() bool { return p.A.Row == 1 && p.A.Col != 1 }

// block is a part of a piece: rows of tiles, panels, and k.
type productBlock struct {
	batch         int
	row, rows     int // rows of tiles, from and to
	panel, panels int
	k, ks         int
	a, b          unsafe.Pointer // of the product
	c             unsafe.Pointer
	number        int // of the block of A
}

func (w *productWorker) piece(phase, i int) {
	rows, panels := w.blocks()
	g := &w.tiling
	x := productBlock{k: phase * w.kBlock, ks: min((phase+1)*w.kBlock, w.K)}
	x.panel = i % panels * w.panelBlock
	x.panels = min(x.panel+w.panelBlock, g.panels())
	i /= panels
	x.row = i % rows * w.rowBlock
	x.rows = min(x.row+w.rowBlock, g.rows())
	i /= rows
	w.finished = 0
	for x.batch = i * w.batchBlock; x.batch < min((i+1)*w.batchBlock, w.Batches()); x.batch++ {
		at := func(buffer, offset int) unsafe.Pointer { return unsafe.Add(w.buffers[buffer], offset*floatSize) }
		x.a, x.b = at(0, w.A.At(w.Batch, x.batch)), at(1, w.B.At(w.Batch, x.batch))
		x.c = at(2, x.batch*w.M*w.N)
		x.number = (x.batch*rows+x.row/w.rowBlock)*w.kBlocks + phase
		w.do(&x)
		if phase == w.kBlocks-1 {
			w.finished += (g.row(x.rows) - g.row(x.row)) * (min(g.column(x.panels), w.N) - g.column(x.panel))
		}
	}
}

// do computes a block.
func (w *productWorker) do(x *productBlock) {
	c, g := &w.call, &w.tiling
	c.K, c.Fresh = x.ks-x.k, x.k == 0
	if w.packA {
		w.packBlockA(x)
	} else {
		c.ARow, c.AColumn = w.A.Row*floatSize, w.A.Col*floatSize
	}
	for panel := x.panel; panel < x.panels; panel++ {
		last, vectors := 0, g.vectors
		if panel >= g.whole {
			last, vectors = 1, g.lastVectors
		}
		first := unsafe.Add(x.b, (x.k*w.B.Row+g.column(panel)*w.B.Col)*floatSize)
		if w.packB {
			w.packPanel(x, panel, last, vectors, first)
			c.B, c.BRow = w.roomB, vectors*jit.TileLanes(g.target)*floatSize
		} else {
			c.B, c.BRow = first, w.B.Row*floatSize
		}
		w.column(x, panel, last, vectors)
	}
}

// column computes the tiles of a panel, the high ones and then the low ones.
func (w *productWorker) column(x *productBlock, panel, last, vectors int) {
	g, c := &w.tiling, &w.call
	each := max(1, callWork/max(1, g.height*vectors*c.K))
	for row := x.row; row < x.rows; {
		kind, end := 0, min(x.rows, g.high)
		if row >= g.high {
			kind, end = 1, x.rows
		}
		c.Rows, c.Count = g.height-kind, min(end-row, each)
		r := g.row(row)
		if w.packA && w.byColumns() {
			c.A = unsafe.Add(w.roomA, (r-g.row(x.row))*floatSize)
		} else if w.packA {
			c.A = unsafe.Add(w.roomA, (r-g.row(x.row))*w.strideA()*floatSize)
		} else {
			c.A = unsafe.Add(x.a, (r*w.A.Row+x.k*w.A.Col)*floatSize)
		}
		c.C = unsafe.Add(x.c, (r*w.N+g.column(panel))*floatSize)
		c.Run(w.tiles[kind][last])
		row += c.Count
	}
}

func floats(at unsafe.Pointer, n int) []float32 { return unsafe.Slice((*float32)(at), n) }

// packBlockA copies a block of A, in its order.
func (w *productWorker) packBlockA(x *productBlock) {
	stride := w.strideA()
	c, g := &w.call, &w.tiling
	c.ARow, c.AColumn = stride*floatSize, floatSize
	if w.byColumns() {
		c.ARow, c.AColumn = floatSize, stride*floatSize
	}
	if w.packed == x.number {
		return
	}
	w.packed = x.number
	r, rows := g.row(x.row), g.row(x.rows)
	from := unsafe.Add(x.a, (r*w.A.Row+x.k*w.A.Col)*floatSize)
	switch {
	case w.A.Col == 1:
		for i := range rows - r {
			copy(floats(unsafe.Add(w.roomA, i*stride*floatSize), c.K), floats(unsafe.Add(from, i*w.A.Row*floatSize), c.K))
		}
	case w.A.Row == 1:
		for i := range c.K {
			copy(floats(unsafe.Add(w.roomA, i*stride*floatSize), rows-r), floats(unsafe.Add(from, i*w.A.Col*floatSize), rows-r))
		}
	default:
		for i := range rows - r {
			for j := range c.K {
				*(*float32)(unsafe.Add(w.roomA, (i*stride+j)*floatSize)) = *(*float32)(unsafe.Add(from, (i*w.A.Row+j*w.A.Col)*floatSize))
			}
		}
	}
}

// packPanel packs a panel of B.
func (w *productWorker) packPanel(x *productBlock, panel, last, vectors int, first unsafe.Pointer) {
	g, p := &w.tiling, &w.pack
	width := vectors * jit.TileLanes(g.target)
	if w.B.Col == 1 {
		p.From, p.To, p.Step, p.ToRow, p.Count = first, w.roomB, w.B.Row*floatSize, width*floatSize, w.call.K
		if p.Count > 0 {
			p.Run(w.rowPacker[last])
		}
		return
	}
	columns := min(width, w.N-g.column(panel))
	done := 0
	if w.B.Row == 1 && w.call.K >= jit.PackedColumns {
		done = columns / jit.PackedColumns * jit.PackedColumns
		w.packColumns(done, width, first)
	}
	for k := range w.call.K {
		for j := done; j < columns; j++ {
			*(*float32)(unsafe.Add(w.roomB, (k*width+j)*floatSize)) = *(*float32)(unsafe.Add(first, (k*w.B.Row+j*w.B.Col)*floatSize))
		}
	}
}

// packColumns transposes whole groups of columns of unit stride. Where their length is no multiple of what the packer
// takes, it takes the last elements once more.
func (w *productWorker) packColumns(columns, width int, first unsafe.Pointer) {
	const group = jit.PackedColumns
	p, k := &w.pack, w.call.K
	p.Step, p.ToRow = w.B.Col*floatSize, width*floatSize
	for j := 0; j < columns; j += group {
		from, to := unsafe.Add(first, j*w.B.Col*floatSize), unsafe.Add(w.roomB, j*floatSize)
		p.From, p.To, p.Count = from, to, k/group
		p.Run(w.packers.Columns())
		if k%group > 0 {
			p.From, p.To, p.Count = unsafe.Add(from, (k-group)*floatSize), unsafe.Add(to, (k-group)*width*floatSize), 1
			p.Run(w.packers.Columns())
		}
	}
}

package kernel

import (
	"unsafe"

	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/mem"
)

// productWorker is what one goroutine needs: the arguments of calls, and room for packed blocks.
type productWorker struct {
	*product
	span   mem.Span
	roomA  unsafe.Pointer
	roomB  unsafe.Pointer
	packed int // number of the block of A in the room, -1: none
	call   jit.TileCall
	pack   jit.PackCall
	done   progressed // by the last piece
}

func newProductWorker(p *product) (*productWorker, error) {
	w := &productWorker{product: p}
	sizeA, sizeB := 0, 0
	if p.a {
		lines := p.rows * p.tiling.height
		if p.byColumns {
			lines = p.k
		}
		sizeA = alignLine(p.aStride * floatSize * lines)
	}
	if p.b {
		sizeB = p.k * p.tiling.vectors * jit.TileLanes(p.tiling.target) * floatSize
	}
	var err error
	if w.span, err = p.heap.Alloc(sizeA + sizeB + jit.Slack); err != nil {
		return nil, err
	}
	clear(w.span.Bytes()) // what lies behind the last column is read as numbers, which had better be quick ones
	w.roomA, w.roomB = w.span.Base(), unsafe.Add(w.span.Base(), sizeA)
	w.call.SetTail(p.tiling.lastLanes)
	w.pack.SetTail(p.tiling.lastLanes)
	w.call.CRow = p.N * floatSize
	return w, nil
}

// productBlock is a part of a piece.
type productBlock struct {
	row, rows     int            // rows of tiles, from and to
	panel, panels int            // from and to
	k             int            // from
	a, b, c       unsafe.Pointer // element (0, 0) of the matrices
	number        int            // of the block of A
}

// piece does one of a phase. Pieces that share a block of A follow each other.
func (w *productWorker) piece(phase, i int) {
	g := &w.tiling
	x := productBlock{k: phase * w.k, rows: g.rows(), panels: g.panels()}
	w.call.K, w.call.Fresh = min(w.k, w.K-x.k), phase == 0
	if w.columns > 1 {
		x.panel = i % w.columns * w.panels
		x.panels = min(x.panel+w.panels, x.panels)
		i /= w.columns
	}
	if w.rowsOf > 1 {
		x.row = i % w.rowsOf * w.rows
		x.rows = min(x.row+w.rows, x.rows)
	}
	x.number = i*w.ks + phase
	rows := i // number of the block of rows
	i /= w.rowsOf
	end := min((i+1)*w.batch, w.Batches())
	for batch := i * w.batch; batch < end; batch++ {
		x.a = element(w.buffers[0], w.A.At(w.Batch, batch))
		x.b = element(w.buffers[1], w.B.At(w.Batch, batch))
		x.c = element(w.buffers[2], batch*w.M*w.N)
		w.block(&x)
		if end-batch > 1 {
			w.packed = -1
		}
	}
	if w.done = (progressed{}); phase < w.ks-1 {
		return
	}
	columns := min(g.column(x.panels), w.N) - g.column(x.panel)
	w.done.elements = (end - i*w.batch) * (g.row(x.rows) - g.row(x.row)) * columns
	if w.lastAcross(rows) {
		w.done.first, w.done.end = (i*w.batch*w.M+g.row(x.row))*w.N, ((end-1)*w.M+g.row(x.rows))*w.N
	}
}

// element is the address of float i of a buffer.
func element(buffer unsafe.Pointer, i int) unsafe.Pointer { return unsafe.Add(buffer, i*floatSize) }

// block computes a block, panel by panel.
func (w *productWorker) block(x *productBlock) {
	c, g := &w.call, &w.tiling
	if c.ARow, c.AColumn = w.A.Row*floatSize, w.A.Col*floatSize; w.a {
		w.packA(x)
	}
	for panel := x.panel; panel < x.panels; panel++ {
		kind, vectors := 0, g.vectors
		if panel >= g.whole {
			kind, vectors = 1, g.lastVectors
		}
		c.B, c.BRow = element(x.b, x.k*w.B.Row+g.column(panel)*w.B.Col), w.B.Row*floatSize
		if w.b {
			w.packB(w.kinds[kind].rows, vectors*jit.TileLanes(g.target), w.N-g.column(panel))
		}
		w.panel(x, panel, kind, vectors)
	}
}

// panel computes the tiles of a panel, the high ones and then the low ones.
func (w *productWorker) panel(x *productBlock, panel, kind, vectors int) {
	g, c := &w.tiling, &w.call
	each := max(1, w.callWork/max(1, g.height*vectors*c.K)) // tiles of a call
	a, c0 := element(x.a, x.k*w.A.Col), element(x.c, g.column(panel))
	aRow, first := w.A.Row, 0
	if w.a {
		a, aRow, first = w.roomA, c.ARow/floatSize, g.row(x.row)
	}
	for row := x.row; row < x.rows; row += c.Count {
		low, end := 0, min(x.rows, g.high)
		if row >= g.high {
			low, end = 1, x.rows
		}
		r := g.row(row)
		c.Rows, c.Count = g.height-low, min(end-row, each)
		c.A, c.C = element(a, (r-first)*aRow), element(c0, r*w.N)
		c.Run(w.kinds[kind].tiles[low])
	}
}

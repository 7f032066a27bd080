package kernel

import (
	"unsafe"

	"github.com/baremetaldevx86/microdr/jit"
)

func floats(at unsafe.Pointer, n int) []float32 { return unsafe.Slice((*float32)(at), n) }

func copyFloat(to, from unsafe.Pointer) { *(*float32)(to) = *(*float32)(from) }

// packA copies a block of A in its own order, unless that is there already, and points the call to it. Only its strides
// change: rows, or columns, lie close to each other.
func (w *productWorker) packA(x *productBlock) {
	c, g := &w.call, &w.tiling
	c.ARow, c.AColumn = w.aStride*floatSize, floatSize
	if w.byColumns {
		c.ARow, c.AColumn = floatSize, w.aStride*floatSize
	}
	if w.packed == x.number {
		return
	}
	w.packed = x.number
	first, rows := g.row(x.row), g.row(x.rows)-g.row(x.row)
	from := element(x.a, first*w.A.Row+x.k*w.A.Col)
	switch {
	case w.byColumns:
		for k := range c.K {
			copy(floats(element(w.roomA, k*w.aStride), rows), floats(element(from, k*w.A.Col), rows))
		}
	case w.A.Col == 1:
		for r := range rows {
			copy(floats(element(w.roomA, r*w.aStride), c.K), floats(element(from, r*w.A.Row), c.K))
		}
	default:
		for r := range rows {
			for k := range c.K {
				copyFloat(element(w.roomA, r*w.aStride+k), element(from, r*w.A.Row+k*w.A.Col))
			}
		}
	}
}

// packB packs the panel of B that the call points to, of a width in floats of which only some columns may exist, and
// points the call to that.
func (w *productWorker) packB(rows jit.Packer, width, columns int) {
	p, c := &w.pack, &w.call
	from := c.B
	c.B, c.BRow = w.roomB, width*floatSize
	if c.K == 0 {
		return
	}
	if w.B.Col == 1 {
		p.From, p.To, p.Step, p.ToRow, p.Count = from, w.roomB, w.B.Row*floatSize, c.BRow, c.K
		p.Run(rows)
		return
	}
	columns = min(columns, width)
	done := 0
	if w.B.Row == 1 && c.K >= jit.PackedColumns {
		done = columns / jit.PackedColumns * jit.PackedColumns
		w.packColumns(from, width, done)
	}
	for k := range c.K {
		for j := done; j < columns; j++ {
			copyFloat(element(w.roomB, k*width+j), element(from, k*w.B.Row+j*w.B.Col))
		}
	}
}

// packColumns transposes whole groups of columns of unit stride, some k at a time, so that the lines of the panel,
// each of which holds several groups, stay near until they are full. Where the length is no multiple of what the
// packer takes, it takes the last elements once more.
func (w *productWorker) packColumns(from unsafe.Pointer, width, columns int) {
	const group, together = jit.PackedColumns, 64
	p, all := &w.pack, w.call.K
	p.Step, p.ToRow = w.B.Col*floatSize, width*floatSize
	for k := 0; k < all; k += together {
		n := min(together, all-k)
		for j := 0; j < columns; j += group {
			column, to := element(from, j*w.B.Col), element(w.roomB, j)
			if p.Count = n / group; p.Count > 0 {
				p.From, p.To = element(column, k), element(to, k*width)
				p.Run(w.columnPacker)
			}
			if n%group > 0 {
				p.From, p.To, p.Count = element(column, all-group), element(to, (all-group)*width), 1
				p.Run(w.columnPacker)
			}
		}
	}
}

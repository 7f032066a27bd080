package jit

import (
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// slidePlan is a slide with its code and the layout of a worker's memory.
type slidePlan struct {
	*slide
	entries map[slideEntry]int // offsets in the code

	sums, tables     int // offsets in a worker's memory, in bytes
	taps             []int
	segmentTables    [2]int
	source, out, all int
	padder           *padder // nil: rows are padded in Go
}

func newSlidePlan(c *ir.Conv, t *target) (*slidePlan, error) {
	s, err := newSlide(c, t)
	if err != nil {
		return nil, err
	}
	p := &slidePlan{slide: s, entries: map[slideEntry]int{}}
	l := convLayout{}
	l.take(convFrame)
	p.sums = l.take(vectorSlot * 32)
	for i := range s.phases {
		p.taps = append(p.taps, l.take(tapBytes*len(s.phases[i].taps)))
	}
	for last := range 2 {
		p.segmentTables[last] = l.take(segmentBytes(t) * len(s.segments[last]))
	}
	p.padder = newPadder(t, &s.v, &s.h, s.width, s.sourceStep, &l)
	p.source, p.out = l.take(4*s.sourceSize()), l.take(4*s.outSize())
	p.all = l.take(0)
	return p, nil
}

func (p *slidePlan) steps() int     { return 1 }
func (p *slidePlan) pieces(int) int { return p.slide.pieces() }
func (p *slidePlan) shared() int    { return 0 }
func (p *slidePlan) private() int   { return p.all }

// lastRows is the number of rows of the last part.
func (p *slidePlan) lastRows() int { return p.rows - (p.parts-1)*p.partRows }

// emit writes the code of the shapes that pieces are cut into. Few taps are written out for every phase.
func (p *slidePlan) emit(code *amd64.Code) {
	if p.padder != nil {
		p.padder.emit(code)
	}
	phases := p.phases[:1]
	if p.writtenOut() {
		phases = p.phases
	}
	for phase := range phases {
		for _, rows := range remaining(p.shape.rows, p.partRows, p.lastRows()) {
			for _, vectors := range remaining(p.shape.vectors, p.vectors[0], p.vectors[1]) {
				alignTo(code)
				e := &slideEmitter{slide: p.slide, code: code, tile: slideShape{rows, vectors}, bytes: int32(4 * p.t.lanes)}
				if p.writtenOut() {
					e.taps = phases[phase].taps
				}
				p.entries[slideEntry{phase, e.tile}] = len(code.Bytes)
				e.emit()
			}
		}
	}
}

// mostTaps is how many taps are written out.
const mostTaps = 64

// writtenOut tells whether the taps stand one after the other in the code, which then needs no loop over them, whose end
// the processor would not foresee.
func (p *slidePlan) writtenOut() bool {
	n := 0
	for i := range p.phases {
		n += len(p.phases[i].taps)
		if len(p.phases[i].taps) == 0 {
			return false
		}
	}
	return n <= mostTaps
}

// slideEntry says what code is for.
type slideEntry struct {
	phase int // 0 for all where the taps are in the table
	tile  slideShape
}

// prepare writes the tables.
func (p *slidePlan) prepare(w *ConvWorker) {
	if p.padder != nil {
		p.padder.prepare(w)
	}
	for i := range p.phases {
		for k, t := range p.phases[i].taps {
			at := p.taps[i] + k*tapBytes
			w.set(at, int(t.source))
			w.set(at+8, int(t.filter))
		}
	}
	for last := range 2 {
		for i, s := range p.segments[last] {
			at := p.segmentTables[last] + i*segmentBytes(p.t)
			if w.set(at, noSegment); s.from < s.to {
				w.set(at, 4*s.at)
				w.setMask(p.t, at+8, s.from, s.to)
			}
		}
	}
}

// slidePiece is a piece of the work.
type slidePiece struct {
	n, group  int
	first     int // row of positions
	last      int // 1 for the last band
	rows      int // of positions
	row, size int // first row of the product, of the group, and how many
}

func (p *slidePlan) piece(i int) slidePiece {
	part := i % p.parts
	band := i / p.parts % p.bands
	group := i / p.parts / p.bands
	x := slidePiece{n: group / p.conv.Groups, group: group % p.conv.Groups, first: band * p.band, row: part * p.partRows}
	x.rows, x.size = min(p.band, p.v.positions-x.first), min(p.partRows, p.rows-x.row)
	if band == p.bands-1 {
		x.last = 1
	}
	return x
}

// run does a piece: it lays out the source and slides over it, phase by phase of the output.
func (p *slidePlan) run(w *ConvWorker, _, piece int) error {
	x := p.piece(piece)
	planes := p.v.source * p.h.source
	source := unsafe.Add(w.arrays.First, 4*((x.n*p.conv.Groups+x.group)*p.planes*planes+x.first*p.h.source))
	if !p.inPlace {
		p.pad(w, &x)
		source = unsafe.Add(w.span.Base(), p.source)
	}
	w.setAddress(slideSource, source)
	w.setAddress(slideSums, unsafe.Add(w.span.Base(), p.sums))
	for i := range p.phases {
		if err := p.slideOver(w, &x, i); err != nil {
			return err
		}
	}
	if p.throughScratch() {
		p.spread(w, &x)
	}
	return nil
}

// output is where a piece's first element of the output is.
func (p *slidePlan) output(w *ConvWorker, x *slidePiece, phase int) unsafe.Pointer {
	if p.throughScratch() {
		return unsafe.Add(w.span.Base(), p.out+4*phase*p.band*p.h.positions)
	}
	plane := (x.n*p.conv.Groups+x.group)*p.rows + x.row
	return unsafe.Add(w.arrays.Out, 4*((plane*p.outHeight+x.first)*p.outWidth))
}

// slideOver computes a phase of the output.
func (p *slidePlan) slideOver(w *ConvWorker, x *slidePiece, phase int) error {
	if taps := len(p.phases[phase].taps); taps > 0 {
		table := unsafe.Add(w.span.Base(), p.taps[phase])
		w.setAddress(slideTaps, table)
		w.setAddress(slideTapsEnd, unsafe.Add(table, taps*tapBytes))
		whole := x.size / p.shape.rows
		if err := p.blocks(w, x, phase, 0, p.shape.rows, whole); err != nil {
			return err
		}
		return p.blocks(w, x, phase, whole*p.shape.rows, x.size%p.shape.rows, 1)
	}
	size := p.band * p.h.positions
	for row := range x.size {
		clear(w.floats(p.out+4*(row*p.rowDistance()+phase*size), size))
	}
	return nil
}

// blocks computes count blocks of so many rows, from a row of the piece on.
func (p *slidePlan) blocks(w *ConvWorker, x *slidePiece, phase, row, rows, count int) error {
	if rows == 0 || count == 0 {
		return nil
	}
	vectors := p.vectors[x.last]
	whole := vectors / p.shape.vectors * p.shape.vectors
	if err := p.tiles(w, x, phase, row, count, 0, whole, slideShape{rows, p.shape.vectors}); err != nil {
		return err
	}
	return p.tiles(w, x, phase, row, count, whole, vectors, slideShape{rows, vectors - whole})
}

// tiles computes, for count blocks of rows, the tiles from vector first to vector end, in calls that are not too long.
func (p *slidePlan) tiles(w *ConvWorker, x *slidePiece, phase, row, count, first, end int, s slideShape) error {
	if first == end {
		return nil
	}
	work := len(p.phases[phase].taps) * p.planes * s.cost() / 2
	if work > 2*callWork {
		return p.longTiles(w, x, phase, row, count, first, end, s)
	}
	tiles := max(1, callWork/max(work, 1))
	blocks := max(1, tiles/((end-first)/s.vectors))
	for b := 0; b < count; b += blocks {
		for v := first; v < end; v += tiles * s.vectors {
			n := min(tiles, (end-v)/s.vectors)
			if err := p.call(w, x, phase, row+b*s.rows, min(blocks, count-b), v, n, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// longTiles computes tiles one by one, in several calls each.
func (p *slidePlan) longTiles(w *ConvWorker, x *slidePiece, phase, row, count, first, end int, s slideShape) error {
	step := max(1, callWork*2/(len(p.phases[phase].taps)*s.cost()))
	for b := range count {
		for v := first; v < end; v += s.vectors {
			for plane := 0; plane < p.planes; plane += step {
				next := min(plane+step, p.planes)
				if err := p.callPlanes(w, x, phase, row+b*s.rows, 1, v, 1, s, plane, next); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (p *slidePlan) call(w *ConvWorker, x *slidePiece, phase, row, blocks, vector, tiles int, s slideShape) error {
	return p.callPlanes(w, x, phase, row, blocks, vector, tiles, s, 0, p.planes)
}

// callPlanes enters the code for tiles of some blocks of rows; of one tile it may take a part of the planes.
func (p *slidePlan) callPlanes(w *ConvWorker, x *slidePiece, phase, row, blocks, vector, tiles int, s slideShape, plane, end int) error {
	source := *(*unsafe.Pointer)(unsafe.Add(w.span.Base(), slideSource))
	defer w.setAddress(slideSource, source)
	w.setAddress(slideSource, unsafe.Add(source, 4*(vector*p.t.lanes+plane*p.sourceStep)))
	w.setAddress(slideFilter, unsafe.Add(w.arrays.Second, 4*(x.group*p.groupStep+(x.row+row)*p.rowStep+plane*p.planeStep)))
	w.setAddress(slideOut, unsafe.Add(p.output(w, x, phase), 4*row*p.rowDistance()))
	w.setAddress(slideSegments, unsafe.Add(w.span.Base(), p.segmentTables[x.last]+vector*p.perUnit*segmentBytes(p.t)))
	w.set(slidePlanes, end-plane)
	w.set(slideCount, tiles)
	w.set(slideBlocks, blocks)
	w.set(slideLoad, 0)
	w.set(slideSave, 0)
	if plane > 0 {
		w.set(slideLoad, 1)
	}
	if end < p.planes {
		w.set(slideSave, 1)
	}
	if !p.writtenOut() {
		phase = 0
	}
	return w.call(p.entries[slideEntry{phase, s}])
}

// pad lays out what a piece reads: planes of phases of padded rows.
func (p *slidePlan) pad(w *ConvWorker, x *slidePiece) {
	size := p.v.source * p.h.source
	first := (x.n*p.conv.Groups + x.group) * p.planes * size
	rows := x.rows + p.v.reach()
	at := p.source
	if p.padder != nil {
		top, middle, bottom, from := p.v.existing(x.first, rows)
		to := unsafe.Add(w.span.Base(), at)
		w.pad(p.padder, to, unsafe.Add(w.arrays.First, 4*(first+from*p.h.source)), p.planes, top, middle, bottom)
		return
	}
	for plane := range p.planes {
		image := floatsAt(w.arrays.First, first+plane*size, size)
		for _, pv := range p.v.phases {
			for _, ph := range p.h.phases {
				to := w.floats(at, p.planeRows*p.width)
				for r := range rows {
					var row []float32
					if y := (x.first+r)*p.v.step + pv + p.v.first; y >= 0 && y < p.v.source {
						row = image[y*p.h.source:][:p.h.source]
					}
					padRow(to[r*p.width:][:p.width], row, ph+p.h.first, p.h.step)
				}
				at += 4 * p.planeRows * p.width
			}
		}
	}
}

// padRow sets element r of a padded row to element first+r*step of a row, +0 outside.
func padRow(to, row []float32, first, step int) {
	begin := 0
	if first < 0 {
		begin = min((-first+step-1)/step, len(to))
	}
	end := begin
	if at := first + begin*step; begin < len(to) && at < len(row) {
		end = min(len(to), begin+(len(row)-at+step-1)/step)
		if step == 1 {
			copy(to[begin:end], row[at:])
		} else {
			for r := begin; r < end; r++ {
				to[r] = row[at]
				at += step
			}
		}
	}
	clear(to[:begin])
	clear(to[end:])
}

// spread writes the phases of the output where they belong.
func (p *slidePlan) spread(w *ConvWorker, x *slidePiece) {
	size := p.outHeight * p.outWidth
	first := ((x.n*p.conv.Groups+x.group)*p.rows + x.row) * size
	for row := range x.size {
		plane := floatsAt(w.arrays.Out, first+row*size, size)
		for i, phase := range p.phases {
			from := w.floats(p.out+4*(row*p.rowDistance()+i*p.band*p.h.positions), p.band*p.h.positions)
			for r := range x.rows {
				if y := (x.first+r)*p.v.spread + phase.v + p.v.begin; y >= 0 && y < p.outHeight {
					spreadRow(plane[y*p.outWidth:][:p.outWidth], from[r*p.h.positions:][:p.h.positions], phase.h+p.h.begin, p.h.spread)
				}
			}
		}
	}
}

// spreadRow writes element v of a phase to element first+v*spread of a row, if that exists.
func spreadRow(row, phase []float32, first, spread int) {
	if first < 0 {
		skip := (-first + spread - 1) / spread
		phase, first = phase[min(skip, len(phase)):], first+skip*spread
	}
	if first >= len(row) {
		return
	}
	phase = phase[:min(len(phase), (len(row)-first+spread-1)/spread)]
	for _, x := range phase {
		row[first] = x
		first += spread
	}
}

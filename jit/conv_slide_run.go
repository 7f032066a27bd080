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

	sums             int // offsets in a worker's memory, in bytes
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
				tile := sumShape{rows, vectors}
				e := &slideEmitter{slide: p.slide, sumEmitter: newSumEmitter(p.t, code, tile)}
				if p.writtenOut() {
					e.taps = phases[phase].taps
				}
				p.entries[slideEntry{phase, tile}] = len(code.Bytes)
				e.emit()
			}
		}
	}
}

// mostTaps is how many taps are written out.
const mostTaps = 64

// writtenOut tells whether the taps stand one after the other in the code, which then needs no loop over them, whose
// end the processor would not foresee.
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
	tile  sumShape
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
	lastBand  int // 1 for the last band, else 0
	rows      int // of positions
	row, size int // first row of the product, of the group, and how many
	source    unsafe.Pointer
}

func (p *slidePlan) piece(i int) slidePiece {
	part := i % p.parts
	band := i / p.parts % p.bands
	group := i / p.parts / p.bands
	x := slidePiece{n: group / p.conv.Groups, group: group % p.conv.Groups, first: band * p.band, row: part * p.partRows}
	x.rows, x.size = min(p.band, p.v.positions-x.first), min(p.partRows, p.rows-x.row)
	if band == p.bands-1 {
		x.lastBand = 1
	}
	return x
}

// run does a piece: it lays out the source and slides over it, phase by phase of the output.
func (p *slidePlan) run(w *ConvWorker, _, piece int) error {
	x := p.piece(piece)
	plane := (x.n*p.conv.Groups + x.group) * p.planes * p.v.source
	x.source = unsafe.Add(w.arrays.First, 4*(plane+x.first)*p.h.source)
	if !p.inPlace {
		p.pad(w, &x)
		x.source = unsafe.Add(w.span.Base(), p.source)
	}
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

// slideWork is a part of a piece that tiles of one shape cover.
type slideWork struct {
	*slidePiece
	phase       int // of the output
	row, blocks int // of the product: the first row of the piece's, and how many times the rows of a tile
	vector, end int // of positions
	plane, last int // of the source, last exclusive
	tile        sumShape
}

// slideOver computes a phase of the output: whole tiles, and what is left of rows and vectors.
func (p *slidePlan) slideOver(w *ConvWorker, x *slidePiece, phase int) error {
	taps := len(p.phases[phase].taps)
	if taps == 0 {
		p.zero(w, x, phase)
		return nil
	}
	table := unsafe.Add(w.span.Base(), p.taps[phase])
	w.setAddress(slideTaps, table)
	w.setAddress(slideTapsEnd, unsafe.Add(table, taps*tapBytes))
	vectors, rows := p.vectors[x.lastBand], p.shape.rows
	wholeVectors, wholeRows := vectors/p.shape.vectors*p.shape.vectors, x.size/rows*rows
	for _, part := range [4]slideWork{
		{row: 0, blocks: x.size / rows, vector: 0, end: wholeVectors, tile: p.shape},
		{row: 0, blocks: x.size / rows, vector: wholeVectors, end: vectors, tile: sumShape{rows, vectors - wholeVectors}},
		{row: wholeRows, blocks: 1, vector: 0, end: wholeVectors, tile: sumShape{x.size - wholeRows, p.shape.vectors}},
		{row: wholeRows, blocks: 1, vector: wholeVectors, end: vectors,
			tile: sumShape{x.size - wholeRows, vectors - wholeVectors}},
	} {
		if part.blocks == 0 || part.vector == part.end || part.tile.rows == 0 {
			continue
		}
		part.slidePiece, part.phase, part.last = x, phase, p.planes
		if err := p.tiles(w, part); err != nil {
			return err
		}
	}
	return nil
}

// zero sets a phase of the output that no tap leads to.
func (p *slidePlan) zero(w *ConvWorker, x *slidePiece, phase int) {
	size := p.band * p.h.positions
	for row := range x.size {
		clear(w.floats(p.out+4*(row*p.rowDistance()+phase*size), size))
	}
}

// tiles does work in calls that are not too long.
func (p *slidePlan) tiles(w *ConvWorker, x slideWork) error {
	cycles := len(p.phases[x.phase].taps) * p.planes * x.tile.cost() / 2 // of a tile
	if cycles > callWork*3/2 {
		return p.longTiles(w, x)
	}
	tiles := max(1, callWork/max(cycles, 1))
	blocks := max(1, tiles/((x.end-x.vector)/x.tile.vectors))
	for b := 0; b < x.blocks; b += blocks {
		for v := x.vector; v < x.end; v += tiles * x.tile.vectors {
			y := x
			y.row, y.blocks = x.row+b*x.tile.rows, min(blocks, x.blocks-b)
			y.vector, y.end = v, min(v+tiles*x.tile.vectors, x.end)
			if err := p.call(w, &y); err != nil {
				return err
			}
		}
	}
	return nil
}

// longTiles does work tile by tile, each in several calls, a few planes at a time.
func (p *slidePlan) longTiles(w *ConvWorker, x slideWork) error {
	step := max(1, 2*callWork/(len(p.phases[x.phase].taps)*x.tile.cost()))
	for b := range x.blocks {
		for v := x.vector; v < x.end; v += x.tile.vectors {
			for plane := 0; plane < p.planes; plane += step {
				y := x
				y.row, y.blocks, y.vector, y.end = x.row+b*x.tile.rows, 1, v, v+x.tile.vectors
				y.plane, y.last = plane, min(plane+step, p.planes)
				if err := p.call(w, &y); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// call enters the code. Sums of a part of the planes go on from call to call.
func (p *slidePlan) call(w *ConvWorker, x *slideWork) error {
	filter := x.group*p.groupStep + (x.slidePiece.row+x.row)*p.rowStep + x.plane*p.planeStep
	segments := p.segmentTables[x.lastBand] + x.vector*p.perUnit*segmentBytes(p.t)
	w.setAddress(slideSource, unsafe.Add(x.source, 4*(x.vector*p.t.lanes+x.plane*p.sourceStep)))
	w.setAddress(slideFilter, unsafe.Add(w.arrays.Second, 4*filter))
	w.setAddress(slideOut, unsafe.Add(p.output(w, x.slidePiece, x.phase), 4*x.row*p.rowDistance()))
	w.setAddress(slideSegments, unsafe.Add(w.span.Base(), segments))
	w.set(slidePlanes, x.last-x.plane)
	w.set(slideCount, (x.end-x.vector)/x.tile.vectors)
	w.set(slideBlocks, x.blocks)
	w.setBool(slideLoad, x.plane > 0)
	w.setBool(slideSave, x.last < p.planes)
	entry := slideEntry{x.phase, x.tile}
	if !p.writtenOut() {
		entry.phase = 0
	}
	return w.call(p.entries[entry])
}

// pad lays out what a piece reads: planes of phases of padded rows.
func (p *slidePlan) pad(w *ConvWorker, x *slidePiece) {
	size := p.v.source * p.h.source
	first, rows := (x.n*p.conv.Groups+x.group)*p.planes*size, x.rows+p.v.reach()
	if p.padder != nil {
		top, middle, bottom, from := p.v.existing(x.first, rows)
		source := unsafe.Add(w.arrays.First, 4*(first+from*p.h.source))
		w.pad(p.padder, unsafe.Add(w.span.Base(), p.source), source, p.planes, top, middle, bottom)
		return
	}
	for i := range p.planes {
		to := w.floats(p.source+4*i*p.sourceStep, p.sourceStep)
		padPhases(to, floatsAt(w.arrays.First, first+i*size, size), &p.v, &p.h, x.first, rows, p.planeRows, p.width)
	}
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
					to := plane[y*p.outWidth:][:p.outWidth]
					spreadRow(to, from[r*p.h.positions:][:p.h.positions], phase.h+p.h.begin, p.h.spread)
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

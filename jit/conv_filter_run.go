package jit

import "unsafe"

// slab is a band of rows of positions of an image.
type slab struct{ n, first, rows int }

// slab returns the i-th slab of a round.
func (p *filterPlan) slab(round, i int) slab {
	at := round*p.slabs + i
	s := slab{n: at / p.bands, first: at % p.bands * p.band}
	s.rows = min(p.band, p.v.positions-s.first)
	return s
}

// imageAt is where the padded image of a group of a slab lies in the shared memory, in elements; resultAt where its result
// lies, sumsAt where the sums of a group do.
func (p *filterPlan) imageAt(slab, group int) int {
	return slab*p.slabSize + group*(p.slabSize/p.conv.Groups)
}

func (p *filterPlan) resultAt(slab, group int) int { return p.imageAt(slab, group) + p.imageSize }

func (p *filterPlan) sumsAt(group int) int { return p.slabs*p.slabSize + group*p.sumSize }

// run does a piece of a step.
func (p *filterPlan) run(w *ConvWorker, step, piece int) error {
	if step%2 == 0 {
		p.layOutSlab(w, step/2, piece)
		return nil
	}
	return p.addSlabs(w, step/2, piece)
}

// layOutSlab lays out a part of a group of a slab: of its channels, and of the rows of its result.
func (p *filterPlan) layOutSlab(w *ConvWorker, round, piece int) {
	part, group, i := piece%p.parts, piece/p.parts%p.conv.Groups, piece/p.parts/p.conv.Groups
	s := p.slab(round, i)
	if !p.inPlace {
		p.padChannels(w, s, group, p.imageAt(i, group), p.channels*part/p.parts, p.channels*(part+1)/p.parts)
	}
	p.turn(w, s, group, p.resultAt(i, group), s.rows*part/p.parts, s.rows*(part+1)/p.parts)
}

// padChannels lays out a band of some channels of a group.
func (p *filterPlan) padChannels(w *ConvWorker, s slab, group, at, channel, end int) {
	if p.padder == nil {
		for c := channel; c < end; c++ {
			p.padChannel(w, s, group*p.channels+c, at+c*p.sourceStep)
		}
	} else if channel < end {
		top, middle, bottom, from := p.v.existing(s.first, s.rows+p.v.reach())
		row := (s.n*p.conv.Channels+group*p.channels+channel)*p.v.source + from
		w.pad(p.padder, unsafe.Add(w.arrays.Shared, 4*(at+channel*p.sourceStep)), unsafe.Add(w.arrays.First, 4*row*p.h.source),
			end-channel, top, middle, bottom)
	}
}

// padChannel lays out a band of a channel, padded and by phases, at an element of the shared memory.
func (p *filterPlan) padChannel(w *ConvWorker, s slab, channel, at int) {
	size := p.v.source * p.h.source
	image := floatsAt(w.arrays.First, (s.n*p.conv.Channels+channel)*size, size)
	for _, pv := range p.v.phases {
		for _, ph := range p.h.phases {
			to := floatsAt(w.arrays.Shared, at, p.planeRows*p.width)
			for r := range s.rows + p.v.reach() {
				var row []float32
				if y := (s.first+r)*p.v.step + pv + p.v.first; y >= 0 && y < p.v.source {
					row = image[y*p.h.source:][:p.h.source]
				}
				padRow(to[r*p.width:][:p.width], row, ph+p.h.first, p.h.step)
			}
			at += p.planeRows * p.width
		}
	}
}

// turn lays out rows of the result with the filters of a group side by side, and +0 behind the last one.
func (p *filterPlan) turn(w *ConvWorker, s slab, group, at, row, end int) {
	width := p.columns * p.t.lanes
	n := (end - row) * p.h.positions
	at += row * p.h.positions * width
	size := p.v.positions * p.h.positions
	first := ((s.n*p.conv.Groups+group)*p.filters*p.v.positions + s.first + row) * p.h.positions
	whole := n / PackedColumns * PackedColumns
	f := 0
	for ; whole > 0 && f+PackedColumns <= p.filters; f += PackedColumns {
		w.turning = PackCall{From: unsafe.Add(w.arrays.Second, 4*(first+f*size)), To: unsafe.Add(w.arrays.Shared, 4*(at+f)),
			Step: 4 * size, ToRow: 4 * width, Count: whole / PackedColumns}
		w.turning.Run(Packer{unsafe.Add(w.c.at.code, p.turnEntry)})
		p.turnPlain(w, first, size, at, f, f+PackedColumns, whole, n)
	}
	p.turnPlain(w, first, size, at, f, p.filters, 0, n)
	if p.filters < width {
		to := floatsAt(w.arrays.Shared, at, n*width)
		for i := range n {
			clear(to[i*width+p.filters:][:width-p.filters])
		}
	}
}

// turnPlain turns positions [i, n) of some filters one by one.
func (p *filterPlan) turnPlain(w *ConvWorker, first, size, at, f, end, i, n int) {
	width := p.columns * p.t.lanes
	to := floatsAt(w.arrays.Shared, at, n*width)
	for ; f < end; f++ {
		for k, x := range floatsAt(w.arrays.Second, first+f*size, n)[i:] {
			to[(i+k)*width+f] = x
		}
	}
}

// addSlabs adds the slabs of a round to the sums of some blocks of channels and of filters, and after the last round writes
// these to the filter.
func (p *filterPlan) addSlabs(w *ConvWorker, round, piece int) error {
	part, columns, group := piece%p.ranges, piece/p.ranges%p.columnBlocks(), piece/p.ranges/p.columnBlocks()
	first := columns * p.shape.vectors
	vectors := min(p.shape.vectors, p.columns-first)
	block, end := p.blocks()*part/p.ranges, p.blocks()*(part+1)/p.ranges
	whole := min(end, p.channels/p.shape.channels)
	for i := range p.slabsOf(round) {
		for taps := range p.shape.parts {
			x := filterCall{slab: p.slab(round, i), index: i, group: group, part: taps, column: first, vectors: vectors,
				later: round > 0 || i > 0}
			x.channel, x.channels, x.blocks = block*p.shape.channels, p.shape.channels, whole-block
			if err := p.add(w, x); err != nil {
				return err
			}
			if end > whole {
				x.channel, x.channels, x.blocks = whole*p.shape.channels, p.channels-whole*p.shape.channels, 1
				if err := p.add(w, x); err != nil {
					return err
				}
			}
		}
	}
	if round == p.rounds-1 {
		p.write(w, group, first, vectors, block*p.shape.channels, min(p.channels, end*p.shape.channels))
	}
	return nil
}

// filterCall says what is added to which sums.
type filterCall struct {
	slab
	index, group, part        int
	column, vectors           int // of filters
	channel, channels, blocks int // the first channel, how many a block has, and how many blocks
	later                     bool
}

// add enters the code, in calls that are not too long.
func (p *filterPlan) add(w *ConvWorker, x filterCall) error {
	if x.blocks <= 0 {
		return nil
	}
	_, rows := p.shape.rowsOf(x.part, x.channels, p.taps)
	row := p.h.positions * max(rows*x.vectors, 8) / 2 // cycles
	if step := max(1, callWork/row); step < x.rows {
		return p.addRows(w, x, step)
	}
	blocks := max(1, callWork/(row*x.rows))
	for b := 0; b < x.blocks; b += blocks {
		y := x
		y.channel, y.blocks = x.channel+b*x.channels, min(blocks, x.blocks-b)
		if err := p.call(w, &y, 0, x.rows); err != nil {
			return err
		}
	}
	return nil
}

// addRows adds a few rows a call.
func (p *filterPlan) addRows(w *ConvWorker, x filterCall, step int) error {
	for b := range x.blocks {
		y := x
		y.channel, y.blocks = x.channel+b*x.channels, 1
		for row := 0; row < x.rows; row += step {
			if err := p.call(w, &y, row, min(step, x.rows-row)); err != nil {
				return err
			}
			y.later = true
		}
	}
	return nil
}

// call enters the code for some rows of a slab.
func (p *filterPlan) call(w *ConvWorker, x *filterCall, row, rows int) error {
	width := p.columns * p.t.lanes
	source := unsafe.Add(w.arrays.Shared, 4*(p.imageAt(x.index, x.group)+x.channel*p.sourceStep+row*p.width))
	if p.inPlace {
		plane := (x.n*p.conv.Channels + x.group*p.channels + x.channel) * p.v.source
		source = unsafe.Add(w.arrays.First, 4*(plane+x.first+row)*p.h.source)
	}
	result := p.resultAt(x.index, x.group) + row*p.h.positions*width + x.column*p.t.lanes
	first, _ := p.shape.rowsOf(x.part, 1, p.taps)
	sums := p.sumsAt(x.group) + (x.channel*p.taps+first)*width + x.column*p.t.lanes
	w.setAddress(filterSource, source)
	w.setAddress(filterResult, unsafe.Add(w.arrays.Shared, 4*result))
	w.setAddress(filterSums, unsafe.Add(w.arrays.Shared, 4*sums))
	w.set(filterRows, rows)
	w.set(filterBlocks, x.blocks)
	w.set(filterLoad, 0)
	if x.later {
		w.set(filterLoad, 1)
	}
	return w.call(p.entries[p.entryKey(x.part, x.channels, x.vectors)])
}

// write turns sums of some channels and vectors of filters into elements of the filter.
func (p *filterPlan) write(w *ConvWorker, group, column, vectors, channel, end int) {
	width := p.columns * p.t.lanes
	sums := floatsAt(w.arrays.Shared, p.sumsAt(group), p.sumSize)
	for f := column * p.t.lanes; f < min(p.filters, (column+vectors)*p.t.lanes); f++ {
		at := (group*p.filters + f) * p.channels * p.taps
		out := floatsAt(w.arrays.Out, at+channel*p.taps, (end-channel)*p.taps)
		for i := range out {
			out[i] = sums[(channel*p.taps+i)*width+f]
		}
	}
}

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

// imageAt is where the padded image of a group of a slab lies in the shared memory, in elements; resultAt where its
// result lies, sumsAt where the sums of a group do.
func (p *filterPlan) imageAt(slab, group int) int {
	return slab*p.slabSize + group*(p.slabSize/p.groups)
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
	part, group, i := piece%p.parts, piece/p.parts%p.groups, piece/p.parts/p.groups
	s := p.slab(round, i)
	switch {
	case p.sideBySide:
		for column := p.columns * part / p.parts; column < p.columns*(part+1)/p.parts; column++ {
			p.layOutSideBySide(w, s, p.imageAt(i, 0)+column*p.sourceStep*p.t.lanes, column*p.t.lanes)
		}
	case !p.inPlace:
		first, end := p.channels*part/p.parts, p.channels*(part+1)/p.parts
		p.padChannels(w, s, w.arrays.Shared, group, p.imageAt(i, group), first, end)
	}
	p.turn(w, s, group, p.resultAt(i, group), s.rows*part/p.parts, s.rows*(part+1)/p.parts)
}

// layOutSideBySide lays out as many channels of a slab as a vector has lanes, one beside the other: padded first, then
// turned.
func (p *filterPlan) layOutSideBySide(w *ConvWorker, s slab, at, channel int) {
	lanes, size := p.t.lanes, p.sourceStep
	planes := unsafe.Add(w.span.Base(), p.planesAt)
	count := min(lanes, p.conv.Channels-channel)
	p.padChannels(w, s, planes, channel, 0, 0, count)
	clear(floatsAt(planes, count*size, (lanes-count)*size))
	for f := 0; f < lanes; f += PackedColumns {
		p.turnPlanes(w, unsafe.Add(planes, 4*f*size), size, unsafe.Add(w.arrays.Shared, 4*(at+f)), lanes, size)
	}
}

// turnPlanes turns n elements of 8 planes, size apart, that come to lie side by side, in rows of some width.
func (p *filterPlan) turnPlanes(w *ConvWorker, from unsafe.Pointer, size int, to unsafe.Pointer, width, n int) {
	whole := n / PackedColumns * PackedColumns
	if whole > 0 {
		w.turning = PackCall{From: from, To: to, Step: 4 * size, ToRow: 4 * width, Count: whole / PackedColumns}
		w.turning.Run(Packer{unsafe.Add(w.c.at.code, p.turnEntry)})
	}
	for f := range PackedColumns {
		turnPlane(floatsAt(from, f*size, n)[whole:], floatsAt(to, whole*width+f, (n-whole)*width), width)
	}
}

// turnPlane writes a plane to rows of some width.
func turnPlane(from, to []float32, width int) {
	for i, x := range from {
		to[i*width] = x
	}
}

// padChannels lays out a band of some channels, from one of the group's on, at an element of some memory.
func (p *filterPlan) padChannels(w *ConvWorker, s slab, to unsafe.Pointer, group, at, channel, end int) {
	first := s.n*p.conv.Channels + group*p.channels
	if p.padder == nil {
		for c := channel; c < end; c++ {
			size := p.v.source * p.h.source
			plane, padded := floatsAt(w.arrays.First, (first+c)*size, size), floatsAt(to, at+c*p.sourceStep, p.sourceStep)
			padPhases(padded, plane, &p.v, &p.h, s.first, s.rows+p.v.reach(), p.planeRows, p.width)
		}
	} else if channel < end {
		top, middle, bottom, from := p.v.existing(s.first, s.rows+p.v.reach())
		row := (first+channel)*p.v.source + from
		w.pad(p.padder, unsafe.Add(to, 4*(at+channel*p.sourceStep)), unsafe.Add(w.arrays.First, 4*row*p.h.source),
			end-channel, top, middle, bottom)
	}
}

// turn lays out rows of the result with the filters of a group side by side, and +0 behind the last one.
func (p *filterPlan) turn(w *ConvWorker, s slab, group, at, row, end int) {
	width := p.columns * p.t.lanes
	n := (end - row) * p.h.positions
	at += row * p.h.positions * width
	size := p.v.positions * p.h.positions
	first := ((s.n*p.groups+group)*p.filters*p.v.positions + s.first + row) * p.h.positions
	f := 0
	for ; f+PackedColumns <= p.filters; f += PackedColumns {
		p.turnPlanes(w, unsafe.Add(w.arrays.Second, 4*(first+f*size)), size, unsafe.Add(w.arrays.Shared, 4*(at+f)), width, n)
	}
	for ; f < p.filters; f++ {
		turnPlane(floatsAt(w.arrays.Second, first+f*size, n), floatsAt(w.arrays.Shared, at+f, n*width), width)
	}
	if p.filters < width {
		to := floatsAt(w.arrays.Shared, at, n*width)
		for i := range n {
			clear(to[i*width+p.filters:][:width-p.filters])
		}
	}
}

// addSlabs adds the slabs of a round to the sums of some blocks of channels and of filters, and after the last round
// writes these to the filter.
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
	source := unsafe.Add(w.arrays.Shared, 4*(p.imageAt(x.index, x.group)+x.channel*p.sourceStep+row*p.width*p.pixelStep))
	if p.inPlace {
		plane := (x.n*p.conv.Channels + x.group*p.channels + x.channel) * p.v.source
		source = unsafe.Add(w.arrays.First, 4*(plane+x.first+row)*p.h.source)
	}
	if p.sideBySide {
		source = unsafe.Add(source, 4*x.column*p.sourceStep*p.t.lanes)
	}
	result := p.resultAt(x.index, x.group) + row*p.h.positions*width + x.column*p.t.lanes
	first, _ := p.shape.rowsOf(x.part, 1, p.taps)
	sums := p.sumsAt(x.group) + (x.channel*p.taps+first)*width + x.column*p.t.lanes
	w.setAddress(filterSource, source)
	w.setAddress(filterResult, unsafe.Add(w.arrays.Shared, 4*result))
	w.setAddress(filterSums, unsafe.Add(w.arrays.Shared, 4*sums))
	w.set(filterRows, rows)
	w.set(filterBlocks, x.blocks)
	w.setBool(filterLoad, x.later)
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

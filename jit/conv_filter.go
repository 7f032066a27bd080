package jit

import (
	"fmt"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// filterPlan is the plan of a convolution that writes the filter. Each element of that is a long sum, over all pixels
// of all images, in which neither factor has neighbours that another sum needs at the same time. So the result is laid
// out with its filters side by side; then a vector of sums, one for each filter, takes a vector of the result and one
// pixel of the padded image, and some elements of the filter are summed at once, which read the image at fixed
// distances.
//
// The images are cut into slabs: bands of rows of positions. A round takes as many slabs as the second cache holds: its
// first step lays them out, its second adds them to all sums, which wait in memory from round to round.
type filterPlan struct {
	conv *ir.Conv
	t    *target
	v, h slideAxis

	groups            int
	channels, filters int // of a group
	taps              int
	columns           int // vectors of filters of a group

	// In a depthwise convolution, of groups of one channel and one filter, all groups count as one of a single channel,
	// that has as many elements at each pixel as a vector has lanes: the channels side by side.
	sideBySide bool
	pixelStep  int // elements from pixel to pixel

	inPlace    bool
	width      int // of a padded row
	planeRows  int
	sourceStep int // elements from channel to channel of the padded image
	band       int
	bands      int
	slabs      int // of a round
	rounds     int
	parts      int // of what the first step does for a group of a slab

	shape   filterShape
	ranges  int         // of blocks of channels: pieces of the second step
	entries map[int]int // offsets in the code, by entryKey

	planesAt  int     // of padded channels that are to lie side by side, in a worker's memory
	turnEntry int     // of what turns the result
	padder    *padder // nil: rows are padded in Go
	all       int     // bytes of a worker

	slabSize, imageSize int // elements of shared memory: of a slab, of the image in it
	sumSize             int // of the sums of a group
}

// filterShape is what is summed in registers at once: so many vectors of filters, and of the elements of the filter
// that one of them has those of some channels, or a part of those of one channel.
type filterShape struct {
	vectors  int
	channels int // whole ones; 1 where parts > 1
	parts    int // of a channel's taps
}

// rowsOf returns the first tap of a part, and how many there are in a block of so many channels.
func (s filterShape) rowsOf(part, channels, taps int) (first, rows int) {
	first = taps * part / s.parts
	return first, channels * (taps*(part+1)/s.parts - first)
}

const (
	roundBytes    = 1 << 20
	mostSums      = 14 // rows of sums: their addresses are in the code
	filterPieces  = 8  // of a step, if there are so many blocks
	longestRowFMA = 8 * callWork
)

func newFilterPlan(c *ir.Conv, t *target) (*filterPlan, error) {
	v, h := c.Axes()
	p := &filterPlan{conv: c, t: t, v: forwardAxis(v), h: forwardAxis(h), groups: c.Groups, channels: c.Channels / c.Groups,
		filters: c.Filters / c.Groups, taps: c.FilterHeight * c.FilterWidth, entries: map[int]int{}, pixelStep: 1}
	if p.channels == 1 && p.filters == 1 && c.Groups > 1 {
		p.sideBySide, p.pixelStep, p.groups, p.filters = true, t.lanes, 1, c.Groups
	}
	p.columns = (p.filters + t.lanes - 1) / t.lanes
	p.layOut()
	p.cut()
	p.chooseShape()
	l := convLayout{}
	l.take(convFrame)
	p.padder = newPadder(t, &p.v, &p.h, p.width, p.sourceStep, &l)
	if p.sideBySide {
		p.planesAt = l.take(4 * t.lanes * p.sourceStep)
	}
	p.all = l.take(0)
	p.sumSize = p.channels * p.taps * p.columns * t.lanes
	tooWide, tooFar := p.h.positions*mostSums > longestRowFMA, p.pixelStep*p.channelStep() > mostDistance/mostSums
	if len(p.v.phases)*len(p.h.phases) > mostPhases || tooWide || tooFar || p.shared() > mostScratch || p.shared() < 0 {
		return nil, fmt.Errorf("%w: a convolution of planes so large", ErrUnsupported)
	}
	return p, nil
}

// layOut decides whether the image is read in place, and else how wide a padded row is.
func (p *filterPlan) layOut() {
	p.width = p.h.positions + p.h.reach()
	if !p.sideBySide && p.v.unpadded() && p.h.unpadded() {
		p.inPlace, p.width = true, p.h.source
	}
}

// cut chooses bands and rounds.
func (p *filterPlan) cut() {
	p.setBand(p.v.positions)
	for p.band > 1 && 4*p.slabSize > roundBytes {
		p.setBand((p.band + 1) / 2)
	}
	slabs := p.conv.Batch * p.bands
	p.slabs = max(1, min(slabs, roundBytes/(4*p.slabSize)))
	p.rounds = (slabs + p.slabs - 1) / p.slabs
	p.slabs = (slabs + p.rounds - 1) / p.rounds
	p.rounds = (slabs + p.slabs - 1) / p.slabs
	p.parts = max(1, min(p.band, filterPieces/(p.slabs*p.groups)))
}

func (p *filterPlan) setBand(rows int) {
	p.bands = (p.v.positions + rows - 1) / rows
	p.band = (p.v.positions + p.bands - 1) / p.bands
	p.bands = (p.v.positions + p.band - 1) / p.band
	p.planeRows = p.band + p.v.reach()
	p.sourceStep = len(p.v.phases) * len(p.h.phases) * p.planeRows * p.width
	p.imageSize = 0
	if !p.inPlace {
		p.imageSize = p.channels * p.sourceStep
	}
	if p.sideBySide {
		p.imageSize = p.columns * p.sourceStep * p.t.lanes
	}
	p.imageSize = (p.imageSize + p.t.lanes - 1) / p.t.lanes * p.t.lanes
	p.slabSize = p.groups * (p.imageSize + p.band*p.h.positions*p.columns*p.t.lanes)
}

// channelStep is the distance from channel to channel of what is read.
func (p *filterPlan) channelStep() int {
	if p.inPlace {
		return p.v.source * p.h.source
	}
	return p.sourceStep
}

// chooseShape finds the shape that takes the least time.
func (p *filterPlan) chooseShape() {
	least := 0
	widest := min(4, p.columns)
	if p.sideBySide {
		widest = 1
	}
	for vectors := 1; vectors <= widest; vectors++ {
		most := min(mostSums, (popcount(p.t.vectors)-1-vectors)/vectors)
		s := filterShape{vectors: vectors, channels: max(1, min(p.channels, most/p.taps)), parts: (p.taps + most - 1) / most}
		blocks, columns := (p.channels+s.channels-1)/s.channels, (p.columns+vectors-1)/vectors
		_, rows := s.rowsOf(s.parts-1, s.channels, p.taps)
		cost := blocks * columns * s.parts * (max(rows*vectors, rows+vectors, 8) + 2)
		if blocks*columns*p.groups == 1 {
			cost *= 2 // for one worker only
		}
		if least == 0 || cost < least {
			p.shape, least = s, cost
		}
	}
	columns := (p.columns + p.shape.vectors - 1) / p.shape.vectors
	p.ranges = max(1, min(p.blocks(), filterPieces/(columns*p.groups)))
}

// blocks is the number of blocks of channels, the last one perhaps smaller.
func (p *filterPlan) blocks() int { return (p.channels + p.shape.channels - 1) / p.shape.channels }

// columnBlocks is the number of blocks of vectors of filters.
func (p *filterPlan) columnBlocks() int { return (p.columns + p.shape.vectors - 1) / p.shape.vectors }

func (p *filterPlan) steps() int { return 2 * p.rounds }

func (p *filterPlan) pieces(step int) int {
	if step%2 == 0 {
		return p.slabsOf(step/2) * p.groups * p.parts
	}
	return p.groups * p.columnBlocks() * p.ranges
}

// slabsOf is the number of slabs of a round.
func (p *filterPlan) slabsOf(round int) int {
	return min(p.slabs, p.conv.Batch*p.bands-round*p.slabs)
}

func (p *filterPlan) shared() int  { return 4 * (p.slabs*p.slabSize + p.groups*p.sumSize) }
func (p *filterPlan) private() int { return p.all }

func (p *filterPlan) prepare(w *ConvWorker) {
	if p.padder != nil {
		p.padder.prepare(w)
	}
}

// entryKey numbers the shapes of code: a part of the taps, of some channels, in some vectors.
func (p *filterPlan) entryKey(part, channels, vectors int) int {
	return (part*(mostSums+1)+channels)*5 + vectors
}

// emit writes the code of all shapes.
func (p *filterPlan) emit(code *amd64.Code) {
	if p.padder != nil {
		p.padder.emit(code)
	}
	alignTo(code)
	p.turnEntry = len(code.Bytes)
	transposeColumns(code)
	for part := range p.shape.parts {
		for _, channels := range remaining(p.shape.channels, p.channels) {
			for _, vectors := range remaining(p.shape.vectors, p.columns) {
				alignTo(code)
				p.entries[p.entryKey(part, channels, vectors)] = len(code.Bytes)
				e := &filterEmitter{filterPlan: p, channelsOfBlock: channels, offsets: p.offsets(part, channels)}
				e.sumEmitter = newSumEmitter(p.t, code, sumShape{len(e.offsets), vectors})
				e.emit()
			}
		}
	}
}

// offsets lists, in bytes, where the rows of sums of a part read the image.
func (p *filterPlan) offsets(part, channels int) []int32 {
	var list []int32
	first, rows := p.shape.rowsOf(part, 1, p.taps)
	for c := range channels {
		for q := first; q < first+rows; q++ {
			a, b := p.v.taps[q/p.conv.FilterWidth], p.h.taps[q%p.conv.FilterWidth]
			plane := a.phase*len(p.h.phases) + b.phase
			at := c*p.channelStep() + (plane*p.planeRows+a.offset)*p.width + b.offset
			list = append(list, int32(4*p.pixelStep*at))
		}
	}
	return list
}

// What the code finds in its frame.
const (
	filterSource = 8 * iota // the padded image at the first position, of the first channel
	filterResult            // the result at the first position
	filterSums              // of the first row
	filterRows              // of positions
	filterBlocks            // of channels
	filterLoad              // 1: go on with the sums in memory
	filterFrame             // bytes
)

const (
	filterSourceReg = amd64.RSI
	filterResultReg = amd64.R8
	filterSumsReg   = amd64.RDX
	filterRowsReg   = amd64.R11
	filterCountReg  = amd64.R12
)

// filterEmitter writes the code of one shape.
type filterEmitter struct {
	*filterPlan
	sumEmitter
	channelsOfBlock int
	offsets         []int32
}

// inMemory is where a sum waits.
func (e *filterEmitter) inMemory(row, vector int) amd64.RM {
	return amd64.Mem(filterSumsReg, int32(row*e.columns+vector)*e.bytes)
}

// emit writes the code: for blocks of channels, for rows of positions, for positions.
func (e *filterEmitter) emit() {
	code := e.code
	block, row, next := code.NewLabel(), code.NewLabel(), code.NewLabel()
	code.Place(block)
	e.load(filterSourceReg, filterSource)
	e.load(filterResultReg, filterResult)
	e.load(filterSumsReg, filterSums)
	e.load(filterRowsReg, filterRows)
	e.begin()
	code.Place(row)
	code.LoadImm(filterCountReg, uint32(e.h.positions))
	code.Place(next)
	e.position()
	code.AddImm(amd64.Size8, amd64.R(filterSourceReg), int32(4*e.pixelStep))
	code.AddImm(amd64.Size8, amd64.R(filterResultReg), int32(e.columns)*e.bytes)
	code.SubImm(amd64.Size8, amd64.R(filterCountReg), 1)
	code.JumpIf(amd64.NotEqual, next)
	code.AddImm(amd64.Size8, amd64.R(filterSourceReg), int32(4*e.pixelStep*(e.width-e.h.positions)))
	code.SubImm(amd64.Size8, amd64.R(filterRowsReg), 1)
	code.JumpIf(amd64.NotEqual, row)
	e.storeSums(e.inMemory)
	code.AddImm(amd64.Size8, amd64.Mem(frameReg, filterSource), int32(4*e.channelsOfBlock*e.channelStep()))
	code.AddImm(amd64.Size8, amd64.Mem(frameReg, filterSums), int32(e.channelsOfBlock*e.taps*e.columns)*e.bytes)
	code.SubImm(amd64.Size8, amd64.Mem(frameReg, filterBlocks), 1)
	code.JumpIf(amd64.NotEqual, block)
	code.Return()
}

// begin sets the sums to +0, or to what they were.
func (e *filterEmitter) begin() {
	fresh, ready := e.code.NewLabel(), e.code.NewLabel()
	e.code.CompareImm(amd64.Size8, amd64.Mem(frameReg, filterLoad), 0)
	e.code.JumpIf(amd64.Equal, fresh)
	e.loadSums(e.inMemory)
	e.code.Jump(ready)
	e.code.Place(fresh)
	e.zeroSums()
	e.code.Place(ready)
}

// position adds the terms of one position.
func (e *filterEmitter) position() {
	e.loadColumns(amd64.Mem(filterResultReg, 0))
	for row, at := range e.offsets {
		pixel := amd64.Mem(filterSourceReg, at)
		if e.sideBySide {
			e.op(amd64.Inst{Op: amd64.VFMADD231PS, Reg: e.sum(row, 0), Src: e.column(0), RM: pixel})
			continue
		}
		if e.tile.vectors == 1 && e.t.width == amd64.W512 {
			e.op(amd64.Inst{Op: amd64.VFMADD231PS, Reg: e.sum(row, 0), Src: e.column(0), RM: pixel.Broadcast()})
			continue
		}
		e.addRow(row, pixel)
	}
}

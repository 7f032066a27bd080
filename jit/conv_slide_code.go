package jit

import "github.com/baremetaldevx86/microdr/jit/amd64"

// maxSlideRows is the largest number of rows of a tile.
const maxSlideRows = 8

// fits tells whether sums, a vector of the source for each column and an element of the filter find registers.
func (s sumShape) fits(t *target) bool { return s.rows*s.vectors+s.vectors+1 <= popcount(t.vectors) }

// cost is about how many half cycles a tile takes for one term of its sums: multiply-adds and loads go in pairs, a load
// of a vector of the source mostly touches two lines of the cache, and a multiply-add waits four cycles for the one
// before.
func (s sumShape) cost() int { return max(s.rows*s.vectors, s.rows+2*s.vectors, 8) + 1 }

// bestShape returns the shape that sums so many rows and vectors at the least cost.
func bestShape(t *target, rows, vectors int) sumShape {
	best, least := sumShape{1, 1}, 0
	for r := 1; r <= min(rows, maxSlideRows); r++ {
		for v := 1; v <= min(vectors, maxSlideRows); v++ {
			s := sumShape{r, v}
			if !s.fits(t) {
				continue
			}
			total := 0
			for _, x := range s.variants(rows, vectors) {
				total += x.times * x.cost()
			}
			if least == 0 || total < least {
				best, least = s, total
			}
		}
	}
	return best
}

// variant is a shape of tile, and how many of them cover a product.
type variant struct {
	sumShape
	times int
}

// variants cuts a product into tiles of the shape, and smaller ones for what is left of rows and vectors.
func (s sumShape) variants(rows, vectors int) []variant {
	all := []variant{
		{s, (rows / s.rows) * (vectors / s.vectors)},
		{sumShape{rows % s.rows, s.vectors}, vectors / s.vectors},
		{sumShape{s.rows, vectors % s.vectors}, rows / s.rows},
		{sumShape{rows % s.rows, vectors % s.vectors}, 1},
	}
	var some []variant
	for _, x := range all {
		if x.rows > 0 && x.vectors > 0 && x.times > 0 {
			some = append(some, x)
		}
	}
	return some
}

// What the code of a tile finds in its frame: addresses and numbers of 8 bytes.
const (
	slideFilter   = 8 * iota // of the first row's first tap
	slideSource              // at the first position
	slideOut                 // at the first position of the band, of the first row
	slideTaps                // pairs of offsets in bytes: of the source, of the filter
	slideTapsEnd             //
	slidePlanes              // of the source
	slideCount               // tiles, one beside the other
	slideBlocks              // and so often, rows apart
	slideSegments            // where vectors are stored
	slideSums                // where sums wait for the next call
	slideLoad                // 1: go on with those
	slideSave                // 1: leave sums there
	slideFrame               // bytes
)

const (
	slideSourceReg  = amd64.RDX
	slidePlaneReg   = amd64.R8
	slideFilterReg  = amd64.RSI
	slideTapReg     = amd64.R9
	slideTapEndReg  = amd64.R10
	slidePlanesReg  = amd64.R11
	slideCountReg   = amd64.R12
	slideSegmentReg = amd64.R13
	slideOutReg     = amd64.R15
	slidePartsReg   = amd64.RBX
)

// slideEmitter writes the code of one shape of tile.
type slideEmitter struct {
	*slide
	sumEmitter
	taps []tapOffset // one after the other in the code; nil: they are in the table
}

// inMemory is where a sum waits for the next call, once scratch0 has the address.
func (e *slideEmitter) inMemory(row, vector int) amd64.RM {
	return amd64.Mem(scratch0, int32(e.sum(row, vector))*e.bytes)
}

// emit writes the code: for blocks of rows, for tiles of positions, for planes, for taps.
func (e *slideEmitter) emit() {
	code := e.code
	block, tile := code.NewLabel(), code.NewLabel()
	e.load(slideTapEndReg, slideTapsEnd)
	code.Place(block)
	e.load(slideSourceReg, slideSource)
	e.load(slideCountReg, slideCount)
	e.load(slideSegmentReg, slideSegments)
	e.load(slideOutReg, slideOut)
	code.Place(tile)
	e.begin()
	e.sums()
	e.finish()
	code.AddImm(amd64.Size8, amd64.R(slideSourceReg), int32(e.tile.vectors)*e.bytes)
	code.SubImm(amd64.Size8, amd64.R(slideCountReg), 1)
	code.JumpIf(amd64.NotEqual, tile)
	code.AddImm(amd64.Size8, amd64.Mem(frameReg, slideFilter), int32(4*e.tile.rows*e.rowStep))
	code.AddImm(amd64.Size8, amd64.Mem(frameReg, slideOut), int32(4*e.tile.rows*e.rowDistance()))
	code.SubImm(amd64.Size8, amd64.Mem(frameReg, slideBlocks), 1)
	code.JumpIf(amd64.NotEqual, block)
	code.Return()
}

// begin sets the sums to +0, or to what an earlier call left.
func (e *slideEmitter) begin() {
	fresh, ready := e.code.NewLabel(), e.code.NewLabel()
	e.code.CompareImm(amd64.Size8, amd64.Mem(frameReg, slideLoad), 0)
	e.code.JumpIf(amd64.Equal, fresh)
	e.load(scratch0, slideSums)
	e.loadSums(e.inMemory)
	e.code.Jump(ready)
	e.code.Place(fresh)
	e.zeroSums()
	e.code.Place(ready)
}

// sums adds up all terms of a tile.
func (e *slideEmitter) sums() {
	code := e.code
	plane := code.NewLabel()
	e.load(slideFilterReg, slideFilter)
	code.Move(amd64.Size8, slidePlaneReg, slideSourceReg)
	e.load(slidePlanesReg, slidePlanes)
	code.Place(plane)
	if e.taps == nil {
		e.tapLoop()
	}
	for _, t := range e.taps {
		e.tap(amd64.Mem(slidePlaneReg, int32(t.source)), amd64.Mem(slideFilterReg, int32(t.filter)))
	}
	code.AddImm(amd64.Size8, amd64.R(slideFilterReg), int32(4*e.planeStep))
	code.AddImm(amd64.Size8, amd64.R(slidePlaneReg), int32(4*e.sourceStep))
	code.SubImm(amd64.Size8, amd64.R(slidePlanesReg), 1)
	code.JumpIf(amd64.NotEqual, plane)
}

// tapLoop reads the taps of a plane from the table.
func (e *slideEmitter) tapLoop() {
	code := e.code
	tap := code.NewLabel()
	e.load(slideTapReg, slideTaps)
	code.Place(tap)
	code.Load(amd64.Size8, scratch0, amd64.Mem(slideTapReg, 0))
	code.Load(amd64.Size8, scratch1, amd64.Mem(slideTapReg, 8))
	e.tap(amd64.Mem(slidePlaneReg, 0).Index(scratch0, 1), amd64.Mem(slideFilterReg, 0).Index(scratch1, 1))
	code.AddImm(amd64.Size8, amd64.R(slideTapReg), tapBytes)
	code.Compare(amd64.Size8, slideTapReg, amd64.R(slideTapEndReg))
	code.JumpIf(amd64.NotEqual, tap)
}

// tap adds the terms of one tap of one plane.
func (e *slideEmitter) tap(source, filter amd64.RM) {
	e.loadColumns(source)
	for row := range e.tile.rows {
		e.addRow(row, filter.Plus(int32(4*row*e.rowStep)))
	}
}

// finish stores the sums by their segments, or leaves them to the next call.
func (e *slideEmitter) finish() {
	code := e.code
	store, done := code.NewLabel(), code.NewLabel()
	code.CompareImm(amd64.Size8, amd64.Mem(frameReg, slideSave), 0)
	code.JumpIf(amd64.Equal, store)
	e.load(scratch0, slideSums)
	e.storeSums(e.inMemory)
	code.Jump(done)
	code.Place(store)
	for v := range e.tile.vectors {
		e.storeVector(v)
	}
	code.Place(done)
}

// storeVector stores the sums of all rows at one vector of positions.
func (e *slideEmitter) storeVector(v int) {
	code := e.code
	next, none := code.NewLabel(), code.NewLabel()
	if e.perUnit > 1 {
		code.LoadImm(slidePartsReg, uint32(e.perUnit))
		code.Place(next)
		code.CompareImm(amd64.Size8, amd64.Mem(slideSegmentReg, 0), noSegment)
		code.JumpIf(amd64.Equal, none)
	}
	code.Load(amd64.Size8, scratch0, amd64.Mem(slideSegmentReg, 0))
	mask := amd64.Mem(slideSegmentReg, 8)
	wide := e.t.width == amd64.W512
	if wide {
		code.Append(&amd64.Inst{Op: amd64.KMOVW, Reg: 1, RM: mask})
	} else {
		e.op(amd64.Inst{Op: amd64.VMOVUPS, Reg: e.scalar(), RM: mask})
	}
	for row := range e.tile.rows {
		to := amd64.Mem(slideOutReg, int32(4*row*e.rowDistance())).Index(scratch0, 1)
		if wide {
			e.op(amd64.Inst{Op: amd64.VMOVUPSStore, Reg: e.sum(row, v), RM: to, Mask: 1})
		} else {
			e.op(amd64.Inst{Op: amd64.VMASKMOVPSStore, Reg: e.sum(row, v), Src: e.scalar(), RM: to})
		}
	}
	code.Place(none)
	code.AddImm(amd64.Size8, amd64.R(slideSegmentReg), int32(segmentBytes(e.t)))
	if e.perUnit > 1 {
		code.SubImm(amd64.Size8, amd64.R(slidePartsReg), 1)
		code.JumpIf(amd64.NotEqual, next)
	}
}

// tapBytes is the size of a tap in the table.
const tapBytes = 16

// noSegment is the offset of a segment that does not exist.
const noSegment = -1 << 31

// segmentBytes is the size of a segment in the table: an offset in bytes and a mask of lanes.
func segmentBytes(t *target) int {
	if t.width == amd64.W512 {
		return 16
	}
	return 8 + 4*t.lanes
}

package jit

import (
	"fmt"

	"github.com/baremetaldevx86/microdr/ir"
)

// slide is the plan of a convolution that writes planes of pixels: forward, or to the image. Outputs are the rows of a
// product whose other side, the columns of the im2col matrix, exists nowhere: a row of that is the source itself,
// shifted. With the source padded, all positions of all its rows lie in one run of memory, so that vectors cross the
// ends of rows; what they compute between two rows is not stored.
//
// The work is cut into pieces: an image, a group, a band of rows and a part of the output's planes. A piece copies what
// it reads, padded and by phases, to memory of its worker, unless it can be read in place.
type slide struct {
	conv *ir.Conv
	t    *target
	v, h slideAxis

	rows, planes                  int // of the product, of one group: planes of the output, planes of the source
	rowStep, planeStep, groupStep int // between elements of the filter
	outHeight, outWidth           int

	inPlace    bool
	width      int // of a padded row
	planeRows  int // of a padded phase
	sourceStep int // elements from plane to plane of the padded source
	band       int // rows of positions in a piece, but for the last
	bands      int
	parts      int // of the rows of the product
	partRows   int

	shape    sumShape
	phases   []outPhase
	segments [2][]segment // of the vectors of a band, and of the last band
	perUnit  int          // segments of a vector
	vectors  [2]int
}

// outPhase is a phase of the output with the taps that lead to it.
type outPhase struct {
	v, h int
	taps []tapOffset
}

// tapOffset is where an element of the filter finds what it is multiplied with, in bytes.
type tapOffset struct{ source, filter int64 }

// segment is a part of a vector of positions that is stored together: lanes [from, to) to elements of the output's
// plane from at+from on.
type segment struct{ at, from, to int }

const (
	sliceBytes   = 384 << 10 // of the padded source of a piece: it shall stay in the second cache
	pieceWork    = 1 << 21   // multiply-adds that a piece should have, where there are few
	fewPieces    = 16
	mostPhases   = 1 << 10
	mostScratch  = 1 << 30
	mostDistance = 1 << 27 // elements that an address reaches over
)

// newSlide plans a convolution.
func newSlide(c *ir.Conv, t *target) (*slide, error) {
	v, h := c.Axes()
	size := c.FilterHeight * c.FilterWidth
	channels, filters := c.Channels/c.Groups, c.Filters/c.Groups
	s := &slide{conv: c, t: t}
	if c.Mode == ir.ConvForward {
		s.v, s.h = forwardAxis(v), forwardAxis(h)
		s.rows, s.planes, s.rowStep, s.planeStep = filters, channels, channels*size, size
		s.outHeight, s.outWidth = c.OutHeight, c.OutWidth
	} else {
		s.v, s.h = backwardAxis(v), backwardAxis(h)
		s.rows, s.planes, s.rowStep, s.planeStep = channels, filters, size, channels*size
		s.outHeight, s.outWidth = c.Height, c.Width
	}
	s.groupStep = filters * channels * size
	s.layOut()
	s.cut()
	if err := s.check(); err != nil {
		return nil, err
	}
	s.listTaps()
	for last := range 2 {
		rows := s.band
		if last == 1 {
			rows = s.v.positions - (s.bands-1)*s.band
		}
		s.vectors[last] = (s.flat(rows) + t.lanes - 1) / t.lanes
		s.segments[last] = s.listSegments(rows)
	}
	s.shape = bestShape(t, s.partRows, s.vectors[0])
	return s, nil
}

// layOut decides whether the source is read in place, and else how wide a padded row is.
func (s *slide) layOut() {
	s.width = s.h.positions + s.h.reach()
	if s.v.unpadded() && s.h.unpadded() {
		s.inPlace, s.width = true, s.h.source
	}
}

// flat is the number of positions from the first of a band to its last, those between rows included.
func (s *slide) flat(rows int) int { return (rows-1)*s.width + s.h.positions }

// cut chooses bands and parts.
func (s *slide) cut() {
	c := s.conv
	s.setBand(s.v.positions)
	pieces := func() int { return c.Batch * c.Groups * s.bands }
	for s.band > 1 && (s.scratch() > sliceBytes || pieces() < fewPieces && c.FMAs()/pieces() > pieceWork) {
		s.setBand((s.band + 1) / 2)
	}
	s.parts = 1
	for pieces()*s.parts < fewPieces && c.FMAs()/(pieces()*s.parts) > pieceWork && s.rows/(2*s.parts) >= maxSlideRows {
		s.parts *= 2
	}
	s.partRows = (s.rows + s.parts - 1) / s.parts
	s.parts = (s.rows + s.partRows - 1) / s.partRows
}

func (s *slide) setBand(rows int) {
	s.bands = (s.v.positions + rows - 1) / rows
	s.band = (s.v.positions + s.bands - 1) / s.bands
	s.bands = (s.v.positions + s.band - 1) / s.band
	s.planeRows = s.band + s.v.reach()
	s.sourceStep = len(s.v.phases) * len(s.h.phases) * s.planeRows * s.width
	if s.inPlace {
		s.sourceStep = s.v.source * s.h.source
	}
}

// throughScratch tells whether the output is written phase by phase to the worker's memory first.
func (s *slide) throughScratch() bool { return s.v.outPhases*s.h.outPhases > 1 }

// sourceSize and outSize are elements of the worker's memory.
func (s *slide) sourceSize() int {
	if s.inPlace {
		return 0
	}
	return s.planes*s.sourceStep + s.t.lanes
}

func (s *slide) outSize() int {
	if !s.throughScratch() {
		return 0
	}
	return s.rows * s.rowDistance()
}

func (s *slide) scratch() int { return 4 * (s.sourceSize() + s.outSize()) }

// rowDistance is the distance between the planes of the output, in elements.
func (s *slide) rowDistance() int {
	if s.throughScratch() {
		return s.v.outPhases * s.h.outPhases * s.band * s.h.positions
	}
	return s.outHeight * s.outWidth
}

// check refuses what addresses do not reach over.
func (s *slide) check() error {
	if s.v.outPhases*s.h.outPhases > mostPhases || len(s.v.phases)*len(s.h.phases) > mostPhases {
		return fmt.Errorf("%w: a convolution with strides of %v", ErrUnsupported, s.conv.Stride)
	}
	distance := max(s.sourceStep, maxSlideRows*s.rowDistance(), maxSlideRows*s.rowStep, s.planeStep)
	if s.scratch() > mostScratch || distance > mostDistance {
		return fmt.Errorf("%w: a convolution of planes so large", ErrUnsupported)
	}
	return nil
}

// listTaps lists the taps of every phase of the output, in the order of the filter.
func (s *slide) listTaps() {
	for pv := range s.v.outPhases {
		for ph := range s.h.outPhases {
			p := outPhase{v: pv, h: ph}
			for i, a := range s.v.taps {
				for j, b := range s.h.taps {
					if s.throughScratch() && (a.phase != pv || b.phase != ph) {
						continue
					}
					plane := 0
					if !s.throughScratch() {
						plane = a.phase*len(s.h.phases) + b.phase
					}
					at := (plane*s.planeRows+a.offset)*s.width + b.offset
					p.taps = append(p.taps, tapOffset{4 * int64(at), 4 * int64(i*s.conv.FilterWidth+j)})
				}
			}
			s.phases = append(s.phases, p)
		}
	}
}

// listSegments lists where the vectors of a band with so many rows are stored, the same number of segments for each.
func (s *slide) listSegments(rows int) []segment {
	outWidth, lanes, end := s.h.positions, s.t.lanes, s.flat(rows)
	gap := s.width - outWidth
	var lists [][]segment
	for first := 0; first < end; first += lanes {
		var list []segment
		last := min(first+lanes, end)
		for row := first / s.width; row*s.width < last; row++ {
			from, to := max(first, row*s.width), min(last, row*s.width+outWidth)
			if from >= to {
				continue
			}
			at := first - row*gap
			if n := len(list); n > 0 && gap == 0 {
				list[n-1].to = to - first
			} else {
				list = append(list, segment{at, from - first, to - first})
			}
		}
		s.perUnit = max(s.perUnit, len(list))
		lists = append(lists, list)
	}
	var all []segment
	for _, list := range lists {
		for len(list) < s.perUnit {
			list = append(list, segment{})
		}
		all = append(all, list...)
	}
	return all
}

// pieces is how many there are.
func (s *slide) pieces() int { return s.conv.Batch * s.conv.Groups * s.bands * s.parts }

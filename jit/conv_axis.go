package jit

import "github.com/baremetaldevx86/microdr/ir"

// How a convolution with strides becomes one without. Along an axis, position p of the result meets element q of the
// filter at p*stride + q*dilation of the padded image. With q*dilation = offset*stride + phase that is pixel p + offset
// of the image's phase: of every stride-th pixel from phase on. So where the image is read, its phases are laid out one
// beside the other, and vectors of positions read neighbours.
//
// Where the image is written, a pixel u*stride + phase of the padded image collects the elements q of the same phase,
// from positions u - offset of the result: each phase is a convolution of its own, with fewer elements of the filter.

// tap is an element of the filter along an axis: at a position p it reads pixel p + offset of a phase.
type tap struct{ phase, offset int }

// slideAxis is an axis of an array that positions slide over.
type slideAxis struct {
	taps      []tap
	positions int // of the output, or of one of its phases
	source    int // length of what is read
	// Pixel r of phase p of what is read is its element r*step + p + first; those that do not exist are +0.
	step, first int
	phases      []int // of what is read, that taps use; {0} where they are the output's
	// Position v of phase p of what is written is its element v*spread + p + begin, if that exists.
	spread, begin, outPhases int
}

// reach is the greatest offset.
func (a *slideAxis) reach() int {
	most := 0
	for _, t := range a.taps {
		most = max(most, t.offset)
	}
	return most
}

// unpadded tells whether all that is read along the axis exists, without strides.
func (a *slideAxis) unpadded() bool {
	return len(a.phases) == 1 && a.step == 1 && a.first == 0 && a.positions+a.reach() <= a.source
}

// existing tells of so many elements of what is padded, without strides, from element first on, how many at the top do
// not exist, how many then do, and how many at the bottom do not; from is the number of the first that does.
func (a *slideAxis) existing(first, count int) (top, middle, bottom, from int) {
	first += a.first
	top = min(count, max(0, -first))
	from = first + top
	middle = max(0, min(count-top, a.source-from))
	if middle == 0 {
		from = 0
	}
	return top, middle, count - top - middle, from
}

// forwardAxis is the axis of an image that is read.
func forwardAxis(a ir.ConvAxis) slideAxis {
	s := slideAxis{positions: a.Result, source: a.Image, step: a.Stride, first: -a.Pad, spread: 1, outPhases: 1}
	index := map[int]int{}
	for q := range a.Filter {
		phase := q * a.Dilation % a.Stride
		if _, ok := index[phase]; !ok {
			index[phase] = len(s.phases)
			s.phases = append(s.phases, phase)
		}
		s.taps = append(s.taps, tap{index[phase], q * a.Dilation / a.Stride})
	}
	return s
}

// backwardAxis is the axis of an image that is written, from a result that is read.
func backwardAxis(a ir.ConvAxis) slideAxis {
	first, last := a.Pad/a.Stride, (a.Image-1+a.Pad)/a.Stride // the least and the greatest u of any phase
	reach := (a.Filter - 1) * a.Dilation / a.Stride
	s := slideAxis{positions: last - first + 1, source: a.Result, step: 1, first: first - reach, phases: []int{0},
		spread: a.Stride, begin: first*a.Stride - a.Pad, outPhases: a.Stride}
	for q := range a.Filter {
		s.taps = append(s.taps, tap{q * a.Dilation % a.Stride, reach - q*a.Dilation/a.Stride})
	}
	return s
}

package eval

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
)

// Conv computes the elements [lo, hi) of the output of a convolution. Disjoint ranges may run at the same time.
func Conv(m *ir.Module, s *ir.Stage, precision Precision, buffers []Memory, lo, hi int) {
	if m.Buffers[s.Out[0]].Type == ir.F64 || precision == F64 {
		conv[float64](s, buffers, lo, hi)
	} else {
		conv[float32](s, buffers, lo, hi)
	}
}

func conv[F float](s *ir.Stage, buffers []Memory, lo, hi int) {
	c := convolver[F]{Conv: s.Conv, out: elements[F](buffers[s.Out[0]])}
	first, second := elements[F](buffers[s.In[0]]), elements[F](buffers[s.In[1]])
	c.vertical, c.horizontal = c.Axes()
	switch c.Mode {
	case ir.ConvForward:
		c.image, c.filter = first, second
	case ir.ConvImage:
		c.results, c.filter = first, second
	case ir.ConvFilter:
		c.image, c.results = first, second
	}
	_, _, shape := c.Shapes()
	width := shape[3]
	for lo < hi {
		row, x := lo/width, lo%width
		n := min(hi-lo, width-x, Width)
		clear(c.sums[:n])
		switch a, b, y := row/shape[2]/shape[1], row/shape[2]%shape[1], row%shape[2]; c.Mode {
		case ir.ConvForward:
			c.result(a, b, y, x, n)
		case ir.ConvImage:
			c.pixels(a, b, y, x, n)
		case ir.ConvFilter:
			c.taps(a, b, y, x, n)
		}
		copy(c.out[lo:], c.sums[:n])
		lo += n
	}
}

// convolver computes a run of neighbours in a row of the output at a time, all of them for one term of the sums before
// the next term.
type convolver[F float] struct {
	*ir.Conv
	vertical, horizontal   ir.ConvAxis
	image, filter, results []F // but the one that is the output
	out                    []F
	sums                   [Width]F
}

// rowOf returns a row of an array of shape [., planes, height, width], nil for one that lies outside.
func rowOf[F float](array []F, plane, height, width, y int) []F {
	if y < 0 || y >= height {
		return nil
	}
	return array[(plane*height+y)*width:][:width]
}

// result computes result(n, f, y, x) to result(n, f, y, x+count-1).
func (c *convolver[F]) result(n, f, y, x, count int) {
	channels := c.Channels / c.Groups
	first := n*c.Channels + f/(c.Filters/c.Groups)*channels
	weights := c.filter[f*channels*c.FilterHeight*c.FilterWidth:]
	v, h := &c.vertical, &c.horizontal
	for channel := range channels {
		for i := range v.Filter {
			row := rowOf(c.image, first+channel, v.Image, h.Image, y*v.Stride+i*v.Dilation-v.Pad)
			for j := range h.Filter {
				c.add(lanes{0, 1, count}, row, x*h.Stride+j*h.Dilation-h.Pad, h.Stride, weights[0])
				weights = weights[1:]
			}
		}
	}
}

// pixels computes image(n, k, y, x) to image(n, k, y, x+count-1).
func (c *convolver[F]) pixels(n, k, y, x, count int) {
	channels, filters := c.Channels/c.Groups, c.Filters/c.Groups
	group := k / channels
	v, h := &c.vertical, &c.horizontal
	for f := group * filters; f < (group+1)*filters; f++ {
		for i := range v.Filter {
			above := y + v.Pad - i*v.Dilation
			if above%v.Stride != 0 {
				continue
			}
			row := rowOf(c.results, n*c.Filters+f, v.Result, h.Result, above/v.Stride)
			weights := rowOf(c.filter, f*channels+k%channels, v.Filter, h.Filter, i)
			for j := range h.Filter {
				left := x + h.Pad - j*h.Dilation // of the first lane; skip to the first that is a multiple of the stride
				skip := ((-left)%h.Stride + h.Stride) % h.Stride
				c.add(lanes{skip, h.Stride, count}, row, (left+skip)/h.Stride, 1, weights[j])
			}
		}
	}
}

// taps computes filter(f, k, i, j) to filter(f, k, i, j+count-1).
func (c *convolver[F]) taps(f, k, i, j, count int) {
	channel := f/(c.Filters/c.Groups)*(c.Channels/c.Groups) + k
	v, h := &c.vertical, &c.horizontal
	for n := range c.Batch {
		for y := range v.Result {
			row := rowOf(c.image, n*c.Channels+channel, v.Image, h.Image, y*v.Stride+i*v.Dilation-v.Pad)
			for x, factor := range rowOf(c.results, n*c.Filters+f, v.Result, h.Result, y) {
				c.add(lanes{0, 1, count}, row, x*h.Stride+j*h.Dilation-h.Pad, h.Dilation, factor)
			}
		}
	}
}

// lanes are sums: first, first+step, ... below end.
type lanes struct{ first, step, end int }

// add adds to each of the sums the product of a factor and an element of the row, from at on and stride apart, +0
// outside.
func (c *convolver[F]) add(l lanes, row []F, at, stride int, factor F) {
	count := (l.end - l.first + l.step - 1) / l.step
	begin := min(max(0, (-at+stride-1)/stride), count)
	end := max(begin, min(count, (len(row)-at+stride-1)/stride))
	if len(row) <= at {
		end = begin
	}
	sums := c.sums[min(l.first, l.end):l.end]
	zero := [1]F{}
	addTerms(sums, l.step, 0, begin, zero[:], 0, 0, factor)
	addTerms(sums, l.step, begin, end, row, at, stride, factor)
	addTerms(sums, l.step, end, count, zero[:], 0, 0, factor)
}

// addTerms adds row[at+k*stride]*factor to sums[k*step] for k from begin to end.
func addTerms[F float](sums []F, step, begin, end int, row []F, at, stride int, factor F) {
	if s, ok := any(sums).([]float32); ok {
		addTerms32(s, step, begin, end, any(row).([]float32), at, stride, float32(factor))
		return
	}
	for k := begin; k < end; k++ {
		sums[k*step] = F(math.FMA(float64(row[at+k*stride]), float64(factor), float64(sums[k*step])))
	}
}

// addTerms32 rounds as fma32 does.
func addTerms32(sums []float32, step, begin, end int, row []float32, at, stride int, factor float32) {
	f := float64(factor)
	for k := begin; k < end; k++ {
		x, sum := row[at+k*stride], &sums[k*step]
		if s := float64(x)*f + float64(*sum); roundsTwice(s) {
			*sum = ir.FMA32(x, factor, *sum)
		} else {
			*sum = float32(s)
		}
	}
}

package bench

import (
	"context"
	"fmt"

	"github.com/baremetaldevx86/microdr/ir"
)

// Conv measures convolutions of float32 in all modes on one worker, image by filter in their names: as a part of the
// peak of multiply-adds, and beside im2col matrices and OpenBLAS on one thread. An error comes with the rows that were
// measured until then.
func Conv(ctx context.Context, o Options) ([]Row, error) {
	return besideOpenBLAS(ctx, o, "conv.c", convolutions())
}

// convolutions are what Conv measures: the layers of a small network for handwritten digits, a middle one and the first
// one of a network for photographs.
func convolutions() (all []*computation) {
	for _, l := range []struct {
		batch, channels, side, filters, filter, stride int
		bars                                           [3]float64 // by mode
	}{
		{32, 1, 28, 32, 3, 1, [3]float64{30, 20, 20}},
		{32, 32, 28, 64, 3, 1, [3]float64{70, 70, 70}},
		{16, 64, 56, 64, 3, 1, [3]float64{70, 70, 70}},
		{1, 3, 224, 64, 7, 2, [3]float64{70, 50, 50}},
	} {
		c := square(l.batch, l.channels, l.side, l.filters, l.filter, l.stride)
		for c.Mode = range ir.ConvFilter + 1 {
			all = append(all, convolution(c, l.bars[c.Mode]))
		}
	}
	return all
}

// square is a convolution of square images that a stride of 1 leaves as large as they are.
func square(batch, channels, side, filters, filter, stride int) ir.Conv {
	pad := filter / 2
	out := (side+2*pad-filter)/stride + 1
	return ir.Conv{Batch: batch, Channels: channels, Filters: filters, Groups: 1, Height: side, Width: side,
		FilterHeight: filter, FilterWidth: filter, OutHeight: out, OutWidth: out, Stride: [2]int{stride, stride},
		Dilation: [2]int{1, 1}, Pad: [2]int{pad, pad}}
}

// convolution is one of a single group with the same stride and the same pad in both directions, on numbers below 1.
func convolution(c ir.Conv, bar float64) *computation {
	first, second, out := c.Shapes()
	elements := 1
	for _, n := range out {
		elements *= n
	}
	return &computation{
		name: fmt.Sprintf("%dx%dx%dx%d by %dx%dx%dx%d %v", c.Batch, c.Channels, c.Height, c.Width,
			c.Filters, c.Channels, c.FilterHeight, c.FilterWidth, c.Mode),
		bar: bar, fmas: c.FMAs(), terms: c.FMAs() / elements,
		order: fmt.Sprintf("%d %d %d %d %d %d %d %d %d %d %d %d", c.Mode, c.Batch, c.Channels, c.Filters, c.Height, c.Width,
			c.FilterHeight, c.FilterWidth, c.OutHeight, c.OutWidth, c.Stride[0], c.Pad[0]),
		problem: func() *problem {
			m := &ir.Module{Name: "convolution"}
			a, b := m.AddBuffer("first", ir.F32, ir.Input, first[:]...), m.AddBuffer("second", ir.F32, ir.Input, second[:]...)
			m.AddConv("convolve", c, a, b, m.AddBuffer("out", ir.F32, ir.Output, out[:]...))
			return &problem{module: m, inputs: [][]float32{
				between(m.Buffers[a].Len(), 11, -1, 1), between(m.Buffers[b].Len(), 12, -1, 1)}}
		},
	}
}

package tensor

import (
	"github.com/baremetaldevx86/microdr/ir"
)

// convolution is the attribute of the three products of an image, a filter and a result of which each is linear in the others.
type convolution struct{ ir.Conv }

func (c convolution) appendKey(key []byte) []byte {
	return appendInts(key, int(c.Mode), c.Batch, c.Channels, c.Filters, c.Groups, c.Height, c.Width, c.FilterHeight, c.FilterWidth,
		c.OutHeight, c.OutWidth, c.Stride[0], c.Stride[1], c.Dilation[0], c.Dilation[1], c.Pad[0], c.Pad[1])
}

var convKind = kind{name: "Conv2D"}

func init() {
	convKind.stage = func(l *lowering, t *Tensor) {
		c := t.attr.(convolution).Conv
		l.m.Stages = append(l.m.Stages, ir.Stage{Kind: ir.StageConv, Name: l.name(t), Conv: &c,
			In: []int{l.slots[t.args[0]], l.slots[t.args[1]]}, Out: []int{l.slots[t]}})
	}
	convKind.jvp = func(t *Tensor, tangents []*Tensor) *Tensor {
		c := t.attr.(convolution)
		return bilinear(t, tangents, func(a, b *Tensor) *Tensor { return c.apply(c.Mode, a, b) })
	}
	convKind.vjp = convVJP
}

// apply computes one of the three from the other two.
func (c convolution) apply(mode ir.ConvMode, a, b *Tensor) *Tensor {
	c.Mode = mode
	var shape []int
	switch mode {
	case ir.ConvForward:
		shape = []int{c.Batch, c.Filters, c.OutHeight, c.OutWidth}
	case ir.ConvImage:
		shape = []int{c.Batch, c.Channels, c.Height, c.Width}
	case ir.ConvFilter:
		shape = []int{c.Filters, c.Channels / c.Groups, c.FilterHeight, c.FilterWidth}
	}
	return node(&convKind, c, Float32, shape, a, b)
}

// convVJP: with <u, v> the sum of products, <result, conv(image, filter)> is the same number in all three ways of writing it, so
// that its derivative with respect to any of the three is the product of the other two.
func convVJP(t, adjoint *Tensor, need []bool) []*Tensor {
	c, a, b := t.attr.(convolution), t.args[0], t.args[1]
	out := make([]*Tensor, 2)
	set := func(i int, f func() *Tensor) {
		if need[i] {
			out[i] = f()
		}
	}
	switch c.Mode {
	case ir.ConvForward:
		set(0, func() *Tensor { return c.apply(ir.ConvImage, adjoint, b) })
		set(1, func() *Tensor { return c.apply(ir.ConvFilter, a, adjoint) })
	case ir.ConvImage:
		set(0, func() *Tensor { return c.apply(ir.ConvForward, adjoint, b) })
		set(1, func() *Tensor { return c.apply(ir.ConvFilter, adjoint, a) })
	case ir.ConvFilter:
		set(0, func() *Tensor { return c.apply(ir.ConvImage, b, adjoint) })
		set(1, func() *Tensor { return c.apply(ir.ConvForward, a, adjoint) })
	}
	return out
}

// Window says how a window goes over an image. The zero value is one step at a time, without padding.
type Window struct {
	Stride   [2]int    // vertical, horizontal; 0 is 1
	Dilation [2]int    // from one element of the window to the next; 0 is 1
	Pad      [2][2]int // rows above and below, columns left and right
	Groups   int       // of channels that do not mix; 0 is 1. For convolutions
}

func (w Window) normal() Window {
	for i := range 2 {
		w.Stride[i], w.Dilation[i] = max(1, w.Stride[i]), max(1, w.Dilation[i])
	}
	w.Groups = max(1, w.Groups)
	return w
}

// out returns the extent of a result along direction i.
func (w Window) out(i, extent, window int) int {
	return (extent+w.Pad[i][0]+w.Pad[i][1]-w.Dilation[i]*(window-1)-1)/w.Stride[i] + 1
}

// checkWindow refuses what is no window over an image.
func (w Window) check(call string, image []int, height, width int) {
	if len(image) != 4 {
		fail(call, "shape %v is not [batch, channels, height, width]", image)
	}
	for i, extent := range []int{height, width} {
		reach := w.Dilation[i]*(extent-1) + 1
		if w.Pad[i][0] < 0 || w.Pad[i][1] < 0 || extent < 1 || reach > image[2+i]+w.Pad[i][0]+w.Pad[i][1] {
			fail(call, "a window of [%d %d] with dilation %v and padding %v over shape %v", height, width, w.Dilation, w.Pad, image)
		}
	}
}

// Conv2D returns the cross-correlation of t, [batch, channels, height, width], with filters, [filters, channels/groups, height,
// width]: [batch, filters, height, width].
func (t *Tensor) Conv2D(filter *Tensor, w Window) *Tensor {
	w = w.normal()
	if len(filter.shape) != 4 || len(t.shape) != 4 || t.shape[1] != filter.shape[1]*w.Groups || filter.shape[0]%w.Groups != 0 {
		fail("Conv2D", "filters %v for images %v in %d groups", filter.shape, t.shape, w.Groups)
	}
	if t, filter = t.counted(), filter.counted(); t.typ != Float32 || filter.typ != Float32 {
		fail("Conv2D", "%v%v and %v%v: not float32", t.typ, t.shape, filter.typ, filter.shape)
	}
	w.check("Conv2D", t.shape, filter.shape[2], filter.shape[3])
	c := w.convolution(t.shape, filter.shape)
	return c.apply(ir.ConvForward, t, filter)
}

func (w Window) convolution(image, filter []int) convolution {
	return convolution{ir.Conv{
		Batch: image[0], Channels: image[1], Filters: filter[0], Groups: w.Groups,
		Height: image[2], Width: image[3], FilterHeight: filter[2], FilterWidth: filter[3],
		OutHeight: w.out(0, image[2], filter[2]), OutWidth: w.out(1, image[3], filter[3]),
		Stride: w.Stride, Dilation: w.Dilation, Pad: [2]int{w.Pad[0][0], w.Pad[1][0]},
	}}
}

// ConvTranspose2D is the adjoint of Conv2D: t, [batch, filters, height, width], with filters [filters, channels/groups, height,
// width] gives images [batch, channels, height, width], of the least extents whose Conv2D has those of t, and extra more rows
// and columns.
func (t *Tensor) ConvTranspose2D(filter *Tensor, w Window, extra [2]int) *Tensor {
	w = w.normal()
	if len(filter.shape) != 4 || len(t.shape) != 4 || t.shape[1] != filter.shape[0] || filter.shape[0]%w.Groups != 0 {
		fail("ConvTranspose2D", "filters %v for shape %v in %d groups", filter.shape, t.shape, w.Groups)
	}
	image := []int{t.shape[0], filter.shape[1] * w.Groups, 0, 0}
	for i := range 2 {
		image[2+i] = (t.shape[2+i]-1)*w.Stride[i] + w.Dilation[i]*(filter.shape[2+i]-1) + 1 - w.Pad[i][0] - w.Pad[i][1] + extra[i]
	}
	w.check("ConvTranspose2D", image, filter.shape[2], filter.shape[3])
	c := w.convolution(image, filter.shape)
	if c.OutHeight != t.shape[2] || c.OutWidth != t.shape[3] {
		fail("ConvTranspose2D", "%v extra rows and columns with stride %v", extra, w.Stride)
	}
	return c.apply(ir.ConvImage, t, filter)
}

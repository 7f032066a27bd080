package ir

import "fmt"

// ConvMode says which of the three arrays of a convolution is computed from the other two. Each is linear in both of
// the others, so that the derivatives of one are the other two.
type ConvMode uint8

// The modes, with their In and Out.
const (
	ConvForward ConvMode = iota // image, filter -> result
	ConvImage                   // result, filter -> image: the transposed convolution
	ConvFilter                  // image, result -> filter
)

var convModeNames = [...]string{"forward", "image", "filter"}

func (c ConvMode) String() string { return convModeNames[c] }

// Conv is a 2-d convolution (a cross-correlation, as networks have it) of contiguous arrays: image [Batch, Channels,
// Height, Width], filter [Filters, Channels/Groups, FilterHeight, FilterWidth], result [Batch, Filters, OutHeight,
// OutWidth]. For forward, with c over the channels of the group of f,
//
//	result(n, f, y, x) = sum over c, i, j of image(n, c, h, w) * filter(f, c, i, j)
//	h = y*Stride[0] + i*Dilation[0] - Pad[0]
//	w = x*Stride[1] + j*Dilation[1] - Pad[1]
//
// The result's height and width may be any: they say how much is padded at the far ends, or left unused.
//
// The bits are the same for every backend, blocking and number of goroutines. A sum is the chain of fused
// multiply-adds, each rounded once, onto +0. Its order is c, i, j for forward, the last one innermost; f, i, j for
// image, with f over the filters of the group; n, y, x for filter. An image's pixel (h, w) that lies outside counts as
// +0, and so does for mode image a result's (y, x) that lies outside: its product with the other factor is added, so
// that an infinite one gives NaN. For mode image, only (i, j) that lead to whole numbers y and x have a term.
type Conv struct {
	Mode                      ConvMode
	Batch, Channels, Filters  int
	Groups                    int // divides Channels and Filters; each group of channels is seen by one group of filters
	Height, Width             int
	FilterHeight, FilterWidth int
	OutHeight, OutWidth       int
	Stride, Dilation, Pad     [2]int // vertical, horizontal; Pad at the top and left
}

// ConvAxis is the geometry of a convolution along one axis: element p of the result meets element q of the filter at
// element p*Stride + q*Dilation - Pad of the image.
type ConvAxis struct{ Image, Filter, Result, Stride, Dilation, Pad int }

// Axes returns the vertical axis and the horizontal one.
func (c *Conv) Axes() (vertical, horizontal ConvAxis) {
	return ConvAxis{c.Height, c.FilterHeight, c.OutHeight, c.Stride[0], c.Dilation[0], c.Pad[0]},
		ConvAxis{c.Width, c.FilterWidth, c.OutWidth, c.Stride[1], c.Dilation[1], c.Pad[1]}
}

// ImageShape, FilterShape and ResultShape are the shapes of the three arrays.
func (c *Conv) ImageShape() [4]int { return [4]int{c.Batch, c.Channels, c.Height, c.Width} }

// FilterShape is the shape of the filter, see ImageShape.
func (c *Conv) FilterShape() [4]int {
	return [4]int{c.Filters, c.Channels / c.Groups, c.FilterHeight, c.FilterWidth}
}

// ResultShape is the shape of the result, see ImageShape.
func (c *Conv) ResultShape() [4]int { return [4]int{c.Batch, c.Filters, c.OutHeight, c.OutWidth} }

// Shapes returns the shapes of the two arrays that the mode reads, in the order of In, and of the one that it writes.
func (c *Conv) Shapes() (first, second, out [4]int) {
	switch c.Mode {
	case ConvImage:
		return c.ResultShape(), c.FilterShape(), c.ImageShape()
	case ConvFilter:
		return c.ImageShape(), c.ResultShape(), c.FilterShape()
	}
	return c.ImageShape(), c.FilterShape(), c.ResultShape()
}

// FMAs returns how many fused multiply-adds the convolution has, those outside of the image included.
func (c *Conv) FMAs() int {
	return c.Batch * c.Filters * c.OutHeight * c.OutWidth * (c.Channels / c.Groups) * c.FilterHeight * c.FilterWidth
}

// AddConv appends a convolution of two buffers to out, in the order that the mode says.
func (m *Module) AddConv(name string, c Conv, first, second, out int) {
	m.Stages = append(m.Stages, Stage{Kind: StageConv, Name: name, Conv: &c, In: []int{first, second}, Out: []int{out}})
}

// maxReach bounds the positions along an axis, padding included: they are int32 in machine code.
const maxReach = 1 << 28

// conv checks a convolution and its buffers.
func (v *verifier) conv(s *Stage) {
	c := s.Conv
	if c == nil || len(s.In) != 2 || len(s.Out) != 1 || int(c.Mode) >= len(convModeNames) {
		v.failf("a convolution has a mode, two inputs and one output")
		return
	}
	sizes := []int{c.Batch, c.Channels, c.Filters, c.Groups, c.Height, c.Width, c.FilterHeight, c.FilterWidth, c.OutHeight,
		c.OutWidth, c.Stride[0], c.Stride[1], c.Dilation[0], c.Dilation[1], c.Pad[0] + 1, c.Pad[1] + 1}
	for _, n := range sizes {
		if n < 1 || n > maxReach {
			v.failf("an extent, stride or dilation is below 1, a pad is below 0, or one is above %d", maxReach)
			return
		}
	}
	if c.Channels%c.Groups != 0 || c.Filters%c.Groups != 0 {
		v.failf("%d groups do not divide %d channels and %d filters", c.Groups, c.Channels, c.Filters)
		return
	}
	vertical, horizontal := c.Axes()
	for _, a := range []ConvAxis{vertical, horizontal} {
		if reach := (a.Result-1)*a.Stride + (a.Filter-1)*a.Dilation; reach > maxReach {
			v.failf("filter and result reach over %d pixels, more than %d", reach, maxReach)
			return
		}
	}
	first, second, out := c.Shapes()
	v.convArray(s.In[0], first, s.Out[0])
	v.convArray(s.In[1], second, s.Out[0])
	v.convArray(s.Out[0], out, s.Out[0])
}

// convArray checks that a buffer holds an array of that shape and has the type of the output.
func (v *verifier) convArray(buffer int, shape [4]int, out int) {
	before := len(v.errs)
	v.sizes("an array of a convolution", shape[:], MaxElements)
	if len(v.errs) > before {
		return
	}
	b, n := &v.m.Buffers[buffer], 1
	for _, d := range shape {
		n *= d
	}
	if b.Len() != n {
		v.failf("%s has %d elements, not those of %d", b.Name, b.Len(), shape)
	}
	if t := v.m.Buffers[out].Type; b.Type != t || t != F32 && t != F64 {
		v.failf("%s: a convolution is of three arrays of f32, or of f64", b.Name)
	}
}

// text is what follows the buffers in the text form.
func (c *Conv) text() string {
	image, result := [2]int{c.Height, c.Width}, [2]int{c.OutHeight, c.OutWidth}
	filter := [2]int{c.FilterHeight, c.FilterWidth}
	return fmt.Sprintf(" %v batch %d channels %d filters %d groups %d", c.Mode, c.Batch, c.Channels, c.Filters, c.Groups) +
		fmt.Sprintf(" image %v filter %v result %v", image, filter, result) +
		fmt.Sprintf(" stride %v dilation %v pad %v", c.Stride, c.Dilation, c.Pad)
}

// conv reads what text writes.
func (p *parser) conv() *Conv {
	c := &Conv{Mode: ConvMode(p.oneOf("a mode of convolution", convModeNames[:]))}
	for _, f := range []struct {
		name string
		to   *int
	}{{"batch", &c.Batch}, {"channels", &c.Channels}, {"filters", &c.Filters}, {"groups", &c.Groups}} {
		p.expect(f.name)
		*f.to = int(p.integer("a size", 1, maxReach))
	}
	for _, f := range []struct {
		name   string
		lo     int64
		v0, v1 *int
	}{
		{"image", 1, &c.Height, &c.Width}, {"filter", 1, &c.FilterHeight, &c.FilterWidth},
		{"result", 1, &c.OutHeight, &c.OutWidth}, {"stride", 1, &c.Stride[0], &c.Stride[1]},
		{"dilation", 1, &c.Dilation[0], &c.Dilation[1]}, {"pad", 0, &c.Pad[0], &c.Pad[1]},
	} {
		p.expect(f.name)
		p.expect("[")
		*f.v0 = int(p.integer("a vertical size", f.lo, maxReach))
		*f.v1 = int(p.integer("a horizontal size", f.lo, maxReach))
		p.expect("]")
	}
	return c
}

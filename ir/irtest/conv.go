package irtest

import "github.com/baremetaldevx86/microdr/ir"

// conv executes a convolution by its definition, one element of the output after the other.
func conv(m *ir.Module, s *ir.Stage, mem Memory) {
	d := definition{Conv: s.Conv, t: m.Buffers[s.Out[0]].Type, first: mem[s.In[0]], second: mem[s.In[1]]}
	_, _, shape := s.Conv.Shapes()
	element := d.result
	switch s.Conv.Mode {
	case ir.ConvImage:
		element = d.image
	case ir.ConvFilter:
		element = d.filter
	}
	for o := range mem[s.Out[0]] {
		at := [4]int{}
		for rest, i := o, 3; i >= 0; i-- {
			at[i], rest = rest%shape[i], rest/shape[i]
		}
		mem[s.Out[0]][o] = element(at)
	}
}

// definition is a convolution with what it reads, given by its bits.
type definition struct {
	*ir.Conv
	t             ir.Type
	first, second []uint64
	sum           uint64
}

// add adds a product.
func (d *definition) add(a, b uint64) { d.sum = ir.Scalar(ir.OpFMA, d.t, [3]uint64{a, b, d.sum}) }

// take returns the sum and starts the next one.
func (d *definition) take() uint64 {
	sum := d.sum
	d.sum = 0
	return sum
}

// at returns an element of an array of that shape, +0 outside of its rows and columns.
func at(array []uint64, shape [4]int, a, b, y, x int) uint64 {
	if y < 0 || y >= shape[2] || x < 0 || x >= shape[3] {
		return 0
	}
	return array[((a*shape[1]+b)*shape[2]+y)*shape[3]+x]
}

// result computes result(n, f, y, x).
func (d *definition) result(o [4]int) uint64 {
	channels := d.Channels / d.Groups
	group := o[1] / (d.Filters / d.Groups)
	for c := range channels {
		for i := range d.FilterHeight {
			for j := range d.FilterWidth {
				h := o[2]*d.Stride[0] + i*d.Dilation[0] - d.Pad[0]
				w := o[3]*d.Stride[1] + j*d.Dilation[1] - d.Pad[1]
				pixel := at(d.first, d.ImageShape(), o[0], group*channels+c, h, w)
				d.add(pixel, at(d.second, d.FilterShape(), o[1], c, i, j))
			}
		}
	}
	return d.take()
}

// image computes image(n, c, h, w).
func (d *definition) image(o [4]int) uint64 {
	channels, filters := d.Channels/d.Groups, d.Filters/d.Groups
	group := o[1] / channels
	for f := group * filters; f < (group+1)*filters; f++ {
		for i := range d.FilterHeight {
			for j := range d.FilterWidth {
				y, x := o[2]+d.Pad[0]-i*d.Dilation[0], o[3]+d.Pad[1]-j*d.Dilation[1]
				if y%d.Stride[0] != 0 || x%d.Stride[1] != 0 {
					continue
				}
				y, x = y/d.Stride[0], x/d.Stride[1]
				d.add(at(d.first, d.ResultShape(), o[0], f, y, x), at(d.second, d.FilterShape(), f, o[1]%channels, i, j))
			}
		}
	}
	return d.take()
}

// filter computes filter(f, c, i, j).
func (d *definition) filter(o [4]int) uint64 {
	channel := o[0]/(d.Filters/d.Groups)*(d.Channels/d.Groups) + o[1]
	for n := range d.Batch {
		for y := range d.OutHeight {
			for x := range d.OutWidth {
				h := y*d.Stride[0] + o[2]*d.Dilation[0] - d.Pad[0]
				w := x*d.Stride[1] + o[3]*d.Dilation[1] - d.Pad[1]
				d.add(at(d.first, d.ImageShape(), n, channel, h, w), at(d.second, d.ResultShape(), n, o[0], y, x))
			}
		}
	}
	return d.take()
}

package tensor

import "math"

// windows returns, for every place in a window, what stands there as the window goes over t, padded with x.
func (t *Tensor) windows(call string, height, width int, w Window, x float64) []*Tensor {
	w.check(call, t.shape, height, width)
	padded := t.Pad([]int{0, 0, w.Pad[0][0], w.Pad[1][0]}, []int{0, 0, w.Pad[0][1], w.Pad[1][1]}, x)
	var list []*Tensor
	rows, columns := w.out(0, t.shape[2], height), w.out(1, t.shape[3], width)
	for i := range height {
		for k := range width {
			top, left := i*w.Dilation[0], k*w.Dilation[1]
			list = append(list, padded.
				SliceStep(2, top, top+(rows-1)*w.Stride[0]+1, w.Stride[0]).
				SliceStep(3, left, left+(columns-1)*w.Stride[1]+1, w.Stride[1]))
		}
	}
	return list
}

// MaxPool2D returns the greatest element under a window that goes over t, [batch, channels, height, width]. Padding does not
// count. Of equal elements the first one has the derivative. A stride of 0 is the window's extent.
func (t *Tensor) MaxPool2D(height, width int, w Window) *Tensor {
	w = w.pooling(height, width)
	p := pool{height, width, w}
	return customized("MaxPool2D", func(x []*Tensor) *Tensor { return p.greatest(x[0]) }, Rules{
		VJP: func(x []*Tensor, _, adjoint *Tensor) []*Tensor {
			return []*Tensor{p.spread(p.winners(x[0]), adjoint, x[0].shape)}
		},
		JVP: func(x []*Tensor, _ *Tensor, tangents []*Tensor) *Tensor { return p.take(p.winners(x[0]), tangents[0]) },
	}, t)
}

// pool is a window and how it goes.
type pool struct {
	height, width int
	w             Window
}

func (p pool) places(t *Tensor, x float64) []*Tensor {
	return t.windows("MaxPool2D", p.height, p.width, p.w, x)
}

func (p pool) greatest(t *Tensor) *Tensor {
	places := p.places(t, math.Inf(-1))
	best := places[0]
	for _, x := range places[1:] {
		best = best.Max(x)
	}
	return best
}

// winners returns at which place of the window the greatest element stands, the first one of equal ones.
func (p pool) winners(t *Tensor) *Tensor {
	places := p.places(t.StopGradient(), math.Inf(-1))
	best, at := places[0], t.e.FullOf(Int32, 0).Expand(places[0].shape...)
	for i, x := range places[1:] {
		at = best.Lt(x).Or(x.IsNaN().And(best.IsNaN().Not())).Where(t.e.FullOf(Int32, float64(i+1)), at)
		best = best.Max(x)
	}
	return at
}

// take returns what stands where the winners are.
func (p pool) take(winners, t *Tensor) *Tensor {
	places := p.places(t, 0)
	y := places[0]
	for i, x := range places[1:] {
		y = winners.Eq(t.e.FullOf(Int32, float64(i+1))).Where(x, y)
	}
	return y
}

// spread is the adjoint of take: zeros of the shape, with what belongs to the winners.
func (p pool) spread(winners, t *Tensor, shape []int) *Tensor {
	if p.w.Stride == [2]int{p.height, p.width} && p.w.Dilation == [2]int{1, 1} {
		return p.tile(winners, t, shape)
	}
	// Slices of the padded image, one for each place, are where the elements came from.
	padded := append([]int{}, shape...)
	for i := range 2 {
		padded[2+i] += p.w.Pad[i][0] + p.w.Pad[i][1]
	}
	var sum *Tensor
	for i := range p.height * p.width {
		part := winners.Eq(t.e.FullOf(Int32, float64(i))).Where(t, t.like(0))
		at := []int{0, 0, i / p.width * p.w.Dilation[0], i % p.width * p.w.Dilation[1]}
		step := []int{1, 1, p.w.Stride[0], p.w.Stride[1]}
		sum = plus(sum, pad(part, frame{lo: at, step: step}, padded))
	}
	return sum.
		Slice(2, p.w.Pad[0][0], p.w.Pad[0][0]+shape[2]).
		Slice(3, p.w.Pad[1][0], p.w.Pad[1][0]+shape[3])
}

// tile is spread for windows that lie side by side: every element of the image is under one window.
func (p pool) tile(winners, t *Tensor, shape []int) *Tensor {
	n, c, rows, columns := t.shape[0], t.shape[1], t.shape[2], t.shape[3]
	wide := func(t *Tensor) *Tensor {
		return t.Reshape(n, c, rows, 1, columns, 1).Expand(n, c, rows, p.height, columns, p.width)
	}
	place := t.e.Arange(p.height*p.width).Reshape(1, 1, 1, p.height, 1, p.width)
	whole := wide(winners).Eq(place).Where(wide(t), t.like(0)).Reshape(n, c, rows*p.height, columns*p.width)
	// What is left at the end, less the padding, is under no window.
	lo, hi := []int{0, 0, -p.w.Pad[0][0], -p.w.Pad[1][0]}, []int{0, 0, 0, 0}
	for i, extent := range []int{rows * p.height, columns * p.width} {
		hi[2+i] = shape[2+i] - extent + p.w.Pad[i][0]
	}
	return whole.Pad(lo, hi, 0)
}

// AvgPool2D returns the mean under a window that goes over t, [batch, channels, height, width]. Padding counts as zeros, or, if
// inside, not at all. A stride of 0 is the window's extent.
func (t *Tensor) AvgPool2D(height, width int, w Window, inside bool) *Tensor {
	w = w.pooling(height, width)
	sum := total(t.windows("AvgPool2D", height, width, w, 0))
	if !inside || w.Pad == [2][2]int{} {
		return sum.Over(float64(height * width))
	}
	ones := t.e.Ones(1, 1, t.shape[2], t.shape[3])
	return sum.Div(total(ones.windows("AvgPool2D", height, width, w, 0)))
}

func (w Window) pooling(height, width int) Window {
	for i, extent := range []int{height, width} {
		if w.Stride[i] == 0 {
			w.Stride[i] = extent
		}
	}
	return w.normal()
}

func total(list []*Tensor) *Tensor {
	sum := list[0]
	for _, x := range list[1:] {
		sum = sum.Add(x)
	}
	return sum
}

package onnx

import (
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func convolutionOperators() []operator {
	return []operator{
		op("Conv", evalConv, 1, 11),
		op("ConvTranspose", evalConvTranspose, 1, 11),
	}
}

// window is how a kernel, of a convolution or of pooling, moves over the spatial dimensions.
type window struct{ kernel, strides, dilations, before, after []int }

// window reads the attributes of a kernel of the given lengths; the padding that auto_pad asks for depends on the
// lengths of the input.
func (c *call) window(kernel, lengths []int) window {
	n := len(kernel)
	w := window{
		kernel: kernel, strides: c.listOr("strides", n, 1), dilations: c.listOr("dilations", n, 1),
	}
	pads := c.listOr("pads", 2*n, 0)
	w.before, w.after = slices.Clone(pads[:n]), slices.Clone(pads[n:])
	for i := range n {
		w.check(i)
		if min(w.before[i], w.after[i]) < 0 || max(w.before[i], w.after[i]) > farthest {
			fail("expected pads from 0 to %d, got %v", farthest, pads)
		}
	}
	switch mode := c.text("auto_pad", "NOTSET"); mode {
	case "NOTSET":
	case "VALID":
		w.before, w.after = make([]int, n), make([]int, n)
	case "SAME_UPPER", "SAME_LOWER":
		for i := range n {
			outputs := (lengths[i] + w.strides[i] - 1) / w.strides[i]
			total := max((outputs-1)*w.strides[i]+w.extent(i)-lengths[i], 0)
			w.before[i], w.after[i] = halves(total, mode == "SAME_LOWER")
		}
	default:
		fail("expected auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER, got %q", mode)
	}
	return w
}

// farthest is the longest way that anything about a window may go, so that sums of products stay integers.
const farthest = 1 << 24

func (w window) check(i int) {
	least, most := min(w.kernel[i], w.strides[i], w.dilations[i]), max(w.kernel[i], w.strides[i], w.dilations[i])
	if least < 1 || most > farthest {
		fail("expected kernels, strides and dilations from 1 to %d, got %+v", farthest, w)
	}
}

// halves splits an amount of padding; more of an odd one comes first or last.
func halves(total int, moreFirst bool) (first, last int) {
	if moreFirst {
		return total - total/2, total / 2
	}
	return total / 2, total - total/2
}

// extent is how many elements the kernel spans.
func (w window) extent(i int) int { return w.dilations[i]*(w.kernel[i]-1) + 1 }

// outputs returns how many places a kernel has in inputs of the given lengths.
func (w window) outputs(lengths []int) []int {
	out := make([]int, len(lengths))
	for i, n := range lengths {
		room := n + w.before[i] + w.after[i] - w.extent(i)
		if room < 0 {
			fail("expected inputs that a kernel of %v fits into, got %v", w.kernel, lengths)
		}
		out[i] = room/w.strides[i] + 1
	}
	return out
}

// padded puts a value around the spatial dimensions, which come behind the first two.
func (w window) padded(x Tensor, value Tensor) Tensor {
	if product(x.Shape()) > 0 && slices.Max(append(slices.Concat(w.before, w.after), 0)) == 0 {
		return x
	}
	zero := []int{0, 0}
	return padOrCut(x, append(zero, w.before...), append(zero, w.after...), value)
}

// taps visits all elements of the kernel: it yields the elements of the padded input that one meets at the places of
// the kernel, and the element's index in the kernel.
func (w window) taps(padded Tensor, outputs []int, visit func(x Tensor, tap []int)) {
	for i := range product(w.kernel) {
		tap := indexOf(i, w.kernel)
		ranges := whole(padded.Shape())
		for d := range tap {
			ranges[2+d] = ndarray.Range{Start: tap[d] * w.dilations[d], Step: w.strides[d], N: outputs[d]}
		}
		visit(slice(padded, ranges), tap)
	}
}

// indexOf splits the number of an element into indices.
func indexOf(i int, shape []int) []int {
	index := make([]int, len(shape))
	for d, stride := range ndarray.Strides(shape) {
		index[d] = i / stride % shape[d]
	}
	return index
}

func evalConv(c *call) {
	x, weights := c.in(0), c.in(1)
	c.out(biased(c.convolve(x, weights), c.optional(2)))
}

// convolve reads the attributes of a convolution.
func (c *call) convolve(x, weights Tensor) Tensor {
	groups := c.integer("group", 1)
	n := len(x.Shape()) - 2
	if n < 1 || len(weights.Shape()) != n+2 || groups < 1 || weights.Shape()[0]%groups != 0 ||
		x.Shape()[1] != weights.Shape()[1]*groups {
		fail("expected weights [outputs, channels/group, kernel...] for %v in %d groups, got %v", x, groups, weights)
	}
	kernel := weights.Shape()[2:]
	if given := c.list("kernel_shape"); given != nil && !slices.Equal(given, kernel) {
		fail("expected weights for a kernel of %v, got %v", given, weights)
	}
	return convolve(x, weights, groups, c.window(kernel, x.Shape()[2:]))
}

// convolve correlates, as machine learning calls a convolution: the sum, over the elements of the kernel, of matrix
// products of the weights there with what they meet.
func convolve(x, weights Tensor, groups int, w window) Tensor {
	if ts, l := lazily(x, weights); l != nil && x.Type() == weights.Type() && x.Type().IsFloat() {
		if out := lazyConvolve(ts[0], ts[1], groups, w); out != nil {
			return l.wrap(out, x.Type())
		}
	}
	batch, channels, features := x.Shape()[0], weights.Shape()[1], weights.Shape()[0]
	outputs := w.outputs(x.Shape()[2:])
	places := product(outputs)
	order := append(counting(len(weights.Shape()))[2:], 0, 1)
	matrices := reshape(permute(weights, order...), product(w.kernel), groups, features/groups, channels)
	var total Tensor
	w.taps(w.padded(x, like(x, 0)), outputs, func(met Tensor, tap []int) {
		at := indexIn(tap, w.kernel)
		matrix := reshape(part(matrices, 0, at, 1), 1, groups, features/groups, channels)
		term := matmul(matrix, reshape(met, batch, groups, channels, places))
		if total == nil {
			total = term
		} else {
			total = add(total, term)
		}
	})
	return reshape(total, append([]int{batch, features}, outputs...)...)
}

// indexIn is the inverse of indexOf.
func indexIn(index, shape []int) int {
	at := 0
	for d, stride := range ndarray.Strides(shape) {
		at += index[d] * stride
	}
	return at
}

// biased adds a number to each feature, which dimension 1 counts.
func biased(x, bias Tensor) Tensor {
	if bias == nil {
		return x
	}
	return add(x, alignedAt(bias, 1, len(x.Shape())))
}

// evalConvTranspose is the derivative of a convolution by its input: a convolution of the input with zeros between its
// elements, with the kernel upside down.
func evalConvTranspose(c *call) {
	x, weights, groups := c.in(0), c.in(1), c.integer("group", 1)
	n := len(x.Shape()) - 2
	if n < 1 || len(weights.Shape()) != n+2 || groups < 1 || weights.Shape()[0]%groups != 0 ||
		x.Shape()[1] != weights.Shape()[0] {
		fail("expected weights [channels, outputs/group, kernel...] for %v in %d groups, got %v", x, groups, weights)
	}
	w := c.transposedWindow(weights.Shape()[2:], x.Shape()[2:])
	between, zero := []int{0, 0}, make([]int, n+2)
	for _, stride := range w.strides {
		between = append(between, stride-1)
	}
	spread := pad(x, zero, zero, between, like(x, 0))
	w.strides = repeated(n, 1)
	c.out(biased(convolve(w.padded(spread, like(x, 0)), flipped(weights, groups), groups, w.unpadded()), c.optional(2)))
}

func (w window) unpadded() window {
	w.before, w.after = make([]int, len(w.kernel)), make([]int, len(w.kernel))
	return w
}

// flipped turns the kernel of a transposed convolution upside down, and its weights into those of a plain one.
func flipped(weights Tensor, groups int) Tensor {
	shape := weights.Shape()
	ranges := whole(shape)
	for d := 2; d < len(shape); d++ {
		ranges[d] = ndarray.Range{Start: shape[d] - 1, Step: -1, N: shape[d]}
	}
	grouped := reshape(slice(weights, ranges), append([]int{groups, shape[0] / groups, shape[1]}, shape[2:]...)...)
	order := counting(len(shape) + 1)
	order[1], order[2] = 2, 1
	return reshape(permute(grouped, order...), append([]int{groups * shape[1], shape[0] / groups}, shape[2:]...)...)
}

// transposedWindow turns the padding, which cuts off results, into that of the plain convolution, which may be below
// zero. With output_shape or auto_pad, what is cut off is what there is too much.
func (c *call) transposedWindow(kernel, lengths []int) window {
	n := len(kernel)
	w := window{kernel: kernel, strides: c.listOr("strides", n, 1), dilations: c.listOr("dilations", n, 1)}
	pads, extra := c.listOr("pads", 2*n, 0), c.listOr("output_padding", n, 0)
	wanted, mode := c.list("output_shape"), c.text("auto_pad", "NOTSET")
	for i := range n {
		w.check(i)
		if extra[i] < 0 || max(abs(pads[i]), abs(pads[n+i]), extra[i]) > farthest {
			fail("expected output_padding of 0 or more and pads up to %d, got %v and %v", farthest, extra, pads)
		}
		first, last := pads[i], pads[n+i]
		full := w.strides[i]*(lengths[i]-1) + extra[i] + w.extent(i)
		switch {
		case wanted != nil && len(wanted) >= n:
			surplus := full - wanted[len(wanted)-n+i] // below zero, results are missing: the odd one comes last
			first, last = halves(surplus, mode != "SAME_UPPER" && surplus > 0)
		case mode == "SAME_UPPER" || mode == "SAME_LOWER":
			first, last = halves(full-lengths[i]*w.strides[i], mode == "SAME_LOWER")
		case mode == "VALID":
			first, last = 0, 0
		}
		w.before = append(w.before, w.extent(i)-1-first)
		w.after = append(w.after, w.extent(i)-1-last+extra[i])
	}
	return w
}

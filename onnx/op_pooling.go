package onnx

import (
	"math"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func poolingOperators() []operator {
	return []operator{
		op("AveragePool", evalAveragePool, 1, 7, 10, 11),
		op("MaxPool", evalMaxPool, 1, 8, 10, 11, 12),
		op("LpPool", evalLpPool, 1, 2, 11),
		op("GlobalAveragePool", func(c *call) { c.out(mean(c.in(0), spatial(c.in(0)), true)) }, 1),
		op("GlobalMaxPool", func(c *call) { c.out(reduce("Max", c.in(0), spatial(c.in(0)), true)) }, 1),
		op("GlobalLpPool", evalGlobalLpPool, 1, 2),
		op("MaxUnpool", evalMaxUnpool, 9, 11),
	}
}

// spatial lists the dimensions behind batch and channel.
func spatial(x Tensor) []int {
	if len(x.Shape()) < 3 {
		fail("expected a batch, channels and spatial dimensions, got %v", x)
	}
	return counting(len(x.Shape()))[2:]
}

// poolWindow reads the attributes of pooling. With ceil_mode, the padding after a dimension grows by what the last
// place of the kernel needs; ceiled is by how much.
func (c *call) poolWindow(x Tensor) (w window, outputs, ceiled []int) {
	n := len(spatial(x))
	kernel := c.list("kernel_shape")
	if len(kernel) != n {
		fail("expected a kernel_shape of %d lengths, got %v", n, kernel)
	}
	lengths := x.Shape()[2:]
	w = c.window(kernel, lengths)
	ceiled = make([]int, n)
	if c.flag("ceil_mode", false) {
		for i := range n {
			over := (lengths[i] + w.before[i] + w.after[i] - w.extent(i)) % w.strides[i]
			if over > 0 {
				ceiled[i] = w.strides[i] - over
				w.after[i] += ceiled[i]
			}
		}
	}
	return w, w.outputs(lengths), ceiled
}

// total adds up what the kernel meets.
func (w window) total(x Tensor, outputs []int) Tensor {
	var total Tensor
	w.taps(w.padded(x, like(x, 0)), outputs, func(met Tensor, _ []int) {
		if total == nil {
			total = met
		} else {
			total = add(total, met)
		}
	})
	return total
}

// evalAveragePool divides by the number of elements that the kernel meets, with those of the padding or without.
func evalAveragePool(c *call) {
	x := c.in(0)
	w, outputs, ceiled := c.poolWindow(x)
	ones := broadcast(like(x, 1), append([]int{1, 1}, x.Shape()[2:]...)...)
	counted := w
	if c.flag("count_include_pad", false) {
		inner := w
		inner.after = make([]int, len(w.after))
		for i := range ceiled {
			inner.after[i] = w.after[i] - ceiled[i]
		}
		ones = inner.padded(ones, like(x, 1))
		counted = w.unpadded()
		counted.after = ceiled
	}
	c.out(divide(w.total(x, outputs), counted.total(ones, outputs)))
}

func evalMaxPool(c *call) {
	x := c.in(0)
	w, outputs, _ := c.poolWindow(x)
	if c.wants(1) {
		c.maxPoolIndices(x, w, outputs)
		return
	}
	if d, ok := x.(*deferred); ok && d.typ.IsFloat() {
		if out := lazyMaxPool(d.t, w); out != nil {
			c.out(d.with(out))
			return
		}
	}
	padded := w.padded(x, lowest(x.Type()))
	var best Tensor
	w.taps(padded, outputs, func(met Tensor, _ []int) {
		if best == nil {
			best = met
		} else {
			best = maximum(best, met)
		}
	})
	c.out(best)
}

// lowest returns what is smaller than all others of a type, or equal to them.
func lowest(t ndarray.Type) Tensor {
	low := map[ndarray.Type]float64{
		ndarray.Int8: math.MinInt8, ndarray.Int16: math.MinInt16, ndarray.Int32: math.MinInt32, ndarray.Int64: math.MinInt64,
	}
	if t.IsFloat() {
		return scalarOf(t, math.Inf(-1))
	}
	return scalarOf(t, low[t])
}

// maxPoolIndices also tells where the largest elements stand in x, as if that had one dimension: row by row, or, with
// storage_order 1, column by column.
func (c *call) maxPoolIndices(x Tensor, w window, outputs []int) {
	shape := x.Shape()
	order := counting(len(shape))
	if c.integer("storage_order", 0) == 1 {
		for i := range len(order) - 2 {
			order[2+i] = len(order) - 1 - i
		}
	}
	stored := make([]int, len(shape))
	for i, axis := range order {
		stored[i] = shape[axis]
	}
	numbers := permute(reshape(vectorOf(counting(product(shape))), stored...), inverse(order)...)
	numbers = w.padded(numbers, like(numbers, -1))
	var places []Tensor
	w.taps(numbers, outputs, func(met Tensor, _ []int) { places = append(places, met) })
	var best, index Tensor
	w.taps(w.padded(x, lowest(x.Type())), outputs, func(met Tensor, tap []int) {
		place := places[indexIn(tap, w.kernel)]
		if best == nil {
			best, index = met, place
			return
		}
		better := logical("And", not(negative(place)), logical("Or", negative(index), compare("Greater", met, best)))
		best, index = where(better, met, best), where(better, place, index)
	})
	c.out(best, index)
}

// evalLpPool is the p-norm of what the kernel meets.
func evalLpPool(c *call) {
	x := c.in(0)
	w, outputs, _ := c.poolWindow(x)
	p := c.order()
	c.out(power(w.total(power(unary("Abs", x), p), outputs), 1/p))
}

// order is the p of a norm, a float in version 1.
func (c *call) order() float64 {
	if c.version < 2 {
		return c.float("p", 2)
	}
	return float64(c.integer("p", 2))
}

func power(x Tensor, exponent float64) Tensor { return binary("Pow", x, like(x, exponent)) }

func evalGlobalLpPool(c *call) {
	x, p := c.in(0), c.order()
	c.out(power(sum(power(unary("Abs", x), p), spatial(x), true), 1/p))
}

// evalMaxUnpool puts elements where a MaxPool says that it found them; without output_shape, the result is as large as
// what that had at least.
func evalMaxUnpool(c *call) {
	x, indices := c.in(0), c.in(1)
	n := len(spatial(x))
	kernel := c.list("kernel_shape")
	if len(kernel) != n {
		fail("expected a kernel_shape of %d lengths, got %v", n, kernel)
	}
	strides, pads := c.listOr("strides", n, 1), c.listOr("pads", 2*n, 0)
	shape := append([]int{}, x.Shape()[:2]...)
	for i, length := range x.Shape()[2:] {
		shape = append(shape, (length-1)*strides[i]-pads[i]-pads[n+i]+kernel[i])
	}
	found := must(host(indices).Ints())
	checkIndices(found, must(ndarray.Count(shape)))
	if c.has(2) {
		full := c.ints(2)
		found = renumbered(found, shape, full)
		shape = full
	}
	c.out(put("Set", broadcast(like(x, 0), shape...), found, x))
}

// renumbered takes indices into an array of one shape to those of the same elements in a larger one.
func renumbered(list, from, to []int) []int {
	if len(from) != len(to) {
		fail("expected an output_shape of %d lengths, got %v", len(from), to)
	}
	out := make([]int, len(list))
	for i, at := range list {
		out[i] = indexIn(indexOf(at, from), to)
	}
	return out
}

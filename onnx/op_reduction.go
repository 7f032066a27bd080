package onnx

import (
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func reductionOperators() []operator {
	since := []int{1, 11, 13}
	return []operator{
		op("ReduceSum", reduction(sum, 13), 1, 11, 13),
		op("ReduceMean", reduction(mean, 18), since...),
		op("ReduceProd", reduction(folding("Mul"), 18), since...),
		op("ReduceMax", reduction(folding("Max"), 18), since...),
		op("ReduceMin", reduction(folding("Min"), 18), since...),
		op("ReduceL1", reduction(normL1, 18), since...),
		op("ReduceL2", reduction(normL2, 18), since...),
		op("ReduceSumSquare", reduction(sumSquare, 18), since...),
		op("ReduceLogSum", reduction(logSum, 18), since...),
		op("ReduceLogSumExp", reduction(logSumExp, 18), since...),
		op("ArgMax", argumentOf("Max"), 1, 11, 12, 13),
		op("ArgMin", argumentOf("Min"), 1, 11, 12, 13),
		op("CumSum", evalCumSum, 11, 14),
	}
}

// reduction applies a function to dimensions, which are an attribute before version input and an input since.
func reduction(f func(x Tensor, axes []int, keep bool) Tensor, input int) func(*call) {
	return func(c *call) {
		x := c.in(0)
		axes, _ := c.listFrom("axes", 1, input)
		if len(axes) == 0 {
			if c.flag("noop_with_empty_axes", false) {
				c.out(x)
				return
			}
			axes = counting(len(x.Shape()))
		}
		c.out(f(x, dimensions(axes, len(x.Shape())), c.flag("keepdims", true)))
	}
}

func folding(name string) func(Tensor, []int, bool) Tensor {
	return func(x Tensor, axes []int, keep bool) Tensor { return reduce(name, x, axes, keep) }
}

func normL1(x Tensor, axes []int, keep bool) Tensor { return sum(unary("Abs", x), axes, keep) }

func normL2(x Tensor, axes []int, keep bool) Tensor { return root(sumSquare(x, axes, keep)) }

// root takes the square root of integers, too.
func root(x Tensor) Tensor {
	if x.Type().IsFloat() {
		return unary("Sqrt", x)
	}
	return cast(unary("Sqrt", cast(x, ndarray.Float64)), x.Type())
}

func sumSquare(x Tensor, axes []int, keep bool) Tensor { return sum(multiply(x, x), axes, keep) }

func logSum(x Tensor, axes []int, keep bool) Tensor { return unary("Log", sum(x, axes, keep)) }

func logSumExp(x Tensor, axes []int, keep bool) Tensor {
	largest := detach(reduce("Max", x, axes, true))
	sums := add(unary("Log", sum(unary("Exp", subtract(x, largest)), axes, true)), largest)
	if keep {
		return sums
	}
	return reshape(sums, without(x.Shape(), axes)...)
}

func argumentOf(name string) func(*call) {
	return func(c *call) {
		x := c.in(0)
		axis := c.axis("axis", 0, len(x.Shape()))
		index := argument(name, x, axis, c.flag("select_last_index", false))
		if !c.flag("keepdims", true) {
			index = reshape(index, without(x.Shape(), []int{axis})...)
		}
		c.out(index)
	}
}

// argument returns the first or the last index, along a dimension, of the largest or smallest element. The dimension
// stays, with a length of 1.
func argument(name string, x Tensor, axis int, last bool) Tensor {
	n := x.Shape()[axis]
	hit := compare("Equal", x, reduce(name, x, []int{axis}, true))
	index := alignedAt(vectorOf(counting(n)), axis, len(x.Shape()))
	choose, other := "Min", float64(n)
	if last {
		choose, other = "Max", -1
	}
	return reduce(choose, where(hit, index, like(index, other)), []int{axis}, true)
}

// vectorOf returns integers as a tensor of type int64.
func vectorOf(list []int) Tensor {
	wide := make([]int64, len(list))
	for i, v := range list {
		wide[i] = int64(v)
	}
	return ndarray.Vector(wide...)
}

func evalCumSum(c *call) {
	x, axes := c.in(0), c.ints(1)
	if len(axes) != 1 {
		fail("expected one dimension, got %v", axes)
	}
	axis := dimension(axes[0], len(x.Shape()))
	c.out(scan(x, axis, c.flag("exclusive", false), c.flag("reverse", false)))
}

// inverse returns the permutation that undoes another.
func inverse(order []int) []int {
	out := slices.Clone(order)
	for i, axis := range order {
		out[axis] = i
	}
	return out
}

package onnx

import (
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func sequenceOperators() []operator {
	return []operator{
		op("SequenceEmpty", func(c *call) { c.out(&Sequence{}) }, 11),
		op("SequenceConstruct", func(c *call) { c.out(&Sequence{slices.Clone(c.inputs)}) }, 11),
		op("SequenceLength", func(c *call) { c.out(ndarray.Scalar(int64(len(c.sequence(0).Values)))) }, 11),
		op("SequenceAt", evalSequenceAt, 11),
		op("SequenceInsert", evalSequenceInsert, 11),
		op("SequenceErase", evalSequenceErase, 11),
		op("SplitToSequence", evalSplitToSequence, 11),
		op("ConcatFromSequence", evalConcatFromSequence, 11),
		op("Optional", func(c *call) { c.out(&Optional{c.value(0)}) }, 15),
		op("OptionalHasElement", evalOptionalHasElement, 15),
		op("OptionalGetElement", evalOptionalGetElement, 15),
	}
}

// position returns a place in a list of n; negative ones count from the end.
func position(x Tensor, n int) int {
	i := scalarInt(x)
	if i < -n || i >= n {
		fail("expected a position from %d to %d, got %d", -n, n-1, i)
	}
	return i + n*oneIf(i < 0)
}

func evalSequenceAt(c *call) {
	s := c.sequence(0)
	c.out(s.Values[position(c.in(1), len(s.Values))])
}

func evalSequenceInsert(c *call) {
	s := c.sequence(0)
	i := len(s.Values)
	if c.has(2) && scalarInt(c.in(2)) != i {
		i = position(c.in(2), i)
	}
	c.out(&Sequence{slices.Insert(slices.Clone(s.Values), i, c.value(1))})
}

func evalSequenceErase(c *call) {
	s := c.sequence(0)
	i := position(c.or(1, ndarray.Scalar(int64(-1))), len(s.Values))
	c.out(&Sequence{slices.Delete(slices.Clone(s.Values), i, i+1)})
}

// evalSplitToSequence cuts into parts of a length, of the given lengths or, without either, single slices, whose
// dimension keepdims 0 removes.
func evalSplitToSequence(c *call) {
	x := c.in(0)
	axis := c.axis("axis", 0, len(x.Shape()))
	n := x.Shape()[axis]
	if !c.has(1) {
		values := splitAt(x, axis, repeated(n, 1))
		if !c.flag("keepdims", true) {
			for i := range values {
				values[i] = squeeze(tensorOf(values[i]), axis)
			}
		}
		c.out(&Sequence{values})
		return
	}
	lengths := c.ints(1)
	if len(c.in(1).Shape()) == 0 {
		lengths = chunks(n, lengths[0])
	}
	c.out(&Sequence{splitAt(x, axis, lengths)})
}

// chunks splits n into parts of a size and a rest.
func chunks(n, size int) []int {
	if size < 1 {
		fail("expected parts of 1 or more, got %d", size)
	}
	lengths := repeated(n/size, size)
	if rest := n % size; rest > 0 {
		lengths = append(lengths, rest)
	}
	return lengths
}

func evalConcatFromSequence(c *call) {
	var list []Tensor
	for _, v := range c.sequence(0).Values {
		list = append(list, tensorOf(v))
	}
	if len(list) == 0 {
		fail("expected a sequence with elements")
	}
	rank := len(list[0].Shape())
	if !c.flag("new_axis", false) {
		c.out(concat(c.axis("axis", 0, rank), list...))
		return
	}
	axis := c.axis("axis", 0, rank+1)
	for i, t := range list {
		list[i] = unsqueeze(t, axis)
	}
	c.out(concat(axis, list...))
}

func evalOptionalHasElement(c *call) {
	v := c.value(0)
	if o, ok := v.(*Optional); ok {
		v = o.Value
	}
	c.out(ndarray.Scalar(v != nil))
}

func evalOptionalGetElement(c *call) {
	v := c.value(0)
	if o, ok := v.(*Optional); ok {
		v = o.Value
	}
	if v == nil {
		fail("expected an optional with a value")
	}
	c.out(v)
}

package tensor

import (
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// takeKind reads elements of the first argument by their numbers, the second one; outside it reads NaN, or 0 of integers.
var takeKind = kind{name: "Take", inline: true}

// scatterKind adds elements, the second argument, to those of an array of zeros with the numbers that are the first one, in
// their order. What lies outside is left out.
var scatterKind = kind{name: "Scatter"}

func init() {
	takeKind.read = readTake
	takeKind.vjp = func(t, adjoint *Tensor, _ []bool) []*Tensor {
		x := t.args[0]
		return []*Tensor{scatter(t.args[1], adjoint, x.Len()).Reshape(x.shape...), nil}
	}
	takeKind.jvp = func(t *Tensor, tangents []*Tensor) *Tensor { return take(tangents[0], t.args[1]) }
	scatterKind.stage = stageScatter
	scatterKind.vjp = func(t, adjoint *Tensor, _ []bool) []*Tensor { return []*Tensor{nil, take(adjoint, t.args[0])} }
	scatterKind.jvp = func(t *Tensor, tangents []*Tensor) *Tensor { return scatter(t.args[0], tangents[1], t.Len()) }
}

func take(x, numbers *Tensor) *Tensor { return node(&takeKind, nil, x.typ, numbers.shape, x, numbers) }

func scatter(numbers, values *Tensor, n int) *Tensor {
	return node(&scatterKind, nil, Float32, []int{n}, numbers, values)
}

func readTake(l *lowering, t *Tensor, index ir.Value) ir.Value {
	x := t.args[0]
	number := l.read(t.args[1], index)
	value := l.read(x, number)
	inside := l.b.Binary(ir.OpLt, l.b.Bitcast(ir.U32, number), l.b.ConstU32(uint32(x.Len())))
	otherwise := 0.0
	if t.typ.IsFloat() {
		otherwise = math.NaN()
	}
	return l.b.Select(inside, value, l.b.Const(t.typ.value(), otherwise))
}

func stageScatter(l *lowering, t *Tensor) {
	l.begin()
	lane := l.b.Lane()
	l.b.ScatterAdd(l.slots[t], l.read(t.args[0], lane), l.read(t.args[1], lane))
	l.m.AddMap(l.name(t), l.b.Program(), t.args[0].Len())
}

// numbers returns the numbers, in an array of the shape, of the elements whose coordinate along the axis is given, and whose
// others are those of their own place. The coordinates are broadcast to places along the other axes; negative ones count from
// the end, and the number of one that does not exist is -1.
func numbersOf(call string, shape []int, axis int, coordinates *Tensor) *Tensor {
	if coordinates = coordinates.counted(); coordinates.typ != Int32 {
		fail(call, "indices of type %v, not int32 or uint8", coordinates.typ)
	}
	e, d := coordinates.e, shape[axis]
	c := coordinates
	c = c.Below(0).Where(c.Plus(float64(d)), c)
	inside := c.Below(0).Or(c.Ge(c.like(float64(d)))).Not()
	strides := rowMajor(shape)
	sum := c.Times(float64(strides[axis]))
	rank := len(coordinates.shape)
	for i := range coordinates.shape {
		if n := coordinates.shape[i]; i != axis && n > 1 {
			at := make([]int, rank)
			for k := range at {
				at[k] = 1
			}
			at[i] = n
			sum = sum.Add(e.Arange(n).Reshape(at...).Times(float64(strides[i])))
		}
	}
	return inside.Where(sum, sum.like(-1))
}

// Gather returns the elements whose coordinate along the axis is given by index, of type Int32 and as many axes as t, and
// whose other coordinates are those of the place in index, which has at most the extents of t there. A coordinate from -extent
// to -1 counts from the end; one that does not exist gives NaN, or 0 of integers.
func (t *Tensor) Gather(axis int, index *Tensor) *Tensor {
	axis = axisOf("Gather", t.shape, axis)
	checkIndex("Gather", t, axis, index)
	return take(t, numbersOf("Gather", t.shape, axis, index))
}

func checkIndex(call string, t *Tensor, axis int, index *Tensor) {
	if len(index.shape) != len(t.shape) {
		fail(call, "index of shape %v for shape %v", index.shape, t.shape)
	}
	for i, d := range index.shape {
		if i != axis && d > t.shape[i] {
			fail(call, "index of shape %v for shape %v, axis %d", index.shape, t.shape, axis)
		}
	}
}

// IndexSelect returns the rows along the axis with the numbers in index, of type Int32, whose axes take the place of that one.
// Numbers are as for Gather.
func (t *Tensor) IndexSelect(axis int, index *Tensor) *Tensor {
	axis = axisOf("IndexSelect", t.shape, axis)
	before, behind := t.shape[:axis], t.shape[axis+1:]
	flat := t.Reshape(count(before), t.shape[axis], count(behind))
	rows := index.Reshape(1, -1, 1).Expand(flat.shape[0], index.Len(), flat.shape[2])
	out := slices.Concat(before, index.shape, behind)
	return take(flat, numbersOf("IndexSelect", flat.shape, 1, rows)).Reshape(out...)
}

// Embedding returns the rows of t, [words, width], with the numbers in index: [index's shape..., width].
func (t *Tensor) Embedding(index *Tensor) *Tensor { return t.IndexSelect(0, index) }

// ScatterAdd returns t with the values, of the shape of index, added to the elements that Gather would read with index, in
// the order of the values.
func (t *Tensor) ScatterAdd(axis int, index, values *Tensor) *Tensor {
	axis, t, values = axisOf("ScatterAdd", t.shape, axis), t.counted(), values.counted()
	checkIndex("ScatterAdd", t, axis, index)
	if t.typ != Float32 || values.typ != Float32 {
		fail("ScatterAdd", "values of type %v into type %v; both are to be floats", values.typ, t.typ)
	}
	if !slices.Equal(index.shape, values.shape) {
		fail("ScatterAdd", "index of shape %v for values of shape %v", index.shape, values.shape)
	}
	return t.Add(scatter(numbersOf("ScatterAdd", t.shape, axis, index), values, t.Len()).Reshape(t.shape...))
}

// OneHot returns 1 at the place along a new last axis that t, of type Int32 or Uint8, gives, and 0 elsewhere.
func (t *Tensor) OneHot(classes int) *Tensor {
	if t = t.counted(); t.typ != Int32 {
		fail("OneHot", "indices of type %v, not int32 or uint8", t.typ)
	}
	return t.Unsqueeze(-1).Eq(t.e.Arange(classes)).Cast(Float32)
}

package tensor

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
)

// fold is the attribute of a reduction: of what is seen as [outer, group, inner], over the middle.
type fold struct {
	op    ir.ReduceOp
	group int
	inner int
}

func (f fold) appendKey(key []byte) []byte { return appendInts(key, int(f.op), f.group, f.inner) }

var reduceKind = kind{name: "Reduce"}

func init() {
	reduceKind.stage = stageReduce
	reduceKind.vjp = func(t, adjoint *Tensor, _ []bool) []*Tensor {
		x, f := t.args[0], t.attr.(fold)
		adjoint = f.spread(adjoint, x.shape)
		if f.op == ir.ReduceSum {
			return []*Tensor{adjoint}
		}
		return []*Tensor{adjoint.Mul(f.weight(t, x))}
	}
	reduceKind.jvp = func(t *Tensor, tangents []*Tensor) *Tensor {
		x, f := t.args[0], t.attr.(fold)
		if f.op == ir.ReduceSum {
			return reduce(f, tangents[0])
		}
		weight := f.weight(t, x)
		f.op = ir.ReduceSum
		return reduce(f, tangents[0].Mul(weight))
	}
}

// spread gives every element of a group, of the shape of what was reduced, the group's value.
func (f fold) spread(t *Tensor, shape []int) *Tensor {
	return t.Reshape(-1, 1, f.inner).Expand(count(shape)/f.group/f.inner, f.group, f.inner).Reshape(shape...)
}

// weight is the derivative of a group's value with respect to each of its elements.
func (f fold) weight(t, x *Tensor) *Tensor {
	if f.op == ir.ReduceProd {
		return f.others(x)
	}
	return f.share(t, x)
}

// others returns for every element the product of the others of its group: that of all divided by it, if none is zero; if
// one is, that of the others for this one, and zero for the others.
func (f fold) others(x *Tensor) *Tensor {
	is := x.Eq(x.like(0))
	present := is.Where(x.like(1), x)
	product := f.spread(reduce(f, present), x.shape)
	count := f
	count.op = ir.ReduceSum
	zeros := f.spread(reduce(count, is.Cast(Float32)), x.shape)
	rest := product.Div(present)
	return zeros.Sub(is.Cast(Float32)).Eq(x.like(0)).Where(rest, x.like(0))
}

// share tells how much of a minimum's or maximum's derivative belongs to every element: those that are equal to it have
// equal shares.
func (f fold) share(t, x *Tensor) *Tensor {
	is := x.Eq(f.spread(t, x.shape)).Cast(Float32)
	f.op = ir.ReduceSum
	return is.Div(f.spread(reduce(f, is), x.shape)).StopGradient()
}

// reduce reduces t, seen as [outer, group, inner], to shape [outer, inner].
func reduce(f fold, t *Tensor) *Tensor {
	return node(&reduceKind, f, t.typ, []int{t.Len() / f.group / f.inner, f.inner}, t)
}

// identities are what the reductions of nothing give.
var identities = [...]float64{ir.ReduceSum: 0, ir.ReduceProd: 1, ir.ReduceMin: math.Inf(1), ir.ReduceMax: math.Inf(-1)}

// identity is what a reduction of nothing gives; integers have no infinity.
func (t Type) identity(op ir.ReduceOp) float64 {
	x := identities[op]
	if !t.IsFloat() && math.IsInf(x, 0) {
		return min(max(x, math.MinInt32), math.MaxInt32)
	}
	return x
}

// over reduces over axes, those that lie side by side at once, the last ones first.
func (t *Tensor) over(call string, op ir.ReduceOp, keep bool, axes []int) *Tensor {
	if t.typ == Uint32 {
		fail(call, "not defined for %v", t.typ)
	}
	if t.typ == Bool {
		t = t.Cast(Int32)
	}
	t = t.counted()
	axes = axesOf(call, t.shape, axes)
	shape := without(t.shape, axes, keep)
	f := fold{op: op, group: 1, inner: 1}
	for _, a := range axes {
		f.group *= t.shape[a]
	}
	switch {
	case f.group == 0:
		return t.like(t.typ.identity(op)).Expand(shape...)
	case t.Len() == 0:
		return t.like(0).Expand(shape...)
	case f.group == 1:
		return t.Reshape(shape...)
	}
	for i := len(axes) - 1; i > 0; i-- {
		if axes[i-1] != axes[i]-1 { // the last ones that lie side by side, and then the others
			return t.over(call, op, true, axes[i:]).over(call, op, true, axes[:i]).Reshape(shape...)
		}
	}
	f.inner = count(t.shape[axes[len(axes)-1]+1:])
	return reduce(f, t).Reshape(shape...)
}

// sumTo is the adjoint of an expansion: the sum over the axes that were stretched or added.
func (t *Tensor) sumTo(shape []int) *Tensor {
	front := len(t.shape) - len(shape)
	var axes []int
	for i, d := range t.shape {
		if i < front || shape[i-front] != d {
			axes = append(axes, i)
		}
	}
	if len(axes) == 0 {
		return t.Reshape(shape...)
	}
	return t.over("Expand", ir.ReduceSum, false, axes).Reshape(shape...)
}

// Reductions go over the given axes, or all, in the order that package ir fixes: of the elements of axes that lie side by side,
// row-major, the last such axes first.

// Sum returns the sums; of truth values, how many are true, as Int32.
func (t *Tensor) Sum(axes ...int) *Tensor { return t.over("Sum", ir.ReduceSum, false, axes) }

// Mean returns the means; of nothing, NaN.
func (t *Tensor) Mean(axes ...int) *Tensor { return t.mean("Mean", false, axes) }

func (t *Tensor) mean(call string, keep bool, axes []int) *Tensor {
	if !t.typ.IsFloat() {
		fail(call, "not defined for %v", t.typ)
	}
	sum := t.over(call, ir.ReduceSum, keep, axes)
	return sum.Div(t.like(float64(t.Len()) / float64(max(1, sum.Len()))))
}

// Prod returns the products. Second derivatives are zero where two elements of a group are zero.
func (t *Tensor) Prod(axes ...int) *Tensor { return t.over("Prod", ir.ReduceProd, false, axes) }

// Any tells whether any element, a truth value, is true.
func (t *Tensor) Any(axes ...int) *Tensor {
	return t.truth("Any").over("Any", ir.ReduceMax, false, axes).Above(0)
}

// All tells whether all elements, truth values, are true; of none, they are.
func (t *Tensor) All(axes ...int) *Tensor {
	return t.truth("All").over("All", ir.ReduceMin, false, axes).Above(0)
}

func (t *Tensor) truth(call string) *Tensor {
	if t.typ != Bool {
		fail(call, "not defined for %v", t.typ)
	}
	return t
}

// MinOver returns the least elements; NaN where any is. Of nothing, +Inf.
func (t *Tensor) MinOver(axes ...int) *Tensor { return t.over("MinOver", ir.ReduceMin, false, axes) }

// MaxOver returns the greatest elements; NaN where any is. Of nothing, -Inf. Equal ones share the derivative.
func (t *Tensor) MaxOver(axes ...int) *Tensor { return t.over("MaxOver", ir.ReduceMax, false, axes) }

// Keep returns a reduction's axes as extents of 1, so that the result broadcasts: x.Sub(x.Mean(1).Keep(1)). The axes are
// those of what was reduced, which had rank axes more.
func (t *Tensor) Keep(axes ...int) *Tensor { return t.Unsqueeze(axes...) }

// Var returns the variances, sums of squared deviations over the number of elements less correction (1: unbiased); NaN where
// that is not positive.
func (t *Tensor) Var(correction int, axes ...int) *Tensor {
	deviation := t.Sub(t.mean("Var", true, axes))
	sum := deviation.Sq().over("Var", ir.ReduceSum, false, axes)
	return sum.Over(float64(max(0, t.Len()/max(1, sum.Len())-correction)))
}

// ArgMax returns where along the axis the greatest element stands, the first of equal ones or of NaNs: Int32, without the
// axis.
func (t *Tensor) ArgMax(axis int) *Tensor { return t.arg("ArgMax", ir.ReduceMax, axis) }

// ArgMin is ArgMax for the least element.
func (t *Tensor) ArgMin(axis int) *Tensor { return t.arg("ArgMin", ir.ReduceMin, axis) }

func (t *Tensor) arg(call string, op ir.ReduceOp, axis int) *Tensor {
	axis = axisOf(call, t.shape, axis)
	if t.shape[axis] == 0 {
		fail(call, "axis %d of shape %v has no elements", axis, t.shape)
	}
	best := t.over(call, op, true, []int{axis})
	is := t.Eq(best)
	if t.typ.IsFloat() {
		is = is.Or(t.IsNaN())
	}
	shape := make([]int, len(t.shape)-axis)
	for i := range shape {
		shape[i] = 1
	}
	shape[0] = t.shape[axis]
	place := t.e.Arange(t.shape[axis]).Reshape(shape...)
	return is.Where(place, place.like(math.MaxInt32)).over(call, ir.ReduceMin, false, []int{axis})
}

// LogSumExp returns log(sum(exp(t))), without overflow.
func (t *Tensor) LogSumExp(axes ...int) *Tensor {
	top := t.finiteMax("LogSumExp", axes)
	sum := t.Sub(top).Exp().over("LogSumExp", ir.ReduceSum, true, axes)
	return sum.Log().Add(top).Reshape(without(t.shape, axesOf("LogSumExp", t.shape, axes), false)...)
}

// finiteMax returns the greatest elements with their axes kept, 0 where infinite. It is what exponents are shifted by, which
// changes nothing, so that it has no derivative.
func (t *Tensor) finiteMax(call string, axes []int) *Tensor {
	if !t.typ.IsFloat() {
		fail(call, "not defined for %v", t.typ)
	}
	top := t.over(call, ir.ReduceMax, true, axes).StopGradient()
	return top.Abs().Lt(top.like(math.Inf(1))).Where(top, top.like(0))
}

// Softmax returns exp(t) divided by its sum over the axis.
func (t *Tensor) Softmax(axis int) *Tensor {
	e := t.Sub(t.finiteMax("Softmax", []int{axis})).Exp()
	return e.Div(e.over("Softmax", ir.ReduceSum, true, []int{axis}))
}

// LogSoftmax returns the logarithm of Softmax.
func (t *Tensor) LogSoftmax(axis int) *Tensor {
	shifted := t.Sub(t.finiteMax("LogSoftmax", []int{axis}))
	return shifted.Sub(shifted.Exp().over("LogSoftmax", ir.ReduceSum, true, []int{axis}).Log())
}

func stageReduce(l *lowering, t *Tensor) {
	f, x := t.attr.(fold), t.args[0]
	if l.done[x] {
		l.m.AddReduce(l.name(t), f.op, l.slots[x], l.slots[t], f.group, f.inner)
		return
	}
	l.begin()
	l.b.SetResults(l.read(x, l.b.Lane()))
	l.m.AddReduceProgram(l.name(t), f.op, l.b.Program(), l.slots[t], x.Len()/f.group/f.inner, f.group, f.inner)
}

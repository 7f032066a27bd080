package tensor

import "github.com/baremetaldevx86/microdr/ir"

// line is the attribute of what goes along the middle of [outer, group, inner].
type line struct {
	group, inner int
	descending   bool
}

func (c line) appendKey(key []byte) []byte {
	if c.descending {
		key = append(key, 'd')
	}
	return appendInts(key, c.group, c.inner)
}

var (
	scanKind = kind{name: "CumSum"}
	sortKind = kind{name: "ArgSort"}
)

func init() {
	scanKind.stage = func(l *lowering, t *Tensor) {
		c := t.attr.(line)
		l.m.Stages = append(l.m.Stages, ir.Stage{Kind: ir.StageScan, Name: l.name(t), In: []int{l.slots[t.args[0]]},
			Out: []int{l.slots[t]}, Group: c.group, Inner: c.inner})
	}
	scanKind.jvp = func(t *Tensor, tangents []*Tensor) *Tensor {
		return node(&scanKind, t.attr, t.typ, t.shape, tangents[0])
	}
	scanKind.vjp = func(t, adjoint *Tensor, _ []bool) []*Tensor { // the sums from the other end
		return []*Tensor{node(&scanKind, t.attr, t.typ, t.shape, adjoint.Flip(1)).Flip(1)}
	}
	sortKind.stage = func(l *lowering, t *Tensor) {
		c := t.attr.(line)
		x := t.args[0]
		sorted := l.m.AddBuffer("sorted", types[x.typ].ir, ir.Temp, x.Len())
		l.m.Stages = append(l.m.Stages, ir.Stage{Kind: ir.StageSort, Name: l.name(t), In: []int{l.slots[x]},
			Out: []int{sorted, l.slots[t]}, Group: c.group, Descending: c.descending})
	}
}

// CumSum returns the sums of all elements up to each one along the axis, itself included, added one after the other: those of
// very many float32s lose digits that Sum does not.
func (t *Tensor) CumSum(axis int) *Tensor {
	axis, t = axisOf("CumSum", t.shape, axis), t.counted()
	if t.typ != Float32 && t.typ != Int32 {
		fail("CumSum", "not defined for %v", t.typ)
	}
	if t.Len() == 0 {
		return t
	}
	inner := count(t.shape[axis+1:])
	x := t.Reshape(-1, t.shape[axis], inner)
	return node(&scanKind, line{group: t.shape[axis], inner: inner}, t.typ, x.shape, x).Reshape(t.shape...)
}

// ArgSort returns the coordinates along the axis that put the elements in ascending or descending order: Int32, of the shape
// of t. Equal elements keep their order, and NaNs come last.
func (t *Tensor) ArgSort(axis int, descending bool) *Tensor {
	axis, t = axisOf("ArgSort", t.shape, axis), t.counted()
	if t.typ != Float32 && t.typ != Int32 {
		fail("ArgSort", "not defined for %v", t.typ)
	}
	if t.Len() == 0 {
		return t.Cast(Int32)
	}
	x := t.Transpose(axis, -1)
	c := line{group: t.shape[axis], inner: 1, descending: descending}
	return node(&sortKind, c, Int32, x.shape, x).Transpose(axis, -1)
}

// Sort returns the elements sorted along the axis, see ArgSort. The derivative goes with the elements.
func (t *Tensor) Sort(axis int, descending bool) *Tensor {
	return t.Gather(axis, t.ArgSort(axis, descending))
}

// TopK returns the k greatest elements along the axis in descending order, or the k least ones in ascending order, and their
// coordinates.
func (t *Tensor) TopK(axis, k int, least bool) (values, indices *Tensor) {
	axis = axisOf("TopK", t.shape, axis)
	if k < 0 || k > t.shape[axis] {
		fail("TopK", "%d elements of axis %d of shape %v", k, axis, t.shape)
	}
	indices = t.ArgSort(axis, !least).Slice(axis, 0, k)
	return t.Gather(axis, indices), indices
}

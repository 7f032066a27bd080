package tensor

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// frame is the attribute of a tensor that holds another one at regular places, and x elsewhere: along axis i, element
// k of the argument stands at lo[i] + k*step[i].
type frame struct {
	lo, step []int
	x        float64
}

func (f frame) appendKey(key []byte) []byte {
	key = appendInts(appendInts(key, f.lo...), f.step...)
	return binary.LittleEndian.AppendUint64(key, math.Float64bits(f.x))
}

var padKind = kind{name: "Pad", inline: true}

func init() {
	padKind.read = readPad
	padKind.vjp = func(t, adjoint *Tensor, _ []bool) []*Tensor { return []*Tensor{unpad(adjoint, t)} }
	padKind.jvp = func(t *Tensor, tangents []*Tensor) *Tensor {
		f := t.attr.(frame)
		f.x = 0
		return node(&padKind, f, t.typ, t.shape, tangents[0])
	}
}

// Pad adds lo[i] elements before and hi[i] behind those of axis i, which are x. Negative numbers take away.
func (t *Tensor) Pad(lo, hi []int, x float64) *Tensor {
	if len(lo) != len(t.shape) || len(hi) != len(t.shape) {
		fail("Pad", "%d and %d numbers for shape %v", len(lo), len(hi), t.shape)
	}
	lo, hi = slices.Clone(lo), slices.Clone(hi)
	for i := range lo {
		first, last := max(0, -lo[i]), t.shape[i]+min(0, hi[i])
		if first > last {
			fail("Pad", "%d and %d elements less of axis %d of shape %v", -lo[i], -hi[i], i, t.shape)
		}
		t = t.Slice(i, first, last)
		lo[i], hi[i] = max(0, lo[i]), max(0, hi[i])
	}
	shape, step := make([]int, len(lo)), make([]int, len(lo))
	for i := range lo {
		shape[i], step[i] = lo[i]+t.shape[i]+hi[i], 1
	}
	if slices.Equal(shape, t.shape) {
		return t
	}
	return pad(t, frame{lo, step, t.typ.number("Pad", x)}, shape)
}

func pad(t *Tensor, f frame, shape []int) *Tensor {
	if t.Len() == 0 {
		return t.e.FullOf(t.typ, f.x).Expand(shape...)
	}
	return node(&padKind, f, t.typ, shape, t)
}

// spread is the adjoint of a slice: zeros of the shape, with t at every place that the slice takes.
func spread(t *Tensor, s strided, shape []int) *Tensor {
	if t.Len() == 0 {
		return t.e.FullOf(t.typ, 0).Expand(shape...)
	}
	f := frame{lo: coordinates(s.offset, shape), step: make([]int, len(shape))}
	for i, stride := range rowMajor(shape) {
		f.step[i] = s.strides[i] / stride
	}
	return pad(t, f, shape)
}

// unpad returns the elements of t where the argument of padded stands in it.
func unpad(t, padded *Tensor) *Tensor {
	f := padded.attr.(frame)
	for i, d := range padded.args[0].shape {
		t = t.SliceStep(i, f.lo[i], f.lo[i]+(d-1)*f.step[i]+1, f.step[i])
	}
	return t
}

func readPad(l *lowering, t *Tensor, index ir.Value) ir.Value {
	f, arg := t.attr.(frame), t.args[0]
	inside := l.b.ConstBool(true)
	at, below := l.b.ConstI32(0), 1
	strides := rowMajor(arg.shape)
	for i := len(t.shape) - 1; i >= 0; i-- {
		q := l.divide(index, below) // the coordinate is what is left of it
		if i > 0 {
			q = l.b.Binary(ir.OpSub, q, l.b.Binary(ir.OpMul, l.divide(index, below*t.shape[i]), l.b.ConstI32(int32(t.shape[i]))))
		}
		below *= t.shape[i]
		k := l.b.Binary(ir.OpSub, q, l.b.ConstI32(int32(f.lo[i])))
		if f.lo[i] != 0 || f.step[i] != 1 || arg.shape[i] != t.shape[i] {
			in := l.b.Binary(ir.OpLt, l.b.Bitcast(ir.U32, k), l.b.ConstU32(uint32((arg.shape[i]-1)*f.step[i]+1)))
			if f.step[i] != 1 {
				place := l.divide(k, f.step[i])
				whole := l.b.Binary(ir.OpEq, l.b.Binary(ir.OpMul, place, l.b.ConstI32(int32(f.step[i]))), k)
				in, k = l.b.Binary(ir.OpAnd, in, whole), place
			}
			inside = l.b.Binary(ir.OpAnd, inside, in)
		}
		at = l.addProduct(at, k, strides[i])
	}
	return l.b.Select(inside, l.read(arg, at), l.b.Const(t.typ.value(), f.x))
}

// joint is the attribute of a concatenation: the axis.
type joint struct{ axis int }

func (j joint) appendKey(key []byte) []byte { return appendInts(key, j.axis) }

var concatKind = kind{name: "Concat", inline: true}

func init() {
	concatKind.read = readConcat
	concatKind.vjp = func(t, adjoint *Tensor, need []bool) []*Tensor {
		axis, at := t.attr.(joint).axis, 0
		out := make([]*Tensor, len(t.args))
		for i, a := range t.args {
			if need[i] {
				out[i] = adjoint.Slice(axis, at, at+a.shape[axis])
			}
			at += a.shape[axis]
		}
		return out
	}
	concatKind.jvp = func(t *Tensor, tangents []*Tensor) *Tensor {
		parts := make([]*Tensor, len(tangents))
		for i, d := range tangents {
			if parts[i] = d; d == nil {
				parts[i] = t.e.Zeros(t.args[i].shape...)
			}
		}
		return Concat(t.attr.(joint).axis, parts...)
	}
}

// Concat joins tensors of one type along an axis; the other extents are equal.
func Concat(axis int, ts ...*Tensor) *Tensor {
	if len(ts) == 0 {
		fail("Concat", "no tensors")
	}
	first := ts[0]
	axis = axisOf("Concat", first.shape, axis)
	shape := slices.Clone(first.shape)
	shape[axis] = 0
	var parts []*Tensor
	for _, t := range ts {
		if t.typ != first.typ {
			fail("Concat", "%v%v and %v%v are of different types", first.typ, first.shape, t.typ, t.shape)
		}
		if len(t.shape) != len(shape) {
			fail("Concat", "shapes %v and %v do not go together along axis %d", first.shape, t.shape, axis)
		}
		for i, d := range t.shape {
			if i != axis && d != shape[i] {
				fail("Concat", "shapes %v and %v do not go together along axis %d", first.shape, t.shape, axis)
			}
		}
		shape[axis] += t.shape[axis]
		if t.shape[axis] > 0 {
			parts = append(parts, t)
		}
	}
	switch len(parts) {
	case 0:
		return first
	case 1:
		return parts[0]
	}
	return node(&concatKind, joint{axis}, first.typ, shape, parts...)
}

// Stack joins tensors of one shape along a new axis.
func Stack(axis int, ts ...*Tensor) *Tensor {
	if len(ts) == 0 {
		fail("Stack", "no tensors")
	}
	parts := make([]*Tensor, len(ts))
	for i, t := range ts {
		if !slices.Equal(t.shape, ts[0].shape) {
			fail("Stack", "shapes %v and %v differ", ts[0].shape, t.shape)
		}
		parts[i] = t.Unsqueeze(axis)
	}
	return Concat(axis, parts...)
}

// Split cuts an axis into parts of the given extents, which add up to it.
func (t *Tensor) Split(axis int, extents ...int) []*Tensor {
	axis = axisOf("Split", t.shape, axis)
	parts, at := make([]*Tensor, len(extents)), 0
	for i, d := range extents {
		if d < 0 || at+d > t.shape[axis] {
			break
		}
		parts[i] = t.Slice(axis, at, at+d)
		at += d
	}
	if len(parts) == 0 || parts[len(parts)-1] == nil || at != t.shape[axis] {
		fail("Split", "axis %d of shape %v into %v", axis, t.shape, extents)
	}
	return parts
}

func readConcat(l *lowering, t *Tensor, index ir.Value) ir.Value {
	axis := t.attr.(joint).axis
	below := count(t.shape[axis+1:])
	// With q the number of the row along the axis, and c its coordinate, the same place in a part has index
	// outer*(extent of the part)*below + (c - first)*below + rest.
	outer := l.divide(index, t.shape[axis]*below)
	within := l.b.Binary(ir.OpSub, index, l.b.Binary(ir.OpMul, outer, l.b.ConstI32(int32(t.shape[axis]*below))))
	var value ir.Value
	first := t.shape[axis] * below
	for i := len(t.args) - 1; i >= 0; i-- {
		size := t.args[i].shape[axis] * below
		first -= size
		at := l.b.Binary(ir.OpSub, l.addProduct(within, outer, size), l.b.ConstI32(int32(first)))
		x := l.read(t.args[i], at)
		if i == len(t.args)-1 {
			value = x
		} else {
			value = l.b.Select(l.b.Binary(ir.OpLt, within, l.b.ConstI32(int32(first+size))), x, value)
		}
	}
	return value
}

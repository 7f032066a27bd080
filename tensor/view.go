package tensor

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// strided says which elements of another array those of a view are: element (i, j, ...) is number offset + i*strides[0] +
// j*strides[1] + ... of it, row-major. Nothing is copied.
type strided struct {
	offset  int
	strides []int
}

// look is the attribute of a view.
type look struct {
	strided         // relative to the argument
	axes    []int   // of a permutation
	base    *Tensor // the first tensor behind views that is seen through strides
	through strided // relative to it
}

func (s look) appendKey(key []byte) []byte { return key } // its strides are, see schedule.key

func appendInts(key []byte, list ...int) []byte {
	key = binary.AppendVarint(key, int64(len(list)))
	for _, x := range list {
		key = binary.AppendVarint(key, int64(x))
	}
	return key
}

// The kinds of views differ in their derivatives.
var (
	reshapeKind = kind{name: "Reshape", inline: true}
	permuteKind = kind{name: "Permute", inline: true}
	expandKind  = kind{name: "Expand", inline: true}
	sliceKind   = kind{name: "Slice", inline: true}
	flipKind    = kind{name: "Flip", inline: true}
)

func init() {
	for _, k := range []*kind{&reshapeKind, &permuteKind, &expandKind, &sliceKind, &flipKind} {
		k.read = readView
		k.jvp = func(t *Tensor, tangents []*Tensor) *Tensor {
			s := t.attr.(look)
			return view(t.kind, tangents[0], s.strided, t.shape, s.axes)
		}
	}
	reshapeKind.vjp = func(t, adjoint *Tensor, _ []bool) []*Tensor {
		return []*Tensor{adjoint.Reshape(t.args[0].shape...)}
	}
	permuteKind.vjp = func(t, adjoint *Tensor, _ []bool) []*Tensor {
		back := make([]int, len(t.shape))
		for i, a := range t.attr.(look).axes {
			back[a] = i
		}
		return []*Tensor{adjoint.Permute(back...)}
	}
	expandKind.vjp = func(t, adjoint *Tensor, _ []bool) []*Tensor {
		return []*Tensor{adjoint.sumTo(t.args[0].shape)}
	}
	sliceKind.vjp = func(t, adjoint *Tensor, _ []bool) []*Tensor {
		return []*Tensor{spread(adjoint, t.attr.(look).strided, t.args[0].shape)}
	}
	flipKind.vjp = func(t, adjoint *Tensor, _ []bool) []*Tensor {
		return []*Tensor{view(&flipKind, adjoint, t.attr.(look).strided, t.shape, nil)}
	}
}

// source returns what a view looks at, where there are elements or where an operation is.
func (t *Tensor) source() (*Tensor, strided) {
	s := t.attr.(look)
	if t.args[0].buffer != nil {
		return t.args[0], s.strided
	}
	return s.base, s.through
}

// isView tells whether t has no elements of its own and looks at others.
func (t *Tensor) isView() bool {
	_, ok := t.attr.(look)
	return ok && t.buffer == nil
}

func readView(l *lowering, t *Tensor, index ir.Value) ir.Value {
	base, s := t.source()
	return l.read(base, l.affine(index, t.shape, s.strides, s.offset))
}

// view returns a view of t.
func view(k *kind, t *Tensor, s strided, shape, axes []int) *Tensor {
	if s.offset == 0 && slices.Equal(shape, t.shape) && isContiguous(shape, s.strides) {
		return t
	}
	return node(k, lookAt(t, s, shape, axes), t.typ, shape, t)
}

// lookAt returns the attribute of a view of t.
func lookAt(t *Tensor, s strided, shape, axes []int) look {
	attr := look{strided: s, axes: axes, base: t, through: s}
	if t.isView() {
		if through, ok := compose(t, s, shape); ok {
			attr.base, attr.through = t.attr.(look).base, through
		}
	}
	return attr
}

// compose returns the strides of a view of t, a view, relative to what t itself is seen through.
func compose(t *Tensor, s strided, shape []int) (strided, bool) {
	inner := t.attr.(look).through
	at, ok := place(s.offset, t.shape, inner)
	if !ok || count(shape) == 0 {
		return strided{}, false
	}
	out := strided{offset: at, strides: make([]int, len(shape))}
	// Along each axis of t, the coordinates that are reached must stay within it, whatever the others are.
	lowest := coordinates(s.offset, t.shape)
	highest := slices.Clone(lowest)
	for i, d := range shape {
		if d == 1 || s.strides[i] == 0 {
			continue
		}
		axis, steps, ok := axisOfStride(s.strides[i], t.shape)
		if !ok {
			return strided{}, false
		}
		lowest[axis] += min(0, steps*(d-1))
		highest[axis] += max(0, steps*(d-1))
		if lowest[axis] < 0 || highest[axis] >= t.shape[axis] {
			return strided{}, false
		}
		out.strides[i] = steps * inner.strides[axis]
	}
	return out, true
}

// place returns where element number i of a view lies.
func place(i int, shape []int, s strided) (int, bool) {
	if count(shape) == 0 || i < 0 || i >= count(shape) {
		return 0, false
	}
	at := s.offset
	for k, x := range coordinates(i, shape) {
		at += x * s.strides[k]
	}
	return at, true
}

// coordinates returns those of element number i of a row-major array.
func coordinates(i int, shape []int) []int {
	out := make([]int, len(shape))
	for k := len(shape) - 1; k >= 0; k-- {
		out[k] = i % shape[k]
		i /= shape[k]
	}
	return out
}

// axisOfStride returns the axis of a row-major array along which a stride goes, and how many elements of it at a time.
func axisOfStride(stride int, shape []int) (axis, steps int, ok bool) {
	for k, s := range rowMajor(shape) {
		if shape[k] > 1 && stride%s == 0 && abs(stride/s) < shape[k] {
			return k, stride / s, true
		}
	}
	return 0, 0, false
}

func abs(x int) int { return max(x, -x) }

// isContiguous tells whether strides are those of a row-major array. Those of extents of 1 do not matter.
func isContiguous(shape, strides []int) bool {
	for i, s := range rowMajor(shape) {
		if shape[i] > 1 && strides[i] != s {
			return false
		}
	}
	return true
}

// affine emits offset + the sum of strides times coordinates, of element number index of a row-major array. With q_k the
// number divided by the extents from axis k on, coordinate k is q_(k+1) - d_k q_k; so the sum is index times the last stride
// and, for each axis k but the first, q_k times (stride_(k-1) - d_k stride_k), which is 0 where the two axes are one.
func (l *lowering) affine(index ir.Value, shape, strides []int, offset int) ir.Value {
	type axis struct{ extent, stride int }
	var axes []axis
	for i, d := range shape {
		if d > 1 {
			axes = append(axes, axis{d, strides[i]})
		}
	}
	sum := l.b.ConstI32(int32(offset))
	below := 1 // the product of the extents from axis k on
	for k := len(axes) - 1; k >= 0; k-- {
		if k == len(axes)-1 {
			sum = l.addProduct(sum, index, axes[k].stride)
		}
		below *= axes[k].extent
		if k > 0 {
			if factor := axes[k-1].stride - axes[k].extent*axes[k].stride; factor != 0 {
				sum = l.addProduct(sum, l.divide(index, below), factor)
			}
		}
	}
	return sum
}

// addProduct emits sum + x*factor.
func (l *lowering) addProduct(sum, x ir.Value, factor int) ir.Value {
	if factor == 0 {
		return sum
	}
	return l.b.Binary(ir.OpAdd, l.b.Binary(ir.OpMul, x, l.b.ConstI32(int32(factor))), sum)
}

// divide emits x/d for x from 0 to 2^31-1 by a multiplication (Granlund and Montgomery 1994): with n the bits of d-1,
// m = floor(2^(31+n)/d) + 1 has 32 bits, and m*x exceeds x*2^(31+n)/d by less than 2^(31+n)/d.
func (l *lowering) divide(x ir.Value, d int) ir.Value {
	if d == 1 {
		return x
	}
	if l.b.Node(x).Op == ir.OpConst {
		return l.b.ConstI32(int32(l.b.Node(x).Imm) / int32(d))
	}
	n := bits.Len(uint(d - 1))
	u := l.b.Bitcast(ir.U32, x)
	if d == 1<<n {
		return l.b.Bitcast(ir.I32, l.b.Binary(ir.OpShr, u, l.b.ConstU32(uint32(n))))
	}
	m := uint64(1)<<(31+n)/uint64(d) + 1
	high := l.b.Binary(ir.OpMulHi, u, l.b.ConstU32(uint32(m)))
	return l.b.Bitcast(ir.I32, l.b.Binary(ir.OpShr, high, l.b.ConstU32(uint32(n-1))))
}

// Reshape returns the elements in another shape; one extent may be -1, and is what is left.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	shape = slices.Clone(shape)
	if i := slices.Index(shape, -1); i >= 0 {
		shape[i] = 1
		rest := count(shape)
		if rest == 0 || t.Len()%rest != 0 {
			shape[i] = -1
			fail("Reshape", "shape %v into %v", t.shape, shape)
		}
		shape[i] = t.Len() / rest
	}
	checkShape("Reshape", shape)
	if count(shape) != t.Len() {
		fail("Reshape", "shape %v, of %d elements, into %v, of %d", t.shape, t.Len(), shape, count(shape))
	}
	return view(&reshapeKind, t, strided{strides: rowMajor(shape)}, shape, nil)
}

// Flatten returns the elements with the axes from the given one on made one.
func (t *Tensor) Flatten(axis int) *Tensor {
	axis = axisOf("Flatten", append(slices.Clone(t.shape), 1), axis)
	return t.Reshape(append(slices.Clone(t.shape[:axis]), count(t.shape[axis:]))...)
}

// Permute returns the tensor with its axes in another order: axis i of the result is axis axes[i].
func (t *Tensor) Permute(axes ...int) *Tensor {
	if len(axes) != len(t.shape) {
		fail("Permute", "%d axes for shape %v", len(axes), t.shape)
	}
	axesOf("Permute", t.shape, axes)
	shape, s := make([]int, len(axes)), strided{strides: make([]int, len(axes))}
	order := make([]int, len(axes))
	for i, a := range axes {
		order[i] = axisOf("Permute", t.shape, a)
		shape[i], s.strides[i] = t.shape[order[i]], rowMajor(t.shape)[order[i]]
	}
	return view(&permuteKind, t, s, shape, order)
}

// Transpose exchanges two axes.
func (t *Tensor) Transpose(a, b int) *Tensor {
	axes := make([]int, len(t.shape))
	for i := range axes {
		axes[i] = i
	}
	a, b = axisOf("Transpose", t.shape, a), axisOf("Transpose", t.shape, b)
	axes[a], axes[b] = b, a
	return t.Permute(axes...)
}

// T exchanges the last two axes.
func (t *Tensor) T() *Tensor {
	if len(t.shape) < 2 {
		fail("T", "shape %v has fewer than 2 axes", t.shape)
	}
	return t.Transpose(-2, -1)
}

// Expand stretches extents of 1, and adds axes in front, by NumPy's rules.
func (t *Tensor) Expand(shape ...int) *Tensor { return t.expandTo("Expand", shape) }

func (t *Tensor) expandTo(call string, shape []int) *Tensor {
	if slices.Equal(t.shape, shape) {
		return t
	}
	front := len(shape) - len(t.shape)
	if front < 0 {
		fail(call, "shape %v to %v", t.shape, shape)
	}
	s := strided{strides: make([]int, len(shape))}
	for i, stride := range rowMajor(t.shape) {
		switch t.shape[i] {
		case shape[front+i]:
			s.strides[front+i] = stride
		case 1:
		default:
			fail(call, "shape %v to %v", t.shape, shape)
		}
	}
	return view(&expandKind, t, s, slices.Clone(shape), nil)
}

// Unsqueeze adds axes of extent 1, which are those with the given numbers in the result.
func (t *Tensor) Unsqueeze(axes ...int) *Tensor {
	shape := make([]int, len(t.shape)+len(axes))
	for _, a := range axes {
		shape[axisOf("Unsqueeze", shape, a)] = 1
	}
	rest := t.shape
	for i := range shape {
		if shape[i] == 0 {
			if len(rest) == 0 {
				fail("Unsqueeze", "axes %v for shape %v", axes, t.shape)
			}
			shape[i], rest = rest[0], rest[1:]
		}
	}
	return t.Reshape(shape...)
}

// Squeeze removes the given axes, which have extent 1, or all such.
func (t *Tensor) Squeeze(axes ...int) *Tensor {
	if len(axes) == 0 {
		for i, d := range t.shape {
			if d == 1 {
				axes = append(axes, i)
			}
		}
		if len(axes) == 0 {
			return t
		}
	}
	axes = axesOf("Squeeze", t.shape, axes)
	for _, a := range axes {
		if t.shape[a] != 1 {
			fail("Squeeze", "axis %d of shape %v is not 1", a, t.shape)
		}
	}
	return t.Reshape(without(t.shape, axes, false)...)
}

// Slice returns the elements from lo to before hi of an axis; negative bounds count from the end.
func (t *Tensor) Slice(axis, lo, hi int) *Tensor { return t.SliceStep(axis, lo, hi, 1) }

// SliceStep returns every step-th element of an axis, from lo to before hi. A negative step goes from lo down to above hi;
// then hi -1-extent, or less, is below all. Bounds are clamped to what there is.
func (t *Tensor) SliceStep(axis, lo, hi, step int) *Tensor {
	axis = axisOf("Slice", t.shape, axis)
	if step == 0 {
		fail("Slice", "a step of 0")
	}
	d := t.shape[axis]
	lo, hi = bound(lo, d, step), bound(hi, d, step)
	n := max(0, (hi-lo+step-sign(step))/step)
	if step < 0 { // the same elements upwards, and then from the end
		return t.SliceStep(axis, lo+(n-1)*step, lo+1, -step).Flip(axis)
	}
	shape := slices.Clone(t.shape)
	shape[axis] = n
	s := strided{strides: rowMajor(t.shape)}
	s.offset = lo * s.strides[axis]
	s.strides[axis] *= step
	return view(&sliceKind, t, s, shape, nil)
}

// bound returns a bound of a slice, clamped as Python does.
func bound(i, extent, step int) int {
	if i < 0 {
		i += extent
	}
	if step > 0 {
		return min(max(i, 0), extent)
	}
	return min(max(i, -1), extent-1)
}

func sign(x int) int {
	if x < 0 {
		return -1
	}
	return 1
}

// At returns the tensor at one place of an axis, without that axis.
func (t *Tensor) At(axis, i int) *Tensor {
	axis = axisOf("At", t.shape, axis)
	if i < -t.shape[axis] || i >= t.shape[axis] {
		fail("At", "element %d of axis %d of shape %v", i, axis, t.shape)
	}
	if i < 0 {
		i += t.shape[axis]
	}
	return t.Slice(axis, i, i+1).Squeeze(axis)
}

// Flip reverses axes.
func (t *Tensor) Flip(axes ...int) *Tensor {
	s := strided{strides: rowMajor(t.shape)}
	for _, a := range axesOf("Flip", t.shape, axes) {
		s.offset += max(0, t.shape[a]-1) * s.strides[a]
		s.strides[a] = -s.strides[a]
	}
	if t.Len() == 0 {
		return t
	}
	return view(&flipKind, t, s, t.shape, nil)
}

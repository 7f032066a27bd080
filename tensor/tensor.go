package tensor

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/ir"
)

// Tensor is an N-d array: a shape, row-major, and a type. It is immutable.
type Tensor struct {
	e     *Engine
	kind  *kind
	args  []*Tensor
	attr  attribute
	shape []int
	typ   Type

	buffer *elements // the elements, once they are there
	frozen bool      // derivatives stop here
	site   string    // where it was made, if anomalies are looked for
}

// attribute is what an operation has besides its arguments.
type attribute interface {
	// appendKey appends bytes that differ where the operation differs.
	appendKey(key []byte) []byte
}

// kind is a kind of operation: a row of the second, small table of derivatives beside that of package grad.
type kind struct {
	name string

	// inline tells that an element is computed where it is needed, from elements of the arguments, by read.
	inline bool
	read   func(l *lowering, t *Tensor, index ir.Value) ir.Value
	// stage appends the stage that computes the operations that are not inline.
	stage func(l *lowering, t *Tensor)

	// vjp returns the adjoints of the arguments that need one, given that of t; nil for none.
	vjp func(t, adjoint *Tensor, need []bool) []*Tensor
	// jvp returns the tangent of t, given those of the arguments, nil for zero.
	jvp func(t *Tensor, tangents []*Tensor) *Tensor
}

// node returns the result of an operation.
func node(k *kind, attr attribute, typ Type, shape []int, args ...*Tensor) *Tensor {
	checkShape(k.name, shape)
	t := &Tensor{e: args[0].e, kind: k, args: args, attr: attr, typ: typ, shape: shape}
	for _, a := range args {
		if a.e != t.e {
			fail(k.name, "tensors of different engines")
		}
	}
	t.frozen = t.e.frozen > 0
	if t.e.options.Anomalies {
		t.site = site()
	}
	return t
}

// Shape returns the extents; it must not be changed.
func (t *Tensor) Shape() []int { return t.shape }

// Dim returns the extent of an axis; -1 is the last one.
func (t *Tensor) Dim(axis int) int { return t.shape[axisOf("Dim", t.shape, axis)] }

// Rank returns the number of axes.
func (t *Tensor) Rank() int { return len(t.shape) }

// Len returns the number of elements.
func (t *Tensor) Len() int { return count(t.shape) }

// Type returns the type of the elements.
func (t *Tensor) Type() Type { return t.typ }

// Engine returns what the tensor belongs to.
func (t *Tensor) Engine() *Engine { return t.e }

// isPlaceholder tells whether the tensor, or what it is computed from, gets its elements when a function runs.
func (t *Tensor) isPlaceholder() bool {
	seen, stack := map[*Tensor]bool{t: true}, []*Tensor{t}
	for len(stack) > 0 {
		t := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if t.kind == &placeholderKind && t.buffer == nil {
			return true
		}
		for _, a := range t.sources() {
			if !seen[a] {
				seen[a] = true
				stack = append(stack, a)
			}
		}
	}
	return false
}

// leafKind are tensors that are given.
var leafKind = kind{name: "leaf"}

// leaf returns a tensor of the engine with a buffer of its own.
func (e *Engine) leaf(call string, t Type, shape []int) *Tensor {
	checkShape(call, shape)
	b, err := e.newElements(t, count(shape))
	if err != nil {
		fail(call, "%v", err)
	}
	return &Tensor{e: e, kind: &leafKind, typ: t, shape: slices.Clone(shape), buffer: b}
}

// checkLen refuses a number of elements that is not that of the shape.
func checkLen(call string, n int, shape []int) {
	if n != count(shape) {
		fail(call, "%d elements for shape %v", n, shape)
	}
}

// New returns a Float32 tensor with the elements, row-major, which are copied.
func (e *Engine) New(elements []float32, shape ...int) *Tensor {
	checkLen("New", len(elements), shape)
	t := e.leaf("New", Float32, shape)
	t.buffer.Write32(elements)
	return t
}

// NewFloat64 is New for float64 elements, rounded unless the engine computes in float64.
func (e *Engine) NewFloat64(elements []float64, shape ...int) *Tensor {
	checkLen("NewFloat64", len(elements), shape)
	t := e.leaf("NewFloat64", Float32, shape)
	t.buffer.Write(elements)
	return t
}

// NewInt32 returns an Int32 tensor with the elements, which are copied.
func (e *Engine) NewInt32(elements []int32, shape ...int) *Tensor {
	checkLen("NewInt32", len(elements), shape)
	t := e.leaf("NewInt32", Int32, shape)
	words := t.buffer.Words()
	for i, x := range elements {
		words[i] = uint32(x)
	}
	return t
}

// NewBool returns a Bool tensor with the elements, which are copied.
func (e *Engine) NewBool(elements []bool, shape ...int) *Tensor {
	checkLen("NewBool", len(elements), shape)
	t := e.leaf("NewBool", Bool, shape)
	numbers := make([]float64, len(elements))
	for i, x := range elements {
		if x {
			numbers[i] = 1
		}
	}
	t.buffer.Write(numbers)
	return t
}

// NewUint8 returns a Uint8 tensor with the elements, which are copied.
func (e *Engine) NewUint8(elements []uint8, shape ...int) *Tensor {
	checkLen("NewUint8", len(elements), shape)
	t := e.leaf("NewUint8", Uint8, shape)
	copy(t.buffer.Bytes(), elements)
	return t
}

// Scalar returns a Float32 tensor of shape [].
func (e *Engine) Scalar(x float64) *Tensor { return e.Full(x) }

// counted returns t in the type that its elements count as.
func (t *Tensor) counted() *Tensor { return t.Cast(typeOf(t.typ.value())) }

// Float64s computes and returns the elements, row-major, as float64: numbers of any type, truth values as 0 and 1.
func (t *Tensor) Float64s() []float64 {
	out, err := t.TryFloat64s()
	if err != nil {
		fail("Float64s", "%v", err)
	}
	return out
}

// TryFloat64s is Float64s where that may fail: too little memory, an anomaly.
func (t *Tensor) TryFloat64s() ([]float64, error) {
	defer runtime.KeepAlive(t)
	if err := t.e.compute(context.Background(), []*Tensor{t}); err != nil {
		return nil, err
	}
	out := make([]float64, t.Len())
	t.buffer.Read(out)
	return out, nil
}

// Read computes the elements and writes them to dst, row-major, as Float64s returns them. Nothing is allocated if they are
// there already.
func (t *Tensor) Read(dst []float64) {
	checkLen("Read", len(dst), t.shape)
	if t.buffer == nil {
		t.must("Read")
	}
	t.buffer.Read(dst)
}

// Float32s computes and returns the elements of a float tensor in a slice of their own.
func (t *Tensor) Float32s() []float32 {
	if !t.typ.IsFloat() {
		fail("Float32s", "elements of type %v", t.typ)
	}
	t.must("Float32s")
	defer runtime.KeepAlive(t)
	out := make([]float32, t.Len())
	if t.typ == Float32 {
		copy(out, t.buffer.Floats())
		return out
	}
	for i, x := range t.Float64s() {
		out[i] = float32(x)
	}
	return out
}

// Int32s computes and returns the elements of an Int32 tensor in a slice of their own.
func (t *Tensor) Int32s() []int32 {
	if t.typ != Int32 {
		fail("Int32s", "elements of type %v", t.typ)
	}
	t.must("Int32s")
	defer runtime.KeepAlive(t)
	out := make([]int32, t.Len())
	for i, x := range t.buffer.Words() {
		out[i] = int32(x)
	}
	return out
}

// Item computes and returns the only element.
func (t *Tensor) Item() float64 {
	if t.Len() != 1 {
		fail("Item", "shape %v has %d elements", t.shape, t.Len())
	}
	return t.Float64s()[0]
}

// must evaluates t.
func (t *Tensor) must(call string) {
	if err := t.e.compute(context.Background(), []*Tensor{t}); err != nil {
		fail(call, "%v", err)
	}
}

// Free gives the elements back before the collector finds out that nobody holds the tensor. It must not be used any more, nor
// what is a view of it or has its elements, as a variable that it was given to.
func (t *Tensor) Free() { t.buffer.free(t.e) }

// alive refuses a tensor whose elements were given back.
func (t *Tensor) alive() {
	if t.buffer != nil && t.buffer.freed {
		fail("Eval", "a tensor of shape %v was freed", t.shape)
	}
}

// String computes the tensor and shows its type, shape and elements, the first ones of many.
func (t *Tensor) String() string {
	const most = 1000
	text := fmt.Sprintf("%v%v", t.typ, t.shape)
	if t.isPlaceholder() {
		return text
	}
	elements := t.Float64s()
	format := "%.6g"
	if !t.typ.IsFloat() {
		format = "%.0f"
	}
	if len(elements) > most {
		return fmt.Sprintf("%s [%s ...]", text, strings.Trim(nested(format, elements[:8], []int{8}), "[]"))
	}
	return text + " " + nested(format, elements, t.shape)
}

// nested shows the elements with a pair of brackets for each axis.
func nested(format string, elements []float64, shape []int) string {
	if len(shape) == 0 {
		return fmt.Sprintf(format, elements[0])
	}
	text := "["
	for i := range shape[0] {
		if i > 0 {
			text += " "
		}
		n := len(elements) / shape[0]
		text += nested(format, elements[i*n:(i+1)*n], shape[1:])
	}
	return text + "]"
}

// walk calls f once for each tensor that the roots are computed from, arguments first.
func walk(roots []*Tensor, f func(*Tensor)) {
	seen := map[*Tensor]bool{}
	type frame struct {
		t    *Tensor
		next int
	}
	var stack []frame
	push := func(t *Tensor) {
		if !seen[t] {
			seen[t] = true
			stack = append(stack, frame{t, 0})
		}
	}
	for _, r := range roots {
		push(r)
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.next < len(top.t.args) {
				top.next++
				push(top.t.args[top.next-1])
				continue
			}
			t := top.t
			stack = stack[:len(stack)-1]
			f(t)
		}
	}
}

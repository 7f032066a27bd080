package onnx

import (
	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

// call is a node that is being run.
type call struct {
	*machine
	node       *format.Node
	version    int // of the operator set that the node's operator is from
	opsets     map[string]int
	attributes map[string]*format.Attribute // references are resolved
	inputs     []Value
	outputs    []Value
	scope      *scope
}

// value returns an input, nil if it is not given.
func (c *call) value(i int) Value {
	if i >= len(c.inputs) {
		return nil
	}
	return c.inputs[i]
}

// has tells whether an input is given.
func (c *call) has(i int) bool { return c.value(i) != nil }

// in returns an input that is a tensor.
func (c *call) in(i int) Tensor {
	t, ok := c.value(i).(Tensor)
	if !ok {
		fail("expected a tensor as input %d, got %s", i, describe(c.value(i)))
	}
	return t
}

// optional returns an input that is a tensor or, where it is not given, nil.
func (c *call) optional(i int) Tensor {
	if !c.has(i) {
		return nil
	}
	return c.in(i)
}

// or returns an input or, where it is not given, something else.
func (c *call) or(i int, otherwise Tensor) Tensor {
	if !c.has(i) {
		return otherwise
	}
	return c.in(i)
}

// tensors returns all inputs, at least one.
func (c *call) tensors() []Tensor {
	if len(c.inputs) == 0 {
		fail("expected one input or more")
	}
	list := make([]Tensor, len(c.inputs))
	for i := range list {
		list[i] = c.in(i)
	}
	return list
}

func (c *call) sequence(i int) *Sequence {
	v := c.value(i)
	if o, ok := v.(*Optional); ok {
		v = o.Value
	}
	s, ok := v.(*Sequence)
	if !ok {
		fail("expected a sequence as input %d, got %s", i, describe(v))
	}
	return s
}

// ints returns the elements of an input of integers.
func (c *call) ints(i int) []int { return integers(c.in(i)) }

// out sets the results.
func (c *call) out(values ...Value) { c.outputs = values }

// wants tells whether anyone reads an output.
func (c *call) wants(i int) bool { return i < len(c.node.Outputs) && c.node.Outputs[i] != "" }

// attribute returns an attribute of a kind, nil if it is not given. Models of IR version 1 do not write kinds.
func (c *call) attribute(name string, kind format.AttributeKind) *format.Attribute {
	a := c.attributes[name]
	if a != nil && a.Kind != kind && a.Kind != format.NoKind {
		fail("expected attribute %s to be of kind %d, got %d", name, kind, a.Kind)
	}
	return a
}

func (c *call) hasAttribute(name string) bool { return c.attributes[name] != nil }

func (c *call) integer(name string, otherwise int) int {
	if a := c.attribute(name, format.IntKind); a != nil {
		return int(a.Int)
	}
	return otherwise
}

func (c *call) flag(name string, otherwise bool) bool {
	if a := c.attribute(name, format.IntKind); a != nil {
		return a.Int != 0
	}
	return otherwise
}

func (c *call) float(name string, otherwise float64) float64 {
	if a := c.attribute(name, format.FloatKind); a != nil {
		return float64(a.Float)
	}
	return otherwise
}

func (c *call) text(name, otherwise string) string {
	if a := c.attribute(name, format.StringKind); a != nil {
		return a.String
	}
	return otherwise
}

// list returns a list of integers, nil if it is not given.
func (c *call) list(name string) []int {
	a := c.attribute(name, format.IntsKind)
	if a == nil {
		return nil
	}
	out := make([]int, len(a.Ints))
	for i, v := range a.Ints {
		if out[i] = int(v); int64(out[i]) != v {
			fail("expected attribute %s to have integers that fit into an int, got %d", name, v)
		}
	}
	return out
}

// listOr returns a list of n integers; where it is not given, all are otherwise.
func (c *call) listOr(name string, n, otherwise int) []int {
	list := c.list(name)
	if list == nil {
		return repeated(n, otherwise)
	}
	if len(list) != n {
		fail("expected attribute %s to have %d integers, got %v", name, n, list)
	}
	return list
}

func repeated(n, v int) []int {
	if n < 0 || n > ndarray.MaxElements {
		fail("expected a number of elements, got %d", n)
	}
	list := make([]int, n)
	for i := range list {
		list[i] = v
	}
	return list
}

func (c *call) texts(name string) []string {
	if a := c.attribute(name, format.StringsKind); a != nil {
		return a.Strings
	}
	return nil
}

func (c *call) floats(name string) []float32 {
	if a := c.attribute(name, format.FloatsKind); a != nil {
		return a.Floats
	}
	return nil
}

func (c *call) graph(name string) *format.Graph {
	a := c.attribute(name, format.GraphKind)
	if a == nil || a.Graph == nil {
		fail("expected a graph as attribute %s", name)
	}
	return a.Graph
}

// constant returns a tensor that is an attribute.
func (c *call) constant(name string) Tensor {
	a := c.attribute(name, format.TensorKind)
	if a == nil || a.Tensor == nil {
		fail("expected a tensor as attribute %s", name)
	}
	return must(a.Tensor.Array())
}

// element returns an element type.
func (c *call) element(name string, otherwise ndarray.Type) ndarray.Type {
	t := ndarray.Type(c.integer(name, int(otherwise)))
	if !t.Known() {
		fail("expected attribute %s to be an element type, got %v", name, t)
	}
	return t
}

// axis returns a dimension of a tensor of a rank; negative ones count from the end.
func (c *call) axis(name string, otherwise, rank int) int {
	return dimension(c.integer(name, otherwise), rank)
}

func dimension(axis, rank int) int {
	if axis < -rank || axis >= rank {
		fail("expected a dimension from %d to %d, got %d", -rank, rank-1, axis)
	}
	if axis < 0 {
		axis += rank
	}
	return axis
}

// dimensions is dimension for a list without repetitions.
func dimensions(axes []int, rank int) []int {
	out, seen := make([]int, len(axes)), make([]bool, rank)
	for i, axis := range axes {
		out[i] = dimension(axis, rank)
		if seen[out[i]] {
			fail("expected different dimensions, got %v", axes)
		}
		seen[out[i]] = true
	}
	return out
}

// listFrom returns integers that older versions have as an attribute and newer ones as an input.
func (c *call) listFrom(attribute string, input, since int) (list []int, given bool) {
	if c.version < since {
		list = c.list(attribute)
		return list, list != nil
	}
	if !c.has(input) {
		return nil, false
	}
	return c.ints(input), true
}

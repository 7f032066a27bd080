package onnx

import (
	"context"
	"fmt"
	"maps"

	"github.com/baremetaldevx86/microdr/onnx/format"
)

// maxDepth is how deep calls of functions and subgraphs may nest; functions that call each other never end.
const maxDepth = 64

// machine runs the nodes of a model.
type machine struct {
	ctx       context.Context
	operators map[name]operator
	functions map[name]*format.Function
	seed      uint64
	draws     uint64 // random operators run so far
	depth     int
	lazy      *laziness // nil where nothing is deferred
}

// scope is the values that the nodes of a graph can read by name. Those of a subgraph read the outer ones, too.
type scope struct {
	values map[string]Value
	outer  *scope
}

func (s *scope) find(name string) (Value, bool) {
	for ; s != nil; s = s.outer {
		if v, ok := s.values[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// frame is what nodes of one graph or function have in common.
type frame struct {
	opsets     map[string]int
	attributes map[string]*format.Attribute // of the node that called the function
	scope      *scope
}

// graph runs a graph on positional inputs, and returns its outputs.
func (m *machine) graph(g *format.Graph, f frame, inputs []Value) ([]Value, error) {
	if len(inputs) != len(g.Inputs) {
		return nil, fmt.Errorf("expected %d inputs for graph %q, got %d", len(g.Inputs), g.Name, len(inputs))
	}
	inner := &scope{map[string]Value{}, f.scope}
	for _, t := range g.Initializers {
		a, err := t.Array()
		if err != nil {
			return nil, err
		}
		inner.values[t.Name] = a
	}
	for i, v := range inputs {
		inner.values[g.Inputs[i].Name] = v
	}
	f.scope = inner
	if err := m.nodes(g.Nodes, f); err != nil {
		return nil, err
	}
	outputs := make([]Value, len(g.Outputs))
	for i, o := range g.Outputs {
		v, ok := inner.find(o.Name)
		if !ok {
			return nil, fmt.Errorf("expected a node that computes output %q of graph %q", o.Name, g.Name)
		}
		outputs[i] = v
	}
	return outputs, nil
}

func (m *machine) nodes(nodes []*format.Node, f frame) error {
	if m.depth++; m.depth > maxDepth {
		return fmt.Errorf("expected graphs and functions nested at most %d deep", maxDepth)
	}
	defer func() { m.depth-- }()
	for i, n := range nodes {
		if err := m.ctx.Err(); err != nil {
			return err
		}
		if err := m.run(n, f); err != nil {
			return &NodeError{Node: n, Index: i, Version: f.opsets[domainOf(n.Domain)], Err: err}
		}
	}
	return nil
}

// run runs a node and puts its results into the scope.
func (m *machine) run(n *format.Node, f frame) error {
	c := &call{machine: m, node: n, opsets: f.opsets, scope: f.scope}
	var err error
	if c.attributes, err = resolve(n, f.attributes); err != nil {
		return err
	}
	for _, name := range n.Inputs {
		var v Value
		if name != "" {
			var ok bool
			if v, ok = f.scope.find(name); !ok {
				return fmt.Errorf("expected a value %q, which no node before this one computes", name)
			}
		}
		c.inputs = append(c.inputs, v)
	}
	if m.lazy != nil {
		m.lazy.node = label(n)
	}
	if err := m.dispatch(c); err != nil {
		return err
	}
	for i, name := range n.Outputs {
		switch {
		case name == "":
		case i >= len(c.outputs) || c.outputs[i] == nil:
			return fmt.Errorf("it has no output %d", i)
		default:
			f.scope.values[name] = c.outputs[i]
		}
	}
	return nil
}

// label is a node's name, or else its operator.
func label(n *format.Node) string {
	if n.Name != "" {
		return n.Name
	}
	return n.OpType
}

// dispatch prefers our own operators to functions of the model.
func (m *machine) dispatch(c *call) (err error) {
	key := name{domainOf(c.node.Domain), c.node.OpType}
	version, imported := c.opsets[key.domain]
	if !imported {
		return fmt.Errorf("expected the model to import operator set %q", key.domain)
	}
	c.version = version
	op, known := m.operators[key]
	if known && version >= op.since[0] {
		defer catch(&err)
		op.eval(c)
		return nil
	}
	if f := m.functions[key]; f != nil {
		return m.function(f, c)
	}
	return unsupported(key, op, version, known)
}

// function runs the body of a model's own operator.
func (m *machine) function(f *format.Function, c *call) error {
	if len(c.inputs) > len(f.Inputs) {
		return fmt.Errorf("expected at most %d inputs, got %d", len(f.Inputs), len(c.inputs))
	}
	attributes := map[string]*format.Attribute{}
	for _, a := range f.Defaults {
		attributes[a.Name] = a
	}
	maps.Copy(attributes, c.attributes)
	inner := &scope{values: map[string]Value{}}
	for i, name := range f.Inputs {
		inner.values[name] = c.value(i)
	}
	opsets := maps.Clone(c.opsets)
	maps.Copy(opsets, opsetsOf(f.Opsets))
	if err := m.nodes(f.Nodes, frame{opsets, attributes, inner}); err != nil {
		return err
	}
	for _, name := range f.Outputs {
		c.outputs = append(c.outputs, inner.values[name])
	}
	return nil
}

// subgraph runs a graph that is an attribute of a node, which sees the values around that.
func (c *call) subgraph(g *format.Graph, inputs ...Value) []Value {
	return must(c.machine.graph(g, frame{c.opsets, c.attributes, c.scope}, inputs))
}

// resolve puts the attributes of the calling node in the places of references to them.
func resolve(n *format.Node, outer map[string]*format.Attribute) (map[string]*format.Attribute, error) {
	if len(n.Attributes) == 0 {
		return nil, nil
	}
	out := make(map[string]*format.Attribute, len(n.Attributes))
	for _, a := range n.Attributes {
		if out[a.Name] != nil {
			return nil, fmt.Errorf("expected one attribute %s", a.Name)
		}
		if a.Reference == "" {
			out[a.Name] = a
		} else if given := outer[a.Reference]; given != nil {
			out[a.Name] = given
		}
	}
	return out, nil
}

// domainOf returns the one spelling of ONNX's own domain, which has two.
func domainOf(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

func opsetsOf(list []format.Opset) map[string]int {
	out := map[string]int{}
	for _, o := range list {
		out[domainOf(o.Domain)] = int(o.Version)
	}
	return out
}

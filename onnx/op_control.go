package onnx

import (
	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func controlOperators() []operator {
	return []operator{
		op("If", evalIf, 1, 11, 13, 16),
		op("Loop", evalLoop, 1, 11, 13, 16),
		op("Scan", evalScan, 8, 9, 11, 16),
		op("SequenceMap", evalSequenceMap, 17),
	}
}

// truth returns the one bool of a tensor.
func truth(v Value) bool {
	t, ok := v.(Tensor)
	if !ok || t.Type() != ndarray.Bool || product(t.Shape()) != 1 {
		fail("expected one bool, got %s", describe(v))
	}
	return ndarray.Elements[bool](host(t))[0]
}

func evalIf(c *call) {
	branch := "else_branch"
	if truth(c.value(0)) {
		branch = "then_branch"
	}
	c.outputs = c.subgraph(c.graph(branch))
}

// evalLoop unrolls: the body maps (iteration, condition, carried...) to (condition, carried..., results...).
func evalLoop(c *call) {
	body, limit := c.graph("body"), -1
	if c.has(0) {
		limit = scalarInt(c.in(0))
	}
	running := !c.has(1) || truth(c.value(1))
	carried := append([]Value{}, c.inputs[min(2, len(c.inputs)):]...)
	n := len(carried)
	if len(body.Outputs) < 1+n {
		fail("expected a body with %d outputs or more, got %d", 1+n, len(body.Outputs))
	}
	results := make([][]Tensor, len(body.Outputs)-1-n)
	for i := 0; running && (!c.has(0) || i < limit); i++ {
		inputs := append([]Value{ndarray.Scalar(int64(i)), ndarray.Scalar(running)}, carried...)
		outputs := c.subgraph(body, inputs...)
		running = truth(outputs[0])
		carried = outputs[1 : 1+n]
		for k, v := range outputs[1+n:] {
			results[k] = append(results[k], tensorOf(v))
		}
	}
	c.outputs = append([]Value{}, carried...)
	for k, list := range results {
		c.outputs = append(c.outputs, stacked(list, 0, body.Outputs[1+n+k]))
	}
}

func tensorOf(v Value) Tensor {
	t, ok := v.(Tensor)
	if !ok {
		fail("expected a tensor, got %s", describe(v))
	}
	return t
}

// stacked makes a dimension of a list. What is known of an element's type is what there is to say of none.
func stacked(list []Tensor, axis int, element *format.ValueInfo) Tensor {
	if len(list) > 0 {
		rows := make([]Tensor, len(list))
		for i, t := range list {
			rows[i] = unsqueeze(t, axis)
		}
		return concat(dimension(axis, len(rows[0].Shape())), rows...)
	}
	shape := []int{0}
	if element.Type == nil || element.Type.Kind != format.TensorType {
		fail("expected the type of result %q", element.Name)
	}
	for _, d := range element.Type.Shape {
		shape = append(shape, int(d.Length))
	}
	return zerosOf(element.Type.Element, shape...)
}

// evalScan maps (state..., slices...) to (state..., slices...) for all slices of its inputs. Version 8 does it for each
// element of a batch, which is dimension 0 of everything.
func evalScan(c *call) {
	if c.version >= 9 {
		c.outputs = c.scan(c.inputs)
		return
	}
	inputs := c.inputs[min(1, len(c.inputs)):]
	if c.has(0) || len(inputs) == 0 {
		fail("expected inputs and no lengths of sequences")
	}
	var columns [][]Tensor
	batch := firstLength(tensorOf(inputs[0]))
	for b := range batch {
		row := make([]Value, len(inputs))
		for i, v := range inputs {
			if firstLength(tensorOf(v)) != batch {
				fail("expected a batch of %d, got %s", batch, v)
			}
			row[i] = at(tensorOf(v), 0, b)
		}
		outputs := c.scan(row)
		if columns == nil {
			columns = make([][]Tensor, len(outputs))
		}
		for k, v := range outputs {
			columns[k] = append(columns[k], tensorOf(v))
		}
	}
	for k, list := range columns {
		c.outputs = append(c.outputs, stacked(list, 0, c.graph("body").Outputs[k]))
	}
}

func firstLength(x Tensor) int {
	if len(x.Shape()) == 0 {
		fail("expected a dimension, got %v", x)
	}
	return x.Shape()[0]
}

func (c *call) scan(inputs []Value) []Value {
	body, scanned := c.graph("body"), c.integer("num_scan_inputs", 0)
	n := len(inputs) - scanned
	if scanned < 1 || n < 0 || len(body.Outputs) < n {
		fail("expected from 1 to %d scanned inputs and a body with %d outputs, got %d", len(inputs), n, scanned)
	}
	state, results := append([]Value{}, inputs[:n]...), make([][]Tensor, len(body.Outputs)-n)
	slices, steps := c.scanSlices(inputs[n:])
	for i := range steps {
		row := append([]Value{}, state...)
		for _, s := range slices {
			row = append(row, s(i))
		}
		outputs := c.subgraph(body, row...)
		state = outputs[:n]
		for k, v := range outputs[n:] {
			results[k] = append(results[k], tensorOf(v))
		}
	}
	out := append([]Value{}, state...)
	axes, backward := c.scanAxes("output", len(results))
	for k, list := range results {
		if backward[k] == 1 {
			list = reversed(list)
		}
		out = append(out, stacked(list, axes[k], body.Outputs[n+k]))
	}
	return out
}

// scanAxes reads along which dimensions inputs are cut or outputs put together, and where that goes backward. Version 8
// has one attribute directions, for inputs.
func (c *call) scanAxes(which string, n int) (axes, backward []int) {
	directions := "scan_" + which + "_directions"
	if c.version < 9 && which == "input" {
		directions = "directions"
	}
	return c.listOr("scan_"+which+"_axes", n, 0), c.listOr(directions, n, 0)
}

// scanSlices returns functions that cut step i from each input, and how many steps there are.
func (c *call) scanSlices(inputs []Value) (cuts []func(i int) Value, steps int) {
	axes, backward := c.scanAxes("input", len(inputs))
	for k, v := range inputs {
		x := tensorOf(v)
		axis := dimension(axes[k], len(x.Shape()))
		n := x.Shape()[axis]
		if k == 0 {
			steps = n
		}
		if n != steps {
			fail("expected %d slices of each input, got %d", steps, n)
		}
		cuts = append(cuts, func(i int) Value {
			if backward[k] == 1 {
				i = n - 1 - i
			}
			return at(x, axis, i)
		})
	}
	return cuts, steps
}

func reversed(list []Tensor) []Tensor {
	out := make([]Tensor, len(list))
	for i, t := range list {
		out[len(list)-1-i] = t
	}
	return out
}

// evalSequenceMap runs the body on each element of a sequence; other inputs are sequences of the same length, or the
// same for all.
func evalSequenceMap(c *call) {
	body := c.graph("body")
	n := len(c.sequence(0).Values)
	outputs := make([]*Sequence, len(body.Outputs))
	for k := range outputs {
		outputs[k] = &Sequence{}
	}
	for i := range n {
		row := make([]Value, len(c.inputs))
		for k, v := range c.inputs {
			row[k] = v
			if s, ok := v.(*Sequence); ok {
				if len(s.Values) != n {
					fail("expected sequences of %d elements, got %d", n, len(s.Values))
				}
				row[k] = s.Values[i]
			}
		}
		for k, v := range c.subgraph(body, row...) {
			outputs[k].Values = append(outputs[k].Values, v)
		}
	}
	for _, s := range outputs {
		c.outputs = append(c.outputs, s)
	}
}

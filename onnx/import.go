package onnx

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
	"github.com/baremetaldevx86/microdr/tensor"
)

// Model is an imported model, which can run any number of times, also concurrently.
type Model struct {
	proto     *format.Model
	opsets    map[string]int
	functions map[name]*format.Function
	constants map[string]*ndarray.Array // the initializers
}

// newest is the version of ONNX's own operator set that the table follows. Later ones are refused: operators may mean
// something else there.
const newest = 17

// Load imports a model and the tensors in files beside it.
func Load(path string) (*Model, error) {
	m, err := format.Load(path)
	if err != nil {
		return nil, err
	}
	return Import(m)
}

// Import checks versions, and that initializers are whole and have names of their own. Errors start with "onnx:".
func Import(proto *format.Model) (*Model, error) {
	m := &Model{proto: proto, opsets: opsetsOf(proto.Opsets), functions: map[name]*format.Function{}}
	if len(proto.Opsets) == 0 {
		m.opsets[""] = 1 // so it was before models said it
	}
	if v := m.opsets[""]; v > newest {
		return nil, fmt.Errorf("onnx: expected operator set ai.onnx up to version %d, got %d", newest, v)
	}
	for _, f := range proto.Functions {
		m.functions[name{domainOf(f.Domain), f.Name}] = f
	}
	m.constants = map[string]*ndarray.Array{}
	for _, t := range proto.Graph.Initializers {
		if m.constants[t.Name] != nil {
			return nil, fmt.Errorf("onnx: expected one initializer %q", t.Name)
		}
		a, err := t.Array()
		if err != nil {
			return nil, err
		}
		m.constants[t.Name] = a
	}
	return m, nil
}

// Inputs lists the inputs that have to be given: those of the graph that are no initializers.
func (m *Model) Inputs() []*format.ValueInfo {
	return slices.DeleteFunc(slices.Clone(m.proto.Graph.Inputs), func(v *format.ValueInfo) bool {
		return m.constants[v.Name] != nil
	})
}

// Outputs lists the outputs of the graph.
func (m *Model) Outputs() []*format.ValueInfo { return slices.Clone(m.proto.Graph.Outputs) }

// Options are what a run depends on besides its inputs.
type Options struct {
	Seed uint64 // of random operators that have no seed of their own

	// Engine, if set, computes what can be on lazy tensors: all that depends on float32 inputs and initializers. The
	// outputs are then computed together, and derivatives end at them; a Network keeps those.
	Engine *tensor.Engine
}

// Run computes the outputs, by name. Inputs must be given for all of Inputs, and may be for initializers that the
// graph declares as inputs, too. Errors say which node failed; those about missing operators wrap ErrUnsupported.
func (m *Model) Run(ctx context.Context, inputs map[string]Value, o Options) (map[string]Value, error) {
	values, err := m.values(inputs)
	if err != nil {
		return nil, err
	}
	return m.compute(ctx, values, o)
}

// values checks inputs, and adds the initializers to them.
func (m *Model) values(inputs map[string]Value) (map[string]Value, error) {
	values := map[string]Value{}
	for name, a := range m.constants {
		values[name] = a
	}
	for _, info := range m.proto.Graph.Inputs {
		v, given := inputs[info.Name]
		if !given {
			if values[info.Name] == nil {
				return nil, fmt.Errorf("onnx: expected a value for input %q", info.Name)
			}
			continue
		}
		v = adapted(v, info.Type)
		if err := accepts(info.Type, v); err != nil {
			return nil, fmt.Errorf("onnx: input %q: %w", info.Name, err)
		}
		values[info.Name] = v
	}
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		if !slices.ContainsFunc(m.proto.Graph.Inputs, func(info *format.ValueInfo) bool { return info.Name == name }) {
			return nil, fmt.Errorf("onnx: input %q: expected one that the model declares", name)
		}
	}
	return values, nil
}

func (m *Model) compute(ctx context.Context, values map[string]Value, o Options) (map[string]Value, error) {
	if o.Engine == nil {
		return m.run(ctx, values, o, nil)
	}
	l := &laziness{engine: o.Engine}
	for name, v := range values {
		if a, ok := v.(*ndarray.Array); ok && a.Type() == ndarray.Float32 {
			values[name] = &deferred{t: l.lift(a), typ: ndarray.Float32, file: a, run: l}
		}
	}
	outputs, err := m.run(ctx, values, o, l)
	if err != nil {
		return nil, err
	}
	var pending []*tensor.Tensor
	for _, v := range outputs {
		pending = appendTensors(pending, v)
	}
	if err := o.Engine.EvalContext(ctx, pending...); err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	return outputs, nil
}

// run walks the graph, in which all deferred values take part in one run.
func (m *Model) run(ctx context.Context, values map[string]Value, o Options, l *laziness) (map[string]Value, error) {
	machine := &machine{ctx: ctx, operators: operators(), functions: m.functions, seed: o.Seed, lazy: l}
	for name, v := range values {
		if d, ok := v.(*deferred); ok && d.run != l {
			values[name] = &deferred{t: d.t, typ: d.typ, file: d.file, run: l}
		}
	}
	scope := &scope{values: values}
	if err := machine.nodes(m.proto.Graph.Nodes, frame{m.opsets, nil, scope}); err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	outputs := map[string]Value{}
	for _, info := range m.proto.Graph.Outputs {
		v, ok := values[info.Name]
		if !ok || v == nil {
			return nil, fmt.Errorf("onnx: expected a node that computes output %q", info.Name)
		}
		outputs[info.Name] = v
	}
	return outputs, nil
}

// appendTensors collects what is deferred in a value.
func appendTensors(list []*tensor.Tensor, v Value) []*tensor.Tensor {
	switch v := v.(type) {
	case *deferred:
		return append(list, v.t)
	case *Sequence:
		for _, element := range v.Values {
			list = appendTensors(list, element)
		}
	case *Optional:
		return appendTensors(list, v.Value)
	}
	return list
}

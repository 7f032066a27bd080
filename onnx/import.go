package onnx

import (
	"context"
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/array"
	"github.com/baremetaldevx86/microdr/onnx/format"
)

// Model is an imported model, which can run any number of times, also concurrently.
type Model struct {
	proto     *format.Model
	opsets    map[string]int
	functions map[name]*format.Function
	constants map[string]*array.Array // the initializers
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

// Import checks what can be checked without running: versions, initializers, that names are defined once. Errors start
// with "onnx:".
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
	m.constants = map[string]*array.Array{}
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
}

// Run computes the outputs, by name. Inputs must be given for all of Inputs, and may be for initializers. Errors say
// which node failed; those about missing operators wrap ErrUnsupported.
func (m *Model) Run(ctx context.Context, inputs map[string]Value, o Options) (map[string]Value, error) {
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
		if err := accepts(info.Type, v); err != nil {
			return nil, fmt.Errorf("onnx: input %q: %w", info.Name, err)
		}
		values[info.Name] = v
	}
	return m.run(ctx, values, o)
}

func (m *Model) run(ctx context.Context, values map[string]Value, o Options) (map[string]Value, error) {
	machine := &machine{ctx: ctx, operators: operators(), functions: m.functions, seed: o.Seed}
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

// accepts checks a value against what a model says of an input.
func accepts(t *format.Type, v Value) error {
	if t == nil {
		return nil
	}
	switch v := v.(type) {
	case Tensor:
		if t.Kind == format.OptionalType && t.Inner != nil {
			return accepts(t.Inner, v)
		}
		if t.Kind != format.TensorType || t.Element != array.Undefined && t.Element != v.Type() || !fitsShape(t, v.Shape()) {
			return fmt.Errorf("expected %s, got %v", typeText(t), v)
		}
	case *Sequence:
		if t.Kind == format.OptionalType && t.Inner != nil {
			return accepts(t.Inner, v)
		}
		if t.Kind != format.SequenceType {
			return fmt.Errorf("expected %s, got %v", typeText(t), v)
		}
	case *Optional:
		if t.Kind != format.OptionalType {
			return fmt.Errorf("expected %s, got %v", typeText(t), v)
		}
	case nil:
		return fmt.Errorf("expected %s, got nothing", typeText(t))
	}
	return nil
}

func fitsShape(t *format.Type, shape []int) bool {
	if !t.Ranked {
		return true
	}
	return slices.EqualFunc(t.Shape, shape, func(d format.Dimension, n int) bool {
		return !d.Known || d.Length == int64(n)
	})
}

func typeText(t *format.Type) string {
	switch t.Kind {
	case format.TensorType:
		text := t.Element.String()
		if !t.Ranked {
			return text
		}
		text += "["
		for i, d := range t.Shape {
			if i > 0 {
				text += " "
			}
			if d.Known {
				text += fmt.Sprint(d.Length)
			} else {
				text += "?" + d.Name
			}
		}
		return text + "]"
	case format.SequenceType:
		return "a sequence"
	case format.OptionalType:
		return "an optional"
	}
	return "a value of a known type"
}

package onnx

import (
	"context"
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
	"github.com/baremetaldevx86/microdr/tensor"
)

// Network is a model whose float32 initializers are variables: what runs return has derivatives with respect to them.
// It may be used by one goroutine at a time, as its engine may.
type Network struct {
	model     *Model
	engine    *tensor.Engine
	variables []*tensor.Variable
	read      []string
}

// Network makes the model's float32 initializers variables of an engine, named as in the file and in its order. ONNX
// does not say which of them are parameters and which, say, running statistics; whoever trains chooses.
func (m *Model) Network(e *tensor.Engine) (*Network, error) {
	n := &Network{model: m, engine: e}
	l := &laziness{engine: e}
	for _, t := range m.proto.Graph.Initializers {
		if a := m.constants[t.Name]; a.Type() == ndarray.Float32 {
			if err := tensor.Catch(func() { n.variables = append(n.variables, e.NewVariable(t.Name, l.lift(a))) }); err != nil {
				return nil, fmt.Errorf("onnx: initializer %q: %w", t.Name, err)
			}
		}
	}
	return n, nil
}

// Variables returns the variables in the order of the file.
func (n *Network) Variables() []*tensor.Variable { return slices.Clone(n.variables) }

// Run computes the outputs as Model.Run does, with the present values of the variables. Float outputs are deferred;
// ToTensor and ToArray tell them apart from those that are not.
func (n *Network) Run(ctx context.Context, inputs map[string]Value, o Options) (map[string]Value, error) {
	values, err := n.model.values(inputs)
	if err != nil {
		return nil, err
	}
	l := &laziness{engine: n.engine}
	for _, v := range n.variables {
		if _, given := inputs[v.Name]; !given {
			values[v.Name] = &deferred{t: v.Value(), typ: ndarray.Float32, file: n.model.constants[v.Name], run: l}
		}
	}
	outputs, err := n.model.run(ctx, values, o, l)
	n.read = l.read
	return outputs, err
}

// Apply computes the outputs from the inputs, each in the order of the model's Inputs and Outputs, as tensors. It is
// what Engine.Compile takes: shapes must be the same every time, nothing may depend on the values of a tensor in ways
// that tensors cannot express, and random operators draw once, when it is recorded.
func (n *Network) Apply(inputs ...*tensor.Tensor) ([]*tensor.Tensor, error) {
	names := n.model.Inputs()
	if len(inputs) != len(names) {
		return nil, fmt.Errorf("onnx: expected %d inputs, got %d", len(names), len(inputs))
	}
	values := map[string]Value{}
	for i, t := range inputs {
		v, err := FromTensor(t)
		if err != nil {
			return nil, err
		}
		values[names[i].Name] = v
	}
	outputs, err := n.Run(context.Background(), values, Options{})
	if err != nil {
		return nil, err
	}
	var list []*tensor.Tensor
	for _, info := range n.model.Outputs() {
		t, err := n.ToTensor(outputs[info.Name])
		if err != nil {
			return nil, fmt.Errorf("%w, output %q", err, info.Name)
		}
		list = append(list, t)
	}
	return list, nil
}

// Export returns the model with the present values of the variables as initializers. Errors: a value that cannot be
// computed.
func (n *Network) Export() (*format.Model, error) {
	now := map[string]*format.Tensor{}
	for _, v := range n.variables {
		a, err := ToArray(&deferred{t: v.Value(), typ: ndarray.Float32})
		if err != nil {
			return nil, fmt.Errorf("onnx: variable %q: %w", v.Name, err)
		}
		now[v.Name] = format.TensorOf(v.Name, a)
	}
	proto, graph := *n.model.proto, *n.model.proto.Graph
	proto.Graph, graph.Initializers = &graph, slices.Clone(graph.Initializers)
	for i, t := range graph.Initializers {
		if value := now[t.Name]; value != nil {
			graph.Initializers[i] = value
		}
	}
	return &proto, nil
}

// Detached names the nodes of the last run that read float tensors in host memory, which ends derivatives: there is no
// operation of tensors for what they do. Nodes without a name go by their operator.
func (n *Network) Detached() []string { return slices.Clone(n.read) }

// ToTensor returns a value as a lazy tensor of the network's engine: the one that it is or, of an array, a constant.
func (n *Network) ToTensor(v Value) (t *tensor.Tensor, err error) {
	defer catch(&err)
	switch v := v.(type) {
	case *deferred:
		return v.t, nil
	case *ndarray.Array:
		if t := (&laziness{engine: n.engine}).lift(v); t != nil {
			return t, nil
		}
	}
	return nil, fmt.Errorf("onnx: expected what a tensor can hold, got %s", describe(v))
}

// ToArray returns a value in host memory, which computes it if it is deferred.
func ToArray(v Value) (a *ndarray.Array, err error) {
	defer catch(&err)
	t, ok := v.(Tensor)
	if !ok {
		return nil, fmt.Errorf("onnx: expected a tensor, got %s", describe(v))
	}
	return host(t), nil
}

package onnx

import (
	"context"
	"fmt"
	"testing"

	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
	"github.com/baremetaldevx86/microdr/tensor"
)

// node returns a node; attributes are ints, floats, strings, lists of them, tensors or graphs by name.
func node(operator string, inputs, outputs []string, attributes map[string]any) *format.Node {
	n := &format.Node{OpType: operator, Inputs: inputs, Outputs: outputs}
	for name, value := range attributes {
		a := &format.Attribute{Name: name}
		switch v := value.(type) {
		case int:
			a.Kind, a.Int = format.IntKind, int64(v)
		case float64:
			a.Kind, a.Float = format.FloatKind, float32(v)
		case string:
			a.Kind, a.String = format.StringKind, v
		case []int:
			a.Kind = format.IntsKind
			for _, i := range v {
				a.Ints = append(a.Ints, int64(i))
			}
		case []float32:
			a.Kind, a.Floats = format.FloatsKind, v
		case []string:
			a.Kind, a.Strings = format.StringsKind, v
		case *format.Graph:
			a.Kind, a.Graph = format.GraphKind, v
		case *format.Tensor:
			a.Kind, a.Tensor = format.TensorKind, v
		case reference:
			a.Kind, a.Reference = format.IntKind, string(v)
		default:
			panic(fmt.Sprintf("attribute %s of type %T", name, v))
		}
		n.Attributes = append(n.Attributes, a)
	}
	return n
}

// reference is the name of an attribute of the function that a node is in.
type reference string

func values(names ...string) []*format.ValueInfo {
	var list []*format.ValueInfo
	for _, name := range names {
		list = append(list, &format.ValueInfo{Name: name})
	}
	return list
}

// model puts nodes between the inputs and the outputs.
func model(version int, inputs, outputs []string, nodes ...*format.Node) *format.Model {
	return &format.Model{
		IRVersion: 8, Opsets: []format.Opset{{Version: int64(version)}},
		Graph: &format.Graph{Name: "g", Nodes: nodes, Inputs: values(inputs...), Outputs: values(outputs...)},
	}
}

// networkOf imports a model into an engine that ends with the test.
func networkOf(t *testing.T, proto *format.Model) (*tensor.Engine, *Model, *Network) {
	t.Helper()
	m, err := Import(proto)
	if err != nil {
		t.Fatal(err)
	}
	e := tensor.Open(tensor.Options{Workers: 1})
	t.Cleanup(func() { e.Close() })
	n, err := m.Network(e)
	if err != nil {
		t.Fatal(err)
	}
	return e, m, n
}

// once runs a model of one node on inputs a, b, c... nil is one that is not given.
func once(
	t *testing.T, version int, operator string, attributes map[string]any, outputs int, inputs ...Value,
) ([]Value, error) {
	t.Helper()
	var names, given, results []string
	values := map[string]Value{}
	for i, v := range inputs {
		name := string(rune('a' + i))
		if v == nil {
			names = append(names, "")
			continue
		}
		names, given, values[name] = append(names, name), append(given, name), v
	}
	for i := range outputs {
		results = append(results, fmt.Sprint("out", i))
	}
	m, err := Import(model(version, given, results, node(operator, names, results, attributes)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Run(context.Background(), values, Options{})
	if err != nil {
		return nil, err
	}
	var list []Value
	for _, name := range results {
		list = append(list, got[name])
	}
	return list, nil
}

// arrayOf panics where the numbers do not fit the shape: that is the test's mistake.
func arrayOf[T ndarray.Element](data []T, shape ...int) *ndarray.Array {
	return must(ndarray.Of(data, shape...))
}

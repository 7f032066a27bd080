package onnx

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

// runModel runs a model on int64 vectors and returns the first output as text.
func runModel(proto *format.Model, inputs map[string]Value) string {
	m, err := Import(proto)
	if err != nil {
		return err.Error()
	}
	out, err := m.Run(context.Background(), inputs, Options{})
	if err != nil {
		return err.Error()
	}
	v := out[proto.Graph.Outputs[0].Name]
	if a, ok := v.(*ndarray.Array); ok {
		return strings.Trim(strings.ReplaceAll(v.String(), "int64", "")+" "+textOf(a), " ")
	}
	return v.String()
}

func textOf(a *ndarray.Array) string {
	return strings.Join(ndarray.Elements[string](must(ndarray.Cast(a, ndarray.String))), " ")
}

// affine is a function of the model: a*x + y, where a is an attribute, 2 unless it is given.
func affine() *format.Function {
	return &format.Function{
		Name: "Affine", Domain: "ours", Inputs: []string{"x", "y"}, Outputs: []string{"z"},
		Opsets:   []format.Opset{{Version: 13}},
		Defaults: []*format.Attribute{{Name: "a", Kind: format.IntKind, Int: 2}},
		Nodes: []*format.Node{
			node("Constant", nil, []string{"factor"}, map[string]any{"value_int": reference("a")}),
			node("Mul", []string{"x", "factor"}, []string{"p"}, nil),
			node("Add", []string{"p", "y"}, []string{"z"}, nil),
		},
	}
}

func TestFunctions(t *testing.T) {
	for _, row := range []struct {
		name       string
		attributes map[string]any
		inputs     []string
		want       string
	}{
		{"with its default", nil, []string{"v", "v"}, "[2] 3 6"},
		{"with an attribute", map[string]any{"a": 5}, []string{"v", "v"}, "[2] 6 12"},
		{"with too many inputs", nil, []string{"v", "v", "v"},
			`onnx: node 0 "" (ours Affine 1): expected at most 2 inputs, got 3`},
		{"with too few", nil, []string{"v"}, `onnx: node 0 "" (ours Affine 1): node 2 "" (ai.onnx Add 13): ` +
			`expected a tensor as input 1, got nothing`},
	} {
		m := model(17, []string{"v"}, []string{"out"}, node("Affine", row.inputs, []string{"out"}, row.attributes))
		m.Graph.Nodes[0].Domain = "ours"
		m.Opsets = append(m.Opsets, format.Opset{Domain: "ours", Version: 1})
		m.Functions = []*format.Function{affine()}
		if got := runModel(m, map[string]Value{"v": ndarray.Vector[int64](1, 2)}); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}

// TestEndlessFunctions ends functions that call each other.
func TestEndlessFunctions(t *testing.T) {
	call := node("F", []string{"x"}, []string{"y"}, nil)
	call.Domain = "ours"
	m := model(17, []string{"x"}, []string{"y"}, call)
	m.Opsets = append(m.Opsets, format.Opset{Domain: "ours", Version: 1})
	m.Functions = []*format.Function{{
		Name: "F", Domain: "ours", Inputs: []string{"x"}, Outputs: []string{"y"}, Nodes: []*format.Node{call},
	}}
	got := runModel(m, map[string]Value{"x": ndarray.Vector[int64](1)})
	if !strings.Contains(got, "nested at most 64 deep") {
		t.Errorf("got %s", got)
	}
}

// TestSubgraphs reads values of the outer graph from the branches of an If, and hides them in one.
func TestSubgraphs(t *testing.T) {
	one := &format.Graph{Name: "then", Outputs: values("s"), Nodes: []*format.Node{
		node("Add", []string{"x", "x"}, []string{"s"}, nil),
	}}
	other := &format.Graph{Name: "else", Outputs: values("x"), Nodes: []*format.Node{
		node("Neg", []string{"x"}, []string{"x"}, nil),
	}}
	m := model(16, []string{"c", "x"}, []string{"y", "x"},
		node("If", []string{"c"}, []string{"y"}, map[string]any{"then_branch": one, "else_branch": other}))
	for _, row := range []struct {
		condition Value
		want      string
	}{
		{ndarray.Scalar(true), "[1] 10"}, {ndarray.Scalar(false), "[1] -5"},
		{ndarray.Scalar(int64(1)), `onnx: node 0 "" (ai.onnx If 16): expected one bool, got int64[]`},
	} {
		inputs := map[string]Value{"c": row.condition, "x": ndarray.Vector[int64](5)}
		if got := runModel(m, inputs); got != row.want {
			t.Errorf("got %s, want %s", got, row.want)
		}
	}
}

// doubling is the body of a loop: it doubles v, goes on below 100, and returns v before it was doubled.
func doubling() *format.Graph {
	return &format.Graph{
		Name: "body", Inputs: values("i", "go", "v"), Outputs: values("more", "w", "v"),
		Nodes: []*format.Node{
			node("Add", []string{"v", "v"}, []string{"w"}, nil),
			node("Constant", nil, []string{"limit"}, map[string]any{"value_int": 100}),
			node("Less", []string{"w", "limit"}, []string{"more"}, nil),
		},
	}
}

func TestLoop(t *testing.T) {
	m := model(16, []string{"n", "c", "v"}, []string{"seen", "last"},
		node("Loop", []string{"n", "c", "v"}, []string{"last", "seen"}, map[string]any{"body": doubling()}))
	m.Graph.Nodes[0].Attributes[0].Graph.Outputs[2].Type = &format.Type{Kind: format.TensorType, Element: ndarray.Int64}
	for _, row := range []struct {
		trips, condition Value
		want             string
	}{
		{ndarray.Scalar(int64(3)), ndarray.Scalar(true), "[3] 3 6 12"},
		{ndarray.Scalar(int64(99)), ndarray.Scalar(true), "[6] 3 6 12 24 48 96"},
		{ndarray.Scalar(int64(3)), ndarray.Scalar(false), "[0]"},
	} {
		inputs := map[string]Value{"n": row.trips, "c": row.condition, "v": ndarray.Scalar(int64(3))}
		if got := runModel(m, inputs); got != row.want {
			t.Errorf("%v trips: got %s, want %s", row.trips, got, row.want)
		}
	}
}

// TestEndlessLoop ends with its context.
func TestEndlessLoop(t *testing.T) {
	body := &format.Graph{
		Inputs: values("i", "c"), Outputs: values("c2"),
		Nodes: []*format.Node{node("Identity", []string{"c"}, []string{"c2"}, nil)},
	}
	m, err := Import(model(16, []string{"c"}, []string{"c"},
		node("Loop", []string{"", "c"}, nil, map[string]any{"body": body})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err = m.Run(ctx, map[string]Value{"c": ndarray.Scalar(true)}, Options{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestRunErrors(t *testing.T) {
	x := map[string]Value{"x": ndarray.Vector[float32](1, 2)}
	typed := model(17, []string{"x"}, []string{"y"}, node("Neg", []string{"x"}, []string{"y"}, nil))
	typed.Graph.Inputs[0].Type = &format.Type{
		Kind: format.TensorType, Element: ndarray.Int32, Ranked: true,
		Shape: []format.Dimension{{Known: true, Length: 2}, {Name: "n"}},
	}
	foreign := node("Neg", []string{"x"}, []string{"y"}, nil)
	foreign.Domain = "com.example"
	neg := func(inputs ...string) *format.Node { return node("Neg", inputs, []string{"y"}, nil) }
	for _, row := range []struct {
		name  string
		model *format.Model
		want  string
	}{
		{"an unknown operator", model(17, []string{"x"}, []string{"y"}, node("Sing", []string{"x"}, []string{"y"}, nil)),
			`onnx: node 0 "" (ai.onnx Sing 17): operator is not supported: ` +
				`expected one of the table or a function of the model`},
		{"an operator of later", model(8, []string{"x"}, []string{"y"}, node("Sinh", []string{"x"}, []string{"y"}, nil)),
			`onnx: node 0 "" (ai.onnx Sinh 8): operator is not supported in version 8, expected 9 or later`},
		{"a domain that is not imported", model(17, []string{"x"}, []string{"y"}, foreign),
			`onnx: node 0 "" (com.example Neg 0): expected the model to import operator set "com.example"`},
		{"a version of the future", model(18, nil, nil),
			"onnx: expected operator set ai.onnx up to version 17, got 18"},
		{"a name from nowhere", model(17, []string{"x"}, []string{"y"}, neg("z")),
			`onnx: node 0 "" (ai.onnx Neg 17): expected a value "z", which no node before this one computes`},
		{"an output from nowhere", model(17, []string{"x"}, []string{"y"}), `onnx: expected a node that computes output "y"`},
		{"an output too many", model(17, []string{"x"}, []string{"y"}, node("Neg", []string{"x"}, []string{"y", "z"}, nil)),
			`onnx: node 0 "" (ai.onnx Neg 17): it has no output 1`},
		{"an input too few", model(17, []string{"x", "z"}, []string{"x"}), `onnx: expected a value for input "z"`},
		{"another type", typed, `onnx: input "x": expected int32[2 ?n], got float32[2]`},
	} {
		if got := runModel(row.model, x); got != row.want {
			t.Errorf("%s:\ngot  %s\nwant %s", row.name, got, row.want)
		}
	}
}

// TestUnsupported is told apart from other errors.
func TestUnsupported(t *testing.T) {
	for operator, want := range map[string]bool{"Sing": true, "MatMul": false} {
		m, err := Import(model(17, []string{"x"}, []string{"y"}, node(operator, []string{"x"}, []string{"y"}, nil)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Run(context.Background(), map[string]Value{"x": ndarray.Scalar(true)}, Options{})
		var where *NodeError
		if errors.Is(err, ErrUnsupported) != want || !errors.As(err, &where) || where.Node.OpType != operator {
			t.Errorf("%s: got %v", operator, err)
		}
	}
}

func TestInitializers(t *testing.T) {
	m := model(17, []string{"x", "w"}, []string{"y"}, node("Add", []string{"x", "w"}, []string{"y"}, nil))
	m.Graph.Initializers = []*format.Tensor{format.TensorOf("w", ndarray.Vector[int64](10))}
	x := ndarray.Vector[int64](1)
	if got := runModel(m, map[string]Value{"x": x}); got != "[1] 11" {
		t.Errorf("with the initializer: got %s", got)
	}
	if got := runModel(m, map[string]Value{"x": x, "w": x}); got != "[1] 2" {
		t.Errorf("with another value: got %s", got)
	}
	imported, err := Import(m)
	if err != nil {
		t.Fatal(err)
	}
	if in := imported.Inputs(); len(in) != 1 || in[0].Name != "x" || len(imported.Outputs()) != 1 {
		t.Errorf("got inputs %v", in)
	}
	got := runModel(m, map[string]Value{"x": x, "v": x})
	if want := `onnx: input "v": expected one that the model declares`; got != want {
		t.Errorf("with a value that nobody reads: got %s", got)
	}
	m.Graph.Initializers = append(m.Graph.Initializers, m.Graph.Initializers[0])
	if got := runModel(m, nil); got != `onnx: expected one initializer "w"` {
		t.Errorf("twice: got %s", got)
	}
}

// TestOperators looks at the table itself.
func TestOperators(t *testing.T) {
	seen := map[name]bool{}
	for _, row := range Operators() {
		key := name{row.Domain, row.Name}
		if seen[key] {
			t.Errorf("%v is there twice", key)
		}
		seen[key] = true
		if len(row.Since) == 0 || !slices.IsSorted(row.Since) || row.Since[0] < 1 ||
			row.Since[len(row.Since)-1] > newest {
			t.Errorf("%v: got versions %v", key, row.Since)
		}
	}
	if len(seen) < 150 {
		t.Errorf("got %d operators, expected 150 or more", len(seen))
	}
}

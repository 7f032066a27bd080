package onnx

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
	"github.com/baremetaldevx86/microdr/tensor"
)

// perceptron is a model with a hidden layer: 2 inputs, 8 hidden units, 1 output.
func perceptron() *format.Model {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(name string, shape ...int) *format.Tensor {
		data := make([]float32, product(shape))
		for i := range data {
			data[i] = float32(r.NormFloat64())
		}
		return format.TensorOf(name, arrayOf(data, shape...))
	}
	m := model(13, []string{"x"}, []string{"y"},
		node("Gemm", []string{"x", "w1", "b1"}, []string{"h"}, map[string]any{"transB": 1}),
		node("Tanh", []string{"h"}, []string{"a"}, nil),
		node("MatMul", []string{"a", "w2"}, []string{"s"}, nil),
		node("Add", []string{"s", "b2"}, []string{"r"}, nil),
		node("Reshape", []string{"r", "shape"}, []string{"y"}, nil),
	)
	m.Graph.Initializers = []*format.Tensor{
		random("w1", 8, 2), random("b1", 8), random("w2", 8, 1), random("b2", 1),
		format.TensorOf("shape", ndarray.Vector[int64](-1)),
	}
	return m
}

// exclusiveOr is the truth table that no single layer computes.
func exclusiveOr(e *tensor.Engine) (x, y *tensor.Tensor) {
	return e.New([]float32{0, 0, 0, 1, 1, 0, 1, 1}, 4, 2), e.New([]float32{0, 1, 1, 0}, 4)
}

// TestTraining compiles a step of gradient descent on an imported model, and descends.
func TestTraining(t *testing.T) {
	e, _, n := networkOf(t, perceptron())
	var names []string
	for _, v := range n.Variables() {
		names = append(names, v.Name)
	}
	if want := []string{"w1", "b1", "w2", "b2"}; !slices.Equal(names, want) {
		t.Fatalf("got variables %q, want %q", names, want)
	}
	x, y := exclusiveOr(e)
	step, err := e.Compile(func([]*tensor.Tensor) []*tensor.Tensor {
		out, err := n.Apply(x)
		if err != nil {
			panic(err)
		}
		loss := out[0].Sub(y).Sq().Mean()
		var values []*tensor.Tensor
		for _, v := range n.Variables() {
			values = append(values, v.Value())
		}
		for i, g := range tensor.Grad(loss, values...) {
			n.Variables()[i].Set(values[i].Sub(g.Times(0.2)))
		}
		return []*tensor.Tensor{loss}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer step.Close()
	var first, last float64
	for i := range 500 {
		if err := step.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if last = step.Result(0).Item(); i == 0 {
			first = last
		}
	}
	if first < 0.2 || last > 0.01 {
		t.Errorf("the loss went from %v to %v, expected below 0.01", first, last)
	}
	if d := n.Detached(); len(d) > 0 {
		t.Errorf("derivatives end at %q", d)
	}
}

// TestNetworkRun compares a network with the plain run of its model, also after a variable has changed.
func TestNetworkRun(t *testing.T) {
	_, m, n := networkOf(t, perceptron())
	inputs := map[string]Value{"x": arrayOf([]float32{0, 0, 0, 1, 1, 0, 1, 1}, 4, 2)}
	run := func() (got, plain Value) {
		lazy, err := n.Run(context.Background(), inputs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		host, err := m.Run(context.Background(), inputs, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return lazy["y"], host["y"]
	}
	got, plain := run()
	if err := DefaultTolerance().Compare(got, plain); err != nil {
		t.Error(err)
	}
	bias := n.Variables()[3]
	bias.Set(bias.Value().Plus(1))
	got, plain = run()
	exported, err := n.Export()
	if err != nil {
		t.Fatal(err)
	}
	read, err := format.Parse(exported.Encode())
	if err != nil {
		t.Fatal(err)
	}
	again, err := must(Import(read)).Run(context.Background(), inputs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := DefaultTolerance().Compare(again["y"], got); err != nil {
		t.Errorf("exported: %v", err)
	}
	x, y := must(ToArray(got)), must(ToArray(plain))
	if d := ndarray.Elements[float32](x)[0] - ndarray.Elements[float32](y)[0]; d < 0.999 || d > 1.001 {
		t.Errorf("the bias grew by 1 and the output by %v", d)
	}
}

// TestNetworkInputs refuses a value for an initializer that is no input: it would come to nothing, and the variable be
// left out, too.
func TestNetworkInputs(t *testing.T) {
	_, _, n := networkOf(t, perceptron())
	_, err := n.Run(context.Background(), map[string]Value{"x": floats(1, 2), "b2": floats(1)}, Options{})
	if err == nil || err.Error() != `onnx: input "b2": expected one that the model declares` {
		t.Errorf("got %v", err)
	}
}

// TestDetached names the node at which derivatives end.
func TestDetached(t *testing.T) {
	proto := model(11, []string{"x"}, []string{"y"}, node("Det", []string{"x"}, []string{"y"}, nil))
	proto.Graph.Nodes[0].Name = "volume"
	e, _, n := networkOf(t, proto)
	out, err := n.Apply(e.New([]float32{1, 2, 3, 4}, 2, 2))
	if err != nil {
		t.Fatal(err)
	}
	if got := out[0].Item(); got != -2 {
		t.Errorf("got %v, want -2", got)
	}
	if got := n.Detached(); !slices.Equal(got, []string{"volume"}) {
		t.Errorf("got %q, want volume", got)
	}
	if _, err := n.Apply(); err == nil || err.Error() != "onnx: expected 1 inputs, got 0" {
		t.Errorf("got %v", err)
	}
}

// TestGradients checks derivatives through operators with CheckGrad: of a weighted sum of the outputs with respect to
// all initializers and float inputs.
func TestGradients(t *testing.T) {
	if _, err := os.Stat(data + "node"); err != nil {
		t.Skip("the test data of ONNX (Debian's package libonnx-testdata) is not installed")
	}
	names := []string{
		"pytorch-converted/test_Conv2d_strided", "pytorch-converted/test_Conv1d_groups", "pytorch-converted/test_Linear",
		"pytorch-converted/test_BatchNorm2d_eval", "pytorch-converted/test_Softsign",
		"node/test_gru_defaults", "node/test_lstm_with_peepholes", "node/test_softmax_axis_1",
		"node/test_convtranspose_pads", "node/test_layer_normalization_2d_axis1", "node/test_top_k",
		"node/test_resize_downsample_scales_cubic", "node/test_matmul_3d", "node/test_mvn", "node/test_sce_mean_weight",
		"node/test_gather_elements_0", "node/test_averagepool_2d_ceil", "node/test_scatternd",
	}
	for _, name := range names {
		if err := checkCaseGradient(filepath.Join(data, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := checkCaseGradient(filepath.Join(data, "node/test_det_2d")); err == nil {
		t.Error("nothing was wrong with the derivative of an operator that has none")
	}
}

func checkCaseGradient(folder string) error {
	m, err := Load(filepath.Join(folder, "model.onnx"))
	if err != nil {
		return err
	}
	given, err := readValues(filepath.Join(folder, "test_data_set_0"), "input", m.proto.Graph.Inputs)
	if err != nil {
		return err
	}
	for name, a := range m.constants {
		given[name] = a
	}
	e := tensor.Open(tensor.Options{Workers: 1})
	defer e.Close()
	var floats []string
	var at []*tensor.Tensor
	for name, v := range given {
		if a, ok := v.(*ndarray.Array); ok && a.Type() == ndarray.Float32 && !strings.Contains(name, "scales") {
			floats = append(floats, name)
			at = append(at, e.New(ndarray.Elements[float32](a), a.Shape()...))
		}
	}
	if len(at) == 0 {
		return errors.New("no floats to vary")
	}
	var failed error
	caught := tensor.CheckGrad(1, func(x []*tensor.Tensor) *tensor.Tensor {
		sum, err := weightedSum(m, given, floats, x)
		if failed = err; err != nil {
			return x[0].Sum()
		}
		return sum
	}, at...)
	if failed != nil {
		return failed
	}
	return caught
}

// weightedSum runs the model and adds up the outputs with weights that no symmetry cancels.
func weightedSum(m *Model, given map[string]Value, floats []string, x []*tensor.Tensor) (*tensor.Tensor, error) {
	l := &laziness{engine: x[0].Engine()}
	values := map[string]Value{}
	for name, v := range given {
		values[name] = v
	}
	for i, name := range floats {
		values[name] = &deferred{t: x[i], typ: ndarray.Float32, run: l}
	}
	outputs, err := m.run(context.Background(), values, Options{}, l)
	if err != nil {
		return nil, err
	}
	sum := x[0].Engine().Scalar(0)
	for _, info := range m.Outputs() {
		t, err := (&Network{engine: l.engine}).ToTensor(outputs[info.Name])
		if err != nil {
			return nil, err
		}
		if t.Type() == tensor.Float32 {
			weights := t.Engine().Arange(t.Len()).Cast(tensor.Float32).Times(0.7).Plus(1).Sin()
			sum = sum.Add(t.Reshape(t.Len()).Mul(weights).Sum())
		}
	}
	return sum, nil
}

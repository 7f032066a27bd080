package onnx

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/onnx/format"
	"github.com/baremetaldevx86/microdr/onnx/ndarray"
	"github.com/baremetaldevx86/microdr/tensor"
)

// floats counts up from 1.
func floats(shape ...int) *ndarray.Array {
	data := make([]float32, product(shape))
	for i := range data {
		data[i] = float32(i + 1)
	}
	return arrayOf(data, shape...)
}

func int64s(v ...int64) *ndarray.Array { return ndarray.Vector(v...) }

// TestOperatorRows has what no case of ONNX's own test data looks at, worked out by hand.
func TestOperatorRows(t *testing.T) {
	type attributes = map[string]any
	pool := attributes{"kernel_shape": []int{2}}
	for _, row := range []struct {
		name, operator string
		version        int
		attributes     attributes
		inputs         []Value
		want           string
	}{
		{"aligned at a dimension", "Add", 6, attributes{"broadcast": 1, "axis": 0}, []Value{floats(2, 2), floats(2)},
			"[2 2] 2 3 5 6"},
		{"bounds", "Clip", 6, attributes{"min": 2.0}, []Value{floats(3)}, "[3] 2 2 3"},
		{"no digits", "Selu", 1, nil, []Value{floats(1)}, "[1] 1.0507"},
		{"fractional", "Pow", 15, nil, []Value{int64s(4, 9), ndarray.Vector[float32](0.5, 0.5)}, "int64[2] 2 3"},
		{"1-norm", "LpNormalization", 1, attributes{"p": 1, "axis": 0}, []Value{floats(3)}, "[3] 0.1666667 0.3333333 0.5"},
		{"2-norm", "LpNormalization", 1, nil, []Value{ndarray.Vector[float32](3, 4)}, "[2] 0.6 0.8"},
		{"1-norm", "LpPool", 2, attributes{"kernel_shape": []int{2}, "p": 1}, []Value{floats(1, 1, 3)}, "[1 1 2] 3 5"},
		{"2-norm", "LpPool", 1, pool, []Value{arrayOf([]float32{3, -4}, 1, 1, 2)}, "[1 1 1] 5"},
		{"2-norm", "GlobalLpPool", 2, nil, []Value{arrayOf([]float32{3, 4}, 1, 1, 2)}, "[1 1 1] 5"},
		{"valid", "MaxPool", 12, attributes{"kernel_shape": []int{2}, "auto_pad": "VALID"}, []Value{floats(1, 1, 3)},
			"[1 1 2] 2 3"},
		{"padded and ceiled", "AveragePool", 11, attributes{"kernel_shape": []int{2}, "strides": []int{2}, "ceil_mode": 1,
			"pads": []int{1, 1}, "count_include_pad": 1}, []Value{floats(1, 1, 3)}, "[1 1 3] 0.5 2.5 0"},
		{"one too many", "ConvTranspose", 11, attributes{"output_shape": []int{2}}, []Value{floats(1, 1, 1), floats(1, 1, 3)},
			"[1 1 2] 2 3"},
		{"one too many at the end", "ConvTranspose", 11, attributes{"output_shape": []int{2}, "auto_pad": "SAME_UPPER"},
			[]Value{floats(1, 1, 1), floats(1, 1, 3)}, "[1 1 2] 1 2"},
		{"integers", "ReduceL2", 13, nil, []Value{ndarray.Vector[int32](3, 4)}, "int32[1] 5"},
		{"vectors", "MatMul", 13, nil, []Value{floats(2), floats(2)}, "[] 5"},
		{"a row", "MatMul", 13, nil, []Value{floats(2), floats(2, 2)}, "[2] 7 10"},
		{"a column", "MatMul", 13, nil, []Value{floats(2, 2), floats(2)}, "[2] 5 11"},
		{"singular", "Det", 11, nil, []Value{arrayOf([]float32{1, 2, 2, 4}, 2, 2)}, "[] 0"},
		{"rows exchanged", "Det", 11, nil, []Value{arrayOf([]float32{0, 2, 3, 0}, 2, 2)}, "[] -6"},
		{"three operands", "Einsum", 12, attributes{"equation": "i,ij,j->"}, []Value{floats(2), floats(2, 2), floats(2)},
			"[] 27"},
		{"an ellipsis", "Einsum", 12, attributes{"equation": "...i, i"}, []Value{floats(2, 2), floats(2)}, "[2] 5 11"},
		{"an outer product", "Einsum", 12, attributes{"equation": "i,j"}, []Value{floats(2), floats(2)}, "[2 2] 1 2 2 4"},
		{"a trace", "Einsum", 12, attributes{"equation": "ii"}, []Value{floats(2, 2)}, "[] 5"},
		{"wrapped", "Pad", 13, attributes{"mode": "wrap"}, []Value{floats(3), int64s(1, 2)}, "[6] 3 1 2 3 1 2"},
		{"cut off", "Pad", 13, nil, []Value{floats(3), int64s(-1, 1), ndarray.Scalar(float32(9))}, "[3] 2 3 9"},
		{"all lengths of 1", "Squeeze", 13, nil, []Value{floats(1, 2, 1)}, "[2] 1 2"},
		{"from the end", "Slice", 13, nil, []Value{floats(4), int64s(-3), int64s(math.MaxInt64)}, "[3] 2 3 4"},
		{"down, far", "Slice", 13, nil, []Value{floats(4), int64s(9), int64s(math.MinInt64), int64s(0), int64s(-2)},
			"[2] 4 2"},
		{"down, one step", "Slice", 13, nil, []Value{floats(4), int64s(3), int64s(-9), int64s(0), int64s(math.MinInt64)},
			"[1] 4"},
		{"an index out of reach", "Gather", 13, nil, []Value{floats(2), int64s(2)}, "expected indices from -2 to 1, got 2"},
		{"a float", "Constant", 13, attributes{"value_float": 1.5}, nil, "[] 1.5"},
		{"floats", "Constant", 13, attributes{"value_floats": []float32{1, 2}}, nil, "[2] 1 2"},
		{"ints", "Constant", 13, attributes{"value_ints": []int{3}}, nil, "int64[1] 3"},
		{"text", "Constant", 13, attributes{"value_string": "a"}, nil, "string[] a"},
		{"texts", "Constant", 13, attributes{"value_strings": []string{"a", "b"}}, nil, "string[2] a b"},
		{"nothing", "Constant", 13, nil, nil, "expected an attribute with a dense value"},
		{"no tensor", "Constant", 13, attributes{"value": (*format.Tensor)(nil)}, nil,
			"expected a tensor as attribute value"},
		{"no tensor", "ConstantOfShape", 9, attributes{"value": (*format.Tensor)(nil)}, []Value{int64s(1)},
			"expected a tensor as attribute value"},
		{"signed", "QuantizeLinear", 13, nil, []Value{ndarray.Vector[float32](-300, 2.5, 3.5), ndarray.Scalar(float32(1)),
			ndarray.Scalar(int8(1))}, "int8[3] -128 3 5"},
		{"offsets of rows and columns", "MatMulInteger", 10, nil, []Value{arrayOf([]uint8{1, 2, 3, 4}, 2, 2),
			arrayOf([]uint8{1, 0, 0, 1}, 2, 2), ndarray.Vector[uint8](1, 2), ndarray.Vector[uint8](0, 1)},
			"int32[2 2] 0 0 1 -1"},
		{"an attribute's scales", "Upsample", 7, attributes{"scales": []float32{2}}, []Value{floats(2)}, "[4] 1 1 2 2"},
		{"no regions yet", "Resize", 10, nil, []Value{floats(2), ndarray.Vector[float32](1.5)}, "[3] 1 1 2"},
		{"largest sample", "RoiAlign", 16, attributes{"mode": "max", "coordinate_transformation_mode": "output_half_pixel",
			"sampling_ratio": 2}, []Value{floats(1, 1, 2, 2), arrayOf([]float32{0, 0, 2, 2}, 1, 4), int64s(0)}, "[1 1 1 1] 4"},
		{"without scores", "NonMaxSuppression", 11, nil, []Value{arrayOf([]float32{0, 0, 1, 1, 0, 0, 1, 1}, 1, 2, 4),
			arrayOf([]float32{1, 2}, 1, 1, 2), ndarray.Scalar(int64(5))}, "int64[1 3] 0 0 1"},
		{"the same image", "GridSample", 16, attributes{"align_corners": 1}, []Value{floats(1, 1, 1, 2),
			arrayOf([]float32{1, 0, -1, 0}, 1, 1, 2, 2)}, "[1 1 1 2] 2 1"},
		{"two steps", "STFT", 17, nil, []Value{floats(1, 4), ndarray.Scalar(int64(2)), nil, ndarray.Scalar(int64(2))},
			"[1 2 2 2] 3 0 -1 0 7 0 -1 0"},
		{"cut", "DFT", 17, nil, []Value{floats(1, 3, 1), ndarray.Scalar(int64(2))}, "[1 2 2] 3 0 -1 0"},
	} {
		t.Run(row.operator+" "+row.name, func(t *testing.T) {
			out, err := once(t, row.version, row.operator, row.attributes, 1, row.inputs...)
			got := fmt.Sprint(err)
			if err == nil {
				a := must(ToArray(out[0]))
				got = strings.TrimPrefix(a.String(), "float32") + " " + shortText(a)
			}
			if got != row.want && !strings.HasSuffix(got, ": "+row.want) {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

// shortText rounds floats to seven decimals.
func shortText(a *ndarray.Array) string {
	if !a.Type().IsFloat() {
		return textOf(a)
	}
	var list []string
	for _, v := range numbers(a) {
		list = append(list, strconv.FormatFloat(math.Round(v*1e7)/1e7+0, 'g', -1, 32))
	}
	return strings.Join(list, " ")
}

// TestBothDirections compares a bidirectional layer with one of each direction, with sequences of different lengths,
// initial states, other activations and clipped sums, in both layouts.
func TestBothDirections(t *testing.T) {
	attributes := func(direction string, layout int) map[string]any {
		a := map[string]any{"direction": direction, "layout": layout, "hidden_size": 2, "clip": 0.8}
		if a["activations"] = []string{"Affine", "ScaledTanh"}; direction != "bidirectional" {
			a["activations"] = []string{"Affine"}
		}
		a["activation_alpha"], a["activation_beta"] = []float32{0.5, 0.5}, []float32{0.1, 0.1}
		if direction == "reverse" {
			a["activations"] = []string{"ScaledTanh"}
		}
		return a
	}
	small := func(shape ...int) *ndarray.Array {
		return host(scale(floats(shape...), 0.01))
	}
	x, w, r, b, h := small(4, 3, 2), small(2, 2, 2), small(2, 2, 2), small(2, 4), small(2, 3, 2)
	lengths := ndarray.Vector[int32](4, 2, 1)
	both, err := once(t, 14, "RNN", attributes("bidirectional", 0), 2, x, w, r, b, lengths, h)
	if err != nil {
		t.Fatal(err)
	}
	for i, direction := range []string{"forward", "reverse"} {
		one, err := once(t, 14, "RNN", attributes(direction, 0), 2,
			x, part(w, 0, i, 1), part(r, 0, i, 1), part(b, 0, i, 1), lengths, part(h, 0, i, 1))
		if err != nil {
			t.Fatal(err)
		}
		if err := DefaultTolerance().Compare(one[0], part(both[0].(Tensor), 1, i, 1)); err != nil {
			t.Errorf("%s: %v", direction, err)
		}
		if err := DefaultTolerance().Compare(one[1], part(both[1].(Tensor), 0, i, 1)); err != nil {
			t.Errorf("%s: state: %v", direction, err)
		}
	}
	swapped := []Value{permute(x, 1, 0, 2), w, r, b, lengths, permute(h, 1, 0, 2)}
	batch, err := once(t, 14, "RNN", attributes("bidirectional", 1), 2, swapped...)
	if err != nil {
		t.Fatal(err)
	}
	if err := DefaultTolerance().Compare(permute(batch[0].(Tensor), 1, 2, 0, 3), both[0].(Tensor)); err != nil {
		t.Errorf("batch first: %v", err)
	}
	ends := host(at(at(both[0].(Tensor), 1, 0), 0, 3)) // of which only the first sequence is that long
	if v := ndarray.Elements[float32](ends); v[0] == 0 || v[2] != 0 || v[4] != 0 {
		t.Errorf("after their ends, sequences give %v", v)
	}
}

// TestActivations evaluates those of recurrent layers at 0.5 and -0.5.
func TestActivations(t *testing.T) {
	for name, want := range map[string][2]float64{
		"Relu": {0.5, 0}, "LeakyRelu": {0.5, -0.005}, "Elu": {0.5, math.Exp(-0.5) - 1}, "ThresholdedRelu": {0, 0},
		"HardSigmoid": {0.6, 0.4}, "Affine": {0.5, -0.5}, "ScaledTanh": {math.Tanh(0.5), -math.Tanh(0.5)},
		"Softsign": {1.0 / 3, -1.0 / 3}, "Softplus": {math.Log1p(math.Exp(0.5)), math.Log1p(math.Exp(-0.5))},
	} {
		a := activationTable()[strings.ToLower(name)]
		p := append(slices.Clone(a.defaults), 0, 0)
		got := numbers(a.make(p[0], p[1])(ndarray.Vector(0.5, -0.5)))
		if math.Abs(got[0]-want[0]) > 1e-6 || math.Abs(got[1]-want[1]) > 1e-6 {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// TestRandom looks at means and deviations, and that a seed decides everything.
func TestRandom(t *testing.T) {
	shape := []int{10000}
	for _, row := range []struct {
		operator        string
		attributes      map[string]any
		inputs          []Value
		mean, deviation float64
	}{
		{"RandomNormal", map[string]any{"shape": shape, "mean": 3.0, "scale": 2.0}, nil, 3, 2},
		{"RandomUniform", map[string]any{"shape": shape, "low": -1.0, "high": 2.0}, nil, 0.5, math.Sqrt(9.0 / 12)},
		{"RandomNormalLike", nil, []Value{floats(shape...)}, 0, 1},
		{"RandomUniformLike", map[string]any{"seed": 7.0}, []Value{floats(shape...)}, 0.5, math.Sqrt(1.0 / 12)},
		{"Bernoulli", nil, []Value{broadcast(ndarray.Scalar(0.3), shape...)}, 0.3, math.Sqrt(0.21)},
		{"Multinomial", map[string]any{"sample_size": 10000},
			[]Value{arrayOf([]float32{float32(math.Log(1)), float32(math.Log(3)), -1000}, 1, 3)}, 0.75, math.Sqrt(3.0 / 16)},
		{"Dropout", nil,
			[]Value{broadcast(ndarray.Scalar(1.0), shape...), ndarray.Scalar(0.2), ndarray.Scalar(true)}, 1, 0.5},
	} {
		out, err := once(t, 15, row.operator, row.attributes, 1, row.inputs...)
		if err != nil {
			t.Fatalf("%s: %v", row.operator, err)
		}
		v := cast(out[0].(Tensor), ndarray.Float64)
		all := counting(len(v.Shape()))
		average, variance := moments(v, all, false)
		if d := math.Abs(numbers(average)[0] - row.mean); d > 5*row.deviation/100 {
			t.Errorf("%s: the mean is %v off", row.operator, d)
		}
		if got := math.Sqrt(numbers(variance)[0]); math.Abs(got/row.deviation-1) > 0.05 {
			t.Errorf("%s: the deviation is %v, expected %v", row.operator, got, row.deviation)
		}
		again, err := once(t, 15, row.operator, row.attributes, 1, row.inputs...)
		if err != nil || (Tolerance{}).Compare(again[0], out[0]) != nil {
			t.Errorf("%s: with the same seed, other numbers (%v)", row.operator, err)
		}
	}
}

// TestSeeds draws other numbers with another seed, and at another node.
func TestSeeds(t *testing.T) {
	shape := map[string]any{"shape": []int{4}}
	m, err := Import(model(15, nil, []string{"a", "b"},
		node("RandomNormal", nil, []string{"a"}, shape), node("RandomNormal", nil, []string{"b"}, shape)))
	if err != nil {
		t.Fatal(err)
	}
	var seen []Value
	for seed := range uint64(2) {
		out, err := m.Run(context.Background(), nil, Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, out["a"], out["b"])
	}
	for i, x := range seen {
		for _, y := range seen[:i] {
			if (Tolerance{}).Compare(x, y) == nil {
				t.Errorf("the same numbers twice: %v", must(ToArray(x)).Any())
			}
		}
	}
}

// TestSequences puts a list together and takes it apart.
func TestSequences(t *testing.T) {
	m := model(17, []string{"x", "two", "last"}, []string{"rest", "n", "joined"},
		node("SplitToSequence", []string{"x", "two"}, []string{"s"}, nil),
		node("SequenceLength", []string{"s"}, []string{"n"}, nil),
		node("SequenceErase", []string{"s", "last"}, []string{"t"}, nil),
		node("SequenceAt", []string{"s", "last"}, []string{"rest"}, nil),
		node("ConcatFromSequence", []string{"t"}, []string{"joined"}, map[string]any{"axis": 0, "new_axis": 1}),
	)
	imported, err := Import(m)
	if err != nil {
		t.Fatal(err)
	}
	out, err := imported.Run(context.Background(), map[string]Value{
		"x": int64s(1, 2, 3, 4, 5), "two": ndarray.Scalar(int64(2)), "last": ndarray.Scalar(int64(-1)),
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Value{
		"rest": int64s(5), "n": ndarray.Scalar(int64(3)), "joined": arrayOf([]int64{1, 2, 3, 4}, 2, 2),
	} {
		if err := DefaultTolerance().Compare(out[name], want); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestScanBackward reads a sequence from its end and writes results from theirs.
func TestScanBackward(t *testing.T) {
	body := &format.Graph{
		Inputs: values("sum", "x"), Outputs: values("next", "next"),
		Nodes: []*format.Node{node("Add", []string{"sum", "x"}, []string{"next"}, nil)},
	}
	out, err := once(t, 16, "Scan", map[string]any{
		"body": body, "num_scan_inputs": 1, "scan_input_directions": []int{1}, "scan_output_directions": []int{1},
	}, 2, ndarray.Scalar(int64(0)), int64s(1, 2, 3))
	if err != nil {
		t.Fatal(err)
	}
	if err := DefaultTolerance().Compare(out[1], int64s(6, 5, 3)); err != nil {
		t.Error(err)
	}
}

// TestLazyRows holds operations of tensors to their plain twins where no case of ONNX's has floats.
func TestLazyRows(t *testing.T) {
	e := tensor.Open(tensor.Options{Workers: 1})
	defer e.Close()
	type attributes = map[string]any
	axis, words := ndarray.Scalar(int64(1)), arrayOf([]int64{2, -1, 0, 2}, 2, 2)
	for _, row := range []struct {
		operator   string
		attributes attributes
		rest       []Value
	}{
		{"CumSum", nil, []Value{axis}}, {"CumSum", attributes{"exclusive": 1}, []Value{axis}},
		{"CumSum", attributes{"reverse": 1}, []Value{axis}},
		{"CumSum", attributes{"reverse": 1, "exclusive": 1}, []Value{axis}},
		{"ScatterElements", attributes{"axis": 1}, []Value{arrayOf([]int64{0, 0}, 1, 2), arrayOf([]float32{7, 8}, 1, 2)}},
		{"ScatterElements", nil, []Value{zerosOf(ndarray.Int64, 0, 4), zerosOf(ndarray.Float32, 0, 4)}},
		{"Gather", nil, []Value{words}}, {"Gather", attributes{"axis": 1}, []Value{words}},
		{"ReduceProd", attributes{"axes": []int{1}, "keepdims": 0}, nil}, {"IsInf", nil, nil}, {"Sign", nil, nil},
		{"ArgMax", attributes{"axis": 1, "select_last_index": 1}, nil}, {"Hardmax", nil, nil}, {"LpNormalization", nil, nil},
		{"Resize", attributes{"mode": "linear"}, []Value{nil, ndarray.Vector[float32](2, 0.5)}},
		{"Tile", nil, []Value{int64s(2, 2)}}, {"Cast", attributes{"to": int(ndarray.HalfFloat)}, nil},
		{"Cast", attributes{"to": int(ndarray.Int64)}, nil}, {"ReduceLogSumExp", attributes{"axes": []int{0}}, nil},
	} {
		x := arrayOf([]float32{1, 2, -3, 4, 0.5, -6, 7, 0.1, 9, -1, -11, 1.2}, 3, 4)
		plain, err := once(t, 17, row.operator, row.attributes, 1, append([]Value{x}, row.rest...)...)
		if err != nil {
			t.Fatalf("%s: %v", row.operator, err)
		}
		lazy := must(FromTensor(e.New(ndarray.Elements[float32](x), x.Shape()...)))
		got, err := onceLazily(e, row.operator, row.attributes, append([]Value{lazy}, row.rest...))
		if err == nil {
			err = Tolerance{1e-5, 1e-6}.Compare(got, plain[0])
		}
		if err != nil {
			t.Errorf("%s %v: %v", row.operator, row.attributes, err)
		}
		if _, ok := got.(*deferred); !ok {
			t.Errorf("%s %v: the result is not deferred", row.operator, row.attributes)
		}
	}
}

func onceLazily(e *tensor.Engine, operator string, attributes map[string]any, inputs []Value) (Value, error) {
	names, given := []string{}, map[string]Value{}
	for i, v := range inputs {
		name := ""
		if v != nil {
			name = string(rune('a' + i))
			given[name] = v
		}
		names = append(names, name)
	}
	m, err := Import(model(17, nil, []string{"y"}, node(operator, names, []string{"y"}, attributes)))
	if err != nil {
		return nil, err
	}
	out, err := m.run(context.Background(), given, Options{}, &laziness{engine: e})
	return out["y"], err
}

// TestWords looks up rows of a table by indices that are known only when a compiled function runs.
func TestWords(t *testing.T) {
	proto := model(17, []string{"ids"}, []string{"rows"}, node("Gather", []string{"table", "ids"}, []string{"rows"}, nil))
	proto.Graph.Inputs[0].Type = &format.Type{Kind: format.TensorType, Element: ndarray.Int64}
	proto.Graph.Initializers = []*format.Tensor{format.TensorOf("table", floats(3, 2))}
	e, _, n := networkOf(t, proto)
	f, err := e.Compile(func(x []*tensor.Tensor) []*tensor.Tensor {
		return must(n.Apply(x...))
	}, tensor.Spec{Type: tensor.Int32, Shape: []int{2}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Input(0).Write([]float64{2, 0})
	if err := f.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := f.Result(0).Float32s(); !slices.Equal(got, []float32{5, 6, 1, 2}) {
		t.Errorf("got %v", got)
	}
}

package format

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
	"google.golang.org/protobuf/encoding/protowire"
)

// full is a model with something in every field.
func full() *Model {
	tensorType := &Type{Kind: TensorType, Element: ndarray.Float32, Ranked: true, Shape: []Dimension{
		{Known: true, Length: 3}, {Known: true}, {Name: "n"}, {},
	}}
	tensor := &Tensor{
		Name: "w", Shape: []int64{2, 0}, Type: ndarray.Int8, Raw: []byte{}, HasRaw: true, Doc: "weights",
		Floats: []float32{1, -0.5}, Ints32: []int32{-1, 7}, Strings: []string{"", "a"}, Ints64: []int64{math.MinInt64},
		Doubles: []float64{math.Pi}, Uints64: []uint64{math.MaxUint64}, IsExternal: true,
		External: []Entry{{"location", "w.bin"}, {"offset", "4"}},
	}
	body := &Graph{Name: "body", Nodes: []*Node{{OpType: "Neg", Inputs: []string{"x", ""}, Outputs: []string{"y"}}}}
	attributes := []*Attribute{
		{Name: "f", Kind: FloatKind, Float: -2.5}, {Name: "i", Kind: IntKind, Int: -3},
		{Name: "s", Kind: StringKind, String: "s"},
		{Name: "t", Kind: TensorKind, Tensor: tensor}, {Name: "g", Kind: GraphKind, Graph: body},
		{Name: "fs", Kind: FloatsKind, Floats: []float32{1, 2}}, {Name: "is", Kind: IntsKind, Ints: []int64{1 << 40, -1}},
		{Name: "ss", Kind: StringsKind, Strings: []string{"a", ""}},
		{Name: "ts", Kind: TensorsKind, Tensors: []*Tensor{{Name: "q"}}},
		{Name: "gs", Kind: GraphsKind, Graphs: []*Graph{body}}, {Name: "tp", Kind: TypeKind, Type: tensorType},
		{Name: "tps", Kind: TypesKind, Types: []*Type{tensorType}}, {Name: "r", Reference: "outer", Kind: IntKind, Doc: "d"},
	}
	node := &Node{
		Name: "n", Domain: "d", OpType: "Op", Inputs: []string{"a"}, Outputs: []string{"b"}, Attributes: attributes,
		Doc: "doc",
	}
	types := []*Type{
		tensorType, {Kind: SequenceType, Inner: tensorType},
		{Kind: OptionalType, Inner: &Type{Kind: SequenceType, Inner: tensorType}},
		{Kind: MapType, Element: ndarray.String, Inner: tensorType}, {Kind: SparseTensorType, Element: ndarray.Float32},
		{Kind: Unsupported}, {Kind: TensorType},
	}
	graph := &Graph{Name: "g", Nodes: []*Node{node}, Initializers: []*Tensor{tensor}, Doc: "graph"}
	for _, typ := range types {
		graph.Inputs = append(graph.Inputs, &ValueInfo{Name: "x", Type: typ, Doc: "in"})
	}
	graph.Outputs, graph.Values = graph.Inputs[:1], graph.Inputs[1:2]
	return &Model{
		IRVersion: 8, Opsets: []Opset{{"", 17}, {"d", 1}},
		ProducerName: "p", ProducerVersion: "1", Domain: "d", ModelVersion: 2,
		Doc: "model", Graph: graph, Metadata: []Entry{{"k", "v"}}, Functions: []*Function{{
			Name: "Op", Domain: "d", Inputs: []string{"a"}, Outputs: []string{"b"}, Attributes: []string{"x"},
			Defaults: attributes[:2], Nodes: []*Node{node}, Opsets: []Opset{{"", 17}}, Doc: "f",
		}},
	}
}

func TestModelRoundTrip(t *testing.T) {
	want := full()
	got, err := Parse(want.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the model read is not the one written:\ngot  %+v\nwant %+v", got, want)
	}
}

func TestSequenceRoundTrip(t *testing.T) {
	tensor := &Tensor{Name: "t", Type: ndarray.Float32, Shape: []int64{1}, Floats: []float32{1}}
	want := &Sequence{
		Name: "s", Element: SequenceElement, Tensors: []*Tensor{tensor},
		Sequences: []*Sequence{{Tensors: []*Tensor{tensor}}},
		Optionals: []*Optional{
			{Name: "o", Element: OptionalElement, Tensor: tensor, Sequence: &Sequence{}, Optional: &Optional{}},
		},
	}
	got, err := ParseSequence(want.Encode())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	o, err := ParseOptional(want.Optionals[0].Encode())
	if err != nil || !reflect.DeepEqual(o, want.Optionals[0]) {
		t.Errorf("got %+v, %v", o, err)
	}
}

// TestUnpacked reads lists of numbers that are not packed, as older writers leave them.
func TestUnpacked(t *testing.T) {
	var b []byte
	for _, v := range []uint64{5, 6} {
		b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), v)
	}
	b = protowire.AppendFixed32(protowire.AppendTag(b, 4, protowire.Fixed32Type), math.Float32bits(1.5))
	got, err := ParseTensor(b)
	if err != nil || !reflect.DeepEqual(got, &Tensor{Shape: []int64{5, 6}, Floats: []float32{1.5}}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParseErrors(t *testing.T) {
	field := func(number protowire.Number, body ...byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), body)
	}
	deep := []byte{}
	for range 40 { // a graph in an attribute of a node of a graph...
		deep = field(1, field(5, field(6, deep...)...)...)
	}
	for _, row := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "onnx: expected a model with a graph"},
		{"a tag cut off", []byte{0x80}, "onnx: model: expected a field's tag: unexpected EOF"},
		{"a field cut off", []byte{0x3a, 5, 1}, "onnx: model: field 7: expected its value: unexpected EOF"},
		{"field 0", []byte{0x02, 0}, "onnx: model: expected a field's tag: malformed bytes"},
		{"a number as graph", []byte{0x38, 1}, "onnx: model: field 7: expected wire type 2, got 0"},
		{"a string as version", field(1, 'x'), "onnx: model: field 1: expected wire type 0, got 2"},
		{"nested too deep", field(7, deep...), "expected messages nested at most 100 deep"},
		{"a sparse initializer", field(7, field(15)...), "onnx: model: field 7: field 15: sparse tensors are not supported"},
		{"a sparse attribute", field(7, field(1, field(5, field(22)...)...)...), "sparse tensors are not supported"},
		{"a segment", field(7, field(5, field(3)...)...), "tensors in segments are not supported"},
		{"two kinds of type", field(7, field(11, field(2, append(field(1), field(4)...)...)...)...),
			"expected one kind of type"},
		{"a cut list", field(7, field(5, field(4, 1, 2, 3)...)...), "expected a packed list of numbers: unexpected EOF"},
		{"place 7", field(7, field(5, 0x70, 7)...), "expected location 0 or 1, got 7"},
	} {
		_, err := Parse(row.data)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %s", row.name, err, row.want)
		}
	}
}

// TestManyMessages refuses a small file that would take gigabytes as structs.
func TestManyMessages(t *testing.T) {
	count := maxMessages - 3
	data := bytes.Repeat([]byte{0x0a, 0}, 2) // a graph with two nodes
	if err := read(data, &Graph{}, nesting{count: &count}); err != nil {
		t.Errorf("got %v for the last three messages", err)
	}
	err := read(data, &Graph{}, nesting{count: &count})
	if err == nil || !strings.Contains(err.Error(), "expected at most 4194304 messages") {
		t.Errorf("got %v for one more", err)
	}
}

func TestTensorArray(t *testing.T) {
	for _, row := range []struct {
		name   string
		tensor Tensor
		want   any // elements, or an error's text
	}{
		{"raw floats", Tensor{Type: ndarray.Float32, Shape: []int64{1}, Raw: []byte{0, 0, 0x80, 0x3f}, HasRaw: true},
			[]float32{1}},
		{"floats", Tensor{Type: ndarray.Float32, Shape: []int64{2}, Floats: []float32{1, 2}}, []float32{1, 2}},
		{"a scalar", Tensor{Type: ndarray.Float64, Doubles: []float64{3}}, []float64{3}},
		{"bytes", Tensor{Type: ndarray.Uint8, Shape: []int64{1}, Ints32: []int32{255}}, []uint8{255}},
		{"halves", Tensor{Type: ndarray.HalfFloat, Shape: []int64{1}, Ints32: []int32{0x3c00}}, []ndarray.Half{0x3c00}},
		{"words", Tensor{Type: ndarray.Uint32, Shape: []int64{1}, Uints64: []uint64{1<<32 - 1}}, []uint32{1<<32 - 1}},
		{"strings", Tensor{Type: ndarray.String, Shape: []int64{1}, Strings: []string{"a"}}, []string{"a"}},
		{"truth", Tensor{Type: ndarray.Bool, Shape: []int64{2}, Raw: []byte{1, 0}, HasRaw: true}, []bool{true, false}},
		{"complex", Tensor{Type: ndarray.Complex64, Shape: []int64{1}, Floats: []float32{1, -2}}, []complex64{1 - 2i}},
		{"nothing", Tensor{Type: ndarray.Int64, Shape: []int64{0}}, []int64{}},
		{"few floats", Tensor{Type: ndarray.Float32, Shape: []int64{2}, Floats: []float32{1}},
			`onnx: tensor "t": expected 2 numbers for float32[2], got 1`},
		{"much raw data", Tensor{Type: ndarray.Int16, Shape: []int64{1}, Raw: make([]byte, 3), HasRaw: true},
			`onnx: tensor "t": expected 2 bytes of raw_data for int16[1], got 3`},
		{"a wide byte", Tensor{Type: ndarray.Uint8, Shape: []int64{1}, Ints32: []int32{256}},
			`onnx: tensor "t": expected elements of type uint8, got 256`},
		{"half truth", Tensor{Type: ndarray.Bool, Shape: []int64{1}, Raw: []byte{2}, HasRaw: true},
			`onnx: tensor "t": expected bytes 0 and 1 for bools, got 2`},
		{"raw strings", Tensor{Type: ndarray.String, Raw: []byte{1}, HasRaw: true},
			`onnx: tensor "t": expected strings in string_data, got raw_data`},
		{"no type", Tensor{}, `onnx: tensor "t": expected an element type, got undefined`},
		{"a new type", Tensor{Type: 17}, `onnx: tensor "t": expected an element type, got type 17`},
		{"a negative length", Tensor{Type: ndarray.Int8, Shape: []int64{-1}},
			`onnx: tensor "t": expected lengths from 0 to 2^31-1, got shape [-1]`},
		{"a long length", Tensor{Type: ndarray.Int8, Shape: []int64{1 << 31}},
			`onnx: tensor "t": expected lengths from 0 to 2^31-1, got shape [2147483648]`},
		{"long lengths", Tensor{Type: ndarray.Int8, Shape: []int64{1 << 30, 1 << 30}},
			`onnx: tensor "t": ndarray: expected at most 268435456 elements, got shape [1073741824 1073741824]`},
		{"elsewhere", Tensor{Type: ndarray.Int8, IsExternal: true},
			`onnx: tensor "t": its elements are in another file, expected them here`},
	} {
		row.tensor.Name = "t"
		a, err := row.tensor.Array()
		var got any
		if err != nil {
			got = err.Error()
		} else {
			got = a.Any()
		}
		if !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: got %v, want %v", row.name, got, row.want)
		}
	}
}

// TestTensorOf writes and reads arrays of all types.
func TestTensorOf(t *testing.T) {
	for typ := ndarray.Float32; typ.Known(); typ++ {
		want, err := ndarray.New(typ, 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParseTensor(TensorOf("t", want).Encode())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Array(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %v, %v", typ, got, err)
		}
	}
	for _, want := range []*ndarray.Array{
		ndarray.Vector[float32](1, -2), ndarray.Vector[int64](-1), ndarray.Vector[uint16](65535), ndarray.Vector("a", ""),
		ndarray.Vector(true), ndarray.Vector(1 + 2i), ndarray.Vector(ndarray.HalfOf(-2)),
	} {
		if got, err := TensorOf("", want).Array(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %v, %v", want, got, err)
		}
	}
}

func TestExternal(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, "m"), 0o777); err != nil {
		t.Fatal(err)
	}
	write("outside.bin", make([]byte, 8))
	write("m/w.bin", []byte{9, 9, 1, 2, 3, 4})
	linked := os.Symlink(filepath.Join("..", "outside.bin"), filepath.Join(folder, "m", "link.bin")) == nil
	for _, row := range []struct {
		name     string
		external []Entry
		want     string // "" if it works
	}{
		{"a part", []Entry{{"location", "w.bin"}, {"offset", "2"}, {"length", "4"}, {"checksum", "x"}}, ""},
		{"to the end", []Entry{{"location", "w.bin"}, {"offset", "2"}}, ""},
		{"too far", []Entry{{"location", "w.bin"}, {"offset", "3"}}, "expected 4 bytes from byte 3 on, the file has 6"},
		{"far too far", []Entry{{"location", "w.bin"}, {"offset", "9223372036854775807"}}, "the file has 6"},
		{"negative", []Entry{{"location", "w.bin"}, {"offset", "-1"}}, `expected offset to be a number of bytes, got "-1"`},
		{"another length", []Entry{{"location", "w.bin"}, {"length", "5"}}, "expected a length of 4 bytes, got 5"},
		{"nowhere", nil, `expected a file in the model's folder, got ""`},
		{"above", []Entry{{"location", "../outside.bin"}}, `expected a file in the model's folder, got`},
		{"absolute", []Entry{{"location", filepath.Join(folder, "outside.bin")}},
			`expected a file in the model's folder, got`},
		{"through a link", []Entry{{"location", "link.bin"}}, "path escapes from parent"},
		{"missing", []Entry{{"location", "none.bin"}}, "none.bin"},
		{"a folder", []Entry{{"location", "."}}, "expected a regular file"},
	} {
		if strings.Contains(row.name, "link") && !linked {
			continue
		}
		m := &Model{Graph: &Graph{Initializers: []*Tensor{
			{Name: "w", Type: ndarray.Uint8, Shape: []int64{4}, IsExternal: true, External: row.external},
		}}}
		write("m/model.onnx", m.Encode())
		got, err := Load(filepath.Join(folder, "m", "model.onnx"))
		switch {
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s: got %v, want %s", row.name, err, row.want)
		case row.want == "" && err != nil:
			t.Errorf("%s: %v", row.name, err)
		case row.want == "" && !bytes.Equal(got.Graph.Initializers[0].Raw, []byte{1, 2, 3, 4}):
			t.Errorf("%s: got %v", row.name, got.Graph.Initializers[0].Raw)
		}
	}
}

// TestExternalEverywhere finds tensors in attributes and functions, too.
func TestExternalEverywhere(t *testing.T) {
	external := func() *Tensor { return &Tensor{IsExternal: true} }
	inner := &Graph{Initializers: []*Tensor{external()}}
	node := &Node{Attributes: []*Attribute{
		{Tensor: external(), Graph: inner}, {Tensors: []*Tensor{external()}, Graphs: []*Graph{inner}},
	}}
	m := &Model{
		Graph:     &Graph{Initializers: []*Tensor{external()}, Nodes: []*Node{node}},
		Functions: []*Function{{Nodes: []*Node{node}, Defaults: node.Attributes[:1]}},
	}
	n := 0
	for range m.tensors() {
		n++
	}
	if want := 1 + 4 + 4 + 2; n != want {
		t.Errorf("got %d tensors, want %d", n, want)
	}
}

func TestLoadErrors(t *testing.T) {
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none.onnx")} {
		if _, err := Load(path); err == nil || !strings.HasPrefix(err.Error(), "onnx: ") {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

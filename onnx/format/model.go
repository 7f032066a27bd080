package format

import "github.com/baremetaldevx86/microdr/onnx/ndarray"

// Model is a ModelProto: a graph, and the versions of the operator sets that it is written in.
type Model struct {
	IRVersion       int64
	Opsets          []Opset
	ProducerName    string
	ProducerVersion string
	Domain          string
	ModelVersion    int64
	Doc             string
	Graph           *Graph
	Metadata        []Entry
	Functions       []*Function
}

// Opset is an OperatorSetIdProto. The empty domain is that of ONNX itself, "ai.onnx".
type Opset struct {
	Domain  string
	Version int64
}

// Entry is a StringStringEntryProto.
type Entry struct{ Key, Value string }

// Graph is a GraphProto: nodes in an order in which each comes after those whose results it reads.
type Graph struct {
	Name            string
	Nodes           []*Node
	Initializers    []*Tensor
	Inputs, Outputs []*ValueInfo
	Values          []*ValueInfo // what is known of intermediate results
	Doc             string
}

// Node is a NodeProto: the call of an operator or a function. An empty name among the inputs is an optional input
// that is not given, and among the outputs one that nobody asked for.
type Node struct {
	Name, Domain, OpType string
	Inputs, Outputs      []string
	Attributes           []*Attribute
	Doc                  string
}

// Function is a FunctionProto: a model's own operator. Attributes names those without a default.
type Function struct {
	Name, Domain    string
	Inputs, Outputs []string
	Attributes      []string
	Defaults        []*Attribute
	Nodes           []*Node
	Opsets          []Opset
	Doc             string
}

// AttributeKind says which field of an Attribute holds its value.
type AttributeKind int32

// The kinds of attributes, by their numbers in AttributeProto.AttributeType.
const (
	NoKind AttributeKind = iota
	FloatKind
	IntKind
	StringKind
	TensorKind
	GraphKind
	FloatsKind
	IntsKind
	StringsKind
	TensorsKind
	GraphsKind
	SparseTensorKind
	SparseTensorsKind
	TypeKind
	TypesKind
)

// Attribute is an AttributeProto. In the body of a function, Reference names the attribute of the calling node whose
// value it takes.
type Attribute struct {
	Name, Reference string
	Kind            AttributeKind
	Float           float32
	Int             int64
	String          string
	Tensor          *Tensor
	Graph           *Graph
	Type            *Type
	Floats          []float32
	Ints            []int64
	Strings         []string
	Tensors         []*Tensor
	Graphs          []*Graph
	Types           []*Type
	Doc             string
}

// ValueInfo is a ValueInfoProto: the name of a value, and what is known of its type.
type ValueInfo struct {
	Name string
	Type *Type
	Doc  string
}

// Kind says what values of a Type are.
type Kind int

// The kinds of types. Those that the importer has no use for are Unsupported.
const (
	Unknown Kind = iota
	TensorType
	SequenceType
	OptionalType
	MapType
	SparseTensorType
	Unsupported
)

// Type is a TypeProto.
type Type struct {
	Kind    Kind
	Element ndarray.Type // of tensors; of maps, the type of the keys
	Shape   []Dimension  // of tensors
	Ranked  bool         // whether Shape is known; a known shape of no dimensions is that of a scalar
	Inner   *Type        // of elements of sequences, optionals and maps
}

// Dimension is a length that is known, or the name of one that is not; lengths of the same name are equal.
type Dimension struct {
	Known  bool
	Length int64
	Name   string
}

// Tensor is a TensorProto, with its elements still as they were stored; Array decodes them.
type Tensor struct {
	Name       string
	Shape      []int64
	Type       ndarray.Type
	Raw        []byte // elements as little-endian bytes; if there are none, they stand in a typed list
	HasRaw     bool
	Floats     []float32
	Ints32     []int32
	Strings    []string
	Ints64     []int64
	Doubles    []float64
	Uints64    []uint64
	IsExternal bool    // whether the elements are in another file
	External   []Entry // where there: "location", "offset", "length"
	Doc        string
}

// Sequence is a SequenceProto: tensors, sequences or optionals, all of the same kind.
type Sequence struct {
	Name      string
	Element   ElementKind
	Tensors   []*Tensor
	Sequences []*Sequence
	Optionals []*Optional
}

// Optional is an OptionalProto: a tensor, a sequence or another optional, or nothing.
type Optional struct {
	Name     string
	Element  ElementKind
	Tensor   *Tensor
	Sequence *Sequence
	Optional *Optional
}

// ElementKind says what a Sequence or an Optional holds.
type ElementKind int32

// The kinds, by their numbers in SequenceProto.DataType.
const (
	NoElement ElementKind = iota
	TensorElement
	SparseTensorElement
	SequenceElement
	MapElement
	OptionalElement
)

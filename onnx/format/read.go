package format

import (
	"fmt"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
	"google.golang.org/protobuf/encoding/protowire"
)

// Parse reads a ModelProto. The model keeps parts of data, which must not be changed any more. Errors say in which
// field of which field the mistake is, by the numbers of onnx.proto; a model without a graph is one.
func Parse(data []byte) (*Model, error) {
	m := &Model{}
	if err := parse(data, m, "model"); err != nil {
		return nil, err
	}
	if m.Graph == nil {
		return nil, fmt.Errorf("onnx: expected a model with a graph")
	}
	return m, nil
}

// ParseTensor reads a TensorProto, and keeps parts of data.
func ParseTensor(data []byte) (*Tensor, error) {
	t := &Tensor{}
	return t, parse(data, t, "tensor")
}

// ParseSequence reads a SequenceProto, and keeps parts of data.
func ParseSequence(data []byte) (*Sequence, error) {
	s := &Sequence{}
	return s, parse(data, s, "sequence")
}

// ParseOptional reads an OptionalProto, and keeps parts of data.
func ParseOptional(data []byte) (*Optional, error) {
	o := &Optional{}
	return o, parse(data, o, "optional")
}

func parse(data []byte, m message, what string) error {
	if err := read(data, m, nesting{count: new(int)}); err != nil {
		return fmt.Errorf("onnx: %s: %w", what, err)
	}
	return nil
}

func (m *Model) set(f field) error {
	switch f.number {
	case 1:
		return f.toInt(&m.IRVersion)
	case 2:
		return f.toString(&m.ProducerName)
	case 3:
		return f.toString(&m.ProducerVersion)
	case 4:
		return f.toString(&m.Domain)
	case 5:
		return f.toInt(&m.ModelVersion)
	case 6:
		return f.toString(&m.Doc)
	case 7:
		return toMessage(f, &m.Graph)
	case 8:
		return addValue(f, &m.Opsets)
	case 14:
		return addValue(f, &m.Metadata)
	case 25:
		return addMessage(f, &m.Functions)
	}
	return nil
}

// addValue is addMessage for messages that are kept by value.
func addValue[M any, P interface {
	*M
	message
}](f field, out *[]M) error {
	var m *M
	if err := toMessage[M, P](f, &m); err != nil {
		return err
	}
	*out = append(*out, *m)
	return nil
}

func (o *Opset) set(f field) error {
	switch f.number {
	case 1:
		return f.toString(&o.Domain)
	case 2:
		return f.toInt(&o.Version)
	}
	return nil
}

func (e *Entry) set(f field) error {
	switch f.number {
	case 1:
		return f.toString(&e.Key)
	case 2:
		return f.toString(&e.Value)
	}
	return nil
}

func (g *Graph) set(f field) error {
	switch f.number {
	case 1:
		return addMessage(f, &g.Nodes)
	case 2:
		return f.toString(&g.Name)
	case 5:
		return addMessage(f, &g.Initializers)
	case 10:
		return f.toString(&g.Doc)
	case 11:
		return addMessage(f, &g.Inputs)
	case 12:
		return addMessage(f, &g.Outputs)
	case 13:
		return addMessage(f, &g.Values)
	case 15:
		return errSparse
	}
	return nil
}

func (n *Node) set(f field) error {
	switch f.number {
	case 1:
		return f.addString(&n.Inputs)
	case 2:
		return f.addString(&n.Outputs)
	case 3:
		return f.toString(&n.Name)
	case 4:
		return f.toString(&n.OpType)
	case 5:
		return addMessage(f, &n.Attributes)
	case 6:
		return f.toString(&n.Doc)
	case 7:
		return f.toString(&n.Domain)
	}
	return nil
}

func (fn *Function) set(f field) error {
	switch f.number {
	case 1:
		return f.toString(&fn.Name)
	case 4:
		return f.addString(&fn.Inputs)
	case 5:
		return f.addString(&fn.Outputs)
	case 6:
		return f.addString(&fn.Attributes)
	case 7:
		return addMessage(f, &fn.Nodes)
	case 8:
		return f.toString(&fn.Doc)
	case 9:
		return addValue(f, &fn.Opsets)
	case 10:
		return f.toString(&fn.Domain)
	case 11:
		return addMessage(f, &fn.Defaults)
	}
	return nil
}

func (a *Attribute) set(f field) error {
	switch f.number {
	case 1:
		return f.toString(&a.Name)
	case 2:
		return f.toFloat(&a.Float)
	case 3:
		return f.toInt(&a.Int)
	case 4:
		return f.toString(&a.String)
	case 5:
		return toMessage(f, &a.Tensor)
	case 6:
		return toMessage(f, &a.Graph)
	case 13:
		return f.toString(&a.Doc)
	case 14:
		return toMessage(f, &a.Type)
	case 20:
		return toEnum(f, &a.Kind)
	case 21:
		return f.toString(&a.Reference)
	case 22, 23:
		return errSparse
	}
	return a.setList(f)
}

func (a *Attribute) setList(f field) error {
	switch f.number {
	case 7:
		return addFloats(f, &a.Floats)
	case 8:
		return addVarints(f, &a.Ints)
	case 9:
		return f.addString(&a.Strings)
	case 10:
		return addMessage(f, &a.Tensors)
	case 11:
		return addMessage(f, &a.Graphs)
	case 15:
		return addMessage(f, &a.Types)
	}
	return nil
}

func (v *ValueInfo) set(f field) error {
	switch f.number {
	case 1:
		return f.toString(&v.Name)
	case 2:
		return toMessage(f, &v.Type)
	case 3:
		return f.toString(&v.Doc)
	}
	return nil
}

func (t *Type) set(f field) error {
	kinds := map[int]Kind{1: TensorType, 4: SequenceType, 5: MapType, 7: Unsupported, 8: SparseTensorType, 9: OptionalType}
	kind, ok := kinds[int(f.number)]
	if !ok {
		return nil
	}
	if t.Kind != Unknown && t.Kind != kind {
		return fmt.Errorf("expected one kind of type")
	}
	t.Kind = kind
	if err := f.expect(protowire.BytesType); err != nil {
		return err
	}
	return read(f.bytes, &typeBody{t}, f.in)
}

// typeBody is the message inside of a TypeProto, which depends on the kind.
type typeBody struct{ *Type }

func (t *typeBody) set(f field) error {
	switch t.Kind {
	case TensorType, SparseTensorType:
		switch f.number {
		case 1:
			return toEnum(f, &t.Element)
		case 2:
			t.Ranked = true
			shape := &shape{t.Shape}
			err := toMessage(f, &shape)
			t.Shape = shape.dimensions
			return err
		}
	case SequenceType, OptionalType:
		if f.number == 1 {
			return toMessage(f, &t.Inner)
		}
	case MapType:
		switch f.number {
		case 1:
			return toEnum(f, &t.Element)
		case 2:
			return toMessage(f, &t.Inner)
		}
	}
	return nil
}

// shape is a TensorShapeProto.
type shape struct{ dimensions []Dimension }

func (s *shape) set(f field) error {
	if f.number != 1 {
		return nil
	}
	return addValue(f, &s.dimensions)
}

func (d *Dimension) set(f field) error {
	switch f.number {
	case 1:
		d.Known = true
		return f.toInt(&d.Length)
	case 2:
		d.Known = false
		return f.toString(&d.Name)
	}
	return nil
}

func (t *Tensor) set(f field) error {
	switch f.number {
	case 1:
		return addVarints(f, &t.Shape)
	case 2:
		return toEnum(f, &t.Type)
	case 3:
		return fmt.Errorf("tensors in segments are not supported")
	case 4:
		return addFloats(f, &t.Floats)
	case 5:
		return addVarints(f, &t.Ints32)
	case 6:
		return f.addString(&t.Strings)
	case 7:
		return addVarints(f, &t.Ints64)
	case 8:
		return f.toString(&t.Name)
	case 9:
		t.Raw, t.HasRaw = f.bytes, true
		return f.expect(protowire.BytesType)
	case 10:
		return addDoubles(f, &t.Doubles)
	case 11:
		return addVarints(f, &t.Uints64)
	case 12:
		return f.toString(&t.Doc)
	case 13:
		return addValue(f, &t.External)
	case 14:
		return t.setLocation(f)
	}
	return nil
}

// setLocation reads where the elements are: 0 in the message itself, 1 in another file.
func (t *Tensor) setLocation(f field) error {
	var location ndarray.Type
	if err := toEnum(f, &location); err != nil {
		return err
	}
	if location != 0 && location != 1 {
		return fmt.Errorf("expected location 0 or 1, got %d", location)
	}
	t.IsExternal = location == 1
	return nil
}

func (s *Sequence) set(f field) error {
	switch f.number {
	case 1:
		return f.toString(&s.Name)
	case 2:
		return toEnum(f, &s.Element)
	case 3:
		return addMessage(f, &s.Tensors)
	case 4:
		return errSparse
	case 5:
		return addMessage(f, &s.Sequences)
	case 6:
		return fmt.Errorf("maps are not supported")
	case 7:
		return addMessage(f, &s.Optionals)
	}
	return nil
}

func (o *Optional) set(f field) error {
	switch f.number {
	case 1:
		return f.toString(&o.Name)
	case 2:
		return toEnum(f, &o.Element)
	case 3:
		return toMessage(f, &o.Tensor)
	case 4:
		return errSparse
	case 5:
		return toMessage(f, &o.Sequence)
	case 6:
		return fmt.Errorf("maps are not supported")
	case 7:
		return toMessage(f, &o.Optional)
	}
	return nil
}

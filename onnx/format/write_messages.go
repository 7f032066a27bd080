package format

func (m *Model) put(w *writer) {
	w.integer(1, m.IRVersion)
	w.string(2, m.ProducerName)
	w.string(3, m.ProducerVersion)
	w.string(4, m.Domain)
	w.integer(5, m.ModelVersion)
	w.string(6, m.Doc)
	if m.Graph != nil {
		w.message(7, m.Graph)
	}
	putAll(w, 8, m.Opsets)
	putAll(w, 14, m.Metadata)
	putAll(w, 25, m.Functions)
}

func (o Opset) put(w *writer) {
	w.string(1, o.Domain)
	w.integer(2, o.Version)
}

func (e Entry) put(w *writer) {
	w.string(1, e.Key)
	w.string(2, e.Value)
}

func (g *Graph) put(w *writer) {
	putAll(w, 1, g.Nodes)
	w.string(2, g.Name)
	putAll(w, 5, g.Initializers)
	w.string(10, g.Doc)
	putAll(w, 11, g.Inputs)
	putAll(w, 12, g.Outputs)
	putAll(w, 13, g.Values)
}

func (n *Node) put(w *writer) {
	w.strings(1, n.Inputs)
	w.strings(2, n.Outputs)
	w.string(3, n.Name)
	w.string(4, n.OpType)
	putAll(w, 5, n.Attributes)
	w.string(6, n.Doc)
	w.string(7, n.Domain)
}

func (f *Function) put(w *writer) {
	w.string(1, f.Name)
	w.strings(4, f.Inputs)
	w.strings(5, f.Outputs)
	w.strings(6, f.Attributes)
	putAll(w, 7, f.Nodes)
	w.string(8, f.Doc)
	putAll(w, 9, f.Opsets)
	w.string(10, f.Domain)
	putAll(w, 11, f.Defaults)
}

func (a *Attribute) put(w *writer) {
	w.string(1, a.Name)
	w.float(2, a.Float)
	w.integer(3, a.Int)
	w.string(4, a.String)
	if a.Tensor != nil {
		w.message(5, a.Tensor)
	}
	if a.Graph != nil {
		w.message(6, a.Graph)
	}
	packed(w, 7, a.Floats, appendFloat)
	packed(w, 8, a.Ints, appendVarint)
	w.strings(9, a.Strings)
	putAll(w, 10, a.Tensors)
	putAll(w, 11, a.Graphs)
	w.string(13, a.Doc)
	if a.Type != nil {
		w.message(14, a.Type)
	}
	putAll(w, 15, a.Types)
	w.integer(20, int64(a.Kind))
	w.string(21, a.Reference)
}

func (v *ValueInfo) put(w *writer) {
	w.string(1, v.Name)
	if v.Type != nil {
		w.message(2, v.Type)
	}
	w.string(3, v.Doc)
}

func (t *Type) put(w *writer) {
	switch t.Kind {
	case TensorType:
		w.message(1, tensorBody{t})
	case SparseTensorType:
		w.message(8, tensorBody{t})
	case SequenceType:
		w.message(4, innerBody{t.Inner})
	case OptionalType:
		w.message(9, innerBody{t.Inner})
	case MapType:
		w.message(5, mapBody{t})
	case Unsupported:
		w.raw(7, nil)
	}
}

// tensorBody, innerBody and mapBody are the messages inside of a TypeProto.
type (
	tensorBody struct{ *Type }
	innerBody  struct{ *Type }
	mapBody    struct{ *Type }
)

func (t tensorBody) put(w *writer) {
	w.integer(1, int64(t.Element))
	if t.Ranked {
		w.message(2, &shape{t.Shape})
	}
}

func (t innerBody) put(w *writer) {
	if t.Type != nil {
		w.message(1, t.Type)
	}
}

func (t mapBody) put(w *writer) {
	w.integer(1, int64(t.Element))
	if t.Inner != nil {
		w.message(2, t.Inner)
	}
}

func (s *shape) put(w *writer) { putAll(w, 1, s.dimensions) }

func (d Dimension) put(w *writer) {
	if d.Known {
		w.tag(1, 0) // a length of 0 is not the same as none
		w.bytes = appendVarint(w.bytes, d.Length)
	} else {
		w.string(2, d.Name)
	}
}

func (t *Tensor) put(w *writer) {
	packed(w, 1, t.Shape, appendVarint)
	w.integer(2, int64(t.Type))
	packed(w, 4, t.Floats, appendFloat)
	packed(w, 5, t.Ints32, appendVarint)
	w.strings(6, t.Strings)
	packed(w, 7, t.Ints64, appendVarint)
	w.string(8, t.Name)
	if t.HasRaw {
		w.raw(9, t.Raw)
	}
	packed(w, 10, t.Doubles, appendDouble)
	packed(w, 11, t.Uints64, appendVarint)
	w.string(12, t.Doc)
	putAll(w, 13, t.External)
	if t.IsExternal {
		w.integer(14, 1)
	}
}

func (s *Sequence) put(w *writer) {
	w.string(1, s.Name)
	w.integer(2, int64(s.Element))
	putAll(w, 3, s.Tensors)
	putAll(w, 5, s.Sequences)
	putAll(w, 7, s.Optionals)
}

func (o *Optional) put(w *writer) {
	w.string(1, o.Name)
	w.integer(2, int64(o.Element))
	if o.Tensor != nil {
		w.message(3, o.Tensor)
	}
	if o.Sequence != nil {
		w.message(5, o.Sequence)
	}
	if o.Optional != nil {
		w.message(7, o.Optional)
	}
}

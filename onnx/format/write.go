package format

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// writer appends fields, and leaves out those that hold the value that a reader takes for a missing one.
type writer struct{ bytes []byte }

func (w *writer) tag(number protowire.Number, kind protowire.Type) {
	w.bytes = protowire.AppendTag(w.bytes, number, kind)
}

func (w *writer) integer(number protowire.Number, v int64) {
	if v != 0 {
		w.tag(number, protowire.VarintType)
		w.bytes = protowire.AppendVarint(w.bytes, uint64(v))
	}
}

func (w *writer) float(number protowire.Number, v float32) {
	if math.Float32bits(v) != 0 {
		w.tag(number, protowire.Fixed32Type)
		w.bytes = protowire.AppendFixed32(w.bytes, math.Float32bits(v))
	}
}

func (w *writer) string(number protowire.Number, v string) {
	if v != "" {
		w.element(number, v)
	}
}

func (w *writer) element(number protowire.Number, v string) {
	w.tag(number, protowire.BytesType)
	w.bytes = protowire.AppendString(w.bytes, v)
}

func (w *writer) strings(number protowire.Number, list []string) {
	for _, v := range list {
		w.element(number, v)
	}
}

func (w *writer) raw(number protowire.Number, v []byte) {
	w.tag(number, protowire.BytesType)
	w.bytes = protowire.AppendBytes(w.bytes, v)
}

// packed writes a list of numbers, each appended by one.
func packed[T any](w *writer, number protowire.Number, list []T, one func([]byte, T) []byte) {
	if len(list) == 0 {
		return
	}
	var body []byte
	for _, v := range list {
		body = one(body, v)
	}
	w.raw(number, body)
}

func appendVarint[T int32 | int64 | uint64](b []byte, v T) []byte {
	return protowire.AppendVarint(b, uint64(v))
}

func appendFloat(b []byte, v float32) []byte {
	return protowire.AppendFixed32(b, math.Float32bits(v))
}

func appendDouble(b []byte, v float64) []byte {
	return protowire.AppendFixed64(b, math.Float64bits(v))
}

// encodable is a message that writes its own fields.
type encodable interface{ put(w *writer) }

func encode(m encodable) []byte {
	var w writer
	m.put(&w)
	return w.bytes
}

func (w *writer) message(number protowire.Number, m encodable) { w.raw(number, encode(m)) }

func putAll[M encodable](w *writer, number protowire.Number, list []M) {
	for _, m := range list {
		w.message(number, m)
	}
}

// Encode returns the model as a ModelProto, and likewise for the other messages.
func (m *Model) Encode() []byte    { return encode(m) }
func (t *Tensor) Encode() []byte   { return encode(t) }
func (s *Sequence) Encode() []byte { return encode(s) }
func (o *Optional) Encode() []byte { return encode(o) }

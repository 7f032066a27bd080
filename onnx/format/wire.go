package format

import (
	"errors"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxDepth is how deep messages may stand in messages. Graphs in attributes of nodes of graphs take three each.
const maxDepth = 100

// maxMessages bounds the messages in one file: an empty one takes two bytes there, but hundreds in memory.
const maxMessages = 1 << 22

// message is a struct that takes over the fields of a protocol buffer one after the other. It ignores numbers that it
// does not know.
type message interface {
	set(f field) error
}

// field is one field as it stands on the wire.
type field struct {
	number  protowire.Number
	kind    protowire.Type
	integer uint64 // of varints and fixed-size numbers
	bytes   []byte // of strings, messages and packed lists
	in      nesting
}

// nesting is where in a file a message stands.
type nesting struct {
	depth int
	count *int // of messages read from the file
}

// read hands all fields of data to m.
func read(data []byte, m message, in nesting) error {
	if *in.count++; *in.count > maxMessages {
		return fmt.Errorf("expected at most %d messages", maxMessages)
	}
	if in.depth++; in.depth > maxDepth {
		return fmt.Errorf("expected messages nested at most %d deep", maxDepth)
	}
	for len(data) > 0 {
		f, size, err := nextField(data)
		if err != nil {
			return err
		}
		f.in = in
		if err := m.set(f); err != nil {
			return fmt.Errorf("field %d: %w", f.number, err)
		}
		data = data[size:]
	}
	return nil
}

func nextField(data []byte) (f field, size int, err error) {
	number, kind, tag := protowire.ConsumeTag(data)
	if tag < 0 {
		return f, 0, fmt.Errorf("expected a field's tag: %w", malformed(tag))
	}
	f.number, f.kind = number, kind
	rest, n := data[tag:], 0
	switch kind {
	case protowire.VarintType:
		f.integer, n = protowire.ConsumeVarint(rest)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(rest)
		f.integer = uint64(v)
	case protowire.Fixed64Type:
		f.integer, n = protowire.ConsumeFixed64(rest)
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(rest)
	default:
		n = protowire.ConsumeFieldValue(number, kind, rest)
	}
	if n < 0 {
		return f, 0, fmt.Errorf("field %d: expected its value: %w", number, malformed(n))
	}
	return f, tag + n, nil
}

// malformed is the error that a negative size stands for. The words of protowire's own differ from build to build.
func malformed(size int) error {
	if errors.Is(protowire.ParseError(size), io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	return errors.New("malformed bytes")
}

func (f field) expect(kind protowire.Type) error {
	if f.kind != kind {
		return fmt.Errorf("expected wire type %d, got %d", kind, f.kind)
	}
	return nil
}

func (f field) toString(out *string) error {
	*out = string(f.bytes)
	return f.expect(protowire.BytesType)
}

func (f field) toInt(out *int64) error {
	*out = int64(f.integer)
	return f.expect(protowire.VarintType)
}

func (f field) toFloat(out *float32) error {
	*out = math.Float32frombits(uint32(f.integer))
	return f.expect(protowire.Fixed32Type)
}

// toEnum reads a number of an enumeration or of a type with 32 bits.
func toEnum[E ~int32](f field, out *E) error {
	*out = E(int32(f.integer))
	return f.expect(protowire.VarintType)
}

func (f field) addString(out *[]string) error {
	*out = append(*out, string(f.bytes))
	return f.expect(protowire.BytesType)
}

// toMessage reads a message into *out, which is made unless an earlier field has: the parts of a message that comes
// twice are merged.
func toMessage[M any, P interface {
	*M
	message
}](f field, out **M) error {
	if err := f.expect(protowire.BytesType); err != nil {
		return err
	}
	if *out == nil {
		*out = new(M)
	}
	return read(f.bytes, P(*out), f.in)
}

func addMessage[M any, P interface {
	*M
	message
}](f field, out *[]*M) error {
	var m *M
	err := toMessage[M, P](f, &m)
	*out = append(*out, m)
	return err
}

// decoder takes a number off the front, and tells how many bytes it has; fewer than none are an error.
type decoder func([]byte) (v uint64, size int)

// addNumbers reads a number, or a packed list of them.
func addNumbers[T any](f field, out *[]T, kind protowire.Type, decode decoder, of func(uint64) T) error {
	if f.kind == kind {
		*out = append(*out, of(f.integer))
		return nil
	}
	if f.kind != protowire.BytesType {
		return fmt.Errorf("expected wire type %d or a packed list, got %d", kind, f.kind)
	}
	for rest := f.bytes; len(rest) > 0; {
		v, n := decode(rest)
		if n < 0 {
			return fmt.Errorf("expected a packed list of numbers: %w", malformed(n))
		}
		*out = append(*out, of(v))
		rest = rest[n:]
	}
	return nil
}

func addVarints[T int32 | int64 | uint64](f field, out *[]T) error {
	return addNumbers(f, out, protowire.VarintType, protowire.ConsumeVarint, func(v uint64) T { return T(v) })
}

func addFloats(f field, out *[]float32) error {
	return addNumbers(f, out, protowire.Fixed32Type, consumeFixed32,
		func(v uint64) float32 { return math.Float32frombits(uint32(v)) })
}

func addDoubles(f field, out *[]float64) error {
	return addNumbers(f, out, protowire.Fixed64Type, protowire.ConsumeFixed64, math.Float64frombits)
}

func consumeFixed32(b []byte) (uint64, int) {
	v, n := protowire.ConsumeFixed32(b)
	return uint64(v), n
}

var errSparse = errors.New("sparse tensors are not supported, expected dense ones")

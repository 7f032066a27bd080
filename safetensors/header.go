package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/baremetaldevx86/microdr/array"
)

// types are the element types of the format that an array can have, in the order of the reference implementation: it
// writes tensors from the last type to the first, so that all data are aligned.
var types = []struct {
	name string
	kind array.Type
}{
	{"BOOL", array.Bool}, {"U8", array.Uint8}, {"I8", array.Int8},
	{"I16", array.Int16}, {"U16", array.Uint16}, {"F16", array.Float16}, {"BF16", array.BFloat16},
	{"I32", array.Int32}, {"U32", array.Uint32}, {"F32", array.Float32},
	{"F64", array.Float64}, {"I64", array.Int64}, {"U64", array.Uint64},
}

// header is what the JSON says: offsets count from the end of the header.
type header struct {
	metadata map[string]string // nil: the header has none
	tensors  []tensor
}

type tensor struct {
	name       string
	kind       array.Type
	shape      []int
	begin, end uint64
}

// readHeader returns the header of a file of size bytes.
func readHeader(r io.ReaderAt, size int64) ([]byte, error) {
	if size < lengthBytes {
		return nil, fmt.Errorf("byte 0: a file of %d bytes, expected at least %d", size, lengthBytes)
	}
	var raw [lengthBytes]byte
	if n, err := r.ReadAt(raw[:], 0); n < len(raw) {
		return nil, fmt.Errorf("byte 0: expected a readable header: %w", err)
	}
	n := binary.LittleEndian.Uint64(raw[:])
	if n > MaxHeader || int64(n) > size-lengthBytes {
		return nil, fmt.Errorf("byte 0: a header of %d bytes, expected at most %d", n, min(MaxHeader, size-lengthBytes))
	}
	text := make([]byte, n)
	if n, err := r.ReadAt(text, lengthBytes); n < len(text) {
		return nil, fmt.Errorf("byte %d: expected a readable header: %w", lengthBytes, err)
	}
	return text, nil
}

// check requires that the data of the tensors are as large as their shapes and cover size bytes, one after the other.
// It brings the tensors into that order.
func (h *header) check(size int64) error {
	slices.SortFunc(h.tensors, func(a, b tensor) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.name, b.name))
	})
	at := uint64(0)
	for _, t := range h.tensors {
		n, err := array.Bytes(t.kind, t.shape)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", t.name, err)
		}
		if t.begin != at || t.end-t.begin != uint64(n) || t.end < t.begin {
			return fmt.Errorf("tensor %q: data_offsets [%d,%d], expected [%d,%d] for %d bytes behind the tensor before it",
				t.name, t.begin, t.end, at, at+uint64(n), n)
		}
		at = t.end
	}
	if at != uint64(size) {
		return fmt.Errorf("%d bytes of data, expected the %d that the header describes", size, at)
	}
	return nil
}

// parser reads JSON token by token: encoding/json itself would take the last of two members of the same name.
type parser struct {
	dec *json.Decoder
}

// parseHeader reads the header. The number is the byte of the text behind what is wrong.
func parseHeader(text []byte) (*header, int, error) {
	if !utf8.Valid(text) {
		return nil, invalidUTF8(text), errors.New("expected valid UTF-8")
	}
	if at := loneSurrogate(text); at >= 0 {
		return nil, at, errors.New("expected surrogates in pairs")
	}
	if len(text) == 0 || text[0] != '{' {
		return nil, 0, fmt.Errorf("expected '{', found %.10q", text)
	}
	p := &parser{json.NewDecoder(bytes.NewReader(text))}
	p.dec.UseNumber()
	h, err := p.header()
	if err == nil {
		if token, end := p.dec.Token(); end != io.EOF {
			err = fmt.Errorf("expected nothing but spaces behind the JSON, found %v", describe(token, end))
		}
	}
	return h, int(p.dec.InputOffset()), err
}

func invalidUTF8(text []byte) int {
	at := 0
	for {
		r, n := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && n <= 1 {
			return at
		}
		at += n
	}
}

// loneSurrogate returns where half of an escaped UTF-16 pair stands alone, -1 if nowhere: encoding/json would read it,
// and several names with it as the same. JSON has backslashes only in strings.
func loneSurrogate(text []byte) int {
	for at := 0; at < len(text); at++ {
		if text[at] != '\\' {
			continue
		}
		first := escaped(text[at:])
		if !utf16.IsSurrogate(first) {
			at++ // which may be a backslash, too
			continue
		}
		if utf16.DecodeRune(first, escaped(text[at+escapeBytes:])) == utf8.RuneError {
			return at
		}
		at += 2*escapeBytes - 1
	}
	return -1
}

// escapeBytes is the length of \uXXXX.
const escapeBytes = 6

// escaped returns the number in a \uXXXX that text starts with, -1 if it starts with anything else.
func escaped(text []byte) rune {
	if len(text) < escapeBytes || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	v, err := strconv.ParseUint(string(text[2:escapeBytes]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(v)
}

// describe gives a token, or why there is none, as text.
func describe(token json.Token, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.40q", fmt.Sprint(token))
}

// object reads an object; member reads the value of each name. Names that come twice are refused.
func (p *parser) object(what string, member func(name string) error) error {
	if token, err := p.dec.Token(); err != nil || token != json.Delim('{') {
		return fmt.Errorf("expected %s to be an object, found %s", what, describe(token, err))
	}
	seen := map[string]bool{}
	for p.dec.More() {
		token, err := p.dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return fmt.Errorf("expected a name in %s, found %s", what, describe(token, err))
		}
		if seen[name] {
			return fmt.Errorf("%q stands twice in %s, expected once", name, what)
		}
		seen[name] = true
		if err := member(name); err != nil {
			return err
		}
	}
	if token, err := p.dec.Token(); err != nil {
		return fmt.Errorf("expected the end of %s, found %s", what, describe(token, err))
	}
	return nil
}

func (p *parser) header() (*header, error) {
	h := &header{}
	err := p.object("the header", func(name string) error {
		if name == metadataKey {
			return p.metadata(h)
		}
		t, err := p.tensor(name)
		h.tensors = append(h.tensors, t)
		return err
	})
	return h, err
}

func (p *parser) metadata(h *header) error {
	h.metadata = map[string]string{}
	return p.object(metadataKey, func(name string) error {
		token, err := p.dec.Token()
		text, ok := token.(string)
		if err != nil || !ok {
			return fmt.Errorf("expected %s %q to be a text, found %s", metadataKey, name, describe(token, err))
		}
		h.metadata[name] = text
		return nil
	})
}

// tensor reads what the header says of one. Members that the format does not name are passed over, as the reference
// implementation does.
func (p *parser) tensor(name string) (tensor, error) {
	t, missing := tensor{name: name}, map[string]bool{"dtype": true, "shape": true, "data_offsets": true}
	what := fmt.Sprintf("tensor %q", name)
	err := p.object(what, func(member string) (err error) {
		delete(missing, member)
		switch member {
		case "dtype":
			t.kind, err = p.kind(what)
		case "shape":
			t.shape, err = p.shape(what)
		case "data_offsets":
			t.begin, t.end, err = p.offsets(what)
		default:
			var unknown json.RawMessage
			err = p.dec.Decode(&unknown)
		}
		return err
	})
	for _, member := range []string{"dtype", "shape", "data_offsets"} {
		if err == nil && missing[member] {
			err = fmt.Errorf("%s has no %s, expected one", what, member)
		}
	}
	return t, err
}

func (p *parser) kind(what string) (array.Type, error) {
	token, err := p.dec.Token()
	for _, t := range types {
		if err == nil && token == t.name {
			return t.kind, nil
		}
	}
	return "", fmt.Errorf("%s: dtype %s, expected F16, BF16, F32, F64, I8 to I64, U8 to U64 or BOOL",
		what, describe(token, err))
}

func (p *parser) shape(what string) ([]int, error) {
	sizes, err := p.integers(what+": shape", math.MaxInt)
	shape := make([]int, len(sizes))
	for i, size := range sizes {
		shape[i] = int(size)
	}
	return shape, err
}

func (p *parser) offsets(what string) (begin, end uint64, err error) {
	offsets, err := p.integers(what+": data_offsets", math.MaxInt64)
	if err == nil && len(offsets) != 2 {
		err = fmt.Errorf("%s: %d data_offsets, expected 2", what, len(offsets))
	}
	if err != nil {
		return 0, 0, err
	}
	return offsets[0], offsets[1], nil
}

// integers reads an array of integers from 0 to limit, written without a point or an exponent.
func (p *parser) integers(what string, limit uint64) ([]uint64, error) {
	if token, err := p.dec.Token(); err != nil || token != json.Delim('[') {
		return nil, fmt.Errorf("expected %s to be an array, found %s", what, describe(token, err))
	}
	out := []uint64{}
	for p.dec.More() {
		token, err := p.dec.Token()
		number, ok := token.(json.Number)
		value, fails := strconv.ParseUint(string(number), 10, 64)
		if err != nil || !ok || fails != nil || value > limit {
			return nil, fmt.Errorf("expected %s to be integers from 0 to %d, found %s", what, limit, describe(token, err))
		}
		out = append(out, value)
	}
	if token, err := p.dec.Token(); err != nil {
		return nil, fmt.Errorf("expected the end of %s, found %s", what, describe(token, err))
	}
	return out, nil
}

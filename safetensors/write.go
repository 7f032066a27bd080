package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/baremetaldevx86/microdr/array"
	"github.com/baremetaldevx86/microdr/internal/atomicfile"
)

// Save writes tensors and metadata (which may be nil) to path, whole or not at all: see Encode.
func Save(path string, tensors map[string]*array.Array, metadata map[string]string) error {
	err := atomicfile.Write(path, func(w io.Writer) error { return encode(w, tensors, metadata) })
	if err != nil {
		return fmt.Errorf("safetensors: %s: %w", path, err)
	}
	return nil
}

// Encode writes a file with the bytes of the reference implementation: tensors from the largest alignment to the
// smallest, by name among those of one type, so that all data are aligned; a header filled with spaces to a multiple of
// 8 bytes. Metadata are sorted by name. Equal tensors and metadata give equal bytes.
func Encode(w io.Writer, tensors map[string]*array.Array, metadata map[string]string) error {
	if err := encode(w, tensors, metadata); err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	return nil
}

func encode(w io.Writer, tensors map[string]*array.Array, metadata map[string]string) error {
	if err := checkTexts(tensors, metadata); err != nil {
		return err
	}
	names := slices.SortedFunc(maps.Keys(tensors), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(tensors[b].Type), rank(tensors[a].Type)), cmp.Compare(a, b))
	})
	header := formatHeader(names, tensors, metadata)
	if err := checkLength(header); err != nil {
		return err
	}
	if _, err := w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))); err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := w.Write(tensors[name].Data); err != nil {
			return err
		}
	}
	return nil
}

func checkLength(header []byte) error {
	if len(header) > MaxHeader {
		return fmt.Errorf("a header of %d bytes, expected at most %d: fewer or shorter names", len(header), MaxHeader)
	}
	return nil
}

// checkTexts requires whole tensors, and texts that come out of the JSON as they went in.
func checkTexts(tensors map[string]*array.Array, metadata map[string]string) error {
	for name, a := range tensors {
		if name == metadataKey || !utf8.ValidString(name) {
			return fmt.Errorf("a tensor named %q, expected valid UTF-8 and not %s", name, metadataKey)
		}
		if err := a.Check(); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
	}
	for key, text := range metadata {
		if !utf8.ValidString(key) || !utf8.ValidString(text) {
			return fmt.Errorf("metadata %q: %q, expected valid UTF-8", key, text)
		}
	}
	return nil
}

// rank is the place of a type in the format's order.
func rank(kind array.Type) int {
	for i, t := range types {
		if t.kind == kind {
			return i
		}
	}
	return -1
}

func formatHeader(names []string, tensors map[string]*array.Array, metadata map[string]string) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	if metadata != nil {
		fmt.Fprintf(&b, "%s:{", quote(metadataKey))
		for i, key := range slices.Sorted(maps.Keys(metadata)) {
			separate(&b, i)
			fmt.Fprintf(&b, "%s:%s", quote(key), quote(metadata[key]))
		}
		b.WriteByte('}')
		if len(names) > 0 {
			b.WriteByte(',')
		}
	}
	begin := 0
	for i, name := range names {
		separate(&b, i)
		a := tensors[name]
		end := begin + len(a.Data)
		fmt.Fprintf(&b, `%s:{"dtype":"%s","shape":[`, quote(name), types[rank(a.Type)].name)
		for k, side := range a.Shape {
			separate(&b, k)
			fmt.Fprint(&b, side)
		}
		fmt.Fprintf(&b, `],"data_offsets":[%d,%d]}`, begin, end)
		begin = end
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	return b.Bytes()
}

func separate(b *bytes.Buffer, i int) {
	if i > 0 {
		b.WriteByte(',')
	}
}

// quote returns text as JSON. As in the reference implementation only what must be is escaped: encoding/json would also
// escape line separators.
func quote(text string) string {
	const short = "\b\t\n\f\r\"\\"
	const letters = `btnfr"` + `\`
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		if i := strings.IndexRune(short, r); i >= 0 {
			b.WriteByte('\\')
			b.WriteByte(letters[i])
		} else if r < ' ' {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

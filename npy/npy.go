// Package npy reads and writes arrays in the files of NumPy: one array in .npy, named ones in .npz. It must not know
// what an array means, and trusts no size that a file states before it has seen that many bytes. Start with Load and
// Save; LoadZip and SaveZip are their twins for .npz.
//
// The formats are those of NumPy Enhancement Proposal 1 and of numpy.lib.format: versions 1.0, 2.0 and 3.0.
package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/baremetaldevx86/microdr/array"
	"github.com/baremetaldevx86/microdr/internal/atomicfile"
)

// magic starts every file.
const magic = "\x93NUMPY"

// maxHeader bounds the header of versions 2.0 and 3.0, whose length has 32 bits. NumPy itself evaluates 10,000 bytes.
const maxHeader = 1 << 16

// preamble is the bytes before the header: the magic, two of the version, and the length, which has 2 or 4.
const preamble = len(magic) + 2

// Load reads the array of the .npy file at path, which must end with it. Errors read "npy: path: byte n: what was
// expected".
func Load(path string) (*array.Array, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("npy: expected a readable file: %w", err)
	}
	defer f.Close()
	a, err := decodeWhole(f)
	if err != nil {
		return nil, fmt.Errorf("npy: %s: %w", path, err)
	}
	return a, nil
}

// Decode reads one array and nothing behind it, so that arrays can follow each other. Both byte orders and both orders
// of the elements are read; the array is little-endian in C order. Memory grows with what r has and not with what the
// header says.
func Decode(r io.Reader) (*array.Array, error) {
	a, err := decode(&counter{r: r})
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	return a, nil
}

// Save writes the array to path, whole or not at all. bf2 is refused: NumPy has no such type.
func Save(path string, a *array.Array) error {
	err := atomicfile.Write(path, func(w io.Writer) error { return encode(w, a) })
	if err != nil {
		return fmt.Errorf("npy: %s: %w", path, err)
	}
	return nil
}

// Encode writes the array, in C order and little-endian, with the bytes that NumPy gives it: in version 1.0, or 2.0
// where the header is too long for it.
func Encode(w io.Writer, a *array.Array) error {
	if err := encode(w, a); err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	return nil
}

// counter knows at which byte a reader is.
type counter struct {
	r  io.Reader
	at int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.at += n
	return n, err
}

// take reads n bytes. It allocates as they come.
func (c *counter) take(n int, what string) ([]byte, error) {
	began := c.at
	data, err := array.ReadData(c, n)
	if err != nil {
		return nil, fmt.Errorf("byte %d: expected %s to be readable: %w", c.at, what, err)
	}
	if len(data) < n {
		return nil, fmt.Errorf("byte %d: the file ends after %d bytes of %s, expected %d", c.at, c.at-began, what, n)
	}
	return data, nil
}

// decodeWhole reads one array and requires that nothing follows.
func decodeWhole(r io.Reader) (*array.Array, error) {
	c := &counter{r: r}
	a, err := decode(c)
	if err != nil {
		return nil, err
	}
	end := c.at
	if n, err := io.ReadFull(c, make([]byte, 1)); n > 0 || err != io.EOF {
		return nil, fmt.Errorf("byte %d: expected the end of the file behind %s of shape %v", end, a.Type, a.Shape)
	}
	return a, nil
}

func decode(c *counter) (*array.Array, error) {
	h, err := decodeHeader(c)
	if err != nil {
		return nil, err
	}
	n, err := array.Bytes(h.kind, h.shape)
	if err != nil {
		return nil, fmt.Errorf("byte %d: %w", preamble, err)
	}
	data, err := c.take(n, "data")
	if err != nil {
		return nil, err
	}
	if h.bigEndian {
		array.SwapBytes(data, h.kind.Size())
	}
	if h.fortran {
		data = fromFortran(data, h.shape, h.kind.Size())
	}
	return &array.Array{Type: h.kind, Shape: h.shape, Data: data}, nil
}

func decodeHeader(c *counter) (*header, error) {
	start, err := c.take(preamble, "magic and version")
	if err != nil {
		return nil, err
	}
	if string(start[:len(magic)]) != magic {
		return nil, fmt.Errorf("byte 0: expected \\x93NUMPY, found %q", start[:len(magic)])
	}
	major, minor := start[len(magic)], start[len(magic)+1]
	if major < 1 || major > 3 || minor != 0 {
		return nil, fmt.Errorf("byte %d: version %d.%d, expected 1.0, 2.0 or 3.0", len(magic), major, minor)
	}
	n, err := headerLength(c, major)
	if err != nil {
		return nil, err
	}
	if n > maxHeader {
		return nil, fmt.Errorf("byte %d: a header of %d bytes, expected at most %d", preamble, n, maxHeader)
	}
	began := c.at
	text, err := c.take(n, "header")
	if err != nil {
		return nil, err
	}
	h, at, err := parseHeader(string(text))
	if err != nil {
		return nil, fmt.Errorf("byte %d: header: %w", began+at, err)
	}
	return h, nil
}

func headerLength(c *counter, major byte) (int, error) {
	width := 4
	if major == 1 {
		width = 2
	}
	raw, err := c.take(width, "the header's length")
	if err != nil {
		return 0, err
	}
	return int(binary.LittleEndian.Uint32(append(raw, 0, 0)[:4])), nil
}

// fromFortran returns the elements with the last index fastest, where data has the first fastest.
func fromFortran(data []byte, shape []int, size int) []byte {
	if len(shape) < 2 || len(data) == 0 {
		return data
	}
	strides := make([]int, len(shape)) // bytes between neighbours along an axis of data
	step := size
	for axis, side := range shape {
		strides[axis] = step
		step *= side
	}
	out := make([]byte, 0, len(data))
	index, from := make([]int, len(shape)), 0
	for len(out) < len(data) {
		out = append(out, data[from:from+size]...)
		for axis := len(shape) - 1; axis >= 0; axis-- {
			index[axis]++
			from += strides[axis]
			if index[axis] < shape[axis] {
				break
			}
			from -= strides[axis] * shape[axis]
			index[axis] = 0
		}
	}
	return out
}

func encode(w io.Writer, a *array.Array) error {
	if err := a.Check(); err != nil {
		return err
	}
	if a.Type == array.BFloat16 {
		return errors.New("element type bf2, expected one that NumPy has: convert to f4")
	}
	if _, err := w.Write(formatHeader(a)); err != nil {
		return err
	}
	_, err := w.Write(a.Data)
	return err
}

// growth is the digits for which NumPy leaves room in the header, so that the first size can grow in place.
const growth = 21

// formatHeader returns all bytes before the data: a multiple of 64, for whoever maps the file.
func formatHeader(a *array.Array) []byte {
	order := "<"
	if a.Type.Size() == 1 {
		order = "|"
	}
	var shape strings.Builder
	for i, side := range a.Shape {
		fmt.Fprintf(&shape, "%d,", side)
		if i+1 < len(a.Shape) {
			shape.WriteByte(' ')
		}
	}
	sizes := shape.String()
	if len(a.Shape) > 1 { // only a tuple of one ends with a comma
		sizes = strings.TrimSuffix(sizes, ",")
	}
	text := fmt.Sprintf("{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }", order, a.Type, sizes)
	if len(a.Shape) > 0 {
		text += strings.Repeat(" ", growth-len(fmt.Sprint(a.Shape[0])))
	}
	// 64 dimensions take at most 1400 bytes, so that version 1.0 is always enough.
	const align = 64
	before := preamble + 2
	text += strings.Repeat(" ", align-1-(before+len(text))%align) + "\n"
	out := bytes.NewBufferString(magic + "\x01\x00")
	out.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(text))))
	out.WriteString(text)
	return out.Bytes()
}

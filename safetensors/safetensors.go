// Package safetensors reads and writes files of named tensors in the format of Hugging Face's safetensors. It must not
// know what a tensor is for, and refuses whatever the reference implementation refuses, before it reads any data. Start
// with Open and Save.
//
// A file is 8 bytes that say how long the header is, the header in JSON, and the data of all tensors without a gap:
// see github.com/huggingface/safetensors, "Format".
package safetensors

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/baremetaldevx86/microdr/array"
)

// MaxHeader is the longest header in bytes, as in the reference implementation.
const MaxHeader = 100_000_000

// lengthBytes is what stands before the header.
const lengthBytes = 8

// metadataKey is in the header what no tensor may be named.
const metadataKey = "__metadata__"

// File is a file of tensors whose header was read and found right. Tensors are read when they are asked for. Several
// goroutines may use it at once.
type File struct {
	data     io.ReaderAt
	closer   io.Closer
	path     string // with ": ", for errors
	tensors  map[string]Info
	names    []string
	metadata map[string]string
}

// Info says what a tensor is and where its data lies.
type Info struct {
	Type   array.Type
	Shape  []int
	Offset int64 // in the file, in bytes
	Bytes  int   // of data
}

// Open reads the header of the file at path and checks that it describes the whole file. The file stays open until
// Close, and must not change before. Errors read "safetensors: path: byte n: what was expected".
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: expected a readable file: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("safetensors: expected a readable file: %w", err), f.Close())
	}
	file, err := open(f, info.Size(), path+": ")
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	file.closer = f
	return file, nil
}

// Decode reads the header of a file of size bytes that lies in r, which must stay as it is while the File is used.
func Decode(r io.ReaderAt, size int64) (*File, error) { return open(r, size, "") }

func open(r io.ReaderAt, size int64, path string) (*File, error) {
	text, err := readHeader(r, size)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s%w", path, err)
	}
	h, at, err := parseHeader(text)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %sbyte %d: header: %w", path, lengthBytes+at, err)
	}
	begin := int64(lengthBytes + len(text))
	if err := h.check(size - begin); err != nil {
		return nil, fmt.Errorf("safetensors: %s%w", path, err)
	}
	f := &File{data: r, path: path, tensors: map[string]Info{}, metadata: h.metadata}
	for _, t := range h.tensors {
		f.names = append(f.names, t.name)
		f.tensors[t.name] = Info{t.kind, t.shape, begin + int64(t.begin), int(t.end - t.begin)}
	}
	return f, nil
}

// Names returns the names of all tensors, in the order of their data.
func (f *File) Names() []string { return slices.Clone(f.names) }

// Metadata returns the texts that the file has beside its tensors, by name; nil if it has no place for them.
func (f *File) Metadata() map[string]string { return maps.Clone(f.metadata) }

// Info returns what the header says of a tensor, and whether there is one of that name.
func (f *File) Info(name string) (Info, bool) {
	t, ok := f.tensors[name]
	t.Shape = slices.Clone(t.Shape)
	return t, ok
}

// Read reads a tensor.
func (f *File) Read(name string) (*array.Array, error) {
	t, ok := f.Info(name)
	if !ok {
		return nil, f.absent(name)
	}
	a := &array.Array{Type: t.Type, Shape: t.Shape, Data: make([]byte, t.Bytes)}
	return a, f.ReadInto(a.Data, name)
}

// ReadInto reads the data of a tensor to dst, which must have its size (see Info).
func (f *File) ReadInto(dst []byte, name string) error {
	t, ok := f.tensors[name]
	if !ok {
		return f.absent(name)
	}
	if len(dst) != t.Bytes {
		return fmt.Errorf("safetensors: %s%d bytes for tensor %q, expected %d", f.path, len(dst), name, t.Bytes)
	}
	if n, err := f.data.ReadAt(dst, t.Offset); n < len(dst) {
		return fmt.Errorf("safetensors: %sbyte %d: expected %d bytes of tensor %q, which Open had found: %w",
			f.path, t.Offset+int64(n), len(dst)-n, name, err)
	}
	return nil
}

func (f *File) absent(name string) error {
	return fmt.Errorf("safetensors: %stensor %q, expected one of the %d that the file has", f.path, name, len(f.names))
}

// Close closes the file that Open opened. Nothing can be read afterwards.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

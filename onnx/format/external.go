package format

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// maxFile is the size of the largest file that is read: protocol buffers end at 2 GiB.
const maxFile = 2<<30 - 1

// Load reads a model and the files beside it that hold elements of its tensors. Errors name the file; a file outside
// of the model's folder, a link that leads there among them, is refused.
func Load(path string) (*Model, error) {
	data, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, path)
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	defer root.Close()
	return m, m.LoadExternal(root)
}

// ReadFile reads a file of at most 2 GiB.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("onnx: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("onnx: %s: expected a regular file", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("onnx: %s: expected at most %d bytes", path, maxFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	return data, nil
}

// LoadExternal reads the elements of all tensors that are in other files, below root.
func (m *Model) LoadExternal(root *os.Root) error {
	for t := range m.tensors() {
		if !t.IsExternal {
			continue
		}
		if err := t.loadExternal(root); err != nil {
			return fmt.Errorf("onnx: tensor %q: external data: %w", t.Name, err)
		}
	}
	return nil
}

func (t *Tensor) loadExternal(root *os.Root) error {
	_, n, err := t.shape()
	if err != nil {
		return err
	}
	where, err := t.external()
	if err != nil {
		return err
	}
	size := int64(n * t.Type.Size())
	if size == 0 && n > 0 {
		return fmt.Errorf("expected elements of fixed size, got %v", t.Type)
	}
	if where.length >= 0 && where.length != size {
		return fmt.Errorf("expected a length of %d bytes, got %d", size, where.length)
	}
	raw, err := readPart(root, where, size)
	if err != nil {
		return err
	}
	t.Raw, t.HasRaw, t.IsExternal, t.External = raw, true, false, nil
	return nil
}

// place is a part of a file. A negative length is one that is not given.
type place struct {
	path           string
	offset, length int64
}

func (t *Tensor) external() (place, error) {
	p := place{length: -1}
	for _, e := range t.External {
		var err error
		switch e.Key {
		case "location":
			p.path = filepath.FromSlash(e.Value)
		case "offset":
			p.offset, err = bytesOf(e)
		case "length":
			p.length, err = bytesOf(e)
		}
		if err != nil {
			return p, err
		}
	}
	if !filepath.IsLocal(p.path) {
		return p, fmt.Errorf("expected a file in the model's folder, got %q", p.path)
	}
	return p, nil
}

func bytesOf(e Entry) (int64, error) {
	v, err := strconv.ParseUint(e.Value, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("expected %s to be a number of bytes, got %q", e.Key, e.Value)
	}
	return int64(v), nil
}

// readPart looks at the file's size before it allocates.
func readPart(root *os.Root, p place, size int64) ([]byte, error) {
	f, err := root.Open(p.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: expected a regular file", p.path)
	}
	if p.offset > info.Size() || size > info.Size()-p.offset {
		return nil, fmt.Errorf("%s: expected %d bytes from byte %d on, the file has %d", p.path, size, p.offset, info.Size())
	}
	data := make([]byte, size)
	if _, err := f.ReadAt(data, p.offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return data, nil
}

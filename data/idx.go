package data

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/baremetaldevx86/microdr/array"
)

// idxTypes are the element types of the IDX format by their code: "The IDX file format" on the page of the MNIST
// database (LeCun, Cortes, Burges).
var idxTypes = map[byte]array.Type{
	0x08: array.Uint8, 0x09: array.Int8, 0x0B: array.Int16, 0x0C: array.Int32, 0x0D: array.Float32, 0x0E: array.Float64,
}

// LoadIDX reads the IDX file at path, which may be compressed with gzip whatever its name. Errors read "data: path:
// byte n: what was expected", where bytes are those of the uncompressed file.
func LoadIDX(path string) (*array.Array, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("data: expected a readable file: %w", err)
	}
	defer f.Close()
	a, err := decodeIDX(f)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", path, err)
	}
	return a, nil
}

// DecodeIDX reads an IDX file up to its end, compressed with gzip or not. Its length must be what the sizes in it say;
// memory grows with what r has.
func DecodeIDX(r io.Reader) (*array.Array, error) {
	a, err := decodeIDX(r)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return a, nil
}

// decodeIDX tells the two apart by the first bytes: those of an IDX file are 0.
func decodeIDX(r io.Reader) (*array.Array, error) {
	b := bufio.NewReader(r)
	if start, err := b.Peek(2); err == nil && start[0] == 0x1f && start[1] == 0x8b {
		unzipped, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("byte 0: expected a gzip header: %w", err)
		}
		return decodePlainIDX(unzipped)
	}
	return decodePlainIDX(b)
}

// decodePlainIDX reads two bytes of 0, the type, the number of dimensions, their sizes in 32 bits and the elements, all
// big-endian.
func decodePlainIDX(r io.Reader) (*array.Array, error) {
	start, err := takeIDX(r, 0, 4, "the magic number")
	if err != nil {
		return nil, err
	}
	kind, dimensions := idxTypes[start[2]], int(start[3])
	if start[0] != 0 || start[1] != 0 || kind == "" {
		return nil, fmt.Errorf("byte 0: magic number %x, expected 0000 and 08, 09, 0b, 0c, 0d or 0e", start)
	}
	sizes, err := takeIDX(r, 4, 4*dimensions, "sizes")
	if err != nil {
		return nil, err
	}
	shape := make([]int, dimensions)
	for i := range shape {
		shape[i] = int(binary.BigEndian.Uint32(sizes[4*i:]))
	}
	n, err := array.Bytes(kind, shape)
	if err != nil {
		return nil, fmt.Errorf("byte 4: %w", err)
	}
	data, err := takeIDX(r, 4+4*dimensions, n, fmt.Sprintf("%s of shape %v", kind, shape))
	if err != nil {
		return nil, err
	}
	if err := expectEnd(r, 4+4*dimensions+n); err != nil {
		return nil, err
	}
	array.SwapBytes(data, kind.Size())
	return &array.Array{Type: kind, Shape: shape, Data: data}, nil
}

// expectEnd also lets gzip compare the checksum, which it does at the end.
func expectEnd(r io.Reader, at int) error {
	n, err := io.ReadFull(r, make([]byte, 1))
	switch {
	case n > 0:
		return fmt.Errorf("byte %d: more data, expected the end of the file", at)
	case err != io.EOF:
		return fmt.Errorf("byte %d: expected the end of the file: %w", at, err)
	}
	return nil
}

// takeIDX reads n bytes that begin at byte at.
func takeIDX(r io.Reader, at, n int, what string) ([]byte, error) {
	data, err := array.ReadData(r, n)
	if err != nil {
		return nil, fmt.Errorf("byte %d: expected %s to be readable: %w", at, what, err)
	}
	if len(data) < n {
		return nil, fmt.Errorf("byte %d: the file ends after %d bytes of %s, expected %d", at+len(data), len(data), what, n)
	}
	return data, nil
}

package array

import (
	"io"
	"slices"
)

// trusted is how many bytes may be allocated before any of them was seen.
const trusted = 1 << 20

// ReadData reads up to n bytes; fewer without an error mean that r ended. The buffer at most doubles what was already
// read, so that a file which only says that it is large costs no memory.
func ReadData(r io.Reader, n int) ([]byte, error) {
	data := make([]byte, 0, min(n, trusted))
	for len(data) < n {
		if len(data) == cap(data) {
			data = slices.Grow(data, min(len(data), n-len(data)))
		}
		read, err := io.ReadFull(r, data[len(data):min(cap(data), n)])
		data = data[:len(data)+read]
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return data, nil
}

package npy

import (
	"archive/zip"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/baremetaldevx86/microdr/array"
	"github.com/baremetaldevx86/microdr/internal/atomicfile"
)

// MaxUnpacked is the limit in bytes for what the arrays of a .npz file take together: a kilobyte of a deflated file
// can stand for a megabyte, and a person who opens it should not find out by running out of memory.
const MaxUnpacked = 1 << 34

// LoadZip reads all arrays of the .npz file at path, by name without ".npy". Errors read "npy: path: name: byte n:
// what was expected".
func LoadZip(path string) (map[string]*array.Array, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("npy: expected a readable file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("npy: expected a readable file: %w", err)
	}
	arrays, err := decodeZip(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("npy: %s: %w", path, err)
	}
	return arrays, nil
}

// DecodeZip reads all arrays of a .npz file of size bytes. Entries are stored or deflated; their checksums are
// verified. Names that occur twice are refused, and so is an entry that is not an array.
func DecodeZip(r io.ReaderAt, size int64) (map[string]*array.Array, error) {
	arrays, err := decodeZip(r, size)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	return arrays, nil
}

func decodeZip(r io.ReaderAt, size int64) (map[string]*array.Array, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("expected a zip file: %w", err)
	}
	arrays, room := map[string]*array.Array{}, int64(MaxUnpacked)
	for _, entry := range archive.File {
		name, ok := strings.CutSuffix(entry.Name, ".npy")
		if _, double := arrays[name]; !ok || double {
			return nil, fmt.Errorf("entry %q, expected names that end with .npy, each once", entry.Name)
		}
		a, err := decodeEntry(entry, &room)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name, err)
		}
		arrays[name] = a
	}
	return arrays, nil
}

// decodeEntry takes what the array needs from room. archive/zip compares size and checksum at the end of the entry,
// which decodeWhole reads up to.
func decodeEntry(entry *zip.File, room *int64) (*array.Array, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, fmt.Errorf("expected an entry that is stored or deflated: %w", err)
	}
	defer r.Close()
	limited := &io.LimitedReader{R: r, N: *room}
	a, err := decodeWhole(limited)
	if limited.N == 0 && *room > 0 {
		return nil, fmt.Errorf("more than %d bytes, expected at most that for all arrays", int64(MaxUnpacked))
	}
	*room = limited.N
	return a, err
}

// SaveZip writes the arrays to path, whole or not at all: see EncodeZip.
func SaveZip(path string, arrays map[string]*array.Array, deflate bool) error {
	err := atomicfile.Write(path, func(w io.Writer) error { return encodeZip(w, arrays, deflate) })
	if err != nil {
		return fmt.Errorf("npy: %s: %w", path, err)
	}
	return nil
}

// EncodeZip writes a .npz file, sorted by name and without times, so that equal arrays give equal bytes. Entries are
// stored, as numpy.savez has them, or deflated, as numpy.savez_compressed.
func EncodeZip(w io.Writer, arrays map[string]*array.Array, deflate bool) error {
	if err := encodeZip(w, arrays, deflate); err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	return nil
}

func encodeZip(w io.Writer, arrays map[string]*array.Array, deflate bool) error {
	archive := zip.NewWriter(w)
	method := zip.Store
	if deflate {
		method = zip.Deflate
	}
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		entry, err := archive.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: method, Modified: time.Time{}})
		if err == nil {
			err = encode(entry, arrays[name])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return archive.Close()
}

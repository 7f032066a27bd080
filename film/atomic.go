package film

import (
	"fmt"
	"io"

	"github.com/baremetaldevx86/microdr/internal/atomicfile"
)

// WriteFile writes data to path, whole or not at all, as WriteAtomic does.
func WriteFile(path string, data []byte) error {
	return WriteAtomic(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteAtomic writes what write produces to a temporary file in the folder of path, syncs it to disk and renames it to
// path: see atomicfile.Write, whose errors it gives as "film: path: what was expected".
func WriteAtomic(path string, write func(io.Writer) error) error {
	if err := atomicfile.Write(path, write); err != nil {
		return fmt.Errorf("film: %s: %w", path, err)
	}
	return nil
}

// Package atomicfile writes files that readers see whole or not at all. It must not know what is in a file, nor which
// package wrote it: whoever calls puts its own name and the path before an error. Start with Write.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Write writes what write produces to a temporary file in the folder of path, syncs it to disk and renames it to path.
// Readers see the old file or the whole new one; after any failure (or a panic of write) the temporary file is gone and
// path is as it was. Mode is 0666 less the umask. path may not name something that is there and is not a regular file:
// a device or a folder is never replaced. Errors say what was expected, without the path.
func Write(path string, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return errors.New("expected a regular file or a new name")
	}
	f, err := createTemp(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("expected a folder that can be written: %w", cause(err))
	}
	renamed := false
	defer func() {
		f.Close() // a second Close after success only returns an error
		if !renamed {
			os.Remove(f.Name())
		}
	}()
	if err := fill(f, write); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("expected to rename the finished file: %w", cause(err))
	}
	renamed = true
	syncFolder(filepath.Dir(path))
	return nil
}

// createTemp opens a new hidden file. os.CreateTemp would make it private to the user; results are meant to be
// shared.
func createTemp(folder string) (*os.File, error) {
	for i := 0; ; i++ {
		name := filepath.Join(folder, fmt.Sprintf(".microdr-%d-%d.tmp", os.Getpid(), i))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// fill writes, syncs and closes. The buffered writer remembers a failed write even if write ignores it. Errors of
// write's own (a bad value, another file) pass as they are; those of f lose the temporary name, which would only
// confuse.
func fill(f *os.File, write func(io.Writer) error) error {
	b := bufio.NewWriter(f)
	for _, step := range []func() error{func() error { return write(b) }, b.Flush, f.Sync, f.Close} {
		err := step()
		var own *fs.PathError
		if errors.As(err, &own) && own.Path == f.Name() {
			return fmt.Errorf("expected to write the whole file: %w", own.Err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// syncFolder makes the new name itself durable, where the system can do that. The file is complete either way, so
// failing is no error.
func syncFolder(folder string) {
	if runtime.GOOS == "windows" {
		return
	}
	if d, err := os.Open(folder); err == nil {
		d.Sync()
		d.Close()
	}
}

// cause strips the operation and the path that package os puts in front of a system error; callers name the path.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}

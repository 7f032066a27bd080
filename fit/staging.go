package fit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// InputError is a mistake in the scene, or in an image that it names.
type InputError struct{ Err error }

// FolderError is a run folder that could not be made or written.
type FolderError struct{ Err error }

func (e *InputError) Error() string  { return e.Err.Error() }
func (e *InputError) Unwrap() error  { return e.Err }
func (e *FolderError) Error() string { return e.Err.Error() }
func (e *FolderError) Unwrap() error { return e.Err }

// staging is where a run's files are written until all of them are there:
// a folder within the run folder, so that they only have to be renamed. Until
// then an earlier run in the folder stays as it was; after a failure nothing
// of this one is left.
type staging struct {
	folder string
	temp   string   // "" once published or discarded
	made   []string // folders that were not there before, outermost first
}

// openStaging makes the run folder and a staging folder in it.
func openStaging(folder string) (*staging, error) {
	s := &staging{folder: folder}
	for path := filepath.Clean(folder); ; path = filepath.Dir(path) {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		s.made = append(s.made, path)
	}
	slices.Reverse(s.made)
	s.temp = filepath.Join(folder, fmt.Sprintf(".run-%d.tmp", os.Getpid()))
	if err := os.MkdirAll(s.temp, 0o777); err != nil {
		s.discard()
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, &FolderError{fmt.Errorf("fit: run folder %s: expected a folder that can be written: %w", folder, err)}
	}
	return s, nil
}

// publish moves the files to the run folder, report.html last: a folder that
// has one is complete.
func (s *staging) publish() error {
	entries, err := os.ReadDir(s.temp)
	if err != nil {
		return err
	}
	last := filepath.Join(s.folder, "report.html")
	if err := os.Remove(last); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return isReport(a) - isReport(b) })
	for _, e := range entries {
		if err := os.Rename(filepath.Join(s.temp, e.Name()), filepath.Join(s.folder, e.Name())); err != nil {
			return err
		}
	}
	s.made = nil
	s.discard()
	return nil
}

func isReport(e fs.DirEntry) int {
	if e.Name() == "report.html" {
		return 1
	}
	return 0
}

// discard removes what was not published, and the folders made for it. Errors
// do not count: there is nothing more to be done.
func (s *staging) discard() {
	if s == nil || s.temp == "" {
		return
	}
	os.RemoveAll(s.temp)
	for _, path := range slices.Backward(s.made) {
		os.Remove(path) // only if empty
	}
	s.temp = ""
}

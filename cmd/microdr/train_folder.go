package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/baremetaldevx86/microdr/train"
)

// trainFiles are the names of what a training writes, the checkpoints first.
func trainFiles() []string {
	return []string{train.LastFile, train.BestFile, "metrics.jsonl", "report.html", "confusion.png", "misclassified.png"}
}

// checkFolder refuses a folder that holds a run, unless that is to go on or to be replaced.
func (o *trainOptions) checkFolder() error {
	if o.resume && o.overwrite {
		return usageError{errors.New("--resume and --overwrite: expected at most one of them")}
	}
	if o.resume || o.overwrite {
		return nil
	}
	for _, name := range trainFiles() {
		if _, err := os.Lstat(filepath.Join(o.out, name)); err == nil {
			return usageError{fmt.Errorf("%s holds a run (%s), expected --resume to go on with it, "+
				"another folder for --out, or --overwrite to replace it", o.out, name)}
		}
	}
	return nil
}

// makeFolder makes the folder and those above it, and removes the files of the run that it replaces, so that no two runs
// are mixed. What it returns removes again what was made as far as it is empty.
func (o *trainOptions) makeFolder() (undo func(), err error) {
	var made []string // the deepest one first
	for at := filepath.Clean(o.out); ; at = filepath.Dir(at) {
		if _, err := os.Lstat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, at)
	}
	undo = func() {
		for _, folder := range made {
			if os.Remove(folder) != nil {
				return // something stands in it
			}
		}
	}
	if err := os.MkdirAll(o.out, 0o777); err != nil {
		undo()
		return nil, outputError{fmt.Errorf("train: expected a folder that can be made: %w", err)}
	}
	for _, name := range trainFiles() {
		if err := os.Remove(filepath.Join(o.out, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, outputError{fmt.Errorf("train: expected a file that can be replaced: %w", err)}
		}
	}
	return undo, nil
}

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/baremetaldevx86/microdr/scene"
)

// checkWorkers refuses what --workers may not be.
func (a *app) checkWorkers() error {
	if a.workers < 0 {
		return usageError{errors.New("--workers: expected 0 or more")}
	}
	return nil
}

// load reads the scene that sceneFlags belong to; --data moves its image files.
func (a *app) load(path string) (*scene.Scene, error) {
	if err := a.checkWorkers(); err != nil {
		return nil, err
	}
	s, err := scene.Load(path)
	if err != nil {
		return nil, inputError{err}
	}
	if a.data != "" {
		if err := relocate(s, a.data); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// relocate lets every image file of the scene be found in folder: the file
// a/b/c.png becomes folder/b/c.png or folder/c.png, whichever is there, the
// longest first, and stays where it is if none is.
func relocate(s *scene.Scene, folder string) error {
	if info, err := os.Stat(folder); err != nil {
		return usageError{err}
	} else if !info.IsDir() {
		return usageError{errors.New("--data " + folder + ": expected a folder")}
	}
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return usageError{err}
	}
	for i := range s.Views {
		v := &s.Views[i]
		v.Image = inFolder(v.Image, absolute)
		if v.Mask != nil {
			v.Mask.File = inFolder(v.Mask.File, absolute)
		}
	}
	return nil
}

// inFolder returns folder joined with the longest tail of name that is there,
// or name.
func inFolder(name, folder string) string {
	if name == "" {
		return name
	}
	tail := strings.TrimPrefix(filepath.ToSlash(name), "/")
	for tail != "" {
		path := filepath.Join(folder, filepath.FromSlash(tail))
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
		_, rest, found := strings.Cut(tail, "/")
		if !found {
			break
		}
		tail = rest
	}
	return name
}

package scene

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// Load reads the scene file at path, or the file scene.yaml in the folder at
// path. Errors in the file's text are of type Errors.
func Load(path string) (*Scene, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "scene.yaml")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("scene: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("scene: %w", err)
	}
	s, err := Parse(path, data)
	if err != nil {
		return nil, err
	}
	s.Dir = filepath.Dir(path)
	return s, nil
}

// Parse reads a scene file's text; name stands in errors. It reports every
// mistake it finds, sorted by position, as Errors. Defaults are filled in and
// fields that fit.parameters names are created, so that what Print writes of
// the result parses to an equal scene.
func Parse(name string, data []byte) (*Scene, error) {
	d := &decoder{mistakes: mistakesIn(name), named: map[string]*yaml.Node{}, broken: map[string]bool{}}
	s := new(Scene)
	expected := fmt.Sprintf("a scene (microdr: %d, ..)", Version)
	if root := d.mistakes.Read(data, maxBytes, expected); root != nil {
		d.decode(root, reflectScene(s), &field{key: "scene", interval: real})
		d.check(s, root)
	}
	if err := d.mistakes.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// Validate reports whether s is a scene that a file can hold: everything that
// Parse checks, at the lines of what Print writes. A step of parameters that
// are free of their field's range, or code, can make one that is not.
func (s *Scene) Validate() error {
	_, err := Parse("(scene)", Print(s))
	return err
}

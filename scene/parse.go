package scene

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

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
	d := &decoder{file: name, named: map[string]*yaml.Node{}, broken: map[string]bool{}}
	s := new(Scene)
	if root := d.read(data); root != nil {
		d.decode(root, reflectScene(s), &field{key: "scene", interval: real})
		d.check(s, root)
	}
	if len(d.errs) > 0 {
		d.errs.sort()
		return nil, d.errs
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

// read parses the YAML text to its one document's root.
func (d *decoder) read(data []byte) *yaml.Node {
	if len(data) > maxBytes {
		d.fail(nil, "expected a file of at most %d bytes", maxBytes)
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && (doc.Kind != yaml.DocumentNode || len(doc.Content) != 1) {
		d.fail(nil, "expected a scene (microdr: %d, ..), got an empty file", Version)
		return nil
	}
	if err != nil {
		d.failYAML(err)
		return nil
	}
	if err := dec.Decode(&more); err == nil {
		d.fail(&more, "expected one document, got a second")
	} else if !errors.Is(err, io.EOF) {
		d.failYAML(err)
	}
	return doc.Content[0]
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// failYAML reports an error of the YAML reader, which knows the line only.
func (d *decoder) failYAML(err error) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	n := &yaml.Node{Line: 1, Column: 1}
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		n.Line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	d.fail(n, "expected YAML: %s", msg)
}

// Package yamlfile is what files in YAML have in common, whatever they say: one document in a file, and mistakes with
// their positions, all of them at once. It must not know what the fields of any file are. Start with Mistakes.
package yamlfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Error is one mistake in a file.
type Error struct {
	Package      string // that reads such files
	File         string
	Line, Column int    // from 1
	Message      string // what is wrong and what was expected
}

// Error formats as "package: file:line:column: message".
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s:%d:%d: %s", e.Package, e.File, e.Line, e.Column, e.Message)
}

// Errors is every mistake found in a file, sorted by position.
type Errors []*Error

// Error is one line for each mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, x := range e {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes errors.As find each *Error.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, x := range e {
		out[i] = x
	}
	return out
}

// MaxErrors is how many mistakes of a file are told.
const MaxErrors = 100

// Mistakes collects those of one file.
type Mistakes struct {
	Package, File string
	list          Errors
}

// Add notes a mistake at a node, nil or without a position for the start of the file; false if there are too many.
func (m *Mistakes) Add(n *yaml.Node, format string, args ...any) bool {
	if len(m.list) >= MaxErrors {
		return false
	}
	line, column := 1, 1
	if n != nil && n.Line > 0 {
		line, column = n.Line, max(1, n.Column)
	}
	m.list = append(m.list, &Error{m.Package, m.File, line, column, fmt.Sprintf(format, args...)})
	return true
}

// Len returns how many there are.
func (m *Mistakes) Len() int { return len(m.list) }

// Err returns all of them as Errors, nil if there are none.
func (m *Mistakes) Err() error {
	if len(m.list) == 0 {
		return nil
	}
	slices.SortStableFunc(m.list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return m.list
}

// Read parses a text of at most limit bytes to the root of its one document; nil if there is none. Expected is what an
// empty file should have been.
func (m *Mistakes) Read(text []byte, limit int, expected string) *yaml.Node {
	if len(text) > limit {
		m.Add(nil, "expected a file of at most %d bytes", limit)
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) || err == nil && (document.Kind != yaml.DocumentNode || len(document.Content) != 1) {
		m.Add(nil, "expected %s, got an empty file", expected)
		return nil
	}
	if err != nil {
		m.addYAML(err)
		return nil
	}
	if err := decoder.Decode(&more); err == nil {
		m.Add(&more, "expected one document, got a second")
	} else if !errors.Is(err, io.EOF) {
		m.addYAML(err)
	}
	return document.Content[0]
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// addYAML notes an error of the YAML reader, which knows the line only.
func (m *Mistakes) addYAML(err error) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	n := &yaml.Node{}
	if found := yamlLine.FindStringSubmatch(message); found != nil {
		n.Line, _ = strconv.Atoi(found[1])
		message = message[len(found[0]):]
	}
	m.Add(n, "expected YAML: %s", message)
}

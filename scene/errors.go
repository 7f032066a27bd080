package scene

import (
	"github.com/baremetaldevx86/microdr/internal/yamlfile"
	"go.yaml.in/yaml/v3"
)

// Error is one mistake in a scene file, with its File as given to Parse, Line
// and Column from 1, and the Message, what is wrong and what was expected. It
// formats as "scene: file:line:column: message".
type Error = yamlfile.Error

// Errors is every mistake found in a scene file, sorted by position: a slice of
// *Error, each of which errors.As finds.
type Errors = yamlfile.Errors

func mistakesIn(file string) yamlfile.Mistakes {
	return yamlfile.Mistakes{Package: "scene", File: file}
}

func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	if !d.mistakes.Add(n, format, args...) {
		d.full = true
	}
}

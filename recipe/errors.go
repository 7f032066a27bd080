package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one mistake in a file.
type Error struct {
	File         string // as given to Parse
	Line, Column int    // from 1
	Message      string // what is wrong and what was expected
}

// Error formats as "recipe: file:line:column: message".
func (e *Error) Error() string {
	return fmt.Sprintf("recipe: %s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
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

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

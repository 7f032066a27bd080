package recipe

import "github.com/baremetaldevx86/microdr/internal/yamlfile"

// Error is one mistake in a file, with its File as given to Parse, Line and Column from 1, and the Message, what is
// wrong and what was expected. It formats as "recipe: file:line:column: message".
type Error = yamlfile.Error

// Errors is every mistake found in a file, sorted by position: a slice of *Error, each of which errors.As finds.
type Errors = yamlfile.Errors

func mistakesIn(file string) yamlfile.Mistakes {
	return yamlfile.Mistakes{Package: "recipe", File: file}
}

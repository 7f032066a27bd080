// Package ir holds the programs that everything else makes, changes and runs: modules of buffers and
// ordered stages, and the lane programs that say what happens in one lane (a pixel, a sample, an element).
// It knows the exact meaning of every op on scalars, and nothing of how programs are derived (package grad),
// executed (eval, jit) or written down by people (trace).
// Start with op.go (the table of ops and their meaning), then program.go (nodes, scopes, loops), build.go (the
// hash-consing constructor) and module.go (buffers, functions, stages).
package ir

// Package policy holds no code, only the test of how this module is put
// together: who may import whom, no cgo, no folders without a subject, no
// functions that do not fit on a screen.
//
// It must not know what any package does. Start with the table in
// policy_test.go; changing it is a design decision, to be explained in
// RATIONALE.md.
package policy

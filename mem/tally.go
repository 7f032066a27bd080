//go:build !memnocount

package mem

// A tally is a cell that only counters are made from.
type tally = cell

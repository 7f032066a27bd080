// Package eval executes lane programs in plain Go: in float32, with the bits that every backend must reproduce, and
// in float64, as the oracle that derivatives are checked against. It knows nothing of threads, buffers' owners or
// derivatives: package kernel hands it ranges of lanes. Start with compile.go (program to instructions over
// 256-lane registers), then run.go (blocks and loops) and ops.go (what each op does to a register).
package eval

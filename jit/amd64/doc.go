// Package amd64 writes amd64 machine code: the VEX and EVEX instructions that compiled lane programs need, a few
// general ones, and the trampoline that enters code from Go. An instruction is a value of type Inst whose operands are
// typed; what no processor could execute is refused by a panic, since only a mistake of the calling code asks for it.
// It must not know what the code computes, nor where it will be placed.
// Start with Inst (inst.go), then table.go, which says how each instruction is encoded, and encode.go.
package amd64

// Package amd64 writes amd64 machine code: the VEX and EVEX instructions that compiled lane programs need, and a few
// general ones. An instruction on vectors is a value of type Inst, others are methods of Code; what no processor could
// execute is refused by a panic, since only a mistake of the calling code asks for it.
// It must not know what the code computes, nor where it will be placed.
// Start with Inst (inst.go), then table.go, which says how each instruction is encoded, and encode.go.
package amd64

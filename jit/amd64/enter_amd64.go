package amd64

import "unsafe"

// CanEnter tells whether this process can run amd64 code.
const CanEnter = true

// Enter calls code with a frame, whose address it finds in RDI. Neither may lie in memory that the collector moves or
// frees meanwhile. The code returns by [Code.Return] and leaves RSP, RBP and R14 as they were.
//
//go:noescape
func Enter(code, frame unsafe.Pointer)

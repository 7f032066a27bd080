//go:build !amd64

package amd64

import "unsafe"

// CanEnter tells whether this process can run amd64 code.
const CanEnter = false

// Enter panics: this process runs no amd64 code.
func Enter(_, _ unsafe.Pointer) { panic("amd64: another architecture") }

// Package jit turns lane programs into machine code for amd64: AVX-512, or AVX2 with FMA. The code gives the bits that
// package ir defines, whatever the target. It must not know what programs are for, nor when they run: which backend
// serves a module, how lanes are cut into tiles, and who calls from which goroutine is package kernel's business.
// Start with Compile (compile.go). Then order.go says in which order nodes run and where values are used, emit.go and
// registers.go how a value finds a register, rules*.go which instructions an op becomes, loop.go how lanes leave
// loops, memory.go how buffers are read and written, and page.go where code is placed.
package jit

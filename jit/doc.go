// Package jit turns lane programs into machine code for amd64.
package jit

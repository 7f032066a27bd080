// Package onnx imports ONNX models (operator sets 1 to 17 of "ai.onnx", and that of training) and runs them, node by
// node, on arrays in host memory or on the lazy tensors of package tensor, through which they can be trained. It must
// not know how tensors are computed, and no operator knows how values are kept: primitives.go and movement.go alone do.
// Start with import.go, then machine.go, which walks a graph, table.go, which lists the operators, and any op_*.go.
package onnx

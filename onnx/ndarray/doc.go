// Package ndarray holds n-dimensional arrays of every ONNX element type in host memory, and plain kernels over them.
// It must not know graphs, operators or devices: a kernel takes arrays and returns a new one, and is the plain twin
// that faster executors are held to.
// Start with array.go, then index.go, which all movement of elements goes through, then elementwise.go.
package ndarray

// Package format reads and writes ONNX models and tensors: the messages of onnx.proto (ONNX 1.12, IR version 8) as Go
// structs. It must not know what operators mean or how a graph is run.
// Start with model.go for the messages, then read.go and wire.go for the way from bytes.
package format

package onnx

import (
	"errors"
	"fmt"

	"github.com/baremetaldevx86/microdr/onnx/format"
)

// ErrUnsupported is what errors about operators that this package lacks wrap.
var ErrUnsupported = errors.New("operator is not supported")

// NodeError says which node failed.
type NodeError struct {
	Node    *format.Node
	Index   int // in its graph
	Version int // of the operator set
	Err     error
}

// Error names the node, its operator, and that operator's domain and version.
func (e *NodeError) Error() string {
	domain := e.Node.Domain
	if domain == "" {
		domain = "ai.onnx"
	}
	return fmt.Sprintf("node %d %q (%s %s %d): %v", e.Index, e.Node.Name, domain, e.Node.OpType, e.Version, e.Err)
}

// Unwrap returns what went wrong.
func (e *NodeError) Unwrap() error { return e.Err }

func unsupported(key name, op operator, version int, known bool) error {
	if known {
		return fmt.Errorf("%w in version %d, expected %d or later", ErrUnsupported, version, op.since[0])
	}
	return fmt.Errorf("%w: expected one of the table or a function of the model", ErrUnsupported)
}

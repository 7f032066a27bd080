package grad

import (
	"fmt"

	"github.com/baremetaldevx86/microdr/ir"
)

func (s *sweep) loopForward(v ir.Value) error {
	if !s.wanted(v) {
		return nil
	}
	return fmt.Errorf("grad: loops are not supported yet")
}

func (s *sweep) loopReverse(v ir.Value) error { return s.loopForward(v) }

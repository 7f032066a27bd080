package fit

import (
	"errors"
	"github.com/baremetaldevx86/microdr/scene"
)

type engine struct{}

func newEngine(int) *engine { return &engine{} }
func (*engine) Close()      {}
func (*engine) open(s *scene.Scene, v string, o viewOptions) (openView, error) {
	return nil, errors.New("no render yet")
}

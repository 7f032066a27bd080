package nn

import (
	"errors"
	"fmt"
	"strings"

	"github.com/baremetaldevx86/microdr/tensor"
)

// fail panics with a *tensor.Error that names a layer or a loss.
func fail(layer, format string, args ...any) { tensor.Fail("nn", layer, format, args...) }

// describe returns type and shape, as "float32[2 3]".
func describe(x *tensor.Tensor) string { return fmt.Sprintf("%v%v", x.Type(), x.Shape()) }

// within calls f for the part of a model that has the name; an error that f panics with tells the name.
func within(name string, f func() *tensor.Tensor) (y *tensor.Tensor) {
	err := tensor.Catch(func() { y = f() })
	if err == nil {
		return y
	}
	var e *tensor.Error
	if !errors.As(err, &e) {
		panic(err)
	}
	between := ": "
	if strings.Contains(e.Call, between) { // the call is behind the names of parts already
		between = "."
	}
	named := *e
	named.Call = name + between + e.Call
	panic(&named)
}

// checkFloat refuses what is not float32 or stands for it.
func checkFloat(layer string, x *tensor.Tensor) {
	if !x.Type().IsFloat() {
		fail(layer, "input %s, expected floats", describe(x))
	}
}

package tensor

import (
	"fmt"
	"runtime"
	"strings"
)

// Error is a call that makes no sense: shapes that do not go together, an axis that does not exist.
type Error struct {
	Call   string // the method, as "MatMul"
	Detail string
	Site   string // file:line of the first caller outside of this package and of package nn
}

func (e *Error) Error() string {
	text := "tensor: " + e.Call + ": " + e.Detail
	if e.Site != "" {
		text += " (" + e.Site + ")"
	}
	return text
}

// fail panics with an *Error.
func fail(call, format string, args ...any) {
	panic(&Error{Call: call, Detail: fmt.Sprintf(format, args...), Site: site()})
}

// site is where the package was called from.
func site() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		inside := strings.Contains(f.Function, "/microdr/tensor.") || strings.Contains(f.Function, "/microdr/nn.")
		if !inside || strings.HasSuffix(f.File, "_test.go") {
			return fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		if !more {
			return ""
		}
	}
}

// Catch calls f and returns the *Error that it panics with, if it does. Other panics pass.
func Catch(f func()) (err error) {
	defer func() {
		switch x := recover().(type) {
		case nil:
		case *Error:
			err = x
		default:
			panic(x)
		}
	}()
	f()
	return nil
}

package tensor

import (
	"fmt"
	"runtime"
	"strings"
)

// Error is a call that makes no sense: shapes that do not go together, an axis that does not exist.
type Error struct {
	Package string // whose call it is: "tensor", or "nn"
	Call    string // the method, as "MatMul", or what there is of package nn, as "Linear"
	Detail  string
	Site    string // file:line of the first caller outside of this package and of package nn
}

func (e *Error) Error() string {
	text := e.Package + ": " + e.Call + ": " + e.Detail
	if e.Site != "" {
		text += " (" + e.Site + ")"
	}
	return text
}

// Fail panics with an *Error, for a package that is written as this one is.
func Fail(pkg, call, format string, args ...any) {
	panic(&Error{Package: pkg, Call: call, Detail: fmt.Sprintf(format, args...), Site: site()})
}

func fail(call, format string, args ...any) { Fail("tensor", call, format, args...) }

// site is where the two packages were called from.
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

package ndarray

import (
	"fmt"
	"math"
	"slices"
)

// throughFloat32 computes with small floats: widened to float32, and rounded back if the result is one.
func throughFloat32(f func(wide []*Array) (*Array, error), narrow ...*Array) (*Array, error) {
	wide := make([]*Array, len(narrow))
	for i, a := range narrow {
		wide[i] = a
		if a.typ.IsSmallFloat() {
			wide[i] = mustCast(a, Float32)
		}
	}
	out, err := f(wide)
	if err != nil || out.typ != Float32 {
		return out, err
	}
	return Cast(out, narrow[0].typ)
}

// Unary applies a function to every element: Abs, Neg, Sign; and for floats Acos, Acosh, Asin, Asinh, Atan, Atanh,
// Ceil, Cos, Cosh, Erf, Exp, Floor, Log, Reciprocal, Round (to even), Sin, Sinh, Sqrt, Tan, Tanh. Errors: the type
// has no such function.
func Unary(name string, a *Array) (*Array, error) {
	if a.typ.IsSmallFloat() {
		return throughFloat32(func(w []*Array) (*Array, error) { return Unary(name, w[0]) }, a)
	}
	data, err := kernelsOf[a.typ].unary(name, a.data)
	if err != nil {
		return nil, err
	}
	return &Array{a.typ, a.shape, data}, nil
}

// Binary combines the elements of two arrays that broadcast: Add, Sub, Mul, Div (of integers toward zero), Max, Min
// (of NaN NaN), Mod (of the sign of b), Fmod (of the sign of a), Pow. Errors: shapes or types differ, the type has no
// such operation, an integer is divided by zero.
func Binary(name string, a, b *Array) (*Array, error) {
	if a.typ != b.typ {
		return nil, fmt.Errorf("ndarray: %s: expected operands of one type, got %v and %v", name, a, b)
	}
	if a.typ.IsSmallFloat() {
		return throughFloat32(func(w []*Array) (*Array, error) { return Binary(name, w[0], w[1]) }, a, b)
	}
	shape, err := BroadcastShape(a.shape, b.shape)
	if err != nil {
		return nil, err
	}
	n, _ := Count(shape)
	as, bs := broadcastList(a.shape, shape), broadcastList(b.shape, shape)
	data, err := kernelsOf[a.typ].binary(name, a.data, b.data, as, bs, n)
	if err != nil {
		return nil, err
	}
	return &Array{a.typ, shape, data}, nil
}

// Compare compares the elements of two arrays that broadcast: Equal, Less, LessOrEqual, Greater, GreaterOrEqual.
// Errors: shapes or types differ, the type has no order.
func Compare(name string, a, b *Array) (*Array, error) {
	if a.typ != b.typ {
		return nil, fmt.Errorf("ndarray: %s: expected operands of one type, got %v and %v", name, a, b)
	}
	if a.typ.IsSmallFloat() {
		a, b = mustCast(a, Float32), mustCast(b, Float32)
	}
	shape, err := BroadcastShape(a.shape, b.shape)
	if err != nil {
		return nil, err
	}
	n, _ := Count(shape)
	as, bs, k := broadcastList(a.shape, shape), broadcastList(b.shape, shape), kernelsOf[a.typ]
	var less, equal []bool
	switch name {
	case "Equal":
		equal = k.equal(a.data, b.data, as, bs, n)
	case "Less":
		less, err = k.less(a.data, b.data, as, bs, n)
	case "Greater":
		less, err = k.less(b.data, a.data, bs, as, n)
	case "LessOrEqual":
		less, err = k.less(a.data, b.data, as, bs, n)
		equal = k.equal(a.data, b.data, as, bs, n)
	case "GreaterOrEqual":
		less, err = k.less(b.data, a.data, bs, as, n)
		equal = k.equal(a.data, b.data, as, bs, n)
	default:
		err = fmt.Errorf("ndarray: %s is no comparison", name)
	}
	if err != nil {
		return nil, err
	}
	return &Array{Bool, shape, either(less, equal, n)}, nil
}

// either is the union of two lists, of which one may be missing.
func either(x, y []bool, n int) []bool {
	out := make([]bool, n)
	for i := range out {
		out[i] = x != nil && x[i] || y != nil && y[i]
	}
	return out
}

// Logical combines the bools of two arrays that broadcast: And, Or, Xor.
func Logical(name string, a, b *Array) (*Array, error) {
	f, ok := logicalOps[name]
	if !ok || a.typ != Bool || b.typ != Bool {
		return nil, fmt.Errorf("ndarray: %s: expected a logical operation on bools, got %v and %v", name, a, b)
	}
	shape, err := BroadcastShape(a.shape, b.shape)
	if err != nil {
		return nil, err
	}
	n, _ := Count(shape)
	x, y, out := Elements[bool](a), Elements[bool](b), make([]bool, n)
	xs, ys := broadcastList(a.shape, shape), broadcastList(b.shape, shape)
	for i := range out {
		out[i] = f(at(x, xs, i), at(y, ys, i))
	}
	return &Array{Bool, shape, out}, nil
}

var logicalOps = map[string]func(x, y bool) bool{
	"And": func(x, y bool) bool { return x && y },
	"Or":  func(x, y bool) bool { return x || y },
	"Xor": func(x, y bool) bool { return x != y },
}

// Not negates bools.
func Not(a *Array) (*Array, error) {
	if a.typ != Bool {
		return nil, fmt.Errorf("ndarray: Not: expected bools, got %v", a)
	}
	out := slices.Clone(Elements[bool](a))
	for i := range out {
		out[i] = !out[i]
	}
	return &Array{Bool, a.shape, out}, nil
}

// Where chooses elements of a where the condition holds, and of b elsewhere; all three broadcast.
func Where(condition, a, b *Array) (*Array, error) {
	if condition.typ != Bool || a.typ != b.typ {
		return nil, fmt.Errorf("ndarray: Where: expected bools and two of one type, got %v, %v, %v", condition, a, b)
	}
	shape, err := BroadcastShape(condition.shape, a.shape, b.shape)
	if err != nil {
		return nil, err
	}
	n, _ := Count(shape)
	data := kernelsOf[a.typ].choose(Elements[bool](condition), broadcastList(condition.shape, shape),
		broadcastList(a.shape, shape), broadcastList(b.shape, shape), a.data, b.data, n)
	return &Array{a.typ, shape, data}, nil
}

// Test tells of every number whether it is a NaN, an infinity above or one below, whichever are asked for.
func Test(a *Array, nan, above, below bool) (*Array, error) {
	values, err := a.Floats()
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(values))
	for i, v := range values {
		out[i] = nan && math.IsNaN(v) || above && math.IsInf(v, 1) || below && math.IsInf(v, -1)
	}
	return &Array{Bool, a.shape, out}, nil
}

// Shift moves the bits of unsigned integers by as many places as b says; left or right, zeros come in.
func Shift(a, b *Array, left bool) (*Array, error) {
	if a.typ != b.typ || !a.typ.IsUnsigned() {
		return nil, fmt.Errorf("ndarray: expected two arrays of one unsigned type to shift, got %v and %v", a, b)
	}
	shape, err := BroadcastShape(a.shape, b.shape)
	if err != nil {
		return nil, err
	}
	x, y := Elements[uint64](mustCast(a, Uint64)), Elements[uint64](mustCast(b, Uint64))
	n, _ := Count(shape)
	xs, ys, out := broadcastList(a.shape, shape), broadcastList(b.shape, shape), make([]uint64, n)
	for i := range out {
		if left {
			out[i] = at(x, xs, i) << at(y, ys, i)
		} else {
			out[i] = at(x, xs, i) >> at(y, ys, i)
		}
	}
	return Cast(&Array{Uint64, shape, out}, a.typ)
}

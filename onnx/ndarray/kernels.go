package ndarray

import "fmt"

// kernels is what differs from type to type. Slices come as any, and are []T of Go's type for the elements.
type kernels interface {
	take(from any, list []int) any
	put(fold string, into any, list []int, update any) (any, error)
	concat(parts []any, blocks []int, n int) any
	choose(condition []bool, conditions, lefts, rights []int, left, right any, n int) any
	equal(x, y any, xs, ys []int, n int) []bool
	unary(name string, x any) (any, error)
	binary(name string, x, y any, xs, ys []int, n int) (any, error)
	less(x, y any, xs, ys []int, n int) ([]bool, error)
	fold(name string, x any, list []int, n int) (any, error)
	scan(x any, list []int, n int, exclusive bool) (any, error)
	matmul(x, y any, xs, ys []int, rows, inner, columns int) (any, error)
}

// kernelsOf has the kernels of each type. Small floats have only those that move elements.
var kernelsOf = [...]kernels{
	Undefined:  nil,
	Float32:    number[float32]{},
	Uint8:      number[uint8]{},
	Int8:       number[int8]{},
	Uint16:     number[uint16]{},
	Int16:      number[int16]{},
	Int32:      number[int32]{},
	Int64:      number[int64]{},
	String:     element[string]{},
	Bool:       element[bool]{},
	HalfFloat:  element[Half]{},
	Float64:    number[float64]{},
	Uint32:     number[uint32]{},
	Uint64:     number[uint64]{},
	Complex64:  element[complex64]{},
	Complex128: element[complex128]{},
	BrainFloat: element[Brain]{},
}

// element is the kernels of types without arithmetic.
type element[T Element] struct{}

func (element[T]) take(from any, list []int) any {
	source, out := from.([]T), make([]T, len(list))
	for i, at := range list {
		out[i] = source[at]
	}
	return out
}

func (element[T]) put(fold string, into any, list []int, update any) (any, error) {
	if fold != "Set" {
		return nil, lacks[T](fold)
	}
	out := append([]T(nil), into.([]T)...)
	for i, v := range update.([]T) {
		out[list[i]] = v
	}
	return out, nil
}

func (element[T]) concat(parts []any, blocks []int, n int) any {
	out := make([]T, 0, n)
	for at := 0; len(out) < n; at++ {
		for i, part := range parts {
			out = append(out, part.([]T)[at*blocks[i]:(at+1)*blocks[i]]...)
		}
	}
	return out
}

// at reads an element of a broadcast operand; without a list, all elements stand in order.
func at[T any](data []T, list []int, i int) T {
	if list == nil {
		return data[i]
	}
	return data[list[i]]
}

func (element[T]) choose(condition []bool, conditions, lefts, rights []int, left, right any, n int) any {
	x, y, out := left.([]T), right.([]T), make([]T, n)
	for i := range out {
		if at(condition, conditions, i) {
			out[i] = at(x, lefts, i)
		} else {
			out[i] = at(y, rights, i)
		}
	}
	return out
}

func (element[T]) equal(x, y any, xs, ys []int, n int) []bool {
	left, right, out := x.([]T), y.([]T), make([]bool, n)
	for i := range out {
		out[i] = at(left, xs, i) == at(right, ys, i)
	}
	return out
}

func lacks[T Element](operation string) error {
	return fmt.Errorf("ndarray: %s is not defined for elements of type %v", operation, typeOf[T]())
}

func (element[T]) unary(name string, _ any) (any, error) { return nil, lacks[T](name) }

func (element[T]) binary(name string, _, _ any, _, _ []int, _ int) (any, error) {
	return nil, lacks[T](name)
}

func (element[T]) less(_, _ any, _, _ []int, _ int) ([]bool, error) { return nil, lacks[T]("Less") }

func (element[T]) fold(name string, _ any, _ []int, _ int) (any, error) { return nil, lacks[T](name) }

func (element[T]) scan(_ any, _ []int, _ int, _ bool) (any, error) { return nil, lacks[T]("CumSum") }

func (element[T]) matmul(_, _ any, _, _ []int, _, _, _ int) (any, error) {
	return nil, lacks[T]("MatMul")
}

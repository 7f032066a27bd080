package ndarray

import (
	"fmt"
	"math"
)

// Number is the types with arithmetic of their own.
type Number interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

// number is the kernels of types with arithmetic.
type number[T Number] struct{ element[T] }

func (number[T]) unary(name string, x any) (any, error) {
	f := signOps[T](name)
	if f == nil && isFloat[T]() {
		if wide, ok := floatFunctions[name]; ok {
			f = func(v T) T { return T(wide(float64(v))) }
		}
	}
	if f == nil {
		return nil, lacks[T](name)
	}
	in, out := x.([]T), make([]T, len(x.([]T)))
	for i, v := range in {
		out[i] = f(v)
	}
	return out, nil
}

func isFloat[T Number]() bool { return T(1)/T(2) != 0 }

// signOps returns the functions that integers have, too.
func signOps[T Number](name string) func(T) T {
	switch name {
	case "Abs":
		return func(v T) T {
			if isFloat[T]() {
				return T(math.Abs(float64(v))) // of -0, too
			}
			if v < 0 { // max(v, -v) would be wrong for unsigned types, whose -v is large
				return -v
			}
			return v
		}
	case "Neg":
		return func(v T) T { return -v }
	case "Sign":
		return sign[T]
	}
	return nil
}

func sign[T Number](v T) T {
	var zero T
	switch {
	case v > zero:
		return 1
	case v < zero:
		return zero - 1
	}
	return v
}

// floatFunctions are computed in float64 and rounded to the type.
var floatFunctions = map[string]func(float64) float64{
	"Acos": math.Acos, "Acosh": math.Acosh, "Asin": math.Asin, "Asinh": math.Asinh, "Atan": math.Atan,
	"Atanh": math.Atanh, "Ceil": math.Ceil, "Cos": math.Cos, "Cosh": math.Cosh, "Erf": math.Erf, "Exp": math.Exp,
	"Floor": math.Floor, "Log": math.Log, "Round": math.RoundToEven, "Sin": math.Sin, "Sinh": math.Sinh,
	"Sqrt": math.Sqrt, "Tan": math.Tan, "Tanh": math.Tanh,
	"Reciprocal": func(x float64) float64 { return 1 / x },
}

// binaryOps returns what is computed from two numbers.
func binaryOps[T Number](name string) func(x, y T) T {
	switch name {
	case "Set":
		return func(_, y T) T { return y }
	case "Add":
		return func(x, y T) T { return x + y }
	case "Sub":
		return func(x, y T) T { return x - y }
	case "Mul":
		return func(x, y T) T { return x * y }
	case "Div":
		return func(x, y T) T { return x / y }
	case "Max":
		return func(x, y T) T { return max(x, y) }
	case "Min":
		return func(x, y T) T { return min(x, y) }
	case "Mod":
		return floorMod[T]
	case "Fmod":
		return truncatedMod[T]
	case "Pow":
		return power[T]
	}
	return nil
}

// needsDivisor names the operations that an integer zero on the right is no argument of.
func needsDivisor(name string) bool { return name == "Div" || name == "Mod" || name == "Fmod" }

// truncatedMod is the remainder with the sign of x, as C's fmod.
func truncatedMod[T Number](x, y T) T {
	if isFloat[T]() {
		return T(math.Mod(float64(x), float64(y)))
	}
	return x - x/y*y
}

// floorMod is the remainder with the sign of y, as Python's %.
func floorMod[T Number](x, y T) T {
	m := truncatedMod(x, y)
	if m != 0 && (m < 0) != (y < 0) {
		m += y
	}
	return m
}

// power of integers is exact modulo the width of T; with a negative exponent, it is that of the reals, cut.
func power[T Number](x, y T) T {
	if isFloat[T]() || y < 0 {
		return T(math.Pow(float64(x), float64(y)))
	}
	out := T(1)
	for n := uint64(y); n > 0; n >>= 1 {
		if n&1 == 1 {
			out *= x
		}
		x *= x
	}
	return out
}

func (number[T]) binary(name string, x, y any, xs, ys []int, n int) (any, error) {
	f := binaryOps[T](name)
	if f == nil {
		return nil, lacks[T](name)
	}
	left, right, out := x.([]T), y.([]T), make([]T, n)
	checked := needsDivisor(name) && !isFloat[T]()
	for i := range out {
		divisor := at(right, ys, i)
		if checked && divisor == 0 {
			return nil, fmt.Errorf("ndarray: %s: expected divisors other than 0", name)
		}
		out[i] = f(at(left, xs, i), divisor)
	}
	return out, nil
}

func (number[T]) put(fold string, into any, list []int, update any) (any, error) {
	f := binaryOps[T](fold)
	if f == nil || needsDivisor(fold) {
		return nil, lacks[T](fold)
	}
	out := append([]T(nil), into.([]T)...)
	for i, v := range update.([]T) {
		out[list[i]] = f(out[list[i]], v)
	}
	return out, nil
}

func (number[T]) less(x, y any, xs, ys []int, n int) ([]bool, error) {
	left, right, out := x.([]T), y.([]T), make([]bool, n)
	for i := range out {
		out[i] = at(left, xs, i) < at(right, ys, i)
	}
	return out, nil
}

// fold combines runs of n elements of those that list names, in float64 for sums of float32.
func (number[T]) fold(name string, x any, list []int, n int) (any, error) {
	f := binaryOps[T](name)
	if f == nil {
		return nil, lacks[T](name)
	}
	in, out := x.([]T), make([]T, len(list)/n)
	for i := range out {
		run := list[i*n : (i+1)*n]
		if isFloat[T]() && name == "Add" {
			out[i] = T(wideSum(in, run))
			continue
		}
		sum := in[run[0]]
		for _, at := range run[1:] {
			sum = f(sum, in[at])
		}
		out[i] = sum
	}
	return out, nil
}

func wideSum[T Number](in []T, list []int) float64 {
	sum := 0.0
	for _, at := range list {
		sum += float64(in[at])
	}
	return sum
}

// scan adds up along runs of n elements of those that list names.
func (number[T]) scan(x any, list []int, n int, exclusive bool) (any, error) {
	in, out := x.([]T), make([]T, len(list))
	var sum T
	for i, at := range list {
		if i%n == 0 {
			sum = 0
		}
		if exclusive {
			out[at] = sum
		}
		sum += in[at]
		if !exclusive {
			out[at] = sum
		}
	}
	return out, nil
}

// matmul multiplies matrices that start at elements xs[i] and ys[i].
func (number[T]) matmul(x, y any, xs, ys []int, rows, inner, columns int) (any, error) {
	left, right, out := x.([]T), y.([]T), make([]T, len(xs)*rows*columns)
	for i := range xs {
		product := out[i*rows*columns : (i+1)*rows*columns]
		for r := range rows {
			row := product[r*columns : (r+1)*columns]
			for k, a := range left[xs[i]+r*inner : xs[i]+(r+1)*inner] {
				for c, b := range right[ys[i]+k*columns : ys[i]+(k+1)*columns] {
					row[c] += a * b
				}
			}
		}
	}
	return out, nil
}

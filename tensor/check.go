package tensor

import (
	"fmt"
	"math"
)

// CheckGrad compares the derivatives of f at x, whose values may have any shape, in several ways, and returns an error that
// says which disagree:
//
//   - in float64, along random directions, forward mode against central differences of f, improved by Richardson's method;
//   - reverse against forward mode: <u, J v> = <J^T u, v> for random u and v;
//   - the same for the gradient of <u, f(x)> as a function of x, if order is 2;
//   - the gradient in float32 against that in float64.
//
// f is called with tensors of other engines than that of x, and must make all others from them, x[0].Engine().Full and the
// like. It must be smooth near x; where it is not (a kink, a tie), differences disagree with any derivative. Only float
// tensors are varied.
func CheckGrad(order int, f func(x []*Tensor) *Tensor, x ...*Tensor) error {
	exact := Open(Options{Float64: true, Workers: 1})
	defer exact.Close()
	single := Open(Options{Workers: 1})
	defer single.Close()
	return checkGrad(exact, single, order, f, x)
}

// checkGrad is CheckGrad on engines that compute in float64 and in float32.
func checkGrad(exact, single *Engine, order int, f func(x []*Tensor) *Tensor, x []*Tensor) error {
	var at, rounded, wrt, wrt32 []*Tensor
	for _, t := range x {
		at = append(at, t.on(exact))
		rounded = append(rounded, t.on(single))
		if t.typ.IsFloat() {
			wrt, wrt32 = append(wrt, at[len(at)-1]), append(wrt32, rounded[len(rounded)-1])
		}
	}
	var err error
	if caught := Catch(func() {
		if err = checkDerivative(f, at, wrt); err != nil {
			return
		}
		if err = checkSingle(f, at, wrt, rounded, wrt32); err != nil || order < 2 {
			return
		}
		if second := checkDerivative(gradientOf(f), at, wrt); second != nil {
			err = fmt.Errorf("second order: %w", second)
		}
	}); caught != nil {
		return caught
	}
	return err
}

// on returns a tensor with the same elements that belongs to another engine.
func (t *Tensor) on(e *Engine) *Tensor {
	c := e.leaf("CheckGrad", t.typ, t.shape)
	c.buffer.Write(t.Float64s())
	return c
}

// gradientOf is the gradient of <u, f(x)> for a fixed u, all adjoints in a row.
func gradientOf(f func(x []*Tensor) *Tensor) func(x []*Tensor) *Tensor {
	return func(x []*Tensor) *Tensor {
		y := f(x)
		var wrt, flat []*Tensor
		for _, t := range x {
			if t.typ.IsFloat() {
				wrt = append(wrt, t)
			}
		}
		for _, g := range VJP([]*Tensor{y}, []*Tensor{direction(y, 7)}, wrt) {
			flat = append(flat, g.Reshape(-1))
		}
		return Concat(0, flat...)
	}
}

// direction returns a tensor like t with elements between -1 and 1 that do not repeat soon.
func direction(t *Tensor, n int) *Tensor {
	elements := make([]float64, t.Len())
	for i := range elements {
		_, r := math.Modf(float64(i+1)*0.7548776662466927 + float64(n)*0.5698402909980532)
		elements[i] = 2*r - 1
	}
	return t.e.NewFloat64(elements, t.shape...)
}

func directions(ts []*Tensor, n int) []*Tensor {
	list := make([]*Tensor, len(ts))
	for i, t := range ts {
		list[i] = direction(t, n+3*i)
	}
	return list
}

// dot returns the sum of products, and that of their magnitudes, by which to judge it.
func dot(a, b []*Tensor) (sum, size float64) {
	for i := range a {
		x, y := a[i].Float64s(), b[i].Float64s()
		for k := range x {
			sum += x[k] * y[k]
			size += math.Abs(x[k] * y[k])
		}
	}
	return sum, size
}

// checkDerivative compares forward mode, reverse mode and differences of f at x.
func checkDerivative(f func(x []*Tensor) *Tensor, x, wrt []*Tensor) error {
	y := f(x)
	for n := range 3 {
		v := directions(wrt, 10*n)
		jv := JVP([]*Tensor{y}, wrt, v)[0]
		u := direction(y, 5+n)
		forward, size := dot([]*Tensor{u}, []*Tensor{jv})
		adjoints := VJP([]*Tensor{y}, []*Tensor{u}, wrt)
		backward, size2 := dot(adjoints, v)
		if !(math.Abs(forward-backward) <= 1e-9*(size+size2+1e-9)) {
			return fmt.Errorf("tensor: forward mode gives %.12g, reverse mode %.12g", forward, backward)
		}
		if err := checkDifferences(f, x, wrt, v, jv); err != nil {
			return err
		}
	}
	return nil
}

// checkDifferences compares a tangent with differences, element by element.
func checkDifferences(f func(x []*Tensor) *Tensor, x, wrt, v []*Tensor, jv *Tensor) error {
	const step = 1e-3
	difference := func(h float64) []float64 {
		plus, minus := f(moved(x, wrt, v, h)).Float64s(), f(moved(x, wrt, v, -h)).Float64s()
		for i := range plus {
			plus[i] = (plus[i] - minus[i]) / (2 * h)
		}
		return plus
	}
	wide, close := difference(step), difference(step/2)
	tangent, largest := jv.Float64s(), 0.0
	for i := range close {
		close[i] += (close[i] - wide[i]) / 3
		largest = max(largest, math.Abs(close[i]))
	}
	for i := range close {
		if !(math.Abs(tangent[i]-close[i]) <= 1e-5*(largest+1e-3)) {
			return fmt.Errorf("tensor: element %d: forward mode gives %.9g, differences %.9g", i, tangent[i], close[i])
		}
	}
	return nil
}

// moved returns x with what is in wrt moved by h along v.
func moved(x, wrt, v []*Tensor, h float64) []*Tensor {
	out := make([]*Tensor, len(x))
	for i, t := range x {
		out[i] = t
		for k, w := range wrt {
			if w == t {
				out[i] = t.e.NewFloat64(sumOf(t.Float64s(), v[k].Float64s(), h), t.shape...)
			}
		}
	}
	return out
}

func sumOf(a, b []float64, h float64) []float64 {
	for i := range a {
		a[i] += h * b[i]
	}
	return a
}

// checkSingle compares the gradient in float32 with that in float64.
func checkSingle(f func(x []*Tensor) *Tensor, x, wrt, x32, wrt32 []*Tensor) error {
	y, y32 := f(x), f(x32)
	a := VJP([]*Tensor{y}, []*Tensor{direction(y, 5)}, wrt)
	b := VJP([]*Tensor{y32}, []*Tensor{direction(y32, 5)}, wrt32)
	for k := range a {
		exact, rounded, largest := a[k].Float64s(), b[k].Float64s(), 0.0
		for i := range exact {
			largest = max(largest, math.Abs(exact[i]))
		}
		for i := range exact {
			if !(math.Abs(exact[i]-rounded[i]) <= 1e-3*(largest+1e-3)) {
				return fmt.Errorf("tensor: element %d of gradient %d is %.9g in float32, %.9g in float64", i, k, rounded[i], exact[i])
			}
		}
	}
	return nil
}

package onnx

import (
	"fmt"
	"math"
	"math/cmplx"
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

// Tolerance says when two numbers are close: |got - want| <= Absolute + Relative*|want|. NaN is close to NaN only.
type Tolerance struct{ Relative, Absolute float64 }

// DefaultTolerance is that of ONNX's own runner of test cases.
func DefaultTolerance() Tolerance { return Tolerance{Relative: 1e-3, Absolute: 1e-7} }

// Compare returns an error that says where got is not what is wanted: kinds, types and shapes must be equal, floats
// close, everything else equal.
func (t Tolerance) Compare(got, want Value) (err error) {
	defer catch(&err)
	switch want := want.(type) {
	case *Sequence:
		s, ok := got.(*Sequence)
		if !ok || len(s.Values) != len(want.Values) {
			return fmt.Errorf("expected %s, got %s", describe(want), describe(got))
		}
		for i, v := range want.Values {
			if err := t.Compare(s.Values[i], v); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	case *Optional:
		if o, ok := got.(*Optional); ok {
			got = o.Value
		}
		if want.Value == nil && got == nil {
			return nil
		}
		return t.Compare(got, want.Value)
	case Tensor:
		x, ok := got.(Tensor)
		if !ok || x.Type() != want.Type() || !slices.Equal(x.Shape(), want.Shape()) {
			return fmt.Errorf("expected %s, got %s", describe(want), describe(got))
		}
		return t.compareElements(host(x), host(want))
	}
	return fmt.Errorf("expected %s, got %s", describe(want), describe(got))
}

func (t Tolerance) compareElements(got, want *ndarray.Array) error {
	switch {
	case want.Type().IsFloat():
		return firstApart(must(got.Floats()), must(want.Floats()), t.close)
	case want.Type() == ndarray.Complex64:
		return firstApart(ndarray.Elements[complex64](got), ndarray.Elements[complex64](want), func(x, y complex64) bool {
			return t.closeComplex(complex128(x), complex128(y))
		})
	case want.Type() == ndarray.Complex128:
		return firstApart(ndarray.Elements[complex128](got), ndarray.Elements[complex128](want), t.closeComplex)
	}
	same := ndarray.Elements[bool](must(ndarray.Compare("Equal", got, want)))
	if i := slices.Index(same, false); i >= 0 {
		text := func(a *ndarray.Array) any { return must(ndarray.Take(a, []int{1}, []int{i})).Any() }
		return fmt.Errorf("element %d: expected %v, got %v", i, text(want), text(got))
	}
	return nil
}

func firstApart[T any](got, want []T, close func(x, y T) bool) error {
	for i, v := range want {
		if !close(got[i], v) {
			return fmt.Errorf("element %d: expected %v, got %v", i, v, got[i])
		}
	}
	return nil
}

func (t Tolerance) close(got, want float64) bool {
	return got == want || math.IsNaN(got) && math.IsNaN(want) ||
		math.Abs(got-want) <= t.Absolute+t.Relative*math.Abs(want) && !math.IsInf(want, 0)
}

func (t Tolerance) closeComplex(got, want complex128) bool {
	return got == want || cmplx.Abs(got-want) <= t.Absolute+t.Relative*cmplx.Abs(want) && !cmplx.IsInf(want)
}

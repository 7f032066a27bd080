package onnx

import (
	"fmt"
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func TestCompare(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	floats := func(v ...float32) Value { return ndarray.Vector(v...) }
	for _, row := range []struct {
		got, want Value
		err       string
	}{
		{floats(1000.9), floats(1000), "<nil>"},
		{floats(1001.1), floats(1000), "element 0: expected 1000, got 1001.0999755859375"},
		{floats(nan, inf, -inf), floats(nan, inf, -inf), "<nil>"},
		{floats(1), floats(nan), "element 0: expected NaN, got 1"},
		{floats(0, nan), floats(0, 1), "element 1: expected 1, got NaN"},
		{floats(1e38), floats(inf), "element 0: expected +Inf, got 9.999999680285692e+37"},
		{floats(5e-8), floats(0), "<nil>"},
		{floats(1), floats(1, 1), "expected float32[2], got float32[1]"},
		{floats(1), ndarray.Vector(1.0), "expected float64[1], got float32[1]"},
		{ndarray.Vector[int64](7, 8), ndarray.Vector[int64](7, 9), "element 1: expected [9], got [8]"},
		{ndarray.Vector("a"), ndarray.Vector("a"), "<nil>"},
		{ndarray.Vector[complex64](1 + 1e-5i), ndarray.Vector[complex64](1), "<nil>"},
		{ndarray.Vector(1 + 1i), ndarray.Vector(complex(1, 0)), "element 0: expected (1+0i), got (1+1i)"},
		{&Sequence{[]Value{floats(1)}}, &Sequence{[]Value{floats(2)}}, "element 0: element 0: expected 2, got 1"},
		{&Sequence{}, &Sequence{[]Value{floats(2)}}, "expected sequence(float32[1]), got sequence()"},
		{floats(1), &Sequence{}, "expected sequence(), got float32[1]"},
		{&Optional{}, &Optional{}, "<nil>"},
		{floats(1), &Optional{floats(1)}, "<nil>"},
		{&Optional{}, &Optional{floats(1)}, "expected float32[1], got nothing"},
		{nil, floats(1), "expected float32[1], got nothing"},
	} {
		if err := fmt.Sprint(DefaultTolerance().Compare(row.got, row.want)); err != row.err {
			t.Errorf("%v and %v: got %s, want %s", describe(row.got), describe(row.want), err, row.err)
		}
	}
}

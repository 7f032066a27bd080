package trace_test

import (
	"math/bits"
	"testing"

	"github.com/baremetaldevx86/microdr/trace"
)

// integers are of both signs and exact as float32; 0 tests division by it.
var integers = []float64{-70000, -7, -1, 0, 1, 3, 12, 65536}

func TestInt(t *testing.T) {
	type I = trace.Int
	is := func(op func(x, y I) trace.Bool) func(x, y I) I {
		return func(x, y I) I { return op(x, y).Int() }
	}
	divide := func(x, y int32) int32 {
		if y == 0 {
			return 0
		}
		return x / y
	}
	rows := []struct {
		name string
		op   func(x, y I) I
		want func(x, y int32) int32
	}{
		{"Add", I.Add, func(x, y int32) int32 { return x + y }},
		{"Sub", I.Sub, func(x, y int32) int32 { return x - y }},
		{"Mul", I.Mul, func(x, y int32) int32 { return x * y }},
		{"Div", I.Div, divide},
		{"Rem", I.Rem, func(x, y int32) int32 {
			if y == 0 {
				return 0
			}
			return x % y
		}},
		{"MulHi", I.MulHi, func(x, y int32) int32 { return int32(int64(x) * int64(y) >> 32) }},
		{"And", I.And, func(x, y int32) int32 { return x & y }},
		{"Or", I.Or, func(x, y int32) int32 { return x | y }},
		{"Xor", I.Xor, func(x, y int32) int32 { return x ^ y }},
		{"Min", I.Min, func(x, y int32) int32 { return min(x, y) }},
		{"Max", I.Max, func(x, y int32) int32 { return max(x, y) }},
		{"Plus", func(x, y I) I { return x.Plus(5) }, func(x, y int32) int32 { return x + 5 }},
		{"Minus", func(x, y I) I { return x.Minus(5) }, func(x, y int32) int32 { return x - 5 }},
		{"Times", func(x, y I) I { return x.Times(5) }, func(x, y int32) int32 { return x * 5 }},
		{"Over", func(x, y I) I { return x.Over(5) }, func(x, y int32) int32 { return x / 5 }},
		{"Mod", func(x, y I) I { return x.Mod(5) }, func(x, y int32) int32 { return x % 5 }},
		{"Shl", func(x, y I) I { return x.Shl(3) }, func(x, y int32) int32 { return x << 3 }},
		{"Shr", func(x, y I) I { return x.Shr(3) }, func(x, y int32) int32 { return x >> 3 }},
		{"Eq", is(I.Eq), func(x, y int32) int32 { return int32(truth(x == y)) }},
		{"Ne", is(I.Ne), func(x, y int32) int32 { return int32(truth(x != y)) }},
		{"Lt", is(I.Lt), func(x, y int32) int32 { return int32(truth(x < y)) }},
		{"Le", is(I.Le), func(x, y int32) int32 { return int32(truth(x <= y)) }},
		{"Uint", func(x, y I) I { return x.Uint().Int() }, func(x, y int32) int32 { return x }},
	}
	for _, row := range rows {
		check(t, row.name, grid(2, integers...),
			func(_ *trace.Recorder, x []trace.Float) []trace.Float {
				return split(row.op(x[0].Int(), x[1].Int()).Uint())
			},
			func(x []float64) []float64 { return splitWord(uint32(row.want(int32(x[0]), int32(x[1])))) })
	}
}

// split gives the halves of a word as floats, which hold them exactly.
func split(w trace.Uint) []trace.Float {
	return []trace.Float{w.Shr(16).Float(), w.And(w.R.Uint(0xffff)).Float()}
}

func splitWord(w uint32) []float64 { return []float64{float64(w >> 16), float64(w & 0xffff)} }

func TestUint(t *testing.T) {
	type U = trace.Uint
	is := func(op func(x, y U) trace.Bool) func(x, y U) U {
		return func(x, y U) U { return op(x, y).Int().Uint() }
	}
	rows := []struct {
		name string
		op   func(x, y U) U
		want func(x, y uint32) uint32
	}{
		{"Add", U.Add, func(x, y uint32) uint32 { return x + y }},
		{"Sub", U.Sub, func(x, y uint32) uint32 { return x - y }},
		{"Mul", U.Mul, func(x, y uint32) uint32 { return x * y }},
		{"Div", U.Div, func(x, y uint32) uint32 {
			if y == 0 {
				return 0
			}
			return x / y
		}},
		{"Rem", U.Rem, func(x, y uint32) uint32 {
			if y == 0 {
				return 0
			}
			return x % y
		}},
		{"MulHi", U.MulHi, func(x, y uint32) uint32 { h, _ := bits.Mul32(x, y); return h }},
		{"And", U.And, func(x, y uint32) uint32 { return x & y }},
		{"Or", U.Or, func(x, y uint32) uint32 { return x | y }},
		{"Xor", U.Xor, func(x, y uint32) uint32 { return x ^ y }},
		{"Min", U.Min, func(x, y uint32) uint32 { return min(x, y) }},
		{"Max", U.Max, func(x, y uint32) uint32 { return max(x, y) }},
		{"Plus", func(x, y U) U { return x.Plus(5) }, func(x, y uint32) uint32 { return x + 5 }},
		{"Minus", func(x, y U) U { return x.Minus(5) }, func(x, y uint32) uint32 { return x - 5 }},
		{"Times", func(x, y U) U { return x.Times(5) }, func(x, y uint32) uint32 { return x * 5 }},
		{"Over", func(x, y U) U { return x.Over(5) }, func(x, y uint32) uint32 { return x / 5 }},
		{"Mod", func(x, y U) U { return x.Mod(5) }, func(x, y uint32) uint32 { return x % 5 }},
		{"Shl", func(x, y U) U { return x.Shl(3) }, func(x, y uint32) uint32 { return x << 3 }},
		{"Shr", func(x, y U) U { return x.Shr(3) }, func(x, y uint32) uint32 { return x >> 3 }},
		{"Eq", is(U.Eq), func(x, y uint32) uint32 { return uint32(truth(x == y)) }},
		{"Ne", is(U.Ne), func(x, y uint32) uint32 { return uint32(truth(x != y)) }},
		{"Lt", is(U.Lt), func(x, y uint32) uint32 { return uint32(truth(x < y)) }},
		{"Le", is(U.Le), func(x, y uint32) uint32 { return uint32(truth(x <= y)) }},
	}
	for _, row := range rows {
		check(t, row.name, grid(2, integers...),
			func(_ *trace.Recorder, x []trace.Float) []trace.Float {
				return split(row.op(x[0].Int().Uint(), x[1].Int().Uint()))
			},
			func(x []float64) []float64 { return splitWord(row.want(uint32(int32(x[0])), uint32(int32(x[1])))) })
	}
}

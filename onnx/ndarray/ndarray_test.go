package ndarray

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func arrayOf[T Element](t *testing.T, data []T, shape ...int) *Array {
	t.Helper()
	a, err := Of(data, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// show is type, shape and elements.
func show(a *Array, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%v %v", a, a.Any())
}

func TestCount(t *testing.T) {
	for _, row := range []struct {
		shape []int
		want  string
	}{
		{[]int{}, "1 <nil>"},
		{[]int{2, 3}, "6 <nil>"},
		{[]int{2, 0, math.MaxInt}, "0 <nil>"},
		{[]int{-1}, "0 ndarray: expected lengths of 0 or more, got shape [-1]"},
		{[]int{0, -1}, "0 ndarray: expected lengths of 0 or more, got shape [0 -1]"},
		{[]int{1 << 28}, "268435456 <nil>"},
		{[]int{1 << 28, 2}, "0 ndarray: expected at most 268435456 elements, got shape [268435456 2]"},
		{[]int{1 << 40, 1 << 40}, "0 ndarray: expected at most 268435456 elements, got shape [1099511627776 1099511627776]"},
	} {
		n, err := Count(row.shape)
		if got := fmt.Sprint(n, err); got != row.want {
			t.Errorf("%v: got %s, expected %s", row.shape, got, row.want)
		}
	}
}

func TestTypes(t *testing.T) {
	for _, typ := range []Type{Float32, Uint8, Int8, Uint16, Int16, Int32, Int64, String, Bool, HalfFloat, Float64, Uint32,
		Uint64, Complex64, Complex128, BrainFloat} {
		a, err := New(typ, 2)
		if err != nil || a.Type() != typ || a.Len() != 2 || TypeNamed(typ.String()) != typ || !typ.Known() {
			t.Errorf("%v: got %v, %v", typ, a, err)
		}
	}
	for _, typ := range []Type{Undefined, -1, 17, 1000} {
		if _, err := New(typ); err == nil || typ.Known() || typ.Size() != 0 {
			t.Errorf("%v: expected an error", typ)
		}
	}
}

func TestBinary(t *testing.T) {
	ints := arrayOf(t, []int32{7, -7, 7, -7}, 4)
	for _, row := range []struct {
		name string
		a, b *Array
		want string
	}{
		{"Add", arrayOf(t, []float32{1, 2}, 2), arrayOf(t, []float32{10, 20, 30}, 3, 1), "float32[3 2] [11 12 21 22 31 32]"},
		{"Sub", arrayOf(t, []uint8{1}, 1), arrayOf(t, []uint8{2}), "uint8[1] [255]"},
		{"Mul", arrayOf(t, []int64{1 << 40}), arrayOf(t, []int64{3}), "int64[] [3298534883328]"},
		{"Div", ints, arrayOf(t, []int32{2, 2, -2, -2}, 4), "int32[4] [3 -3 -3 3]"},
		{"Mod", ints, arrayOf(t, []int32{3, 3, -3, -3}, 4), "int32[4] [1 2 -2 -1]"},
		{"Fmod", ints, arrayOf(t, []int32{3, 3, -3, -3}, 4), "int32[4] [1 -1 1 -1]"},
		{"Fmod", Scalar(-5.5), Scalar(2.0), "float64[] [-1.5]"},
		{"Pow", arrayOf(t, []int64{3, -2, 2}, 3), arrayOf(t, []int64{39, 3, -1}, 3), "int64[3] [4052555153018976267 -8 0]"},
		{"Pow", Scalar(float32(2)), Scalar(float32(-1)), "float32[] [0.5]"},
		{"Max", Scalar(float32(1)), Scalar(float32(math.NaN())), "float32[] [NaN]"},
		{"Min", Scalar(int8(-1)), Scalar(int8(1)), "int8[] [-1]"},
		{"Add", arrayOf(t, []int32{}, 0, 2), arrayOf(t, []int32{1, 2}, 2), "int32[0 2] []"},
		{"Div", ints, Scalar(int32(0)), "ndarray: Div: expected divisors other than 0"},
		{"Mod", Scalar(uint8(1)), Scalar(uint8(0)), "ndarray: Mod: expected divisors other than 0"},
		{"Add", Scalar(int32(1)), Scalar(int64(1)), "ndarray: Add: expected operands of one type, got int32[] and int64[]"},
		{"Add", Scalar("a"), Scalar("b"), "ndarray: Add is not defined for elements of type string"},
		{"Atan2", Scalar(1.0), Scalar(1.0), "ndarray: Atan2 is not defined for elements of type float64"},
		{"Add", arrayOf(t, []int32{1, 2}, 2), ints, "ndarray: expected shapes that broadcast, got [[2] [4]]"},
	} {
		if got := show(Binary(row.name, row.a, row.b)); got != row.want {
			t.Errorf("%s of %v and %v:\ngot  %s\nwant %s", row.name, row.a, row.b, got, row.want)
		}
	}
}

// TestHalfArithmetic rounds every result to 16 bits: 2048 + 1 is a tie, and 2048 the even neighbour.
func TestHalfArithmetic(t *testing.T) {
	x, err := Binary("Add", Scalar(HalfOf(2048)), Scalar(HalfOf(1)))
	if err != nil || Elements[Half](x)[0].Float32() != 2048 {
		t.Errorf("2048 + 1: got %v, %v", x, err)
	}
}

func TestUnary(t *testing.T) {
	for _, row := range []struct {
		name string
		a    *Array
		want string
	}{
		{"Abs", arrayOf(t, []int8{-3, 3, -128}, 3), "int8[3] [3 3 -128]"},
		{"Abs", arrayOf(t, []uint8{1, 200}, 2), "uint8[2] [1 200]"},
		{"Abs", Scalar(float32(math.Copysign(0, -1))), "float32[] [0]"},
		{"Neg", arrayOf(t, []int32{1, -2}, 2), "int32[2] [-1 2]"},
		{"Sign", arrayOf(t, []float64{-0.5, 0, 2}, 3), "float64[3] [-1 0 1]"},
		{"Sign", arrayOf(t, []uint8{0, 9}, 2), "uint8[2] [0 1]"},
		{"Round", arrayOf(t, []float64{0.5, 1.5, -2.5, 2.4}, 4), "float64[4] [0 2 -2 2]"},
		{"Sqrt", Scalar(float32(2)), "float32[] [1.4142135]"},
		{"Sqrt", Scalar(int32(4)), "ndarray: Sqrt is not defined for elements of type int32"},
		{"Nothing", Scalar(1.0), "ndarray: Nothing is not defined for elements of type float64"},
	} {
		if got := show(Unary(row.name, row.a)); got != row.want {
			t.Errorf("%s of %v: got %s, want %s", row.name, row.a, got, row.want)
		}
	}
}

func TestCompare(t *testing.T) {
	x := arrayOf(t, []float32{1, 2, float32(math.NaN())}, 3)
	for _, row := range []struct{ name, want string }{
		{"Equal", "bool[3] [false true false]"}, {"Less", "bool[3] [true false false]"},
		{"LessOrEqual", "bool[3] [true true false]"}, {"Greater", "bool[3] [false false false]"},
		{"GreaterOrEqual", "bool[3] [false true false]"}, {"Unlike", "ndarray: Unlike is no comparison"},
	} {
		if got := show(Compare(row.name, x, Scalar(float32(2)))); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
	if got := show(Compare("Equal", arrayOf(t, []string{"a", "b"}, 2), Scalar("b"))); got != "bool[2] [false true]" {
		t.Errorf("strings: got %s", got)
	}
}

func TestCast(t *testing.T) {
	for _, row := range []struct {
		a    *Array
		to   Type
		want string
	}{
		{arrayOf(t, []float32{1.9, -1.9, 300}, 3), Int8, "int8[3] [1 -1 44]"},
		{arrayOf(t, []float64{math.NaN(), 1e300}, 2), Int64, "int64[2] [-9223372036854775808 -9223372036854775808]"},
		{Scalar(float64(1 << 63)), Uint64, "uint64[] [9223372036854775808]"},
		{Scalar(uint64(math.MaxUint64)), Float64, "float64[] [1.8446744073709552e+19]"},
		{Scalar(int64(-1)), Uint16, "uint16[] [65535]"},
		{arrayOf(t, []int32{0, -4}, 2), Bool, "bool[2] [false true]"},
		{arrayOf(t, []bool{true, false}, 2), Float32, "float32[2] [1 0]"},
		{arrayOf(t, []string{" 12", "-1e3", "9223372036854775807"}, 3), Int64, "int64[3] [12 -1000 9223372036854775807]"},
		{arrayOf(t, []string{"inf", "NaN", "1e999"}, 3), Float32, "float32[3] [+Inf NaN +Inf]"},
		{arrayOf(t, []float32{0.1, 3, 1e20, float32(math.Inf(-1))}, 4), String, "string[4] [0.1 3.0 1e+20 -INF]"},
		{arrayOf(t, []uint64{math.MaxUint64}, 1), String, "string[1] [18446744073709551615]"},
		{Scalar("x"), Int32, `ndarray: expected a number, got "x"`},
		{Scalar(complex64(1)), Float32, "ndarray: expected a conversion between real types, got complex64 to float32"},
	} {
		if got := show(Cast(row.a, row.to)); got != row.want {
			t.Errorf("%v to %v: got %s, want %s", row.a, row.to, got, row.want)
		}
	}
}

func TestMovement(t *testing.T) {
	x := arrayOf(t, []int32{0, 1, 2, 3, 4, 5}, 2, 3)
	zero := Scalar(int32(9))
	for _, row := range []struct {
		name string
		got  string
		want string
	}{
		{"permute", show(Permute(x, []int{1, 0})), "int32[3 2] [0 3 1 4 2 5]"},
		{"permute twice", show(Permute(x, []int{1, 1})), "ndarray: expected a permutation of 0 to 1, got [1 1]"},
		{"permute less", show(Permute(x, []int{0})), "ndarray: expected a permutation of 2 dimensions, got [0]"},
		{"slice", show(Slice(x, []Range{{1, -1, 2}, {2, -2, 2}})), "int32[2 2] [5 3 2 0]"},
		{"slice nothing", show(Slice(x, []Range{{5, 1, 0}, {0, 1, 3}})), "int32[0 3] []"},
		{"slice outside", show(Slice(x, []Range{{0, 1, 3}, {0, 1, 3}})),
			"ndarray: expected a range within 2, got {Start:0 Step:1 N:3}"},
		{"pad", show(Pad(x, []int{0, 1}, []int{1, 0}, []int{1, 0}, zero)),
			"int32[4 4] [9 0 1 2 9 9 9 9 9 3 4 5 9 9 9 9]"},
		{"concat", show(Concat(1, x, x)), "int32[2 6] [0 1 2 0 1 2 3 4 5 3 4 5]"},
		{"concat others", show(Concat(0, x, zero)),
			"ndarray: expected arrays that differ from int32[2 3] in dimension 0 only, got int32[]"},
		{"broadcast", show(Broadcast(arrayOf(t, []int32{1, 2}, 2, 1), []int{2, 2, 2})), "int32[2 2 2] [1 1 2 2 1 1 2 2]"},
		{"broadcast less", show(Broadcast(x, []int{3})), "ndarray: expected a shape that stretches to [3], got [2 3]"},
		{"take", show(Take(x, []int{2, 2}, []int{5, 5, 0, 1})), "int32[2 2] [5 5 0 1]"},
		{"take outside", show(Take(x, []int{1}, []int{6})), "ndarray: expected indices from 0 to 5"},
		{"set", show(Put("Set", x, []int{0, 0}, arrayOf(t, []int32{7, 8}, 2))), "int32[2 3] [8 1 2 3 4 5]"},
		{"put", show(Put("Add", x, []int{0, 0}, arrayOf(t, []int32{7, 8}, 2))), "int32[2 3] [15 1 2 3 4 5]"},
		{"where", show(Where(arrayOf(t, []bool{true, false}, 2, 1), x, zero)), "int32[2 3] [0 1 2 9 9 9]"},
		{"reshape", show(x.Reshape(3, 2)), "int32[3 2] [0 1 2 3 4 5]"},
		{"reshape others", show(x.Reshape(4)), "ndarray: expected a shape for 6 elements, got [4]"},
		{"of", show(Of([]int32{1}, 2)), "ndarray: expected 2 elements for shape [2], got 1"},
	} {
		if row.got != row.want {
			t.Errorf("%s:\ngot  %s\nwant %s", row.name, row.got, row.want)
		}
	}
	if first := Elements[int32](x); !slices.Equal(first, []int32{0, 1, 2, 3, 4, 5}) {
		t.Errorf("an argument was changed: %v", first)
	}
}

func TestGrid(t *testing.T) {
	got := Grid([]int{3, 1}, [][]int{{1, 0}, {2, 2, 0}})
	if want := []int{5, 5, 3, 2, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReduce(t *testing.T) {
	x := arrayOf(t, []float32{1, 2, 3, 4, 5, 6}, 2, 3)
	big := arrayOf(t, []float32{1 << 24, 1, 1, -1 << 24}, 4)
	for _, row := range []struct{ name, got, want string }{
		{"sum", show(Reduce("Add", x, []int{0})), "float32[1 3] [5 7 9]"},
		{"sum of all", show(Reduce("Add", x, []int{1, 0})), "float32[1 1] [21]"},
		{"sum, rounded once", show(Reduce("Add", big, []int{0})), "float32[1] [2]"},
		{"product", show(Reduce("Mul", x, []int{1})), "float32[2 1] [6 120]"},
		{"largest", show(Reduce("Max", x, []int{1})), "float32[2 1] [3 6]"},
		{"of none", show(Reduce("Min", x, nil)), "float32[2 3] [1 2 3 4 5 6]"},
		{"empty sum", show(Reduce("Add", arrayOf(t, []int32{}, 2, 0), []int{1})), "int32[2 1] [0 0]"},
		{"empty product", show(Reduce("Mul", arrayOf(t, []int32{}, 0), []int{0})), "int32[1] [1]"},
		{"empty largest", show(Reduce("Max", arrayOf(t, []int32{}, 0), []int{0})), "ndarray: Max: expected elements to reduce"},
		{"twice", show(Reduce("Add", x, []int{0, 0})), "ndarray: expected a permutation of 0 to 1, got [1 0 0]"},
		{"outside", show(Reduce("Add", x, []int{2})), "ndarray: expected dimensions from 0 to 1, got [2]"},
		{"scan", show(Scan(x, 1, false, false)), "float32[2 3] [1 3 6 4 9 15]"},
		{"scan before", show(Scan(x, 1, true, false)), "float32[2 3] [0 1 3 0 4 9]"},
		{"scan back", show(Scan(x, 0, false, true)), "float32[2 3] [5 7 9 4 5 6]"},
		{"scan of nothing", show(Scan(arrayOf(t, []int32{}, 0, 2), 0, false, false)), "int32[0 2] []"},
		{"scan of truth", show(Scan(arrayOf(t, []bool{true}, 1), 0, false, false)),
			"ndarray: CumSum is not defined for elements of type bool"},
		{"sort", show(ArgSort(arrayOf(t, []int8{3, 1, 3, 2}, 4), 0, false)), "int64[4] [1 3 0 2]"},
		{"sort down", show(ArgSort(arrayOf(t, []float32{1, 4, 3, 2}, 2, 2), 0, true)), "int64[2 2] [1 0 0 1]"},
		{"sort words", show(ArgSort(arrayOf(t, []string{"b", "a"}, 2), 0, false)), "int64[2] [1 0]"},
	} {
		if row.got != row.want {
			t.Errorf("%s:\ngot  %s\nwant %s", row.name, row.got, row.want)
		}
	}
}

func TestMatMul(t *testing.T) {
	x := arrayOf(t, []int32{1, 2, 3, 4}, 2, 2)
	batch := arrayOf(t, []int32{1, 0, 0, 1, 2, 0, 0, 2}, 2, 1, 2, 2)
	for _, row := range []struct{ name, got, want string }{
		{"plain", show(MatMul(x, x)), "int32[2 2] [7 10 15 22]"},
		{"stretched", show(MatMul(batch, x)), "int32[2 1 2 2] [1 2 3 4 2 4 6 8]"},
		{"nothing inside", show(MatMul(arrayOf(t, []int32{}, 1, 0), arrayOf(t, []int32{}, 0, 2))), "int32[1 2] [0 0]"},
		{"others", show(MatMul(x, arrayOf(t, []int32{1}, 1, 1))),
			"ndarray: expected matrices that can be multiplied, got int32[2 2] and int32[1 1]"},
	} {
		if row.got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, row.got, row.want)
		}
	}
}

func TestLogical(t *testing.T) {
	x, y := arrayOf(t, []bool{true, true, false, false}, 4), arrayOf(t, []bool{true, false, true, false}, 4)
	for _, row := range []struct{ name, want string }{
		{"And", "[true false false false]"}, {"Or", "[true true true false]"}, {"Xor", "[false true true false]"},
		{"Nor", "ndarray: Nor: expected"},
	} {
		if got := show(Logical(row.name, x, y)); !strings.Contains(got, row.want) {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
	if got := show(Not(x)); got != "bool[4] [false false true true]" {
		t.Errorf("Not: got %s", got)
	}
	if got := show(Shift(arrayOf(t, []uint8{1, 255}, 2), arrayOf(t, []uint8{7, 1}, 2), true)); got != "uint8[2] [128 254]" {
		t.Errorf("Shift: got %s", got)
	}
	if got := show(Shift(Scalar(uint64(1<<63)), Scalar(uint64(63)), false)); got != "uint64[] [1]" {
		t.Errorf("Shift: got %s", got)
	}
}

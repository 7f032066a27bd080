package tensor

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/trace"
)

func open(t testing.TB, o Options) *Engine {
	e := Open(o)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// TestElements are operations with known results.
func TestElements(t *testing.T) {
	e := open(t, Options{})
	x := e.New([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	row := e.New([]float32{10, 20, 30}, 3)
	column := e.New([]float32{100, 200}, 2, 1)
	nan := float32(math.NaN())
	halves := e.New([]float32{-1.5, -0.5, 0.5, 2.5}, 4)
	bits := e.NewInt32([]int32{3, 5}, 2)
	scaled := MapMany("scaled", func(r *trace.Recorder, v []trace.Float) []trace.Float {
		return []trace.Float{v[0].Mul(r.Uniform("scale")), r.Float(7)}
	}, map[string]*Tensor{"scale": e.Scalar(0.5)}, row)
	for _, r := range []struct {
		name  string
		got   *Tensor
		shape []int
		want  []float64
	}{
		{"plus", x.Plus(1), []int{2, 3}, []float64{2, 3, 4, 5, 6, 7}},
		{"broadcast row", x.Add(row), []int{2, 3}, []float64{11, 22, 33, 14, 25, 36}},
		{"broadcast column", x.Add(column), []int{2, 3}, []float64{101, 102, 103, 204, 205, 206}},
		{"outer", row.Add(column), []int{2, 3}, []float64{110, 120, 130, 210, 220, 230}},
		{"transpose", x.T(), []int{3, 2}, []float64{1, 4, 2, 5, 3, 6}},
		{"transpose of a sum", x.Add(row).T(), []int{3, 2}, []float64{11, 14, 22, 25, 33, 36}},
		{"reshape of a transpose", x.T().Reshape(6), []int{6}, []float64{1, 4, 2, 5, 3, 6}},
		{"slice", x.Slice(1, 1, 3), []int{2, 2}, []float64{2, 3, 5, 6}},
		{"slice of a slice", x.Slice(1, 1, 3).Slice(0, 1, 2), []int{1, 2}, []float64{5, 6}},
		{"step", x.Reshape(6).SliceStep(0, 1, 6, 2), []int{3}, []float64{2, 4, 6}},
		{"backwards", x.Reshape(6).SliceStep(0, 5, -7, -2), []int{3}, []float64{6, 4, 2}},
		{"flip", x.Flip(1), []int{2, 3}, []float64{3, 2, 1, 6, 5, 4}},
		{"pad", x.Pad([]int{1, 0}, []int{0, 1}, 9), []int{3, 4}, []float64{9, 9, 9, 9, 1, 2, 3, 9, 4, 5, 6, 9}},
		{"crop", x.Pad([]int{0, -1}, []int{-1, 0}, 9), []int{1, 2}, []float64{2, 3}},
		{"concat", Concat(1, x, column), []int{2, 4}, []float64{1, 2, 3, 100, 4, 5, 6, 200}},
		{"stack", Stack(0, row, row.Neg()), []int{2, 3}, []float64{10, 20, 30, -10, -20, -30}},
		{"split", x.Split(1, 1, 2)[1], []int{2, 2}, []float64{2, 3, 5, 6}},
		{"sum", x.Sum(), []int{}, []float64{21}},
		{"sum of rows", x.Sum(1), []int{2}, []float64{6, 15}},
		{"sum of columns", x.Sum(0), []int{3}, []float64{5, 7, 9}},
		{"sum over a transpose", x.T().Sum(0), []int{2}, []float64{6, 15}},
		{"sum of the outer of three", x.Reshape(2, 1, 3).Expand(2, 2, 3).Sum(0, 2), []int{2}, []float64{21, 21}},
		{"mean", x.Mean(0), []int{3}, []float64{2.5, 3.5, 4.5}},
		{"var", x.Var(0, 1), []int{2}, []float64{2.0 / 3, 2.0 / 3}},
		{"prod", x.Prod(0), []int{3}, []float64{4, 10, 18}},
		{"max", x.MaxOver(1), []int{2}, []float64{3, 6}},
		{"cumsum", x.CumSum(0), []int{2, 3}, []float64{1, 2, 3, 5, 7, 9}},
		{"cumsum of integers", e.Arange(4).CumSum(0), []int{4}, []float64{0, 1, 3, 6}},
		{"sort", x.Neg().Sort(1, false), []int{2, 3}, []float64{-3, -2, -1, -6, -5, -4}},
		{"argsort", e.New([]float32{2, 0, 1, 2}, 4).ArgSort(0, true), []int{4}, []float64{0, 3, 2, 1}},
		{"matmul", x.MatMul(x.T()), []int{2, 2}, []float64{14, 32, 32, 77}},
		{"matmul of a slice", x.Slice(1, 0, 2).MatMul(x.Slice(1, 1, 3)), []int{2, 2}, []float64{12, 15, 33, 42}},
		{"gather", x.Gather(1, e.NewInt32([]int32{2, -3}, 2, 1)), []int{2, 1}, []float64{3, 4}},
		{"index select", x.IndexSelect(1, e.NewInt32([]int32{2, 0}, 2)), []int{2, 2}, []float64{3, 1, 6, 4}},
		{"embedding", x.Embedding(e.NewInt32([]int32{1, 1, 0}, 3)), []int{3, 3}, []float64{4, 5, 6, 4, 5, 6, 1, 2, 3}},
		{"one hot", e.NewInt32([]int32{1, 0}, 2).OneHot(3), []int{2, 3}, []float64{0, 1, 0, 1, 0, 0}},
		{"scatter add", x.ScatterAdd(0, e.NewInt32([]int32{1, 1}, 2, 1), column), []int{2, 3}, []float64{1, 2, 3, 304, 5, 6}},
		{"where", x.Above(3).Where(x, x.Neg()), []int{2, 3}, []float64{-1, -2, -3, 4, 5, 6}},
		{"cast", x.Over(2).Cast(Int32), []int{2, 3}, []float64{0, 1, 1, 2, 2, 3}},
		{"bytes", e.NewUint8([]uint8{1, 255}, 2).Plus(2).Cast(Uint8).Plus(0), []int{2}, []float64{3, 1}},
		{"sum of bytes", e.NewUint8([]uint8{200, 255}, 2).Sum(), []int{}, []float64{455}},
		{"mean of bytes", e.NewUint8([]uint8{1, 255}, 2).Cast(Float32).Mean(), []int{}, []float64{128}},
		{"half", x.Plus(1.0 / 4096).Cast(Float16).Plus(0), []int{2, 3}, []float64{1, 2, 3, 4, 5, 6}},
		{"variance of nothing", e.Zeros(0, 2).Var(1, 0).IsNaN(), []int{2}, []float64{1, 1}},
		{"least of no integers", e.Arange(0).MinOver(), []int{}, []float64{2147483647}},
		{"how many", x.Above(2).Sum(), []int{}, []float64{4}},
		{"any", x.Above(3).Any(1), []int{2}, []float64{0, 1}},
		{"all", x.Above(3).All(1), []int{2}, []float64{0, 1}},
		{"sorted bytes", e.NewUint8([]uint8{3, 200, 1}, 3).Sort(0, true), []int{3}, []float64{200, 3, 1}},
		{"rows by bytes", x.IndexSelect(0, e.NewUint8([]uint8{1}, 1)), []int{1, 3}, []float64{4, 5, 6}},
		{"argmax", e.New([]float32{1, 3, 3, 5, 4, 5}, 2, 3).ArgMax(1), []int{2}, []float64{1, 0}},
		{"argmax with NaN", e.New([]float32{1, nan, 3, nan}, 4).ArgMax(0), []int{}, []float64{1}},
		{"argmin", x.Neg().ArgMin(0), []int{3}, []float64{1, 1, 1}},
		{"argmax of integers", e.NewInt32([]int32{-3, -1, -2}, 3).ArgMax(-1), []int{}, []float64{1}},
		{"floor", halves.Floor(), []int{4}, []float64{-2, -1, 0, 2}},
		{"ceil", halves.Ceil(), []int{4}, []float64{-1, 0, 1, 3}},
		{"trunc", halves.Trunc(), []int{4}, []float64{-1, 0, 0, 2}},
		{"round", halves.Round(), []int{4}, []float64{-2, 0, 0, 2}},
		{"le", x.Le(row.Over(10)), []int{2, 3}, []float64{1, 1, 1, 0, 0, 0}},
		{"ge", x.Ge(row.Over(10)), []int{2, 3}, []float64{1, 1, 1, 1, 1, 1}},
		{"equal truths", x.Above(2).Eq(x.Above(4)), []int{2, 3}, []float64{1, 1, 0, 0, 1, 1}},
		{"and, or, xor, not", bits.And(bits.Flip(0)).Or(bits.Xor(bits.Flip(0)).Not()), []int{2}, []float64{-7, -7}},
		{"shifts", bits.Shl(bits.like(2)).Shr(bits.like(1)), []int{2}, []float64{6, 10}},
		{"remainder", e.NewInt32([]int32{7, -7, 5}, 3).Rem(e.NewInt32([]int32{4, 4, 0}, 3)), []int{3}, []float64{3, -3, 0}},
		{"map", Map("cube", func(_ *trace.Recorder, v []trace.Float) trace.Float { return v[0].Mul(v[0]).Mul(v[1]) }, x, row.Over(10)),
			[]int{2, 3}, []float64{1, 8, 27, 16, 50, 108}},
		{"map with a uniform", scaled[0], []int{3}, []float64{5, 10, 15}},
		{"map without an argument", scaled[1], []int{3}, []float64{7, 7, 7}},
		{"jacobian by rows", Jacobian(x.Sum(0).At(0, 0).Reshape(1), x), []int{1, 2, 3}, []float64{1, 0, 0, 1, 0, 0}},
		{"jacobian by columns", Jacobian(row.Mul(column).Mul(e.Ones(2, 3)), column), []int{2, 3, 2, 1},
			[]float64{10, 0, 20, 0, 30, 0, 0, 10, 0, 20, 0, 30}},
		{"empty", x.Slice(0, 1, 1).Sum(0), []int{3}, []float64{0, 0, 0}},
		{"logsumexp", e.New([]float32{-1000, -1000}, 2).LogSumExp(0), []int{}, []float64{-999.30685}},
	} {
		got := r.got.Float64s()
		if !slices.Equal(r.got.Shape(), r.shape) || !near(got, r.want, 1e-6) {
			t.Errorf("%s: %v%v, want %v%v", r.name, r.got.Shape(), got, r.shape, r.want)
		}
	}
}

func near(a, b []float64, tolerance float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool {
		return x == y || x-y < tolerance*(1+y*y) && y-x < tolerance*(1+y*y)
	})
}

// TestNumbers: graphs that differ only in a number are different ones, whatever the type.
func TestNumbers(t *testing.T) {
	e := open(t, Options{})
	for _, typ := range []Type{Float32, Int32, Uint32, Uint8, Float16, BFloat16} {
		x := e.New([]float32{1, 7}, 2).Cast(typ)
		for _, n := range []float64{3, 5, 0, 1, 30} {
			for name, got := range map[string]*Tensor{"Full": e.FullOf(typ, n, 2), "Plus": x.Plus(n), "AtLeast": x.AtLeast(n)} {
				want := map[string][]float64{"Full": {n, n}, "Plus": {1 + n, 7 + n}, "AtLeast": {max(1, n), max(7, n)}}[name]
				if !near(got.Float64s(), want, 0) {
					t.Errorf("%v: %s(%v) is %v, want %v", typ, name, n, got, want)
				}
			}
		}
	}
}

// TestErrors: calls that make no sense panic with an error that names the call, where it stands and the shapes.
func TestErrors(t *testing.T) {
	e := open(t, Options{})
	x := e.Zeros(2, 3)
	for _, r := range []struct {
		call func()
		want string
	}{
		{func() { x.Add(e.Zeros(2, 4)) }, "Add: shapes [2 3] and [2 4] do not go together"},
		{func() { x.MatMul(e.Zeros(2, 3)) }, "MatMul: shapes [2 3] and [2 3]: inner extents 3 and 2 differ"},
		{func() { x.Add(e.Arange(3)) }, "Add: float32[2 3] and int32[3] are of different types"},
		{func() { x.Reshape(4, -1) }, "Reshape: shape [2 3] into [4 -1]"},
		{func() { x.Sum(2) }, "Sum: axis 2 of shape [2 3]"},
		{func() { x.Sum(1, -1) }, "Sum: axis 1 of shape [2 3] is given twice"},
		{func() { Concat(0, x, e.Zeros(2, 4)) }, "Concat: shapes [2 3] and [2 4] do not go together along axis 0"},
		{func() { e.Zeros(1, 4, 8, 8).Conv2D(e.Zeros(2, 3, 3, 3), Window{}) }, "Conv2D: filters [2 3 3 3] for images [1 4 8 8]"},
		{func() { e.New([]float32{1}, 2) }, "New: 1 elements for shape [2]"},
		{func() { Grad(x, x) }, "Grad: shape [2 3] is no scalar"},
		{func() { e.Arange(3).Times(0.5) }, "0.5 is no int32"},
		{func() { e.Arange(3).Plus(1e10) }, "1e+10 is no int32"},
		{func() { e.Arange(3).Softmax(0) }, "Softmax: not defined for int32"},
		{func() { Stack(0) }, "Stack: no tensors"},
		{func() { x.Item() }, "Item: shape [2 3] has 6 elements"},
		{func() { x.Cast(Bool).Sin() }, "Sin: not defined for bool"},
		{func() { VJP([]*Tensor{x}, []*Tensor{e.Zeros(3)}, []*Tensor{x}) }, "VJP: an adjoint of float32[3] for float32[2 3]"},
	} {
		err := Catch(r.call)
		if err == nil || !strings.Contains(err.Error(), r.want) || !strings.Contains(err.Error(), "tensor_test.go:") {
			t.Errorf("%v, want %s", err, r.want)
		}
	}
}

// TestAnomalies: the operation that first made a NaN is named, in functions too.
func TestAnomalies(t *testing.T) {
	e := open(t, Options{Anomalies: true})
	x := e.New([]float32{1, -1}, 2)
	f := func(x *Tensor) *Tensor { return x.Times(2).Log().Exp().Sum() }
	_, err := f(x).TryFloat64s()
	if err == nil || !strings.Contains(err.Error(), "Log: the result, float32[2], has a NaN") || !strings.Contains(err.Error(), "tensor_test.go:") {
		t.Error(err)
	}
	fn, err := e.Compile(func(x []*Tensor) []*Tensor { return []*Tensor{f(x[0])} }, Spec{Float32, []int{2}})
	if err != nil {
		t.Fatal(err)
	}
	defer fn.Close()
	fn.Input(0).Write32([]float32{1, 2})
	if err := fn.Run(t.Context()); err != nil {
		t.Error(err)
	}
	fn.Input(0).Write32([]float32{1, -2})
	if err := fn.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "Log: ") {
		t.Error(err)
	}
}

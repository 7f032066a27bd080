package tensor

import (
	"strings"
	"testing"
)

// TestNumbersThatWereRead: a number that has elements of its own is a tensor like any other, and no parameter of the graph.
func TestNumbersThatWereRead(t *testing.T) {
	e := open(t, Options{})
	if got := e.New([]float32{0.25}).Plus(1).Item(); got != 1.25 {
		t.Errorf("%v", got)
	}
	x := e.Scalar(0.3)
	x.Item()
	if got := x.Plus(1).Item(); got != float64(float32(0.3)+1) {
		t.Errorf("%v", got)
	}
}

// TestStoredNumbers: numbers of types for storage are rounded, whether they are written to memory or not.
func TestStoredNumbers(t *testing.T) {
	e := open(t, Options{})
	for _, typ := range []Type{Float16, BFloat16} {
		for name, f := range map[string]func() *Tensor{
			"Full": func() *Tensor { return e.FullOf(typ, 0.1, 2) },
			"Pad":  func() *Tensor { return e.Ones(1).Cast(typ).Pad([]int{1}, []int{0}, 0.1) },
		} {
			inline, memory := f().Plus(0).Float64s()[0], f()
			if err := e.Eval(memory); err != nil {
				t.Fatal(err)
			}
			if want := memory.Float64s()[0]; inline != want || inline == float64(float32(0.1)) {
				t.Errorf("%v %s: %v, in memory %v", typ, name, inline, want)
			}
		}
	}
}

// TestMisuse: what belongs to another engine, was freed, or has no such number is refused.
func TestMisuse(t *testing.T) {
	e, other := open(t, Options{}), open(t, Options{})
	v := e.NewVariable("v", e.Scalar(1))
	for _, r := range []struct {
		call func()
		want string
	}{
		{func() { v.Set(other.Scalar(2)) }, "Set: a tensor of another engine for variable v"},
		{func() { e.Ones(2).Add(other.Ones(2)) }, "Add: tensors of different engines"},
		{func() { e.Arange(2).Pad([]int{1}, []int{0}, 0.5) }, "Pad: 0.5 is no int32"},
		{func() { x := e.New([]float32{1}, 1); x.Free(); x.Plus(1).Float64s() }, "a tensor of shape [1] was freed"},
		{func() { x := e.New([]float32{1, 2}, 2); y := x.Flip(0); x.Free(); y.Float64s() }, "a tensor of shape [2] was freed"},
	} {
		if err := Catch(r.call); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%v, want %s", err, r.want)
		}
	}
	_, err := e.Compile(func([]*Tensor) []*Tensor { return []*Tensor{other.Scalar(1)} })
	if err == nil || !strings.Contains(err.Error(), "a result of another engine") {
		t.Error(err)
	}
}

// TestPlansHoldLittle: compiled graphs that hold much memory between their runs are forgotten, and compiled again.
func TestPlansHoldLittle(t *testing.T) {
	e := open(t, Options{})
	for n := range 20 {
		rows := 4_000_000 + 1000*n // each holds what is written before it is seen from elsewhere
		x := e.Arange(rows).Cast(Float32).Exp()
		y := x.Flip(0).Sum().Add(x.Sum()).Add(x.Slice(0, 1, rows).Sum())
		if err := e.Eval(y); err != nil {
			t.Fatal(err)
		}
	}
	if e.plans.bytes > mostBytes || len(e.plans.age) != len(e.plans.byKey) || len(e.plans.age) == 20 {
		t.Errorf("%d graphs hold %d bytes", len(e.plans.age), e.plans.bytes)
	}
}

// TestFrozenInCheckpoint: derivatives stop in a checkpoint where they would outside, at views too.
func TestFrozenInCheckpoint(t *testing.T) {
	e := open(t, Options{})
	x := e.New([]float32{2, 3}, 2)
	f := func(x []*Tensor) *Tensor {
		var turned *Tensor
		e.NoGrad(func() { turned = x[0].Flip(0) })
		return turned.Mul(x[0])
	}
	plain := Grad(f([]*Tensor{x.Times(1)}).Sum(), x)[0]
	saved := Grad(Checkpoint(f, x.Times(1)).Sum(), x)[0]
	if a, b := plain.Float64s(), saved.Float64s(); !near(a, b, 0) || !near(a, []float64{3, 2}, 0) {
		t.Errorf("%v without a checkpoint, %v with one", a, b)
	}
}

// TestTangentsAdd: a tensor that is given twice moves at the sum of its rates.
func TestTangentsAdd(t *testing.T) {
	e := open(t, Options{})
	x := e.Scalar(3)
	d := JVP([]*Tensor{x.Sq()}, []*Tensor{x, x}, []*Tensor{e.Scalar(1), e.Scalar(2)})
	if got := d[0].Item(); got != 18 {
		t.Errorf("%v, want 18", got)
	}
}

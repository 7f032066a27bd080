package tensor

import (
	"fmt"
	"strings"
	"testing"
)

// TestFunction: a compiled step of gradient descent does what the same step does without compiling, bit for bit, and allocates
// nothing.
func TestFunction(t *testing.T) {
	e := open(t, Options{})
	start := e.New([]float32{1, -2, 3}, 3)
	w := e.NewVariable("w", start)
	loss := func(w, x *Tensor) *Tensor { return w.Mul(x).Sub(x.Sq()).Sq().Mean() }
	step := func(x []*Tensor) []*Tensor {
		l := loss(w.Value(), x[0])
		w.Set(w.Value().Sub(Grad(l, w.Value())[0].Times(0.1)))
		return []*Tensor{l}
	}
	f, err := e.Compile(step, Spec{Float32, []int{4, 3}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	random := e.NewRandom(3)
	other := start
	for range 5 {
		x := random.Normal(4, 3)
		f.Input(0).Write32(x.Float32s())
		if err := f.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		l := loss(other, x)
		other = other.Sub(Grad(l, other)[0].Times(0.1))
		if err := e.Eval(l, other); err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(w.Value(), f.Result(0)), fmt.Sprint(other, l); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	allocations := testing.AllocsPerRun(100, func() {
		if err := f.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if allocations != 0 {
		t.Errorf("a run allocates %v times", allocations)
	}
}

// TestFunctionCopies: results that are inputs, variables or each other have elements of their own.
func TestFunctionCopies(t *testing.T) {
	e := open(t, Options{})
	v, w := e.NewVariable("v", e.Scalar(2)), e.NewVariable("w", e.Scalar(5))
	f, err := e.Compile(func(in []*Tensor) []*Tensor {
		a, b := v.Value(), w.Value()
		v.Set(b)
		w.Set(a)
		return []*Tensor{in[0], a, a, b}
	}, Spec{Float32, []int{1}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Input(0).Write32([]float32{7})
	for range 3 {
		if err := f.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := fmt.Sprint(v.Value().Item(), w.Value().Item(), f.Result(0).Item(), f.Result(1).Item(), f.Result(2).Item(), f.Result(3).Item())
	if got != "5 2 7 2 2 5" {
		t.Error(got)
	}
}

// TestReshapedResults: reshaping a result costs nothing, in functions and outside, and its shape is right.
func TestReshapedResults(t *testing.T) {
	e := open(t, Options{})
	x := e.New([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	f, err := e.Compile(func(in []*Tensor) []*Tensor {
		return []*Tensor{in[0].Sum(1), in[0].Reshape(3, 2), in[0].Sum(1).Reshape(2, 1), in[0].T()}
	}, Spec{Float32, []int{2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Input(0).Write32(x.Float32s())
	if err := f.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"float32[2] [6 15]", "float32[3 2] [[1 2] [3 4] [5 6]]", "float32[2 1] [[6] [15]]", "float32[3 2] [[1 4] [2 5] [3 6]]"} {
		if got := f.Result(i).String(); got != want {
			t.Errorf("result %d is %s, want %s", i, got, want)
		}
	}
	if n := len(f.plan.kernel.Module().Stages); n != 3 { // two sums; a copy of the input and its transposition together
		t.Errorf("%d stages", n)
	}
	if y := x.Reshape(3, 2); y.String() != f.Result(1).String() || y.buffer != x.buffer {
		t.Error("a reshaped tensor is not the same elements")
	}
}

// TestVariableInside: a variable that is made while a function is compiled is refused.
func TestVariableInside(t *testing.T) {
	e := open(t, Options{})
	_, err := e.Compile(func([]*Tensor) []*Tensor { return []*Tensor{e.NewVariable("v", e.Full(1)).Value()} })
	if err == nil || !strings.Contains(err.Error(), "NewVariable: variable v is made while a function is compiled") {
		t.Error(err)
	}
}

// TestVariableShown: a value that somebody holds stays what it was when the variable changes.
func TestVariableShown(t *testing.T) {
	e := open(t, Options{})
	v := e.NewVariable("n", e.Full(0))
	f, err := e.Compile(func([]*Tensor) []*Tensor {
		v.Set(v.Value().Plus(1))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var held []*Tensor
	for range 4 {
		held = append(held, v.Value())
		for range 3 {
			if err := f.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, x := range held {
		if x.Item() != float64(3*i) {
			t.Errorf("value %d is %v", i, x)
		}
	}
}

// TestRandom: a compiled function draws the numbers that come next, and their moments are right.
func TestRandom(t *testing.T) {
	e := open(t, Options{})
	a, b := e.NewRandom(5), e.NewRandom(5)
	f, err := e.Compile(func([]*Tensor) []*Tensor { return []*Tensor{a.Normal(1000), a.Uniform(1000)} })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 3 {
		if err := f.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		normal, uniform := b.Normal(1000), b.Uniform(1000)
		if fmt.Sprint(f.Result(0), f.Result(1)) != fmt.Sprint(normal, uniform) {
			t.Error("compiled and eager numbers differ")
		}
	}
	normal, uniform := b.Normal(100_000), b.Uniform(100_000)
	for _, r := range []struct {
		name            string
		got             *Tensor
		want, deviation float64
	}{
		{"mean of normal", normal.Mean(), 0, 1},
		{"variance of normal", normal.Var(1), 1, 1.42},
		{"kurtosis of normal", normal.Sq().Sq().Mean(), 3, 9.8},
		{"mean of uniform", uniform.Mean(), 0.5, 0.289},
		{"variance of uniform", uniform.Var(1), 1.0 / 12, 0.0745},
	} {
		if d := r.got.Item() - r.want; d > 4*r.deviation/316 || d < -4*r.deviation/316 {
			t.Errorf("%s is %v, not %v", r.name, r.got.Item(), r.want)
		}
	}
	if least := uniform.MinOver().Item(); least < 0 {
		t.Errorf("least %v", least)
	}
	if greatest := uniform.MaxOver().Item(); greatest >= 1 {
		t.Errorf("greatest %v", greatest)
	}
}

// TestLongLoop: a loop that never calls Eval computes little in every round, and the same bits.
func TestLongLoop(t *testing.T) {
	e := open(t, Options{})
	x, y := e.Ones(10), e.Ones(10)
	for range 1500 {
		x = x.Times(0.999).Plus(0.001)
		y = y.Times(0.999).Plus(0.001)
		if err := e.Eval(y); err != nil {
			t.Fatal(err)
		}
		s := newSchedule([]*Tensor{x}, false)
		if a, b := x.Sum().Item(), y.Sum().Item(); a != b || len(s.order) > 2*milestone {
			t.Fatalf("%v and %v, %d operations to compute", a, b, len(s.order))
		}
	}
	if g := Grad(x.Sum(), y)[0].Sum().Item(); g != 0 {
		t.Errorf("derivative by what it does not depend on: %v", g)
	}
}

// TestCheckpoint: recomputing gives the same derivatives, and needs less memory at once.
func TestCheckpoint(t *testing.T) {
	e := open(t, Options{})
	w := e.NewRandom(1).Normal(64, 64).Times(0.1)
	if err := e.Eval(w); err != nil {
		t.Fatal(err)
	}
	compile := func(keep bool) *Function {
		f, err := e.Compile(func(in []*Tensor) []*Tensor {
			x := in[0]
			for range 4 {
				block := func(x []*Tensor) *Tensor {
					y := x[0]
					for range 4 {
						y = y.MatMul(w).Tanh()
					}
					return y
				}
				if keep {
					x = block([]*Tensor{x})
				} else {
					x = Checkpoint(block, x)
				}
			}
			loss := x.Sq().Mean()
			return append(Grad(loss, in[0], w), loss)
		}, Spec{Float32, []int{256, 64}})
		if err != nil {
			t.Fatal(err)
		}
		f.Input(0).Write32(e.NewRandom(2).Normal(256, 64).Float32s())
		if err := f.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return f
	}
	keep, again := compile(true), compile(false)
	defer keep.Close()
	defer again.Close()
	for i, tolerance := range []float64{0, 1e-6, 0} { // the adjoints of w add up block by block
		if a, b := keep.Result(i).Float64s(), again.Result(i).Float64s(); !near(a, b, tolerance) {
			t.Errorf("result %d differs", i)
		}
	}
	if again.Peak() > keep.Peak()*7/10 {
		t.Errorf("%d bytes at once with checkpoints, %d without", again.Peak(), keep.Peak())
	}
}

// TestBytes: each thing that stands in memory is counted once, and what is written beside what was there is too.
func TestBytes(t *testing.T) {
	e := open(t, Options{Workers: 1})
	set, read := e.NewVariable("set", e.Zeros(100)), e.NewVariable("read", e.Zeros(1000))
	constant := e.NewVariable("constant", e.NewRandom(2).Normal(100)).Value() // with elements, not still to be computed
	f, err := e.Compile(func(in []*Tensor) []*Tensor {
		set.Set(set.Value().Add(in[0]).Mul(constant))
		return []*Tensor{read.Value().Exp().Sum()}
	}, Spec{Float32, []int{100}}, Spec{Int32, []int{10000}}) // the second one is not used
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := 4*(2*100+1000+100+100+10000+1) + f.Peak()
	for _, when := range []string{"before", "after"} {
		if got := f.Bytes(); got != want {
			t.Errorf("%d bytes %s a run, want %d", got, when, want)
		}
		if err := f.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

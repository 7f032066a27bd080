package tensor

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// smooth are functions of every operation that has a derivative, with shapes of their arguments.
var smooth = []struct {
	name   string
	f      func(x []*Tensor) *Tensor
	shapes [][]int
}{
	{"Add", func(x []*Tensor) *Tensor { return x[0].Add(x[1]) }, [][]int{{3, 4}, {4}}},
	{"Sub", func(x []*Tensor) *Tensor { return x[0].Sub(x[1]) }, [][]int{{3, 1}, {2, 1, 4}}},
	{"Mul", func(x []*Tensor) *Tensor { return x[0].Mul(x[1]) }, [][]int{{3, 4}, {3, 1}}},
	{"Div", func(x []*Tensor) *Tensor { return x[0].Div(x[1]) }, [][]int{{4}, {3, 4}}},
	{"FMA", func(x []*Tensor) *Tensor { return x[0].FMA(x[1], x[2]) }, [][]int{{3, 4}, {4}, {3, 1}}},
	{"Min", func(x []*Tensor) *Tensor { return x[0].Min(x[1]) }, [][]int{{3, 4}, {4}}},
	{"Max", func(x []*Tensor) *Tensor { return x[0].Max(x[1]) }, [][]int{{3, 4}, {4}}},
	{"Plus Minus Times Over From", func(x []*Tensor) *Tensor { return x[0].Plus(2).Minus(0.3).Times(3).Over(7).From(1) }, [][]int{{5}}},
	{"Neg Abs Sq Inv", func(x []*Tensor) *Tensor { return x[0].Neg().Abs().Sq().Inv() }, [][]int{{5}}},
	{"Sqrt", func(x []*Tensor) *Tensor { return x[0].Sqrt() }, [][]int{{5}}},
	{"Exp", func(x []*Tensor) *Tensor { return x[0].Exp() }, [][]int{{5}}},
	{"Log", func(x []*Tensor) *Tensor { return x[0].Log() }, [][]int{{5}}},
	{"Sin Cos Tan", func(x []*Tensor) *Tensor { return x[0].Sin().Add(x[0].Cos()).Mul(x[0].Tan()) }, [][]int{{5}}},
	{"Tanh Erf Sigmoid", func(x []*Tensor) *Tensor { return x[0].Tanh().Add(x[0].Erf()).Mul(x[0].Sigmoid()) }, [][]int{{5}}},
	{"Pow", func(x []*Tensor) *Tensor { return x[0].Pow(x[1]) }, [][]int{{3, 4}, {4}}},
	{"Atan2", func(x []*Tensor) *Tensor { return x[0].Atan2(x[1]) }, [][]int{{3, 4}, {4}}},
	{"Clamp ReLU", func(x []*Tensor) *Tensor { return x[0].Minus(1.1).ReLU().Sq().Add(x[0].Clamp(0.7, 1.4)) }, [][]int{{7}}},
	{"Where", func(x []*Tensor) *Tensor { return x[0].Gt(x[1]).Where(x[0].Sq(), x[1].Exp()) }, [][]int{{3, 4}, {4}}},
	{"Reshape", func(x []*Tensor) *Tensor { return x[0].Reshape(4, 3).Mul(x[1]) }, [][]int{{2, 6}, {3}}},
	{"Permute", func(x []*Tensor) *Tensor { return x[0].Permute(2, 0, 1).Sq() }, [][]int{{2, 3, 4}}},
	{"Reshape of Permute", func(x []*Tensor) *Tensor { return x[0].T().Reshape(2, 6).Sq() }, [][]int{{3, 4}}},
	{"Expand", func(x []*Tensor) *Tensor { return x[0].Expand(2, 3, 4).Mul(x[1]) }, [][]int{{3, 1}, {2, 3, 4}}},
	{"Slice", func(x []*Tensor) *Tensor { return x[0].Slice(1, 1, 3).Sq() }, [][]int{{3, 4}}},
	{"SliceStep", func(x []*Tensor) *Tensor { return x[0].SliceStep(1, 5, 0, -2).Sq() }, [][]int{{2, 7}}},
	{"Flip", func(x []*Tensor) *Tensor { return x[0].Flip(0, 1).Mul(x[0]) }, [][]int{{3, 4}}},
	{"Pad", func(x []*Tensor) *Tensor { return x[0].Pad([]int{1, -1}, []int{2, 1}, 3).Sq() }, [][]int{{3, 4}}},
	{"Concat", func(x []*Tensor) *Tensor { return Concat(1, x[0], x[1].Sq(), x[0]).Sq() }, [][]int{{2, 3}, {2, 2}}},
	{"Stack", func(x []*Tensor) *Tensor { return Stack(-1, x[0], x[1].Sq()).Sq() }, [][]int{{2, 3}, {2, 3}}},
	{"Split", func(x []*Tensor) *Tensor { p := x[0].Split(1, 2, 3); return p[0].Sum().Mul(p[1].Sq()) }, [][]int{{2, 5}}},
	{"Sum", func(x []*Tensor) *Tensor { return x[0].Sq().Sum(0, 2).Sq() }, [][]int{{2, 3, 4}}},
	{"Mean", func(x []*Tensor) *Tensor { return x[0].Sq().Mean(1).Sq() }, [][]int{{2, 3, 4}}},
	{"Prod", func(x []*Tensor) *Tensor { return x[0].Prod(1) }, [][]int{{2, 4}}},
	{"Prod with a zero", func(x []*Tensor) *Tensor {
		y := x[0].Mul(x[0].e.New([]float32{1, 0, 2, 1, 1, 1}, 2, 3))
		return y.Prod(1).Add(y.Prod())
	}, [][]int{{2, 3}}},
	{"MinOver", func(x []*Tensor) *Tensor { return x[0].Sq().MinOver(1) }, [][]int{{2, 5}}},
	{"MaxOver", func(x []*Tensor) *Tensor { return x[0].Sq().MaxOver(0) }, [][]int{{5, 2}}},
	{"Var", func(x []*Tensor) *Tensor { return x[0].Var(1, 1) }, [][]int{{2, 5}}},
	{"LogSumExp", func(x []*Tensor) *Tensor { return x[0].LogSumExp(1) }, [][]int{{2, 5}}},
	{"Softmax", func(x []*Tensor) *Tensor { return x[0].Softmax(1) }, [][]int{{2, 5}}},
	{"LogSoftmax", func(x []*Tensor) *Tensor { return x[0].LogSoftmax(0) }, [][]int{{5, 2}}},
	{"MatMul", func(x []*Tensor) *Tensor { return x[0].MatMul(x[1]) }, [][]int{{3, 4}, {4, 2}}},
	{"MatMul transposed", func(x []*Tensor) *Tensor { return x[0].T().MatMul(x[1].T()) }, [][]int{{4, 3}, {2, 4}}},
	{"MatMul of vectors", func(x []*Tensor) *Tensor { return x[0].MatMul(x[1]).MatMul(x[0].Slice(0, 0, 2)) }, [][]int{{4}, {4, 2}}},
	{"MatMul batched", func(x []*Tensor) *Tensor { return x[0].MatMul(x[1]).MatMul(x[2]) }, [][]int{{2, 1, 3, 4}, {3, 4, 2}, {2, 2}}},
	{"MatMul of expressions", func(x []*Tensor) *Tensor { return x[0].Exp().T().MatMul(x[1].Sq().Flip(0)) }, [][]int{{4, 3}, {4, 2}}},
	{"MatMul of numbers", func(x []*Tensor) *Tensor { return x[0].MatMul(x[0].e.Full(0.3, 4, 2)).Sq() }, [][]int{{3, 4}}},
	{"Conv2D", func(x []*Tensor) *Tensor { return x[0].Conv2D(x[1], Window{}) }, [][]int{{2, 2, 5, 4}, {3, 2, 3, 2}}},
	{"Conv2D strided", func(x []*Tensor) *Tensor {
		return x[0].Conv2D(x[1], Window{Stride: [2]int{2, 1}, Pad: [2][2]int{{1, 0}, {2, 1}}, Dilation: [2]int{1, 2}})
	}, [][]int{{1, 2, 5, 6}, {2, 2, 2, 3}}},
	{"Conv2D in groups", func(x []*Tensor) *Tensor {
		return x[0].Sq().Conv2D(x[1].Exp(), Window{Groups: 2, Pad: [2][2]int{{1, 1}, {1, 1}}}).Sq()
	}, [][]int{{2, 4, 3, 4}, {6, 2, 3, 3}}},
	{"ConvTranspose2D", func(x []*Tensor) *Tensor {
		return x[0].ConvTranspose2D(x[1], Window{Stride: [2]int{2, 2}, Pad: [2][2]int{{1, 0}, {0, 0}}}, [2]int{1, 0})
	}, [][]int{{2, 2, 3, 2}, {2, 3, 3, 2}}},
	{"MaxPool2D", func(x []*Tensor) *Tensor { return x[0].MaxPool2D(2, 2, Window{}).Sq() }, [][]int{{2, 2, 4, 6}}},
	{"MaxPool2D padded", func(x []*Tensor) *Tensor {
		return x[0].MaxPool2D(3, 2, Window{Stride: [2]int{2, 1}, Pad: [2][2]int{{1, 1}, {0, 1}}}).Sq()
	}, [][]int{{1, 2, 5, 4}}},
	{"AvgPool2D", func(x []*Tensor) *Tensor {
		return x[0].AvgPool2D(2, 2, Window{Pad: [2][2]int{{1, 0}, {0, 1}}}, true).Sq()
	}, [][]int{{2, 1, 4, 5}}},
	{"CumSum", func(x []*Tensor) *Tensor { return x[0].Sq().CumSum(1).Sq() }, [][]int{{2, 4, 3}}},
	{"Sort", func(x []*Tensor) *Tensor { return x[0].Sort(0, false).Mul(x[1]) }, [][]int{{5, 2}, {5, 1}}},
	{"TopK", func(x []*Tensor) *Tensor { v, _ := x[0].TopK(-1, 2, false); return v.Sq() }, [][]int{{3, 5}}},
	{"Gather", func(x []*Tensor) *Tensor {
		return x[0].Gather(1, x[0].e.NewInt32([]int32{2, 0, 2, -1}, 2, 2)).Sq()
	}, [][]int{{2, 3}}},
	{"IndexSelect", func(x []*Tensor) *Tensor {
		return x[0].IndexSelect(1, x[0].e.NewInt32([]int32{2, 0, 2, 1}, 2, 2)).Sq()
	}, [][]int{{2, 3, 2}}},
	{"ScatterAdd", func(x []*Tensor) *Tensor {
		return x[0].ScatterAdd(1, x[0].e.NewInt32([]int32{2, 0, 2, 1}, 2, 2), x[1].Sq()).Sq()
	}, [][]int{{2, 3}, {2, 2}}},
	{"Checkpoint", func(x []*Tensor) *Tensor {
		w := x[1].Exp()
		return Checkpoint(func(in []*Tensor) *Tensor { return in[0].Mul(w).Tanh().Mul(in[0]) }, x[0].Sq()).Sq()
	}, [][]int{{2, 3}, {3}}},
	{"Custom", func(x []*Tensor) *Tensor {
		return Custom(func(x []*Tensor) *Tensor { return x[0].Mul(x[1]) }, Rules{
			VJP: func(x []*Tensor, _, adjoint *Tensor) []*Tensor {
				return []*Tensor{adjoint.Mul(x[1]), adjoint.Mul(x[0])}
			},
			JVP: func(x []*Tensor, _ *Tensor, d []*Tensor) *Tensor { return d[0].Mul(x[1]).Add(x[0].Mul(d[1])) },
		}, x[0].Exp(), x[1])
	}, [][]int{{3}, {3}}},
}

// inputs returns tensors with elements from 0.5 to 1.5, no two equal.
func inputs(e *Engine, shapes [][]int) []*Tensor {
	var list []*Tensor
	for i, s := range shapes {
		x := direction(e.Zeros(s...), 11+i)
		list = append(list, x.Times(0.5).Plus(1))
	}
	return list
}

func TestCheckGrad(t *testing.T) {
	e, exact := open(t, Options{Workers: 1}), open(t, Options{Float64: true, Workers: 1})
	for _, r := range smooth {
		if err := checkGrad(exact, e, 2, r.f, inputs(e, r.shapes)); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
	}
}

// TestCheckGradFails: derivatives that are zero, or wrong, or of one mode only, are found.
func TestCheckGradFails(t *testing.T) {
	e := open(t, Options{})
	x := inputs(e, [][]int{{3}})[0]
	for name, f := range map[string]func(x []*Tensor) *Tensor{
		"zero":     func(x []*Tensor) *Tensor { return x[0].Sq().Mul(x[0].StopGradient()) },
		"all zero": func(x []*Tensor) *Tensor { return x[0].Sq().StopGradient() },
		"wrong rule": func(x []*Tensor) *Tensor {
			return Custom(func(x []*Tensor) *Tensor { return x[0].Sq() }, Rules{
				VJP: func(x []*Tensor, _, a *Tensor) []*Tensor { return []*Tensor{a.Mul(x[0]).Times(2.001)} },
				JVP: func(x []*Tensor, _ *Tensor, d []*Tensor) *Tensor { return d[0].Mul(x[0]).Times(2) },
			}, x...)
		},
		"no rule": func(x []*Tensor) *Tensor {
			return Custom(func(x []*Tensor) *Tensor { return x[0].Sq() }, Rules{}, x...)
		},
	} {
		if err := CheckGrad(1, f, x); err == nil || !strings.Contains(err.Error(), "mode") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// ofOne and ofTwo are the elementwise operations with derivatives.
var (
	ofOne = map[string]func(*Tensor) *Tensor{
		"Neg": (*Tensor).Neg, "Abs": (*Tensor).Abs, "Sq": (*Tensor).Sq, "Inv": (*Tensor).Inv, "Sqrt": (*Tensor).Sqrt,
		"Exp": (*Tensor).Exp, "Log": (*Tensor).Log, "Sin": (*Tensor).Sin, "Cos": (*Tensor).Cos, "Tan": (*Tensor).Tan,
		"Tanh": (*Tensor).Tanh, "Erf": (*Tensor).Erf, "Sigmoid": (*Tensor).Sigmoid, "ReLU": (*Tensor).ReLU,
	}
	ofTwo = map[string]func(a, b *Tensor) *Tensor{
		"Add": (*Tensor).Add, "Sub": (*Tensor).Sub, "Mul": (*Tensor).Mul, "Div": (*Tensor).Div, "Min": (*Tensor).Min,
		"Max": (*Tensor).Max, "Pow": (*Tensor).Pow, "Atan2": (*Tensor).Atan2,
	}
	overAxis = map[string]func(t *Tensor, axis int) *Tensor{
		"Sum": func(t *Tensor, a int) *Tensor { return t.Sum(a) }, "Mean": func(t *Tensor, a int) *Tensor { return t.Mean(a) },
		"Prod": func(t *Tensor, a int) *Tensor { return t.Prod(a) }, "MaxOver": func(t *Tensor, a int) *Tensor { return t.MaxOver(a) },
		"MinOver": func(t *Tensor, a int) *Tensor { return t.MinOver(a) }, "Var": func(t *Tensor, a int) *Tensor { return t.Var(0, a) },
		"LogSumExp": func(t *Tensor, a int) *Tensor { return t.LogSumExp(a) }, "Softmax": (*Tensor).Softmax,
		"LogSoftmax": (*Tensor).LogSoftmax, "CumSum": (*Tensor).CumSum,
		"Sort": func(t *Tensor, a int) *Tensor { return t.Sort(a, true) },
	}
)

// shapesOf returns a random shape, and one that broadcasts with it.
func shapesOf(r *rand.Rand) (shape, other []int) {
	for range 1 + r.IntN(3) {
		shape = append(shape, 1+r.IntN(4))
	}
	other = append(other, shape[r.IntN(len(shape)):]...)
	for i := range other {
		if r.IntN(3) == 0 {
			other[i] = 1
		}
	}
	return shape, other
}

// seen returns t through a random view of it, whatever its shape becomes.
func seen(r *rand.Rand, t *Tensor) *Tensor {
	axis := r.IntN(len(t.shape))
	switch r.IntN(5) {
	case 0:
		return t.Transpose(axis, 0)
	case 1:
		return t.Flip(axis)
	case 2:
		return t.SliceStep(axis, 0, t.shape[axis], 2)
	case 3:
		return t.Reshape(-1)
	}
	return t
}

// TestCheckGradShapes: derivatives of first and second order at random shapes, through views and with broadcasting.
func TestCheckGradShapes(t *testing.T) {
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	e, exact := open(t, Options{Workers: 1}), open(t, Options{Float64: true, Workers: 1})
	check := func(name string, f func(r *rand.Rand, x []*Tensor) *Tensor, shapes [][]int, seed uint64) {
		t.Helper()
		again := func(x []*Tensor) *Tensor { return f(rand.New(rand.NewPCG(seed, 1)), x) } // the same views in every call
		if err := checkGrad(exact, e, 2, again, inputs(e, shapes)); err != nil {
			t.Errorf("%s of %v, seed %d: %v", name, shapes, seed, err)
		}
	}
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 0))
		for _, name := range slices.Sorted(maps.Keys(ofOne)) {
			op := ofOne[name]
			shape, _ := shapesOf(r)
			check(name, func(r *rand.Rand, x []*Tensor) *Tensor { return op(seen(r, x[0])) }, [][]int{shape}, seed)
		}
		for _, name := range slices.Sorted(maps.Keys(ofTwo)) {
			op := ofTwo[name]
			shape, other := shapesOf(r)
			check(name, func(_ *rand.Rand, x []*Tensor) *Tensor { return op(x[0].Flip(0), x[1]) }, [][]int{shape, other}, seed)
			check(name, func(_ *rand.Rand, x []*Tensor) *Tensor {
				return op(x[1], seen(rand.New(rand.NewPCG(seed, 2)), x[0]).Sum())
			},
				[][]int{shape, other}, seed)
		}
		for _, name := range slices.Sorted(maps.Keys(overAxis)) {
			op := overAxis[name]
			shape, _ := shapesOf(r)
			axis := r.IntN(len(shape))
			check(name, func(r *rand.Rand, x []*Tensor) *Tensor { return op(x[0].Sq(), axis).Sq() }, [][]int{shape}, seed)
		}
	}
}

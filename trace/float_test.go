package trace_test

import (
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/trace"
)

// numbers are float32 values of both signs, integers and halves among them.
var numbers = []float64{-3, -2.5, -0.75, 0, 0.25, 0.5, 1, 2.5, 3, 20}

func TestFloatUnary(t *testing.T) {
	type F = trace.Float
	rows := []struct {
		name string
		op   func(x F) F
		want func(x float64) float64
	}{
		{"Neg", F.Neg, func(x float64) float64 { return -x }},
		{"Abs", F.Abs, math.Abs},
		{"Sq", F.Sq, func(x float64) float64 { return x * x }},
		{"Sqrt", F.Sqrt, math.Sqrt},
		{"Inv", F.Inv, func(x float64) float64 { return 1 / x }},
		{"Floor", F.Floor, math.Floor},
		{"Ceil", F.Ceil, math.Ceil},
		{"Trunc", F.Trunc, math.Trunc},
		{"Round", F.Round, math.RoundToEven},
		{"Fract", F.Fract, func(x float64) float64 { return x - math.Floor(x) }},
		{"Exp", F.Exp, func(x float64) float64 { return math.Exp(x) }},
		{"Log", F.Log, math.Log},
		{"Sin", F.Sin, math.Sin},
		{"Cos", F.Cos, math.Cos},
		{"Tan", F.Tan, math.Tan},
		{"Tanh", F.Tanh, math.Tanh},
		{"Erf", F.Erf, math.Erf},
		{"Detach", F.Detach, func(x float64) float64 { return x }},
		{"Plus", func(x F) F { return x.Plus(2.5) }, func(x float64) float64 { return x + 2.5 }},
		{"Minus", func(x F) F { return x.Minus(2.5) }, func(x float64) float64 { return x - 2.5 }},
		{"Times", func(x F) F { return x.Times(2.5) }, func(x float64) float64 { return x * 2.5 }},
		{"Over", func(x F) F { return x.Over(2.5) }, func(x float64) float64 { return x / 2.5 }},
		{"From", func(x F) F { return x.From(2.5) }, func(x float64) float64 { return 2.5 - x }},
		{"AtLeast", func(x F) F { return x.AtLeast(0.3) }, func(x float64) float64 { return max(x, 0.3) }},
		{"AtMost", func(x F) F { return x.AtMost(0.3) }, func(x float64) float64 { return min(x, 0.3) }},
		{"Clamp", func(x F) F { return x.Clamp(-1, 0.3) }, func(x float64) float64 { return max(-1, min(x, 0.3)) }},
		{"Int", func(x F) F { return x.Int().Float() }, math.Trunc},
		{"Bits", func(x F) F { return x.Bits().FloatBits() }, func(x float64) float64 { return x }},
		{"Below", func(x F) F { return x.Below(0.5).Float() }, func(x float64) float64 { return truth(x < 0.5) }},
		{"Above", func(x F) F { return x.Above(0.5).Float() }, func(x float64) float64 { return truth(x > 0.5) }},
	}
	for _, row := range rows {
		check(t, row.name, grid(1, numbers...),
			func(_ *trace.Recorder, x []F) []F { return []F{row.op(x[0])} },
			func(x []float64) []float64 { return []float64{row.want(x[0])} })
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func TestFloatBinary(t *testing.T) {
	type F = trace.Float
	is := func(op func(x, y F) trace.Bool) func(x, y F) F {
		return func(x, y F) F { return op(x, y).Float() }
	}
	rows := []struct {
		name string
		op   func(x, y F) F
		want func(x, y float64) float64
	}{
		{"Add", F.Add, func(x, y float64) float64 { return x + y }},
		{"Sub", F.Sub, func(x, y float64) float64 { return x - y }},
		{"Mul", F.Mul, func(x, y float64) float64 { return x * y }},
		{"Div", F.Div, func(x, y float64) float64 { return x / y }},
		{"Min", F.Min, math.Min},
		{"Max", F.Max, math.Max},
		{"Pow", F.Pow, math.Pow},
		{"Atan2", F.Atan2, math.Atan2},
		{"FMA", func(x, y F) F { return x.FMA(y, x) }, func(x, y float64) float64 { return x*y + x }},
		{"Mix", func(x, y F) F { return x.Mix(y, x.R.Float(0.25)) }, func(x, y float64) float64 { return 0.75*x + 0.25*y }},
		{"Lt", is(F.Lt), func(x, y float64) float64 { return truth(x < y) }},
		{"Le", is(F.Le), func(x, y float64) float64 { return truth(x <= y) }},
		{"Gt", is(F.Gt), func(x, y float64) float64 { return truth(x > y) }},
		{"Ge", is(F.Ge), func(x, y float64) float64 { return truth(x >= y) }},
		{"Eq", is(F.Eq), func(x, y float64) float64 { return truth(x == y) }},
	}
	for _, row := range rows {
		check(t, row.name, grid(2, numbers...),
			func(_ *trace.Recorder, x []F) []F { return []F{row.op(x[0], x[1])} },
			func(x []float64) []float64 { return []float64{row.want(x[0], x[1])} })
	}
}

func TestBool(t *testing.T) {
	type B = trace.Bool
	rows := []struct {
		name string
		op   func(p, q B) B
		want func(p, q bool) bool
	}{
		{"And", B.And, func(p, q bool) bool { return p && q }},
		{"Or", B.Or, func(p, q bool) bool { return p || q }},
		{"Xor", B.Xor, func(p, q bool) bool { return p != q }},
		{"Not", func(p, q B) B { return p.Not() }, func(p, q bool) bool { return !p }},
		{"SelectBool", func(p, q B) B { return p.SelectBool(q, q.Not()) }, func(p, q bool) bool { return p == q }},
		{"Bool", func(p, q B) B { return p.And(p.R.Bool(true)).Or(p.R.Bool(false)) }, func(p, q bool) bool { return p }},
	}
	for _, row := range rows {
		check(t, row.name, grid(2, 0, 1),
			func(_ *trace.Recorder, x []trace.Float) []trace.Float {
				b := row.op(x[0].Above(0.5), x[1].Above(0.5))
				return []trace.Float{b.Float(), b.Int().Float(), b.Select(x[0], x[1]), b.SelectInt(x[0].Int(), x[1].Int()).Float()}
			},
			func(x []float64) []float64 {
				choice := x[1]
				b := row.want(x[0] == 1, x[1] == 1)
				if b {
					choice = x[0]
				}
				return []float64{truth(b), truth(b), choice, choice}
			})
	}
}

package grad

import (
	"math"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

func TestEveryOpHasARule(t *testing.T) {
	for op := ir.OpInvalid + 1; int(op) < ir.NumOps; op++ {
		r, n := &rules[op], 0
		for _, set := range []bool{r.edge != nil, r.branch != nil, r.zero, r.unit} {
			if set {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%v has %d rules", op, n)
		}
	}
}

func unary(op ir.Op) func(*ir.Builder, []ir.Value) []ir.Value {
	return func(b *ir.Builder, x []ir.Value) []ir.Value { return []ir.Value{b.Unary(op, x[0])} }
}

func binary(op ir.Op) func(*ir.Builder, []ir.Value) []ir.Value {
	return func(b *ir.Builder, x []ir.Value) []ir.Value { return []ir.Value{b.Binary(op, x[0], x[1])} }
}

// point keeps the tests off the numbers at which a rule could be right by accident.
func TestRules(t *testing.T) {
	tests := []struct {
		name   string
		at     []float64
		build  func(*ir.Builder, []ir.Value) []ir.Value
		linear bool // the Hessian is zero
	}{
		{"add", []float64{1.3, -0.7}, binary(ir.OpAdd), true},
		{"sub", []float64{1.3, -0.7}, binary(ir.OpSub), true},
		{"mul", []float64{1.3, -0.7}, binary(ir.OpMul), false},
		{"square", []float64{1.3}, func(b *ir.Builder, x []ir.Value) []ir.Value {
			return []ir.Value{b.Binary(ir.OpMul, x[0], x[0])}
		}, false},
		{"div", []float64{1.3, -0.7}, binary(ir.OpDiv), false},
		{"neg", []float64{1.3}, unary(ir.OpNeg), true},
		{"abs+", []float64{1.3}, unary(ir.OpAbs), true},
		{"abs-", []float64{-1.3}, unary(ir.OpAbs), true},
		{"min first", []float64{-1.3, 0.7}, binary(ir.OpMin), true},
		{"min second", []float64{1.3, 0.7}, binary(ir.OpMin), true},
		{"max first", []float64{1.3, 0.7}, binary(ir.OpMax), true},
		{"max second", []float64{-1.3, 0.7}, binary(ir.OpMax), true},
		{"sqrt", []float64{1.3}, unary(ir.OpSqrt), false},
		{"fma", []float64{1.3, -0.7, 0.4}, func(b *ir.Builder, x []ir.Value) []ir.Value {
			return []ir.Value{b.Ternary(ir.OpFMA, x[0], x[1], x[2])}
		}, false},
		{"select yes", []float64{1.3, 0.7}, func(b *ir.Builder, x []ir.Value) []ir.Value {
			return []ir.Value{b.Select(b.Binary(ir.OpLt, x[1], x[0]), x[0], x[1])}
		}, true},
		{"select no", []float64{0.3, 0.7}, func(b *ir.Builder, x []ir.Value) []ir.Value {
			return []ir.Value{b.Select(b.Binary(ir.OpLt, x[1], x[0]), x[0], x[1])}
		}, true},
		{"convert", []float64{1.3}, func(b *ir.Builder, x []ir.Value) []ir.Value {
			wide := b.Convert(ir.F64, x[0])
			return []ir.Value{b.Convert(ir.F32, b.Binary(ir.OpMul, wide, wide))}
		}, false},
		{"exp", []float64{0.3}, unary(ir.OpExp), false},
		{"log", []float64{1.3}, unary(ir.OpLog), false},
		{"sin", []float64{1.3}, unary(ir.OpSin), false},
		{"cos", []float64{1.3}, unary(ir.OpCos), false},
		{"tan", []float64{0.6}, unary(ir.OpTan), false},
		{"atan2", []float64{1.3, -0.7}, binary(ir.OpAtan2), false},
		{"pow", []float64{1.3, -0.7}, binary(ir.OpPow), false},
		{"tanh", []float64{0.6}, unary(ir.OpTanh), false},
		{"erf", []float64{0.6}, unary(ir.OpErf), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := record(tt.at, tt.build)
			r.check(t)
			if !tt.linear {
				r.checkSecond(t)
			}
		})
	}
}

func TestComposite(t *testing.T) {
	r := record([]float64{0.4, 1.2, -0.8}, func(b *ir.Builder, x []ir.Value) []ir.Value {
		e := newEmitter(b)
		length := b.Unary(ir.OpSqrt, e.add(e.mul(x[0], x[0]), e.add(e.mul(x[1], x[1]), e.mul(x[2], x[2]))))
		n := e.div(x[0], length)
		return []ir.Value{
			e.mul(b.Unary(ir.OpExp, n), b.Binary(ir.OpMax, x[1], b.ConstF32(0))),
			b.Binary(ir.OpAtan2, e.mul(n, x[2]), length),
		}
	})
	r.check(t)
	r.checkSecond(t)
}

// Where a derivative is zero by definition, or one of several subgradients.
func TestDefinedDerivatives(t *testing.T) {
	one := func(op ir.Op) func(b *ir.Builder, x ir.Value) ir.Value {
		return func(b *ir.Builder, x ir.Value) ir.Value { return b.Unary(op, x) }
	}
	tests := []struct {
		name  string
		at    float64
		build func(b *ir.Builder, x ir.Value) ir.Value
		want  float64
	}{
		{"floor", 1.3, one(ir.OpFloor), 0},
		{"ceil", 1.3, one(ir.OpCeil), 0},
		{"trunc", 1.3, one(ir.OpTrunc), 0},
		{"round", 1.3, one(ir.OpRound), 0},
		{"detach", 1.3, one(ir.OpDetach), 0},
		{"abs at 0", 0, one(ir.OpAbs), 0},
		{"max with a constant at the tie", 2, func(b *ir.Builder, x ir.Value) ir.Value {
			return b.Binary(ir.OpMax, x, b.ConstF32(2))
		}, 1},
		{"min with a constant at the tie", 2, func(b *ir.Builder, x ir.Value) ir.Value {
			return b.Binary(ir.OpMin, b.ConstF32(2), x)
		}, 1},
		{"max of equals", 2, func(b *ir.Builder, x ir.Value) ir.Value {
			return b.Binary(ir.OpMax, x, b.Binary(ir.OpMul, x, b.ConstF32(1)))
		}, 1},
		{"through an integer", 2.5, func(b *ir.Builder, x ir.Value) ir.Value {
			return b.Convert(ir.F32, b.Convert(ir.I32, x))
		}, 0},
		{"bits of a detached value", 2.5, func(b *ir.Builder, x ir.Value) ir.Value {
			u := b.Bitcast(ir.U32, b.Unary(ir.OpDetach, x))
			return b.Bitcast(ir.F32, b.Binary(ir.OpAnd, u, b.ConstU32(0xfff00000)))
		}, 0},
		{"sqrt at 0 with zero adjoint", 0, func(b *ir.Builder, x ir.Value) ir.Value {
			root := b.Unary(ir.OpSqrt, x)
			return b.Select(b.Binary(ir.OpLt, b.ConstF32(0), x), root, x)
		}, 1},
		{"product with an infinity not taken", 0, func(b *ir.Builder, x ir.Value) ir.Value {
			inv := b.Binary(ir.OpDiv, b.ConstF32(1), x)
			return b.Select(b.Binary(ir.OpEq, x, b.ConstF32(0)), x, b.Binary(ir.OpMul, b.Binary(ir.OpAdd, x, x), inv))
		}, 1},
		{"0 to a positive power", 0, func(b *ir.Builder, x ir.Value) ir.Value {
			return b.Binary(ir.OpPow, x, b.ConstF32(1))
		}, 1},
		{"positive power of 0", 2, func(b *ir.Builder, x ir.Value) ir.Value {
			return b.Binary(ir.OpPow, b.Uniform("base", ir.F32), x)
		}, 0},
		{"atan2 at the origin, dropped", 0, func(b *ir.Builder, x ir.Value) ir.Value {
			a := b.Binary(ir.OpAtan2, x, x)
			return b.Select(b.Binary(ir.OpEq, x, b.ConstF32(0)), x, a)
		}, 1},
		{"infinite state of a loop, not taken", 0, func(b *ir.Builder, x ir.Value) ir.Value {
			inv := b.Binary(ir.OpDiv, b.ConstF32(1), x)
			taken := b.Binary(ir.OpLt, b.ConstF32(0), x)
			return counted(b, b.ConstI32(3), 9, []ir.Value{x, inv}, func(i ir.Value, s []ir.Value) []ir.Value {
				return []ir.Value{b.Select(taken, b.Binary(ir.OpMul, s[0], s[1]), b.Binary(ir.OpAdd, s[0], x)), s[1]}
			})[0]
		}, 4},
		{"infinite term of a sum, not taken", 0, func(b *ir.Builder, x ir.Value) ir.Value {
			inv := b.Unary(ir.OpDetach, b.Binary(ir.OpDiv, b.ConstF32(1), x))
			taken := b.Binary(ir.OpLt, b.ConstF32(0), x)
			return counted(b, b.ConstI32(3), 9, []ir.Value{x, inv}, func(i ir.Value, s []ir.Value) []ir.Value {
				term := b.Select(taken, b.Binary(ir.OpMul, x, s[1]), x)
				return []ir.Value{b.Binary(ir.OpAdd, s[0], term), s[1]}
			})[0]
		}, 4},
		{"log at 0, dropped", 0, func(b *ir.Builder, x ir.Value) ir.Value {
			return b.Select(b.Binary(ir.OpLt, b.ConstF32(0), x), b.Unary(ir.OpLog, x), x)
		}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := record([]float64{tt.at}, func(b *ir.Builder, x []ir.Value) []ir.Value {
				return []ir.Value{tt.build(b, x[0])}
			})
			if got := r.forward(t, r.outs)[0][0]; got != tt.want {
				t.Errorf("forward: %v, want %v", got, tt.want)
			}
			if got := r.reverse(t, r.outs)[0][0]; got != tt.want {
				t.Errorf("reverse: %v, want %v", got, tt.want)
			}
		})
	}
}

// At a perfect fit the residual, the adjoint of everything behind it, is exactly zero, but its change is not.
func TestSecondDerivativeWhereTheFirstIsZero(t *testing.T) {
	r := record([]float64{2, 3}, func(b *ir.Builder, x []ir.Value) []ir.Value {
		q := b.Binary(ir.OpDiv, b.ConstF32(6), b.Binary(ir.OpMul, x[0], x[1]))
		residual := b.Binary(ir.OpSub, q, b.ConstF32(1))
		return []ir.Value{b.Binary(ir.OpMul, residual, residual)}
	})
	g, err := VJP(r.b, r.outs, []ir.Value{r.b.ConstF32(1)}, r.x)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.mc.floats(r.b, g...); got[0] != 0 || got[1] != 0 {
		t.Fatalf("gradient %v, want 0", got)
	}
	r.checkSecond(t)
}

// Any node can be an independent value; what it is computed from is then not followed.
func TestIntermediateIndependent(t *testing.T) {
	m := &ir.Module{}
	buf := m.AddBuffer("map", ir.F32, ir.Input, 4)
	r := recordIn(m, []float64{0.5}, func(b *ir.Builder, x []ir.Value) []ir.Value { return nil })
	b := r.b
	r.mc.buffers["map"] = []float64{1, 2, 3, 4}
	texel := b.Gather(buf, b.ConstI32(2))
	mid := b.Binary(ir.OpMul, texel, r.x[0])
	out := b.Binary(ir.OpMul, mid, b.Binary(ir.OpAdd, mid, r.x[0]))
	as, err := VJP(b, []ir.Value{out}, []ir.Value{b.ConstF32(1)}, []ir.Value{mid, r.x[0]})
	if err != nil {
		t.Fatal(err)
	}
	got := r.mc.floats(b, as...)
	if want := []float64{2*1.5 + 0.5, 1.5}; got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v, want %v", got, want)
	}
	as, err = VJP(b, []ir.Value{out}, []ir.Value{b.ConstF32(1)}, []ir.Value{texel})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.mc.floats(b, as...)[0]; got != 3.5*0.5 {
		t.Errorf("gather: got %v", got)
	}
}

func TestErrors(t *testing.T) {
	m := &ir.Module{}
	b := ir.NewBuilder(m)
	x := b.Uniform("x", ir.F32)
	one := b.ConstF32(1)
	bitsOf := b.Bitcast(ir.U32, x)
	back := b.Bitcast(ir.F32, b.Binary(ir.OpAnd, bitsOf, b.ConstU32(0xffff0000)))
	viaConvert := b.Convert(ir.F32, bitsOf)
	tests := []struct {
		name string
		run  func() error
		want string
	}{
		{"bitcast", func() error { _, err := VJP(b, []ir.Value{back}, []ir.Value{one}, []ir.Value{x}); return err }, "detach"},
		{"converted bits", func() error { _, err := JVP(b, []ir.Value{viaConvert}, []ir.Value{x}, []ir.Value{one}); return err }, "detach"},
		{"integer", func() error { _, err := VJP(b, []ir.Value{x}, []ir.Value{one}, []ir.Value{bitsOf}); return err }, "u32"},
		{"constant", func() error { _, err := VJP(b, []ir.Value{x}, []ir.Value{one}, []ir.Value{one}); return err }, "constant"},
		{"twice", func() error { _, err := VJP(b, []ir.Value{x}, []ir.Value{one}, []ir.Value{x, x}); return err }, "twice"},
		{"counts", func() error { _, err := VJP(b, []ir.Value{x}, nil, []ir.Value{x}); return err }, "1 values with 0 seeds"},
		{"types", func() error { _, err := VJP(b, []ir.Value{x}, []ir.Value{b.ConstF64(1)}, []ir.Value{x}); return err }, "f64"},
	}
	for _, tt := range tests {
		if err := tt.run(); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "grad: ") {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
	// An integer made from bits has derivative zero, not an error.
	as, err := VJP(b, []ir.Value{b.Select(b.Binary(ir.OpLt, bitsOf, b.ConstU32(7)), x, one)}, []ir.Value{one}, []ir.Value{x})
	if err != nil || math.IsNaN(newMachine(m).floats(b, as...)[0]) {
		t.Errorf("condition from bits: %v", err)
	}
}

// What is finite wherever its inputs are is multiplied plainly.
func TestNoGuardWithoutNeed(t *testing.T) {
	m := &ir.Module{}
	b := ir.NewBuilder(m)
	e := newEmitter(b)
	x, y := b.Uniform("x", ir.F32), b.Uniform("y", ir.F32)
	safe := e.div(x, b.Unary(ir.OpSqrt, e.add(e.mul(y, y), b.ConstF32(1))))
	for _, tt := range []struct {
		v    ir.Value
		wild bool
	}{
		{e.mul(x, y), false},
		{safe, false},
		{b.Unary(ir.OpExp, e.neg(e.mul(x, x))), false},
		{b.Binary(ir.OpMax, e.div(x, b.ConstF32(3)), y), false},
		{e.div(x, y), true},
		{e.mul(safe, e.div(x, y)), true},
		{b.Unary(ir.OpLog, x), true},
		{b.Unary(ir.OpSqrt, x), true},
	} {
		if got := e.wild(tt.v); got != tt.wild {
			t.Errorf("%v: wild = %v", b.Node(tt.v).Op, got)
		}
	}
}

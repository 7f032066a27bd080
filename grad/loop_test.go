package grad

import (
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

// counted emits a loop of n rounds over F32 states.
func counted(b *ir.Builder, n ir.Value, max int, init []ir.Value, body func(i ir.Value, s []ir.Value) []ir.Value) []ir.Value {
	types := []ir.Type{ir.I32}
	for range init {
		types = append(types, ir.F32)
	}
	l := b.LoopBegin(types...)
	i := l.States[0]
	next := append([]ir.Value{b.Binary(ir.OpAdd, i, b.ConstI32(1))}, body(b.Convert(ir.F32, i), l.States[1:])...)
	out := l.End(append([]ir.Value{b.ConstI32(0)}, init...), b.Binary(ir.OpLt, i, n), next, max)
	return out[1 : 1+len(init)]
}

func TestLoops(t *testing.T) {
	f := func(b *ir.Builder, x float32) ir.Value { return b.ConstF32(x) }
	tests := []struct {
		name  string
		at    []float64
		build func(b *ir.Builder, e *emitter, x []ir.Value) []ir.Value
	}{
		{"sum of terms", []float64{0.7, 1.3}, func(b *ir.Builder, e *emitter, x []ir.Value) []ir.Value {
			s := counted(b, b.ConstI32(5), 20, []ir.Value{x[1], f(b, 0)}, func(i ir.Value, s []ir.Value) []ir.Value {
				term := b.Unary(ir.OpSin, e.mul(x[0], i))
				return []ir.Value{e.add(s[0], term), e.sub(s[1], e.mul(term, e.mul(term, x[1])))}
			})
			return []ir.Value{e.mul(s[0], s[1]), s[1]}
		}},
		{"sum under a condition, stopped by the sum", []float64{0.7, 1.3}, func(b *ir.Builder, e *emitter, x []ir.Value) []ir.Value {
			l := b.LoopBegin(ir.F32, ir.F32)
			s, i := l.States[0], l.States[1]
			odd := b.Binary(ir.OpLt, b.Unary(ir.OpSin, i), f(b, 0.3))
			next := b.Select(odd, e.add(s, e.mul(x[0], e.mul(x[1], i))), s)
			out := l.End([]ir.Value{e.mul(x[0], x[0]), f(b, 1)}, b.Binary(ir.OpLt, s, f(b, 20)),
				[]ir.Value{next, e.add(i, f(b, 1))}, 30)
			return []ir.Value{out[0]}
		}},
		{"power", []float64{1.1}, func(b *ir.Builder, e *emitter, x []ir.Value) []ir.Value {
			return counted(b, b.ConstI32(4), 6, []ir.Value{x[0]}, func(i ir.Value, s []ir.Value) []ir.Value {
				return []ir.Value{e.mul(s[0], x[0])}
			})
		}},
		{"long product with checkpoints", []float64{1.1, 0.3}, func(b *ir.Builder, e *emitter, x []ir.Value) []ir.Value {
			return counted(b, b.ConstI32(17), 23, []ir.Value{x[0], x[1]}, func(i ir.Value, s []ir.Value) []ir.Value {
				return []ir.Value{b.Unary(ir.OpSin, e.add(s[1], e.mul(s[0], x[1]))), e.mul(s[0], b.Unary(ir.OpCos, e.mul(i, x[0])))}
			})
		}},
		{"shift register", []float64{1.1, 0.3}, func(b *ir.Builder, e *emitter, x []ir.Value) []ir.Value {
			return counted(b, b.ConstI32(5), 5, []ir.Value{x[0], x[1], f(b, 2)}, func(i ir.Value, s []ir.Value) []ir.Value {
				return []ir.Value{s[1], s[2], e.mul(s[0], s[1])}
			})
		}},
		{"no iteration, and the next state from outside", []float64{1.1, 0.3}, func(b *ir.Builder, e *emitter, x []ir.Value) []ir.Value {
			none := counted(b, b.ConstI32(0), 9, []ir.Value{x[0]}, func(i ir.Value, s []ir.Value) []ir.Value {
				return []ir.Value{e.mul(s[0], s[0])}
			})
			outside := counted(b, b.ConstI32(2), 9, []ir.Value{x[0]}, func(i ir.Value, s []ir.Value) []ir.Value {
				return []ir.Value{e.mul(x[1], x[1])}
			})
			return []ir.Value{e.mul(none[0], outside[0])}
		}},
		{"stopped by its state", []float64{1.4}, func(b *ir.Builder, e *emitter, x []ir.Value) []ir.Value {
			l := b.LoopBegin(ir.F32)
			out := l.End([]ir.Value{x[0]}, b.Binary(ir.OpLt, l.States[0], f(b, 50)), []ir.Value{e.mul(l.States[0], x[0])}, 40)
			return []ir.Value{b.Unary(ir.OpLog, out[0])}
		}},
		{"stopped by its bound", []float64{1.4}, func(b *ir.Builder, e *emitter, x []ir.Value) []ir.Value {
			l := b.LoopBegin(ir.F32)
			out := l.End([]ir.Value{x[0]}, b.ConstBool(true), []ir.Value{b.Unary(ir.OpSin, e.mul(l.States[0], x[0]))}, 10)
			return out[:1]
		}},
		{"nested", []float64{0.8, 0.3}, func(b *ir.Builder, e *emitter, x []ir.Value) []ir.Value {
			return counted(b, b.ConstI32(3), 3, []ir.Value{x[0]}, func(i ir.Value, s []ir.Value) []ir.Value {
				inner := counted(b, b.ConstI32(2), 3, []ir.Value{s[0]}, func(j ir.Value, u []ir.Value) []ir.Value {
					return []ir.Value{e.mul(u[0], b.Unary(ir.OpCos, e.mul(x[1], e.add(i, e.mul(j, s[0])))))}
				})
				return []ir.Value{e.add(inner[0], x[1])}
			})
		}},
		{"nested sums", []float64{0.8, 0.3}, func(b *ir.Builder, e *emitter, x []ir.Value) []ir.Value {
			return counted(b, b.ConstI32(3), 9, []ir.Value{f(b, 0)}, func(i ir.Value, s []ir.Value) []ir.Value {
				return counted(b, b.ConstI32(4), 9, []ir.Value{s[0]}, func(j ir.Value, u []ir.Value) []ir.Value {
					return []ir.Value{e.add(u[0], b.Unary(ir.OpCos, e.mul(x[1], e.add(i, e.mul(j, x[0])))))}
				})
			})
		}},
		{"double precision", []float64{0.8}, func(b *ir.Builder, e *emitter, x []ir.Value) []ir.Value {
			l := b.LoopBegin(ir.F64, ir.I32)
			wide := b.Convert(ir.F64, x[0])
			out := l.End([]ir.Value{wide, b.ConstI32(0)}, b.Binary(ir.OpLt, l.States[1], b.ConstI32(3)),
				[]ir.Value{e.mul(l.States[0], wide), e.add(l.States[1], b.ConstI32(1))}, 5)
			return []ir.Value{b.Convert(ir.F32, out[0])}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := record(tt.at, func(b *ir.Builder, x []ir.Value) []ir.Value { return tt.build(b, newEmitter(b), x) })
			r.check(t)
			r.checkSecond(t)
			if err := verifyLane(r); err != nil {
				t.Error(err)
			}
		})
	}
}

// A sum needs one pass: no loop inside the reversed loop, and none that counts down.
func TestSumsAreReversedInOnePass(t *testing.T) {
	r := record([]float64{0.5}, func(b *ir.Builder, x []ir.Value) []ir.Value {
		e := newEmitter(b)
		return counted(b, b.ConstI32(5), 100, []ir.Value{b.ConstF32(0)}, func(i ir.Value, s []ir.Value) []ir.Value {
			return []ir.Value{e.add(s[0], e.mul(x[0], i))}
		})
	})
	r.reverse(t, r.outs)
	if n := len(r.b.Program().Loops); n != 2 {
		t.Errorf("%d loops, want the sum and its reverse", n)
	}
}

func TestLoopsInFunctions(t *testing.T) {
	m := &ir.Module{}
	power := define(m, "power", 2, func(b *ir.Builder, e *emitter, p []ir.Value) []ir.Value {
		return counted(b, b.ConstI32(3), 4, []ir.Value{p[0]}, func(i ir.Value, s []ir.Value) []ir.Value {
			return []ir.Value{e.add(e.mul(s[0], p[1]), b.Uniform("x1", ir.F32))}
		})
	})
	r := recordIn(m, []float64{0.9, 0.4}, func(b *ir.Builder, x []ir.Value) []ir.Value {
		e := newEmitter(b)
		return counted(b, b.ConstI32(2), 4, []ir.Value{x[0]}, func(i ir.Value, s []ir.Value) []ir.Value {
			return []ir.Value{e.add(b.Call(power, s[0], e.mul(x[0], i))[0], s[0])}
		})
	})
	r.check(t)
	r.checkSecond(t)
	if err := verifyLane(r); err != nil {
		t.Error(err)
	}
}

// The gradient of a function may be taken inside a loop that is still being recorded, and then derives like any
// other part of its body: here steps of gradient descent.
func TestDerivativeInsideLoop(t *testing.T) {
	r := record([]float64{0.9, 0.4}, func(b *ir.Builder, x []ir.Value) []ir.Value {
		e := newEmitter(b)
		return counted(b, b.ConstI32(3), 5, []ir.Value{x[0]}, func(i ir.Value, s []ir.Value) []ir.Value {
			f := b.Unary(ir.OpSin, e.mul(s[0], x[1]))
			g, err := VJP(b, []ir.Value{f}, []ir.Value{b.ConstF32(1)}, s)
			if err != nil {
				t.Fatal(err)
			}
			return []ir.Value{e.sub(s[0], e.mul(b.ConstF32(0.3), g[0]))}
		})
	})
	r.check(t)
	r.checkSecond(t)
}

func TestValueInsideLoopIsNoIndependent(t *testing.T) {
	b := ir.NewBuilder(&ir.Module{})
	x := b.Uniform("x", ir.F32)
	l := b.LoopBegin(ir.F32)
	s := l.States[0]
	out := l.End([]ir.Value{x}, b.ConstBool(true), []ir.Value{b.Binary(ir.OpMul, s, x)}, 3)
	if _, err := VJP(b, out[:1], []ir.Value{x}, []ir.Value{s}); err == nil || !strings.Contains(err.Error(), "inside a loop") {
		t.Errorf("error %v", err)
	}
}

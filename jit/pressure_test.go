package jit_test

import (
	"fmt"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/mem"
)

// many returns values of a type that no two lanes or values have in common.
func (s *stage) many(t ir.Type, n int) []ir.Value {
	list := make([]ir.Value, n)
	for i := range list {
		x := s.Binary(ir.OpXor, s.Binary(ir.OpMul, s.lane, s.ConstI32(int32(2*i+3))), s.ConstI32(int32(i*i)))
		switch {
		case t == ir.Bool:
			list[i] = s.Binary(ir.OpLt, s.mod(x, 7), s.ConstI32(3))
		case t != ir.I32:
			list[i] = s.to(t, x)
		default:
			list[i] = x
		}
	}
	return list
}

// fold uses values one by one, the last one first, in a way in which the order matters.
func (s *stage) fold(list []ir.Value) ir.Value {
	sum := list[len(list)-1]
	for i := len(list) - 2; i >= 0; i-- {
		switch t := s.Type(sum); {
		case t == ir.Bool:
			sum = s.Select(list[i], s.Unary(ir.OpNot, sum), s.Binary(ir.OpXor, sum, list[(i*7+1)%len(list)]))
		case t.IsFloat():
			sum = s.Ternary(ir.OpFMA, sum, s.Const(t, 0.5), list[i])
		default:
			sum = s.Binary(ir.OpSub, s.Binary(ir.OpMul, sum, s.ConstI32(3)), list[i])
		}
	}
	return sum
}

// TestPressure keeps more values than there are registers, also across a loop and inside of it.
func TestPressure(t *testing.T) {
	for _, typ := range []ir.Type{ir.Bool, ir.I32, ir.F32, ir.F64} {
		for _, n := range []int{6, 12, 16, 31, 33, 70} {
			t.Run(fmt.Sprintf("%v/%d", typ, n), func(t *testing.T) {
				s := newStage(45)
				s.output(s.fold(s.many(typ, n)))
				s.check(t)

				s = newStage(45)
				list := s.many(typ, n)
				outside := s.many(ir.F32, n/2)
				l := s.LoopBegin(typ, ir.I32)
				state, i := l.States[0], l.States[1]
				next := []ir.Value{s.fold(append(list[n/3:len(list):len(list)], state)), s.add(i, 1)}
				r := l.End([]ir.Value{list[0], s.ConstI32(0)}, s.less(i, s.mod(s.lane, 4)), next, 9)
				s.output(s.fold(append(list, r[0])))
				s.output(s.fold(outside))
				s.check(t)
			})
		}
	}
}

// TestManyStates has more states than registers, which move on by one in every iteration.
func TestManyStates(t *testing.T) {
	for _, typ := range []ir.Type{ir.Bool, ir.I32, ir.F32, ir.F64} {
		for _, n := range []int{5, 13, 17, 40} {
			t.Run(fmt.Sprintf("%v/%d", typ, n), func(t *testing.T) {
				s := newStage(45)
				list := make([]ir.Type, n+1)
				for i := range n {
					list[i] = typ
				}
				list[n] = ir.I32
				l := s.LoopBegin(list...)
				i := l.States[n]
				next := append([]ir.Value{s.fold(l.States[:n])}, l.States[:n-1]...)
				init := append(s.many(typ, n), s.ConstI32(0))
				r := l.End(init, s.less(i, s.mod(s.lane, 9)), append(next, s.add(i, 1)), 7)
				s.output(s.fold(r[:n]))
				for _, x := range r {
					s.output(x)
				}
				s.check(t)
			})
		}
	}
}

// TestWideOps does what takes the most registers while all others are taken.
func TestWideOps(t *testing.T) {
	for _, n := range []int{9, 14, 30} {
		s := newStage(45)
		held, x := s.many(ir.F32, n), s.many(ir.I32, n)
		doubles := s.many(ir.F64, n/2)
		for i := range x[:n-1] {
			u, w := s.to(ir.U32, x[i]), s.to(ir.U32, x[i+1])
			for _, op := range []ir.Op{ir.OpDiv, ir.OpRem, ir.OpMulHi} {
				held = append(held, s.to(ir.F32, s.Binary(op, x[i], x[i+1])), s.to(ir.F32, s.Binary(op, u, w)))
			}
			held = append(held, s.to(ir.F32, s.to(ir.U32, held[i])), s.Binary(ir.OpScale, held[i], held[i+1]),
				s.Binary(ir.OpMax, held[i], held[i+1]))
			doubles = append(doubles, s.Select(s.less(x[i], x[i+1]), s.to(ir.F64, u), doubles[i%len(doubles)]),
				s.Binary(ir.OpScale, doubles[i/2], s.to(ir.F64, x[i])))
		}
		s.output(s.fold(held))
		s.output(s.fold(x))
		s.output(s.fold(doubles))
		s.check(t)
	}
}

// TestLargePrograms compares random programs of many nodes, most of which are kept.
func TestLargePrograms(t *testing.T) {
	programs := uint64(150)
	if testing.Short() {
		programs = 20
	}
	for _, target := range targets(t) {
		t.Run(target.String(), func(t *testing.T) {
			pages, heap := &jit.Pages{}, mem.Vectors{Heap: mem.NewHeap(mem.Options{})}
			for seed := range programs {
				m := irtest.Random(1e6+seed, irtest.Options{Nodes: 400, Lanes: 19})
				keepAll(m)
				want := irtest.Interpreted(m, seed)
				if diff := difference(m, want, run(t, m, target, pages, heap, seed)); diff != "" {
					t.Errorf("seed %d: %s", seed, diff)
				}
			}
			if err := heap.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// keepAll stores a sum of all float32 that the lanes compute, the last one first.
func keepAll(m *ir.Module) {
	p := m.Stages[0].Prog
	sum := ir.None
	add := func(op ir.Op, t ir.Type, x, y ir.Value) ir.Value {
		p.Nodes = append(p.Nodes, ir.Node{Op: op, Type: t, Scope: ir.ScopeLane, Args: [3]ir.Value{x, y, ir.None}})
		return ir.Value(len(p.Nodes) - 1)
	}
	lane := ir.None
	for v := len(p.Nodes) - 1; v >= 0; v-- {
		n := &p.Nodes[v]
		switch {
		case n.Op == ir.OpLane:
			lane = ir.Value(v)
		case n.Scope != ir.ScopeLane || n.Type != ir.F32:
		case sum == ir.None:
			sum = ir.Value(v)
		default:
			sum = add(ir.OpSub, ir.F32, sum, ir.Value(v))
		}
	}
	if sum == ir.None || lane == ir.None {
		return
	}
	b := m.AddBuffer("all", ir.F32, ir.Output, m.Stages[0].Lanes())
	p.Effects = append(p.Effects, ir.Effect{Kind: ir.Store, Buffer: b, Index: lane, Value: sum})
}

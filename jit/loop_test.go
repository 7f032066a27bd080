package jit_test

import (
	"fmt"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

// add, less and mod are the arithmetic of counters.
func (s *stage) add(x ir.Value, y int32) ir.Value  { return s.Binary(ir.OpAdd, x, s.ConstI32(y)) }
func (s *stage) less(x, y ir.Value) ir.Value       { return s.Binary(ir.OpLt, x, y) }
func (s *stage) mod(x ir.Value, y int32) ir.Value  { return s.Binary(ir.OpRem, x, s.ConstI32(y)) }
func (s *stage) to(t ir.Type, x ir.Value) ir.Value { return s.Convert(t, x) }

// iterations says how often each lane goes round.
var iterations = []struct {
	name string
	of   func(lane int) int
}{
	{"none", func(int) int { return 0 }},
	{"first lane", func(lane int) int { return 5 * max(0, 1-lane) }},
	{"last lane", func(lane int) int { return lane / 42 * 3 }},
	{"one of many", func(lane int) int { return max(0, lane-28) * max(0, 30-lane) * 7 }},
	{"different", func(lane int) int { return lane * 7 % 11 }},
	{"beyond the bound", func(lane int) int { return lane * 3 }},
	{"all", func(int) int { return 6 }},
}

// counts returns the input of iteration counts.
func (s *stage) counts(of func(lane int) int) ir.Value {
	bits := make([]uint64, s.lanes)
	for i := range bits {
		bits[i] = uint64(of(i))
	}
	return s.each(ir.I32, bits)
}

// TestLoopIterations runs lanes different numbers of times, under bounds that they reach or not.
func TestLoopIterations(t *testing.T) {
	for _, row := range iterations {
		for _, bound := range []int{1, 2, 3, 10, 1000} {
			t.Run(fmt.Sprintf("%s/%d", row.name, bound), func(t *testing.T) {
				s := newStage(43)
				limit := s.counts(row.of)
				l := s.LoopBegin(ir.I32, ir.F32, ir.F64, ir.U32)
				i := l.States[0]
				next := []ir.Value{s.add(i, 1), s.Binary(ir.OpAdd, l.States[1], s.to(ir.F32, i)),
					s.Binary(ir.OpMul, l.States[2], s.ConstF64(1.1)), s.Binary(ir.OpXor, l.States[3], s.to(ir.U32, s.lane))}
				init := []ir.Value{s.ConstI32(0), s.to(ir.F32, s.lane), s.to(ir.F64, s.lane), s.ConstU32(9)}
				results := l.End(init, s.less(i, limit), next, bound)
				for _, r := range results {
					s.output(r)
				}
				s.output(s.to(ir.F32, s.Binary(ir.OpMul, results[4], s.lane)))
				s.check(t)
			})
		}
	}
}

// TestLoopResults leaves some of a loop's results without use, the count among them.
func TestLoopResults(t *testing.T) {
	for used := range 32 {
		s := newStage(21)
		limit := s.mod(s.lane, 6)
		l := s.LoopBegin(ir.I32, ir.F32, ir.Bool, ir.F64)
		i, flag := l.States[0], l.States[2]
		next := []ir.Value{s.add(i, 1), s.Binary(ir.OpAdd, l.States[1], s.ConstF32(0.5)), s.Unary(ir.OpNot, flag),
			s.Select(flag, s.Binary(ir.OpAdd, l.States[3], s.ConstF64(1)), l.States[3])}
		init := []ir.Value{s.ConstI32(0), s.to(ir.F32, s.lane), s.Binary(ir.OpEq, s.mod(s.lane, 2), s.ConstI32(0)), s.ConstF64(3)}
		results := l.End(init, s.less(i, limit), next, 20)
		for k, r := range results {
			if used>>k&1 != 0 {
				s.output(r)
			}
		}
		s.output(s.to(ir.F32, s.lane))
		s.check(t)
	}
}

// TestRings passes states around: pairs and longer rings, of each type, beside chains.
func TestRings(t *testing.T) {
	for _, typ := range types {
		for n := 1; n <= 7; n++ {
			for shift := range n {
				s := newStage(35)
				list := make([]ir.Type, n+2)
				init := make([]ir.Value, n+2)
				for i := range list {
					list[i] = typ
					init[i] = s.each(typ, elementBits(typ, 35+i)[i:])
				}
				list[n+1], init[n+1] = ir.I32, s.ConstI32(0)
				l := s.LoopBegin(list...)
				next := make([]ir.Value, n+2)
				for i := range n {
					next[i] = l.States[(i+shift)%n]
				}
				next[n], next[n+1] = l.States[0], s.add(l.States[n+1], 1) // a chain that hangs on the ring
				for _, r := range l.End(init, s.less(l.States[n+1], s.mod(s.lane, 9)), next, 50) {
					s.output(r)
				}
				s.check(t)
			}
		}
	}
}

// TestConditionStates loops on a state that is a truth value, also one that a ring passes on.
func TestConditionStates(t *testing.T) {
	for ring := range 3 {
		s := newStage(50)
		var init []ir.Value
		for k := range 3 {
			init = append(init, s.Binary(ir.OpNe, s.mod(s.lane, int32(k+2)), s.ConstI32(0)))
		}
		init = append(init, s.ConstI32(0))
		l := s.LoopBegin(ir.Bool, ir.Bool, ir.Bool, ir.I32)
		next := []ir.Value{l.States[ring], l.States[2], s.less(l.States[3], s.mod(s.lane, 5)), s.add(l.States[3], 1)}
		for _, r := range l.End(init, l.States[0], next, 12) {
			s.output(r)
		}
		s.check(t)
	}
}

// TestConditionsElsewhere takes what lanes or all lanes share for a condition, and what a nested loop found.
func TestConditionsElsewhere(t *testing.T) {
	s := newStage(50)
	one := s.ConstF32(1)
	for _, cond := range []ir.Value{s.uniform(ir.Bool, 0), s.uniform(ir.Bool, 1), s.ConstBool(true), s.ConstBool(false),
		s.less(s.mod(s.lane, 3), s.ConstI32(2))} {
		l := s.LoopBegin(ir.F32)
		for _, r := range l.End([]ir.Value{s.to(ir.F32, s.lane)}, cond, []ir.Value{s.Binary(ir.OpAdd, l.States[0], one)}, 4) {
			s.output(r)
		}
	}
	outer := s.LoopBegin(ir.I32, ir.F32)
	inner := s.LoopBegin(ir.I32)
	found := inner.End([]ir.Value{outer.States[0]}, s.less(inner.States[0], s.mod(s.lane, 7)), []ir.Value{s.add(inner.States[0], 1)}, 4)
	next := []ir.Value{s.add(found[0], 1), s.Binary(ir.OpAdd, outer.States[1], one)}
	for _, r := range outer.End([]ir.Value{s.ConstI32(0), one}, s.less(found[0], s.ConstI32(20)), next, 30) {
		s.output(r)
	}
	s.check(t)
}

// TestSharedStates starts and continues several states with one value, and with values from outside of the loop.
func TestSharedStates(t *testing.T) {
	for _, typ := range types {
		s := newStage(37)
		a, b, c := s.each(typ, elementBits(typ, 37)), s.each(typ, elementBits(typ, 40)[3:]), s.constant(typ, 1)
		l := s.LoopBegin(typ, typ, typ, typ, ir.I32)
		i := l.States[4]
		even := s.Binary(ir.OpEq, s.mod(i, 2), s.ConstI32(0))
		x := s.Select(even, l.States[0], l.States[1])
		next := []ir.Value{x, x, b, c, s.add(i, 1)}
		for _, r := range l.End([]ir.Value{a, a, a, b, s.mod(s.lane, 4)}, s.less(i, s.mod(s.lane, 9)), next, 9) {
			s.output(r)
		}
		s.output(a)
		s.output(b)
		s.check(t)
	}
}

// nest adds loops inside each other, in which lanes run different numbers of times, and returns a state.
func (s *stage) nest(depth int, x ir.Value) ir.Value {
	if depth == 0 {
		return s.Ternary(ir.OpFMA, x, s.ConstF32(0.875), s.to(ir.F32, s.lane))
	}
	l := s.LoopBegin(ir.I32, ir.F32, ir.F64)
	i := l.States[0]
	inner := s.nest(depth-1, l.States[1])
	next := []ir.Value{s.add(i, 1), inner, s.Binary(ir.OpAdd, l.States[2], s.to(ir.F64, inner))}
	limit := s.mod(s.add(s.lane, int32(depth)), int32(depth+3))
	r := l.End([]ir.Value{s.ConstI32(0), x, s.ConstF64(0.25)}, s.less(i, limit), next, depth+1)
	return s.Binary(ir.OpAdd, s.Binary(ir.OpSub, r[1], s.to(ir.F32, r[3])), s.to(ir.F32, r[2]))
}

func TestNestedLoops(t *testing.T) {
	for _, lanes := range []int{1, 8, 19, 33} {
		for depth := 1; depth <= 4; depth++ {
			s := newStage(lanes)
			x := s.to(ir.F32, s.lane)
			y := s.nest(depth, x)
			s.output(y)
			s.output(s.nest(1, y))
			s.output(x)
			s.check(t)
		}
	}
}

// TestLongLoops runs loops of so many iterations that calls end in the middle of them again and again.
func TestLongLoops(t *testing.T) {
	const a, c = 1664525, 1013904223
	const lanes, outer, inner = 37, 100, 1000
	s := newStage(lanes)
	step := func(x ir.Value) ir.Value {
		return s.Binary(ir.OpAdd, s.Binary(ir.OpMul, x, s.ConstU32(a)), s.ConstU32(c))
	}
	limit := s.Binary(ir.OpMul, s.lane, s.ConstI32(outer*inner/lanes))
	flat := s.LoopBegin(ir.I32, ir.U32)
	r := flat.End([]ir.Value{s.ConstI32(0), s.to(ir.U32, s.lane)}, s.less(flat.States[0], limit),
		[]ir.Value{s.add(flat.States[0], 1), step(flat.States[1])}, outer*inner)
	s.output(r[1])
	s.output(r[2])
	out := s.LoopBegin(ir.I32, ir.U32)
	in := s.LoopBegin(ir.U32, ir.I32)
	nested := in.End([]ir.Value{out.States[1], s.ConstI32(0)}, s.less(in.States[1], s.ConstI32(inner)),
		[]ir.Value{step(in.States[0]), s.add(in.States[1], 1)}, inner)
	r = out.End([]ir.Value{s.ConstI32(0), s.to(ir.U32, s.lane)}, s.less(out.States[0], s.mod(s.lane, outer)),
		[]ir.Value{s.add(out.States[0], 1), nested[0]}, outer)
	s.output(r[1])
	s.m.AddMap("main", s.Program(), lanes)
	want := s.memory()
	generate := func(x uint32, n int) uint64 {
		for range n {
			x = x*a + c
		}
		return uint64(x)
	}
	for lane := range lanes {
		n := lane * (outer * inner / lanes)
		want[0][lane], want[1][lane] = generate(uint32(lane), n), uint64(n)
		want[2][lane] = generate(uint32(lane), lane*inner)
	}
	s.compare(t, want)
}

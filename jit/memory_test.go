package jit_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

var elements = []ir.Type{ir.Bool, ir.I32, ir.U32, ir.F32, ir.F64, ir.F16, ir.BF16, ir.U8}

// elementBits returns n elements of a type, special ones first.
func elementBits(t ir.Type, n int) []uint64 {
	list := make([]uint64, n)
	values := randomized(ir.F32, n)
	if t.Size() != 2 {
		values = randomized(t, n)
	}
	for i := range list {
		if list[i] = values[i]; t.Size() == 2 {
			list[i] = uint64(ir.ToHalf(t, math.Float32frombits(uint32(values[i]))))
		} else if t == ir.U8 {
			list[i] &= 0xff
		}
	}
	return list
}

// indices returns indices into a buffer of n elements, some of them outside, one for each lane.
func indices(lanes, n int) []uint64 {
	outside := []uint32{uint32(n), uint32(n + 1), math.MaxUint32, 1 << 31, 1<<31 - 1, 1<<31 + 1, 1 << 30, 1 << 29, ^uint32(7)}
	list := make([]uint64, lanes)
	for i := range list {
		if list[i] = uint64(i * 7 % (n + 1)); i%5 == 2 {
			list[i] = uint64(outside[i/5%len(outside)])
		}
	}
	return list
}

var someLanes = []int{1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 31, 32, 33, 40, 64, 75, 259}

// TestGathers reads elements of every type by indices of any kind.
func TestGathers(t *testing.T) {
	for _, typ := range elements {
		t.Run(typ.String(), func(t *testing.T) {
			for _, lanes := range someLanes {
				for _, n := range []int{1, 5, 40} {
					s := newStage(lanes)
					from := s.input(typ, elementBits(typ, n)...)
					for _, index := range []ir.Type{ir.I32, ir.U32} {
						s.output(s.Gather(from, s.each(index, indices(lanes, n))))
					}
					s.output(s.Gather(from, s.uniform(ir.I32, float64(n-1))))
					s.output(s.Gather(from, s.uniform(ir.I32, float64(n))))
					s.check(t)
				}
			}
		})
	}
}

// TestNeighbours reads and writes elements side by side: inside of their buffers and beyond both ends.
func TestNeighbours(t *testing.T) {
	for _, typ := range elements {
		t.Run(typ.String(), func(t *testing.T) {
			for _, lanes := range someLanes {
				for _, offset := range []int32{0, 1, -1, 3, -9, 20, math.MaxInt32, math.MinInt32} {
					s := newStage(lanes)
					n := max(lanes+int(offset), 3)
					if offset > 100 || offset < 0 {
						n = lanes
					}
					from := s.input(typ, elementBits(typ, n)...)
					for _, index := range []ir.Value{s.Binary(ir.OpAdd, s.lane, s.ConstI32(offset)),
						s.Binary(ir.OpAdd, s.uniform(ir.I32, float64(offset)), s.lane),
						s.Binary(ir.OpSub, s.lane, s.ConstI32(offset)),
						s.Binary(ir.OpSub, s.lane, s.uniform(ir.I32, float64(offset)))} {
						x := s.Gather(from, index)
						s.output(x)
						s.Store(s.buffer(typ, n), index, x)
						s.Store(s.buffer(typ, lanes), index, x)
					}
					s.check(t)
				}
			}
		})
	}
}

// TestStores writes elements of every type to places of their own, in any order.
func TestStores(t *testing.T) {
	for _, typ := range elements {
		t.Run(typ.String(), func(t *testing.T) {
			for _, lanes := range someLanes {
				s := newStage(lanes)
				x := s.each(typ.Value(), elementBits(typ.Value(), lanes))
				turned := make([]uint64, lanes) // backwards, one in five outside
				for i := range turned {
					if turned[i] = uint64(lanes - 1 - i); i%5 == 3 {
						turned[i] = indices(lanes, lanes)[i/5*5+2]
					}
				}
				for _, index := range []ir.Type{ir.I32, ir.U32} {
					s.Store(s.buffer(typ, lanes), s.each(index, turned), x)
					s.Store(s.buffer(typ, (lanes+1)/2), s.each(index, turned), x)
				}
				if lanes < 256 { // else the last block runs first
					s.Store(s.buffer(typ, 3), s.ConstI32(2), x)
				}
				s.Store(s.buffer(typ, 3), s.uniform(ir.I32, 3), x)
				s.check(t)
			}
		})
	}
}

func TestScatterAdds(t *testing.T) {
	for _, typ := range []ir.Type{ir.I32, ir.U32, ir.F32, ir.F64} {
		t.Run(typ.String(), func(t *testing.T) {
			for _, lanes := range someLanes {
				s := newStage(lanes)
				x := s.each(typ, elementBits(typ, lanes))
				s.ScatterAdd(s.buffer(typ, 7), s.each(ir.I32, indices(lanes, 7)), x)
				s.ScatterAdd(s.buffer(typ, 7), s.each(ir.U32, indices(lanes, 7)), s.constant(typ, 0))
				s.check(t)
			}
		})
	}
}

// unalignedUses take an element, once each, to instructions that move it.
var unalignedUses = map[string]func(s *stage, x, y, cond ir.Value) ir.Value{
	"yes": func(s *stage, x, y, cond ir.Value) ir.Value { return s.Select(cond, x, y) },
	"no":  func(s *stage, x, y, cond ir.Value) ir.Value { return s.Select(cond, y, x) },
	"or zero": func(s *stage, x, _, cond ir.Value) ir.Value {
		return s.Select(cond, x, s.constant(s.Type(x), 0))
	},
	"zero or": func(s *stage, x, _, cond ir.Value) ir.Value {
		return s.Select(cond, s.constant(s.Type(x), 0), x)
	},
	"fma": func(s *stage, x, y, _ ir.Value) ir.Value {
		if t := s.Type(x); t.IsFloat() {
			return s.Binary(ir.OpAdd, s.Ternary(ir.OpFMA, y, s.Const(t, 3), x), y)
		}
		return s.Unary(ir.OpNeg, x)
	},
	"same": func(s *stage, x, _, _ ir.Value) ir.Value {
		if s.Type(x) == ir.U32 {
			return s.Unary(ir.OpAbs, x)
		}
		return x
	},
	"initial state": func(s *stage, x, y, _ ir.Value) ir.Value { return s.alternate(x, y, false) },
	"next state":    func(s *stage, x, y, _ ir.Value) ir.Value { return s.alternate(y, x, true) },
}

// alternate loops over a state that starts as x; in loops it becomes y, or else half of the lanes keep it.
func (s *stage) alternate(x, y ir.Value, takes bool) ir.Value {
	l := s.LoopBegin(s.Type(x), ir.I32)
	next := l.States[0]
	if takes {
		next = y
	}
	more := s.Binary(ir.OpLt, l.States[1], s.Binary(ir.OpRem, s.lane, s.ConstI32(3)))
	return l.End([]ir.Value{x, s.ConstI32(0)}, more, []ir.Value{next, s.Binary(ir.OpAdd, l.States[1], s.ConstI32(1))}, 9)[0]
}

// TestUnaligned uses elements where they lie, at all distances from what vectors are aligned to.
func TestUnaligned(t *testing.T) {
	for name, use := range unalignedUses {
		for _, typ := range []ir.Type{ir.I32, ir.U32, ir.F32, ir.F64} {
			for offset := range int32(8) {
				t.Run(fmt.Sprintf("%s/%v/%d", name, typ, offset), func(t *testing.T) {
					const lanes = 50
					s := newStage(lanes)
					at := s.Binary(ir.OpAdd, s.lane, s.ConstI32(offset))
					x := s.Gather(s.input(typ, elementBits(typ, lanes+8)...), at)
					y := s.Convert(typ, s.lane)
					cond := s.Binary(ir.OpEq, s.Binary(ir.OpRem, s.lane, s.ConstI32(3)), s.ConstI32(0))
					s.output(use(s, x, y, cond))
					s.check(t)
				})
			}
		}
	}
}

// TestUnalignedStates lets more states than there are registers become elements.
func TestUnalignedStates(t *testing.T) {
	for _, typ := range []ir.Type{ir.I32, ir.F32, ir.F64} {
		for offset := range int32(8) {
			t.Run(fmt.Sprintf("%v/%d", typ, offset), func(t *testing.T) {
				const lanes, states = 50, 36
				s := newStage(lanes)
				at := s.Binary(ir.OpAdd, s.lane, s.ConstI32(offset))
				list, next := make([]ir.Type, states), make([]ir.Value, states)
				for i := range list {
					list[i], next[i] = typ, s.Gather(s.input(typ, elementBits(typ, lanes+8+i)[i:]...), at)
				}
				l := s.LoopBegin(append(list, ir.I32)...)
				counter := l.States[states]
				more := s.Binary(ir.OpLt, counter, s.Binary(ir.OpRem, s.lane, s.ConstI32(3)))
				init := append(s.many(typ, states), s.ConstI32(0))
				for _, r := range l.End(init, more, append(next, s.Binary(ir.OpAdd, counter, s.ConstI32(1))), 9) {
					s.output(r)
				}
				s.check(t)
			})
		}
	}
}

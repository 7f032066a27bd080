package jit_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

var types = []ir.Type{ir.Bool, ir.I32, ir.U32, ir.F32, ir.F64}

// hasMeaning tells whether machine code computes an op on a type.
func hasMeaning(op ir.Op, t ir.Type) bool {
	info := op.Info()
	return info.Args > 0 && info.Class != ir.ClassNone && info.Class.Has(t) && !info.Transc
}

// tuples returns n lists that hold all combinations of values.
func tuples(values []uint64, n int) [][]uint64 {
	total := 1
	for range n {
		total *= len(values)
	}
	lists := make([][]uint64, n)
	for i := range total {
		for k, rest := 0, i; k < n; k++ {
			lists[k] = append(lists[k], values[rest%len(values)])
			rest /= len(values)
		}
	}
	return lists
}

// TestOps computes every op on all combinations of special values, with operands in memory, in registers and computed.
func TestOps(t *testing.T) {
	for op := ir.Op(1); int(op) < ir.NumOps; op++ {
		for _, typ := range types {
			if !hasMeaning(op, typ) {
				continue
			}
			t.Run(fmt.Sprintf("%v/%v", op, typ), func(t *testing.T) {
				values := specialBits(typ)
				if op.Info().Args == 3 {
					values = values[:min(len(values), 24)]
				}
				lists := tuples(values, op.Info().Args)
				s := newStage(len(lists[0]))
				args := make([]ir.Value, len(lists))
				for i, list := range lists {
					args[i] = s.each(typ, list)
				}
				s.output(s.Make(op, args...))
				zero := s.uniform(ir.I32, 0)
				for i, list := range lists { // an index that is not known to lie inside
					args[i] = s.Gather(s.input(typ, list...), s.Binary(ir.OpAdd, s.lane, zero))
				}
				s.output(s.Make(op, args...))
				if len(args) == 2 {
					args[0] = args[1]
					s.output(s.Make(op, args...))
				}
				s.check(t)
			})
		}
	}
}

// TestConstantOperands does so with constants and uniforms on either side, which have instructions of their own.
func TestConstantOperands(t *testing.T) {
	for op := ir.Op(1); int(op) < ir.NumOps; op++ {
		for _, typ := range types {
			if !hasMeaning(op, typ) || op.Info().Args != 2 {
				continue
			}
			t.Run(fmt.Sprintf("%v/%v", op, typ), func(t *testing.T) {
				values := specialBits(typ)
				s := newStage(len(values))
				x := s.each(typ, values)
				for _, bits := range values {
					c := s.constant(typ, bits)
					s.output(s.Binary(op, x, c))
					s.output(s.Binary(op, c, x))
				}
				u := s.uniform(typ, 3)
				s.output(s.Binary(op, x, u))
				s.output(s.Binary(op, u, x))
				s.output(s.Binary(op, u, s.uniform(typ, 5))) // what all lanes share
				s.check(t)
			})
		}
	}
}

// TestScale looks for numbers that are rounded twice, and exponents whose size is known.
func TestScale(t *testing.T) {
	for _, typ := range []ir.Type{ir.F32, ir.F64} {
		t.Run(typ.String(), func(t *testing.T) {
			const lanes = 20000
			s := newStage(lanes)
			size, precision := 127.0, 24
			if typ == ir.F64 {
				size, precision = 1023, 53
			}
			var x, n []uint64
			for i := range lanes {
				fraction := math.Float64frombits(uint64(i)*0x9e3779b97f4a7c15>>12 | 1023<<52)
				exponent := (float64(i%401)/200 - 1) * size
				down := -size + 1 - exponent - float64(i%(precision+3)) // to the smallest numbers
				x = append(x, ir.ConvertBits(typ, ir.F64, math.Float64bits(math.Ldexp(fraction, int(exponent)))))
				if i%4 == 0 { // anywhere
					down = size * (float64(i%1999)/333 - 3)
				}
				n = append(n, ir.ConvertBits(typ, ir.F64, math.Float64bits(math.Trunc(down)+float64(i%3)/3)))
			}
			a, b := s.each(typ, x), s.each(typ, n)
			s.output(s.Binary(ir.OpScale, a, b))
			for _, limit := range []float64{size / 2, 1.9 * size, 3 * size, 1e9} {
				low, high, big := s.Const(typ, -limit), s.Const(typ, limit), s.Const(typ, 0x1.8p23)
				y := s.Select(s.Binary(ir.OpLt, b, low), low, b)
				y = s.Select(s.Binary(ir.OpLt, high, y), high, y)
				s.output(s.Binary(ir.OpScale, a, y))
				y = s.Binary(ir.OpSub, s.Ternary(ir.OpFMA, y, s.Const(typ, 0.75), big), big)
				s.output(s.Binary(ir.OpScale, a, y))
			}
			s.check(t)
		})
	}
}

// randomized adds values between the special ones.
func randomized(typ ir.Type, n int) []uint64 {
	list := specialBits(typ)
	x := uint64(0x9e3779b97f4a7c15)
	for range n {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		switch typ {
		case ir.Bool:
			list = append(list, x&1)
		case ir.F32:
			list = append(list, uint64(ir.Bits32(math.Float32frombits(uint32(x)))))
		case ir.F64: // of float32's range more often than not
			if x&3 != 0 {
				x = x&^(0x7ff<<52) | (x>>52&127+1023-50)<<52
			}
			list = append(list, x)
		default:
			list = append(list, x>>(x>>59)&math.MaxUint32)
		}
	}
	return list
}

func TestConversions(t *testing.T) {
	for _, from := range types {
		for _, to := range types {
			t.Run(fmt.Sprintf("%v/%v", from, to), func(t *testing.T) {
				values := randomized(from, 5000)
				s := newStage(len(values))
				x := s.each(from, values)
				if to != ir.Bool {
					s.output(s.Convert(to, x))
					s.output(s.Convert(to, s.uniform(from, 1)))
				}
				if from.Size() == 4 && to.Size() == 4 {
					s.output(s.Bitcast(to, x))
				}
				s.output(s.Select(s.Binary(ir.OpEq, s.lane, s.ConstI32(3)), x, s.uniform(from, 1)))
				s.check(t)
			})
		}
	}
}

func TestSelects(t *testing.T) {
	for _, typ := range types {
		t.Run(typ.String(), func(t *testing.T) {
			values := specialBits(typ)
			lists := tuples(values, 2)
			s := newStage(len(lists[0]))
			a, b := s.each(typ, lists[0]), s.each(typ, lists[1])
			zero, c := s.constant(typ, 0), s.constant(typ, values[1])
			conditions := []ir.Value{s.Binary(ir.OpEq, s.Binary(ir.OpRem, s.lane, s.ConstI32(3)), s.ConstI32(0)),
				s.uniform(ir.Bool, 1)}
			if typ != ir.Bool { // minimum, maximum and their opposites
				conditions = append(conditions, s.Binary(ir.OpLt, a, b), s.Binary(ir.OpLt, b, a), s.Binary(ir.OpLe, a, b))
			}
			for _, cond := range conditions {
				for _, pair := range [][2]ir.Value{{a, b}, {b, a}, {a, zero}, {zero, b}, {c, a}, {b, c}, {a, a}, {zero, c}} {
					s.output(s.Select(cond, pair[0], pair[1]))
				}
			}
			s.check(t)
		})
	}
}

// TestHalves reads all numbers of 16 bits, and rounds what lies at and around the middle between them.
func TestHalves(t *testing.T) {
	for _, typ := range []ir.Type{ir.F16, ir.BF16} {
		t.Run(typ.String(), func(t *testing.T) {
			all := make([]uint64, 1<<16)
			middle := make([]uint64, len(all))
			for i := range all {
				all[i] = uint64(i)
				x, y := ir.FromHalf(typ, uint16(i)), ir.FromHalf(typ, uint16(i+1))
				middle[i] = uint64(ir.Bits32(x/2+y/2)) + uint64(i)/7%3 - 1
			}
			s := newStage(len(all))
			x := s.each(typ, all)
			s.output(x)
			s.outputAs(typ, x)
			s.outputAs(typ, s.each(ir.F32, middle))
			s.outputAs(typ, s.each(ir.F32, append(randomized(ir.F32, len(all)), make([]uint64, 100)...)))
			s.check(t)
		})
	}
}

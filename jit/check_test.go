package jit_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/ir/irtest"
	"github.com/baremetaldevx86/microdr/jit"
	"github.com/baremetaldevx86/microdr/mem"
)

// stage is a module of one map stage that a test writes.
type stage struct {
	*ir.Builder
	m        *ir.Module
	lanes    int
	lane     ir.Value
	uniforms []float64
	inputs   map[int][]uint64
}

func newStage(lanes int) *stage {
	m := &ir.Module{Name: "test"}
	b := ir.NewBuilder(m)
	return &stage{b, m, lanes, b.Lane(), nil, map[int][]uint64{}}
}

// input adds a buffer that holds elements given by their bits.
func (s *stage) input(t ir.Type, bits ...uint64) int {
	b := s.m.AddBuffer(fmt.Sprintf("in%d", len(s.m.Buffers)), t, ir.Input, len(bits))
	s.inputs[b] = bits
	return b
}

// each reads an element for each lane.
func (s *stage) each(t ir.Type, bits []uint64) ir.Value { return s.Gather(s.input(t, bits...), s.lane) }

// uniform adds one.
func (s *stage) uniform(t ir.Type, x float64) ir.Value {
	s.uniforms = append(s.uniforms, x)
	return s.Uniform(fmt.Sprintf("u%d", len(s.uniforms)), t)
}

// output writes a value for each lane.
func (s *stage) output(v ir.Value) { s.outputAs(s.Type(v), v) }

func (s *stage) outputAs(element ir.Type, v ir.Value) {
	s.Store(s.buffer(element, s.lanes), s.lane, v)
}

// buffer adds one that is written.
func (s *stage) buffer(t ir.Type, n int) int {
	return s.m.AddBuffer(fmt.Sprintf("out%d", len(s.m.Buffers)), t, ir.Output, n)
}

func (s *stage) memory() irtest.Memory {
	memory := irtest.NewMemory(s.m)
	for b, bits := range s.inputs {
		copy(memory[b], bits)
	}
	return memory
}

// check compares all targets with the interpreter.
func (s *stage) check(t *testing.T) {
	t.Helper()
	s.m.AddMap("main", s.Program(), s.lanes)
	bits := make([]uint64, len(s.uniforms))
	for i, x := range s.uniforms {
		bits[i] = irtest.UniformBits(s.m.Uniforms[i].Type, x)
	}
	want := s.memory()
	irtest.InterpretModule(s.m, bits, want)
	irtest.Canonical(s.m, want)
	s.compare(t, want)
}

// compare runs the stage, which is complete, on all targets.
func (s *stage) compare(t *testing.T, want irtest.Memory) {
	t.Helper()
	for _, target := range targets(t) {
		x := executor{target, &jit.Pages{}, mem.Vectors{Heap: mem.NewHeap(mem.Options{})}, 0}
		for _, x.budget = range s.budgets() {
			got := s.memory()
			if err := x.execute(s.m, s.uniforms, got); err != nil {
				t.Fatalf("%v: %v\n%s", target, err, ir.Print(s.m))
			}
			if diff := difference(s.m, want, got); diff != "" {
				t.Errorf("%v, budget %d: %s", target, x.budget, diff)
			}
		}
		if err := x.heap.Close(); err != nil {
			t.Error(err)
		}
	}
}

// budgets are those worth a try: without a loop, calls differ in the number of groups.
func (s *stage) budgets() []int64 {
	if len(s.Program().Loops) == 0 {
		return budgets[:1]
	}
	return budgets
}

// difference tells the first elements that differ.
func difference(m *ir.Module, want, got irtest.Memory) string {
	for b := range want {
		for i := range want[b] {
			if got[b][i] != want[b][i] {
				return fmt.Sprintf("%s[%d] is %#x, want %#x", m.Buffers[b].Name, i, got[b][i], want[b][i])
			}
		}
	}
	return ""
}

// The values at which ops of a type turn from one behaviour to another.
var (
	floats = []float64{0, math.Copysign(0, -1), 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 0.99999994, -0.99999994, 3, -7, 10.25,
		0x1p-149, -0x1p-149, 0x1p-126, -0x1.fffffcp-127, math.MaxFloat32, -math.MaxFloat32, math.Inf(1), math.Inf(-1),
		math.NaN(), 0x1p31, -0x1p31, -0x1.000002p31, 0x1.fffffep30, 0x1.fffffep31, 0x1p32, 0x1.000002p32, 0x1p23, 0x1.fffffep23,
		0x1p24, 0x1.000001p22, 150, -150, -126.5, 127, 128, -127, -253, 255, 278, -279, 65504, 65519.996, 65520, 0x1p-24, 0x1p-25}
	doubles = append([]float64{math.MaxInt32, math.MaxInt32 + 0.5, math.MaxInt32 - 0.5, math.MinInt32 - 0.5,
		math.MinInt32 - 1, math.MinInt32 + 0.5, math.MaxUint32, math.MaxUint32 + 0.5, math.MaxUint32 - 0.5, -0.9999999999999999,
		0.9999999999999999, 0x1p-1074, -0x1p-1074, 0x1p-1022, math.MaxFloat64, -math.MaxFloat64, 0x1p52, 0x1p53,
		0x1.000001p0, 0x1.0000010000001p0, 0x1.000000fffffffp0, 0x1.000003p-127, 0x1.ffffffp127, -1022, -1075, -2045,
		-2100, 1024, 2098, 0x1.8p-150, 0x1p-150}, floats...)
	integers = []uint32{0, 1, 2, 3, 5, 7, 10, 31, 32, 33, 64, 100, 255, 256, 641, 0x7fff, 0xffff, 0x10000, 0x10001, 0xfffffe,
		0x1000001, 0x1000003, 0x12345678, 0x7fffff7f, 0x7fffff80, 0x7fffffbf, 0x7fffffc0, 0x7ffffffe, 0x7fffffff, 0x80000000,
		0x80000001, 0x80000080, 0x80000081, 0x80000180, 0xfffeffff, 0xffffff00, 0xffffff7f, 0xffffff80, 0xffffffdf,
		0xfffffff6, 0xfffffffe, 0xffffffff}
)

// specialBits are the bits of the special values of a type.
func specialBits(t ir.Type) []uint64 {
	var list []uint64
	switch t {
	case ir.Bool:
		return []uint64{0, 1}
	case ir.F32:
		for _, x := range floats {
			list = append(list, uint64(ir.Bits32(float32(x))))
		}
	case ir.F64:
		for _, x := range doubles {
			list = append(list, math.Float64bits(x))
		}
	default:
		for _, x := range integers {
			list = append(list, uint64(x))
		}
	}
	return list
}

// constant returns one of a type with the given bits.
func (s *stage) constant(t ir.Type, bits uint64) ir.Value {
	switch t {
	case ir.Bool:
		return s.ConstBool(bits != 0)
	case ir.F32:
		return s.ConstF32(math.Float32frombits(uint32(bits)))
	case ir.F64:
		return s.ConstF64(math.Float64frombits(bits))
	case ir.I32:
		return s.ConstI32(int32(uint32(bits)))
	}
	return s.ConstU32(uint32(bits))
}

package irtest

import (
	"fmt"
	"math"

	"github.com/baremetaldevx86/microdr/ir"
)

// Memory holds the buffers of a module by index, each element as its bits: those of its type in the low part,
// Bool as 0 or 1.
type Memory [][]uint64

// NewMemory returns zeroed buffers for the module.
func NewMemory(m *ir.Module) Memory {
	mem := make(Memory, len(m.Buffers))
	for i := range m.Buffers {
		mem[i] = make([]uint64, m.Buffers[i].Len())
	}
	return mem
}

// UniformBits returns the bits of a uniform of type t with value x, as every executor takes it: converted to a
// number, or true if x is not 0.
func UniformBits(t ir.Type, x float64) uint64 {
	if t == ir.Bool {
		return ir.Scalar(ir.OpNe, ir.F64, [3]uint64{math.Float64bits(x)})
	}
	return ir.ConvertBits(t, ir.F64, math.Float64bits(x))
}

// Interpret executes one lane of a map stage: it computes the value of each effect and applies it to mem.
// Uniforms are given by index in the module as their bits (UniformBits). Calls, loops and transcendentals are
// interpreted as they stand; a transcendental on float32 means its expansion.
func Interpret(m *ir.Module, stage, lane int, uniforms []uint64, mem Memory) {
	p := m.Stages[stage].Prog
	f := newFrame(&machine{m, lane, uniforms, mem}, p, nil)
	type write struct{ index, value uint64 }
	writes := make([]write, len(p.Effects))
	for i, e := range p.Effects {
		writes[i] = write{f.value(e.Index), f.value(e.Value)}
	}
	for i, e := range p.Effects {
		apply(m.Buffers[e.Buffer].Type, mem[e.Buffer], e.Kind, p.Node(e.Index).Type, writes[i].index, writes[i].value)
	}
}

// InterpretStage executes a stage, a map's lanes in order.
func InterpretStage(m *ir.Module, stage int, uniforms []uint64, mem Memory) {
	s := &m.Stages[stage]
	switch s.Kind {
	case ir.StageMap:
		for lane := range s.Lanes() {
			Interpret(m, stage, lane, uniforms, mem)
		}
	case ir.StageReduce:
		reduce(m, s, elements(m, stage, uniforms, mem), mem)
	case ir.StageScan:
		scan(m, s, mem)
	case ir.StageSort:
		sortRows(m, s, mem)
	case ir.StageMatMul:
		matMul(m, s, mem)
	case ir.StageConv:
		conv(m, s, mem)
	default:
		panic("irtest: nothing interprets " + s.Kind.String())
	}
}

// InterpretModule executes all stages.
func InterpretModule(m *ir.Module, uniforms []uint64, mem Memory) {
	for i := range m.Stages {
		InterpretStage(m, i, uniforms, mem)
	}
}

// element returns the place that an index of type t addresses, or -1.
func element(t ir.Type, index uint64, length int) int {
	i := int64(uint32(index))
	if t == ir.I32 {
		i = int64(int32(index))
	}
	if i < 0 || i >= int64(length) {
		return -1
	}
	return int(i)
}

func apply(t ir.Type, buffer []uint64, kind ir.EffectKind, indexType ir.Type, index, value uint64) {
	k := element(indexType, index, len(buffer))
	if k < 0 {
		return
	}
	half := t == ir.F16 || t == ir.BF16
	switch {
	case kind == ir.Store && half:
		buffer[k] = uint64(ir.ToHalf(t, math.Float32frombits(uint32(value))))
	case kind == ir.Store && t == ir.U8:
		buffer[k] = value & 0xff
	case kind == ir.Store:
		buffer[k] = value
	default:
		buffer[k] = ir.Scalar(ir.OpAdd, t, [3]uint64{buffer[k], value})
	}
}

// machine is what all frames of one lane share.
type machine struct {
	m        *ir.Module
	lane     int
	uniforms []uint64
	mem      Memory
}

// frame is one activation of a program: the lane's own or a function's.
type frame struct {
	*machine
	p      *ir.Program
	params []uint64
	known  []bool // values computed already, in the current iteration of their loop
	bits   []uint64
	multi  map[ir.Value][]uint64 // results of loops and calls
}

func newFrame(m *machine, p *ir.Program, params []uint64) *frame {
	return &frame{m, p, params, make([]bool, len(p.Nodes)), make([]uint64, len(p.Nodes)), map[ir.Value][]uint64{}}
}

// value returns the bits of v.
func (f *frame) value(v ir.Value) uint64 {
	if !f.known[v] {
		f.bits[v] = f.compute(f.p.Node(v))
		f.known[v] = true
	}
	return f.bits[v]
}

func (f *frame) values(vs []ir.Value) []uint64 {
	out := make([]uint64, len(vs))
	for i, v := range vs {
		out[i] = f.value(v)
	}
	return out
}

func (f *frame) compute(n *ir.Node) uint64 {
	switch n.Op {
	case ir.OpConst:
		return n.Imm
	case ir.OpUniform:
		return f.uniforms[n.Imm]
	case ir.OpLane:
		return uint64(uint32(f.lane))
	case ir.OpParam:
		return f.params[n.Imm]
	case ir.OpState:
		panic("irtest: a state is read outside of its loop")
	case ir.OpResult:
		return f.results(n.Args[0])[n.Imm]
	}
	x, t := f.value(n.Args[0]), f.p.Node(n.Args[0]).Type
	switch n.Op {
	case ir.OpSelect:
		if x != 0 {
			return f.value(n.Args[1])
		}
		return f.value(n.Args[2])
	case ir.OpConvert:
		return ir.ConvertBits(n.Type, t, x)
	case ir.OpBitcast:
		if n.Type == ir.F32 || t == ir.F32 {
			return uint64(ir.Bits32(math.Float32frombits(uint32(x))))
		}
		return x
	case ir.OpGather:
		return f.gather(n, element(t, x, len(f.mem[n.Imm])))
	}
	args := [3]uint64{x}
	for i, a := range n.Args[1:] {
		if a != ir.None {
			args[i+1] = f.value(a)
		}
	}
	return scalar(n.Op, t, args)
}

func (f *frame) gather(n *ir.Node, k int) uint64 {
	if k < 0 {
		return 0
	}
	x := f.mem[n.Imm][k]
	if t := f.m.Buffers[n.Imm].Type; t == ir.F16 || t == ir.BF16 {
		return uint64(math.Float32bits(ir.FromHalf(t, uint16(x))))
	}
	return x
}

func scalar(op ir.Op, t ir.Type, args [3]uint64) uint64 {
	if op.Info().Transc && t == ir.F32 {
		return transcendental(op, args)
	}
	return ir.Scalar(op, t, args)
}

// transcendental builds the expansion of a single op and interprets it.
func transcendental(op ir.Op, args [3]uint64) uint64 {
	b := ir.NewBuilder(&ir.Module{Name: op.String()})
	x, y := b.Param(ir.F32), b.Param(ir.F32)
	b.SetResults(ir.Expand(b, op, x, y))
	f := newFrame(&machine{m: b.Module()}, b.Program(), args[:2])
	return f.value(b.Program().Results[0])
}

// results returns all results of a loop or call.
func (f *frame) results(v ir.Value) []uint64 {
	if r := f.multi[v]; f.known[v] {
		return r
	}
	var r []uint64
	switch f.p.Node(v).Op {
	case ir.OpLoop:
		r = f.loop(f.p.Loop(v))
	case ir.OpCall:
		c := f.p.Call(v)
		callee := newFrame(f.machine, f.m.Funcs[c.Func].Body, f.values(c.Args))
		r = callee.values(callee.p.Results)
	default:
		panic(fmt.Sprintf("irtest: result of %v", f.p.Node(v).Op))
	}
	f.multi[v], f.known[v] = r, true
	return r
}

// loop returns the states at the end and the number of iterations.
func (f *frame) loop(l *ir.Loop) []uint64 {
	states := f.values(l.Init)
	it := 0
	for ; ; it++ {
		f.enter(l, states)
		if it == l.Max || f.value(l.Cond) == 0 {
			return append(states, uint64(it))
		}
		states = f.values(l.Next)
	}
}

// enter forgets all values of the loop's body and sets its states.
func (f *frame) enter(l *ir.Loop, states []uint64) {
	for i := range f.known {
		if f.p.Encloses(l.Scope, f.p.Nodes[i].Scope) {
			f.known[i] = false
		}
	}
	for i, s := range l.States {
		f.bits[s], f.known[s] = states[i], true
	}
}

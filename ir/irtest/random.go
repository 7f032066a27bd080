package irtest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/baremetaldevx86/microdr/ir"
)

// Options says what Random may use. The zero value means everything.
type Options struct {
	Lanes int // 0: between 1 and 600
	Nodes int // attempts at nodes of the main program; 0: 40

	NoLoops, NoCalls, NoDouble, NoHalf, NoTranscendentals, NoScatter bool
}

// inputLen is the length of the input buffers; programs gather beyond it, too.
const inputLen = 37

// Random returns a verified module with one map stage: two uniforms and one input buffer of each type, functions,
// a program over random values with nested loops, and an output buffer for each value stored. The stage's lanes
// store to elements of their own, and each buffer takes at most one scatter_add, so that results don't depend on
// how lanes and effects are ordered otherwise. The same seed and options give the same module.
func Random(seed uint64, o Options) *ir.Module {
	g := newGenerator(seed, o)
	g.stage()
	g.check()
	return g.m
}

// newGenerator declares buffers and uniforms and makes some functions.
func newGenerator(seed uint64, o Options) *generator {
	g := &generator{seed: seed, Rand: rand.New(rand.NewPCG(seed, 0x6972)), o: o, m: &ir.Module{Name: fmt.Sprintf("random%d", seed)}}
	if o.Nodes == 0 {
		g.o.Nodes = 40
	}
	if o.Lanes == 0 {
		g.o.Lanes = 1 + g.IntN(600)
		if g.IntN(4) > 0 {
			g.o.Lanes = 1 + g.IntN(20)
		}
	}
	g.types = []ir.Type{ir.F32, ir.F32, ir.F32, ir.F32, ir.I32, ir.U32, ir.Bool}
	if !o.NoDouble {
		g.types = append(g.types, ir.F64)
	}
	g.declare()
	if !o.NoCalls {
		for range g.IntN(3) {
			g.function()
		}
	}
	return g
}

func (g *generator) check() {
	if err := ir.Verify(g.m); err != nil {
		panic(fmt.Sprintf("irtest: seed %d: %v\n%s", g.seed, err, ir.Print(g.m)))
	}
}

// Fill sets uniforms and input buffers to random values, special ones among them.
func Fill(m *ir.Module, seed uint64) (uniforms []float64, mem Memory) {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x66696c6c))}
	for _, u := range m.Uniforms {
		x := math.Trunc(float64(g.float()))
		if u.Type.IsFloat() {
			x = float64(g.float())
		} else if u.Type == ir.Bool {
			x = float64(g.IntN(2))
		}
		uniforms = append(uniforms, x)
	}
	mem = NewMemory(m)
	for i := range m.Buffers {
		for k := range mem[i] {
			if m.Buffers[i].Life == ir.Input {
				mem[i][k] = g.bits(m.Buffers[i].Type)
			}
		}
	}
	return uniforms, mem
}

type generator struct {
	*rand.Rand
	seed  uint64
	o     Options
	m     *ir.Module
	types []ir.Type
	input map[ir.Type]int // an input buffer for each type of element

	b    *ir.Builder
	pool []map[ir.Type][]ir.Value // the values of each open region, outermost first
}

var specials = []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0.5, 2, math.MaxFloat32, -math.MaxFloat32,
	math.SmallestNonzeroFloat32, 0x1p-126, -0x1p-130, 0x1p23, 0x1.8p23, 0x1p31, -0x1p31, 0x1p32, 2.5, -3.5,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}

// float returns a special value now and then, else one of either sign and moderate size.
func (g *generator) float() float32 {
	if g.IntN(8) == 0 {
		return specials[g.IntN(len(specials))]
	}
	return float32(g.NormFloat64() * math.Exp2(float64(g.IntN(12)-5)))
}

func (g *generator) word() uint32 {
	switch g.IntN(4) {
	case 0:
		return []uint32{0, 1, 31, 32, 1 << 31, 1<<31 - 1, math.MaxUint32}[g.IntN(7)]
	case 1:
		return g.Uint32()
	}
	return uint32(g.IntN(100) - 20)
}

// bits returns an element of type t.
func (g *generator) bits(t ir.Type) uint64 {
	switch t {
	case ir.F32:
		return uint64(ir.Bits32(g.float()))
	case ir.F64:
		if g.IntN(2) == 0 {
			return math.Float64bits(g.NormFloat64())
		}
		return ir.ConvertBits(ir.F64, ir.F32, uint64(ir.Bits32(g.float())))
	case ir.F16, ir.BF16:
		return uint64(ir.ToHalf(t, g.float()))
	case ir.Bool:
		return uint64(g.IntN(2))
	case ir.U8:
		return uint64(g.word() & 0xff)
	}
	return uint64(g.word())
}

func (g *generator) declare() {
	for _, t := range []ir.Type{ir.F32, ir.I32, ir.U32, ir.Bool, ir.F64} {
		for i := range 2 {
			if t != ir.F64 || !g.o.NoDouble {
				g.m.Uniform(fmt.Sprintf("u%d.%v", i, t), t)
			}
		}
	}
	g.input = map[ir.Type]int{}
	buffers := []ir.Type{ir.F32, ir.I32, ir.U32, ir.Bool, ir.F64, ir.F16, ir.BF16, ir.U8}
	for _, t := range buffers {
		if t == ir.F64 && g.o.NoDouble || t.Size() == 2 && g.o.NoHalf {
			continue
		}
		g.input[t] = g.m.AddBuffer("in."+t.String(), t, ir.Input, inputLen)
	}
}

func (g *generator) open() { g.pool = append(g.pool, map[ir.Type][]ir.Value{}) }

func (g *generator) close() { g.pool = g.pool[:len(g.pool)-1] }

func (g *generator) add(vs ...ir.Value) {
	top := g.pool[len(g.pool)-1]
	for _, v := range vs {
		t := g.b.Type(v)
		top[t] = append(top[t], v)
	}
}

// pick returns a value of type t, from the inner regions more often than not, or a new leaf.
func (g *generator) pick(t ir.Type) ir.Value {
	if g.IntN(6) > 0 {
		for i := len(g.pool) - 1; i >= 0; i-- {
			list := g.pool[i][t]
			if len(list) > 0 && (i == 0 || g.IntN(3) > 0) {
				return list[g.IntN(len(list))]
			}
		}
	}
	return g.leaf(t)
}

func (g *generator) leaf(t ir.Type) ir.Value {
	if g.IntN(3) == 0 {
		return g.b.Uniform(fmt.Sprintf("u%d.%v", g.IntN(2), t), t)
	}
	switch t {
	case ir.F32:
		return g.b.ConstF32(g.float())
	case ir.F64:
		return g.b.ConstF64(math.Float64frombits(g.bits(ir.F64)))
	case ir.I32:
		return g.b.ConstI32(int32(g.word()))
	case ir.U32:
		return g.b.ConstU32(g.word())
	}
	return g.b.ConstBool(g.IntN(2) == 0)
}

func (g *generator) someType() ir.Type { return g.types[g.IntN(len(g.types))] }

// step adds one node, loop or call.
func (g *generator) step(depth int) {
	switch g.IntN(24) {
	case 0, 1:
		if !g.o.NoLoops && depth < 3 {
			g.loop(depth)
		}
	case 2:
		if n := len(g.m.Funcs); n > 0 {
			g.call(g.IntN(n))
		}
	case 3:
		g.gather()
	case 4, 5:
		t := g.someType()
		g.add(g.b.Select(g.pick(ir.Bool), g.pick(t), g.pick(t)))
	case 6, 7:
		g.convert()
	default:
		g.op()
	}
}

func (g *generator) op() {
	op := ir.Op(1 + g.IntN(ir.NumOps-1))
	info := op.Info()
	t := g.someType()
	if info.Class == ir.ClassNone || !info.Class.Has(t) || info.Transc && (g.o.NoTranscendentals || t == ir.F64) {
		return
	}
	args := make([]ir.Value, info.Args)
	for i := range args {
		args[i] = g.pick(t)
	}
	g.add(g.b.Make(op, args...))
}

func (g *generator) convert() {
	to, from := g.someType(), g.someType()
	if g.IntN(2) == 0 && to.Size() == 4 && from.Size() == 4 {
		g.add(g.b.Bitcast(to, g.pick(from)))
	} else if to != ir.Bool {
		g.add(g.b.Convert(to, g.pick(from)))
	}
}

func (g *generator) gather() {
	types := []ir.Type{ir.F32, ir.I32, ir.U32, ir.Bool, ir.F64, ir.F16, ir.BF16, ir.U8}
	buffer, ok := g.input[types[g.IntN(len(types))]]
	if !ok {
		return
	}
	index := g.pick([]ir.Type{ir.I32, ir.U32}[g.IntN(2)])
	if g.IntN(2) == 0 {
		t := g.b.Type(index)
		index = g.b.Binary(ir.OpRem, index, g.b.Const(t, inputLen))
	}
	g.add(g.b.Gather(buffer, index))
}

func (g *generator) call(f int) {
	body := g.m.Funcs[f].Body
	var args []ir.Value
	for _, p := range body.Params {
		args = append(args, g.pick(body.Node(p).Type))
	}
	g.add(g.b.Call(f, args...)...)
}

// loop adds a loop of a few iterations, different ones in each lane.
func (g *generator) loop(depth int) {
	types := []ir.Type{ir.F32}
	for range g.IntN(4) {
		types = append(types, g.someType())
	}
	init := make([]ir.Value, len(types))
	for i, t := range types {
		init[i] = g.pick(t)
	}
	l := g.b.LoopBegin(types...)
	g.open()
	g.add(l.States...)
	for range 3 + g.IntN(8) {
		g.step(depth + 1)
	}
	next := make([]ir.Value, len(types))
	for i, t := range types {
		next[i] = g.pick(t)
	}
	cond := g.condition()
	g.close()
	g.add(l.End(init, cond, next, 1+g.IntN(5))...)
}

// condition returns any truth value, or more often one that values of the loop's body decide.
func (g *generator) condition() ir.Value {
	list := g.pool[len(g.pool)-1][ir.F32]
	if g.IntN(4) == 0 {
		return g.pick(ir.Bool)
	}
	op := []ir.Op{ir.OpLt, ir.OpLe, ir.OpNe}[g.IntN(3)]
	return g.b.Binary(op, list[g.IntN(len(list))], list[g.IntN(len(list))])
}

func (g *generator) function() {
	g.b = ir.NewBuilder(g.m)
	g.pool = nil
	g.open()
	for range g.IntN(4) {
		g.add(g.b.Param(g.someType()))
	}
	for range 3 + g.IntN(12) {
		g.step(1)
	}
	var results []ir.Value
	for range 1 + g.IntN(3) {
		results = append(results, g.pick(g.someType()))
	}
	g.b.SetResults(results...)
	g.m.AddFunc(fmt.Sprintf("f%d", len(g.m.Funcs)), g.b.Program())
}

func (g *generator) stage() {
	g.b = ir.NewBuilder(g.m)
	g.pool = nil
	g.open()
	lane := g.b.Lane()
	g.add(lane, g.b.Convert(ir.F32, lane))
	for range g.o.Nodes {
		g.step(0)
	}
	for range 2 + g.IntN(5) {
		g.store(lane)
	}
	if !g.o.NoScatter {
		g.scatter()
	}
	g.m.AddMap("main", g.b.Program(), g.o.Lanes)
}

// store writes a value, the latest of its type or any, to an element of the lane's own.
func (g *generator) store(lane ir.Value) {
	t := g.someType()
	v := g.latest(t)
	element := t
	if t == ir.F32 && !g.o.NoHalf && g.IntN(5) == 0 {
		element = []ir.Type{ir.F16, ir.BF16}[g.IntN(2)]
	}
	if t == ir.I32 && g.IntN(5) == 0 {
		element = ir.U8
	}
	out := g.m.AddBuffer(fmt.Sprintf("out%d", len(g.m.Buffers)), element, ir.Output, g.o.Lanes)
	index := lane
	if g.IntN(3) == 0 { // shifted, beyond the end in some lanes
		index = g.b.Binary(ir.OpSub, lane, g.b.ConstI32(int32(g.IntN(3))))
	}
	g.b.Store(out, index, v)
}

// latest returns a value of type t, more often than not the latest.
func (g *generator) latest(t ir.Type) ir.Value {
	v := g.pick(t)
	if list := g.pool[0][t]; len(list) > 0 && g.IntN(3) > 0 {
		v = list[len(list)-1]
	}
	return v
}

func (g *generator) scatter() {
	for _, t := range []ir.Type{ir.F32, ir.I32, ir.U32, ir.F64} {
		if g.IntN(3) > 0 || t == ir.F64 && g.o.NoDouble {
			continue
		}
		out := g.m.AddBuffer(fmt.Sprintf("sum%d", len(g.m.Buffers)), t, ir.Output, 1+g.IntN(9))
		g.b.ScatterAdd(out, g.pick([]ir.Type{ir.I32, ir.U32}[g.IntN(2)]), g.pick(t))
	}
}

package ir

import (
	"fmt"
	"math"
	"slices"
)

// Builder records a lane program. Every node is looked up before it is made, so equal expressions are one
// node; constants fold, and the identities that are exact in IEEE arithmetic apply (see fold.go). Wrong types or
// scopes are mistakes of the calling code and panic with the program's text.
type Builder struct {
	m     *Module
	p     *Program
	seen  nodeTable
	calls map[uint64][]Value // the OpCall nodes by hash of function and arguments
	open  []Scope            // the loops being recorded, innermost last
	outer [][]Scope          // by loop: the loops around it whose values its body reads
	pos   int32
}

// NewBuilder starts a program of module m, whose uniforms, buffers and functions it may refer to.
func NewBuilder(m *Module) *Builder { return newBuilder(m, 0) }

// newBuilder is NewBuilder for a program of about n nodes.
func newBuilder(m *Module, n int) *Builder {
	return &Builder{
		m:     m,
		p:     &Program{Nodes: make([]Node, 0, n), Parents: []Scope{-1, ScopeUniform}, recorded: true},
		seen:  newNodeTable(n),
		calls: map[uint64][]Value{},
	}
}

// Module returns the module that the program belongs to.
func (b *Builder) Module() *Module { return b.m }

// Program returns the program recorded so far; it stays owned by the builder until recording ends.
func (b *Builder) Program() *Program { return b.p }

// SetPos makes pos the source position of the nodes that follow.
func (b *Builder) SetPos(pos int32) { b.pos = pos }

// Node returns the node of v.
func (b *Builder) Node(v Value) *Node { return &b.p.Nodes[v] }

// Type returns the type of v.
func (b *Builder) Type(v Value) Type { return b.p.Nodes[v].Type }

// fail panics with the latest nodes of the program, which has open ends that Print would not take.
func (b *Builder) fail(format string, args ...any) {
	const latest = 40
	text := "ir: " + fmt.Sprintf(format, args...) + "\n"
	for v := max(0, len(b.p.Nodes)-latest); v < len(b.p.Nodes); v++ {
		n := &b.p.Nodes[v]
		text += fmt.Sprintf("  %%%d = %v %v %v #%#x scope %d @%d\n", v, n.Op, n.Type, n.Args, n.Imm, n.Scope, n.Pos)
	}
	panic(text)
}

// node returns the node with the given contents, making it if there is none.
func (b *Builder) node(op Op, t Type, args [3]Value, imm uint64) Value {
	hash := hashNode(op, t, &args, imm)
	v, place := b.seen.find(b.p.Nodes, hash, op, t, &args, imm)
	if v != None {
		return v
	}
	v = b.append(op, t, b.scopeOf(op, &args), args, imm)
	b.seen.put(place, hash, v)
	return v
}

func (b *Builder) append(op Op, t Type, scope Scope, args [3]Value, imm uint64) Value {
	p := b.p
	if len(p.Nodes) == cap(p.Nodes) { // append alone grows long slices by a quarter
		p.Nodes = slices.Grow(p.Nodes, len(p.Nodes)+minSlots/2)
	}
	p.Nodes = append(p.Nodes, Node{Op: op, Type: t, Scope: scope, Pos: b.pos, Args: args, Imm: imm})
	return Value(len(p.Nodes) - 1)
}

var noArgs = [3]Value{None, None, None}

// scopeOf returns the scope of a node to be made: the deepest of its arguments', which must lie on one chain.
func (b *Builder) scopeOf(op Op, args *[3]Value) Scope {
	if op == OpLane || op == OpParam {
		return ScopeLane
	}
	deepest, mixed := ScopeUniform, false
	for _, v := range args {
		if v == None {
			break
		}
		s := b.p.Nodes[v].Scope
		mixed = mixed || s > ScopeLane && deepest > ScopeLane && s != deepest
		deepest = max(deepest, s)
	}
	if mixed {
		deepest = b.innermost(args[:])
	}
	return deepest
}

// innermost returns the deepest scope of values of several loops, and records which of the others it reads.
func (b *Builder) innermost(args []Value) Scope {
	deepest := ScopeUniform
	for _, v := range args {
		if v != None {
			deepest = b.deeper(deepest, v)
		}
	}
	b.notes(deepest, args)
	return deepest
}

// deeper returns the deeper one of s and the scope of v.
func (b *Builder) deeper(s Scope, v Value) Scope {
	t := b.p.Nodes[v].Scope
	switch {
	case t <= ScopeLane || s <= ScopeLane: // they enclose all others
		return max(s, t)
	case b.p.Encloses(t, s):
		return s
	case b.p.Encloses(s, t):
		return t
	}
	b.fail("value %%%d of a loop is used outside it, beside values of scope %d", v, s)
	return s
}

// notes records of a node in scope s, a loop, which loops around s it reads.
func (b *Builder) notes(s Scope, args []Value) {
	for _, v := range args {
		if v != None {
			b.note(s, b.p.Nodes[v].Scope)
		}
	}
}

func (b *Builder) note(s, read Scope) {
	if list := &b.outer[s-2]; read > ScopeLane && read != s && !slices.Contains(*list, read) {
		*list = append(*list, read)
	}
}

// ConstF32 returns a float32 constant; NaN is made canonical.
func (b *Builder) ConstF32(x float32) Value { return b.constant(F32, uint64(Bits32(x))) }

// ConstF64 returns a float64 constant.
func (b *Builder) ConstF64(x float64) Value { return b.constant(F64, math.Float64bits(x)) }

// ConstI32 returns an int32 constant.
func (b *Builder) ConstI32(x int32) Value { return b.constant(I32, uint64(uint32(x))) }

// ConstU32 returns a uint32 constant.
func (b *Builder) ConstU32(x uint32) Value { return b.constant(U32, uint64(x)) }

// ConstBool returns a truth value.
func (b *Builder) ConstBool(x bool) Value {
	if x {
		return b.constant(Bool, 1)
	}
	return b.constant(Bool, 0)
}

// Const returns the constant of type t nearest to x: the spelling for code that serves several types.
func (b *Builder) Const(t Type, x float64) Value {
	switch t {
	case F32:
		return b.ConstF32(float32(x))
	case F64:
		return b.ConstF64(x)
	case I32:
		return b.ConstI32(ToI32(x))
	case U32:
		return b.ConstU32(ToU32(x))
	case Bool:
		return b.ConstBool(x != 0)
	}
	b.fail("no constants of type %v", t)
	return None
}

func (b *Builder) constant(t Type, bits uint64) Value {
	return b.node(OpConst, t, noArgs, canonicalConst(t, bits))
}

// canonicalConst returns the bits that a constant of type t holds: no bits beyond its size, one NaN.
func canonicalConst(t Type, bits uint64) uint64 {
	switch t {
	case F32:
		return uint64(Bits32(math.Float32frombits(uint32(bits))))
	case F64:
		if x := math.Float64frombits(bits); x != x {
			return math.Float64bits(math.NaN())
		}
		return bits
	case Bool:
		return bits & 1
	}
	return uint64(uint32(bits))
}

// Uniform returns the module's scalar parameter of the given name, adding it to the module if needed.
func (b *Builder) Uniform(name string, t Type) Value {
	return b.node(OpUniform, t, noArgs, uint64(b.m.Uniform(name, t)))
}

// UniformAt returns the module's uniform with index i.
func (b *Builder) UniformAt(i int) Value {
	return b.node(OpUniform, b.m.Uniforms[i].Type, noArgs, uint64(i))
}

// Lane returns the number of the lane, an int32 from 0.
func (b *Builder) Lane() Value { return b.node(OpLane, I32, noArgs, 0) }

// Param declares the next parameter of a function.
func (b *Builder) Param(t Type) Value {
	v := b.node(OpParam, t, noArgs, uint64(len(b.p.Params)))
	b.p.Params = append(b.p.Params, v)
	return v
}

// SetResults ends a function's body.
func (b *Builder) SetResults(vs ...Value) { b.p.Results = append([]Value(nil), vs...) }

// Unary, Binary and Ternary build the op of the table with that many arguments, whose types must agree with its
// row; the named methods below are the everyday spelling.
func (b *Builder) Unary(op Op, x Value) Value { return b.make(op, [3]Value{x, None, None}, 1) }

// Binary builds a two-argument op; see Unary.
func (b *Builder) Binary(op Op, x, y Value) Value { return b.make(op, [3]Value{x, y, None}, 2) }

// Ternary builds a three-argument op; see Unary.
func (b *Builder) Ternary(op Op, x, y, z Value) Value { return b.make(op, [3]Value{x, y, z}, 3) }

// Make builds any op of the table from a list of arguments (not the leaves, select, conversions and gathers).
func (b *Builder) Make(op Op, args ...Value) Value {
	a := noArgs
	copy(a[:], args)
	return b.make(op, a, len(args))
}

func (b *Builder) make(op Op, args [3]Value, n int) Value {
	info := op.Info()
	if op == OpSelect {
		return b.Select(args[0], args[1], args[2])
	}
	if info.Args != n || info.Class == ClassNone {
		b.fail("%v takes %d arguments, not %d", op, info.Args, n)
	}
	t := b.Type(args[0])
	if !info.Class.Has(t) {
		b.fail("%v of %v", op, t)
	}
	for _, a := range args[1:n] {
		if b.Type(a) != t {
			b.fail("%v of %v and %v", op, t, b.Type(a))
		}
	}
	if info.Commutative && args[0] > args[1] {
		args[0], args[1] = args[1], args[0]
	}
	if info.Compare {
		t = Bool
	}
	if v, ok := b.fold(op, t, args, n); ok {
		return v
	}
	return b.node(op, t, args, 0)
}

// classTypes are the types of each class, one bit each.
var classTypes = [...]uint16{
	ClassNumber: 1<<F32 | 1<<F64 | 1<<I32 | 1<<U32,
	ClassFloat:  1<<F32 | 1<<F64,
	ClassInt:    1<<I32 | 1<<U32,
	ClassBits:   1<<I32 | 1<<U32 | 1<<Bool,
	ClassAny:    ^uint16(1 << Invalid),
}

// Has tells whether the class admits type t.
func (c Class) Has(t Type) bool { return int(c) < len(classTypes) && classTypes[c]>>t&1 != 0 }

// Select returns x where cond is true, y elsewhere.
func (b *Builder) Select(cond, x, y Value) Value {
	if b.Type(cond) != Bool || b.Type(x) != b.Type(y) {
		b.fail("select of %v, %v, %v", b.Type(cond), b.Type(x), b.Type(y))
	}
	if c := b.Node(cond); c.Op == OpConst {
		if c.Imm != 0 {
			return x
		}
		return y
	}
	if x == y {
		return x
	}
	return b.node(OpSelect, b.Type(x), [3]Value{cond, x, y}, 0)
}

// Convert converts between the number types; Bool becomes 0 or 1.
func (b *Builder) Convert(t Type, x Value) Value {
	from := b.Type(x)
	if from == t {
		return x
	}
	if t == Bool || !ClassNumber.Has(t) {
		b.fail("convert of %v to %v", from, t)
	}
	if v, ok := b.foldConvert(t, x); ok {
		return v
	}
	return b.node(OpConvert, t, [3]Value{x, None, None}, 0)
}

// Bitcast reinterprets 32 bits.
func (b *Builder) Bitcast(t Type, x Value) Value {
	from := b.Type(x)
	if from == t {
		return x
	}
	if t.Size() != 4 || from.Size() != 4 || t == Bool || from == Bool {
		b.fail("bitcast of %v to %v", from, t)
	}
	if n := b.Node(x); n.Op == OpConst {
		bits := uint32(n.Imm)
		if from == F32 || t == F32 {
			bits = Bits32(FromBits32(bits))
		}
		return b.constant(t, uint64(bits))
	}
	return b.node(OpBitcast, t, [3]Value{x, None, None}, 0)
}

// Gather reads element index of the buffer; outside its range it reads zero.
func (b *Builder) Gather(buffer int, index Value) Value {
	if !b.Type(index).IsInt() {
		b.fail("gather with an index of type %v", b.Type(index))
	}
	t := b.m.Buffers[buffer].Type.Value()
	return b.node(OpGather, t, [3]Value{index, None, None}, uint64(buffer))
}

// Effect adds a write to the end of the program.
func (b *Builder) Effect(kind EffectKind, buffer int, index, value Value) {
	t := b.m.Buffers[buffer].Type.Value()
	if !b.Type(index).IsInt() || b.Type(value) != t {
		b.fail("%v of %v at %v into a buffer of %v", kind, b.Type(value), b.Type(index), b.m.Buffers[buffer].Type)
	}
	b.p.Effects = append(b.p.Effects, Effect{kind, buffer, index, value})
}

// Store writes value to element index of the buffer; outside its range it writes nothing.
func (b *Builder) Store(buffer int, index, value Value) { b.Effect(Store, buffer, index, value) }

// ScatterAdd adds value to element index of the buffer, in the order of the lanes.
func (b *Builder) ScatterAdd(buffer int, index, value Value) {
	b.Effect(ScatterAdd, buffer, index, value)
}

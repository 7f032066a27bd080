package ir

import (
	"math"
	"slices"
	"strconv"
)

// body collects the nodes of one program while it is parsed. Values are placed by their numbers at the end; so
// are loops and calls, which are numbered in the order of their first states and their nodes.
type body struct {
	*parser
	prog  *Program
	nodes map[Value]Node
	used  []use
	loops []*parsedLoop
	calls []parsedCall
}

// use is a place where a value is read.
type use struct {
	at token
	v  Value
}

// parsedLoop is a loop before the numbers of loops are known. Scopes of nodes are, until then, 2 + the index in
// body.loops.
type parsedLoop struct {
	Loop
	node   Value
	parent Scope
	index  int
}

type parsedCall struct {
	Call
	node Value
}

func newBody(p *parser) *body { return &body{parser: p, prog: &Program{}, nodes: map[Value]Node{}} }

// value reads the number of a value.
func (b *body) value() Value {
	t := b.take(tokValue, "a value (%0, %1, ...)")
	x, err := strconv.ParseInt(t.text, 10, 32)
	if b.err == nil && err != nil {
		b.failAt(t, "expected the number of a value below 2^31, found %v", t)
	}
	return Value(x)
}

// use reads a value that must be defined somewhere.
func (b *body) use() Value {
	at := b.tok
	v := b.value()
	b.used = append(b.used, use{at, v})
	return v
}

func (b *body) uses() []Value {
	var out []Value
	for b.tok.kind == tokValue {
		out = append(out, b.use())
	}
	return out
}

// define adds a node.
func (b *body) define(at token, v Value, n Node) {
	if _, twice := b.nodes[v]; twice && b.err == nil {
		b.failAt(at, "%%%d is defined twice", v)
	}
	b.nodes[v] = n
}

// pos reads an optional source position.
func (b *body) pos() int32 {
	if !b.accept("@") {
		return 0
	}
	return int32(b.integer("a source position", math.MinInt32, math.MaxInt32))
}

func (b *body) param() {
	at := b.tok
	v := b.value()
	n := Node{Op: OpParam, Type: b.typ(), Scope: ScopeLane, Args: noArgs, Imm: uint64(len(b.prog.Params))}
	n.Pos = b.pos()
	b.prog.Params = append(b.prog.Params, v)
	b.define(at, v, n)
}

// region reads the nodes of one scope. Nodes outside of all loops may stand in a block of those computed once.
func (b *body) region(s Scope, around []Scope) {
	if len(around) > MaxLoopDepth {
		b.failAt(b.tok, "expected at most %d loops inside each other", MaxLoopDepth)
	}
	if s == ScopeLane && b.accept("once") {
		b.expect("{")
		b.region(ScopeUniform, nil)
		b.expect("}")
	}
	for b.tok.kind == tokValue {
		at := b.tok
		v := b.value()
		b.expect("=")
		if b.accept("loop") {
			b.loop(at, v, s, around)
			continue
		}
		n := b.node(v, s)
		n.Pos = b.pos()
		b.define(at, v, n)
	}
}

func (b *body) loop(at token, v Value, s Scope, around []Scope) {
	l := &parsedLoop{node: v, parent: s, index: len(b.loops)}
	l.Scope = Scope(len(b.loops) + 2)
	b.loops = append(b.loops, l)
	n := Node{Op: OpLoop, Scope: s, Args: noArgs, Imm: uint64(l.index)}
	b.expect("max")
	l.Max = int(b.integer("a bound", 1, math.MaxInt32))
	n.Pos = b.pos()
	b.define(at, v, n)
	b.expect("(")
	for b.err == nil && !b.accept(")") {
		if len(l.States) > 0 {
			b.expect(",")
		}
		b.state(l)
	}
	b.expect("{")
	b.region(l.Scope, append(around, l.Scope))
	b.expect("while")
	l.Cond = b.use()
	b.expect("next")
	l.Next = b.uses()
	b.expect("}")
}

func (b *body) state(l *parsedLoop) {
	at := b.tok
	v := b.value()
	n := Node{Op: OpState, Type: b.typ(), Scope: l.Scope, Args: noArgs}
	n.Imm = uint64(l.index)<<32 | uint64(len(l.States))
	n.Pos = b.pos()
	l.States = append(l.States, v)
	b.define(at, v, n)
	b.expect("=")
	l.Init = append(l.Init, b.use())
}

// node reads the right side of a node's line.
func (b *body) node(v Value, s Scope) Node {
	t := b.take(tokWord, "an op")
	n := Node{Op: OpByName(t.text), Scope: s, Args: noArgs}
	switch n.Op {
	case OpInvalid, OpParam, OpState, OpLoop:
		if b.err == nil {
			b.failAt(t, "expected an op, found %v", t)
		}
		return n
	case OpCall:
		b.call(v, &n)
		return n
	}
	n.Type = b.typ()
	switch n.Op {
	case OpConst:
		n.Imm = b.constant(n.Type)
	case OpUniform:
		n.Imm = uint64(resolve(b.parser, "uniform", b.reference(), b.m.Uniforms,
			func(u Uniform) string { return u.Name }))
	case OpGather:
		n.Imm = uint64(b.buffer())
	}
	for i := range n.Op.Info().Args {
		n.Args[i] = b.use()
	}
	if n.Op == OpResult {
		n.Imm = uint64(b.integer("the number of a result", 0, math.MaxInt32))
	}
	return n
}

func (b *body) call(v Value, n *Node) {
	n.Imm = uint64(len(b.calls))
	c := parsedCall{node: v}
	c.Func = b.function(b.reference())
	b.expect("(")
	for b.err == nil && !b.accept(")") {
		if len(c.Args) > 0 {
			b.expect(",")
		}
		c.Args = append(c.Args, b.use())
	}
	b.calls = append(b.calls, c)
}

// constant reads a constant and returns its bits.
func (b *body) constant(t Type) uint64 {
	at := b.take(tokWord, "a constant")
	if b.err != nil {
		return 0
	}
	bits, err := constBits(t, at.text)
	if err != nil {
		b.failAt(at, "expected a constant of type %v, found %v", t, at)
	}
	return bits
}

func constBits(t Type, text string) (uint64, error) {
	switch t {
	case Bool:
		x, err := strconv.ParseBool(text)
		return truth(x), err
	case I32:
		x, err := strconv.ParseInt(text, 10, 32)
		return uint64(uint32(x)), err
	case U32:
		return strconv.ParseUint(text, 10, 32)
	case F32:
		x, err := strconv.ParseFloat(text, 32)
		return uint64(Bits32(float32(x))), err
	case F64:
		x, err := strconv.ParseFloat(text, 64)
		return canonicalConst(F64, math.Float64bits(x)), err
	}
	return 0, strconv.ErrSyntax
}

func (b *body) effects() {
	for b.is("store") || b.is("scatter_add") {
		e := Effect{Kind: EffectKind(b.oneOf("an effect", effectNames[:])), Buffer: b.buffer()}
		e.Index, e.Value = b.use(), b.use()
		b.prog.Effects = append(b.prog.Effects, e)
	}
}

// finish places the nodes by their numbers, then numbers the loops and calls by their nodes.
func (b *body) finish() *Program {
	for _, u := range b.used {
		if _, ok := b.nodes[u.v]; !ok && b.err == nil {
			b.failAt(u.at, "%%%d is not defined", u.v)
		}
	}
	for v := range Value(len(b.nodes)) {
		n, ok := b.nodes[v]
		if !ok && b.err == nil {
			b.failAt(b.tok, "%%%d is not defined, but the program has %d values: expected numbers from 0 without gaps",
				v, len(b.nodes))
		}
		b.prog.Nodes = append(b.prog.Nodes, n)
	}
	if b.err == nil {
		b.number()
	}
	return b.prog
}

// number renumbers loops by their first states and calls by their nodes.
func (b *body) number() {
	order := slices.Clone(b.loops)
	first := func(l *parsedLoop) Value {
		if len(l.States) == 0 {
			return l.node
		}
		return slices.Min(l.States)
	}
	slices.SortFunc(order, func(x, y *parsedLoop) int { return int(first(x)) - int(first(y)) })
	rank := make([]int, len(order))
	for i, l := range order {
		rank[l.index] = i
	}
	scope := func(s Scope) Scope {
		if s > ScopeLane {
			return Scope(rank[s-2] + 2)
		}
		return s
	}
	b.prog.Parents = []Scope{-1, ScopeUniform}
	for _, l := range order {
		l.Scope = scope(l.Scope)
		b.prog.Parents = append(b.prog.Parents, scope(l.parent))
		b.prog.Loops = append(b.prog.Loops, l.Loop)
	}
	b.numberCalls()
	for i := range b.prog.Nodes {
		n := &b.prog.Nodes[i]
		n.Scope = scope(n.Scope)
		switch n.Op {
		case OpLoop:
			n.Imm = uint64(rank[n.Imm])
		case OpState:
			n.Imm = uint64(rank[n.Imm>>32])<<32 | n.Imm&math.MaxUint32
		}
	}
}

func (b *body) numberCalls() {
	slices.SortFunc(b.calls, func(x, y parsedCall) int { return int(x.node) - int(y.node) })
	for i, c := range b.calls {
		b.prog.Calls = append(b.prog.Calls, c.Call)
		b.prog.Nodes[c.node].Imm = uint64(i)
	}
}

package grad

import (
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// A value in a branch that is not taken may be infinite or NaN. Its adjoint is zero, but 0 * inf is NaN and would
// spoil everything that the branch shares with the rest. So a zero change stays zero: annihilate(g, w) is
// select(g == 0, 0, g*w). That costs a comparison and a select, so it is left out where w is finite whenever the
// program's inputs are: wild finds out, conservatively, by looking for what can make an infinity (a division, a
// logarithm, ...). Overflow of sums and products is not looked for.
//
// In forward mode a product needs no such care: where a factor is infinite the value is too, and the select that
// drops the value drops its tangent.

// annihilate returns d*w, and 0 where d is 0.
func (e *emitter) annihilate(d, w ir.Value) ir.Value {
	product := e.mul(d, w)
	if !e.wild(w) || e.b.Node(d).Op == ir.OpConst && !isZero(e.b.Node(d)) {
		return product
	}
	zero := e.num(d, 0)
	return e.b.Select(e.b.Binary(ir.OpEq, d, zero), zero, product)
}

// scale returns d*w where w is a value of the primal program.
func (e *emitter) scale(d, w ir.Value) ir.Value {
	if e.reverse {
		return e.annihilate(d, w)
	}
	return e.mul(d, w)
}

// annihilatedProduct recognises what annihilate emits.
func annihilatedProduct(p *ir.Program, n *ir.Node) (g, w ir.Value, ok bool) {
	cond, product := p.Node(n.Args[0]), p.Node(n.Args[2])
	if cond.Op != ir.OpEq || product.Op != ir.OpMul || !isZero(p.Node(n.Args[1])) {
		return 0, 0, false
	}
	switch {
	case isZero(p.Node(cond.Args[0])):
		g = cond.Args[1]
	case isZero(p.Node(cond.Args[1])):
		g = cond.Args[0]
	default:
		return 0, 0, false
	}
	switch g {
	case product.Args[0]:
		return g, product.Args[1], true
	case product.Args[1]:
		return g, product.Args[0], true
	}
	return 0, 0, false
}

func isZero(n *ir.Node) bool { return n.Op == ir.OpConst && n.Type.IsFloat() && constant(n) == 0 }

// constant returns the value of a constant float node.
func constant(n *ir.Node) float64 {
	if n.Type == ir.F32 {
		return float64(math.Float32frombits(uint32(n.Imm)))
	}
	return math.Float64frombits(n.Imm)
}

// finiteness finds which nodes of one program may be infinite or NaN although its inputs are finite.
type finiteness struct {
	m          *ir.Module
	p          *ir.Program
	wildParams bool         // the parameters of this function may be infinite
	known      []bool       // the answers for the first nodes
	funcs      map[int]bool // does a function with finite arguments have a wild result?
	open       []int        // the loops that were being recorded when answers for their bodies were given
	list       []ir.Value   // a list in use
}

func newFiniteness(m *ir.Module, p *ir.Program) *finiteness {
	return &finiteness{m: m, p: p, funcs: map[int]bool{}}
}

// wild tells whether v may be infinite or NaN: whether something that can make an infinity is among what v is
// computed from.
func (f *finiteness) wild(v ir.Value) bool {
	for len(f.known) <= int(v) {
		u := ir.Value(len(f.known))
		w := false
		switch n := &f.p.Nodes[u]; {
		case n.Op == ir.OpState:
			f.meet(u, n)
			w = f.wildState(u)
		case f.makesInfinity(u):
			w = true
		case n.Op == ir.OpResult:
			w = slices.ContainsFunc(f.valuesOf(u), func(a ir.Value) bool { return f.known[a] })
		case n.Type.IsFloat():
			w = f.fromWild(n)
		}
		f.known = append(f.known, w)
	}
	return f.known[v]
}

// fromWild tells whether a float that enters an ordinary node's value is wild.
func (f *finiteness) fromWild(n *ir.Node) bool {
	args := n.Args[:n.Op.Info().Args]
	if n.Op == ir.OpSelect {
		args = args[1:]
	}
	for _, a := range args {
		if f.known[a] && f.p.Nodes[a].Type.IsFloat() {
			return true
		}
	}
	return false
}

// meet remembers that a loop was being recorded when its state came by: what it is computed from is not all known.
func (f *finiteness) meet(u ir.Value, n *ir.Node) {
	if loop := int(n.Imm >> 32); uint32(n.Imm) == 0 && f.p.Loops[loop].Max == 0 {
		f.open = append(f.open, loop)
	}
}

// refresh forgets the answers for loops that have been completed since they were given.
func (f *finiteness) refresh() {
	still := f.open[:0]
	for _, i := range f.open {
		l := &f.p.Loops[i]
		if l.Max > 0 {
			f.known = f.known[:min(len(f.known), int(l.States[0]))]
		}
	}
	for _, i := range f.open {
		if l := &f.p.Loops[i]; int(l.States[0]) < len(f.known) {
			still = append(still, i)
		}
	}
	f.open = still
}

// setWild fixes the answer for the last node made.
func (f *finiteness) setWild(v ir.Value, wild bool) {
	f.wild(v)
	f.known[v] = wild
}

// wildState answers for a loop's state, which is computed from nodes that follow it.
func (f *finiteness) wildState(v ir.Value) bool {
	seen := map[ir.Value]bool{v: true}
	stack := []ir.Value{v}
	found := false
	for len(stack) > 0 && !found {
		u := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if int(u) < len(f.known) {
			found = f.known[u]
			continue
		}
		found = f.makesInfinity(u)
		for _, a := range f.valuesOf(u) {
			if !seen[a] {
				seen[a] = true
				stack = append(stack, a)
			}
		}
	}
	return found
}

// valuesOf returns the floats whose value enters that of u. The list is good until the next call.
func (f *finiteness) valuesOf(u ir.Value) []ir.Value {
	n := &f.p.Nodes[u]
	list := f.list[:0]
	if !n.Type.IsFloat() {
		return nil
	}
	first, last := 0, n.Op.Info().Args
	switch n.Op {
	case ir.OpState, ir.OpResult:
		f.list = carried(list, f.p, u)
		return f.list
	case ir.OpSelect:
		first = 1
	}
	for _, a := range n.Args[first:last] {
		if f.p.Nodes[a].Type.IsFloat() {
			list = append(list, a)
		}
	}
	f.list = list
	return list
}

// carried appends what a loop's state or result, or a call's result, is made from.
func carried(list []ir.Value, p *ir.Program, v ir.Value) []ir.Value {
	n := p.Node(v)
	i := n.Imm
	var l *ir.Loop
	if n.Op == ir.OpState {
		i, l = uint64(uint32(n.Imm)), p.Loop(v)
	} else if p.Node(n.Args[0]).Op == ir.OpLoop {
		l = p.Loop(n.Args[0])
	} else {
		return append(list, p.Call(n.Args[0]).Args...)
	}
	if i < uint64(len(l.Init)) { // not the count, and not a loop still open
		return append(list, l.Init[i], l.Next[i])
	}
	return list
}

func (f *finiteness) makesInfinity(u ir.Value) bool {
	n := f.p.Node(u)
	switch n.Op {
	case ir.OpConst:
		return n.Type.IsFloat() && (math.IsNaN(constant(n)) || math.IsInf(constant(n), 0))
	case ir.OpParam:
		return f.wildParams && n.Type.IsFloat()
	case ir.OpDiv:
		d := f.p.Node(n.Args[1])
		return n.Type.IsFloat() && (d.Op != ir.OpConst || constant(d) == 0) && !f.positive(n.Args[1], 6)
	case ir.OpSqrt:
		return !f.nonNegative(n.Args[0], 6)
	case ir.OpExp:
		return !f.nonPositive(n.Args[0], 6)
	case ir.OpLog:
		return !f.positive(n.Args[0], 6)
	case ir.OpTan, ir.OpPow:
		return true
	case ir.OpResult:
		c := f.p.Node(n.Args[0])
		return c.Op == ir.OpCall && n.Type.IsFloat() && f.wildFunc(f.p.Calls[c.Imm].Func)
	}
	return false
}

func (f *finiteness) wildFunc(i int) bool {
	w, ok := f.funcs[i]
	if ok {
		return w
	}
	body := newFiniteness(f.m, f.m.Funcs[i].Body)
	body.funcs = f.funcs
	for _, r := range body.p.Results {
		w = w || body.wild(r)
	}
	f.funcs[i] = w
	return w
}

// positive, nonNegative and nonPositive recognise, up to the given depth, what cannot be zero or of the other
// sign whatever the inputs are (underflow aside).
func (f *finiteness) positive(v ir.Value, depth int) bool {
	n := f.p.Node(v)
	if depth == 0 {
		return false
	}
	pos := func(i int) bool { return f.positive(n.Args[i], depth-1) }
	nonneg := func(i int) bool { return f.nonNegative(n.Args[i], depth-1) }
	switch n.Op {
	case ir.OpConst:
		return n.Type.IsFloat() && constant(n) > 0
	case ir.OpAdd:
		return pos(0) && nonneg(1) || nonneg(0) && pos(1)
	case ir.OpFMA:
		return (n.Args[0] == n.Args[1] || nonneg(0) && nonneg(1)) && pos(2)
	case ir.OpMax:
		return pos(0) || pos(1)
	case ir.OpMin, ir.OpMul, ir.OpDiv:
		return pos(0) && pos(1)
	case ir.OpSelect:
		return pos(1) && pos(2)
	case ir.OpSqrt:
		return pos(0)
	}
	return false
}

func (f *finiteness) nonNegative(v ir.Value, depth int) bool {
	n := f.p.Node(v)
	if depth == 0 {
		return false
	}
	nonneg := func(i int) bool { return f.nonNegative(n.Args[i], depth-1) }
	switch n.Op {
	case ir.OpConst:
		return n.Type.IsFloat() && constant(n) >= 0
	case ir.OpMul:
		return n.Args[0] == n.Args[1] || nonneg(0) && nonneg(1)
	case ir.OpFMA:
		return (n.Args[0] == n.Args[1] || nonneg(0) && nonneg(1)) && nonneg(2)
	case ir.OpAdd, ir.OpMin, ir.OpDiv:
		return nonneg(0) && nonneg(1)
	case ir.OpMax:
		return nonneg(0) || nonneg(1)
	case ir.OpSelect:
		return nonneg(1) && nonneg(2)
	case ir.OpAbs, ir.OpSqrt, ir.OpExp:
		return true
	}
	return false
}

func (f *finiteness) nonPositive(v ir.Value, depth int) bool {
	n := f.p.Node(v)
	switch n.Op {
	case ir.OpNeg:
		return f.nonNegative(n.Args[0], depth)
	case ir.OpConst:
		return n.Type.IsFloat() && constant(n) <= 0
	}
	return false
}

package ir

import "math"

// program checks one lane program or function body.
func (v *verifier) program(p *Program) {
	if !v.structure(p) {
		return
	}
	before := len(v.errs)
	for i := range p.Nodes {
		if plainlyRight(p, Value(i)) {
			continue
		}
		if v.node(p, Value(i)); len(v.errs) > before {
			return // what follows relies on the nodes before it
		}
	}
	v.nesting(p)
	for _, r := range p.Results {
		if p.Nodes[r].Scope > ScopeLane || !valueType(p.Nodes[r].Type) {
			v.failf("result %%%d lies in a loop or is no value", r)
		}
	}
	for _, e := range p.Effects {
		v.effect(p, e)
	}
}

// structure checks all lists of values and scopes, so that the other checks may index by them.
func (v *verifier) structure(p *Program) bool {
	before := len(v.errs)
	if len(p.Parents) != len(p.Loops)+2 || p.Parents[0] != -1 || p.Parents[1] != ScopeUniform {
		v.failf("%d scopes do not suit %d loops", len(p.Parents), len(p.Loops))
		return false
	}
	for s := 2; s < len(p.Parents); s++ {
		if parent := p.Parents[s]; parent < ScopeLane || int(parent) >= s {
			v.failf("scope %d lies in scope %d", s, parent)
		}
	}
	lists := [][]Value{p.Params, p.Results}
	for i := range p.Loops {
		l := &p.Loops[i]
		if len(l.Init) != len(l.States) || len(l.Next) != len(l.States) || len(l.States) == 0 || l.Max < 1 ||
			l.Max > math.MaxInt32 || l.Scope != Scope(i+2) {
			v.failf("loop %d is malformed", i)
		}
		lists = append(lists, l.States, l.Init, l.Next, []Value{l.Cond})
	}
	for i := range p.Calls {
		lists = append(lists, p.Calls[i].Args)
	}
	for _, e := range p.Effects {
		lists = append(lists, []Value{e.Index, e.Value})
	}
	for _, list := range lists {
		for _, x := range list {
			if x < 0 || int(x) >= len(p.Nodes) {
				v.failf("value %%%d does not exist", x)
			}
		}
	}
	return len(v.errs) == before
}

// plainlyRight recognises most nodes that node, below, accepts, given that it accepts those before: the ops of the
// table whose arguments lie in the node's own scope or outside of all loops. Verifying is fast because of it.
func plainlyRight(p *Program, x Value) bool {
	n := &p.Nodes[x]
	if n.Op >= numOps || n.Imm != 0 {
		return false
	}
	info := &opTable[n.Op]
	want, t := ScopeUniform, Invalid
	for i, a := range n.Args {
		if i >= info.Args {
			if a != None {
				return false
			}
			continue
		}
		if uint32(a) >= uint32(x) {
			return false
		}
		arg := &p.Nodes[a]
		if arg.Scope > ScopeLane && arg.Scope != n.Scope || i > 0 && arg.Type != t && (n.Op != OpSelect || i > 1) {
			return false
		}
		want, t = max(want, arg.Scope), arg.Type
	}
	if n.Scope != want {
		return false
	}
	switch {
	case n.Op == OpSelect:
		return p.Nodes[n.Args[0]].Type == Bool && t == n.Type && t != Invalid
	case info.Compare:
		return info.Class.Has(t) && n.Type == Bool
	}
	return info.Class.Has(t) && n.Type == t
}

func (v *verifier) node(p *Program, x Value) {
	n := p.Node(x)
	if n.Op == OpInvalid || n.Op >= numOps {
		v.failf("%%%d has no op", x)
		return
	}
	for i, a := range n.Args {
		switch {
		case i >= n.Op.Info().Args && a != None:
			v.failf("%%%d: %v has too many arguments", x, n.Op)
			return
		case i < n.Op.Info().Args && (a < 0 || a >= x):
			v.failf("%%%d: argument %%%d of %v does not come before it", x, a, n.Op)
			return
		}
	}
	if n.Scope < 0 || int(n.Scope) >= len(p.Parents) {
		v.failf("%%%d: scope %d does not exist", x, n.Scope)
		return
	}
	several := n.Op == OpLoop || n.Op == OpCall
	if several != (n.Type == Invalid) || !several && !valueType(n.Type) {
		v.failf("%%%d: %v of type %v", x, n.Op, n.Type)
		return
	}
	if !v.operand(p, x, n) || !v.types(p, n) {
		v.failf("%%%d: the types or the operand of %v are wrong", x, n.Op)
		return
	}
	v.scope(p, x, n)
}

// operand checks what the immediate stands for.
func (v *verifier) operand(p *Program, x Value, n *Node) bool {
	switch n.Op {
	case OpConst:
		return canonicalConst(n.Type, n.Imm) == n.Imm
	case OpUniform:
		return n.Imm < uint64(len(v.m.Uniforms)) && v.m.Uniforms[n.Imm].Type == n.Type
	case OpParam:
		return n.Imm < uint64(len(p.Params)) && p.Params[n.Imm] == x
	case OpState:
		l, i := n.Imm>>32, uint64(uint32(n.Imm))
		return l < uint64(len(p.Loops)) && i < uint64(len(p.Loops[l].States)) && p.Loops[l].States[i] == x
	case OpGather:
		return n.Imm < uint64(len(v.m.Buffers)) && v.elementType(int(n.Imm)) == n.Type
	case OpResult:
		return v.result(p, n)
	case OpLoop:
		return n.Imm < uint64(len(p.Loops)) && v.loop(p, x, &p.Loops[n.Imm])
	case OpCall:
		return n.Imm < uint64(len(p.Calls)) && v.call(p, x, &p.Calls[n.Imm])
	}
	return n.Imm == 0
}

func (v *verifier) types(p *Program, n *Node) bool {
	arg := func(i int) Type { return p.Nodes[n.Args[i]].Type }
	info := n.Op.Info()
	switch n.Op {
	case OpSelect:
		return arg(0) == Bool && arg(1) == n.Type && arg(2) == n.Type
	case OpConvert:
		return ClassNumber.Has(n.Type) && valueType(arg(0))
	case OpBitcast:
		return n.Type.Size() == 4 && arg(0).Size() == 4
	case OpGather:
		return arg(0).IsInt()
	case OpLane:
		return n.Type == I32
	}
	if info.Class == ClassNone {
		return true
	}
	t := arg(0)
	for i := 1; i < info.Args; i++ {
		if arg(i) != t {
			return false
		}
	}
	if info.Compare {
		return info.Class.Has(t) && n.Type == Bool
	}
	return info.Class.Has(t) && n.Type == t
}

// scope checks that a node is computed where its arguments say, no deeper and no less deep.
func (v *verifier) scope(p *Program, x Value, n *Node) {
	want := ScopeUniform
	switch n.Op {
	case OpLane, OpParam:
		want = ScopeLane
	case OpState:
		want = p.Loops[n.Imm>>32].Scope
	case OpLoop:
		want = p.Parents[p.Loops[n.Imm].Scope]
	default:
		p.Operands(x, func(a Value) {
			if s := p.Nodes[a].Scope; p.Encloses(want, s) {
				want = s
			} else if !p.Encloses(s, want) {
				v.failf("%%%d: its arguments lie in loops beside each other", x)
			}
		})
	}
	byLane := n.Op == OpCall && want == ScopeUniform && n.Scope == ScopeLane // the function reads the lane
	if n.Scope != want && !byLane {
		v.failf("%%%d: its scope is %d, not %d", x, n.Scope, want)
	}
}

// result tells whether n reads a result that its loop or call has, and of its type.
func (v *verifier) result(p *Program, n *Node) bool {
	from := p.Node(n.Args[0]) // valid: it comes before
	switch from.Op {
	case OpLoop:
		if from.Imm >= uint64(len(p.Loops)) || n.Imm > uint64(len(p.Loops[from.Imm].States)) {
			return false
		}
	case OpCall:
		if from.Imm >= uint64(len(p.Calls)) {
			return false
		}
		f := p.Calls[from.Imm].Func
		if f < 0 || f >= v.callable || n.Imm >= uint64(len(v.m.Funcs[f].Body.Results)) {
			return false
		}
	default:
		return false
	}
	return p.resultType(v.m, n.Args[0], int(n.Imm)) == n.Type
}

func (v *verifier) elementType(buffer int) Type { return v.m.Buffers[buffer].Type.Value() }

// loop tells whether the loop of node x has the types and scopes that it should.
func (v *verifier) loop(p *Program, x Value, l *Loop) bool {
	good := p.Nodes[l.Cond].Type == Bool && l.Cond < x && v.within(p, l.Cond, l.Scope)
	for i, s := range l.States {
		t := p.Nodes[s].Type
		good = good && p.Nodes[s].Op == OpState && s < x && l.Init[i] < x && l.Next[i] < x &&
			p.Nodes[l.Init[i]].Type == t && p.Nodes[l.Next[i]].Type == t &&
			v.within(p, l.Init[i], p.Parents[l.Scope]) && v.within(p, l.Next[i], l.Scope)
	}
	return good
}

// within tells whether a value can be read in the given scope.
func (v *verifier) within(p *Program, x Value, s Scope) bool {
	scope := p.Nodes[x].Scope
	return scope >= 0 && int(scope) < len(p.Parents) && p.Encloses(scope, s)
}

func (v *verifier) call(p *Program, x Value, c *Call) bool {
	if c.Func < 0 || c.Func >= v.callable {
		return false
	}
	body := v.m.Funcs[c.Func].Body
	if len(c.Args) != len(body.Params) {
		return false
	}
	for i, a := range c.Args {
		if a >= x || p.Nodes[a].Type != body.Nodes[body.Params[i]].Type {
			return false
		}
	}
	return true
}

// nesting checks, in the order of the nodes, that loops open with their first state and close with their OpLoop
// like brackets, numbered as they open; that a loop's nodes lie inside; that a loop only reads its parents' loops;
// and that calls are numbered as they come.
func (v *verifier) nesting(p *Program) {
	var open []Scope
	loops, calls, params := 0, 0, 0
	closed := make([]bool, len(p.Loops))
	for i := range p.Nodes {
		n := &p.Nodes[i]
		switch n.Op {
		case OpState:
			if l := int(n.Imm >> 32); l == loops {
				open = append(open, n.Scope)
				loops++
			}
		case OpLoop:
			l := &p.Loops[n.Imm]
			if len(open) == 0 || open[len(open)-1] != l.Scope {
				v.failf("%%%d: loop %d does not end inside of the one around it", i, n.Imm)
				return
			}
			open = open[:len(open)-1]
			closed[n.Imm] = true
		case OpCall:
			if n.Imm != uint64(calls) {
				v.failf("%%%d: call %d stands where call %d is expected", i, n.Imm, calls)
			}
			calls++
		case OpParam:
			params++
		}
		if n.Scope > ScopeLane && !contains(open, n.Scope) {
			v.failf("%%%d lies outside of its loop", i)
			return
		}
	}
	if loops != len(p.Loops) || len(open) > 0 || calls != len(p.Calls) || params != len(p.Params) {
		v.failf("a loop, call or parameter has no node")
	}
}

func contains(list []Scope, s Scope) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func (v *verifier) effect(p *Program, e Effect) {
	if e.Kind > ScatterAdd {
		v.failf("an effect of this kind does not exist")
		return
	}
	if e.Buffer < 0 || e.Buffer >= len(v.m.Buffers) {
		v.failf("%v into buffer %d, which does not exist", e.Kind, e.Buffer)
		return
	}
	if e.Kind == ScatterAdd && !ClassNumber.Has(v.m.Buffers[e.Buffer].Type) {
		v.failf("%v into %s, whose elements don't add", e.Kind, v.m.Buffers[e.Buffer].Name)
	}
	idx, val := p.Node(e.Index), p.Node(e.Value)
	if !idx.Type.IsInt() || val.Type != v.elementType(e.Buffer) || idx.Scope > ScopeLane || val.Scope > ScopeLane {
		v.failf("%v into %s: wrong types, or a value of a loop", e.Kind, v.m.Buffers[e.Buffer].Name)
	}
}

package ir

import (
	"errors"
	"fmt"
)

// Verify checks the invariants of a module: types and arities, arguments before users, scopes on one chain and as
// deep as their arguments, loops and calls well formed, no recursion, buffers and uniforms that exist, effects at
// the lane's scope, stages that read or write a buffer but never both, and temporaries written before read.
func Verify(m *Module) error {
	v := verifier{m: m}
	for i, f := range m.Funcs {
		v.where = fmt.Sprintf("function %s", f.Name)
		v.program(f.Body)
		v.function(i, f)
	}
	written := make([]bool, len(m.Buffers))
	for i := range m.Stages {
		s := &m.Stages[i]
		v.where = fmt.Sprintf("stage %d (%v %s)", i, s.Kind, s.Name)
		v.stage(s, written)
	}
	return errors.Join(v.errs...)
}

type verifier struct {
	m     *Module
	where string
	errs  []error
}

func (v *verifier) failf(format string, args ...any) {
	if len(v.errs) < 20 {
		v.errs = append(v.errs, fmt.Errorf("ir: module %q, %s: %s", v.m.Name, v.where, fmt.Sprintf(format, args...)))
	}
}

func (v *verifier) function(index int, f *Func) {
	if len(f.Body.Effects) > 0 {
		v.failf("a function has no effects")
	}
	if len(f.Body.Results) == 0 {
		v.failf("a function needs results")
	}
	for _, rule := range []int{f.JVP, f.VJP} {
		if rule < -1 || rule >= len(v.m.Funcs) || rule == index {
			v.failf("derivative rule %d does not exist", rule)
		}
	}
	for i := range f.Body.Calls {
		if c := f.Body.Calls[i].Func; c >= index {
			v.failf("calls function %d, which is not declared before it", c)
		}
	}
}

// program checks one lane program or function body.
func (v *verifier) program(p *Program) {
	for i := range p.Nodes {
		v.node(p, Value(i))
	}
	for _, r := range p.Results {
		if v.exists(p, r) && p.Nodes[r].Scope > ScopeLane {
			v.failf("result %%%d lies in a loop", r)
		}
	}
	for _, e := range p.Effects {
		v.effect(p, e)
	}
}

func (v *verifier) exists(p *Program, x Value) bool {
	if x < 0 || int(x) >= len(p.Nodes) {
		v.failf("value %%%d does not exist", x)
		return false
	}
	return true
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
	if int(n.Scope) >= len(p.Parents) || n.Scope < 0 {
		v.failf("%%%d: scope %d does not exist", x, n.Scope)
		return
	}
	v.types(p, x, n)
	if n.Op == OpLoop {
		v.loop(p, x, n)
		return
	}
	if n.Op == OpCall {
		v.call(p, x, n)
	}
	p.Operands(x, func(a Value) {
		if v.exists(p, a) && !p.Encloses(p.Nodes[a].Scope, n.Scope) {
			v.failf("%%%d: argument %%%d is of a scope that does not enclose it", x, a)
		}
	})
}

func (v *verifier) types(p *Program, x Value, n *Node) {
	arg := func(i int) Type { return p.Nodes[n.Args[i]].Type }
	bad := false
	switch info := n.Op.Info(); {
	case n.Op == OpSelect:
		bad = arg(0) != Bool || arg(1) != n.Type || arg(2) != n.Type
	case n.Op == OpConvert:
		bad = !ClassNumber.Has(n.Type) || !ClassNumber.Has(arg(0)) && arg(0) != Bool
	case n.Op == OpBitcast:
		bad = n.Type.Size() != 4 || arg(0).Size() != 4
	case n.Op == OpGather:
		bad = !arg(0).IsInt() || n.Imm >= uint64(len(v.m.Buffers)) || v.elementType(int(n.Imm)) != n.Type
	case n.Op == OpUniform:
		bad = n.Imm >= uint64(len(v.m.Uniforms)) || v.m.Uniforms[n.Imm].Type != n.Type
	case n.Op == OpParam:
		bad = n.Imm >= uint64(len(p.Params)) || p.Params[n.Imm] != x
	case n.Op == OpState:
		l := n.Imm >> 32
		bad = l >= uint64(len(p.Loops)) || uint64(uint32(n.Imm)) >= uint64(len(p.Loops[l].States)) ||
			p.Loops[l].States[uint32(n.Imm)] != x || p.Loops[l].Scope != n.Scope
	case n.Op == OpResult:
		bad = v.badResult(p, n)
	case info.Class != ClassNone:
		t := arg(0)
		for i := 1; i < info.Args; i++ {
			bad = bad || arg(i) != t
		}
		bad = bad || !info.Class.Has(t) || info.Compare && n.Type != Bool || !info.Compare && n.Type != t
	}
	if bad {
		v.failf("%%%d: the types or the operand of %v are wrong", x, n.Op)
	}
}

func (v *verifier) badResult(p *Program, n *Node) bool {
	from := p.Node(n.Args[0])
	switch from.Op {
	case OpLoop:
		if from.Imm >= uint64(len(p.Loops)) || n.Imm > uint64(len(p.Loops[from.Imm].States)) {
			return true
		}
	case OpCall:
		if from.Imm >= uint64(len(p.Calls)) || p.Calls[from.Imm].Func >= len(v.m.Funcs) ||
			n.Imm >= uint64(len(v.m.Funcs[p.Calls[from.Imm].Func].Body.Results)) {
			return true
		}
	default:
		return true
	}
	return p.resultType(v.m, n.Args[0], int(n.Imm)) != n.Type
}

func (v *verifier) elementType(buffer int) Type {
	if t := v.m.Buffers[buffer].Type; t != F16 && t != BF16 {
		return t
	}
	return F32
}

func (v *verifier) loop(p *Program, x Value, n *Node) {
	if n.Imm >= uint64(len(p.Loops)) {
		v.failf("%%%d: loop %d does not exist", x, n.Imm)
		return
	}
	l := &p.Loops[n.Imm]
	if len(l.Init) != len(l.States) || len(l.Next) != len(l.States) || l.Max < 1 || len(l.States) == 0 {
		v.failf("%%%d: loop %d is malformed", x, n.Imm)
		return
	}
	ok := v.exists(p, l.Cond)
	for i := range l.States {
		ok = ok && v.exists(p, l.States[i]) && v.exists(p, l.Init[i]) && v.exists(p, l.Next[i])
	}
	if !ok {
		return
	}
	if p.Nodes[l.Cond].Type != Bool || l.Cond >= x || p.Parents[l.Scope] != n.Scope {
		v.failf("%%%d: the condition or the scope of loop %d is wrong", x, n.Imm)
	}
	for i, s := range l.States {
		t := p.Nodes[s].Type
		if p.Nodes[l.Init[i]].Type != t || p.Nodes[l.Next[i]].Type != t || l.Next[i] >= x {
			v.failf("%%%d: state %d of loop %d changes its type", x, i, n.Imm)
		}
		if !p.Encloses(p.Nodes[l.Init[i]].Scope, n.Scope) || !p.Encloses(p.Nodes[l.Next[i]].Scope, l.Scope) {
			v.failf("%%%d: state %d of loop %d reads a value of a scope that does not enclose it", x, i, n.Imm)
		}
	}
}

func (v *verifier) call(p *Program, x Value, n *Node) {
	if n.Imm >= uint64(len(p.Calls)) || p.Calls[n.Imm].Func < 0 || p.Calls[n.Imm].Func >= len(v.m.Funcs) {
		v.failf("%%%d: the called function does not exist", x)
		return
	}
	c := p.Calls[n.Imm]
	body := v.m.Funcs[c.Func].Body
	if len(c.Args) != len(body.Params) {
		v.failf("%%%d: call of %s with %d arguments", x, v.m.Funcs[c.Func].Name, len(c.Args))
		return
	}
	for i, a := range c.Args {
		if a >= x || v.exists(p, a) && p.Nodes[a].Type != body.Nodes[body.Params[i]].Type {
			v.failf("%%%d: argument %d of the call of %s", x, i, v.m.Funcs[c.Func].Name)
		}
	}
}

func (v *verifier) effect(p *Program, e Effect) {
	if !v.exists(p, e.Index) || !v.exists(p, e.Value) {
		return
	}
	if e.Buffer < 0 || e.Buffer >= len(v.m.Buffers) {
		v.failf("%v into buffer %d, which does not exist", e.Kind, e.Buffer)
		return
	}
	idx, val := p.Node(e.Index), p.Node(e.Value)
	if !idx.Type.IsInt() || val.Type != v.elementType(e.Buffer) || idx.Scope > ScopeLane || val.Scope > ScopeLane {
		v.failf("%v into %s: wrong types, or a value of a loop", e.Kind, v.m.Buffers[e.Buffer].Name)
	}
	if v.m.Buffers[e.Buffer].Life == Input {
		v.failf("%v into %s, an input", e.Kind, v.m.Buffers[e.Buffer].Name)
	}
}

// Reads returns the buffers that a stage reads, and those that it writes.
func (s *Stage) Reads() (reads, writes []int) {
	if s.Kind != StageMap {
		return s.In, s.Out
	}
	for i := range s.Prog.Nodes {
		if n := &s.Prog.Nodes[i]; n.Op == OpGather {
			reads = append(reads, int(n.Imm))
		}
	}
	for _, e := range s.Prog.Effects {
		writes = append(writes, e.Buffer)
	}
	return reads, writes
}

func (v *verifier) stage(s *Stage, written []bool) {
	before := len(v.errs)
	if s.Kind == StageMap {
		if s.Prog == nil || len(s.Domain) == 0 {
			v.failf("a map needs a program and a domain")
			return
		}
		v.program(s.Prog)
	}
	if len(v.errs) > before {
		return
	}
	reads, writes := s.Reads()
	isWritten := map[int]bool{}
	for _, b := range append(reads[:len(reads):len(reads)], writes...) {
		if b < 0 || b >= len(v.m.Buffers) {
			v.failf("buffer %d does not exist", b)
			return
		}
	}
	for _, b := range writes {
		isWritten[b] = true
	}
	for _, b := range reads {
		if isWritten[b] {
			v.failf("reads and writes %s", v.m.Buffers[b].Name)
		}
		if v.m.Buffers[b].Life != Input && !written[b] {
			v.failf("reads %s before any stage wrote it", v.m.Buffers[b].Name)
		}
	}
	for _, b := range writes {
		written[b] = true
	}
	if s.Kind == StageReduce {
		v.reduce(s)
	}
}

func (v *verifier) reduce(s *Stage) {
	if len(s.In) != 1 || len(s.Out) != 1 || s.Group < 1 || s.Inner < 1 {
		v.failf("a reduction has one input, one output, a group and an inner size of at least 1")
		return
	}
	in, out := &v.m.Buffers[s.In[0]], &v.m.Buffers[s.Out[0]]
	if in.Len() != out.Len()*s.Group || out.Len()%s.Inner != 0 {
		v.failf("%d elements in groups of %d (inner %d) do not give %d", in.Len(), s.Group, s.Inner, out.Len())
	}
	if !in.Type.IsFloat() || !out.Type.IsFloat() || out.Life == Input {
		v.failf("a reduction takes floats to floats, and not into an input")
	}
}

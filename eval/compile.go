package eval

import (
	"fmt"
	"math"

	"github.com/baremetaldevx86/microdr/ir"
)

// Width is the number of lanes of a register: one reduction block.
const Width = ir.ReduceBlock

// float is the working type of an executor: float32 for the contract, float64 for the oracle.
type float interface{ float32 | float64 }

// file says in which register file a value lives.
type file uint8

const (
	fileFloat  file = iota // ir.F32, as F
	fileWord               // I32, U32, Bool (0 or 1), as uint32
	fileDouble             // ir.F64
	numFiles
)

func fileOf(t ir.Type) file {
	switch t {
	case ir.F32:
		return fileFloat
	case ir.F64:
		return fileDouble
	}
	return fileWord
}

// instr is one op on whole registers. A register is named by its index in the file of its type.
type instr struct {
	op      ir.Op
	typ     ir.Type // of the arguments (of the result for leaves, gathers and selects)
	to      ir.Type // of the result
	dst     int32
	a, b, c int32
	imm     uint64
	loop    *loop
}

// move copies a register to another of the same file.
type move struct {
	file     file
	from, to int32
}

// loop is a loop's code. On entry the captured values and the initial states are copied to registers of the
// loop's own; head computes the condition; lanes that stop write their states to the results and leave; the
// others close ranks, so that body runs over them alone.
type loop struct {
	enter   []move // captured values and initial states
	head    []instr
	cond    int32
	results []move // states to results, for lanes that stop
	count   int32  // register of the number of iterations, or -1
	close   []move // from == to: what moves when lanes close ranks
	body    []instr
	next    []move // next states to temporaries, then to states
	commit  []move
	max     int
}

// code is a compiled program. Registers below uniforms hold what is equal in all lanes, computed once a launch.
type code struct {
	uniform []instr
	lane    []instr
	effects []effect
	regs    [numFiles]int32
}

type effect struct {
	kind   ir.EffectKind
	buffer int
	typ    ir.Type
	index  int32
	value  int32
	slot   int // number among the scatter_adds
}

// compiler assigns registers region by region. A value's register is free again after its last use in its own
// region; a loop's registers live as long as its region runs.
type compiler struct {
	p       *ir.Program
	live    []bool
	byScope map[ir.Scope][]ir.Value
	fused   map[ir.Value]ir.Value // an add or sub to the multiplication it takes along
	skip    map[ir.Value]bool     // those multiplications
	code    *code
}

// region is one scope being compiled.
type region struct {
	c      *compiler
	reg    map[ir.Value]int32
	last   map[ir.Value]int // index in order of the last use
	free   *[numFiles][]int32
	freely bool // registers return to free after the last use
	outer  *region
}

func compile(p *ir.Program) (*code, error) {
	c := &compiler{p: p, live: p.Live(), byScope: map[ir.Scope][]ir.Value{}, code: &code{}}
	c.fuse()
	for i := range p.Nodes {
		if n := &p.Nodes[i]; c.live[i] {
			if err := supported(n); err != nil {
				return nil, fmt.Errorf("eval: %%%d: %w", i, err)
			}
			c.byScope[n.Scope] = append(c.byScope[n.Scope], ir.Value(i))
		}
	}
	var pool [numFiles][]int32
	uni := &region{c: c, reg: map[ir.Value]int32{}, free: &pool}
	c.code.uniform = uni.compile(c.byScope[ir.ScopeUniform], nil)
	lane := &region{c: c, reg: map[ir.Value]int32{}, free: &pool, freely: true, outer: uni}
	var roots []ir.Value
	for _, e := range p.Effects {
		roots = append(roots, e.Index, e.Value)
	}
	c.code.lane = lane.compile(c.byScope[ir.ScopeLane], roots)
	slot := 0
	for _, e := range p.Effects {
		c.code.effects = append(c.code.effects, effect{e.Kind, e.Buffer, p.Node(e.Value).Type,
			lane.find(e.Index), lane.find(e.Value), slot})
		if e.Kind == ir.ScatterAdd {
			slot++
		}
	}
	return c.code, nil
}

func supported(n *ir.Node) error {
	if n.Op == ir.OpCall {
		return fmt.Errorf("calls must be inlined before execution")
	}
	if n.Op == ir.OpParam {
		return fmt.Errorf("a function's body is not a program")
	}
	return nil
}

// alloc returns a register of the given file.
func (r *region) alloc(f file) int32 {
	pool := &r.free[f]
	if n := len(*pool); n > 0 {
		reg := (*pool)[n-1]
		*pool = (*pool)[:n-1]
		return reg
	}
	r.c.code.regs[f]++
	return r.c.code.regs[f] - 1
}

func (r *region) release(f file, reg int32) { r.free[f] = append(r.free[f], reg) }

// find returns the register of v, in this region or one around it.
func (r *region) find(v ir.Value) int32 {
	for s := r; s != nil; s = s.outer {
		if reg, ok := s.reg[v]; ok {
			return reg
		}
	}
	panic(fmt.Sprintf("eval: %%%d has no register", v))
}

// uses lists the values outside a node's own loop body that it needs.
func (c *compiler) uses(v ir.Value) []ir.Value {
	var out []ir.Value
	n := c.p.Node(v)
	if n.Op == ir.OpLoop {
		l := c.p.Loop(v)
		return append(append(out, l.Init...), c.captured(l)...)
	}
	if mul, ok := c.fused[v]; ok {
		x, y, z, _ := c.fusedArgs(v, mul)
		return []ir.Value{x, y, z}
	}
	c.p.Operands(v, func(a ir.Value) { out = append(out, a) })
	return out
}

// captured lists the values that vary by lane, are computed outside of loop l and are read in its body (or in
// loops inside). Uniform values need no copy.
func (c *compiler) captured(l *ir.Loop) []ir.Value {
	seen := map[ir.Value]bool{}
	var out []ir.Value
	take := func(a ir.Value) {
		s := c.p.Node(a).Scope
		if s != ir.ScopeUniform && !c.p.Encloses(l.Scope, s) && !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	for _, v := range c.byScope[l.Scope] {
		for _, a := range c.uses(v) {
			take(a)
		}
	}
	take(l.Cond)
	for _, a := range l.Next {
		take(a)
	}
	return out
}

// compile emits the nodes of a region in order; roots stay in their registers to the end.
func (r *region) compile(nodes []ir.Value, roots []ir.Value) []instr {
	r.findLastUses(nodes, roots)
	return r.emit(nodes, 0)
}

func (r *region) findLastUses(nodes, roots []ir.Value) {
	r.last = map[ir.Value]int{}
	for i, v := range nodes {
		for _, a := range r.c.uses(v) {
			r.last[a] = i
		}
	}
	for _, v := range roots {
		r.last[v] = math.MaxInt
	}
}

func (r *region) emit(nodes []ir.Value, base int) []instr {
	var out []instr
	for i, v := range nodes {
		n := r.c.p.Node(v)
		switch {
		case n.Op == ir.OpResult: // allocated with its loop
		case n.Op == ir.OpState: // allocated on entry
		case r.c.skip[v]: // part of the addition that follows
		case n.Op == ir.OpLoop:
			out = append(out, instr{op: ir.OpLoop, loop: r.loop(v)})
		default:
			out = append(out, r.instr(v, n))
		}
		r.releaseDead(v, base+i)
	}
	return out
}

// releaseDead frees the registers whose last use was node number i, and v's own if nobody uses it.
func (r *region) releaseDead(v ir.Value, i int) {
	if !r.freely {
		return
	}
	done := map[ir.Value]bool{}
	for _, a := range append(r.c.uses(v), v) {
		reg, ok := r.reg[a]
		if !ok || done[a] || r.c.p.Node(a).Op == ir.OpLoop {
			continue
		}
		done[a] = true
		if last, used := r.last[a]; used && last == i || !used && a == v {
			r.release(fileOf(r.c.p.Node(a).Type), reg)
			delete(r.reg, a)
		}
	}
}

func (r *region) instr(v ir.Value, n *ir.Node) instr {
	if mul, ok := r.c.fused[v]; ok {
		return r.fusedInstr(v, mul)
	}
	in := instr{op: n.Op, typ: n.Type, to: n.Type, imm: n.Imm, a: -1, b: -1, c: -1}
	for i, p := range []*int32{&in.a, &in.b, &in.c} {
		if n.Args[i] != ir.None {
			*p = r.find(n.Args[i])
		}
	}
	if n.Args[0] != ir.None && n.Op != ir.OpSelect && n.Op != ir.OpGather {
		in.typ = r.c.p.Node(n.Args[0]).Type
	}
	in.dst = r.alloc(fileOf(n.Type))
	r.reg[v] = in.dst
	return in
}

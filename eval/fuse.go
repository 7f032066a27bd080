package eval

import "github.com/baremetaldevx86/microdr/ir"

// A multiplication that only one addition or subtraction reads is executed with it, in one pass over the lanes.
// Both are still rounded: this saves a store and a load, and changes no bit.

// The fused instructions: a*b + c, a*b - c, c - a*b.
const (
	opMulAdd = ir.Op(ir.NumOps + iota)
	opMulSub
	opSubMul
)

// fuse finds the pairs.
func (c *compiler) fuse() {
	c.fused, c.skip = map[ir.Value]ir.Value{}, map[ir.Value]bool{}
	uses := c.countUses()
	for i := range c.p.Nodes {
		n := &c.p.Nodes[i]
		if !c.live[i] || n.Type != ir.F32 || n.Op != ir.OpAdd && n.Op != ir.OpSub {
			continue
		}
		for _, a := range n.Args[:2] {
			mul := c.p.Node(a)
			if mul.Op == ir.OpMul && mul.Scope == n.Scope && uses[a] == 1 {
				c.fused[ir.Value(i)], c.skip[a] = a, true
				break
			}
		}
	}
}

// countUses counts how often live nodes, effects and results read each value.
func (c *compiler) countUses() []int {
	uses := make([]int, len(c.p.Nodes))
	for i := range c.p.Nodes {
		if c.live[i] {
			c.p.Operands(ir.Value(i), func(a ir.Value) { uses[a]++ })
		}
	}
	for _, e := range c.p.Effects {
		uses[e.Index]++
		uses[e.Value]++
	}
	return uses
}

// fusedArgs returns the factors and the third operand of v, which takes mul along.
func (c *compiler) fusedArgs(v, mul ir.Value) (x, y, z ir.Value, op ir.Op) {
	n, m := c.p.Node(v), c.p.Node(mul)
	first := n.Args[0] == mul
	z = n.Args[0]
	if first {
		z = n.Args[1]
	}
	switch {
	case n.Op == ir.OpAdd:
		op = opMulAdd
	case first:
		op = opMulSub
	default:
		op = opSubMul
	}
	return m.Args[0], m.Args[1], z, op
}

func (r *region) fusedInstr(v, mul ir.Value) instr {
	x, y, z, op := r.c.fusedArgs(v, mul)
	in := instr{op: op, typ: ir.F32, to: ir.F32, a: r.find(x), b: r.find(y), c: r.find(z)}
	in.dst = r.alloc(fileFloat)
	r.reg[v] = in.dst
	return in
}

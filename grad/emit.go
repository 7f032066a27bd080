package grad

import "github.com/baremetaldevx86/microdr/ir"

// emitter writes derivative nodes into a builder.
type emitter struct {
	b       *ir.Builder
	env     *environment
	finite  *finiteness
	reverse bool
	spare   []*scratch // tables that no sweep uses
}

func newEmitter(b *ir.Builder) *emitter { return newEmitterIn(b, newEnvironment(b.Module())) }

func newEmitterIn(b *ir.Builder, env *environment) *emitter {
	return &emitter{b: b, env: env, finite: newFiniteness(b.Module(), b.Program())}
}

func (e *emitter) takeScratch() *scratch {
	n := len(e.spare)
	if n == 0 {
		return &scratch{}
	}
	s := e.spare[n-1]
	e.spare = e.spare[:n-1]
	return s
}

func (e *emitter) wild(v ir.Value) bool { return e.finite.wild(v) }

func (e *emitter) add(x, y ir.Value) ir.Value { return e.b.Binary(ir.OpAdd, x, y) }
func (e *emitter) sub(x, y ir.Value) ir.Value { return e.b.Binary(ir.OpSub, x, y) }
func (e *emitter) mul(x, y ir.Value) ir.Value { return e.b.Binary(ir.OpMul, x, y) }
func (e *emitter) div(x, y ir.Value) ir.Value { return e.b.Binary(ir.OpDiv, x, y) }
func (e *emitter) neg(x ir.Value) ir.Value    { return e.b.Unary(ir.OpNeg, x) }

func (e *emitter) negIf(negate bool, x ir.Value) ir.Value {
	if negate {
		return e.neg(x)
	}
	return x
}

// num returns the constant x of the type of like.
func (e *emitter) num(like ir.Value, x float64) ir.Value { return e.b.Const(e.b.Type(like), x) }

// plus adds changes, of which ir.None is a structural zero. Adding a negated change subtracts it, bit for bit the same.
func (e *emitter) plus(x, y ir.Value) ir.Value {
	switch {
	case x == ir.None:
		return y
	case y == ir.None:
		return x
	}
	if n := e.b.Node(y); n.Op == ir.OpNeg {
		return e.sub(x, n.Args[0])
	}
	if n := e.b.Node(x); n.Op == ir.OpNeg {
		return e.sub(y, n.Args[0])
	}
	return e.add(x, y)
}

// orZero makes a structural zero a constant of the type of like.
func (e *emitter) orZero(x, like ir.Value) ir.Value {
	if x == ir.None {
		return e.num(like, 0)
	}
	return x
}

package tensor

import (
	"github.com/baremetaldevx86/microdr/grad"
	"github.com/baremetaldevx86/microdr/ir"
)

// Derivatives are tensors as all others are: they are computed when they are read, fuse with what they stem from, and can be
// differentiated again. Elementwise operations have their derivatives from the table of package grad, all others from their
// kind.

// Grad returns the derivatives of a scalar with respect to tensors, which are the scalar's shape by shape: the adjoints in
// reverse mode. What it does not depend on has zeros.
func Grad(scalar *Tensor, wrt ...*Tensor) []*Tensor {
	if scalar.Len() != 1 {
		fail("Grad", "shape %v is no scalar; VJP takes adjoints", scalar.shape)
	}
	return VJP([]*Tensor{scalar}, []*Tensor{scalar.like(1).Expand(scalar.shape...)}, wrt)
}

// VJP (reverse mode) returns the adjoints of wrt, given those of outs: the derivatives of the sum of adjoints[i]*outs[i] with
// respect to each. What is in wrt counts as independent: what it is computed from is not looked at.
func VJP(outs, adjoints, wrt []*Tensor) []*Tensor {
	if len(outs) != len(adjoints) {
		fail("VJP", "%d tensors with %d adjoints", len(outs), len(adjoints))
	}
	for i, o := range outs {
		checkLike("VJP", "adjoint", o, adjoints[i])
	}
	r := &reverse{moving: moving(outs, wrt), adjoints: map[*Tensor]*Tensor{}}
	for i, o := range outs {
		r.add(o, adjoints[i])
	}
	fixed := map[*Tensor]bool{}
	for _, w := range wrt {
		fixed[w] = true
	}
	for i := len(r.moving.order) - 1; i >= 0; i-- {
		if t := r.moving.order[i]; !fixed[t] {
			r.visit(t)
		}
	}
	out := make([]*Tensor, len(wrt))
	for i, w := range wrt {
		if out[i] = r.adjoints[w]; out[i] == nil {
			out[i] = w.like(0).Expand(w.shape...)
		}
	}
	return out
}

// checkLike refuses a change whose type or shape is not that of t.
func checkLike(call, what string, t, change *Tensor) {
	if change.typ.value() != t.typ.value() || !equal(change.shape, t.shape) {
		fail(call, "an %s of %v%v for %v%v", what, change.typ, change.shape, t.typ, t.shape)
	}
}

// motion is what depends on independent tensors.
type motion struct {
	order []*Tensor // of those that do, arguments first
	is    map[*Tensor]bool
}

func moving(outs, wrt []*Tensor) motion {
	m := motion{is: map[*Tensor]bool{}}
	for _, w := range wrt {
		if !w.typ.IsFloat() {
			fail("Grad", "a derivative with respect to %v%v", w.typ, w.shape)
		}
		m.is[w] = true
	}
	walk(outs, func(t *Tensor) {
		if !m.is[t] && !t.frozen && t.typ.IsFloat() {
			for _, a := range t.args {
				m.is[t] = m.is[t] || m.is[a]
			}
		}
		if m.is[t] {
			m.order = append(m.order, t)
		}
	})
	return m
}

// reverse is a sweep in reverse mode.
type reverse struct {
	moving   motion
	adjoints map[*Tensor]*Tensor
}

func (r *reverse) add(t, adjoint *Tensor) {
	if adjoint != nil && r.moving.is[t] {
		r.adjoints[t] = plus(r.adjoints[t], adjoint)
	}
}

// visit distributes the adjoint of t among its arguments.
func (r *reverse) visit(t *Tensor) {
	adjoint := r.adjoints[t]
	if adjoint == nil || len(t.args) == 0 {
		return
	}
	need := make([]bool, len(t.args))
	for i, a := range t.args {
		need[i] = r.moving.is[a]
	}
	if t.kind.vjp == nil {
		fail(title(t), "has no derivative in reverse mode")
	}
	for i, d := range t.kind.vjp(t, adjoint, need) {
		if need[i] {
			r.add(t.args[i], d)
		}
	}
}

// plus adds changes, of which nil is zero.
func plus(x, y *Tensor) *Tensor {
	switch {
	case x == nil:
		return y
	case y == nil:
		return x
	}
	return x.Add(y)
}

// JVP (forward mode) returns the tangents of outs when each of wrt changes at the rate of its tangent, or at the sum of those
// that are given for it. What does not depend on them has zeros.
func JVP(outs, wrt, tangents []*Tensor) []*Tensor {
	if len(wrt) != len(tangents) {
		fail("JVP", "%d tensors with %d tangents", len(wrt), len(tangents))
	}
	m := moving(outs, wrt)
	of := map[*Tensor]*Tensor{}
	for i, w := range wrt {
		checkLike("JVP", "tangent", w, tangents[i])
		of[w] = plus(of[w], tangents[i])
	}
	for _, t := range m.order {
		if of[t] == nil {
			of[t] = tangent(t, of)
		}
	}
	out := make([]*Tensor, len(outs))
	for i, t := range outs {
		if out[i] = of[t]; out[i] == nil {
			out[i] = t.like(0).Expand(t.shape...)
		}
	}
	return out
}

func tangent(t *Tensor, of map[*Tensor]*Tensor) *Tensor {
	tangents, any := make([]*Tensor, len(t.args)), false
	for i, a := range t.args {
		tangents[i] = of[a]
		any = any || of[a] != nil
	}
	if !any {
		return nil
	}
	if t.kind.jvp == nil {
		fail(title(t), "has no derivative in forward mode")
	}
	return t.kind.jvp(t, tangents)
}

// HVP returns the product of a scalar's matrix of second derivatives with respect to wrt with a vector that has their shapes.
func HVP(scalar *Tensor, wrt, vector []*Tensor) []*Tensor {
	return JVP(Grad(scalar, wrt...), wrt, vector)
}

// Jacobian returns the derivatives of every element of out with respect to every element of wrt: [shape of out..., shape of
// wrt...]. It is computed row by row in reverse mode, or column by column in forward mode, whichever are fewer.
func Jacobian(out, wrt *Tensor) *Tensor {
	n, m := out.Len(), wrt.Len()
	unit := func(like *Tensor, i int) *Tensor {
		return like.e.Arange(like.Len()).Eq(like.e.FullOf(Int32, float64(i))).Cast(Float32).Reshape(like.shape...)
	}
	shape := append(append([]int{}, out.shape...), wrt.shape...)
	var lines []*Tensor
	if n <= m {
		for i := range n {
			row := VJP([]*Tensor{out}, []*Tensor{unit(out, i)}, []*Tensor{wrt})[0]
			lines = append(lines, row.Reshape(-1))
		}
		return stackLines(out.e, lines, n, m).Reshape(shape...)
	}
	for i := range m {
		column := JVP([]*Tensor{out}, []*Tensor{wrt}, []*Tensor{unit(wrt, i)})[0]
		lines = append(lines, column.Reshape(-1))
	}
	return stackLines(out.e, lines, m, n).T().Reshape(shape...)
}

func stackLines(e *Engine, lines []*Tensor, n, m int) *Tensor {
	if len(lines) == 0 {
		return e.Zeros(n, m)
	}
	return Stack(0, lines...)
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// mapVJP differentiates a formula in reverse mode: the adjoint of each argument is a formula over the arguments, the result,
// and the result's adjoint.
func mapVJP(t, adjoint *Tensor, need []bool) []*Tensor {
	out := make([]*Tensor, len(t.args))
	d := differentiate(t)
	seed := d.b.Param(t.typ.value())
	for i := range t.args {
		if !need[i] || !t.args[i].typ.IsFloat() {
			continue
		}
		dx, err := grad.VJP(d.b, []ir.Value{d.y}, []ir.Value{seed}, []ir.Value{d.x[i]})
		if err != nil {
			fail(title(t), "%v", err)
		}
		out[i] = d.formula(dx[0], seed, adjoint)
	}
	return out
}

// mapJVP differentiates a formula in forward mode.
func mapJVP(t *Tensor, tangents []*Tensor) *Tensor {
	d := differentiate(t)
	var sum *Tensor
	for i, change := range tangents {
		if change == nil || !t.args[i].typ.IsFloat() {
			continue
		}
		seed := d.b.Param(t.args[i].typ.value())
		dy, err := grad.JVP(d.b, []ir.Value{d.y}, []ir.Value{d.x[i]}, []ir.Value{seed})
		if err != nil {
			fail(title(t), "%v", err)
		}
		sum = plus(sum, d.formula(dy[0], seed, change))
	}
	return sum
}

// differential is the program of a formula in which derivatives are emitted.
type differential struct {
	t *Tensor
	b *ir.Builder
	x []ir.Value // the parameters
	y ir.Value
}

func differentiate(t *Tensor) *differential {
	d := &differential{t: t, b: ir.NewBuilder(&ir.Module{})}
	p := t.attr.(formula).prog
	for _, v := range p.Params {
		d.x = append(d.x, d.b.Param(p.Nodes[v].Type))
	}
	d.y = inline(d.b, p, p.Results[0], func(v ir.Value) (ir.Value, bool) {
		n := p.Node(v)
		if n.Op == ir.OpParam {
			return d.x[n.Imm], true
		}
		return ir.None, false
	})
	return d
}

// formula returns value v as a tensor: a formula over those of the arguments, the result and the change that it needs.
func (d *differential) formula(v, seed ir.Value, change *Tensor) *Tensor {
	p := d.b.Program()
	if n := p.Node(v); n.Op == ir.OpConst && ir.FromBits32(uint32(n.Imm)) == 0 && n.Type == ir.F32 {
		return nil
	}
	if v == seed {
		return change
	}
	b := ir.NewBuilder(&ir.Module{})
	var args []*Tensor
	param := func(t *Tensor, typ ir.Type) (ir.Value, bool) {
		args = append(args, t)
		return b.Param(typ), true
	}
	known := func(u ir.Value) (ir.Value, bool) {
		n := p.Node(u)
		switch {
		case u == seed:
			return param(change, n.Type)
		case n.Op == ir.OpParam:
			return param(d.t.args[n.Imm], n.Type)
		case u == d.y:
			return param(d.t, n.Type)
		}
		return ir.None, false
	}
	result := inline(b, p, v, known)
	b.SetResults(result)
	return elementwise(title(d.t)+"'", formula{prog: b.Program()}, Float32, args...)
}

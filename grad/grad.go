package grad

import (
	"fmt"

	"github.com/baremetaldevx86/microdr/ir"
)

// JVP (forward mode) returns the tangents of outs when each wrt[i] changes at the rate tangents[i]: the product
// of the Jacobian with a vector. The nodes are emitted into b, so the result can be differentiated again.
//
// wrt may be any float nodes but constants, each once: uniforms, parameters, gathers, or intermediate values,
// which then count as independent: their own dependence on other values is not followed. A tangent of ir.None is
// zero, and so is the tangent of an out that does not depend on wrt or is not a float; zeros are returned as
// constants. The states of a loop that is still being recorded are held fixed unless they are in wrt.
//
// Subgradients: abs has derivative 0 at 0; where the arguments of min or max are equal the whole derivative goes
// to the one recorded first, or to the one that is not a constant; select follows the branch taken; floor, ceil,
// trunc, round, comparisons, integers, detach and the index of a gather have derivative zero. A float made from
// the bits of a float that depends on wrt is an error; detach the bits' source if zero is meant. A zero tangent
// or adjoint stays zero even where the local derivative is infinite. After an error b must be discarded.
func JVP(b *ir.Builder, outs, wrt, tangents []ir.Value) ([]ir.Value, error) {
	return NewDifferentiator(b).JVP(outs, wrt, tangents)
}

// VJP (reverse mode) returns the adjoints of wrt: the derivatives of the sum of seeds[i]*outs[i] with respect to
// each of them, the product of a vector with the Jacobian. A seed of ir.None is zero. All else is as for JVP.
func VJP(b *ir.Builder, outs, seeds, wrt []ir.Value) ([]ir.Value, error) {
	return NewDifferentiator(b).VJP(outs, seeds, wrt)
}

// Differentiator differentiates within one program again and again. It remembers what it found out about the program's
// nodes, so that the cost of a derivative is that of the nodes behind it, not of the whole program.
type Differentiator struct{ e *emitter }

// NewDifferentiator returns a differentiator for the program that b records.
func NewDifferentiator(b *ir.Builder) *Differentiator { return &Differentiator{newEmitter(b)} }

// JVP emits and returns tangents; see the function.
func (d *Differentiator) JVP(outs, wrt, tangents []ir.Value) ([]ir.Value, error) {
	if err := checkPairs(d.e.b, "tangent", wrt, tangents); err != nil {
		return nil, err
	}
	d.e.finite.refresh()
	ts, err := d.e.jvp(outs, wrt, tangents)
	if err != nil {
		return nil, err
	}
	return fillZeros(d.e.b, outs, ts), nil
}

// VJP emits and returns adjoints; see the function.
func (d *Differentiator) VJP(outs, seeds, wrt []ir.Value) ([]ir.Value, error) {
	if err := checkPairs(d.e.b, "seed", outs, seeds); err != nil {
		return nil, err
	}
	d.e.finite.refresh()
	as, err := d.e.vjp(outs, seeds, wrt)
	if err != nil {
		return nil, err
	}
	return fillZeros(d.e.b, wrt, as), nil
}

func checkPairs(b *ir.Builder, what string, values, changes []ir.Value) error {
	if len(values) != len(changes) {
		return fmt.Errorf("grad: %d values with %d %ss", len(values), len(changes), what)
	}
	for i, c := range changes {
		if c != ir.None && b.Type(values[i]).IsFloat() && b.Type(c) != b.Type(values[i]) {
			return fmt.Errorf("grad: %s %d is %v for a value of %v", what, i, b.Type(c), b.Type(values[i]))
		}
	}
	return nil
}

// fillZeros replaces structural zeros by constants of the types of like.
func fillZeros(b *ir.Builder, like, vs []ir.Value) []ir.Value {
	for i, v := range vs {
		if v == ir.None {
			vs[i] = b.Const(b.Type(like[i]), 0)
		}
	}
	return vs
}

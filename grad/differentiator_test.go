package grad

import (
	"reflect"
	"testing"

	"github.com/baremetaldevx86/microdr/ir"
)

// vjpFunc is VJP of one output with seed 1.
type vjpFunc func(out ir.Value, wrt ...ir.Value) ir.Value

// divisions takes derivatives in a loop, in one inside of it, and behind both. That the product with the first state may
// be infinite is known only when the loop is complete: by then a differentiator has looked at it.
func divisions(b *ir.Builder, vjp vjpFunc) {
	x, y, z := b.Uniform("x", ir.F32), b.Uniform("y", ir.F32), b.Uniform("z", ir.F32)
	outer := b.LoopBegin(ir.F32, ir.F32)
	s := outer.States[0]
	product := b.Binary(ir.OpMul, s, x)
	slope := vjp(b.Binary(ir.OpMul, product, product), s)
	inner := b.LoopBegin(ir.F32)
	next := vjp(b.Binary(ir.OpMul, b.Unary(ir.OpSin, inner.States[0]), s), inner.States[0])
	r := inner.End([]ir.Value{slope}, b.Binary(ir.OpLt, s, y), []ir.Value{next}, 5)[0]
	inverse := b.Binary(ir.OpDiv, b.ConstF32(1), b.Binary(ir.OpMul, r, s))
	out := outer.End([]ir.Value{x, y}, b.Binary(ir.OpLt, s, y), []ir.Value{inverse, product}, 7)
	b.SetResults(vjp(b.Binary(ir.OpMul, b.Binary(ir.OpMul, z, out[1]), y), z))
}

// TestDifferentiatorRemembers holds derivatives taken by one differentiator to those by a new one each.
func TestDifferentiatorRemembers(t *testing.T) {
	record := func(single bool) *ir.Program {
		b := ir.NewBuilder(&ir.Module{})
		d := NewDifferentiator(b)
		divisions(b, func(out ir.Value, wrt ...ir.Value) ir.Value {
			if !single {
				d = NewDifferentiator(b)
			}
			g, err := d.VJP([]ir.Value{out}, []ir.Value{b.ConstF32(1)}, wrt)
			if err != nil {
				t.Fatal(err)
			}
			return g[0]
		})
		return b.Program()
	}
	got, want := record(true), record(false)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d nodes are\n%v\nnot the %d nodes\n%v", len(got.Nodes), got.Nodes, len(want.Nodes), want.Nodes)
	}
}

package tensor

import (
	"encoding/binary"
	"fmt"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/trace"
)

// formula is the attribute of an elementwise operation: a program of one result over elements of the arguments, which are
// its parameters. It may have no loops and calls, and reads no buffers.
type formula struct {
	prog *ir.Program
	name string
}

func (f formula) appendKey(key []byte) []byte {
	key = binary.LittleEndian.AppendUint32(key, uint32(len(f.prog.Nodes)))
	for i := range f.prog.Nodes {
		n := &f.prog.Nodes[i]
		key = append(key, byte(n.Op), byte(n.Type))
		key = binary.LittleEndian.AppendUint64(key, n.Imm)
		for _, a := range n.Args {
			key = binary.LittleEndian.AppendUint32(key, uint32(a))
		}
	}
	return binary.LittleEndian.AppendUint32(key, uint32(f.prog.Results[0]))
}

var mapKind = kind{name: "Map", inline: true}

func init() { // it refers to itself
	mapKind.read, mapKind.vjp, mapKind.jvp = readMap, mapVJP, mapJVP
}

// elementwise returns a formula applied to tensors, which are broadcast to a common shape.
func elementwise(name string, f formula, typ Type, args ...*Tensor) *Tensor {
	shapes := make([][]int, len(args))
	for i, a := range args {
		if shapes[i] = a.shape; a.e != args[0].e {
			fail(name, "tensors of different engines")
		}
	}
	shape := broadcast(name, shapes...)
	wide := make([]*Tensor, len(args))
	for i, a := range args {
		wide[i] = a.expandTo(name, shape)
	}
	f.name = name
	return node(&mapKind, f, typ, shape, wide...)
}

// record returns a formula of parameters of the given types.
func record(f func(b *ir.Builder, x []ir.Value) ir.Value, params ...ir.Type) formula {
	b := ir.NewBuilder(&ir.Module{})
	x := make([]ir.Value, len(params))
	for i, t := range params {
		x[i] = b.Param(t)
	}
	b.SetResults(f(b, x))
	return formula{prog: b.Program()}
}

// apply is elementwise with a formula recorded on the spot.
func apply(name string, f func(b *ir.Builder, x []ir.Value) ir.Value, args ...*Tensor) *Tensor {
	params := make([]ir.Type, len(args))
	for i, a := range args {
		params[i] = a.typ.value()
	}
	rec := record(f, params...)
	return elementwise(name, rec, typeOf(rec.prog.Nodes[rec.prog.Results[0]].Type), args...)
}

// op is apply for one op of package ir.
func op(name string, o ir.Op, args ...*Tensor) *Tensor {
	for _, a := range args {
		if t := args[0].typ; a.typ.value() != t.value() {
			fail(name, "%v%v and %v%v are of different types", t, args[0].shape, a.typ, a.shape)
		}
		if !o.Info().Class.Has(a.typ.value()) {
			fail(name, "not defined for %v", a.typ)
		}
	}
	return apply(name, func(b *ir.Builder, x []ir.Value) ir.Value { return b.Make(o, x...) }, args...)
}

// Map applies a function of numbers to every element, with broadcasting: f records, with the arithmetic of package trace,
// what becomes of the elements at one place. The derivative is that of what it records. It must not loop.
func Map(name string, f func(r *trace.Recorder, x []trace.Float) trace.Float, args ...*Tensor) *Tensor {
	one := func(r *trace.Recorder, x []trace.Float) []trace.Float { return []trace.Float{f(r, x)} }
	return MapMany(name, one, nil, args...)[0]
}

// MapMany is Map for functions of several results. Uniforms of the program that f records are the tensors of that name, which
// are broadcast as the others are.
func MapMany(name string, f func(r *trace.Recorder, x []trace.Float) []trace.Float, uniforms map[string]*Tensor, args ...*Tensor) []*Tensor {
	for _, a := range args {
		if !a.typ.IsFloat() {
			fail(name, "not defined for %v", a.typ)
		}
	}
	r := trace.New(&ir.Module{})
	x := make([]trace.Float, len(args))
	for i := range args {
		x[i] = r.FloatOf(r.B.Param(ir.F32))
	}
	results := f(r, x)
	if p := r.Program(); len(p.Loops)+len(p.Calls)+len(p.Effects) > 0 {
		fail(name, "the function has a loop, a call or an effect")
	}
	out := make([]*Tensor, len(results))
	for i, y := range results {
		out[i] = part(name, r, y.V, uniforms, args)
	}
	return out
}

// part returns what one value of a recorded program is for tensors: a formula of those that it needs.
func part(name string, r *trace.Recorder, y ir.Value, uniforms map[string]*Tensor, args []*Tensor) *Tensor {
	p := r.Program()
	b := ir.NewBuilder(&ir.Module{})
	var needed []*Tensor
	result := inline(b, p, y, func(v ir.Value) (ir.Value, bool) {
		var t *Tensor
		switch n := p.Node(v); n.Op {
		case ir.OpParam:
			t = args[n.Imm]
		case ir.OpUniform:
			if t = uniforms[r.Module().Uniforms[n.Imm].Name]; t == nil {
				fail(name, "no tensor for uniform %s", r.Module().Uniforms[n.Imm].Name)
			}
		default:
			return ir.None, false
		}
		needed = append(needed, t)
		return b.Param(t.typ.value()), true
	})
	b.SetResults(result)
	typ := typeOf(b.Program().Nodes[result].Type)
	shapes := make([][]int, len(args))
	for i, a := range args {
		shapes[i] = a.shape
	}
	shape := broadcast(name, shapes...)
	if len(needed) == 0 {
		needed = append(needed, args[0])
		b.Param(args[0].typ.value())
	}
	return elementwise(name, formula{prog: b.Program()}, typ, needed...).expandTo(name, shape)
}

// readMap emits a formula over elements of the arguments.
func readMap(l *lowering, t *Tensor, index ir.Value) ir.Value {
	p := t.attr.(formula).prog
	params := make([]ir.Value, len(p.Params))
	for i, a := range t.args {
		params[i] = l.read(a, index)
	}
	return inline(l.b, p, p.Results[0], func(v ir.Value) (ir.Value, bool) {
		n := p.Node(v)
		if n.Op == ir.OpParam {
			return params[n.Imm], true
		}
		return ir.None, false
	})
}

// inline copies what value v of program p is computed from into b. Where known tells the image of a value, it is that.
func inline(b *ir.Builder, p *ir.Program, v ir.Value, known func(ir.Value) (ir.Value, bool)) ir.Value {
	images := make([]ir.Value, v+1)
	needed := make([]bool, v+1)
	needed[v] = true
	for u := v; u >= 0; u-- {
		if !needed[u] {
			continue
		}
		images[u] = ir.None
		if image, ok := known(u); ok {
			images[u] = image
			continue
		}
		for _, a := range p.Nodes[u].Args {
			if a != ir.None {
				needed[a] = true
			}
		}
	}
	for u := range images {
		if needed[u] && images[u] == ir.None {
			images[u] = copyNode(b, p.Node(ir.Value(u)), images)
		}
	}
	return images[v]
}

// copyNode makes a node whose arguments have the images.
func copyNode(b *ir.Builder, n *ir.Node, images []ir.Value) ir.Value {
	var args [3]ir.Value
	count := 0
	for _, a := range n.Args {
		if a != ir.None {
			args[count] = images[a]
			count++
		}
	}
	switch n.Op {
	case ir.OpConst:
		return constant(b, n)
	case ir.OpConvert:
		return b.Convert(n.Type, args[0])
	case ir.OpBitcast:
		return b.Bitcast(n.Type, args[0])
	}
	if n.Op.Info().Args != count {
		panic(fmt.Sprintf("tensor: a formula with %v", n.Op))
	}
	return b.Make(n.Op, args[:count]...)
}

// constant copies a constant, bit for bit.
func constant(b *ir.Builder, n *ir.Node) ir.Value {
	switch n.Type {
	case ir.F32:
		return b.ConstF32(ir.FromBits32(uint32(n.Imm)))
	case ir.I32:
		return b.ConstI32(int32(n.Imm))
	case ir.U32:
		return b.ConstU32(uint32(n.Imm))
	case ir.Bool:
		return b.ConstBool(n.Imm != 0)
	}
	panic("tensor: a formula with a constant of " + n.Type.String())
}

// identity is the formula of an element itself.
func identity(t Type) formula {
	return record(func(_ *ir.Builder, x []ir.Value) ir.Value { return x[0] }, t.value())
}

package grad

import (
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// A search finds t with F(theta, t) = 0: sphere tracing, bisection, Newton's method. How it got there does not
// matter to the derivative: along the solution F_theta dtheta + F_t dt = 0, so dt = -(F_theta . dtheta) / F_t. The
// rules are written over the live result t, which itself depends on theta, so they can be derived again and
// give second derivatives. Where F_t is zero (a grazing ray) dt is infinite, unless the change is zero.

// Implicit adds to the module a function that computes what search computes and derives by the implicit function
// theorem, and returns its index. search(params...) returns t, a float, and any other results, which have
// derivative zero; residual(params..., t) returns F. Only the params listed in wrt have a derivative; none
// listed means all floats. Where the search ended without reaching F = 0 the derivative means nothing: select it
// away.
func Implicit(m *ir.Module, name string, search, residual int, wrt ...int) (int, error) {
	find, f := m.Funcs[search].Body, m.Funcs[residual].Body
	if err := checkImplicit(m, search, residual); err != nil {
		return 0, err
	}
	params := make([]bool, len(find.Params))
	for i, p := range find.Params {
		params[i] = find.Node(p).Type.IsFloat() && (len(wrt) == 0 || slices.Contains(wrt, i))
	}
	for _, i := range wrt {
		if i < 0 || i >= len(params) || !params[i] {
			return 0, fmt.Errorf("grad: implicit %s: parameter %d of %s is not a float", name, i, m.Funcs[search].Name)
		}
	}
	imp := implicit{m: m, name: name, residual: residual, params: params, find: find, f: f}
	jvp, err := imp.forward()
	if err != nil {
		return 0, err
	}
	vjp, err := imp.reverse()
	if err != nil {
		return 0, err
	}
	b := ir.NewBuilder(m)
	b.SetResults(b.Call(search, declareLike(b, find, find.Params)...)...)
	index := m.AddFunc(name, b.Program())
	m.Funcs[index].JVP, m.Funcs[index].VJP = jvp, vjp
	return index, nil
}

func checkImplicit(m *ir.Module, search, residual int) error {
	find, f := m.Funcs[search].Body, m.Funcs[residual].Body
	types := func(p *ir.Program, vs []ir.Value) (ts []ir.Type) {
		for _, v := range vs {
			ts = append(ts, p.Node(v).Type)
		}
		return ts
	}
	t := types(find, find.Results)
	if len(t) == 0 || !t[0].IsFloat() {
		return fmt.Errorf("grad: the first result of the search %s is not a float", m.Funcs[search].Name)
	}
	if want := append(types(find, find.Params), t[0]); !slices.Equal(types(f, f.Params), want) {
		return fmt.Errorf("grad: residual %s takes %v, not the parameters of %s and its first result, %v",
			m.Funcs[residual].Name, types(f, f.Params), m.Funcs[search].Name, want)
	}
	if r := types(f, f.Results); len(r) != 1 || r[0] != t[0] {
		return fmt.Errorf("grad: residual %s returns %v, not one %v", m.Funcs[residual].Name, r, t[0])
	}
	return nil
}

// implicit is a search being given its rules.
type implicit struct {
	m        *ir.Module
	name     string
	residual int
	params   []bool // those with a derivative
	find, f  *ir.Program
}

// begin records the common start of both rules: parameters, results, the residual and its slope at t.
func (imp *implicit) begin() (e *emitter, moving []ir.Value, all []ir.Value, t, f, slope ir.Value, err error) {
	b := ir.NewBuilder(imp.m)
	e = newEmitter(b)
	all = declareLike(b, imp.find, imp.find.Params)
	t = declareLike(b, imp.find, imp.find.Results)[0]
	for i, p := range all {
		if imp.params[i] {
			moving = append(moving, p)
		}
	}
	f = b.Call(imp.residual, append(all[:len(all):len(all)], t)...)[0]
	d, err := e.jvp([]ir.Value{f}, []ir.Value{t}, []ir.Value{e.num(t, 1)})
	if err == nil && d[0] == ir.None {
		err = fmt.Errorf("grad: implicit %s: the residual does not depend on the search's result", imp.name)
	}
	if err != nil {
		return nil, nil, nil, 0, 0, 0, err
	}
	return e, moving, all, t, f, d[0], nil
}

// forward makes jvp(params..., results..., tangents of the float params...).
func (imp *implicit) forward() (int, error) {
	e, moving, all, t, f, slope, err := imp.begin()
	if err != nil {
		return 0, err
	}
	var tangents []ir.Value
	for i, p := range all {
		if e.b.Type(p).IsFloat() {
			d := e.b.Param(e.b.Type(p))
			if imp.params[i] {
				tangents = append(tangents, d)
			}
		}
	}
	df, err := e.jvp([]ir.Value{f}, moving, tangents)
	if err != nil {
		return 0, err
	}
	dt := e.num(t, 0)
	if df[0] != ir.None {
		dt = e.neg(e.annihilate(df[0], e.div(e.num(t, 1), slope)))
	}
	out := []ir.Value{dt}
	for _, r := range imp.find.Results[1:] {
		if typ := imp.find.Node(r).Type; typ.IsFloat() {
			out = append(out, e.b.Const(typ, 0))
		}
	}
	e.b.SetResults(out...)
	return imp.m.AddFunc(imp.name+".jvp", e.b.Program()), nil
}

// reverse makes vjp(params..., results..., adjoints of the float results...).
func (imp *implicit) reverse() (int, error) {
	e, moving, all, t, f, slope, err := imp.begin()
	if err != nil {
		return 0, err
	}
	g := e.b.Param(e.b.Type(t))
	for _, r := range imp.find.Results[1:] {
		if typ := imp.find.Node(r).Type; typ.IsFloat() {
			e.b.Param(typ)
		}
	}
	seed := e.neg(e.annihilate(g, e.div(e.num(t, 1), slope)))
	adjoints, err := e.vjp([]ir.Value{f}, []ir.Value{seed}, moving)
	if err != nil {
		return 0, err
	}
	var out []ir.Value
	for i, p := range all {
		switch {
		case imp.params[i]:
			out = append(out, e.orZero(adjoints[0], p))
			adjoints = adjoints[1:]
		case e.b.Type(p).IsFloat():
			out = append(out, e.num(p, 0))
		}
	}
	e.b.SetResults(out...)
	return imp.m.AddFunc(imp.name+".vjp", e.b.Program()), nil
}

// declareLike adds parameters of the types of values of another program.
func declareLike(b *ir.Builder, p *ir.Program, vs []ir.Value) []ir.Value {
	out := make([]ir.Value, len(vs))
	for i, v := range vs {
		out[i] = b.Param(p.Node(v).Type)
	}
	return out
}

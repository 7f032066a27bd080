package grad

import (
	"fmt"
	"strings"

	"github.com/baremetaldevx86/microdr/ir"
)

// Calls stay calls, so that derivatives grow no faster than the program. A function without a rule of its own gets
// derivative functions f.jvp.MASK and f.vjp.MASK, derived once per module for each set of moving parameters
// and, in reverse, of results with an adjoint; independent uniforms that f reads count as further parameters.

// derivation says which derivative of a function is wanted; it names it too.
type derivation struct {
	kind     string // "jvp" or "vjp"
	f        int
	params   []bool // parameters that move
	results  []bool // results whose change is an output (jvp) or an input (vjp)
	uniforms []int  // independent uniforms that f reads
	wild     bool   // the arguments may be infinite
}

func (d *derivation) name(m *ir.Module) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s.%s.%s.%s", m.Funcs[d.f].Name, d.kind, mask(d.params), mask(d.results))
	for _, u := range d.uniforms {
		fmt.Fprintf(&s, ".u%d", u)
	}
	if d.wild {
		s.WriteString(".wild")
	}
	return s.String()
}

func mask(set []bool) string {
	s := make([]byte, len(set))
	for i, in := range set {
		s[i] = '0'
		if in {
			s[i] = '1'
		}
	}
	return string(s)
}

// call describes call node v: its derivation with everything that moves, and its live results.
func (s *sweep) call(v ir.Value) (d derivation, args, results []ir.Value, err error) {
	c := *s.p.Call(v)
	fn := s.env.m.Funcs[c.Func]
	d = derivation{f: c.Func, params: make([]bool, len(c.Args)), results: make([]bool, len(fn.Body.Results)),
		uniforms: s.env.independentUniforms(c.Func, s.act.uniforms)}
	st := make([]status, len(c.Args))
	for i, a := range c.Args {
		st[i] = s.act.state[a]
		d.params[i] = st[i] == moving
		d.wild = d.wild || s.b.Type(a).IsFloat() && s.wild(a)
	}
	rs, err := s.env.results(c.Func, st, s.act.uniforms)
	for i := range rs {
		d.results[i] = rs[i] == moving
	}
	return d, c.Args, s.b.Call(c.Func, c.Args...), err
}

func (s *sweep) callForward(v ir.Value) error {
	if !s.wanted(v) {
		return nil
	}
	d, args, results, err := s.call(v)
	if err != nil {
		return err
	}
	fn := s.env.m.Funcs[d.f]
	if fn.JVP >= 0 || fn.VJP >= 0 {
		return s.customForward(fn, args, results)
	}
	d.kind = "jvp"
	in := append([]ir.Value(nil), args...)
	for i, a := range args {
		if d.params[i] {
			in = append(in, s.orZero(s.of(a), a))
		}
	}
	for _, u := range d.uniforms {
		in = append(in, s.orZero(s.of(s.uniforms[u]), s.uniforms[u]))
	}
	f, err := s.env.derive(&d)
	if err != nil {
		return err
	}
	tangents := s.b.Call(f, in...)
	for i, r := range results {
		if d.results[i] {
			if s.follows(r) {
				s.put(r, tangents[0])
			}
			tangents = tangents[1:]
		}
	}
	return nil
}

// customForward uses jvp(params..., results..., tangents of the float params...).
func (s *sweep) customForward(fn *ir.Func, args, results []ir.Value) error {
	if fn.JVP < 0 {
		return fmt.Errorf("grad: function %s has a reverse rule but no forward rule", fn.Name)
	}
	in := append(append([]ir.Value(nil), args...), results...)
	for _, a := range args {
		if s.b.Type(a).IsFloat() {
			in = append(in, s.orZero(s.of(a), a))
		}
	}
	if err := s.env.checkRule(fn, fn.JVP, len(in)); err != nil {
		return err
	}
	tangents := s.b.Call(fn.JVP, in...)
	for _, r := range results {
		if s.b.Type(r).IsFloat() {
			if s.follows(r) {
				s.put(r, tangents[0])
			}
			tangents = tangents[1:]
		}
	}
	return nil
}

// wanted tells whether a moving result of loop or call v is reached, or has an adjoint.
func (s *sweep) wanted(v ir.Value) bool {
	for i := range s.resultCount(v) {
		r := s.b.Result(v, i)
		if s.follows(r) && (!s.reverse || s.of(r) != ir.None) {
			return true
		}
	}
	return false
}

// follows tells whether the sweep handles result r of a loop or call.
func (s *sweep) follows(r ir.Value) bool { return r < s.end && !s.skip(r) }

func (s *sweep) resultCount(v ir.Value) int {
	if s.p.Node(v).Op == ir.OpLoop {
		return len(s.p.Loop(v).States)
	}
	return len(s.env.m.Funcs[s.p.Call(v).Func].Body.Results)
}

func (s *sweep) callReverse(v ir.Value) error {
	if !s.wanted(v) {
		return nil
	}
	d, args, results, err := s.call(v)
	if err != nil {
		return err
	}
	fn := s.env.m.Funcs[d.f]
	if fn.JVP >= 0 || fn.VJP >= 0 {
		return s.customReverse(fn, args, results)
	}
	d.kind = "vjp"
	in := append([]ir.Value(nil), args...)
	for i, r := range results {
		g := s.adjointOf(r)
		d.results[i] = d.results[i] && g != ir.None
		if d.results[i] {
			in = append(in, g)
		}
	}
	f, err := s.env.derive(&d)
	if err != nil {
		return err
	}
	adjoints := s.b.Call(f, in...)
	for i, a := range args {
		if d.params[i] {
			s.accumulate(a, adjoints[0])
			adjoints = adjoints[1:]
		}
	}
	for i, u := range d.uniforms {
		s.accumulate(s.uniforms[u], adjoints[i])
	}
	return nil
}

// adjointOf returns the adjoint of a result unless the result itself is independent.
func (s *sweep) adjointOf(r ir.Value) ir.Value {
	if !s.follows(r) {
		return ir.None
	}
	return s.of(r)
}

// customReverse uses vjp(params..., results..., adjoints of the float results...).
func (s *sweep) customReverse(fn *ir.Func, args, results []ir.Value) error {
	if fn.VJP < 0 {
		return fmt.Errorf("grad: function %s has a forward rule but no reverse rule", fn.Name)
	}
	in := append(append([]ir.Value(nil), args...), results...)
	for _, r := range results {
		if s.b.Type(r).IsFloat() {
			in = append(in, s.orZero(s.adjointOf(r), r))
		}
	}
	if err := s.env.checkRule(fn, fn.VJP, len(in)); err != nil {
		return err
	}
	adjoints := s.b.Call(fn.VJP, in...)
	for _, a := range args {
		if s.b.Type(a).IsFloat() {
			if s.act.state[a] == moving {
				s.accumulate(a, adjoints[0])
			}
			adjoints = adjoints[1:]
		}
	}
	return nil
}

func (env *environment) checkRule(fn *ir.Func, rule, args int) error {
	body, floats := env.m.Funcs[rule].Body, 0
	list := fn.Body.Params
	if rule == fn.JVP {
		list = fn.Body.Results
	}
	for _, v := range list {
		if fn.Body.Node(v).Type.IsFloat() {
			floats++
		}
	}
	if len(body.Params) != args || len(body.Results) != floats {
		return fmt.Errorf("grad: derivative rule %s of %s takes %d values and returns %d, not %d and %d",
			env.m.Funcs[rule].Name, fn.Name, len(body.Params), len(body.Results), args, floats)
	}
	return nil
}

// derive returns the derivative function that d describes, making it if the module lacks it.
func (env *environment) derive(d *derivation) (int, error) {
	name := d.name(env.m)
	for i, f := range env.m.Funcs {
		if f.Name == name {
			return i, nil
		}
	}
	fn := env.m.Funcs[d.f]
	b := ir.NewBuilder(env.m)
	e := newEmitterIn(b, env)
	e.finite.wildParams = d.wild
	outs := copyFunction(b, fn.Body)
	wrt, rest := d.independent(b)
	var changes, primal []ir.Value
	var err error
	for i, o := range outs {
		if d.results[i] {
			primal = append(primal, o)
		}
	}
	if d.kind == "jvp" {
		tangents := declare(b, append(wrt, rest...))
		changes, err = e.jvp(primal, append(wrt, rest...), tangents)
		changes = orZeros(e, primal, changes)
	} else {
		seeds := declare(b, primal)
		changes, err = e.vjp(primal, seeds, append(wrt, rest...))
		changes = orZeros(e, append(wrt, rest...), changes)
	}
	if err != nil {
		return 0, fmt.Errorf("%w, in function %s", err, fn.Name)
	}
	b.SetResults(changes...)
	return env.m.AddFunc(name, b.Program()), nil
}

// independent returns the moving parameters of the function being recorded in b, and its independent uniforms.
func (d *derivation) independent(b *ir.Builder) (params, uniforms []ir.Value) {
	for i, p := range b.Program().Params {
		if d.params[i] {
			params = append(params, p)
		}
	}
	for _, u := range d.uniforms {
		uniforms = append(uniforms, b.UniformAt(u))
	}
	return params, uniforms
}

// declare adds one parameter of the type of each value.
func declare(b *ir.Builder, like []ir.Value) []ir.Value {
	out := make([]ir.Value, len(like))
	for i, v := range like {
		out[i] = b.Param(b.Type(v))
	}
	return out
}

func orZeros(e *emitter, like, vs []ir.Value) []ir.Value {
	if vs == nil {
		return nil
	}
	return fillZeros(e.b, like, vs)
}

// copyFunction declares the parameters of a function in b, copies its body and returns its results.
func copyFunction(b *ir.Builder, body *ir.Program) []ir.Value {
	r := ir.NewRewriter(body, b)
	for _, v := range body.Params {
		r.SetImage(v, b.Param(body.Node(v).Type))
	}
	r.Run(body.Live())
	return r.Images(body.Results)
}

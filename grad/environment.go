package grad

import (
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// environment remembers what is true of the functions of a module, however often they are called.
type environment struct {
	m         *ir.Module
	access    map[int]access
	summaries map[string][]status
}

// access lists what a function reads besides its parameters, in its body, the functions it calls and its rules.
type access struct {
	uniforms []int
	buffers  []int
}

func newEnvironment(m *ir.Module) *environment {
	return &environment{m: m, access: map[int]access{}, summaries: map[string][]status{}}
}

// reads returns what function f reads besides its parameters.
func (env *environment) reads(f int) access {
	if a, ok := env.access[f]; ok {
		return a
	}
	fn := env.m.Funcs[f]
	var a access
	for i := range fn.Body.Nodes {
		switch n := &fn.Body.Nodes[i]; n.Op {
		case ir.OpUniform:
			a.uniforms = append(a.uniforms, int(n.Imm))
		case ir.OpGather:
			a.buffers = append(a.buffers, int(n.Imm))
		}
	}
	var others []int
	for _, c := range fn.Body.Calls {
		others = append(others, c.Func)
	}
	for _, g := range append(others, fn.JVP, fn.VJP) {
		if g >= 0 && g != f {
			other := env.reads(g)
			a.uniforms = append(a.uniforms, other.uniforms...)
			a.buffers = append(a.buffers, other.buffers...)
		}
	}
	slices.Sort(a.uniforms)
	slices.Sort(a.buffers)
	a.uniforms, a.buffers = slices.Compact(a.uniforms), slices.Compact(a.buffers)
	env.access[f] = a
	return a
}

// independentUniforms returns those of the given uniforms that function f reads.
func (env *environment) independentUniforms(f int, uniforms []int) []int {
	if len(uniforms) == 0 {
		return nil
	}
	var out []int
	for _, u := range env.reads(f).uniforms {
		if slices.Contains(uniforms, u) {
			out = append(out, u)
		}
	}
	return out
}

// gathersOutside refuses a call of f if f reads a buffer of which an element is an independent value: which
// element it is cannot be told inside f.
func (env *environment) gathersOutside(f int, a *activity) error {
	for _, v := range a.fixed {
		n := a.p.Node(v)
		if a.state[v] == moving && n.Op == ir.OpGather && slices.Contains(env.reads(f).buffers, int(n.Imm)) {
			return fmt.Errorf("grad: function %s reads buffer %s, an element of which is an independent value; "+
				"pass the element as an argument", env.m.Funcs[f].Name, env.m.Buffers[n.Imm].Name)
		}
	}
	return nil
}

// results returns the status of the results of function f, given those of its arguments and the independent
// uniforms of the module.
func (env *environment) results(f int, args []status, uniforms []int) ([]status, error) {
	uniforms = env.independentUniforms(f, uniforms)
	key := fmt.Sprint(f, args, uniforms)
	if s, ok := env.summaries[key]; ok {
		return s, nil
	}
	fn := env.m.Funcs[f]
	out, err := env.customResults(fn, args, uniforms)
	if fn.JVP < 0 && fn.VJP < 0 {
		a := newActivity(env, fn.Body, uniforms, &scratch{})
		a.fixBody(args)
		if err = a.analyse(fn.Body.Results); err == nil {
			for i, r := range fn.Body.Results {
				out[i] = a.state[r]
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w, in function %s", err, fn.Name)
	}
	env.summaries[key] = out
	return out, nil
}

// customResults returns the status of the results of a function that has a rule of its own.
func (env *environment) customResults(fn *ir.Func, args []status, uniforms []int) ([]status, error) {
	out := make([]status, len(fn.Body.Results))
	if fn.JVP < 0 && fn.VJP < 0 {
		return out, nil
	}
	if len(uniforms) > 0 {
		return nil, fmt.Errorf("grad: it has its own derivative rule but reads the independent uniform %s; "+
			"pass it as an argument", env.m.Uniforms[uniforms[0]].Name)
	}
	if slices.Contains(args, bits) {
		return nil, fmt.Errorf("grad: it has its own derivative rule but takes the bits of a float that depends on " +
			"the independent values")
	}
	for i, r := range fn.Body.Results {
		if slices.Contains(args, moving) && fn.Body.Node(r).Type.IsFloat() {
			out[i] = moving
		}
	}
	return out, nil
}

// fixBody sets the status of what a function's body starts from: the parameters, and the independent uniforms.
func (a *activity) fixBody(args []status) {
	for i, v := range a.p.Params {
		a.fix(v, args[i])
	}
	for i := range a.p.Nodes {
		if n := &a.p.Nodes[i]; n.Op == ir.OpUniform && slices.Contains(a.uniforms, int(n.Imm)) {
			a.fix(ir.Value(i), moving)
		}
	}
}

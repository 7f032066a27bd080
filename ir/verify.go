package ir

import (
	"errors"
	"fmt"
	"slices"
)

// Limits of a module. A lane's number is an int32; sizes leave room for products.
const (
	MaxLanes    = 1<<31 - 1
	MaxElements = 1 << 40
	MaxDims     = 8
)

// maxErrors is how many errors the verifier reports at once.
const maxErrors = 20

// Verify checks the invariants of a module: types and arities, arguments before users, scopes exactly as deep as the
// arguments, loops and calls well formed and properly nested, no recursion, buffers and uniforms that exist,
// effects at the lane's scope, derivative rules with the right signature, stages that read or write a buffer but
// never both, and temporaries written before read. It accepts any module, however broken, without panicking.
func Verify(m *Module) error {
	v := verifier{m: m, where: "declarations"}
	v.declarations()
	for i, f := range m.Funcs {
		v.where = fmt.Sprintf("function %s", f.Name)
		if len(v.errs) == 0 { // later checks rely on the signatures of what came before
			v.callable = i
			v.function(f)
		}
	}
	v.callable = len(m.Funcs)
	for _, f := range m.Funcs {
		v.where = fmt.Sprintf("function %s", f.Name)
		if len(v.errs) == 0 {
			v.rule(f, f.JVP, "jvp")
			v.rule(f, f.VJP, "vjp")
		}
	}
	written := make([]bool, len(m.Buffers))
	for i := range m.Stages {
		s := &m.Stages[i]
		v.where = fmt.Sprintf("stage %d (%v %s)", i, s.Kind, s.Name)
		if len(v.errs) == 0 {
			v.stage(s, written)
		}
	}
	return errors.Join(v.errs...)
}

type verifier struct {
	m        *Module
	where    string
	callable int // functions below this index may be called
	errs     []error
}

func (v *verifier) failf(format string, args ...any) {
	if len(v.errs) < maxErrors {
		v.errs = append(v.errs, fmt.Errorf("ir: module %q, %s: %s", v.m.Name, v.where, fmt.Sprintf(format, args...)))
	}
}

func (v *verifier) declarations() {
	for i := range v.m.Buffers {
		b := &v.m.Buffers[i]
		if b.Type == Invalid || b.Type > U8 || int(b.Life) >= len(lifetimeNames) {
			v.failf("buffer %s has no type or no lifetime", b.Name)
		}
		v.sizes("buffer "+b.Name, b.Shape, MaxElements)
	}
	for _, u := range v.m.Uniforms {
		if !valueType(u.Type) {
			v.failf("uniform %s is of type %v", u.Name, u.Type)
		}
	}
	for i, f := range v.m.Funcs {
		if f == nil || f.Body == nil {
			v.failf("function %d has no body", i)
			return
		}
		for _, rule := range []int{f.JVP, f.VJP} {
			if rule < -1 || rule >= len(v.m.Funcs) || rule == i {
				v.failf("function %s: derivative rule %d does not exist", f.Name, rule)
			}
		}
	}
}

// valueType tells whether a node may hold values of type t; the 16-bit floats are for storage only.
func valueType(t Type) bool { return t == Bool || ClassNumber.Has(t) }

// sizes checks a shape or domain.
func (v *verifier) sizes(what string, dims []int, limit int) {
	if len(dims) > MaxDims {
		v.failf("%s has %d dimensions, more than %d", what, len(dims), MaxDims)
	}
	n := 1
	for _, d := range dims {
		if d < 0 || d > limit || n > 0 && d > limit/n {
			v.failf("%s of %d has a negative size or more than %d elements", what, dims, limit)
			return
		}
		n *= d
	}
}

func (v *verifier) function(f *Func) {
	if len(f.Body.Effects) > 0 {
		v.failf("a function has no effects")
	}
	if len(f.Body.Results) == 0 {
		v.failf("a function needs results")
	}
	v.program(f.Body)
}

// rule checks the signature of a derivative rule: the function's params, its results, then one tangent for each
// float param (jvp) or one adjoint for each float result (vjp).
func (v *verifier) rule(f *Func, index int, kind string) {
	if index < 0 {
		return
	}
	params, results := typesOf(f.Body, f.Body.Params), typesOf(f.Body, f.Body.Results)
	in, out := floats(params), floats(results)
	if kind == "vjp" {
		in, out = out, in
	}
	want := append(append(append([]Type(nil), params...), results...), in...)
	rule := v.m.Funcs[index]
	if got := typesOf(rule.Body, rule.Body.Params); !equalTypes(got, want) {
		v.failf("its %s %s takes %v, not %v", kind, rule.Name, got, want)
	}
	if got := typesOf(rule.Body, rule.Body.Results); !equalTypes(got, out) {
		v.failf("its %s %s gives %v, not %v", kind, rule.Name, got, out)
	}
}

func typesOf(p *Program, values []Value) []Type {
	out := make([]Type, len(values))
	for i, x := range values {
		out[i] = p.Nodes[x].Type
	}
	return out
}

func floats(types []Type) []Type {
	var out []Type
	for _, t := range types {
		if t.IsFloat() {
			out = append(out, t)
		}
	}
	return out
}

func equalTypes(a, b []Type) bool {
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

// Reads returns the buffers that a stage reads, and those that it writes.
func (s *Stage) Reads() (reads, writes []int) {
	if s.Prog == nil {
		return s.In, s.Out
	}
	reads, writes = slices.Clone(s.In), slices.Clone(s.Out)
	for i := range s.Prog.Nodes {
		if n := &s.Prog.Nodes[i]; n.Op == OpGather {
			reads = append(reads, int(n.Imm))
		}
	}
	for _, e := range s.Prog.Effects {
		writes = append(writes, e.Buffer)
	}
	return reads, writes
}

func (v *verifier) stage(s *Stage, written []bool) {
	if s.Kind >= numStages {
		v.failf("a stage of this kind does not exist")
		return
	}
	switch {
	case s.Kind == StageMap:
		v.mapStage(s)
	case s.Kind == StageReduce && s.Prog != nil:
		v.elementProgram(s)
	case s.Prog != nil:
		v.failf("only maps and reductions have programs")
	}
	if len(v.errs) > 0 {
		return
	}
	if v.flow(s, written); len(v.errs) == 0 {
		switch s.Kind {
		case StageMatMul:
			v.matMul(s)
		case StageConv:
			v.conv(s)
		default:
			v.axis(s)
		}
	}
}

func (v *verifier) mapStage(s *Stage) {
	if s.Prog == nil || len(s.Domain) == 0 {
		v.failf("a map needs a program and a domain")
		return
	}
	if len(s.Prog.Params) > 0 || len(s.Prog.Results) > 0 {
		v.failf("a map's program has effects, not parameters and results")
	}
	v.sizes("the domain", s.Domain, MaxLanes)
	v.program(s.Prog)
}

// flow checks that a stage reads only what is there and writes nothing that it reads.
func (v *verifier) flow(s *Stage, written []bool) {
	reads, writes := s.Reads()
	isWritten := map[int]bool{}
	for _, b := range append(reads[:len(reads):len(reads)], writes...) {
		if b < 0 || b >= len(v.m.Buffers) {
			v.failf("buffer %d does not exist", b)
			return
		}
	}
	for _, b := range writes {
		isWritten[b] = true
		if v.m.Buffers[b].Life == Input {
			v.failf("writes %s, an input", v.m.Buffers[b].Name)
		}
	}
	for _, b := range reads {
		if isWritten[b] {
			v.failf("reads and writes %s", v.m.Buffers[b].Name)
		}
		if v.m.Buffers[b].Life != Input && !written[b] {
			v.failf("reads %s before any stage wrote it", v.m.Buffers[b].Name)
		}
	}
	for _, b := range writes {
		written[b] = true
	}
}

package ir

import (
	"fmt"
	"slices"
	"strconv"
)

// Limits of the text form.
const (
	MaxText      = 64 << 20 // bytes
	MaxLoopDepth = 64
)

// Parse reads a module from its text form (see Print) and verifies it. The nodes are those of the text, neither
// folded nor shared anew. The error gives file, line and column and says what was expected; what only the verifier
// finds names the value.
func Parse(file string, text []byte) (*Module, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("ir: %s: %d bytes of text, more than %d", file, len(text), MaxText)
	}
	p := &parser{file: file, lex: lexer{text: string(text), line: 1}, m: &Module{}}
	p.advance()
	p.module()
	if p.err != nil {
		return nil, p.err
	}
	if err := Verify(p.m); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, f := range p.m.Funcs {
		f.Body.markRecorded(p.m)
	}
	for i := range p.m.Stages {
		if prog := p.m.Stages[i].Prog; prog != nil {
			prog.markRecorded(p.m)
		}
	}
	return p.m, nil
}

// parser keeps the first error; after it every token is the end of the text, so that all rules come to an end.
type parser struct {
	file  string
	lex   lexer
	tok   token
	err   error
	m     *Module
	rules []ruleRef // derivative rules, whose functions may come later
}

type ruleRef struct {
	set func(f int)
	ref reference
}

func (p *parser) failAt(t token, format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("ir: %s:%d:%d: %s", p.file, t.line, t.col, fmt.Sprintf(format, args...))
	}
	p.tok = token{line: t.line, col: t.col}
}

func (p *parser) expected(what string) { p.failAt(p.tok, "expected %s, found %v", what, p.tok) }

func (p *parser) advance() {
	if p.err != nil {
		return
	}
	t, ok := p.lex.next()
	if !ok {
		p.failAt(t, "no token starts with %q, or a quoted name does not end", t.text)
		return
	}
	p.tok = t
}

// take returns the current token and goes on, if it is of the given kind.
func (p *parser) take(kind tokenKind, what string) token {
	t := p.tok
	if t.kind != kind {
		p.expected(what)
		return t
	}
	p.advance()
	return t
}

// is tells whether the current token is this word or punctuation.
func (p *parser) is(text string) bool {
	return (p.tok.kind == tokWord || p.tok.kind == tokPunct) && p.tok.text == text
}

// accept goes on if the current token is this word or punctuation.
func (p *parser) accept(text string) bool {
	if !p.is(text) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.expected(strconv.Quote(text))
	}
}

func (p *parser) name() string {
	if p.tok.kind == tokString {
		return p.take(tokString, "a name").text
	}
	return p.take(tokWord, "a name").text
}

// integer reads a number between lo and hi.
func (p *parser) integer(what string, lo, hi int64) int64 {
	t := p.take(tokWord, what)
	x, err := strconv.ParseInt(t.text, 10, 64)
	if p.err == nil && (err != nil || x < lo || x > hi) {
		p.failAt(t, "expected %s from %d to %d, found %v", what, lo, hi, t)
	}
	return x
}

func (p *parser) typ() Type {
	t := p.take(tokWord, "a type")
	typ := TypeByName(t.text)
	if typ == Invalid && p.err == nil {
		p.failAt(t, "expected a type (bool, i32, u32, f32, f64, f16, bf16), found %v", t)
	}
	return typ
}

// oneOf reads one of the given words and returns its index.
func (p *parser) oneOf(what string, words []string) int {
	t := p.take(tokWord, what)
	i := slices.Index(words, t.text)
	if i < 0 && p.err == nil {
		p.failAt(t, "expected %s, one of %q, found %v", what, words, t)
	}
	return max(i, 0)
}

func (p *parser) dims() []int {
	var out []int
	p.expect("[")
	for p.err == nil && !p.accept("]") {
		if len(out) == MaxDims {
			p.failAt(p.tok, "expected at most %d dimensions", MaxDims)
		}
		out = append(out, int(p.integer("a size", 0, MaxElements)))
	}
	return out
}

// reference is a name or #index, with its place.
type reference struct {
	at    token
	name  string
	index int // -1 for a name
}

func (p *parser) reference() reference {
	r := reference{at: p.tok, index: -1}
	if p.accept("#") {
		r.index = int(p.integer("an index", 0, 1<<30))
		return r
	}
	r.name = p.name()
	return r
}

// resolve returns the index of what r refers to.
func resolve[T any](p *parser, what string, r reference, list []T, name func(T) string) int {
	if p.err != nil {
		return 0
	}
	if r.index >= len(list) {
		p.failAt(r.at, "expected a %s below #%d, found #%d", what, len(list), r.index)
		return 0
	}
	if r.index >= 0 {
		return r.index
	}
	is := func(x T) bool { return name(x) == r.name }
	i := slices.IndexFunc(list, is)
	if i < 0 {
		p.failAt(r.at, "there is no %s %q", what, r.name)
		return 0
	}
	if slices.ContainsFunc(list[i+1:], is) {
		p.failAt(r.at, "several %ss are named %q: expected # and an index", what, r.name)
	}
	return i
}

func (p *parser) buffer() int {
	return resolve(p, "buffer", p.reference(), p.m.Buffers, func(b Buffer) string { return b.Name })
}

func (p *parser) function(r reference) int {
	return resolve(p, "function", r, p.m.Funcs, func(f *Func) string { return f.Name })
}

func (p *parser) module() {
	p.expect("module")
	p.m.Name = p.name()
	for p.err == nil && p.tok.kind != tokEnd {
		p.item()
	}
	for _, r := range p.rules {
		r.set(p.function(r.ref))
	}
}

func (p *parser) item() {
	start := p.tok
	switch word := p.take(tokWord, "a declaration").text; word {
	case "uniform":
		p.uniform()
	case "buffer":
		b := Buffer{Name: p.name(), Type: p.typ(), Shape: p.dims()}
		b.Life = Lifetime(p.oneOf("a lifetime", lifetimeNames[:]))
		p.m.Buffers = append(p.m.Buffers, b)
	case "func":
		p.funcItem()
	default:
		kind := slices.Index(stageNames[:], word)
		if kind < 0 {
			p.failAt(start, "expected uniform, buffer, func or a stage %q, found %v", stageNames, start)
			return
		}
		p.stage(StageKind(kind))
	}
}

func (p *parser) uniform() {
	at := p.tok
	u := Uniform{Name: p.name(), Type: p.typ()}
	if p.err == nil && p.m.UniformIndex(u.Name) >= 0 {
		p.failAt(at, "uniform %q is declared twice", u.Name)
	}
	p.m.Uniforms = append(p.m.Uniforms, u)
}

func (p *parser) funcItem() {
	f := &Func{Name: p.name(), JVP: -1, VJP: -1}
	b := newBody(p)
	p.expect("(")
	for p.err == nil && !p.accept(")") {
		if len(b.prog.Params) > 0 {
			p.expect(",")
		}
		b.param()
	}
	if p.accept("jvp") {
		p.rules = append(p.rules, ruleRef{func(i int) { f.JVP = i }, p.reference()})
	}
	if p.accept("vjp") {
		p.rules = append(p.rules, ruleRef{func(i int) { f.VJP = i }, p.reference()})
	}
	p.expect("{")
	b.region(ScopeLane, nil)
	p.expect("return")
	b.prog.Results = b.uses()
	p.expect("}")
	f.Body = b.finish()
	p.m.Funcs = append(p.m.Funcs, f)
}

func (p *parser) stage(kind StageKind) {
	s := Stage{Kind: kind, Name: p.name()}
	switch {
	case kind == StageReduce && p.is("["):
		p.elements(&s)
	case kind == StageMap:
		s.Domain = p.dims()
		b := newBody(p)
		p.expect("{")
		b.region(ScopeLane, nil)
		b.effects()
		p.expect("}")
		s.Prog = b.finish()
	default:
		s.In = p.buffers()
		p.expect("->")
		s.Out = p.buffers()
	}
	switch kind {
	case StageReduce, StageScan, StageSort:
		p.axis(&s)
	case StageMatMul:
		s.MatMul = p.matMul()
	case StageConv:
		s.Conv = p.conv()
	}
	p.m.Stages = append(p.m.Stages, s)
}

func (p *parser) buffers() []int {
	var out []int
	p.expect("(")
	for p.err == nil && !p.accept(")") {
		if len(out) > 0 {
			p.expect(",")
		}
		out = append(out, p.buffer())
	}
	return out
}

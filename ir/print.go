package ir

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// The text form. Parse reads it back to an equal module.
//
//	module name
//	uniform ball.radius f32
//	buffer image f32 [48 48 3] output
//	func square(%0 f32) jvp square.jvp {
//	  %1 = mul f32 %0 %0
//	  return %1
//	}
//	map shade [48 48] {
//	  once {                                  what is computed once a launch
//	    %0 = uniform f32 ball.radius
//	    %1 = const i32 0
//	  }
//	  %2 = lane i32
//	  %3 = gather f32 texture %2
//	  %9 = loop max 50 (%4 f32 = %3, %5 i32 = %1) {
//	    %6 = lt bool %4 %0
//	    %7 = call square(%4)
//	    %8 = result f32 %7 0
//	    while %6
//	    next %8 %5
//	  }
//	  %10 = result f32 %9 0 @17               a source position
//	  store image %2 %10
//	}
//	reduce mean (image) -> (small) op mean group 16 inner 3
//	reduce norm [48 48 3] {                   a reduction of what a program computes
//	  %0 = lane i32
//	  %1 = gather f32 image %0
//	  %2 = mul f32 %1 %1
//	  return %2
//	} -> (rows) op sum
//	scan running (image) -> (sums) group 48 inner 3
//	sort order (image) -> (sorted, from) group 48 descending
//	matmul product (x, w) -> (y) batch [2] m 3 n 4 k 5
//	  a offset 0 batch [15] row 5 col 1 b offset 0 batch [0] row 4 col 1
//	conv blur (image, filter) -> (soft) forward batch 1 channels 3 filters 3 groups 3 image [48 48] filter [5 5]
//	  result [48 48] stride [1 1] dilation [1 1] pad [2 2]
//
// The number of a value is its place in Program.Nodes, so a node outside of a loop may have a number between
// those of the loop's nodes. Line breaks are blanks; // starts a comment. Names that are no words are quoted as in
// Go; #2 names the buffer, uniform or function with index 2 where its name is not the only one. Floats are
// decimal or hexadecimal, inf, -inf or nan.

// Print returns the text of a module that Verify accepts.
func Print(m *Module) string {
	var b strings.Builder
	m.WriteText(&b)
	return b.String()
}

// PrintStage returns the text of one stage of a module that Verify accepts, without the declarations.
func PrintStage(m *Module, s *Stage) string {
	p := newPrinter(m)
	p.stage(s)
	return p.out.String()
}

// PrintLines returns the lines of a map's program one by one: of each node, the first one where it has several and none
// for those that have no line of their own, and of each effect.
func PrintLines(m *Module, prog *Program) (nodes, effects []string) {
	p := newPrinter(m)
	p.p = prog
	for i := range prog.Nodes {
		text := ""
		switch n := prog.Node(Value(i)); n.Op {
		case OpParam, OpState:
		case OpLoop:
			text = p.loopHead(Value(i), n)
		default:
			text = p.nodeLine(Value(i), n)
		}
		nodes = append(nodes, text)
	}
	for _, e := range prog.Effects {
		effects = append(effects, p.effectLine(e))
	}
	return nodes, effects
}

// WriteText writes the text of a module that Verify accepts.
func (m *Module) WriteText(w io.Writer) error {
	p := newPrinter(m)
	p.line("module %s", quoteName(m.Name))
	for _, u := range m.Uniforms {
		p.line("uniform %s %v", quoteName(u.Name), u.Type)
	}
	for _, b := range m.Buffers {
		p.line("buffer %s %v %s %v", quoteName(b.Name), b.Type, dims(b.Shape), b.Life)
	}
	for _, f := range m.Funcs {
		p.function(f)
	}
	for i := range m.Stages {
		p.stage(&m.Stages[i])
	}
	_, err := w.Write(p.out.Bytes())
	return err
}

// printer writes lines, indented by the depth of the loops.
type printer struct {
	buffers, uniforms, funcs []string // how the text refers to each

	p       *Program
	regions map[Scope][]Value // the nodes of each scope, in order
	indent  int
	out     bytes.Buffer
}

func newPrinter(m *Module) *printer {
	return &printer{
		buffers:  referencesTo(m.Buffers, func(b Buffer) string { return b.Name }),
		uniforms: referencesTo(m.Uniforms, func(u Uniform) string { return u.Name }),
		funcs:    referencesTo(m.Funcs, func(f *Func) string { return f.Name }),
	}
}

func (p *printer) line(format string, args ...any) {
	p.out.WriteString(strings.Repeat("  ", p.indent))
	fmt.Fprintf(&p.out, format, args...)
	p.out.WriteByte('\n')
}

func (p *printer) function(f *Func) {
	params := make([]string, len(f.Body.Params))
	for i, v := range f.Body.Params {
		n := f.Body.Node(v)
		params[i] = fmt.Sprintf("%%%d %v%s", v, n.Type, position(n))
	}
	rules := ""
	for _, r := range []struct {
		name  string
		index int
	}{{"jvp", f.JVP}, {"vjp", f.VJP}} {
		if r.index >= 0 {
			rules += " " + r.name + " " + p.funcs[r.index]
		}
	}
	p.line("func %s(%s)%s {", quoteName(f.Name), strings.Join(params, ", "), rules)
	p.program(f.Body)
	p.indent++
	p.line("return%s", values(f.Body.Results))
	p.indent--
	p.line("}")
}

func (p *printer) stage(s *Stage) {
	if s.Kind == StageMap {
		p.line("map %s %s {", quoteName(s.Name), dims(s.Domain))
		p.program(s.Prog)
		p.line("}")
		return
	}
	if s.Kind == StageReduce && s.Prog != nil {
		p.elements(s)
		return
	}
	text := fmt.Sprintf("%v %s (%s) -> (%s)", s.Kind, quoteName(s.Name), p.list(s.In), p.list(s.Out))
	switch s.Kind {
	case StageMatMul:
		text += matMulText(s.MatMul)
	case StageConv:
		text += s.Conv.text()
	default:
		text += axisText(s)
	}
	p.line("%s", text)
}

func (p *printer) list(buffers []int) string {
	names := make([]string, len(buffers))
	for i, b := range buffers {
		names[i] = p.buffers[b]
	}
	return strings.Join(names, ", ")
}

func (p *printer) program(prog *Program) {
	p.p, p.regions = prog, map[Scope][]Value{}
	for i := range prog.Nodes {
		s := prog.Nodes[i].Scope
		p.regions[s] = append(p.regions[s], Value(i))
	}
	p.indent++
	if once := p.regions[ScopeUniform]; len(once) > 0 {
		p.line("once {")
		p.region(ScopeUniform)
		p.line("}")
	}
	p.indent--
	p.region(ScopeLane)
	p.indent++
	for _, e := range prog.Effects {
		p.line("%s", p.effectLine(e))
	}
	p.indent--
}

// region prints the nodes of one scope, the loops among them with their bodies.
func (p *printer) region(s Scope) {
	p.indent++
	for _, v := range p.regions[s] {
		switch n := p.p.Node(v); n.Op {
		case OpParam, OpState: // with their function or loop
		case OpLoop:
			p.loop(v, n)
		default:
			p.line("%s", p.nodeLine(v, n))
		}
	}
	p.indent--
}

func (p *printer) effectLine(e Effect) string {
	return fmt.Sprintf("%v %s %%%d %%%d", e.Kind, p.buffers[e.Buffer], e.Index, e.Value)
}

func (p *printer) nodeLine(v Value, n *Node) string {
	return fmt.Sprintf("%%%d = %s%s", v, p.node(n), position(n))
}

// loopHead returns the line that opens a loop.
func (p *printer) loopHead(v Value, n *Node) string {
	l := p.p.Loop(v)
	states := make([]string, len(l.States))
	for i, s := range l.States {
		state := p.p.Node(s)
		states[i] = fmt.Sprintf("%%%d %v%s = %%%d", s, state.Type, position(state), l.Init[i])
	}
	return fmt.Sprintf("%%%d = loop max %d%s (%s) {", v, l.Max, position(n), strings.Join(states, ", "))
}

func (p *printer) loop(v Value, n *Node) {
	l := p.p.Loop(v)
	p.line("%s", p.loopHead(v, n))
	p.region(l.Scope)
	p.indent++
	p.line("while %%%d", l.Cond)
	p.line("next%s", values(l.Next))
	p.indent--
	p.line("}")
}

// node returns the right side of a node's line.
func (p *printer) node(n *Node) string {
	args := values(n.Args[:n.Op.Info().Args])
	switch n.Op {
	case OpConst:
		return fmt.Sprintf("const %v %s", n.Type, constText(n.Type, n.Imm))
	case OpUniform:
		return fmt.Sprintf("uniform %v %s", n.Type, p.uniforms[n.Imm])
	case OpGather:
		return fmt.Sprintf("gather %v %s%s", n.Type, p.buffers[n.Imm], args)
	case OpResult:
		return fmt.Sprintf("result %v%s %d", n.Type, args, n.Imm)
	case OpCall:
		c := p.p.Calls[n.Imm]
		list := make([]string, len(c.Args))
		for i, a := range c.Args {
			list[i] = fmt.Sprintf("%%%d", a)
		}
		return fmt.Sprintf("call %s(%s)", p.funcs[c.Func], strings.Join(list, ", "))
	}
	return fmt.Sprintf("%v %v%s", n.Op, n.Type, args)
}

// referencesTo returns how the text refers to each of the named things.
func referencesTo[T any](list []T, name func(T) string) []string {
	count := map[string]int{}
	for _, x := range list {
		count[name(x)]++
	}
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = quoteName(name(x))
		if count[name(x)] > 1 {
			out[i] = fmt.Sprintf("#%d", i)
		}
	}
	return out
}

// quoteName returns a name as it stands in the text: quoted unless it is a word.
func quoteName(name string) string {
	if name == "" || !isLetter(name[0]) {
		return strconv.Quote(name)
	}
	for i := range len(name) {
		if !isLetter(name[i]) && !isDigit(name[i]) && name[i] != '.' {
			return strconv.Quote(name)
		}
	}
	return name
}

func position(n *Node) string {
	if n.Pos == 0 {
		return ""
	}
	return fmt.Sprintf(" @%d", n.Pos)
}

func dims(shape []int) string { return fmt.Sprint(shape) }

func values(vs []Value) string {
	var b strings.Builder
	for _, v := range vs {
		fmt.Fprintf(&b, " %%%d", v)
	}
	return b.String()
}

// constText returns a constant exactly: floats as the shortest decimal that reads back to the same bits.
func constText(t Type, bits uint64) string {
	switch t {
	case Bool:
		return strconv.FormatBool(bits != 0)
	case I32:
		return strconv.Itoa(int(int32(bits)))
	case U32:
		return strconv.FormatUint(bits, 10)
	case F32:
		return floatText(float64(math.Float32frombits(uint32(bits))), 32)
	}
	return floatText(math.Float64frombits(bits), 64)
}

func floatText(x float64, size int) string {
	switch {
	case x != x:
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	return strconv.FormatFloat(x, 'g', -1, size)
}

package ir

import "fmt"

// Reductions, scans and sorts work along one axis of their arrays. This file has what is theirs of the verifier and of
// the text form.

// axis checks a stage along an axis, whose buffers exist.
func (v *verifier) axis(s *Stage) {
	switch s.Kind {
	case StageReduce:
		v.reduce(s)
	case StageScan:
		v.scan(s)
	case StageSort:
		v.sort(s)
	}
}

// elementProgram checks the program of a reduction.
func (v *verifier) elementProgram(s *Stage) {
	switch {
	case len(s.In) > 0:
		v.failf("a reduction with a program has no input")
	case len(s.Domain) != 3 || s.Domain[1] != s.Group || s.Domain[2] != s.Inner:
		v.failf("the domain %v of a reduction is not [outer, %d, %d]", s.Domain, s.Group, s.Inner)
	case len(s.Prog.Params) > 0 || len(s.Prog.Effects) > 0 || len(s.Prog.Results) != 1:
		v.failf("a reduction's program has one result, and neither parameters nor effects")
	default:
		v.sizes("the domain", s.Domain, MaxLanes)
		v.program(s.Prog)
	}
}

func (v *verifier) reduce(s *Stage) {
	one := len(s.In) == 1 || len(s.In) == 0 && s.Prog != nil
	if !one || len(s.Out) != 1 || s.Group < 1 || s.Inner < 1 || s.Reduce > ReduceProd {
		v.failf("a reduction has one input, one output, a group and an inner size of at least 1")
		return
	}
	out := &v.m.Buffers[s.Out[0]]
	var from Type
	var n int
	if s.Prog != nil {
		from, n = s.Prog.Node(s.Prog.Results[0]).Type, s.Lanes()
	} else {
		from, n = v.m.Buffers[s.In[0]].Type, v.m.Buffers[s.In[0]].Len()
	}
	if n%s.Group != 0 || n/s.Group != out.Len() || out.Len()%s.Inner != 0 {
		v.failf("%d elements in groups of %d (inner %d) do not give %d", n, s.Group, s.Inner, out.Len())
	}
	words := from == I32 && out.Type == I32 && s.Reduce != ReduceMean
	if !words && !(from.IsFloat() && out.Type.IsFloat()) {
		v.failf("a reduction takes floats to floats, or i32 to i32 unless it is a mean")
	}
}

func (v *verifier) scan(s *Stage) {
	if len(s.In) != 1 || len(s.Out) != 1 || s.Group < 1 || s.Inner < 1 {
		v.failf("a scan has one input, one output, a group and an inner size of at least 1")
		return
	}
	in, out := &v.m.Buffers[s.In[0]], &v.m.Buffers[s.Out[0]]
	if in.Len() != out.Len() || in.Len()%s.Group != 0 || in.Len()/s.Group%s.Inner != 0 {
		v.failf("%d elements in groups of %d (inner %d) do not give %d", in.Len(), s.Group, s.Inner, out.Len())
	}
	if in.Type != out.Type || !hasOrder(in.Type) {
		v.failf("a scan takes f32 to f32, or i32 to i32")
	}
}

func (v *verifier) sort(s *Stage) {
	if len(s.In) != 1 || len(s.Out) != 2 || s.Out[0] == s.Out[1] || s.Group < 1 || s.Group > MaxLanes {
		v.failf("a sort has one input, an output of values, one of indices, and a group from 1 to %d", MaxLanes)
		return
	}
	in, values, indices := &v.m.Buffers[s.In[0]], &v.m.Buffers[s.Out[0]], &v.m.Buffers[s.Out[1]]
	if in.Len() != values.Len() || in.Len() != indices.Len() || in.Len()%s.Group != 0 {
		v.failf("rows of %d of %d elements do not give %d and %d", s.Group, in.Len(), values.Len(), indices.Len())
	}
	if in.Type != values.Type || !hasOrder(in.Type) || indices.Type != I32 {
		v.failf("a sort takes f32 to f32 or i32 to i32, and its indices are i32")
	}
}

// hasOrder tells of the types that scans and sorts take.
func hasOrder(t Type) bool { return t == F32 || t == I32 }

// elements prints the program of a reduction and its closing brace.
func (p *printer) elements(s *Stage) {
	p.line("reduce %s %s {", quoteName(s.Name), dims(s.Domain))
	p.program(s.Prog)
	p.indent++
	p.line("return%s", values(s.Prog.Results))
	p.indent--
	p.line("} -> (%s) op %v", p.list(s.Out), s.Reduce)
}

// axisText returns what follows the buffers of a stage along an axis.
func axisText(s *Stage) string {
	switch {
	case s.Kind == StageReduce:
		return fmt.Sprintf(" op %v group %d inner %d", s.Reduce, s.Group, s.Inner)
	case s.Kind == StageScan:
		return fmt.Sprintf(" group %d inner %d", s.Group, s.Inner)
	case s.Kind == StageSort && s.Descending:
		return fmt.Sprintf(" group %d descending", s.Group)
	case s.Kind == StageSort:
		return fmt.Sprintf(" group %d", s.Group)
	}
	return ""
}

// elements reads domain and program of a reduction.
func (p *parser) elements(s *Stage) {
	at := p.tok
	if s.Domain = p.dims(); len(s.Domain) != 3 {
		p.failAt(at, "expected the sizes [outer group inner] of a reduction")
		return
	}
	s.Group, s.Inner = s.Domain[1], s.Domain[2]
	b := newBody(p)
	p.expect("{")
	b.region(ScopeLane, nil)
	p.expect("return")
	b.prog.Results = b.uses()
	p.expect("}")
	s.Prog = b.finish()
	p.expect("->")
	s.Out = p.buffers()
}

// axis reads what follows the buffers of a stage along an axis.
func (p *parser) axis(s *Stage) {
	if s.Kind == StageReduce {
		p.expect("op")
		s.Reduce = ReduceOp(p.oneOf("a reduction", reduceNames[:]))
		if s.Prog != nil {
			return
		}
	}
	p.expect("group")
	s.Group = int(p.integer("a size", 1, MaxElements))
	if s.Kind == StageSort {
		s.Descending = p.accept("descending")
		return
	}
	p.expect("inner")
	s.Inner = int(p.integer("a size", 1, MaxElements))
}

package grad

import (
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// Spec says which derivatives of a module are wanted: of the output buffers Outputs with respect to Uniforms and the
// input buffers Buffers. All are names of floats.
type Spec struct {
	Outputs  []string
	Uniforms []string
	Buffers  []string

	// WithoutPrimal leaves out of Reverse what only the module's own outputs need: they become empty temporaries.
	WithoutPrimal bool
}

// graph is a module being differentiated: which buffers depend on the independent values, and who writes them.
type graph struct {
	m        *ir.Module // the copy that grows
	primal   []ir.Stage
	env      *environment
	outputs  []int
	uniforms []int
	inputs   []int
	moving   []bool // by buffer of the original module
	written  []bool
	useful   []bool // read by a stage, or a wanted output
}

func newGraph(m *ir.Module, spec Spec) (*graph, error) {
	if err := ir.Verify(m); err != nil {
		return nil, fmt.Errorf("grad: %w", err)
	}
	m = ir.SplitReductions(m) // what a program computes for a reduction is then a map's
	g := &graph{m: m.Clone(), primal: m.Stages, moving: make([]bool, len(m.Buffers)), written: make([]bool, len(m.Buffers))}
	g.m.Stages = nil
	g.env = newEnvironment(g.m)
	for _, name := range spec.Uniforms {
		u := m.UniformIndex(name)
		if u < 0 || !m.Uniforms[u].Type.IsFloat() {
			return nil, fmt.Errorf("grad: module %q has no float uniform %q", m.Name, name)
		}
		g.uniforms = append(g.uniforms, u)
	}
	var err error
	if g.inputs, err = findBuffers(m, spec.Buffers, ir.Input); err != nil {
		return nil, err
	}
	if g.outputs, err = findBuffers(m, spec.Outputs, ir.Output); err != nil {
		return nil, err
	}
	for _, b := range g.inputs {
		g.moving[b] = true
	}
	g.useful = make([]bool, len(m.Buffers))
	for _, b := range g.outputs {
		g.useful[b] = true
	}
	for i := range m.Stages {
		reads, _ := m.Stages[i].Reads()
		for _, b := range reads {
			g.useful[b] = true
		}
	}
	return g, nil
}

func findBuffers(m *ir.Module, names []string, life ir.Lifetime) ([]int, error) {
	var out []int
	for _, name := range names {
		b := m.BufferIndex(name)
		if b < 0 || m.Buffers[b].Life != life || elementType(m, b).IsInt() {
			return nil, fmt.Errorf("grad: module %q has no %v buffer of floats %q", m.Name, life, name)
		}
		if slices.Contains(out, b) {
			return nil, fmt.Errorf("grad: buffer %q is given twice", name)
		}
		out = append(out, b)
	}
	return out, nil
}

// elementType returns the type of the values that a buffer's elements are read as.
func elementType(m *ir.Module, b int) ir.Type { return m.Buffers[b].Type.Value() }

// shadow adds a buffer of the shape of b for its derivative.
func (g *graph) shadow(name string, b int, life ir.Lifetime) int {
	return g.m.AddBuffer(name, elementType(g.m, b), life, g.m.Buffers[b].Shape...)
}

// lane is the lane program of a map stage, copied into a builder that derivatives are emitted into.
type lane struct {
	*emitter
	stage   *ir.Stage
	effects []ir.Effect
	gathers []ir.Value // the nodes that read moving buffers
	status  []status   // of the effects' values
}

// open copies the program of map stage i and finds what moves in it.
func (g *graph) open(i int) (*lane, error) {
	s := &g.primal[i]
	b := ir.NewBuilder(g.m)
	l := &lane{emitter: newEmitterIn(b, g.env), stage: s}
	r := ir.NewRewriter(s.Prog, b)
	r.Run(s.Prog.Live())
	for _, e := range s.Prog.Effects {
		e.Index, e.Value = r.Image(e.Index), r.Image(e.Value)
		l.effects = append(l.effects, e)
	}
	if err := g.findGathers(l); err != nil {
		return nil, fmt.Errorf("%w, in %v %s", err, s.Kind, s.Name)
	}
	values := make([]ir.Value, len(l.effects))
	for k, e := range l.effects {
		values[k] = e.Value
	}
	independent := l.independent(g) // may add nodes
	act := newActivity(g.env, b.Program(), slices.Sorted(slices.Values(g.uniforms)), &scratch{})
	for _, v := range independent {
		act.fix(v, moving)
	}
	if err := act.analyse(values); err != nil {
		return nil, fmt.Errorf("%w, in %v %s", err, s.Kind, s.Name)
	}
	for _, v := range values {
		l.status = append(l.status, act.state[v])
	}
	return l, nil
}

// findGathers lists the reads of moving buffers, which must lie outside loops and functions: each is then one
// value of the lane.
func (g *graph) findGathers(l *lane) error {
	p := l.b.Program()
	for _, c := range p.Calls {
		for _, b := range g.env.reads(c.Func).buffers {
			if b < len(g.moving) && g.moving[b] {
				return fmt.Errorf("grad: function %s reads buffer %s, which depends on the independent values; "+
					"pass what it reads as an argument", g.m.Funcs[c.Func].Name, g.m.Buffers[b].Name)
			}
		}
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		if n.Op != ir.OpGather || !g.moving[n.Imm] || !n.Type.IsFloat() {
			continue
		}
		if n.Scope > ir.ScopeLane {
			return fmt.Errorf("grad: a loop reads buffer %s, which depends on the independent values",
				g.m.Buffers[n.Imm].Name)
		}
		l.gathers = append(l.gathers, ir.Value(i))
	}
	return nil
}

// independent lists the independent uniforms and the reads of moving buffers.
func (l *lane) independent(g *graph) []ir.Value {
	var out []ir.Value
	for _, u := range g.uniforms {
		out = append(out, l.b.UniformAt(u))
	}
	return append(out, l.gathers...)
}

// propagate marks what stage i moves, given what moves before it, and refuses what is not supported. For a map it
// returns the opened lane.
func (g *graph) propagate(i int) (*lane, error) {
	s := &g.primal[i]
	var l *lane
	var err error
	if s.Kind == ir.StageMap {
		if l, err = g.open(i); err != nil {
			return nil, err
		}
	}
	reads, writes := s.Reads()
	slices.Sort(writes)
	for _, b := range slices.Compact(writes) {
		if g.written[b] {
			return nil, fmt.Errorf("grad: buffer %s is written by several stages, the last %v %s",
				g.m.Buffers[b].Name, s.Kind, s.Name)
		}
		g.written[b] = true
	}
	if l != nil {
		for k, e := range l.effects {
			g.moving[e.Buffer] = g.moving[e.Buffer] || l.status[k] == moving
		}
		return l, nil
	}
	if !slices.ContainsFunc(reads, func(b int) bool { return g.moving[b] }) {
		return nil, nil
	}
	if s.Kind != ir.StageReduce || s.Reduce != ir.ReduceSum && s.Reduce != ir.ReduceMean {
		return nil, fmt.Errorf("grad: no derivative of stage %v %s", s.Kind, s.Name)
	}
	g.moving[s.Out[0]] = true
	return nil, nil
}

// fillZero adds a stage that sets a buffer to zero.
func (g *graph) fillZero(buffer int) {
	b := ir.NewBuilder(g.m)
	b.Store(buffer, b.Lane(), b.Const(elementType(g.m, buffer), 0))
	g.m.AddMap("zero "+g.m.Buffers[buffer].Name, b.Program(), g.m.Buffers[buffer].Len())
}

// finish verifies the module that was made.
func (g *graph) finish() (*ir.Module, error) {
	if err := ir.Verify(g.m); err != nil {
		return nil, fmt.Errorf("grad: the derived module is wrong: %w", err)
	}
	return g.m, nil
}

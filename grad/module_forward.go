package grad

import (
	"fmt"

	"github.com/baremetaldevx86/microdr/ir"
)

// Forward returns the module that also computes how its outputs change: for each name in the spec it takes a
// uniform tan.NAME or an input buffer tan.NAME, the rate at which the uniform or buffer changes, and writes
// an output buffer tan.NAME of the shape of output NAME. Primal and tangent are computed by the same stages. Of
// reductions, sum and mean have derivatives.
func Forward(m *ir.Module, spec Spec) (*ir.Module, error) {
	g, err := newGraph(m, spec)
	if err != nil {
		return nil, err
	}
	d := &direction{tan: map[int]int{}}
	d.uniform = func(b *ir.Builder, u int) ir.Value { return b.Uniform("tan."+m.Uniforms[u].Name, m.Uniforms[u].Type) }
	d.gather = func(b *ir.Builder, buffer, _ int) int { return d.tan[buffer] }
	d.name = func(b int) string { return "tan." + g.m.Buffers[b].Name }
	for _, b := range g.inputs {
		d.tan[b] = g.shadow(d.name(b), b, ir.Input)
	}
	if err := g.pushForward([]*direction{d}, (*graph).tangentsForward); err != nil {
		return nil, err
	}
	return g.finish()
}

// direction is one way in which the independent values change.
type direction struct {
	uniform func(b *ir.Builder, u int) ir.Value    // the tangent of a uniform, or ir.None
	gather  func(b *ir.Builder, buffer, k int) int // for the k-th read of an input: its tangent buffer, or one of:
	name    func(buffer int) string                // the name of the buffer that holds the tangent of another
	tan     map[int]int                            // those that exist
}

// What gather returns where there is no tangent buffer.
const (
	tangentZero = -1
	tangentOne  = -2
)

// seeds returns the tangents of the independent values of a lane.
func (g *graph) seeds(l *lane, d *direction) []ir.Value {
	var out []ir.Value
	for _, u := range g.uniforms {
		out = append(out, d.uniform(l.b, u))
	}
	count := map[int]int{}
	for _, v := range l.gathers {
		n := *l.b.Node(v)
		buffer := int(n.Imm)
		from, ok := d.tan[buffer]
		if g.m.Buffers[buffer].Life == ir.Input {
			from = d.gather(l.b, buffer, count[buffer])
			count[buffer]++
		} else if !ok {
			from = tangentZero
		}
		switch from {
		case tangentZero:
			out = append(out, ir.None)
		case tangentOne:
			out = append(out, l.b.Const(n.Type, 1))
		default:
			out = append(out, l.b.Gather(from, n.Args[0]))
		}
	}
	return out
}

// pushForward goes through the stages in order, each followed by what computes the tangents of what it writes;
// tangents gives them for one map, by direction and effect.
func (g *graph) pushForward(dirs []*direction, tangents func(*graph, int, *lane, []*direction) (*lane, [][]ir.Value, error)) error {
	for i := range g.primal {
		s := &g.primal[i]
		l, err := g.propagate(i)
		if err != nil {
			return err
		}
		if l == nil {
			g.m.Stages = append(g.m.Stages, *s)
			g.reduceTangents(s, dirs)
			continue
		}
		l, ts, err := tangents(g, i, l, dirs)
		if err != nil {
			return fmt.Errorf("%w, in %v %s", err, s.Kind, s.Name)
		}
		for _, e := range l.effects {
			l.b.Effect(e.Kind, e.Buffer, e.Index, e.Value)
		}
		for k, d := range dirs {
			g.writeTangents(l, d, ts[k])
		}
		g.m.AddMap(s.Name, ir.DeadCode(g.m, l.b.Program()), s.Domain...)
	}
	for _, d := range dirs {
		for _, b := range g.outputs {
			if _, ok := d.tan[b]; !ok {
				g.fillZero(g.tangentBuffer(d, b))
			}
		}
	}
	return nil
}

// tangentBuffer returns the buffer for the tangent of b, making it if there is none.
func (g *graph) tangentBuffer(d *direction, b int) int {
	if t, ok := d.tan[b]; ok {
		return t
	}
	life := ir.Temp
	for _, o := range g.outputs {
		if o == b {
			life = ir.Output
		}
	}
	d.tan[b] = g.shadow(d.name(b), b, life)
	return d.tan[b]
}

// writeTangents adds to a lane the writes of the tangents of what it writes. A store whose own tangent is zero
// still stores it if another write of the buffer has one.
func (g *graph) writeTangents(l *lane, d *direction, tangents []ir.Value) {
	for k, e := range l.effects {
		if tangents[k] != ir.None && g.useful[e.Buffer] {
			g.tangentBuffer(d, e.Buffer)
		}
	}
	for k, e := range l.effects {
		t, ok := d.tan[e.Buffer]
		switch {
		case !ok:
		case e.Kind == ir.Store:
			l.b.Store(t, e.Index, l.orZero(tangents[k], e.Value))
		case tangents[k] != ir.None:
			l.b.ScatterAdd(t, e.Index, tangents[k])
		}
	}
}

// reduceTangents reduces the tangents of what s reduces in the same way.
func (g *graph) reduceTangents(s *ir.Stage, dirs []*direction) {
	for _, d := range dirs {
		if s.Kind != ir.StageReduce {
			return
		}
		if in, ok := d.tan[s.In[0]]; ok && g.useful[s.Out[0]] {
			out := g.tangentBuffer(d, s.Out[0])
			g.m.AddReduce("reduce "+g.m.Buffers[out].Name, s.Reduce, in, out, s.Group, s.Inner)
		}
	}
}

// tangentsForward computes the tangents of a lane's effects by one forward sweep for each direction.
func (g *graph) tangentsForward(_ int, l *lane, dirs []*direction) (*lane, [][]ir.Value, error) {
	var out [][]ir.Value
	values, independent := l.values(), l.independent(g)
	for _, d := range dirs {
		var wrt, tangents []ir.Value
		for i, t := range g.seeds(l, d) {
			if t != ir.None {
				wrt, tangents = append(wrt, independent[i]), append(tangents, t)
			}
		}
		ts, err := l.jvp(values, wrt, tangents)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, ts)
	}
	return l, out, nil
}

// tangentsReverse computes the same by one reverse sweep for each effect.
func (g *graph) tangentsReverse(_ int, l *lane, dirs []*direction) (*lane, [][]ir.Value, error) {
	out := make([][]ir.Value, len(dirs))
	seeds := make([][]ir.Value, len(dirs))
	for k, d := range dirs {
		seeds[k] = g.seeds(l, d)
		out[k] = make([]ir.Value, len(l.effects))
	}
	independent := l.independent(g)
	for j, e := range l.effects {
		adjoints, err := l.vjp([]ir.Value{e.Value}, []ir.Value{l.unit(e.Value)}, independent)
		if err != nil {
			return nil, nil, err
		}
		for k := range dirs {
			out[k][j] = ir.None
			for i, a := range adjoints {
				if a != ir.None && seeds[k][i] != ir.None {
					out[k][j] = l.plus(out[k][j], l.mul(a, seeds[k][i]))
				}
			}
		}
	}
	return l, out, nil
}

// unit is the seed 1 of a float value; other values have none.
func (l *lane) unit(v ir.Value) ir.Value {
	if !l.b.Type(v).IsFloat() {
		return ir.None
	}
	return l.num(v, 1)
}

func (l *lane) values() []ir.Value {
	out := make([]ir.Value, len(l.effects))
	for k, e := range l.effects {
		out[k] = e.Value
	}
	return out
}

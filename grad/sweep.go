package grad

import (
	"fmt"
	"maps"
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// sweep is one pass over the moving nodes of a program. It knows the values that are independent or constant, and
// each node's tangent (forward) or the sum of its adjoints so far (reverse). A node that is absent has a
// structural zero, for which nothing is emitted.
type sweep struct {
	*emitter
	p        *ir.Program
	act      *activity
	end      ir.Value         // nodes from here on were emitted by the sweep itself
	uniforms map[int]ir.Value // the independent uniforms by index
}

func (e *emitter) newSweep(outs, wrt, constants []ir.Value) (*sweep, error) {
	p := e.b.Program()
	s := &sweep{emitter: e, p: p, end: ir.Value(len(p.Nodes))}
	if len(p.Calls) > 0 { // else nobody asks
		s.uniforms = map[int]ir.Value{}
		for _, w := range wrt {
			if n := p.Node(w); n.Op == ir.OpUniform {
				s.uniforms[int(n.Imm)] = w
			}
		}
	}
	s.act = newActivity(e.env, p, slices.Sorted(maps.Keys(s.uniforms)), e.takeScratch())
	err := s.fix(wrt, constants)
	if err == nil {
		err = s.act.analyse(outs)
	}
	for i, v := range append(outs[:len(outs):len(outs)], wrt...) {
		if err == nil && v != ir.None && s.act.inside(v) {
			err = fmt.Errorf("grad: value %d (%%%d) lies inside a loop; use the loop's results", i, v)
		}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	s.plan()
	return s, nil
}

// close gives the sweep's tables back.
func (s *sweep) close() {
	s.act.clear(s.act)
	s.spare = append(s.spare, s.act.scratch)
}

// fix sets the status of the independent values and of those held constant.
func (s *sweep) fix(wrt, constants []ir.Value) error {
	for _, c := range constants {
		s.act.fix(c, still)
	}
	for i, w := range wrt {
		n := s.p.Node(w)
		switch {
		case !n.Type.IsFloat():
			return fmt.Errorf("grad: independent value %d is %v; derivatives are with respect to floats", i, n.Type)
		case n.Op == ir.OpConst:
			return fmt.Errorf("grad: independent value %d is a constant, shared by all its uses", i)
		case s.act.state[w] == moving:
			return fmt.Errorf("grad: independent value %d is given twice", i)
		}
		s.act.fix(w, moving)
	}
	return nil
}

// plan lists the nodes to visit, in the order of execution: those with a derivative, and the loops and calls that they
// are results of.
func (s *sweep) plan() {
	list, results := s.act.visits, false
	for _, v := range s.act.order {
		if s.act.state[v] != moving {
			continue
		}
		list = append(list, v)
		if n := s.p.Node(v); n.Op == ir.OpResult {
			list = append(list, n.Args[0])
			results = true
		}
	}
	slices.Sort(list)
	if results {
		list = slices.Compact(list)
	}
	s.act.visits = list
}

// skip tells whether the sweep passes v by: it does not move, is independent, or belongs to a complete loop.
func (s *sweep) skip(v ir.Value) bool {
	switch s.p.Node(v).Op {
	case ir.OpLoop, ir.OpCall:
		return s.act.inside(v)
	}
	return s.act.isFixed[v] || s.act.state[v] != moving || s.act.inside(v)
}

// jvp returns the tangents of outs, ir.None for structural zeros; constants are values not to look behind.
func (e *emitter) jvp(outs, wrt, tangents []ir.Value, constants ...ir.Value) ([]ir.Value, error) {
	e.reverse = false
	s, err := e.newSweep(outs, wrt, constants)
	if err != nil {
		return nil, err
	}
	defer s.close()
	for i, w := range wrt {
		s.put(w, tangents[i])
	}
	for _, v := range s.act.visits {
		if s.skip(v) {
			continue
		}
		switch s.p.Node(v).Op {
		case ir.OpResult: // set with its loop or call
		case ir.OpLoop:
			err = s.loopForward(v)
		case ir.OpCall:
			err = s.callForward(v)
		default:
			s.put(v, s.tangent(v))
		}
		if err != nil {
			return nil, err
		}
	}
	return s.changes(outs), nil
}

// put sets the change of v, if it is one.
func (s *sweep) put(v, change ir.Value) {
	if change != ir.None {
		s.act.change[v] = change + 1
		s.act.changed = append(s.act.changed, v)
	}
}

// of returns the change of v, or ir.None.
func (s *sweep) of(v ir.Value) ir.Value {
	if v == ir.None || v >= s.end {
		return ir.None
	}
	return s.act.change[v] - 1
}

func (s *sweep) changes(vs []ir.Value) []ir.Value {
	out := make([]ir.Value, len(vs))
	for i, v := range vs {
		out[i] = s.of(v)
	}
	return out
}

// tangent returns the tangent of an ordinary node.
func (s *sweep) tangent(v ir.Value) ir.Value {
	r, args := row(s.p, v)
	if r.branch != nil {
		br := r.branch(s.emitter, args)
		yes, no := s.of(args[br.yes]), s.of(args[br.no])
		if yes == ir.None && no == ir.None {
			return ir.None
		}
		return s.b.Select(br.cond, s.orZero(yes, v), s.orZero(no, v))
	}
	sum := ir.None
	for i, x := range args {
		if d := s.of(x); d != ir.None {
			sum = s.plus(sum, r.edge(s.emitter, crossing{args, v, i, d}))
		}
	}
	return sum
}

// vjp returns the adjoints of wrt, ir.None for structural zeros; constants are values not to look behind.
func (e *emitter) vjp(outs, seeds, wrt []ir.Value, constants ...ir.Value) ([]ir.Value, error) {
	e.reverse = true
	s, err := e.newSweep(outs, wrt, constants)
	if err != nil {
		return nil, err
	}
	defer s.close()
	for i, o := range outs {
		if o != ir.None && s.act.state[o] == moving {
			s.accumulate(o, seeds[i])
		}
	}
	for _, v := range slices.Backward(s.act.visits) {
		if s.skip(v) {
			continue
		}
		switch s.p.Node(v).Op {
		case ir.OpResult: // collected by its loop or call
		case ir.OpLoop:
			err = s.loopReverse(v)
		case ir.OpCall:
			err = s.callReverse(v)
		default:
			s.distribute(v)
		}
		if err != nil {
			return nil, err
		}
		e.reverse = true
	}
	return s.changes(wrt), nil
}

// accumulate adds to the adjoint of v.
func (s *sweep) accumulate(v, adjoint ir.Value) {
	if adjoint != ir.None {
		s.put(v, s.plus(s.of(v), adjoint))
	}
}

// distribute hands the adjoint of an ordinary node to its arguments.
func (s *sweep) distribute(v ir.Value) {
	g := s.of(v)
	if g == ir.None {
		return
	}
	r, args := row(s.p, v)
	if r.branch != nil {
		br, zero := r.branch(s.emitter, args), s.num(g, 0)
		if s.act.state[args[br.yes]] == moving {
			s.accumulate(args[br.yes], s.b.Select(br.cond, g, zero))
		}
		if s.act.state[args[br.no]] == moving {
			s.accumulate(args[br.no], s.b.Select(br.cond, zero, g))
		}
		return
	}
	for i, x := range args {
		if x != ir.None && s.act.state[x] == moving {
			s.accumulate(x, r.edge(s.emitter, crossing{args, v, i, g}))
		}
	}
}

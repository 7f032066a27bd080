package grad

import (
	"github.com/baremetaldevx86/microdr/ir"
)

// A loop derives as a whole, into another loop that carries changes beside the states. Its body is copied with the
// states replaced, and then swept like any program, with the new states and whatever moving values the body
// captures from outside as independent; loops inside the body are met by that sweep and so derive in turn. The
// condition has no derivative.

// derivedLoop is a loop met by a sweep.
type derivedLoop struct {
	*sweep
	node     ir.Value
	loop     ir.Loop
	region   []bool     // the nodes of the body, inner loops included, without the loop's states
	active   []int      // the states that move
	captured []ir.Value // the moving values outside that the body reads
}

func (s *sweep) describeLoop(v ir.Value) *derivedLoop {
	d := &derivedLoop{sweep: s, node: v, loop: *s.p.Loop(v)}
	for i, state := range d.loop.States {
		if s.act.state[state] == moving || s.follows(s.b.Result(v, i)) {
			d.active = append(d.active, i)
		}
	}
	d.findRegion()
	d.findCaptured()
	return d
}

func (d *derivedLoop) inBody(v ir.Value) bool {
	return d.p.Encloses(d.loop.Scope, d.p.Nodes[v].Scope)
}

// findRegion marks the nodes of the body that the condition and the next states need.
func (d *derivedLoop) findRegion() {
	d.region = make([]bool, d.node)
	var stack []ir.Value
	visit := func(v ir.Value) {
		if d.inBody(v) && !d.region[v] {
			d.region[v] = true
			stack = append(stack, v)
		}
	}
	visit(d.loop.Cond)
	for _, v := range d.loop.Next {
		visit(v)
	}
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		d.p.Operands(v, visit)
	}
	for _, v := range d.loop.States {
		d.region[v] = false
	}
}

// findCaptured lists the moving values that the body's moving nodes read from outside, among them independent
// uniforms read by functions that the body calls.
func (d *derivedLoop) findCaptured() {
	seen := map[ir.Value]bool{}
	take := func(v ir.Value) {
		if !d.inBody(v) && d.act.state[v] == moving && !seen[v] {
			seen[v] = true
			d.captured = append(d.captured, v)
		}
	}
	for _, i := range d.active {
		take(d.loop.Next[i])
	}
	for i, in := range d.region {
		v := ir.Value(i)
		switch {
		case !in:
		case d.p.Node(v).Op == ir.OpCall:
			for _, u := range d.env.independentUniforms(d.p.Call(v).Func, d.act.uniforms) {
				take(d.uniforms[u])
			}
		case d.act.reached[v] && d.act.state[v] == moving:
			for _, x := range d.act.sourcesOf(v) {
				take(x)
			}
		}
	}
}

// copyBody emits the body anew with the given states and returns the next states and the condition.
func (d *derivedLoop) copyBody(states []ir.Value) (next []ir.Value, cond ir.Value) {
	r := ir.NewRewriter(d.p, d.b)
	region := make([]bool, len(d.p.Nodes))
	copy(region, d.region)
	for i, in := range region {
		if !in {
			r.SetImage(ir.Value(i), ir.Value(i))
		}
	}
	for i, old := range d.loop.States {
		r.SetImage(old, states[i])
		d.finite.setWild(states[i], d.wild(old))
	}
	r.Run(region)
	return r.Images(d.loop.Next), r.Image(d.loop.Cond)
}

// pick returns the values of the active states among a list for all states.
func (d *derivedLoop) pick(all []ir.Value) []ir.Value {
	out := make([]ir.Value, len(d.active))
	for j, i := range d.active {
		out[j] = all[i]
	}
	return out
}

func (d *derivedLoop) types(vs []ir.Value) []ir.Type {
	out := make([]ir.Type, len(vs))
	for i, v := range vs {
		out[i] = d.b.Type(v)
	}
	return out
}

// filled makes structural zeros constants.
func (d *derivedLoop) filled(changes, like []ir.Value) []ir.Value {
	out := make([]ir.Value, len(changes))
	for i, c := range changes {
		out[i] = d.orZero(c, like[i])
	}
	return out
}

func concat[T any](lists ...[]T) []T {
	var out []T
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// loopForward emits a loop that carries all states and the tangents of the active ones.
func (s *sweep) loopForward(v ir.Value) error {
	if !s.wanted(v) {
		return nil
	}
	d := s.describeLoop(v)
	n := len(d.loop.States)
	lb := s.b.LoopBegin(concat(d.types(d.loop.States), d.types(d.pick(d.loop.States)))...)
	next, cond := d.copyBody(lb.States[:n])
	tangents, err := s.jvp(d.pick(next), concat(d.pick(lb.States), d.captured),
		concat(lb.States[n:], s.changes(d.captured)))
	if err != nil {
		return err
	}
	init := d.pick(d.loop.Init)
	results := lb.End(
		concat(d.loop.Init, d.filled(s.changes(init), init)), cond,
		concat(next, d.filled(tangents, init)), d.loop.Max)
	for j, i := range d.active {
		if r := s.b.Result(v, i); s.follows(r) {
			s.put(r, results[n+j])
		}
	}
	return nil
}

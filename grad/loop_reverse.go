package grad

import (
	"math"

	"github.com/baremetaldevx86/microdr/ir"
)

// Reverse mode visits the iterations of a loop backwards, and needs the states of each.
//
// If the active states are sums, s = s + g(i, theta) with g free of active states, the adjoint of s is the same in
// all iterations and their order does not matter: one pass forwards, re-running the loop, collects everything.
//
// For any other loop the states at iteration k are computed again from a checkpoint. With bound Max, checkpoints lie
// m = sqrt(Max) iterations apart, and are themselves computed again from the start, since a lane has no array to
// keep them in: n iterations cost n*n/(2*m) + n*m/2 further ones, O(n^1.5) and no memory. Up to
// directBound iterations all start from the beginning.

const directBound = 8

// loopReverse takes the adjoints of the loop's results to its initial states and captured values.
func (s *sweep) loopReverse(v ir.Value) error {
	if !s.wanted(v) {
		return nil
	}
	d := s.describeLoop(v)
	seeds := make([]ir.Value, len(d.active))
	for j, i := range d.active {
		seeds[j] = s.adjointOf(s.b.Result(v, i))
	}
	if d.onlySums() {
		return d.reverseSums(seeds)
	}
	init := d.pick(d.loop.Init)
	count := s.b.Result(v, len(d.loop.States))
	m := 1
	if d.loop.Max > directBound {
		m = int(math.Ceil(math.Sqrt(float64(d.loop.Max))))
	}
	a, err := d.reverseFrom(d.loop.Init, count, d.loop.Max, m, adjoints{d.filled(seeds, init), d.zeros()})
	d.hand(init, a.states)
	d.hand(d.captured, a.captured)
	return err
}

// hand adds adjoints to those of the values that move.
func (d *derivedLoop) hand(vs, as []ir.Value) {
	for i, a := range as {
		if v := vs[i]; d.act.state[v] == moving {
			d.accumulate(v, a)
		}
	}
}

// zeros starts the sums of the adjoints of the captured values.
func (d *derivedLoop) zeros() []ir.Value {
	none := make([]ir.Value, len(d.captured))
	for i := range none {
		none[i] = ir.None
	}
	return d.filled(none, d.captured)
}

// onlySums tells whether every active state is a sum of terms free of active states.
func (d *derivedLoop) onlySums() bool {
	act := newActivity(d.env, d.p, nil, &scratch{})
	for _, v := range d.pick(d.loop.States) {
		act.fix(v, moving)
	}
	if act.analyse(d.pick(d.loop.Next)) != nil {
		return false
	}
	for _, i := range d.active {
		if !isSum(d.p, act, d.loop.Next[i], d.loop.States[i]) {
			return false
		}
	}
	return true
}

// isSum tells whether v is the state plus terms that no active state enters.
func isSum(p *ir.Program, act *activity, v, state ir.Value) bool {
	if v == state {
		return true
	}
	n := p.Node(v)
	sum := func(i int) bool { return isSum(p, act, n.Args[i], state) }
	free := func(i int) bool { return act.state[n.Args[i]] != moving }
	switch n.Op {
	case ir.OpAdd:
		return free(1) && sum(0) || free(0) && sum(1)
	case ir.OpSub:
		return free(1) && sum(0)
	case ir.OpFMA:
		return free(0) && free(1) && sum(2)
	case ir.OpSelect:
		return sum(1) && sum(2)
	}
	return false
}

// reverseSums re-runs the loop once, with the adjoints of the sums constant.
func (d *derivedLoop) reverseSums(seeds []ir.Value) error {
	n := len(d.loop.States)
	lb := d.b.LoopBegin(concat(d.types(d.loop.States), d.types(d.captured))...)
	next, cond := d.copyBody(lb.States[:n])
	terms, err := d.vjp(d.pick(next), seeds, d.captured)
	if err != nil {
		return err
	}
	sums := make([]ir.Value, len(terms))
	for i, term := range terms {
		sums[i] = d.plus(lb.States[n+i], term)
	}
	results := lb.End(concat(d.loop.Init, d.zeros()), cond, concat(next, sums), d.loop.Max)
	for i, term := range terms {
		if term == ir.None {
			results[n+i] = ir.None
		}
	}
	d.hand(d.pick(d.loop.Init), seeds)
	d.hand(d.captured, results[n:n+len(terms)])
	return nil
}

// adjoints is what a reversed loop carries: those of the active states, and the sums of those of the captured values.
type adjoints struct{ states, captured []ir.Value }

// reverseFrom reverses count iterations, at most max, of which the first begins with the states start, in rounds of
// m iterations.
func (d *derivedLoop) reverseFrom(start []ir.Value, count ir.Value, max, m int, a adjoints) (adjoints, error) {
	n := len(a.states)
	lb := d.b.LoopBegin(concat([]ir.Type{ir.I32}, d.types(a.states), d.types(a.captured))...)
	left, now := lb.States[0], adjoints{lb.States[1 : 1+n], lb.States[1+n:]}
	// This round reverses the iterations from base to left-1.
	one, segment := d.b.ConstI32(1), d.b.ConstI32(int32(m))
	base := d.mul(d.div(d.sub(left, one), segment), segment)
	states := d.replay(start, base, max)
	var err error
	if m == 1 {
		now, err = d.reverseStep(states, now)
	} else {
		now, err = d.reverseFrom(states, d.sub(left, base), m, 1, now)
	}
	if err != nil {
		return adjoints{}, err
	}
	results := lb.End(concat([]ir.Value{count}, a.states, a.captured), d.b.Binary(ir.OpLt, d.b.ConstI32(0), left),
		concat([]ir.Value{base}, now.states, now.captured), (max+m-1)/m)
	results = results[1 : len(results)-1]
	return adjoints{results[:n], results[n:]}, nil
}

// replay emits a loop that does the first n iterations, at most max, from the states start.
func (d *derivedLoop) replay(start []ir.Value, n ir.Value, max int) []ir.Value {
	lb := d.b.LoopBegin(concat(d.types(start), []ir.Type{ir.I32})...)
	k := lb.States[len(start)]
	next, _ := d.copyBody(lb.States[:len(start)])
	results := lb.End(concat(start, []ir.Value{d.b.ConstI32(0)}), d.b.Binary(ir.OpLt, k, n),
		concat(next, []ir.Value{d.add(k, d.b.ConstI32(1))}), max)
	return results[:len(start)]
}

// reverseStep reverses one iteration that begins with the given states.
func (d *derivedLoop) reverseStep(states []ir.Value, a adjoints) (adjoints, error) {
	next, _ := d.copyBody(states)
	in := d.pick(states)
	out, err := d.vjp(d.pick(next), a.states, concat(in, d.captured), states...)
	if err != nil {
		return a, err
	}
	sums := make([]ir.Value, len(d.captured))
	for i := range sums {
		sums[i] = d.plus(a.captured[i], out[len(in)+i])
	}
	return adjoints{d.filled(out[:len(in)], in), sums}, nil
}

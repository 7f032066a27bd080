package grad

import (
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

// Reverse returns the module that runs its stages and then the reversed ones: for each output NAME of the spec it
// takes an input buffer adj.NAME of the same shape, the adjoint of the output, and writes grad.NAME for each
// uniform (one element) and each input buffer (of its shape). A reversed map computes its lanes again; adjoints
// of uniforms are stored for each lane and summed, those of buffers are scattered; those of a sum or mean
// are read where they are needed, without a stage. Of reductions, sum and mean have derivatives.
func Reverse(m *ir.Module, spec Spec) (*ir.Module, error) {
	g, err := newGraph(m, spec)
	if err != nil {
		return nil, err
	}
	r := &reverser{graph: g, given: map[int]int{}, scattered: map[int]int{}, partial: map[int][]int{}}
	for _, o := range g.outputs {
		r.given[o] = g.shadow("adj."+m.Buffers[o].Name, o, ir.Input)
	}
	lanes := make([]*lane, len(g.primal))
	for i := range g.primal {
		if lanes[i], err = g.propagate(i); err != nil {
			return nil, err
		}
	}
	g.m.Stages = append(g.m.Stages, g.primal...)
	for i := len(lanes) - 1; i >= 0; i-- {
		if lanes[i] == nil {
			continue
		}
		if err := r.reverseMap(lanes[i]); err != nil {
			return nil, fmt.Errorf("%w, in map %s", err, lanes[i].stage.Name)
		}
	}
	r.collect()
	if spec.WithoutPrimal {
		r.dropPrimal()
	}
	return g.finish()
}

// reverser is the state of Reverse: where the adjoints of buffers and uniforms are.
type reverser struct {
	*graph
	given     map[int]int   // output -> the input buffer with its adjoint
	scattered map[int]int   // buffer -> the buffer into which reversed maps scattered its adjoint
	partial   map[int][]int // uniform -> buffers of one element, whose sum is its adjoint
}

// adjointAt emits the adjoint of an element of a buffer, ir.None if there is none: what the caller gave, what reversed
// maps scattered, and what comes back through reductions of the buffer.
func (r *reverser) adjointAt(e *emitter, buffer int, index ir.Value) ir.Value {
	sum := ir.None
	for _, from := range []map[int]int{r.given, r.scattered} {
		if b, ok := from[buffer]; ok {
			sum = e.plus(sum, e.b.Gather(b, index))
		}
	}
	for i := range r.primal {
		s := &r.primal[i]
		if s.Kind != ir.StageReduce || s.In[0] != buffer {
			continue
		}
		if a := r.adjointAt(e, s.Out[0], reducedIndex(e, s, index)); a != ir.None {
			if s.Reduce == ir.ReduceMean {
				a = e.mul(a, e.num(a, 1/float64(s.Group)))
			}
			sum = e.plus(sum, e.b.Convert(elementType(r.m, buffer), a))
		}
	}
	return sum
}

// reducedIndex returns the element of the output that element index of the input is reduced into.
func reducedIndex(e *emitter, s *ir.Stage, index ir.Value) ir.Value {
	t := e.b.Type(index)
	inner := e.b.Const(t, float64(s.Inner))
	outer := e.div(index, e.b.Const(t, float64(s.Group*s.Inner)))
	if s.Inner == 1 {
		return outer
	}
	return e.add(e.mul(outer, inner), e.b.Binary(ir.OpRem, index, inner))
}

// reverseMap emits the reversed stage of a map, if any of what it writes has an adjoint.
func (r *reverser) reverseMap(l *lane) error {
	var outs, seeds []ir.Value
	for k, e := range l.effects {
		if l.status[k] != moving {
			continue
		}
		if a := r.adjointAt(l.emitter, e.Buffer, e.Index); a != ir.None {
			outs, seeds = append(outs, e.Value), append(seeds, a)
		}
	}
	adjoints, err := l.vjp(outs, seeds, l.independent(r.graph))
	if err != nil {
		return err
	}
	var sums []int
	for i, u := range r.uniforms {
		if adjoints[i] == ir.None {
			continue
		}
		t := r.m.Uniforms[u].Type
		b := r.m.AddBuffer(fmt.Sprintf("adj.%s.%s", r.m.Uniforms[u].Name, l.stage.Name), t, ir.Temp, l.stage.Lanes())
		l.b.Store(b, l.b.Lane(), adjoints[i])
		sums = append(sums, u, b)
	}
	for i, v := range l.gathers {
		if a := adjoints[len(r.uniforms)+i]; a != ir.None {
			n := *l.b.Node(v)
			l.b.ScatterAdd(r.scatterBuffer(int(n.Imm)), n.Args[0], a)
		}
	}
	if len(l.b.Program().Effects) == 0 {
		return nil
	}
	r.m.AddMap(l.stage.Name+".reverse", ir.DeadCode(r.m, l.b.Program()), l.stage.Domain...)
	for i := 0; i < len(sums); i += 2 {
		r.sumLanes(sums[i], sums[i+1], l.stage)
	}
	return nil
}

// sumLanes reduces the adjoints of a uniform over the lanes of a stage.
func (r *reverser) sumLanes(u, lanes int, s *ir.Stage) {
	out := r.m.AddBuffer(r.m.Buffers[lanes].Name+".sum", r.m.Uniforms[u].Type, ir.Temp)
	r.m.AddReduce("sum "+r.m.Buffers[lanes].Name, ir.ReduceSum, lanes, out, s.Lanes(), 1)
	r.partial[u] = append(r.partial[u], out)
}

// scatterBuffer returns the buffer into which the adjoint of b is scattered.
func (r *reverser) scatterBuffer(b int) int {
	if s, ok := r.scattered[b]; ok {
		return s
	}
	name, life := "adj."+r.m.Buffers[b].Name+".sum", ir.Temp
	if slices.Contains(r.inputs, b) {
		name, life = "grad."+r.m.Buffers[b].Name, ir.Output
	}
	r.scattered[b] = r.shadow(name, b, life)
	return r.scattered[b]
}

// collect adds up the parts of the adjoints of uniforms, and writes zero where there is none.
func (r *reverser) collect() {
	b := ir.NewBuilder(r.m)
	e := newEmitterIn(b, r.env)
	zero := b.ConstI32(0)
	for _, u := range r.uniforms {
		t, sum := r.m.Uniforms[u].Type, ir.None
		for _, part := range r.partial[u] {
			sum = e.plus(sum, b.Gather(part, zero))
		}
		if sum == ir.None {
			sum = b.Const(t, 0)
		}
		b.Store(r.m.AddBuffer("grad."+r.m.Uniforms[u].Name, t, ir.Output), zero, sum)
	}
	if len(r.uniforms) > 0 {
		r.m.AddMap("collect", b.Program(), 1)
	}
	for _, in := range r.inputs {
		if _, ok := r.scattered[in]; !ok {
			r.fillZero(r.scatterBuffer(in))
		}
	}
}

// dropPrimal removes the stages that no derivative needs; the buffers they wrote become empty temporaries.
func (r *reverser) dropPrimal() {
	needed := make([]bool, len(r.m.Buffers))
	for b := len(r.moving); b < len(needed); b++ {
		needed[b] = r.m.Buffers[b].Life == ir.Output
	}
	var kept []ir.Stage
	for _, s := range slices.Backward(r.m.Stages) {
		reads, writes := s.Reads()
		if !slices.ContainsFunc(writes, func(b int) bool { return needed[b] }) {
			continue
		}
		kept = append(kept, s)
		for _, b := range slices.Concat(reads, writes) {
			needed[b] = true
		}
	}
	slices.Reverse(kept)
	r.m.Stages = kept
	for b := range r.moving {
		if buf := &r.m.Buffers[b]; buf.Life != ir.Input {
			buf.Life = ir.Temp
			if !needed[b] {
				buf.Shape = []int{0}
			}
		}
	}
}

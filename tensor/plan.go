package tensor

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"

	"github.com/baremetaldevx86/microdr/kernel"
)

// plan is a compiled graph. Graphs of the same operations on tensors of the same shapes share one.
type plan struct {
	kernel *kernel.Kernel // nil: there is nothing to compute
	args   kernel.Args
	inputs int
}

// plans are the compiled graphs of an engine.
type plans struct {
	byKey map[string]*plan
	age   []string // keys, the oldest first
	bytes int      // that they hold between runs
}

// mostPlans is how many graphs are kept compiled, and mostBytes how much memory they may hold for what lies between inputs and
// outputs. One graph is kept in any case.
const (
	mostPlans = 512
	mostBytes = 256 << 20
)

// run computes the tensors that have no elements.
func (p *plans) run(ctx context.Context, e *Engine, ts []*Tensor) error {
	var roots []*Tensor
	seen := map[*Tensor]bool{}
	for _, t := range ts {
		t.alive()
		if t = t.settled(); t.buffer == nil && !seen[t] {
			seen[t] = true
			roots = append(roots, t)
		}
	}
	if err := p.runRoots(ctx, e, roots); err != nil {
		return err
	}
	for _, t := range ts {
		t.buffer = t.settled().buffer
	}
	return nil
}

func (p *plans) runRoots(ctx context.Context, e *Engine, roots []*Tensor) error {
	if len(roots) == 0 {
		return nil
	}
	if e.options.Anomalies {
		return e.anomalies(ctx, roots)
	}
	s := newSchedule(roots, e.options.Unfused)
	if more := s.milestones(); len(more) > 0 {
		roots = append(roots, more...)
		s = newSchedule(roots, e.options.Unfused)
	}
	return p.compute(ctx, e, s, roots)
}

// milestone is after how many operations the elements of one are kept.
const milestone = 256

// milestones are tensors on the way to those that are asked for whose elements are kept, if the way is long. So a loop that
// builds on its last round and reads a value in each does not compute all rounds before again, and no program is too long.
func (s *schedule) milestones() []*Tensor {
	var list []*Tensor
	for since, t := range s.order {
		if f := s.facts[t]; since >= milestone*(len(list)+1) && !t.given() && !t.isView() && !f.memory && f.cost > 0 {
			list = append(list, t)
		}
	}
	return list
}

// compute computes what is scheduled.
func (p *plans) compute(ctx context.Context, e *Engine, s *schedule, roots []*Tensor) error {
	plan, err := p.find(e, s, roots)
	if err != nil {
		return err
	}
	buffers := make([]*elements, 0, len(roots))
	free := func() {
		for _, b := range buffers {
			b.free(e)
		}
	}
	for _, t := range roots {
		b, err := e.newElements(t.typ, t.Len())
		if err != nil {
			free()
			return err
		}
		buffers = append(buffers, b)
	}
	if err := plan.run(ctx, s.given(), buffers, s.numbers()); err != nil {
		free()
		return err
	}
	for i, t := range roots {
		t.buffer = buffers[i]
	}
	return nil
}

// given returns the buffers of the tensors that are given.
func (s *schedule) given() []*elements {
	var list []*elements
	for _, t := range s.order {
		if t.given() {
			list = append(list, t.buffer)
		}
	}
	return list
}

// numbers returns the values of the parameters.
func (s *schedule) numbers() []float64 {
	var list []float64
	for _, t := range s.order {
		if t.isUniform() {
			list = append(list, t.attr.(fill).x)
		}
	}
	return list
}

// find returns the plan of a graph, compiled if it is new.
func (p *plans) find(e *Engine, s *schedule, roots []*Tensor) (*plan, error) {
	key := string(s.key(roots))
	if found := p.byKey[key]; found != nil {
		return found, nil
	}
	made, err := compile(e, s, roots)
	if err != nil {
		return nil, err
	}
	if p.byKey == nil {
		p.byKey = map[string]*plan{}
	}
	p.bytes += made.peak()
	for len(p.age) > 0 && (len(p.age) == mostPlans || p.bytes > mostBytes) {
		p.forgetOldest()
	}
	p.byKey[key] = made
	p.age = append(p.age, key)
	return made, nil
}

func (p *plans) forgetOldest() {
	oldest := p.byKey[p.age[0]]
	p.bytes -= oldest.peak()
	oldest.close()
	delete(p.byKey, p.age[0])
	p.age = p.age[1:]
}

func (p *plans) close() {
	for _, plan := range p.byKey {
		plan.close()
	}
	*p = plans{}
}

// key returns bytes that two graphs share only if they compute the same from what they are given.
func (s *schedule) key(roots []*Tensor) []byte {
	number := make(map[*Tensor]int, len(s.order))
	var key []byte
	for i, t := range s.order {
		number[t] = i
		key = append(key, byte(t.typ))
		key = appendInts(key, t.shape...)
		if t.given() {
			key = append(key, 0)
			continue
		}
		key = append(append(key, t.kind.name...), 0)
		if t.isView() {
			_, strides := t.source()
			key = appendInts(appendInts(key, strides.offset), strides.strides...)
		} else if t.attr != nil {
			key = t.attr.appendKey(key)
		}
		sources := t.sources()
		key = append(key, byte(len(sources)), byte(len(sources)>>8), byte(len(sources)>>16))
		for _, a := range sources {
			key = binary.AppendVarint(key, int64(number[a]))
		}
	}
	for _, t := range roots {
		key = binary.AppendVarint(key, int64(number[t]))
	}
	return key
}

// compile lowers and compiles a graph.
func compile(e *Engine, s *schedule, roots []*Tensor) (*plan, error) {
	l := lower(s, roots)
	p := &plan{inputs: len(s.given())}
	p.args.Buffers = make([]*kernel.Buffer, len(l.m.Buffers))
	if len(l.m.Stages) == 0 {
		return p, nil
	}
	k, err := e.kernels.Compile(l.m)
	if err != nil {
		return nil, fmt.Errorf("tensor: %w", err)
	}
	p.kernel = k
	return p, nil
}

// run computes the outputs from the inputs.
func (p *plan) run(ctx context.Context, inputs, outputs []*elements, numbers []float64) error {
	if p.kernel == nil {
		return nil
	}
	for i, x := range inputs {
		p.args.Buffers[i] = x.Buffer
	}
	for i, x := range outputs {
		p.args.Buffers[p.inputs+i] = x.Buffer
	}
	p.args.Uniforms = numbers
	defer runtime.KeepAlive(inputs)
	defer runtime.KeepAlive(outputs)
	defer clear(p.args.Buffers)
	return p.kernel.Run(ctx, p.args)
}

func (p *plan) close() {
	if p.kernel != nil {
		p.kernel.Close()
	}
}

// peak returns the bytes of what lies between inputs and outputs, at most.
func (p *plan) peak() int {
	if p.kernel == nil {
		return 0
	}
	return p.kernel.Peak()
}

package tensor

import (
	"context"
	"fmt"
	"slices"

	"github.com/baremetaldevx86/microdr/kernel"
)

// placeholderKind are tensors that get their elements when a function runs.
var placeholderKind = kind{name: "input"}

// Variable is a tensor that changes: a parameter, the state of an optimizer, a counter. While a function is compiled, Value
// and Set only note what its runs will read and write.
type Variable struct {
	Name  string
	e     *Engine
	value *Tensor
	spare *elements // that the next run may write to
	shown bool      // the value's elements are in somebody's hands
}

// NewVariable returns a variable with a value, which is computed. Variables are made before the functions that use them.
func (e *Engine) NewVariable(name string, value *Tensor) *Variable {
	if e.tracing != nil {
		fail("NewVariable", "variable %s is made while a function is compiled", name)
	}
	v := &Variable{Name: name, e: e}
	v.Set(value)
	return v
}

// Value returns the value: now, or, while a function is compiled, that of its runs.
func (v *Variable) Value() *Tensor {
	if v.e.tracing != nil {
		return v.e.tracing.read(v)
	}
	v.shown = true
	return v.value
}

// Set changes the value, to one of the same shape and type as the first one: now, computing it, or at the end of every run of
// the function that is compiled.
func (v *Variable) Set(value *Tensor) {
	if value.e != v.e {
		fail("Set", "a tensor of another engine for variable %s", v.Name)
	}
	if v.value != nil && (!slices.Equal(value.shape, v.value.shape) || value.typ != v.value.typ) {
		fail("Set", "%v%v for variable %s, which is %v%v", value.typ, value.shape, v.Name, v.value.typ, v.value.shape)
	}
	if v.e.tracing != nil {
		v.e.tracing.write(v, value)
		return
	}
	value.must("Set")
	v.value = &Tensor{e: v.e, kind: &leafKind, typ: value.typ, shape: value.shape, buffer: value.buffer}
	v.shown = true // value has the same elements
}

// Shape returns the extents of the value.
func (v *Variable) Shape() []int { return v.value.shape }

// Type returns the type of the value's elements.
func (v *Variable) Type() Type { return v.value.typ }

// tracer notes what a function that is being compiled reads and writes.
type tracer struct {
	e         *Engine
	variables []*Variable
	reads     map[*Variable]*Tensor // placeholders
	writes    map[*Variable]*Tensor
}

// read returns what stands for the value at the end of what was noted so far.
func (t *tracer) read(v *Variable) *Tensor {
	if written := t.writes[v]; written != nil {
		return written
	}
	if t.reads[v] == nil {
		t.note(v)
		t.reads[v] = t.e.placeholder(v.value.typ, v.value.shape)
	}
	return t.reads[v]
}

func (t *tracer) write(v *Variable, value *Tensor) {
	t.note(v)
	t.writes[v] = value
}

func (t *tracer) note(v *Variable) {
	if !slices.Contains(t.variables, v) {
		t.variables = append(t.variables, v)
	}
}

func (e *Engine) placeholder(t Type, shape []int) *Tensor {
	return &Tensor{e: e, kind: &placeholderKind, typ: t, shape: slices.Clone(shape)}
}

// Spec is the type and shape of a function's input.
type Spec struct {
	Type  Type
	Shape []int
}

// Function is a compiled function of tensors. Its runs allocate nothing: inputs, outputs and everything in between have their
// memory.
type Function struct {
	e       *Engine
	plan    *plan
	given   []*elements // what the plan reads, refreshed for variables
	outputs []*elements // what it writes
	numbers []float64
	inputs  []*Tensor
	results []*Tensor
	reads   []binding
	writes  []binding
	watched []watch // where anomalies are looked for
}

// watch is an operation, and where its result is: among what the plan writes, or reads.
type watch struct {
	t       *Tensor
	outputs bool
	at      int
}

// binding is a variable, and its place among what a plan reads or writes.
type binding struct {
	variable *Variable
	at       int
}

// Compile records f once and compiles what it does: from inputs of the given types and shapes to its results, reading and
// setting variables. Other tensors that f uses are constants. An *Error that f panics with is returned.
func (e *Engine) Compile(f func(inputs []*Tensor) []*Tensor, inputs ...Spec) (*Function, error) {
	if e.tracing != nil {
		return nil, fmt.Errorf("tensor: a function is compiled while another one is")
	}
	t := &tracer{e: e, reads: map[*Variable]*Tensor{}, writes: map[*Variable]*Tensor{}}
	fn := &Function{e: e}
	var results []*Tensor
	err := Catch(func() {
		for _, s := range inputs {
			checkShape("Compile", s.Shape)
			fn.inputs = append(fn.inputs, e.placeholder(s.Type, s.Shape))
		}
		e.tracing = t
		defer func() { e.tracing = nil }()
		results = f(fn.inputs)
		for _, r := range results {
			if r.e != e {
				fail("Compile", "a result of another engine")
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if caught := Catch(func() { err = fn.build(t, results) }); caught != nil {
		err = caught
	}
	if err != nil {
		return nil, err
	}
	return fn, nil
}

// build plans and compiles what was noted.
func (f *Function) build(t *tracer, results []*Tensor) error {
	var roots []*Tensor
	add := func(x *Tensor) int {
		if x = x.settled(); x.given() || slices.Contains(roots, x) {
			x = copyOf(x)
		}
		roots = append(roots, x)
		return len(roots) - 1
	}
	for _, r := range results {
		add(r)
	}
	for _, v := range t.variables {
		if w := t.writes[v]; w != nil {
			f.writes = append(f.writes, binding{v, add(w)})
		}
	}
	s := newSchedule(roots, f.e.options.Unfused)
	if f.e.options.Anomalies {
		s, roots = f.watch(s, roots)
	}
	plan, err := compile(f.e, s, roots)
	if err != nil {
		return err
	}
	f.plan, f.numbers = plan, s.numbers()
	if err := f.allocate(t, s, results, roots); err != nil {
		plan.close()
		return err
	}
	return nil
}

// allocate gives inputs and results their memory and finds the places of variables.
func (f *Function) allocate(t *tracer, s *schedule, results, roots []*Tensor) error {
	variables := map[*Tensor]*Variable{}
	for v, p := range t.reads {
		variables[p] = v
	}
	for _, in := range f.inputs {
		b, err := f.e.newElements(in.typ, in.Len())
		if err != nil {
			return err
		}
		in.buffer = b
	}
	for _, x := range s.order {
		if !x.given() {
			continue
		}
		if v := variables[x]; v != nil {
			f.reads = append(f.reads, binding{v, len(f.given)})
		}
		f.given = append(f.given, x.buffer)
	}
	f.outputs = make([]*elements, len(roots))
	for i, r := range roots {
		if i >= len(results) && i < len(results)+len(f.writes) {
			continue // a variable has it
		}
		if i < len(results) {
			r = results[i] // of which the root is perhaps another shape
		}
		result := f.e.leaf("Compile", r.typ, r.shape)
		f.outputs[i] = result.buffer
		if i < len(results) {
			f.results = append(f.results, result)
		}
	}
	return nil
}

// watch makes every operation's result an output, so that it can be looked at.
func (f *Function) watch(s *schedule, roots []*Tensor) (*schedule, []*Tensor) {
	given := 0
	for _, t := range s.order {
		switch at := slices.Index(roots, t); {
		case t.given():
			f.watched = append(f.watched, watch{t, false, given})
			given++
		case at >= 0:
			f.watched = append(f.watched, watch{t, true, at})
		case t.kind != &fillKind && t.kind != &iotaKind:
			f.watched = append(f.watched, watch{t, true, len(roots)})
			roots = append(roots, t)
		}
	}
	return newSchedule(roots, true), roots
}

// anomaly returns an error that names the operation that first made a NaN in the last run.
func (f *Function) anomaly() error {
	bad := map[*Tensor]bool{}
	for _, w := range f.watched {
		b := f.given
		if w.outputs {
			b = f.outputs
		}
		if bad[w.t] = w.t.typ.IsFloat() && hasNaN(b[w.at]); bad[w.t] && w.outputs && !anyOf(bad, w.t.args) {
			return anomalous(w.t)
		}
	}
	return nil
}

// copyOf is an operation that gives the elements of t.
func copyOf(t *Tensor) *Tensor { return elementwise("Copy", identity(t.typ), t.typ, t) }

// Input returns input i, whose elements are set with Write32, Write and the like of its buffer before a run.
func (f *Function) Input(i int) *kernel.Buffer { return f.inputs[i].buffer.Buffer }

// Result returns result i, whose elements are those of the last run: the next one changes them, and with them what is computed
// from it afterwards. Copy them with Float32s, or compute with them before the next run.
func (f *Function) Result(i int) *Tensor { return f.results[i] }

// Peak returns how many bytes a run needs at most between its inputs and its results.
func (f *Function) Peak() int { return f.plan.peak() }

// Bytes returns how many bytes a run needs at most in all: Peak, inputs and results, other tensors that it reads, and
// variables, those that it sets twice, as the new value stands beside the old one until the run is over.
func (f *Function) Bytes() int {
	variables := map[*Variable]int{}
	tensors := map[*elements]bool{}
	note := func(list []*elements, except []binding) {
		for i, b := range list {
			if b != nil && !slices.ContainsFunc(except, func(x binding) bool { return x.at == i }) {
				tensors[b] = true
			}
		}
	}
	note(f.given, f.reads)
	note(f.outputs, f.writes)
	for _, in := range f.inputs {
		note([]*elements{in.buffer}, nil)
	}
	for _, r := range f.reads {
		variables[r.variable] = 1
	}
	for _, w := range f.writes {
		variables[w.variable] = 2
	}
	total := f.Peak()
	for b := range tensors {
		total += b.Len() * b.Type().Size()
	}
	for v, values := range variables {
		total += values * v.value.Len() * v.Type().Size()
	}
	return total
}

// Run computes the results and sets the variables. After an error they are what they were.
func (f *Function) Run(ctx context.Context) error {
	for _, r := range f.reads {
		f.given[r.at] = r.variable.value.buffer
	}
	for _, w := range f.writes {
		b, err := w.variable.next()
		if err != nil {
			return err
		}
		f.outputs[w.at] = b
	}
	if err := f.plan.run(ctx, f.given, f.outputs, f.numbers); err != nil {
		return err
	}
	if err := f.anomaly(); err != nil {
		return err
	}
	for _, w := range f.writes {
		w.variable.turn()
	}
	return nil
}

// next returns where the next value goes.
func (v *Variable) next() (*elements, error) {
	if v.spare != nil {
		return v.spare, nil
	}
	b, err := v.e.newElements(v.value.typ, v.value.Len())
	v.spare = b
	return b, err
}

// turn makes what was written the value. The memory of the last one is written next, unless somebody holds it.
func (v *Variable) turn() {
	last := v.value.buffer
	if v.shown {
		v.value = &Tensor{e: v.e, kind: &leafKind, typ: v.value.typ, shape: v.value.shape}
		v.shown, last = false, nil
	}
	v.value.buffer, v.spare = v.spare, last
}

// Close gives the function's memory back, but for its results.
func (f *Function) Close() {
	f.plan.close()
	for _, in := range f.inputs {
		in.Free()
	}
}

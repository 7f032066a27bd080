package trace

import (
	"fmt"
	"reflect"

	"github.com/baremetaldevx86/microdr/ir"
)

// While repeats step, from init, as long as it says so and at most max times, in each lane on its own. S is any
// struct with exported fields (or array, or single value) of Floats, Ints, Uints, Bools and vectors; step is
// recorded once and returns whether the state it was given calls for another iteration, and the next state.
// Whatever does not depend on the state is computed outside the loop. It returns the last state and the number of
// iterations done.
func While[S any](r *Recorder, max int, init S, step func(s S) (again Bool, next S)) (S, Int) {
	start := flatten(r, init)
	var types []ir.Type
	for _, v := range start {
		types = append(types, r.B.Type(v))
	}
	l := r.B.LoopBegin(types...)
	again, next := step(unflatten[S](r, l.States))
	same(r, again.R)
	results := l.End(start, again.V, flatten(r, next), max)
	n := len(results) - 1
	return unflatten[S](r, results[:n]), Int{r, results[n]}
}

// Func is a function of a module from an A to a B, each a struct like While's state.
type Func[A, B any] struct {
	Index int // in the module
	Name  string
}

// Define records a function. The body gets a recorder of its own and may use nothing recorded elsewhere; types in
// A are filled in by position, so every leaf of A must be a Float, Int, Uint or Bool.
func Define[A, B any](m *ir.Module, name string, body func(r *Recorder, a A) B) Func[A, B] {
	r := New(m)
	var params []ir.Value
	for _, t := range leafTypes(reflect.TypeFor[A]()) {
		params = append(params, r.B.Param(t))
	}
	r.B.SetResults(flatten(r, body(r, unflatten[A](r, params)))...)
	return Func[A, B]{m.AddFunc(name, r.Program()), name}
}

// DefineList records a function of n floats, for parameter lists whose length is known only at run time. It
// returns the function's index in the module.
func DefineList(m *ir.Module, name string, n int, body func(r *Recorder, args []Float) []Float) int {
	r := New(m)
	args := make([]Float, n)
	for i := range args {
		args[i] = Float{r, r.B.Param(ir.F32)}
	}
	r.B.SetResults(valuesOf(r, body(r, args))...)
	return m.AddFunc(name, r.Program())
}

// CallList applies a function of floats.
func CallList(r *Recorder, f int, args []Float) []Float {
	var out []Float
	for _, v := range r.B.Call(f, valuesOf(r, args)...) {
		out = append(out, Float{r, v})
	}
	return out
}

func valuesOf(r *Recorder, xs []Float) []ir.Value {
	out := make([]ir.Value, len(xs))
	for i, x := range xs {
		same(r, x.R)
		out[i] = x.V
	}
	return out
}

// Call applies the function.
func (f Func[A, B]) Call(r *Recorder, a A) B {
	return unflatten[B](r, r.B.Call(f.Index, flatten(r, a)...))
}

// Flatten lists the nodes of a struct of values, in the order of its fields.
func Flatten[S any](s S) []ir.Value { return flatten(nil, s) }

// Unflatten makes a struct of values from the nodes that Flatten would list.
func Unflatten[S any](r *Recorder, vs []ir.Value) S { return unflatten[S](r, vs) }

var leaves = map[reflect.Type]ir.Type{
	reflect.TypeFor[Float](): ir.F32,
	reflect.TypeFor[Int]():   ir.I32,
	reflect.TypeFor[Uint]():  ir.U32,
	reflect.TypeFor[Bool]():  ir.Bool,
}

// walk calls f on every leaf of v, in order.
func walk(v reflect.Value, f func(leaf reflect.Value)) {
	if _, ok := leaves[v.Type()]; ok {
		f(v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			walk(v.Field(i), f)
		}
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), f)
		}
	default:
		panic(fmt.Sprintf("trace: a %v cannot be recorded; use structs of Float, Int, Uint, Bool", v.Type()))
	}
}

// flatten lists the nodes of s, which must all be of recorder r unless that is nil.
func flatten[S any](r *Recorder, s S) []ir.Value {
	var out []ir.Value
	walk(reflect.ValueOf(&s).Elem(), func(leaf reflect.Value) {
		if r != nil {
			same(r, leaf.FieldByName("R").Interface().(*Recorder))
		}
		out = append(out, leaf.FieldByName("V").Interface().(ir.Value))
	})
	return out
}

func unflatten[S any](r *Recorder, vs []ir.Value) S {
	var s S
	i := 0
	walk(reflect.ValueOf(&s).Elem(), func(leaf reflect.Value) {
		if i < len(vs) {
			leaf.FieldByName("R").Set(reflect.ValueOf(r))
			leaf.FieldByName("V").Set(reflect.ValueOf(vs[i]))
		}
		i++
	})
	if i != len(vs) {
		panic(fmt.Sprintf("trace: %d values for a struct of %d", len(vs), i))
	}
	return s
}

func leafTypes(t reflect.Type) []ir.Type {
	var out []ir.Type
	walk(reflect.New(t).Elem(), func(leaf reflect.Value) { out = append(out, leaves[leaf.Type()]) })
	return out
}

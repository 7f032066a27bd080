package tensor

import "github.com/baremetaldevx86/microdr/ir"

// wrapped is the attribute of an operation whose value another tensor has, but whose derivative is its own affair.
type wrapped interface {
	attribute
	inside() *Tensor
}

func readWrapped(l *lowering, t *Tensor, index ir.Value) ir.Value {
	return l.read(t.attr.(wrapped).inside(), index)
}

// custom is the attribute of a tensor with a derivative that is given.
type custom struct {
	name  string
	value *Tensor
	vjp   func(x []*Tensor, y, adjoint *Tensor) []*Tensor
	jvp   func(x []*Tensor, y *Tensor, tangents []*Tensor) *Tensor
}

func (c custom) appendKey(key []byte) []byte { return key }
func (c custom) inside() *Tensor             { return c.value }

var customKind = kind{name: "Custom", inline: true, read: readWrapped}

func init() {
	customKind.vjp = func(t, adjoint *Tensor, _ []bool) []*Tensor {
		c := t.attr.(custom)
		if c.vjp == nil {
			fail("Custom", "no derivative in reverse mode was given")
		}
		list := c.vjp(t.args, t, adjoint)
		if len(list) != len(t.args) {
			fail("Custom", "%d adjoints for %d arguments", len(list), len(t.args))
		}
		for i, d := range list {
			if d != nil {
				checkLike("Custom", "adjoint", t.args[i], d)
			}
		}
		return list
	}
	customKind.jvp = func(t *Tensor, tangents []*Tensor) *Tensor {
		c := t.attr.(custom)
		if c.jvp == nil {
			fail("Custom", "no derivative in forward mode was given")
		}
		full := make([]*Tensor, len(tangents))
		for i, d := range tangents {
			if full[i] = d; d == nil {
				full[i] = t.args[i].like(0).Expand(t.args[i].shape...)
			}
		}
		d := c.jvp(t.args, t, full)
		checkLike("Custom", "tangent", t, d)
		return d
	}
}

// Rules are the derivatives of a function that is not to be looked into. Those that are not needed may be nil. What they
// return can be differentiated again.
type Rules struct {
	VJP func(x []*Tensor, y, adjoint *Tensor) []*Tensor          // adjoints of x; nil in the list is zero
	JVP func(x []*Tensor, y *Tensor, tangents []*Tensor) *Tensor // the tangent of y
}

// Custom returns f(x) with the derivatives of rules. There is none with respect to other tensors that f uses.
func Custom(f func(x []*Tensor) *Tensor, rules Rules, x ...*Tensor) *Tensor {
	return customized("Custom", f, rules, x...)
}

// customized is Custom for an operation with a name.
func customized(name string, f func(x []*Tensor) *Tensor, rules Rules, x ...*Tensor) *Tensor {
	y := f(x)
	return node(&customKind, custom{name, y, rules.VJP, rules.JVP}, y.typ, y.shape, x...)
}

// saved is the attribute of a checkpoint: the value, computed from the first of the arguments and from what it uses besides,
// the others.
type saved struct{ value *Tensor }

func (s saved) appendKey(key []byte) []byte { return key }
func (s saved) inside() *Tensor             { return s.value }

var checkpointKind = kind{name: "Checkpoint", inline: true, read: readWrapped}

func init() {
	checkpointKind.vjp = func(t, adjoint *Tensor, need []bool) []*Tensor {
		later := map[*Tensor]*Tensor{}
		var wrt []*Tensor
		for i, a := range t.args {
			if need[i] {
				wrt = append(wrt, after(a, adjoint))
			} else {
				wrt = append(wrt, nil)
			}
			if later[a] = wrt[i]; wrt[i] == nil {
				later[a] = after(a, adjoint)
			}
		}
		again := clone(t.attr.(saved).value, later)
		var moving []*Tensor
		for _, w := range wrt {
			if w != nil {
				moving = append(moving, w)
			}
		}
		adjoints := VJP([]*Tensor{again}, []*Tensor{adjoint}, moving)
		out := make([]*Tensor, len(t.args))
		for i, w := range wrt {
			if w != nil {
				out[i], adjoints = adjoints[0], adjoints[1:]
			}
		}
		return out
	}
	checkpointKind.jvp = func(t *Tensor, tangents []*Tensor) *Tensor {
		var wrt, rates []*Tensor
		for i, d := range tangents {
			if d != nil {
				wrt, rates = append(wrt, t.args[i]), append(rates, d)
			}
		}
		return JVP([]*Tensor{t.attr.(saved).value}, wrt, rates)[0]
	}
}

// Checkpoint returns f(x), of which nothing but x is kept for the derivative in reverse mode: what lies between is computed
// again when the adjoint is there. Tensors that f uses besides x have their derivatives too.
func Checkpoint(f func(x []*Tensor) *Tensor, x ...*Tensor) *Tensor {
	y := f(x)
	args := append([]*Tensor{}, x...)
	given := map[*Tensor]bool{}
	for _, a := range x {
		given[a] = true
	}
	// What f uses besides: the tensors behind y that depend on none of x, where something that does looks at them.
	depends := map[*Tensor]bool{}
	walkTo([]*Tensor{y}, given, func(t *Tensor) {
		depends[t] = given[t]
		for _, a := range t.args {
			depends[t] = depends[t] || depends[a] && !given[t]
		}
	})
	walkTo([]*Tensor{y}, given, func(t *Tensor) {
		if !depends[t] || given[t] {
			return
		}
		for _, a := range t.args {
			if !depends[a] && !given[a] {
				given[a] = true
				args = append(args, a)
			}
		}
	})
	if !depends[y] {
		return y
	}
	return node(&checkpointKind, saved{y}, y.typ, y.shape, args...)
}

// walkTo is walk, not looking behind the tensors of stop.
func walkTo(roots []*Tensor, stop map[*Tensor]bool, f func(*Tensor)) {
	seen := map[*Tensor]bool{}
	var visit func(t *Tensor)
	visit = func(t *Tensor) {
		if seen[t] {
			return
		}
		seen[t] = true
		if !stop[t] {
			for _, a := range t.args {
				visit(a)
			}
		}
		f(t)
	}
	for _, r := range roots {
		visit(r)
	}
}

// clone copies what y is computed from, with other tensors in place of some.
func clone(y *Tensor, images map[*Tensor]*Tensor) *Tensor {
	if image := images[y]; image != nil {
		return image
	}
	args := make([]*Tensor, len(y.args))
	same := true
	for i, a := range y.args {
		args[i] = clone(a, images)
		same = same && args[i] == a
	}
	image := y
	if !same {
		image = y.withArgs(args, images)
	}
	images[y] = image
	return image
}

// withArgs returns the same operation of other tensors.
func (t *Tensor) withArgs(args []*Tensor, images map[*Tensor]*Tensor) *Tensor {
	attr := t.attr
	switch a := attr.(type) {
	case look:
		attr = lookAt(args[0], a.strided, t.shape, a.axes)
	case custom:
		a.value = clone(a.value, images)
		attr = a
	case saved:
		attr = saved{clone(a.value, images)}
	}
	c := node(t.kind, attr, t.typ, t.shape, args...)
	c.frozen = t.frozen
	return c
}

// afterKind is its first argument, not computed before the second one.
var afterKind = kind{name: "After", inline: true, read: func(l *lowering, t *Tensor, index ir.Value) ir.Value { return l.read(t.args[0], index) }}

func init() {
	afterKind.vjp = func(_, adjoint *Tensor, _ []bool) []*Tensor { return []*Tensor{adjoint, nil} }
	afterKind.jvp = func(_ *Tensor, tangents []*Tensor) *Tensor { return tangents[0] }
}

func after(x, event *Tensor) *Tensor { return node(&afterKind, nil, x.typ, x.shape, x, event) }

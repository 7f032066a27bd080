package nn

import (
	"strconv"

	"github.com/baremetaldevx86/microdr/tensor"
)

// Pass is one evaluation of a model. Nil stands for the zero value, which is for inference.
type Pass struct {
	Training bool           // dropout drops, normalisations take the statistics of the batch
	Random   *tensor.Random // for what is random while training
}

// training tells whether the pass is for training.
func (p *Pass) training() bool { return p != nil && p.Training }

// Model is what has variables.
type Model interface {
	// Visit names the variables to v, always the same ones in the same order.
	Visit(v Visitor)
}

// Module is a function of a tensor with variables.
type Module interface {
	Model
	// Forward returns the result for x. It panics with a *tensor.Error if x has a wrong type or shape.
	Forward(pass *Pass, x *tensor.Tensor) *tensor.Tensor
}

// Named is a variable of a model with its name, such as "layers.0.weight".
type Named struct {
	Name     string
	Variable *tensor.Variable
	Buffer   bool // no parameter, but state that the model keeps up by itself, such as running statistics
}

// Visitor is told of the variables of a model.
type Visitor struct {
	path string // of the model, with a dot at the end unless it is empty
	see  func(Named)
}

// Parameter tells of what is to be trained. Nil, for a parameter that a layer does without, is passed over.
func (v Visitor) Parameter(name string, x *tensor.Variable) {
	if x != nil {
		v.see(Named{v.path + name, x, false})
	}
}

// Buffer tells of what belongs to the model without being trained.
func (v Visitor) Buffer(name string, x *tensor.Variable) {
	if x != nil {
		v.see(Named{v.path + name, x, true})
	}
}

// Model tells of a part, whose variables are NAME.theirs.
func (v Visitor) Model(name string, part Model) {
	part.Visit(Visitor{v.path + name + ".", v.see})
}

// Variables returns the variables of a model in the order of its parts. One that is shared by several parts has the
// name that it has in the first.
func Variables(m Model) []Named {
	var list []Named
	seen := map[*tensor.Variable]bool{}
	m.Visit(Visitor{"", func(n Named) {
		if !seen[n.Variable] {
			seen[n.Variable] = true
			list = append(list, n)
		}
	}})
	return list
}

// Parameters returns the variables of a model that are to be trained.
func Parameters(m Model) []*tensor.Variable {
	var list []*tensor.Variable
	for _, n := range Variables(m) {
		if !n.Buffer {
			list = append(list, n.Variable)
		}
	}
	return list
}

// Values returns the values of variables, with respect to which a loss is differentiated.
func Values(variables []*tensor.Variable) []*tensor.Tensor {
	list := make([]*tensor.Tensor, len(variables))
	for i, v := range variables {
		list[i] = v.Value()
	}
	return list
}

// Func is a module without variables: Func(GELU), Func(Flatten).
type Func func(x *tensor.Tensor) *tensor.Tensor

// Forward returns f(x).
func (f Func) Forward(_ *Pass, x *tensor.Tensor) *tensor.Tensor { return f(x) }

// Visit does nothing.
func (f Func) Visit(Visitor) {}

// Sequential is modules of which each has the result of the one before. Their variables are "layers.0.weight" and so
// on.
type Sequential struct {
	Layers []Module
}

// NewSequential returns the modules in a row.
func NewSequential(layers ...Module) *Sequential { return &Sequential{layers} }

// Forward returns what the last module gives, x if there is none.
func (s *Sequential) Forward(pass *Pass, x *tensor.Tensor) *tensor.Tensor {
	for i, layer := range s.Layers {
		x = within(layerName(i), func() *tensor.Tensor { return layer.Forward(pass, x) })
	}
	return x
}

// Visit names the variables of the modules.
func (s *Sequential) Visit(v Visitor) {
	for i, layer := range s.Layers {
		v.Model(layerName(i), layer)
	}
}

func layerName(i int) string { return "layers." + strconv.Itoa(i) }

// Residual is x + Inner(x) (He et al. 2016), or Shortcut(x) + Inner(x) where the shapes differ.
type Residual struct {
	Inner    Module
	Shortcut Module // nil: the identity
}

// Forward returns the sum, of the shape that Inner gives.
func (r *Residual) Forward(pass *Pass, x *tensor.Tensor) *tensor.Tensor {
	y := within("inner", func() *tensor.Tensor { return r.Inner.Forward(pass, x) })
	if r.Shortcut != nil {
		x = within("shortcut", func() *tensor.Tensor { return r.Shortcut.Forward(pass, x) })
	}
	checkSame("Residual", "shortcut", x, "inner", y)
	return x.Add(y)
}

// Visit names the variables of both parts.
func (r *Residual) Visit(v Visitor) {
	v.Model("inner", r.Inner)
	if r.Shortcut != nil {
		v.Model("shortcut", r.Shortcut)
	}
}

// NewMLP returns a multilayer perceptron: linear layers from each width to the next one, with the activation between
// them. Inputs are [..., widths[0]], results [..., the last width].
func NewMLP(r *tensor.Random, widths []int, activation Func, options ...Option) *Sequential {
	if len(widths) < 2 {
		fail("MLP", "%d widths, expected at least those of input and output", len(widths))
	}
	s := NewSequential()
	for i := range widths[1:] {
		if i > 0 {
			s.Layers = append(s.Layers, activation)
		}
		s.Layers = append(s.Layers, NewLinear(r, widths[i], widths[i+1], options...))
	}
	return s
}

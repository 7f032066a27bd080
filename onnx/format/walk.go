package format

import "iter"

// tensors visits every tensor of the model: initializers, and values of attributes at any depth.
func (m *Model) tensors() iter.Seq[*Tensor] {
	return func(yield func(*Tensor) bool) {
		if !m.Graph.eachTensor(yield) {
			return
		}
		for _, f := range m.Functions {
			if !eachTensorOf(f.Nodes, yield) || !eachTensorIn(f.Defaults, yield) {
				return
			}
		}
	}
}

func (g *Graph) eachTensor(yield func(*Tensor) bool) bool {
	for _, t := range g.Initializers {
		if !yield(t) {
			return false
		}
	}
	return eachTensorOf(g.Nodes, yield)
}

func eachTensorOf(nodes []*Node, yield func(*Tensor) bool) bool {
	for _, n := range nodes {
		if !eachTensorIn(n.Attributes, yield) {
			return false
		}
	}
	return true
}

func eachTensorIn(attributes []*Attribute, yield func(*Tensor) bool) bool {
	for _, a := range attributes {
		if a.Tensor != nil && !yield(a.Tensor) || a.Graph != nil && !a.Graph.eachTensor(yield) {
			return false
		}
		for _, t := range a.Tensors {
			if !yield(t) {
				return false
			}
		}
		for _, g := range a.Graphs {
			if !g.eachTensor(yield) {
				return false
			}
		}
	}
	return true
}

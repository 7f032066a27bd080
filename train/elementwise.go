package train

import (
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/tensor"
	"github.com/baremetaldevx86/microdr/trace"
)

// elementwise is a rule of package optim as a method.
type elementwise struct{ rule optim.Rule }

func (m elementwise) states(shape []int) [][]int {
	list := make([][]int, m.rule.States())
	for i := range list {
		list[i] = shape
	}
	return list
}

func (m elementwise) setUniforms(step int, set func(string, float64)) {
	optim.SetUniforms(m.rule, step, set)
}

func (m elementwise) update(x, g *tensor.Tensor, states []*tensor.Tensor, numbers map[string]*tensor.Tensor) (
	*tensor.Tensor, []*tensor.Tensor) {
	record := func(r *trace.Recorder, v []trace.Float) []trace.Float {
		value, kept := m.rule.Update(r, v[0], v[1], v[2:])
		return append([]trace.Float{value}, kept...)
	}
	out := tensor.MapMany("Update", record, numbers, append([]*tensor.Tensor{x, g}, states...)...)
	return out[0], out[1:]
}

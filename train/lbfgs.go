package train

import (
	"context"

	"github.com/baremetaldevx86/microdr/nn"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/tensor"
)

// MinimizeLBFGS lowers a loss that is the same at every call, for instance over all examples at once, by the solver's
// method over the vector of all parameters, which are at its best point afterwards. The solver's numbers are float64;
// loss and gradient are computed by one compiled function, in the precision of the engine, where the search for a lower
// value then ends. loss is recorded once.
func MinimizeLBFGS(ctx context.Context, solver optim.LBFGS, e *tensor.Engine, parameters []nn.Named,
	loss func() *tensor.Tensor) (optim.Result, error) {
	v := vector{parameters: parameters}
	for _, p := range parameters {
		v.start = append(v.start, p.Variable.Value().Float64s()...)
	}
	f, err := e.Compile(func(in []*tensor.Tensor) []*tensor.Tensor {
		v.scatter(in[0])
		value := loss()
		return []*tensor.Tensor{value, v.gather(tensor.Grad(value, v.values()...))}
	}, tensor.Spec{Type: tensor.Float32, Shape: []int{len(v.start)}})
	if err != nil {
		return optim.Result{}, err
	}
	defer f.Close()
	at := func(ctx context.Context, x, gradient []float64) (float64, error) {
		f.Input(0).Write(x)
		if err := f.Run(ctx); err != nil {
			return 0, err
		}
		copy(gradient, f.Result(1).Float64s())
		return f.Result(0).Item(), nil
	}
	result, err := solver.Minimize(ctx, at, v.start)
	if result.X != nil {
		// The last point that was looked at need not be the best one.
		if _, last := at(context.WithoutCancel(ctx), result.X, make([]float64, len(v.start))); err == nil {
			err = last
		}
	}
	return result, err
}

// vector is parameters one after the other.
type vector struct {
	parameters []nn.Named
	start      []float64
}

// scatter gives parameters their parts of a vector.
func (v *vector) scatter(x *tensor.Tensor) {
	at := 0
	for _, p := range v.parameters {
		n := p.Variable.Value().Len()
		p.Variable.Set(x.Slice(0, at, at+n).Reshape(p.Variable.Shape()...))
		at += n
	}
}

func (v *vector) values() []*tensor.Tensor {
	var list []*tensor.Tensor
	for _, p := range v.parameters {
		list = append(list, p.Variable.Value())
	}
	return list
}

func (v *vector) gather(list []*tensor.Tensor) *tensor.Tensor {
	flat := make([]*tensor.Tensor, len(list))
	for i, t := range list {
		flat[i] = t.Reshape(-1)
	}
	return tensor.Concat(0, flat...)
}

package onnx

import (
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/tensor"
)

const trainingDomain = "ai.onnx.preview.training"

func trainingOperators() []operator {
	return []operator{
		{name{trainingDomain, "Adagrad"}, optimizer(3, adagrad), []int{1}},
		{name{trainingDomain, "Adam"}, optimizer(4, adam), []int{1}},
		{name{trainingDomain, "Momentum"}, optimizer(3, momentum), []int{1}},
		{name{trainingDomain, "Gradient"}, evalGradient, []int{1}},
	}
}

// step is one step of an optimizer.
type step struct {
	*call
	rate  Tensor // R
	count int    // T, steps before this one
}

// optimizer runs a rule for each parameter. Inputs are R, T, then all parameters, all gradients and all states of each
// kind; outputs are all parameters and states after the step.
func optimizer(kinds int, rule func(s step, group []Tensor) []Tensor) func(*call) {
	return func(c *call) {
		inputs := c.tensors()
		n := (len(inputs) - 2) / kinds
		if len(inputs) < 2+kinds || len(inputs) != 2+n*kinds {
			fail("expected a rate, a count and groups of %d inputs, got %d", kinds, len(inputs))
		}
		s := step{c, reshape(inputs[0]), scalarInt(inputs[1])}
		c.outputs = make([]Value, n*(kinds-1))
		for i := range n {
			group := make([]Tensor, kinds)
			for k := range group {
				group[k] = inputs[2+k*n+i]
			}
			for k, t := range rule(s, group) {
				c.outputs[k*n+i] = t
			}
		}
	}
}

// regularized adds the gradient of half the squared norm.
func (s step) regularized(x, gradient Tensor) Tensor {
	return add(scale(x, s.float("norm_coefficient", 0)), gradient)
}

func adagrad(s step, group []Tensor) []Tensor {
	x, squares := group[0], group[2]
	rate := scale(s.rate, 1/(1+float64(s.count)*s.float("decay_factor", 0)))
	gradient := s.regularized(x, group[1])
	squares = add(squares, multiply(gradient, gradient))
	root := shift(unary("Sqrt", squares), s.float("epsilon", 1e-6))
	return []Tensor{subtract(x, divide(multiply(rate, gradient), root)), squares}
}

func adam(s step, group []Tensor) []Tensor {
	x, alpha, beta := group[0], s.float("alpha", 0.9), s.float("beta", 0.999)
	gradient := s.regularized(x, group[1])
	mean := mixed(group[2], gradient, alpha)
	squares := mixed(group[3], multiply(gradient, gradient), beta)
	rate := s.rate
	if t := float64(s.count); t > 0 {
		rate = scale(rate, math.Sqrt(1-math.Pow(beta, t))/(1-math.Pow(alpha, t)))
	}
	root := shift(unary("Sqrt", squares), s.float("epsilon", 1e-6))
	x = subtract(x, divide(multiply(rate, mean), root))
	return []Tensor{scale(x, 1-s.float("norm_coefficient_post", 0)), mean, squares}
}

func momentum(s step, group []Tensor) []Tensor {
	x, alpha, beta := group[0], s.float("alpha", 0), 1.0
	gradient := s.regularized(x, group[1])
	if s.count > 0 {
		beta = s.float("beta", 0)
	}
	velocity := add(scale(group[2], alpha), scale(gradient, beta))
	direction := velocity
	switch mode := s.text("mode", ""); mode {
	case "standard":
	case "nesterov":
		direction = add(gradient, scale(velocity, alpha))
	default:
		fail("expected mode standard or nesterov, got %q", mode)
	}
	return []Tensor{subtract(x, multiply(s.rate, direction)), velocity}
}

// evalGradient differentiates the value that the attribute y names by those that xs does, which have to be the inputs,
// in order; zs names others, which are constant. Only what is deferred has derivatives.
func evalGradient(c *call) {
	variables := c.texts("xs")
	n := len(variables)
	if n == 0 || len(c.node.Inputs) < n || !slices.Equal(c.node.Inputs[:n], variables) {
		fail("expected inputs %q, got %q", variables, c.node.Inputs)
	}
	y, _ := c.scope.find(c.text("y", ""))
	result, ok := y.(*deferred)
	if !ok {
		fail("%w without lazy tensors, for a derivative of %s", ErrUnsupported, describe(y))
	}
	ts, l := lazily(c.tensors()[:n]...)
	if l == nil {
		fail("expected variables that tensors can hold, got %v", c.inputs)
	}
	for i, gradient := range tensor.Grad(result.t.Sum(), ts...) {
		c.outputs = append(c.outputs, l.wrap(gradient, c.in(i).Type()))
	}
}

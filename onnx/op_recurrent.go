package onnx

import (
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func recurrentOperators() []operator {
	return []operator{
		op("RNN", recurrent(simpleCell, 1, "Tanh"), 1, 7, 14),
		op("GRU", recurrent(gatedCell, 3, "Sigmoid", "Tanh"), 1, 3, 7, 14),
		op("LSTM", recurrent(memoryCell, 4, "Sigmoid", "Tanh", "Tanh"), 1, 7, 14),
	}
}

// layer is one direction of a recurrent layer. Weights are transposed: [inputs, gates*hidden].
type layer struct {
	weights, recurrence Tensor
	bias, hiddenBias    Tensor // [gates*hidden] each
	peepholes           Tensor // [3*hidden], or nil
	hidden              int
	activations         []func(Tensor) Tensor
	linearBeforeReset   bool
	inputForget         bool
}

// cell computes the next state [batch, hidden] and memory from an input [batch, inputs].
type cell func(l *layer, x, state, memory Tensor) (nextState, nextMemory Tensor)

// gate takes one of the groups of columns, batch in front.
func (l *layer) gate(x Tensor, i int) Tensor { return part(x, len(x.Shape())-1, i*l.hidden, l.hidden) }

func simpleCell(l *layer, x, state, memory Tensor) (Tensor, Tensor) {
	sums := add(add(matmul(x, l.weights), l.bias), add(matmul(state, l.recurrence), l.hiddenBias))
	return l.activations[0](sums), memory
}

// gatedCell is a GRU; its gates are update, reset and hidden.
func gatedCell(l *layer, x, state, memory Tensor) (Tensor, Tensor) {
	fromInput := add(matmul(x, l.weights), l.bias)
	fromState := add(matmul(state, l.recurrence), l.hiddenBias)
	gates := add(fromInput, fromState)
	update, reset := l.activations[0](l.gate(gates, 0)), l.activations[0](l.gate(gates, 1))
	recalled := multiply(reset, l.gate(fromState, 2))
	if !l.linearBeforeReset {
		recalled = add(matmul(multiply(reset, state), l.gate(l.recurrence, 2)), l.gate(l.hiddenBias, 2))
	}
	candidate := l.activations[1](add(l.gate(fromInput, 2), recalled))
	kept := multiply(update, state)
	return add(multiply(subtract(like(update, 1), update), candidate), kept), memory
}

// memoryCell is an LSTM; its gates are input, output, forget and cell, its peepholes input, output and forget.
func memoryCell(l *layer, x, state, memory Tensor) (Tensor, Tensor) {
	gates := add(add(matmul(x, l.weights), l.bias), add(matmul(state, l.recurrence), l.hiddenBias))
	peeked := func(gate int, memory Tensor) Tensor {
		if l.peepholes == nil {
			return l.gate(gates, gate)
		}
		return add(l.gate(gates, gate), multiply(l.gate(l.peepholes, gate), memory))
	}
	input := l.activations[0](peeked(0, memory))
	forget := subtract(like(input, 1), input)
	if !l.inputForget {
		forget = l.activations[0](peeked(2, memory))
	}
	next := add(multiply(forget, memory), multiply(input, l.activations[1](l.gate(gates, 3))))
	output := l.activations[0](peeked(1, next))
	return multiply(output, l.activations[2](next)), next
}

// recurrent runs a cell over a sequence [time, batch, inputs], or [batch, time, inputs] with layout 1.
func recurrent(next cell, gates int, activations ...string) func(*call) {
	return func(c *call) {
		x := c.in(0)
		if len(x.Shape()) != 3 || len(c.in(1).Shape()) != 3 || len(c.in(2).Shape()) != 3 {
			fail("expected a sequence and weights of three dimensions, got %v, %v, %v", x, c.in(1), c.in(2))
		}
		batchFirst := c.integer("layout", 0) == 1
		if batchFirst {
			x = permute(x, 1, 0, 2)
		}
		directions := c.directions()
		hidden := c.in(2).Shape()[2]
		if c.in(1).Shape()[0] != len(directions) || c.in(1).Shape()[1] != gates*hidden {
			fail("expected weights [%d, %d, inputs], got %v", len(directions), gates*hidden, c.in(1))
		}
		functions := c.activations(slices.Repeat(activations, len(directions)))
		var outputs, states, memories []Tensor
		for i, backward := range directions {
			l := c.layer(i, gates, hidden)
			l.activations = functions[i*len(activations) : (i+1)*len(activations)]
			y, state, memory := c.direction(l, next, i, x, backward, batchFirst)
			outputs, states, memories = append(outputs, y), append(states, state), append(memories, memory)
		}
		y, state, memory := concat(1, outputs...), concat(0, states...), concat(0, memories...)
		if batchFirst {
			y, state, memory = permute(y, 2, 0, 1, 3), permute(state, 1, 0, 2), permute(memory, 1, 0, 2)
		}
		c.out(y, state, memory)
	}
}

// directions tells of each whether it goes backward.
func (c *call) directions() []bool {
	switch d := c.text("direction", "forward"); d {
	case "forward":
		return []bool{false}
	case "reverse":
		return []bool{true}
	case "bidirectional":
		return []bool{false, true}
	default:
		fail("expected direction forward, reverse or bidirectional, got %q", d)
		return nil
	}
}

func (c *call) layer(i, gates, hidden int) *layer {
	x := c.in(0)
	biases := broadcast(like(x, 0), 2*gates*hidden)
	if c.has(3) {
		biases = at(c.in(3), 0, i)
	}
	l := &layer{
		weights: permute(at(c.in(1), 0, i), 1, 0), recurrence: permute(at(c.in(2), 0, i), 1, 0),
		bias: part(biases, 0, 0, gates*hidden), hiddenBias: part(biases, 0, gates*hidden, gates*hidden),
		hidden: hidden, linearBeforeReset: c.flag("linear_before_reset", false), inputForget: c.flag("input_forget", false),
	}
	if c.has(7) {
		l.peepholes = at(c.in(7), 0, i)
	}
	return l
}

// direction returns [time, 1, batch, hidden], and the last state and memory [1, batch, hidden].
func (c *call) direction(l *layer, next cell, i int, x Tensor, backward, batchFirst bool) (y, state, memory Tensor) {
	steps, batch := x.Shape()[0], x.Shape()[1]
	lengths := repeated(batch, steps)
	if c.has(4) {
		lengths = c.ints(4)
	}
	if steps < 1 || len(lengths) != batch {
		fail("expected a step or more and %d lengths, got %d and %v", batch, steps, lengths)
	}
	state, memory = c.initial(5, i, l, batch, batchFirst), c.initial(6, i, l, batch, batchFirst)
	if backward {
		x = reverseSequence(x, lengths, 1, 0)
	}
	var outputs []Tensor
	for t := range steps {
		nextState, nextMemory := next(l, at(x, 0, t), state, memory)
		output := nextState
		if running := stillRunning(lengths, t); running != nil {
			output = where(running, nextState, like(x, 0))
			nextState, nextMemory = where(running, nextState, state), where(running, nextMemory, memory)
		}
		state, memory = nextState, nextMemory
		outputs = append(outputs, unsqueeze(output, 0))
	}
	y = concat(0, outputs...)
	if backward {
		y = reverseSequence(y, lengths, 1, 0)
	}
	return unsqueeze(y, 1), unsqueeze(state, 0), unsqueeze(memory, 0)
}

// stillRunning tells of each batch whether step t is within its length; nil if that is so for all.
func stillRunning(lengths []int, t int) Tensor {
	if slices.Min(append([]int{t + 1}, lengths...)) > t {
		return nil
	}
	running := make([]bool, len(lengths))
	for i, n := range lengths {
		running[i] = t < n
	}
	return must(ndarray.Of(running, len(running), 1))
}

// initial returns the state that an input gives for a direction, or zeros.
func (c *call) initial(input, i int, l *layer, batch int, batchFirst bool) Tensor {
	given := c.optional(input)
	switch {
	case given == nil:
		return broadcast(like(c.in(0), 0), batch, l.hidden)
	case len(given.Shape()) != 3:
		fail("expected a state of three dimensions, got %v", given)
	case batchFirst:
		return at(given, 1, i)
	}
	return at(given, 0, i)
}

// activation makes an activation from its parameters; defaults has as many as it takes.
type activation struct {
	defaults []float64
	make     func(alpha, beta float64) func(Tensor) Tensor
}

// activationTable is the activation functions of recurrent layers.
func activationTable() map[string]activation {
	plain := func(f func(Tensor) Tensor) activation {
		return activation{nil, func(_, _ float64) func(Tensor) Tensor { return f }}
	}
	one := func(alpha float64, f func(Tensor, float64) Tensor) activation {
		return activation{[]float64{alpha}, func(alpha, _ float64) func(Tensor) Tensor {
			return func(x Tensor) Tensor { return f(x, alpha) }
		}}
	}
	two := func(alpha, beta float64, f func(x Tensor, alpha, beta float64) Tensor) activation {
		return activation{[]float64{alpha, beta}, func(alpha, beta float64) func(Tensor) Tensor {
			return func(x Tensor) Tensor { return f(x, alpha, beta) }
		}}
	}
	return map[string]activation{
		"tanh": plain(tanh), "sigmoid": plain(sigmoid), "relu": plain(relu), "softsign": plain(softsign),
		"softplus": plain(softplus), "leakyrelu": one(0.01, leakyRelu), "elu": one(1, elu),
		"thresholdedrelu": one(1, thresholdedRelu), "hardsigmoid": two(0.2, 0.5, hardSigmoid),
		"affine":     two(1, 0, func(x Tensor, alpha, beta float64) Tensor { return shift(scale(x, alpha), beta) }),
		"scaledtanh": two(1, 1, func(x Tensor, alpha, beta float64) Tensor { return scale(tanh(scale(x, beta)), alpha) }),
	}
}

func tanh(x Tensor) Tensor { return unary("Tanh", x) }

// activations returns the functions that the attribute names. Parameters are handed out in order, to functions that
// take some.
func (c *call) activations(defaults []string) []func(Tensor) Tensor {
	names := c.texts("activations")
	if names == nil {
		names = defaults
	}
	if len(names) != len(defaults) {
		fail("expected %d activations, got %q", len(defaults), names)
	}
	table, alphas, betas := activationTable(), c.floats("activation_alpha"), c.floats("activation_beta")
	out := make([]func(Tensor) Tensor, len(names))
	for i, name := range names {
		a, ok := table[strings.ToLower(name)]
		if !ok {
			fail("expected a known activation, got %q", name)
		}
		parameters := append(slices.Clone(a.defaults), 0, 0)
		if len(a.defaults) > 0 && len(alphas) > 0 {
			parameters[0], alphas = float64(alphas[0]), alphas[1:]
		}
		if len(a.defaults) > 1 && len(betas) > 0 {
			parameters[1], betas = float64(betas[0]), betas[1:]
		}
		out[i] = c.clipped(a.make(parameters[0], parameters[1]))
	}
	return out
}

// clipped bounds the argument of an activation by the attribute clip.
func (c *call) clipped(f func(Tensor) Tensor) func(Tensor) Tensor {
	if !c.hasAttribute("clip") {
		return f
	}
	limit := c.float("clip", 0)
	return func(x Tensor) Tensor { return f(maximum(like(x, -limit), minimum(like(x, limit), x))) }
}

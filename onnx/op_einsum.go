package onnx

import (
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

// An einsum is computed pair by pair as a matrix product: letters that both sides and the rest need are the batch,
// those that nobody needs afterwards are contracted, the others are rows and columns.

// labelled is a tensor whose dimensions have names. An ellipsis stands for names of its own, the last one being '0'.
type labelled struct {
	Tensor
	labels []rune
}

func evalEinsum(c *call) {
	operands := c.tensors()
	equation := strings.ReplaceAll(c.text("equation", ""), " ", "")
	left, right, explicit := strings.Cut(equation, "->")
	terms := strings.Split(left, ",")
	if len(terms) != len(operands) {
		fail("expected an equation with %d terms, got %q", len(operands), equation)
	}
	list, hidden := make([]labelled, len(terms)), 0
	for i, term := range terms {
		labels := labelsOf(term, len(operands[i].Shape()))
		list[i] = diagonalOf(operands[i], labels)
		hidden = max(hidden, len(labels)-len(strings.ReplaceAll(term, "...", "")))
	}
	var result []rune
	if explicit {
		result = labelsOf(right, len(strings.ReplaceAll(right, "...", ""))+hidden*strings.Count(right, "..."))
	} else {
		result = implicitResult(left, hidden)
	}
	c.out(contractAll(list, result))
}

// labelsOf names the dimensions of a term.
func labelsOf(term string, rank int) []rune {
	before, after, ellipsis := strings.Cut(term, "...")
	hidden := rank - len(before) - len(after)
	if hidden < 0 || hidden > 0 && !ellipsis || hidden > 10 {
		fail("expected a term for %d dimensions, got %q", rank, term)
	}
	for _, letter := range before + after {
		if !(letter >= 'a' && letter <= 'z' || letter >= 'A' && letter <= 'Z') {
			fail("expected letters in a term, got %q", term)
		}
	}
	labels := []rune(before)
	for i := range hidden {
		labels = append(labels, '0'+rune(hidden-1-i))
	}
	return append(labels, []rune(after)...)
}

// implicitResult is the ellipsis, then all letters that occur once, sorted.
func implicitResult(left string, hidden int) []rune {
	result := labelsOf("...", hidden)
	letters := []rune(strings.NewReplacer(",", "", "...", "").Replace(left))
	slices.Sort(letters)
	for _, letter := range letters {
		if strings.Count(left, string(letter)) == 1 {
			result = append(result, letter)
		}
	}
	return result
}

// diagonalOf makes one dimension of those that have the same name.
func diagonalOf(x Tensor, labels []rune) labelled {
	var kept []rune
	var shape, strides []int
	for axis, stride := range ndarray.Strides(x.Shape()) {
		length := x.Shape()[axis]
		i := slices.Index(kept, labels[axis])
		if i < 0 {
			kept, shape, strides = append(kept, labels[axis]), append(shape, length), append(strides, stride)
			continue
		}
		if shape[i] != length {
			fail("expected dimensions %c to be equal, got %v", labels[axis], x)
		}
		strides[i] += stride
	}
	if len(kept) == len(labels) {
		return labelled{x, labels}
	}
	return labelled{take(x, shape, ndarray.View(shape, strides, 0)), kept}
}

func contractAll(list []labelled, result []rune) Tensor {
	acc := list[0]
	for i, next := range list[1:] {
		needed := slices.Clone(result)
		for _, later := range list[i+2:] {
			needed = append(needed, later.labels...)
		}
		acc = contract(acc, next, needed)
	}
	acc = acc.sumOut(result)
	order := make([]int, len(result))
	for i, label := range result {
		if order[i] = slices.Index(acc.labels, label); order[i] < 0 {
			fail("expected letter %c of the result in a term", label)
		}
	}
	return permute(acc.Tensor, order...)
}

// sumOut adds up along dimensions that are not needed.
func (x labelled) sumOut(needed []rune) labelled {
	var axes []int
	var labels []rune
	for axis, label := range x.labels {
		if slices.Contains(needed, label) {
			labels = append(labels, label)
		} else {
			axes = append(axes, axis)
		}
	}
	if len(axes) == 0 {
		return x
	}
	return labelled{sum(x.Tensor, axes, false), labels}
}

func contract(x, y labelled, needed []rune) labelled {
	x = x.sumOut(append(slices.Clone(y.labels), needed...))
	y = y.sumOut(append(slices.Clone(x.labels), needed...))
	var batch, inner, rows, columns []rune
	for _, label := range x.labels {
		switch {
		case !slices.Contains(y.labels, label):
			rows = append(rows, label)
		case slices.Contains(needed, label):
			batch = append(batch, label)
		default:
			inner = append(inner, label)
		}
	}
	for _, label := range y.labels {
		if !slices.Contains(x.labels, label) {
			columns = append(columns, label)
		}
	}
	x, y = x.stretched(y, batch, inner), y.stretched(x, batch, inner)
	out := matmul(x.grouped(batch, rows, inner), y.grouped(batch, inner, columns))
	shape := slices.Concat(x.lengths(batch), x.lengths(rows), y.lengths(columns))
	return labelled{reshape(out, shape...), slices.Concat(batch, rows, columns)}
}

// stretched broadcasts the dimensions that two operands share.
func (x labelled) stretched(y labelled, shared ...[]rune) labelled {
	shape := slices.Clone(x.Shape())
	for _, label := range slices.Concat(shared...) {
		i, j := slices.Index(x.labels, label), slices.Index(y.labels, label)
		shape[i] = jointShape([]int{shape[i]}, []int{y.Shape()[j]})[0]
	}
	return labelled{broadcast(x.Tensor, shape...), x.labels}
}

// grouped makes one dimension of each group of names.
func (x labelled) grouped(groups ...[]rune) Tensor {
	var order, shape []int
	for _, group := range groups {
		shape = append(shape, product(x.lengths(group)))
		for _, label := range group {
			order = append(order, slices.Index(x.labels, label))
		}
	}
	return reshape(permute(x.Tensor, order...), shape...)
}

func (x labelled) lengths(labels []rune) []int {
	out := make([]int, len(labels))
	for i, label := range labels {
		out[i] = x.Shape()[slices.Index(x.labels, label)]
	}
	return out
}

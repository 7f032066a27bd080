package tensor

import (
	"slices"

	"github.com/baremetaldevx86/microdr/ir"
)

var matMulKind = kind{name: "MatMul"}

func init() {
	matMulKind.stage = stageMatMul
	matMulKind.vjp = func(t, adjoint *Tensor, need []bool) []*Tensor {
		a, b := t.args[0], t.args[1]
		out := make([]*Tensor, 2)
		if need[0] {
			out[0] = product(adjoint, b.T())
		}
		if need[1] {
			out[1] = product(a.T(), adjoint)
		}
		return out
	}
	matMulKind.jvp = func(t *Tensor, tangents []*Tensor) *Tensor { return bilinear(t, tangents, product) }
}

// bilinear is the tangent of a product of two arguments.
func bilinear(t *Tensor, tangents []*Tensor, product func(a, b *Tensor) *Tensor) *Tensor {
	var sum *Tensor
	if tangents[0] != nil {
		sum = product(tangents[0], t.args[1])
	}
	if tangents[1] != nil {
		sum = plus(sum, product(t.args[0], tangents[1]))
	}
	return sum
}

// MatMul returns the matrix product over the last two axes, with the others broadcast. A tensor of one axis is a row on the
// left and a column on the right, and that axis is missing in the result.
func (t *Tensor) MatMul(u *Tensor) *Tensor {
	if !t.typ.IsFloat() || !u.typ.IsFloat() {
		fail("MatMul", "%v%v and %v%v: not floats", t.typ, t.shape, u.typ, u.shape)
	}
	if len(t.shape) == 0 || len(u.shape) == 0 {
		fail("MatMul", "shapes %v and %v: a scalar is no matrix", t.shape, u.shape)
	}
	a, b := t, u
	if len(t.shape) == 1 {
		a = a.Unsqueeze(0)
	}
	if len(u.shape) == 1 {
		b = b.Unsqueeze(1)
	}
	if a.Dim(-1) != b.Dim(-2) {
		fail("MatMul", "shapes %v and %v: inner extents %d and %d differ", t.shape, u.shape, a.Dim(-1), b.Dim(-2))
	}
	batch := broadcast("MatMul", a.shape[:len(a.shape)-2], b.shape[:len(b.shape)-2])
	y := multiply(a, b, batch)
	switch {
	case len(t.shape) == 1 && len(u.shape) == 1:
		return y.Squeeze(-2, -1)
	case len(t.shape) == 1:
		return y.Squeeze(-2)
	case len(u.shape) == 1:
		return y.Squeeze(-1)
	}
	return y
}

// multiply expands the batches. A batch of matrices with one matrix on the right is one product of a tall matrix.
func multiply(a, b *Tensor, batch []int) *Tensor {
	shape := append(slices.Clone(batch), a.Dim(-2), b.Dim(-1))
	if len(b.shape) == 2 && len(batch) > 0 {
		return product(a.Reshape(count(batch)*a.Dim(-2), a.Dim(-1)), b).Reshape(shape...)
	}
	wide := func(t *Tensor) *Tensor {
		return t.Expand(append(slices.Clone(batch), t.Dim(-2), t.Dim(-1))...)
	}
	return product(wide(a), wide(b))
}

// product multiplies tensors with equal batches.
func product(a, b *Tensor) *Tensor {
	rank := len(a.shape)
	shape := append(slices.Clone(a.shape[:rank-1]), b.shape[rank-1])
	if a.Dim(-1) == 0 {
		return a.e.Zeros(shape...)
	}
	return node(&matMulKind, nil, Float32, shape, a, b)
}

// matrix returns where the matrices of a tensor lie, in which buffer.
func (l *lowering) matrix(t *Tensor) (slot int, m ir.Matrix) {
	base, s := t, strided{strides: rowMajor(t.shape)}
	if _, whole := l.slots[t]; !whole {
		base, s = t.source()
	}
	rank := len(t.shape)
	return l.slots[base], ir.Matrix{Offset: s.offset, Batch: s.strides[:rank-2], Row: s.strides[rank-2], Col: s.strides[rank-1]}
}

func stageMatMul(l *lowering, t *Tensor) {
	rank := len(t.shape)
	left, a := l.matrix(t.args[0])
	right, b := l.matrix(t.args[1])
	l.m.Stages = append(l.m.Stages, ir.Stage{
		Kind: ir.StageMatMul, Name: l.name(t), In: []int{left, right}, Out: []int{l.slots[t]},
		MatMul: &ir.MatMul{
			Batch: t.shape[:rank-2], M: t.shape[rank-2], N: t.shape[rank-1], K: t.args[0].shape[rank-1], A: a, B: b,
		},
	})
}

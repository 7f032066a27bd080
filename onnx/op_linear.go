package onnx

import (
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func linearOperators() []operator {
	return []operator{
		op("MatMul", func(c *call) { c.out(matrixProduct(c.in(0), c.in(1))) }, 1, 9, 13),
		op("Gemm", evalGemm, 1, 6, 7, 9, 11, 13),
		op("Einsum", evalEinsum, 12),
		op("Det", evalDet, 11),
	}
}

// matrixProduct is NumPy's matmul: a vector on the left is a row, one on the right a column.
func matrixProduct(x, y Tensor) Tensor {
	if min(len(x.Shape()), len(y.Shape())) < 1 {
		fail("expected vectors, matrices or more, got %v and %v", x, y)
	}
	row, column := len(x.Shape()) == 1, len(y.Shape()) == 1
	if row {
		x = unsqueeze(x, 0)
	}
	if column {
		y = unsqueeze(y, 1)
	}
	out := matmul(x, y)
	if column {
		out = squeeze(out, -1)
	}
	if row {
		out = squeeze(out, len(out.Shape())-1-oneIf(!column))
	}
	return out
}

// evalGemm is alpha*A*B + beta*C.
func evalGemm(c *call) {
	a, b := c.in(0), c.in(1)
	if len(a.Shape()) != 2 || len(b.Shape()) != 2 {
		fail("expected matrices, got %v and %v", a, b)
	}
	if c.flag("transA", false) {
		a = permute(a, 1, 0)
	}
	if c.flag("transB", false) {
		b = permute(b, 1, 0)
	}
	out := scaled(matmul(a, b), c.float("alpha", 1))
	if bias := c.optional(2); bias != nil {
		out = add(out, scaled(bias, c.float("beta", 1)))
	}
	c.out(out)
}

// scaled spares the multiplication by 1. Integers take factors that are integers.
func scaled(x Tensor, factor float64) Tensor {
	if factor == 1 {
		return x
	}
	return scale(x, factor)
}

// evalDet eliminates in float64, on the host: derivatives end here.
func evalDet(c *call) {
	x := c.in(0)
	shape := x.Shape()
	if len(shape) < 2 || shape[len(shape)-1] != shape[len(shape)-2] {
		fail("expected square matrices, got %v", x)
	}
	n, batch := shape[len(shape)-1], shape[:len(shape)-2]
	values := slices.Clone(must(host(x).Floats()))
	out := make([]float64, product(batch))
	for i := range out {
		out[i] = determinant(values[i*n*n:(i+1)*n*n], n)
	}
	c.out(cast(must(ndarray.Of(out, batch...)), x.Type()))
}

// determinant eliminates the matrix in place, with partial pivoting.
func determinant(m []float64, n int) float64 {
	det := 1.0
	for k := range n {
		pivot := k
		for r := k + 1; r < n; r++ {
			if abs(m[r*n+k]) > abs(m[pivot*n+k]) {
				pivot = r
			}
		}
		if m[pivot*n+k] == 0 {
			return 0
		}
		if pivot != k {
			det = -det
			for i := range n {
				m[k*n+i], m[pivot*n+i] = m[pivot*n+i], m[k*n+i]
			}
		}
		det *= m[k*n+k]
		for r := k + 1; r < n; r++ {
			factor := m[r*n+k] / m[k*n+k]
			for i := k; i < n; i++ {
				m[r*n+i] -= factor * m[k*n+i]
			}
		}
	}
	return det
}

func abs[T int | float64](x T) T { return max(x, -x) }

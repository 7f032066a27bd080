package train

import "github.com/baremetaldevx86/microdr/tensor"

// clip limits the elements of gradients, and then the norm of all of them together (Pascanu et al. 2013).
func clip(gradients []*tensor.Tensor, value, norm float64) []*tensor.Tensor {
	out := make([]*tensor.Tensor, len(gradients))
	copy(out, gradients)
	if value > 0 {
		for i, g := range out {
			out[i] = g.Clamp(-value, value)
		}
	}
	if norm > 0 && len(out) > 0 {
		factor := globalNorm(out).Inv().Times(norm).AtMost(1) // 1/0 is infinite, and the factor 1
		for i, g := range out {
			out[i] = g.Mul(factor)
		}
	}
	return out
}

// globalNorm returns the root of the sum of the squares of all elements.
func globalNorm(list []*tensor.Tensor) *tensor.Tensor {
	var sum *tensor.Tensor
	for _, t := range list {
		square := t.Sq().Sum()
		if sum == nil {
			sum = square
		} else {
			sum = sum.Add(square)
		}
	}
	return sum.Sqrt()
}

package train

import (
	"cmp"
	"math"

	"github.com/baremetaldevx86/microdr/tensor"
)

// Muon is the momentum of a matrix made orthogonal (Jordan et al. 2024, kellerjordan.github.io/posts/muon): with
// Nesterov's momentum u of the gradient, u = U S V^T, the matrix x steps by U V^T, whose singular values are all about
// 1: x = x (1 - Rate Decay) - Rate sqrt(max(1, out/in)) U V^T, with x of shape [in, out] as nn.Linear has it. It is for
// the matrices inside of a model; the first and the last one are often left to another rule.
type Muon struct {
	Rate       float64 // 0: 0.02
	Momentum   float64 // 0: 0.95
	Decay      float64
	Iterations int // of Newton and Schulz; 0: 5

	// Matches chooses among parameters of two axes; nil: all.
	Matches func(name string, shape []int) bool
}

// The quintic whose iteration takes singular values from (0, 1] to about 1, between 0.68 and 1.13, as fast as one can:
// its coefficients are Jordan's.
const (
	newtonSchulzA = 3.4445
	newtonSchulzB = -4.7750
	newtonSchulzC = 2.0315
)

func (m *Muon) matches(name string, shape []int) bool {
	return len(shape) == 2 && (m.Matches == nil || m.Matches(name, shape))
}

func (m *Muon) states(shape []int) [][]int { return [][]int{shape} }

func (m *Muon) setUniforms(_ int, set func(string, float64)) {
	set("muon.rate", cmp.Or(m.Rate, 0.02))
	set("muon.decay", m.Decay)
}

func (m *Muon) update(x, g *tensor.Tensor, states []*tensor.Tensor, numbers map[string]*tensor.Tensor) (
	*tensor.Tensor, []*tensor.Tensor) {
	momentum := cmp.Or(m.Momentum, 0.95)
	velocity := states[0].Times(momentum).Add(g)
	direction := orthogonalise(velocity.Times(momentum).Add(g), cmp.Or(m.Iterations, 5))
	scale := math.Sqrt(max(1, float64(x.Dim(1))/float64(x.Dim(0))))
	rate := numbers["muon.rate"]
	kept := x.Mul(rate.Mul(numbers["muon.decay"]).From(1))
	return kept.Sub(direction.Times(scale).Mul(rate)), []*tensor.Tensor{velocity}
}

// orthogonalise returns about U V^T of a matrix U S V^T: the singular values, at most 1 after division by the norm, go
// through the odd polynomial a s + b s^3 + c s^5 again and again. The products are of the smaller of the two sides.
func orthogonalise(x *tensor.Tensor, iterations int) *tensor.Tensor {
	tall := x.Dim(0) > x.Dim(1)
	if tall {
		x = x.T()
	}
	x = x.Div(x.Sq().Sum().Sqrt().Plus(1e-7))
	for range iterations {
		a := x.MatMul(x.T())
		b := a.Times(newtonSchulzB).Add(a.MatMul(a).Times(newtonSchulzC))
		x = x.Times(newtonSchulzA).Add(b.MatMul(x))
	}
	if tall {
		x = x.T()
	}
	return x
}

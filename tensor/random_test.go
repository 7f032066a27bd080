package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/baremetaldevx86/microdr/kernel"
)

// growth makes random graphs: the same ones on any engine, given the same seed.
type growth struct {
	*rand.Rand
	e    *Engine
	pool []*Tensor
}

func (g *growth) pick() *Tensor { return g.pool[g.IntN(len(g.pool))] }

// operations take a tensor of floats, and others from the pool where they need them.
var operations = []func(g *growth, x *Tensor) *Tensor{
	func(g *growth, x *Tensor) *Tensor { return x.Tanh() },
	func(g *growth, x *Tensor) *Tensor { return x.Times(0.3).Plus(0.1) },
	func(g *growth, x *Tensor) *Tensor { return x.Exp().AtMost(3) },
	func(g *growth, x *Tensor) *Tensor { return x.ReLU() },
	func(g *growth, x *Tensor) *Tensor { return x.T() },
	func(g *growth, x *Tensor) *Tensor { return x.Flip(g.IntN(2)) },
	func(g *growth, x *Tensor) *Tensor { return x.Reshape(x.Dim(1), x.Dim(0)) },
	func(g *growth, x *Tensor) *Tensor { return x.Sub(x.Mean(1).Keep(1)) },
	func(g *growth, x *Tensor) *Tensor { return x.Add(x.Sum(0)) },
	func(g *growth, x *Tensor) *Tensor { return x.Mul(x.MaxOver()).AtMost(2) },
	func(g *growth, x *Tensor) *Tensor { return x.Softmax(g.IntN(2)) },
	func(g *growth, x *Tensor) *Tensor { return x.Pad([]int{1, 0}, []int{0, 2}, 0.5).Slice(0, 0, x.Dim(0)) },
	func(g *growth, x *Tensor) *Tensor { return Concat(0, x, x.Neg()).SliceStep(0, 0, 2*x.Dim(0), 2) },
	func(g *growth, x *Tensor) *Tensor { return x.MatMul(x.T()).Times(0.1) },
	func(g *growth, x *Tensor) *Tensor { return x.T().MatMul(x.Sq()).Tanh() },
	func(g *growth, x *Tensor) *Tensor { return x.Cast(BFloat16).Times(0.7) },
	func(g *growth, x *Tensor) *Tensor {
		return x.IndexSelect(0, x.e.Arange(x.Dim(0)).Times(2).Rem(x.e.FullOf(Int32, float64(x.Dim(0)))))
	},
	func(g *growth, x *Tensor) *Tensor {
		return x.Above(0.2).Where(x, x.e.Arange(x.Dim(1)).Cast(Float32).Times(0.01))
	},
	func(g *growth, x *Tensor) *Tensor {
		return Checkpoint(func(y []*Tensor) *Tensor { return y[0].Sin().Mul(x) }, x.Plus(1))
	},
	func(g *growth, x *Tensor) *Tensor {
		if y := g.pick(); equal(y.shape, x.shape) {
			return x.Mul(y).Tanh()
		}
		return x.Sub(g.pick().Mean())
	},
}

// grow returns the results of a random graph, and their gradient.
func grow(e *Engine, seed uint64) []*Tensor {
	g := &growth{Rand: rand.New(rand.NewPCG(seed, 0)), e: e}
	random := e.NewRandom(seed)
	leaf := random.Normal(1+g.IntN(20), 1+g.IntN(40))
	g.pool = append(g.pool, leaf)
	for range 3 + g.IntN(15) {
		g.pool = append(g.pool, operations[g.IntN(len(operations))](g, g.pick()))
	}
	loss := g.pool[len(g.pool)-1].Sq().Mean().Add(g.pick().Mean())
	return append([]*Tensor{loss, g.pick()}, Grad(loss, leaf)...)
}

// TestSameBits: fused or not, on any backend and any number of goroutines, a graph gives the same bits.
func TestSameBits(t *testing.T) {
	variants := []Options{{Workers: 2, Unfused: true}, {Workers: 2, Backend: kernel.Eval}, {Workers: 1}}
	for _, b := range kernel.Backends() {
		variants = append(variants, Options{Workers: 2, Backend: b})
	}
	engines := make([]*Engine, len(variants))
	for i, o := range variants {
		engines[i] = open(t, o)
	}
	graphs := uint64(60)
	if testing.Short() {
		graphs = 5
	}
	for seed := range graphs {
		var want []string
		for i, e := range engines {
			results := grow(e, seed)
			if err := e.compute(t.Context(), results); err != nil {
				t.Fatalf("graph %d: %v", seed, err)
			}
			var got []string
			for _, r := range results {
				bits := r.Float32s()
				text := fmt.Sprint(r.shape)
				for _, x := range bits {
					text += fmt.Sprintf(" %08x", math.Float32bits(x))
				}
				got = append(got, text)
			}
			if want == nil {
				want = got
			}
			for k := range got {
				if got[k] != want[k] {
					t.Fatalf("graph %d: result %d with %+v is %.300s, not %.300s", seed, k, variants[i], got[k], want[k])
				}
			}
		}
	}
}

// TestRandomGradients: the gradients of random graphs are those of float64.
func TestRandomGradients(t *testing.T) {
	single, exact := open(t, Options{}), open(t, Options{Float64: true})
	graphs := uint64(40)
	if testing.Short() {
		graphs = 8
	}
	for seed := range graphs {
		a, b := grow(single, seed)[2].Float64s(), grow(exact, seed)[2].Float64s()
		size, worst := 0.0, 0.0
		for i := range a {
			size, worst = max(size, math.Abs(b[i])), max(worst, math.Abs(a[i]-b[i]))
		}
		if !(worst <= 0.02*(size+1e-3)) { // bfloat16 and kinks are among the operations
			t.Errorf("graph %d: gradients differ by %v of %v", seed, worst, size)
		}
	}
}

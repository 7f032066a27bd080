package onnx

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func randomOperators() []operator {
	return []operator{
		op("RandomNormal", ofShape(normalDraw), 1),
		op("RandomUniform", ofShape(uniformDraw), 1),
		op("RandomNormalLike", likeInput(normalDraw), 1),
		op("RandomUniformLike", likeInput(uniformDraw), 1),
		op("Multinomial", evalMultinomial, 7),
		op("Bernoulli", evalBernoulli, 15),
		op("Dropout", evalDropout, 1, 6, 7, 10, 12, 13),
	}
}

// random returns the numbers of a node: those of its attribute seed or, without one, of the run's seed and of how many
// nodes have drawn before it. They are not those of any other implementation.
func (c *call) random() *rand.Rand {
	c.draws++
	if c.hasAttribute("seed") {
		h := fnv.New64a()
		h.Write([]byte(c.node.OpType))
		seed := c.attributes["seed"] // an integer in Dropout, a float elsewhere
		return rand.New(rand.NewPCG(math.Float64bits(float64(seed.Float))^uint64(seed.Int), h.Sum64()))
	}
	return rand.New(rand.NewPCG(c.seed, c.draws))
}

func normalDraw(c *call, r *rand.Rand) func() float64 {
	mean, deviation := c.float("mean", 0), c.float("scale", 1)
	return func() float64 { return mean + deviation*r.NormFloat64() }
}

func uniformDraw(c *call, r *rand.Rand) func() float64 {
	low, high := c.float("low", 0), c.float("high", 1)
	return func() float64 { return low + (high-low)*r.Float64() }
}

func drawn(draw func() float64, t ndarray.Type, shape []int) Tensor {
	a := must(ndarray.New(ndarray.Float64, shape...))
	values := ndarray.Elements[float64](a)
	for i := range values {
		values[i] = draw()
	}
	return cast(a, t)
}

func ofShape(draw func(*call, *rand.Rand) func() float64) func(*call) {
	return func(c *call) {
		c.out(drawn(draw(c, c.random()), c.element("dtype", ndarray.Float32), c.list("shape")))
	}
}

func likeInput(draw func(*call, *rand.Rand) func() float64) func(*call) {
	return func(c *call) {
		x := c.in(0)
		t := ndarray.Float32
		if x.Type().IsFloat() {
			t = x.Type()
		}
		c.out(drawn(draw(c, c.random()), c.element("dtype", t), x.Shape()))
	}
}

// evalMultinomial draws classes from logarithms of probabilities [batch, classes].
func evalMultinomial(c *call) {
	x, n := c.in(0), c.integer("sample_size", 1)
	if len(x.Shape()) != 2 || x.Shape()[1] == 0 || n < 0 {
		fail("expected [batch, classes] and a sample_size, got %v and %d", x, n)
	}
	batch, classes := x.Shape()[0], x.Shape()[1]
	chances := must(host(softmax(x, 1)).Floats())
	r, out := c.random(), make([]int, 0, batch*n)
	for b := range batch {
		for range n {
			rest, class := r.Float64(), 0
			for rest -= chances[b*classes]; rest >= 0 && class+1 < classes; rest -= chances[b*classes+class] {
				class++
			}
			out = append(out, class)
		}
	}
	c.out(cast(reshape(vectorOf(out), batch, n), c.element("dtype", ndarray.Int32)))
}

func evalBernoulli(c *call) {
	x := c.in(0)
	draws := drawn(c.random().Float64, ndarray.Float64, x.Shape())
	c.out(cast(compare("Less", draws, cast(host(x), ndarray.Float64)), c.element("dtype", x.Type())))
}

// evalDropout drops nothing unless it is told that this is training, which only versions from 12 on can be.
func evalDropout(c *call) {
	x := c.in(0)
	kept := broadcast(ndarray.Scalar(true), x.Shape()...)
	y := x
	if training := c.version >= 12 && c.has(2) && truth(c.value(2)); training {
		ratio := numbers(c.or(1, like(x, 0.5)))
		if len(ratio) != 1 || ratio[0] < 0 || ratio[0] >= 1 {
			fail("expected a ratio from 0 to below 1, got %v", ratio)
		}
		draws := drawn(c.random().Float64, ndarray.Float64, x.Shape())
		kept = compare("GreaterOrEqual", draws, ndarray.Scalar(ratio[0]))
		y = multiply(cast(kept, x.Type()), scale(x, 1/(1-ratio[0])))
	}
	if c.version < 10 {
		kept = cast(kept, x.Type())
	}
	c.out(y, kept)
}

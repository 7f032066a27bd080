package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/baremetaldevx86/microdr/tensor"
)

// TestLinear compares with sums of products.
func TestLinear(t *testing.T) {
	e := open(t, tensor.Options{})
	l := NewLinear(e.NewRandom(1), 3, 2)
	shake(l)
	x := wave(e, 1, 2, 4, 3)
	in, w, b := x.Float64s(), l.Weight.Value().Float64s(), l.Bias.Value().Float64s()
	want := make([]float64, 16)
	for n := range 8 {
		for o := range 2 {
			want[2*n+o] = b[o]
			for i := range 3 {
				want[2*n+o] += in[3*n+i] * w[2*i+o]
			}
		}
	}
	expect(t, "Linear", l.Forward(nil, x), []int{2, 4, 2}, want)
	row := x.At(0, 0).At(0, 0)
	expect(t, "Linear of one sample", l.Forward(nil, row), []int{2}, want[:2])
	l.Bias = nil
	for i := range want {
		want[i] -= b[i%2]
	}
	expect(t, "Linear without bias", l.Forward(nil, x), []int{2, 4, 2}, want)
}

func TestEmbedding(t *testing.T) {
	e := open(t, tensor.Options{})
	m := NewEmbedding(e.NewRandom(1), 3, 2, Weights(Zeros))
	m.Weight.Set(e.New([]float32{1, 2, 3, 4, 5, 6}, 3, 2))
	y := m.Forward(nil, e.NewInt32([]int32{2, 0, -1, 3}, 2, 2))
	expect(t, "Embedding", y, []int{2, 2, 2}, []float64{5, 6, 1, 2, 5, 6, math.NaN(), math.NaN()})
	e = open(t, tensor.Options{Float64: true})
	m = NewEmbedding(e.NewRandom(1), 3, 2)
	checkParameters(t, "Embedding", m, func() *tensor.Tensor { return m.Forward(nil, e.NewInt32([]int32{1, 0, 1}, 3)) })
}

func TestGradients(t *testing.T) {
	for _, r := range []struct {
		name  string
		pass  Pass
		make  func(r *tensor.Random) Module
		shape []int
	}{
		{"Linear", Pass{}, func(r *tensor.Random) Module { return NewLinear(r, 3, 2) }, []int{4, 3}},
		{"MLP", Pass{}, func(r *tensor.Random) Module { return NewMLP(r, []int{3, 4, 2}, GELU) }, []int{4, 3}},
		{"Residual", Pass{}, func(r *tensor.Random) Module {
			return &Residual{Inner: NewMLP(r, []int{3, 2}, nil), Shortcut: NewLinear(r, 3, 2)}
		}, []int{2, 3}},
		{"LayerNorm", Pass{}, func(r *tensor.Random) Module { return NewLayerNorm(engineOf(r), 2, 3) }, []int{2, 2, 3}},
		{"GroupNorm", Pass{}, func(r *tensor.Random) Module { return NewGroupNorm(engineOf(r), 2, 4) }, []int{2, 4, 3}},
		{"BatchNorm", Pass{}, func(r *tensor.Random) Module { return NewBatchNorm(engineOf(r), 3) }, []int{4, 3}},
		{"BatchNorm in training", Pass{Training: true}, func(r *tensor.Random) Module { return NewBatchNorm(engineOf(r), 2) },
			[]int{3, 2, 2}},
	} {
		checkModule(t, r.name, r.pass, r.make, r.shape...)
	}
}

// TestSequential: modules run in their order, and only in training drop anything.
func TestSequential(t *testing.T) {
	e := open(t, tensor.Options{})
	double := Func(func(x *tensor.Tensor) *tensor.Tensor { return x.Times(2) })
	next := Func(func(x *tensor.Tensor) *tensor.Tensor { return x.Plus(1) })
	x := e.New([]float32{1, 2}, 2)
	expect(t, "none", NewSequential().Forward(nil, x), []int{2}, []float64{1, 2})
	expect(t, "two", NewSequential(double, next).Forward(nil, x), []int{2}, []float64{3, 5})
	expect(t, "residual", (&Residual{Inner: double, Shortcut: next}).Forward(nil, x), []int{2}, []float64{4, 7})
	expect(t, "flatten", Flatten(e.Ones(2, 1, 3)), []int{2, 3}, []float64{1, 1, 1, 1, 1, 1})
	expect(t, "flatten nothing", Flatten(e.Ones(0, 2, 3)), []int{0, 6}, nil)
}

// normalise is the oracle of the normalisations: the mean and variance of the elements with equal group(i).
func normalise(x []float64, groups int, group func(i int) int) (y, mean, variance []float64) {
	mean, variance = make([]float64, groups), make([]float64, groups)
	share := float64(groups) / float64(len(x))
	for i, v := range x {
		mean[group(i)] += v * share
	}
	for i, v := range x {
		d := v - mean[group(i)]
		variance[group(i)] += d * d * share
	}
	for i, v := range x {
		y = append(y, (v-mean[group(i)])/math.Sqrt(variance[group(i)]+1e-5))
	}
	return y, mean, variance
}

// TestNormalisations compares with means and variances in loops: of [batch 2, channels 4, 3].
func TestNormalisations(t *testing.T) {
	e := open(t, tensor.Options{})
	x := wave(e, 1, 2, 4, 3).Plus(100)
	channel := func(i int) int { return i / 3 % 4 }
	for _, r := range []struct {
		name   string
		m      Module
		a      affine
		groups int
		group  func(i int) int
		scale  func(i int) int
	}{
		{"LayerNorm", NewLayerNorm(e, 3), affine{}, 8, func(i int) int { return i / 3 }, func(i int) int { return i % 3 }},
		{"LayerNorm of two axes", NewLayerNorm(e, 4, 3), affine{}, 2, func(i int) int { return i / 12 },
			func(i int) int { return i % 12 }},
		{"GroupNorm", NewGroupNorm(e, 2, 4), affine{}, 4, func(i int) int { return i / 6 }, channel},
		{"BatchNorm", NewBatchNorm(e, 4), affine{}, 4, channel, channel},
	} {
		shake(r.m)
		p := Parameters(r.m)
		w, b := p[0].Value().Float64s(), p[1].Value().Float64s()
		want, _, _ := normalise(x.Float64s(), r.groups, r.group)
		for i := range want {
			want[i] = want[i]*w[r.scale(i)] + b[r.scale(i)]
		}
		got := r.m.Forward(&Pass{Training: true}, x).Float64s()
		if !near(got, want, 2e-4) { // float32 has 5 digits left behind 100
			t.Errorf("%s: %v, want %v", r.name, got, want)
		}
	}
}

// TestRunningStatistics: training follows the batches, inference uses what came of it and changes nothing.
func TestRunningStatistics(t *testing.T) {
	e := open(t, tensor.Options{})
	n := NewBatchNorm(e, 2)
	mean, variance := []float64{0, 0}, []float64{1, 1}
	for round := range 3 {
		x := wave(e, float64(round), 3, 2, 2)
		_, m, v := normalise(x.Float64s(), 2, func(i int) int { return i / 2 % 2 })
		for c := range 2 {
			mean[c] = 0.9*mean[c] + 0.1*m[c]
			variance[c] = 0.9*variance[c] + 0.1*v[c]*6/5
		}
		n.Forward(&Pass{Training: true}, x)
	}
	expect(t, "running mean", n.Mean.Value(), []int{2}, mean)
	expect(t, "running variance", n.Variance.Value(), []int{2}, variance)
	x := wave(e, 9, 1, 2)
	want := x.Float64s()
	for c := range want {
		want[c] = (want[c] - mean[c]) / math.Sqrt(variance[c]+1e-5)
	}
	expect(t, "inference", n.Forward(nil, x), []int{1, 2}, want)
	expect(t, "running mean after inference", n.Mean.Value(), []int{2}, mean)
}

// TestStatisticsAreConstant: what inference takes from a batch of the same compiled function has no derivative by it.
func TestStatisticsAreConstant(t *testing.T) {
	e := open(t, tensor.Options{})
	n := NewBatchNorm(e, 2)
	x := wave(e, 1, 3, 2)
	f, err := e.Compile(func([]*tensor.Tensor) []*tensor.Tensor {
		n.Forward(&Pass{Training: true}, x)
		y := n.Forward(nil, wave(e, 2, 3, 2))
		return append(tensor.Grad(y.Sum(), x), y)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "derivative", f.Result(0), []int{3, 2}, make([]float64, 6))
	expect(t, "inference", f.Result(1), []int{3, 2}, n.Forward(nil, wave(e, 2, 3, 2)).Float64s())
}

// TestDropout: the share and the mean are right, the seed decides, every pass drops others, and inference drops
// nothing.
func TestDropout(t *testing.T) {
	e := open(t, tensor.Options{})
	const n, rate = 20000, 0.3
	d := &Dropout{Rate: rate}
	x := e.Full(2, n)
	pass := &Pass{Training: true, Random: e.NewRandom(5)}
	first, second := d.Forward(pass, x), d.Forward(pass, x)
	again := d.Forward(&Pass{Training: true, Random: e.NewRandom(5)}, x)
	zeros, sum := 0, 0.0
	for _, v := range first.Float64s() {
		if sum += v; v == 0 {
			zeros++
		} else if math.Abs(v-2/(1-rate)) > 1e-6 {
			t.Fatalf("%v became %v", 2, v)
		}
	}
	if share := float64(zeros) / n; math.Abs(share-rate) > 0.015 || math.Abs(sum/n-2) > 0.04 { // 4 standard deviations
		t.Errorf("a share of %v is zero, the mean is %v", share, sum/n)
	}
	if !slices.Equal(first.Float64s(), again.Float64s()) {
		t.Error("the same seed drops others")
	}
	if slices.Equal(first.Float64s(), second.Float64s()) {
		t.Error("the next pass drops the same")
	}
	if d.Forward(nil, x) != x || d.Forward(&Pass{Random: e.NewRandom(5)}, x) != x {
		t.Error("inference drops something")
	}
	adjoint := tensor.Grad(first.Sum(), x)[0]
	if !slices.Equal(adjoint.Times(2).Float64s(), first.Float64s()) {
		t.Error("the derivative of what was dropped is not 0, or that of the rest not 1/(1-rate)")
	}
}

// TestCompiledDropout: the runs of a compiled function drop what passes without compiling would.
func TestCompiledDropout(t *testing.T) {
	e := open(t, tensor.Options{})
	d := &Dropout{Rate: 0.5}
	compiled, eager := e.NewRandom(3), e.NewRandom(3)
	x := e.Ones(64)
	f, err := e.Compile(func([]*tensor.Tensor) []*tensor.Tensor {
		return []*tensor.Tensor{d.Forward(&Pass{true, compiled}, x)}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 3 {
		if err := f.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		expect(t, "compiled", f.Result(0), []int{64}, d.Forward(&Pass{true, eager}, x).Float64s())
	}
}

package nn

import (
	"slices"

	"github.com/baremetaldevx86/microdr/tensor"
)

// epsilon is added to variances before their root is taken, where nothing else is said.
const epsilon = 1e-5

// affine are the scale and the shift of what was normalised, both nil if there are none.
type affine struct {
	Weight, Bias *tensor.Variable
}

func newAffine(e *tensor.Engine, shape ...int) affine {
	return affine{e.NewVariable("weight", e.Ones(shape...)), e.NewVariable("bias", e.Zeros(shape...))}
}

// Visit names weight and bias.
func (a affine) Visit(v Visitor) {
	v.Parameter("weight", a.Weight)
	v.Parameter("bias", a.Bias)
}

// apply returns x * weight + bias, both reshaped so that they broadcast.
func (a affine) apply(x *tensor.Tensor, shape ...int) *tensor.Tensor {
	if a.Weight != nil {
		x = x.Mul(a.Weight.Value().Reshape(shape...))
	}
	if a.Bias != nil {
		x = x.Add(a.Bias.Value().Reshape(shape...))
	}
	return x
}

// moments returns mean and variance (of all elements: not corrected) over the axes, kept as extents of 1, and
// deviations from the mean.
func moments(x *tensor.Tensor, axes ...int) (mean, variance, deviation *tensor.Tensor) {
	mean = x.Mean(axes...).Keep(axes...)
	deviation = x.Sub(mean)
	return mean, deviation.Sq().Mean(axes...).Keep(axes...), deviation
}

// standardise returns deviation / sqrt(variance + eps).
func standardise(deviation, variance *tensor.Tensor, eps float64) *tensor.Tensor {
	return deviation.Mul(variance.Plus(eps).Sqrt().Inv())
}

// channelShape is the shape that gives a parameter a channel, of x, [batch, channels, ...].
func channelShape(x *tensor.Tensor) []int {
	shape := slices.Repeat([]int{1}, x.Rank())
	shape[1] = x.Dim(1)
	return shape
}

// checkChannels refuses x that is not [batch, channels, ...].
func checkChannels(layer string, x *tensor.Tensor, channels int) {
	checkFloat(layer, x)
	if x.Rank() < 2 || x.Dim(1) != channels {
		fail(layer, "input of shape %v and parameters of shape [%d], expected an input of [batch, %d, ...]", x.Shape(),
			channels, channels)
	}
}

// LayerNorm gives each sample mean 0 and variance 1 over the last axes, and then a scale and a shift that are learnt
// (Ba et al. 2016).
type LayerNorm struct {
	affine          // of the shape of the last axes
	Epsilon float64 // added to the variance
	shape   []int
}

// NewLayerNorm returns a layer for samples whose last axes have the shape.
func NewLayerNorm(e *tensor.Engine, shape ...int) *LayerNorm {
	if len(shape) == 0 {
		fail("LayerNorm", "no extents, expected those of the last axes")
	}
	return &LayerNorm{newAffine(e, shape...), epsilon, slices.Clone(shape)}
}

// Forward keeps the shape of x, [..., shape...].
func (n *LayerNorm) Forward(_ *Pass, x *tensor.Tensor) *tensor.Tensor {
	checkFloat("LayerNorm", x)
	front := x.Rank() - len(n.shape)
	if front < 0 || !slices.Equal(x.Shape()[front:], n.shape) {
		fail("LayerNorm", "input of shape %v and parameters of shape %v, expected an input that ends with it", x.Shape(),
			n.shape)
	}
	axes := make([]int, len(n.shape))
	for i := range axes {
		axes[i] = front + i
	}
	_, variance, deviation := moments(x, axes...)
	return n.apply(standardise(deviation, variance, n.Epsilon), n.shape...)
}

// GroupNorm gives each group of channels of each sample mean 0 and variance 1, and then each channel a scale and a
// shift that are learnt (Wu and He 2018). One group is layer normalisation of images, a group a channel instance
// normalisation.
type GroupNorm struct {
	affine           // [channels]
	Epsilon  float64 // added to the variance
	groups   int
	channels int
}

// NewGroupNorm returns a layer of that many groups of channels/groups channels.
func NewGroupNorm(e *tensor.Engine, groups, channels int) *GroupNorm {
	if groups < 1 || channels%groups != 0 {
		fail("GroupNorm", "%d channels in %d groups, expected groups of equal numbers", channels, groups)
	}
	return &GroupNorm{newAffine(e, channels), epsilon, groups, channels}
}

// Forward keeps the shape of x, [batch, channels, ...].
func (n *GroupNorm) Forward(_ *Pass, x *tensor.Tensor) *tensor.Tensor {
	checkChannels("GroupNorm", x, n.channels)
	_, variance, deviation := moments(x.Reshape(x.Dim(0), n.groups, -1), 2)
	y := standardise(deviation, variance, n.Epsilon).Reshape(x.Shape()...)
	return n.apply(y, channelShape(x)...)
}

// BatchNorm gives each channel mean 0 and variance 1 over the batch, and then a scale and a shift that are learnt
// (Ioffe and Szegedy 2015). In training the statistics are the batch's, and running ones follow them; otherwise they
// are the running ones.
type BatchNorm struct {
	affine                    // [channels]
	Mean     *tensor.Variable // [channels], running
	Variance *tensor.Variable // [channels], running, corrected (by n-1)
	Momentum float64          // how much of the running statistics a batch replaces
	Epsilon  float64          // added to the variance
}

// NewBatchNorm returns a layer whose running statistics begin at mean 0 and variance 1, with a momentum of 0.1.
func NewBatchNorm(e *tensor.Engine, channels int) *BatchNorm {
	return &BatchNorm{
		affine: newAffine(e, channels), Momentum: 0.1, Epsilon: epsilon,
		Mean:     e.NewVariable("running_mean", e.Zeros(channels)),
		Variance: e.NewVariable("running_var", e.Ones(channels)),
	}
}

// Forward keeps the shape of x, [batch, channels, ...]. In training there must be more than one element a channel.
func (n *BatchNorm) Forward(pass *Pass, x *tensor.Tensor) *tensor.Tensor {
	checkChannels("BatchNorm", x, n.Mean.Shape()[0])
	shape := channelShape(x)
	if pass.training() {
		return n.apply(n.train(x), shape...)
	}
	mean, variance := n.Mean.Value().Reshape(shape...), n.Variance.Value().Reshape(shape...)
	return n.apply(standardise(x.Sub(mean), variance, n.Epsilon), shape...)
}

// train standardises by the statistics of the batch, which the running ones follow.
func (n *BatchNorm) train(x *tensor.Tensor) *tensor.Tensor {
	count := float64(x.Len()) / float64(x.Dim(1))
	if count < 2 {
		const text = "input of shape %v has %v elements a channel, expected more than one in training"
		fail("BatchNorm", text, x.Shape(), count)
	}
	axes := []int{0}
	for i := 2; i < x.Rank(); i++ {
		axes = append(axes, i)
	}
	mean, variance, deviation := moments(x, axes...)
	n.follow(n.Mean, mean)
	n.follow(n.Variance, variance.Times(count/(count-1)))
	return standardise(deviation, variance, n.Epsilon)
}

// follow moves a running statistic towards that of the batch.
func (n *BatchNorm) follow(running *tensor.Variable, batch *tensor.Tensor) {
	old := running.Value()
	step := batch.Reshape(old.Shape()...).StopGradient().Sub(old).Times(n.Momentum)
	running.Set(old.Add(step))
}

// Visit names weight, bias and, as buffers, running_mean and running_var.
func (n *BatchNorm) Visit(v Visitor) {
	n.affine.Visit(v)
	v.Buffer("running_mean", n.Mean)
	v.Buffer("running_var", n.Variance)
}

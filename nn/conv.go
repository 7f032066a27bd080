package nn

import "github.com/baremetaldevx86/microdr/tensor"

// Conv2D is a cross-correlation of images with filters, and a bias for each filter; see [tensor.Tensor.Conv2D].
type Conv2D struct {
	Weight *tensor.Variable // [filters, channels/groups, height, width]
	Bias   *tensor.Variable // [filters], or nil
	Window tensor.Window    // how filters go over the image
}

// NewConv2D returns a layer of filters of size[0] by size[1] pixels, over that many channels. Without options its
// weight is HeUniform, for the ReLU that mostly follows, and its bias zero.
func NewConv2D(r *tensor.Random, channels, filters int, size [2]int, w tensor.Window, options ...Option) *Conv2D {
	groups := max(1, w.Groups)
	if channels%groups != 0 || filters%groups != 0 {
		fail("Conv2D", "%d channels and %d filters in %d groups, expected groups of equal numbers", channels, filters, groups)
	}
	s := settingsOf(settings{HeUniform, Zeros}, options)
	fan := Fan{channels / groups * size[0] * size[1], filters / groups * size[0] * size[1]}
	return &Conv2D{
		Weight: s.newWeight(r, fan, filters, channels/groups, size[0], size[1]), Bias: s.newBias(r, fan, filters), Window: w,
	}
}

// Forward takes x of shape [batch, channels, height, width] to [batch, filters, the extents that the window gives].
func (c *Conv2D) Forward(_ *Pass, x *tensor.Tensor) *tensor.Tensor {
	w := c.Weight.Shape()
	channels := w[1] * max(1, c.Window.Groups)
	if x.Rank() != 4 || x.Dim(1) != channels {
		fail("Conv2D", "input of shape %v and weight of shape %v, expected an input of [batch, %d, height, width]",
			x.Shape(), w, channels)
	}
	y := x.Conv2D(c.Weight.Value(), c.Window)
	if c.Bias != nil {
		y = y.Add(c.Bias.Value().Reshape(-1, 1, 1))
	}
	return y
}

// Visit names weight and bias.
func (c *Conv2D) Visit(v Visitor) {
	v.Parameter("weight", c.Weight)
	v.Parameter("bias", c.Bias)
}

// MaxPool2D takes the greatest of each window over images, [batch, channels, height, width]; see
// [tensor.Tensor.MaxPool2D]. A stride of 0 is the window's extent.
func MaxPool2D(size [2]int, w tensor.Window) Func {
	return func(x *tensor.Tensor) *tensor.Tensor { return x.MaxPool2D(size[0], size[1], w) }
}

// AvgPool2D takes the mean of each window over images, [batch, channels, height, width], for which padding counts as
// zeros; see [tensor.Tensor.AvgPool2D]. A stride of 0 is the window's extent.
func AvgPool2D(size [2]int, w tensor.Window) Func {
	return func(x *tensor.Tensor) *tensor.Tensor { return x.AvgPool2D(size[0], size[1], w, false) }
}

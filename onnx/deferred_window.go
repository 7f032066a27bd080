package onnx

import "github.com/baremetaldevx86/microdr/tensor"

// lazyConvolve lets two spatial dimensions be convolved by the engine; one becomes two. Nil for more.
func lazyConvolve(x, weights *tensor.Tensor, groups int, w window) *tensor.Tensor {
	if len(w.kernel) == 1 {
		weights = weights.Unsqueeze(2)
	}
	return w.inPlane(x, func(x *tensor.Tensor, _, _ int, plane tensor.Window) *tensor.Tensor {
		plane.Groups = groups
		return x.Conv2D(weights, plane)
	})
}

// lazyMaxPool does the same for pooling.
func lazyMaxPool(x *tensor.Tensor, w window) *tensor.Tensor {
	return w.inPlane(x, (*tensor.Tensor).MaxPool2D)
}

// planar is an operation with a window over images.
type planar func(x *tensor.Tensor, height, width int, w tensor.Window) *tensor.Tensor

// inPlane calls f for images that have one spatial dimension or two, with the window as one over two. Nil for more.
func (w window) inPlane(x *tensor.Tensor, f planar) *tensor.Tensor {
	switch len(w.kernel) {
	case 1:
		return f(x.Unsqueeze(2), 1, w.kernel[0], w.plane()).Squeeze(2)
	case 2:
		return f(x, w.kernel[0], w.kernel[1], w.plane())
	}
	return nil
}

// plane returns a window over one or two dimensions as one over two.
func (w window) plane() tensor.Window {
	last := len(w.kernel) - 1
	out := tensor.Window{
		Stride: [2]int{1, w.strides[last]}, Dilation: [2]int{1, w.dilations[last]},
		Pad: [2][2]int{{}, {w.before[last], w.after[last]}},
	}
	if last > 0 {
		out.Stride[0], out.Dilation[0] = w.strides[0], w.dilations[0]
		out.Pad[0] = [2]int{w.before[0], w.after[0]}
	}
	return out
}

package onnx

import (
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func signalOperators() []operator {
	return []operator{
		op("HannWindow", cosineWindow(0.5, -0.5, 0), 17),
		op("HammingWindow", cosineWindow(25.0/46, -21.0/46, 0), 17),
		op("BlackmanWindow", cosineWindow(0.42, -0.5, 0.08), 17),
		op("MelWeightMatrix", evalMelWeightMatrix, 17),
		op("DFT", evalDFT, 17),
		op("STFT", evalSTFT, 17),
	}
}

// cosineWindow is a + b*cos(x) + c*cos(2x) over one period.
func cosineWindow(a, b, c float64) func(*call) {
	return func(call *call) {
		n := scalarInt(call.in(0))
		if n < 0 || n > ndarray.MaxElements {
			fail("expected a size of 0 or more, got %d", n)
		}
		period := float64(n - 1)
		if call.flag("periodic", true) {
			period = float64(n)
		}
		values := make([]float64, n)
		for i := range values {
			x := 2 * math.Pi * float64(i) / period
			values[i] = a + b*math.Cos(x) + c*math.Cos(2*x)
		}
		call.out(cast(ndarray.Vector(values...), call.element("output_datatype", ndarray.Float32)))
	}
}

// evalMelWeightMatrix makes triangles, whose corners are equally far from each other on the mel scale.
func evalMelWeightMatrix(c *call) {
	bins, length, rate := scalarInt(c.in(0)), scalarInt(c.in(1)), float64(scalarInt(c.in(2)))
	low, high := mel(c.number(3, 0)), mel(c.number(4, 0))
	if bins < 1 || length < 1 || bins > ndarray.MaxElements || length > ndarray.MaxElements || !(rate > 0) {
		fail("expected bins, a length and a rate of 1 or more, got %d, %d and %v", bins, length, rate)
	}
	spectrum := length/2 + 1
	corners := make([]int, bins+2)
	for i := range corners {
		m := low + float64(i)*(high-low)/float64(bins+2)
		hertz := 700 * (math.Pow(10, m/2595) - 1)
		corners[i] = int(min(max(math.Floor(float64(length+1)*hertz/rate), 0), float64(spectrum)))
	}
	out := must(ndarray.New(ndarray.Float64, spectrum, bins))
	weights := ndarray.Elements[float64](out)
	for i := range bins {
		left, middle, right := corners[i], corners[i+1], corners[i+2]
		for k := left; k <= middle && k < spectrum; k++ {
			weights[k*bins+i] = float64(k-left+oneIf(left == middle)) / float64(max(middle-left, 1))
		}
		for k := middle; k < right; k++ {
			weights[k*bins+i] = float64(right-k) / float64(right-middle)
		}
	}
	c.out(cast(out, c.element("output_datatype", ndarray.Float32)))
}

func mel(hertz float64) float64 { return 2595 * math.Log10(1+hertz/700) }

// evalDFT transforms [batch, dimensions..., 1 or 2]; the last one is the real and the imaginary part.
func evalDFT(c *call) {
	x := c.in(0)
	rank := len(x.Shape())
	if rank < 2 {
		fail("expected a signal and its parts, got %v", x)
	}
	axis := c.axis("axis", 1, rank)
	if axis == rank-1 {
		fail("expected a dimension other than the last one")
	}
	n := x.Shape()[axis]
	if c.has(1) {
		n = scalarInt(c.in(1))
	}
	c.out(fourier(x, axis, n, c.flag("inverse", false), c.flag("onesided", false)))
}

// fourier transforms the first n elements of a dimension, or those and zeros.
func fourier(x Tensor, axis, n int, inverse, oneSided bool) Tensor {
	shape := x.Shape()
	last := len(shape) - 1
	if n < 1 || n > ndarray.MaxElements || shape[last] < 1 || shape[last] > 2 || inverse && oneSided {
		fail("expected a length of 1 or more and a real or complex signal, got %d and %v", n, x)
	}
	after := make([]int, len(shape))
	after[axis] = n - shape[axis]
	x = padOrCut(x, make([]int, len(shape)), after, like(x, 0))
	results := n
	if oneSided {
		results = n/2 + 1
	}
	cosines, sines := waves(results, n, inverse, x.Type())
	real := part(x, last, 0, 1)
	outReal, outImaginary := alongAxis(real, axis, cosines), alongAxis(real, axis, sines)
	if shape[last] == 2 {
		imaginary := part(x, last, 1, 1)
		outReal = subtract(outReal, alongAxis(imaginary, axis, sines))
		outImaginary = add(outImaginary, alongAxis(imaginary, axis, cosines))
	}
	return concat(last, outReal, outImaginary)
}

// waves returns the real and imaginary parts of the matrix of a transform of n elements.
func waves(results, n int, inverse bool, t ndarray.Type) (cosines, sines Tensor) {
	re, im := must(ndarray.New(ndarray.Float64, results, n)), must(ndarray.New(ndarray.Float64, results, n))
	direction, factor := -1.0, 1.0
	if inverse {
		direction, factor = 1, 1/float64(n)
	}
	for k := range results {
		for i := range n {
			sin, cos := math.Sincos(2 * math.Pi * float64(k*i%n) / float64(n))
			ndarray.Elements[float64](re)[k*n+i] = factor * cos
			ndarray.Elements[float64](im)[k*n+i] = direction * factor * sin
		}
	}
	return cast(re, t), cast(im, t)
}

// evalSTFT transforms frames of a signal [batch, time] or [batch, time, 1 or 2], to [batch, frames, frequencies, 2].
func evalSTFT(c *call) {
	x, step := c.in(0), scalarInt(c.in(1))
	if len(x.Shape()) == 2 {
		x = unsqueeze(x, 2)
	}
	if len(x.Shape()) != 3 || step < 1 {
		fail("expected a signal [batch, time, parts] and steps of 1 or more, got %v and %d", x, step)
	}
	n := 0
	window := c.optional(2)
	if c.has(3) {
		n = scalarInt(c.in(3))
	} else if window != nil {
		n = product(window.Shape())
	}
	shape := x.Shape()
	if n < 1 || n > shape[1] {
		fail("expected frames of 1 to %d elements, got %d", shape[1], n)
	}
	var times []int
	for start := 0; start+n <= shape[1]; start += step {
		for i := range n {
			times = append(times, start+i)
		}
	}
	frames := reshape(takeAlong(x, 1, times), shape[0], len(times)/n, n, shape[2])
	if window != nil {
		frames = multiply(frames, alignedAt(window, 2, 4))
	}
	c.out(fourier(frames, 2, n, false, c.flag("onesided", true) && slices.Equal(shape[2:], []int{1})))
}

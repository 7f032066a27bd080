package onnx

import (
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func resizeOperators() []operator {
	return []operator{
		op("Resize", evalResize, 10, 11, 13),
		op("Upsample", evalUpsample, 1, 7, 9),
		op("GridSample", evalGridSample, 16),
	}
}

// resampling is how one dimension is interpolated.
type resampling struct {
	mode, transformation, nearest string
	cubic                         float64 // coefficient a of Keys' kernel
	excludeOutside                bool
	from, to                      int
	scale                         float64 // results an element
	start, end                    float64 // what tf_crop_and_resize takes, in fractions of the dimension
}

// evalUpsample has its scales as an attribute before version 9. It never centres pixels.
func evalUpsample(c *call) {
	x := c.in(0)
	var scales []float64
	if c.version < 9 {
		for _, s := range c.floats("scales") {
			scales = append(scales, float64(s))
		}
	} else {
		scales = numbers(c.in(1))
	}
	r := resampling{mode: c.text("mode", "nearest"), transformation: "asymmetric", nearest: "floor"}
	c.out(c.resampled(x, scales, nil, r))
}

func evalResize(c *call) {
	x := c.in(0)
	r := resampling{mode: c.text("mode", "nearest"), transformation: "asymmetric", nearest: "floor"}
	if c.version < 11 {
		c.out(c.resampled(x, numbers(c.in(1)), nil, r))
		return
	}
	r.transformation = c.text("coordinate_transformation_mode", "half_pixel")
	r.nearest = c.text("nearest_mode", "round_prefer_floor")
	r.cubic, r.excludeOutside = c.float("cubic_coeff_a", -0.75), c.flag("exclude_outside", false)
	if c.flag("antialias", false) || c.hasAttribute("axes") || c.text("keep_aspect_ratio_policy", "stretch") != "stretch" {
		fail("attributes antialias, axes and keep_aspect_ratio_policy are not supported")
	}
	var scales []float64
	var sizes []int
	if c.has(2) && product(c.in(2).Shape()) > 0 {
		scales = numbers(c.in(2))
	} else {
		sizes = c.ints(3)
	}
	c.out(c.resampled(x, scales, sizes, r))
}

// resampled interpolates one dimension after the other.
func (c *call) resampled(x Tensor, scales []float64, sizes []int, r resampling) Tensor {
	shape := x.Shape()
	if len(scales)+len(sizes) != len(shape) {
		fail("expected a scale or a size for each dimension of %v, got %v and %v", x, scales, sizes)
	}
	var region []float64
	if r.transformation == "tf_crop_and_resize" {
		if region = numbers(c.in(1)); len(region) != 2*len(shape) {
			fail("expected a region of %d numbers, got %v", 2*len(shape), region)
		}
	}
	t := x.Type()
	if r.mode != "nearest" && !t.IsFloat() {
		x = cast(x, ndarray.Float32)
	}
	for axis, n := range shape {
		r := r.along(axis, n, scales, sizes, region)
		x = r.apply(x, axis, c.float("extrapolation_value", 0))
	}
	return cast(x, t)
}

func (r resampling) along(axis, n int, scales []float64, sizes []int, region []float64) resampling {
	r.from = n
	if scales != nil {
		r.scale = scales[axis]
		r.to = int(math.Floor(float64(n) * min(max(r.scale, 0), ndarray.MaxElements)))
	} else {
		r.to = sizes[axis]
		r.scale = float64(r.to) / float64(n)
	}
	if r.to < 0 || r.to > ndarray.MaxElements || r.to > 0 && n < 1 {
		fail("expected a size of 0 or more from %d elements, got %d", n, r.to)
	}
	r.end = 1
	if region != nil {
		r.start, r.end = region[axis], region[len(region)/2+axis]
	}
	return r
}

// unchanged tells whether every element stays where it is.
func (r resampling) unchanged() bool {
	return r.from == r.to && r.scale == 1 && r.start == 0 && r.end == 1
}

// coordinate returns where in the original dimension result i stands. Where ends are aligned, those are the ends of
// what the scale makes of the dimension, before that is rounded to a length.
func (r resampling) coordinate(i int) float64 {
	x, n, last := float64(i), float64(r.from-1), r.scale*float64(r.from)-1
	switch r.transformation {
	case "half_pixel":
		return (x+0.5)/r.scale - 0.5
	case "pytorch_half_pixel":
		if r.to == 1 {
			return 0
		}
		return (x+0.5)/r.scale - 0.5
	case "align_corners":
		if r.to == 1 {
			return 0
		}
		return x * n / last
	case "asymmetric":
		return x / r.scale
	case "tf_half_pixel_for_nn":
		return (x + 0.5) / r.scale
	case "tf_crop_and_resize":
		if r.to == 1 {
			return (r.start + r.end) * n / 2
		}
		return r.start*n + x*(r.end-r.start)*n/last
	}
	fail("expected a known coordinate_transformation_mode, got %q", r.transformation)
	return 0
}

func (r resampling) apply(x Tensor, axis int, outside float64) Tensor {
	if r.unchanged() {
		return x
	}
	coordinates, beyond := make([]float64, r.to), make([]bool, r.to)
	for i := range coordinates {
		coordinates[i] = r.coordinate(i)
		beyond[i] = r.transformation == "tf_crop_and_resize" && (coordinates[i] < 0 || coordinates[i] > float64(r.from-1))
	}
	if r.mode == "nearest" {
		x = takeAlong(x, axis, r.nearestOf(coordinates))
	} else {
		x = alongAxis(x, axis, r.weights(coordinates, x.Type()))
	}
	if !slices.Contains(beyond, true) {
		return x
	}
	return where(alignedAt(ndarray.Vector(beyond...), axis, len(x.Shape())), like(x, outside), x)
}

func (r resampling) nearestOf(coordinates []float64) []int {
	round, ok := map[string]func(float64) float64{
		"floor": math.Floor, "ceil": math.Ceil,
		"round_prefer_floor": func(x float64) float64 { return math.Ceil(x - 0.5) },
		"round_prefer_ceil":  func(x float64) float64 { return math.Floor(x + 0.5) },
	}[r.nearest]
	if !ok {
		fail("expected a known nearest_mode, got %q", r.nearest)
	}
	indices := make([]int, len(coordinates))
	for i, x := range coordinates {
		indices[i] = int(min(max(round(x), 0), float64(r.from-1)))
	}
	return indices
}

// weights returns the matrix [to, from] of an interpolation.
func (r resampling) weights(coordinates []float64, t ndarray.Type) Tensor {
	if _, err := ndarray.Count([]int{r.to, r.from}); err != nil {
		panic(failure{err})
	}
	matrix := make([]float64, r.to*r.from)
	for i, x := range coordinates {
		row := matrix[i*r.from : (i+1)*r.from]
		first := math.Floor(x)
		weights, left := r.kernel(x - first)
		total := 0.0
		for k, w := range weights {
			at := int(min(max(first, -2), float64(r.from+1))) - left + k
			if r.excludeOutside && (at < 0 || at >= r.from) {
				continue
			}
			row[min(max(at, 0), r.from-1)] += w
			total += w
		}
		for k := range row {
			row[k] /= total
		}
	}
	return cast(must(ndarray.Of(matrix, r.to, r.from)), t)
}

// kernel returns the weights of the neighbours of a point at a fraction of the way between two, of which left stand
// before the one to the left.
func (r resampling) kernel(fraction float64) (weights []float64, left int) {
	switch r.mode {
	case "linear", "bilinear", "trilinear":
		return []float64{1 - fraction, fraction}, 0
	case "cubic":
		return keys(fraction, r.cubic), 1
	}
	fail("expected mode nearest, linear or cubic, got %q", r.mode)
	return nil, 0
}

// keys is the cubic convolution kernel of R. Keys, Cubic convolution interpolation for digital image processing, 1981,
// with coefficient a.
func keys(x, a float64) []float64 {
	inner := func(d float64) float64 { return ((a+2)*d-(a+3))*d*d + 1 }
	outer := func(d float64) float64 { return ((a*d-5*a)*d+8*a)*d - 4*a }
	return []float64{outer(1 + x), inner(x), inner(1 - x), outer(2 - x)}
}

// alongAxis multiplies a matrix [to, from] with the vectors along a dimension.
func alongAxis(x Tensor, axis int, matrix Tensor) Tensor {
	shape := slices.Clone(x.Shape())
	grouped := reshape(x, product(shape[:axis]), shape[axis], product(shape[axis+1:]))
	shape[axis] = matrix.Shape()[0]
	return reshape(matmul(matrix, grouped), shape...)
}

package onnx

import (
	"math"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

// sampler reads images at places between their pixels.
type sampler struct {
	mode, padding string
	alignCorners  bool
	height, width int
}

// tap is a pixel of a sample, for every place of a grid: its number in the image, and its weight.
type tap struct {
	pixels  []int
	weights []float64
}

// evalGridSample samples images [batch, channels, height, width] at places [batch, rows, columns, 2], x first, from -1
// to 1. Derivatives go to the images, and not to the places.
func evalGridSample(c *call) {
	x, grid := c.in(0), c.in(1)
	shape, places := x.Shape(), grid.Shape()
	if len(shape) != 4 || len(places) != 4 || places[0] != shape[0] || places[3] != 2 || product(shape) == 0 {
		fail("expected images and places [batch, rows, columns, 2], got %v and %v", x, grid)
	}
	s := sampler{
		mode: c.text("mode", "bilinear"), padding: c.text("padding_mode", "zeros"),
		alignCorners: c.flag("align_corners", false), height: shape[2], width: shape[3],
	}
	taps := s.taps(must(host(grid).Floats()))
	n, channels, rows, columns := places[0], shape[1], places[1], places[2]
	var total Tensor
	for _, t := range taps {
		list := make([]int, 0, n*channels*rows*columns)
		for b := range n {
			for ch := range channels {
				for _, pixel := range t.pixels[b*rows*columns : (b+1)*rows*columns] {
					list = append(list, (b*channels+ch)*s.height*s.width+pixel)
				}
			}
		}
		weights := cast(must(ndarray.Of(t.weights, n, 1, rows, columns)), x.Type())
		term := multiply(take(x, []int{n, channels, rows, columns}, list), weights)
		if total == nil {
			total = term
		} else {
			total = add(total, term)
		}
	}
	c.out(total)
}

func (s sampler) taps(grid []float64) []tap {
	side := map[string]int{"nearest": 1, "bilinear": 2, "linear": 2, "bicubic": 4, "cubic": 4}[s.mode]
	if side == 0 {
		fail("expected mode bilinear, nearest or bicubic, got %q", s.mode)
	}
	taps := make([]tap, side*side)
	for i := 0; i < len(grid); i += 2 {
		columns, across := s.axis(grid[i], s.width, side)
		rows, down := s.axis(grid[i+1], s.height, side)
		for r := range side {
			for k := range side {
				t := &taps[r*side+k]
				t.pixels = append(t.pixels, rows[r]*s.width+columns[k])
				t.weights = append(t.weights, down[r]*across[k])
			}
		}
	}
	return taps
}

// axis returns pixels and weights along one dimension of n pixels, for a place from -1 to 1.
func (s sampler) axis(place float64, n, side int) (pixels []int, weights []float64) {
	low, high := -0.5, float64(n)-0.5
	x := ((place+1)*float64(n) - 1) / 2
	if s.alignCorners {
		low, high = 0, float64(n-1)
		x = (place + 1) / 2 * float64(n-1)
	}
	if side < 4 {
		x = s.bounded(x, low, high, n)
	}
	first, fraction := math.Floor(x), x-math.Floor(x)
	switch side {
	case 1:
		first, weights = math.RoundToEven(x), []float64{1}
	case 2:
		weights = []float64{1 - fraction, fraction}
	default:
		first, weights = first-1, keys(fraction, -0.75)
	}
	for k := range weights {
		at := s.bounded(first+float64(k), low, high, n)
		if !(at >= 0 && at <= float64(n-1)) {
			at, weights[k] = 0, 0
		}
		pixels = append(pixels, int(at))
	}
	return pixels, weights
}

// bounded moves what lies outside to where the padding mode says.
func (s sampler) bounded(x, low, high float64, n int) float64 {
	switch s.padding {
	case "zeros":
		return x
	case "border":
		return min(max(x, 0), float64(n-1))
	case "reflection":
		return min(max(reflected(x, low, high), 0), float64(n-1))
	}
	fail("expected padding_mode zeros, border or reflection, got %q", s.padding)
	return 0
}

// reflected folds the line back and forth between two ends.
func reflected(x, low, high float64) float64 {
	span := high - low
	if span == 0 {
		return low
	}
	offset := math.Mod(math.Abs(x-low), 2*span)
	return low + min(offset, 2*span-offset)
}

package film

import (
	"fmt"
	"math"
)

// Downsample averages cells of factor x factor pixels; the result has ceil(size/factor) pixels a side. A cell that the border cuts
// averages the pixels it has, so its mean does not belong to the centre of the coarse pixel: fits should weight such cells by
// DownsampleWeighted, or leave them out. It panics if factor < 1.
func (im *Image) Downsample(factor int) *Image {
	out, _, _ := im.DownsampleWeighted(nil, factor)
	return out
}

// DownsampleWeighted averages cells of factor x factor pixels with weights: one channel, same size, none negative (a mask of 0 and 1, or
// anything in between); nil means 1 everywhere. The second result is the coarse weights: the sum of the cell's weights / factor^2, so a
// cell cut by the border or the mask weighs less. Pixels of weight 0 are not read (they may be NaN); a cell of weight 0 is 0. Sums
// are in float64, in order. It panics if factor < 1.
func (im *Image) DownsampleWeighted(weights *Image, factor int) (*Image, *Image, error) {
	if factor < 1 {
		panic(fmt.Sprintf("film: downsample by %d", factor))
	}
	if err := im.checkWeights(weights); err != nil {
		return nil, nil, err
	}
	out := New(ceilDiv(im.Width, factor), ceilDiv(im.Height, factor), im.Channels)
	coarse := New(out.Width, out.Height, 1)
	sum := make([]float64, im.Channels)
	for y := range out.Height {
		for x := range out.Width {
			total := im.sumCell(sum, weights, x*factor, y*factor, factor)
			if total == 0 {
				continue
			}
			coarse.At(x, y)[0] = float32(total / float64(factor*factor))
			for c, s := range sum {
				out.At(x, y)[c] = float32(s / total)
			}
		}
	}
	return out, coarse, nil
}

func ceilDiv(a, b int) int { return (a-1)/b + 1 }

func (im *Image) checkWeights(weights *Image) error {
	if weights == nil {
		return nil
	}
	if weights.Channels != 1 || !weights.SameSize(im) {
		return fmt.Errorf("film: weights of %dx%dx%d, expected %dx%dx1", weights.Width, weights.Height, weights.Channels, im.Width, im.Height)
	}
	for i, w := range weights.Pix {
		if !finite(w) || w < 0 {
			return fmt.Errorf("film: weight %v at pixel (%d, %d), expected 0 or more", w, i%im.Width, i/im.Width)
		}
	}
	return nil
}

// sumCell writes the weighted sum of the pixels of one cell to sum and returns the sum of the weights.
func (im *Image) sumCell(sum []float64, weights *Image, x0, y0, factor int) (total float64) {
	clear(sum)
	for y := y0; y < min(y0+factor, im.Height); y++ {
		for at := y*im.Width + x0; at < y*im.Width+min(x0+factor, im.Width); at++ {
			w := 1.0
			if weights != nil {
				w = float64(weights.Pix[at])
			}
			if w == 0 {
				continue
			}
			total += w
			for c, v := range im.Pix[at*len(sum) : (at+1)*len(sum)] {
				sum[c] += float64(w * float64(v))
			}
		}
	}
	return total
}

// Bilinear interpolates at (x, y), in pixels with centres at half-integers (see Image), and writes im.Channels values to dst. Outside
// the outermost centres the border repeats. A NaN coordinate gives NaN.
func (im *Image) Bilinear(x, y float64, dst []float32) {
	if x != x || y != y {
		for c := range im.Channels {
			dst[c] = float32(math.NaN())
		}
		return
	}
	x0, x1, u := neighbours(x, im.Width)
	y0, y1, v := neighbours(y, im.Height)
	a, b, c, d := im.At(x0, y0), im.At(x1, y0), im.At(x0, y1), im.At(x1, y1)
	for i := range a {
		top := lerp(float64(a[i]), float64(b[i]), u)
		bottom := lerp(float64(c[i]), float64(d[i]), u)
		dst[i] = float32(lerp(top, bottom, v))
	}
}

// neighbours returns the two pixels whose centres enclose x, and how far x is between them.
func neighbours(x float64, size int) (i, j int, t float64) {
	x = min(max(x-0.5, 0), float64(size-1))
	i = int(x)
	return i, min(i+1, size-1), x - float64(i)
}

// lerp is exact at both ends, and at t = 0 an infinite b does not matter.
func lerp(a, b, t float64) float64 {
	if t == 0 {
		return a
	}
	return float64(a*(1-t)) + float64(b*t)
}

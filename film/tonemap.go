package film

import "math"

// Tone mapping: each function returns a new image and leaves alpha alone.

// Expose multiplies the colours by 2^stops.
func (im *Image) Expose(stops float64) *Image {
	factor := math.Exp2(stops)
	return im.mapColors(func(px []float32) {
		for i, v := range px {
			px[i] = float32(float64(v) * factor)
		}
	})
}

// Clamp limits the colours to [low, high]; NaN becomes low.
func (im *Image) Clamp(low, high float32) *Image {
	return im.mapColors(func(px []float32) {
		for i, v := range px {
			if !(v > low) {
				px[i] = low
			} else if v > high {
				px[i] = high
			}
		}
	})
}

// Reinhard compresses luminance L to L(1+L/white^2)/(1+L), which maps white to 1 (Reinhard et al. 2002, "Photographic tone reproduction
// for digital images", equation 4), and keeps the ratios of the channels. white = +Inf gives L/(1+L). Where L is not positive the pixel
// stays as it is.
func (im *Image) Reinhard(white float64) *Image {
	return im.mapColors(func(px []float32) {
		l := luminance(px)
		if !(l > 0) {
			return
		}
		scale := (1 + l/(white*white)) / (1 + l)
		for i, v := range px {
			px[i] = float32(float64(v) * scale)
		}
	})
}

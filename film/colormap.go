package film

import "math"

// Two colour maps, computed from formulas. Both return linear RGB: saved as sRGB they show the colours meant.
//
// Signed values: the cool-warm map of K. Moreland, "Diverging Color Maps for Scientific Visualization" (ISVC 2009; expanded version with
// algorithms 1 and 2). It interpolates in Msh, which is CIELAB in polar coordinates: M is the distance from black, s the angle from the
// lightness axis, h the hue. Each half is a straight line in Msh from a saturated end (s > 0) to the same unsaturated, light middle
// (s = 0); along it equal steps look equal, and the two halves cannot be mistaken for each other by the colour-blind. At s = 0 hue has
// no meaning, so the middle borrows one that is spun away from the end's, which keeps the steps near it even.
//
// Amounts (uncertainty): a straight line in CIELAB from a dark blue to a light yellow, so lightness rises evenly and equal steps have
// the same difference Delta E*ab (CIE 15:2004).

type msh struct{ m, s, h float64 }

func mshFromLab(lab vec3) msh {
	m := math.Sqrt(dot3(lab[0], lab[1], lab[2], lab))
	return msh{m, math.Acos(lab[0] / m), math.Atan2(lab[2], lab[1])}
}

func (c msh) lab() vec3 {
	return vec3{c.m * math.Cos(c.s), c.m * math.Sin(c.s) * math.Cos(c.h), c.m * math.Sin(c.s) * math.Sin(c.h)}
}

// spun is the hue that a colour without saturation and of magnitude m borrows from c (algorithm 2).
func (c msh) spun(m float64) float64 {
	if c.m >= m {
		return c.h
	}
	spin := c.s * math.Sqrt(float64(m*m)-float64(c.m*c.m)) / (c.m * math.Sin(c.s))
	if c.h > -math.Pi/3 {
		return c.h + spin
	}
	return c.h - spin
}

// BadColor marks NaN: magenta, which is in neither map.
func BadColor() [3]float32 { return [3]float32{1, 0, 1} }

// Diverging maps t in [-1, 1] from blue over light gray (0) to red. Values outside are clamped; NaN gives BadColor().
func Diverging(t float64) [3]float32 { return newDiverging().color(t) }

// diverging is the map with its ends ready.
type diverging struct {
	low, high divergingHalf
	middle    [3]float32
}

// divergingHalf leads from the middle to an end.
type divergingHalf struct {
	end msh
	hue float64 // of the middle
}

// divergingMiddle is M of the middle: L* = 88.
const divergingMiddle = 88

func newDiverging() *diverging {
	half := func(end vec3) divergingHalf {
		c := mshFromLab(labFromRGB(end))
		return divergingHalf{c, c.spun(divergingMiddle)}
	}
	d := &diverging{low: half(bytesToRGB(59, 76, 192)), high: half(bytesToRGB(180, 4, 38))}
	d.middle = d.low.color(0)
	return d
}

func (d *diverging) color(t float64) [3]float32 {
	switch {
	case t > 0:
		return d.high.color(min(t, 1))
	case t < 0:
		return d.low.color(min(-t, 1))
	case t == 0:
		return d.middle
	}
	return BadColor()
}

func (h divergingHalf) color(a float64) [3]float32 {
	return display(rgbFromLab(msh{lerp(divergingMiddle, h.end.m, a), h.end.s * a, lerp(h.hue, h.end.h, a)}.lab()))
}

// Sequential maps t in [0, 1] from dark blue to light yellow. Values outside are clamped; NaN gives BadColor().
func Sequential(t float64) [3]float32 { return newSequential().color(t) }

// sequential is the map with its ends ready.
type sequential struct{ low, high vec3 }

func newSequential() sequential {
	return sequential{labFromRGB(bytesToRGB(0, 32, 77)), labFromRGB(bytesToRGB(255, 234, 70))}
}

func (s sequential) color(t float64) [3]float32 {
	if t != t {
		return BadColor()
	}
	t = min(max(t, 0), 1)
	return display(rgbFromLab(vec3{lerp(s.low[0], s.high[0], t), lerp(s.low[1], s.high[1], t), lerp(s.low[2], s.high[2], t)}))
}

// bytesToRGB returns the linear colour of 8 bit sRGB codes.
func bytesToRGB(r, g, b uint8) vec3 {
	return vec3{SRGBToLinear(float64(r) / 255), SRGBToLinear(float64(g) / 255), SRGBToLinear(float64(b) / 255)}
}

// display clamps to what a screen shows: the maps leave the gamut by a few thousandths at most.
func display(rgb vec3) (out [3]float32) {
	for i, v := range rgb {
		out[i] = float32(min(max(v, 0), 1))
	}
	return out
}

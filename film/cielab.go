package film

import "math"

// CIELAB with the white of D65, from linear sRGB (CIE 15:2004; the matrices follow from the primaries and white of IEC 61966-2-1).

type vec3 [3]float64

// rec709 is the row of Y: the luminance of linear RGB.
func rec709() vec3 { return vec3{0.2126729, 0.7151522, 0.0721750} }

// dot3 rounds after every product, so that the result has the same bits where the compiler would fuse.
func dot3(x, y, z float64, row vec3) float64 {
	return float64(x*row[0]) + float64(y*row[1]) + float64(z*row[2])
}

func multiply(m [3]vec3, v vec3) vec3 {
	return vec3{dot3(v[0], v[1], v[2], m[0]), dot3(v[0], v[1], v[2], m[1]), dot3(v[0], v[1], v[2], m[2])}
}

func labFromRGB(rgb vec3) vec3 {
	xyz := multiply([3]vec3{
		{0.4124564, 0.3575761, 0.1804375},
		rec709(),
		{0.0193339, 0.1191920, 0.9503041},
	}, rgb)
	white := whiteD65()
	fx, fy, fz := labF(xyz[0]/white[0]), labF(xyz[1]/white[1]), labF(xyz[2]/white[2])
	return vec3{float64(116*fy) - 16, 500 * (fx - fy), 200 * (fy - fz)}
}

func rgbFromLab(lab vec3) vec3 {
	white := whiteD65()
	fy := (lab[0] + 16) / 116
	xyz := vec3{white[0] * labInverseF(fy+lab[1]/500), white[1] * labInverseF(fy), white[2] * labInverseF(fy-lab[2]/200)}
	return multiply([3]vec3{
		{3.2404542, -1.5371385, -0.4985314},
		{-0.9692660, 1.8760108, 0.0415560},
		{0.0556434, -0.2040259, 1.0572252},
	}, xyz)
}

// whiteD65 is the sum of each row of the matrix from RGB: R = G = B = 1 has no chroma.
func whiteD65() vec3 { return vec3{0.9504700, 1.0000001, 1.0888300} }

const labKnee = 6.0 / 29

func labF(t float64) float64 {
	if t > labKnee*labKnee*labKnee {
		return math.Cbrt(t)
	}
	return t/(3*labKnee*labKnee) + 4.0/29
}

func labInverseF(f float64) float64 {
	if f > labKnee {
		return f * f * f
	}
	return 3 * labKnee * labKnee * (f - 4.0/29)
}

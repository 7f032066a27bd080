package data

import (
	"fmt"
	"math"

	"github.com/baremetaldevx86/microdr/philox"
)

// Augmentation changes images at random in ways that keep their class. The zero value changes nothing. An image is
// rotated and scaled about its centre, then mirrored, then shifted; with a rotation or a scale it is interpolated
// bilinearly, else pixels only move.
type Augmentation struct {
	Shift  int     // pixels: along both axes by an integer, uniform in [-Shift, Shift]; a crop of the padded image
	Flip   bool    // left and right are exchanged in half of the images
	Rotate float64 // degrees: by an angle uniform in [-Rotate, Rotate]
	Scale  float64 // by a factor uniform in [1-Scale, 1+Scale]; 0 <= Scale < 1
	Fill   float32 // what lies outside of the image, before it is normalised
}

func (a Augmentation) check(shape Shape) error {
	switch {
	case a.Shift < 0 || a.Shift > max(shape.Width, shape.Height):
		return fmt.Errorf("shift by %d pixels, expected 0 to the size of %dx%d", a.Shift, shape.Width, shape.Height)
	case !(a.Rotate >= 0 && a.Rotate <= 180):
		return fmt.Errorf("rotation by %v degrees, expected 0 to 180", a.Rotate)
	case !(a.Scale >= 0 && a.Scale < 1):
		return fmt.Errorf("scale by 1 +- %v, expected 0 to less than 1", a.Scale)
	}
	return nil
}

// random says whether an image has to be read beside where it goes.
func (a Augmentation) random() bool { return a.Shift > 0 || a.Flip || a.Rotate > 0 || a.Scale > 0 }

// place numbers the random numbers of a loader: they are functions of the seed, the epoch and the index of an image in
// its set, and of nothing else, so that neither the order of images nor the worker matter.
type place struct {
	seed  uint64
	epoch uint32
	image uint32
}

// The streams of random numbers; philox.Random has this word in the upper half of its stream.
const (
	orderStream = iota
	augmentStream
)

// words returns four random words, further ones for each block.
func (p place) words(block uint32) [4]uint32 {
	return philox.Words([4]uint32{block, p.image, p.epoch, augmentStream}, [2]uint32{uint32(p.seed), uint32(p.seed >> 32)})
}

// change is what becomes of one image.
type change struct {
	dx, dy int
	flip   bool
	angle  float64 // radians, from the x axis to the y axis, which points down
	scale  float64
}

// draw gives each number a word of its own, whether or not it is wanted: with rotation, images shift as without.
func (a Augmentation) draw(p place) change {
	first, second := p.words(0), p.words(1)
	return change{
		dx:    between(first[0], a.Shift),
		dy:    between(first[1], a.Shift),
		flip:  a.Flip && first[2]>>31 == 1,
		angle: a.Rotate * math.Pi / 180 * symmetric(first[3]),
		scale: 1 + float64(a.Scale*symmetric(second[0])),
	}
}

// between maps a word to an integer in [-n, n].
func between(word uint32, n int) int { return int(uint64(word)*uint64(2*n+1)>>32) - n }

// symmetric maps a word to [-1, 1).
func symmetric(word uint32) float64 { return float64(int32(word)) / (1 << 31) }

// apply writes the changed image from to dst.
func (a Augmentation) apply(dst, from []float32, shape Shape, c change) {
	plane := shape.Height * shape.Width
	for channel := range shape.Channels {
		out, in := dst[channel*plane:][:plane], raster{from[channel*plane:][:plane], shape.Width, shape.Height, a.Fill}
		if a.Rotate > 0 || a.Scale > 0 {
			in.transform(out, c)
		} else {
			in.move(out, c)
		}
	}
}

// raster is one channel of an image.
type raster struct {
	pixels        []float32
	width, height int
	fill          float32
}

func (r raster) at(x, y int) float32 {
	if x < 0 || y < 0 || x >= r.width || y >= r.height {
		return r.fill
	}
	return r.pixels[y*r.width+x]
}

// move mirrors and shifts: columns first to end of the result are those of the image, mirrored or not.
func (r raster) move(out []float32, c change) {
	first := min(max(c.dx, 0), r.width)
	end := max(min(r.width+c.dx, r.width), first)
	for y := range r.height {
		row := out[y*r.width:][:r.width]
		if y < c.dy || y-c.dy >= r.height {
			fill(row, r.fill)
			continue
		}
		from := r.pixels[(y-c.dy)*r.width:][:r.width]
		fill(row[:first], r.fill)
		fill(row[end:], r.fill)
		if !c.flip {
			copy(row[first:end], from[first-c.dx:])
			continue
		}
		for x := first; x < end; x++ {
			row[x] = from[r.width-1-(x-c.dx)]
		}
	}
}

func fill(row []float32, value float32) {
	for i := range row {
		row[i] = value
	}
}

// transform looks, for each pixel of the result, where its centre was before it was shifted, mirrored, scaled and
// rotated. If q is that point from the centre of the image after the first two are undone, it was R(-angle) q / scale.
func (r raster) transform(out []float32, c change) {
	sin, cos := math.Sincos(c.angle)
	sin, cos = sin/c.scale, cos/c.scale
	centerX, centerY := float64(r.width)/2, float64(r.height)/2
	for y := range r.height {
		qy := float64(y-c.dy) + 0.5 - centerY
		for x := range r.width {
			qx := float64(x-c.dx) + 0.5 - centerX
			if c.flip {
				qx = -qx
			}
			out[y*r.width+x] = r.bilinear(
				float64(cos*qx)+float64(sin*qy)+centerX-0.5,
				float64(cos*qy)-float64(sin*qx)+centerY-0.5)
		}
	}
}

// bilinear interpolates between pixels, which lie at integers here. Beyond the image is the fill.
func (r raster) bilinear(x, y float64) float32 {
	left, top := math.Floor(x), math.Floor(y)
	i, j := int(left), int(top)
	var a, b, c, d float32
	if uint(i) < uint(r.width-1) && uint(j) < uint(r.height-1) { // most: all four are pixels
		upper, lower := r.pixels[j*r.width+i:], r.pixels[(j+1)*r.width+i:]
		a, b, c, d = upper[0], upper[1], lower[0], lower[1]
	} else {
		a, b, c, d = r.at(i, j), r.at(i+1, j), r.at(i, j+1), r.at(i+1, j+1)
	}
	u, v := x-left, y-top
	return float32(mix(mix(float64(a), float64(b), u), mix(float64(c), float64(d), u), v))
}

func mix(a, b, t float64) float64 { return float64(a*(1-t)) + float64(b*t) }

package film

import (
	"errors"
	"fmt"
	"math"
)

// Limits on an image; checked before anything of its size is allocated.
const (
	MaxSide    = 16384   // pixels, for the width and for the height
	MaxSamples = 1 << 28 // Width * Height * Channels
)

// Image is a raster of linear scene values: Pix holds rows from the top, pixels from the left, channels interleaved. One channel is gray,
// three are RGB with the primaries of sRGB, four are RGB and straight (not premultiplied) alpha. Values are not bounded to [0, 1].
// Pixel (i, j) covers [i, i+1) x [j, j+1), so its centre lies at (i+0.5, j+0.5).
type Image struct {
	Width, Height, Channels int
	Pix                     []float32 // Width * Height * Channels
}

// New returns a black image. It panics if the size is outside the limits; sizes from users go through CheckSize first.
func New(width, height, channels int) *Image {
	if err := CheckSize(width, height, channels); err != nil {
		panic(err)
	}
	return &Image{width, height, channels, make([]float32, width*height*channels)}
}

// CheckSize reports whether an image of this size is within MaxSide and MaxSamples.
func CheckSize(width, height, channels int) error {
	if err := checkSize(width, height, channels); err != nil {
		return fmt.Errorf("film: %w", err)
	}
	return nil
}

// checkSize is CheckSize without the package's prefix. The product cannot overflow: it divides instead.
func checkSize(width, height, channels int) error {
	switch {
	case width < 1 || height < 1 || width > MaxSide || height > MaxSide:
		return fmt.Errorf("image of %dx%d, expected 1 to %d pixels a side", width, height, MaxSide)
	case channels < 1 || channels > MaxSamples/(width*height):
		return fmt.Errorf("image of %dx%d with %d channels, expected 1 to %d samples", width, height, channels, MaxSamples)
	}
	return nil
}

// check says whether an image that a caller built by hand is whole.
func (im *Image) check() error {
	if im == nil {
		return errors.New("no image, expected one")
	}
	if err := checkSize(im.Width, im.Height, im.Channels); err != nil {
		return err
	}
	if n := im.Width * im.Height * im.Channels; len(im.Pix) != n {
		return fmt.Errorf("image of %dx%dx%d has %d samples, expected %d", im.Width, im.Height, im.Channels, len(im.Pix), n)
	}
	return nil
}

// At returns the channels of pixel (x, y) as a slice of Pix: writing to it writes the image.
func (im *Image) At(x, y int) []float32 {
	i := (y*im.Width + x) * im.Channels
	return im.Pix[i : i+im.Channels : i+im.Channels]
}

// Clone returns a copy that shares nothing with im.
func (im *Image) Clone() *Image {
	out := *im
	out.Pix = append([]float32(nil), im.Pix...)
	return &out
}

// SameSize reports whether both images have the same width and height.
func (im *Image) SameSize(other *Image) bool {
	return im.Width == other.Width && im.Height == other.Height
}

// CheckFinite returns an error that names the first sample that is NaN or infinite.
func (im *Image) CheckFinite() error {
	for i, v := range im.Pix {
		if finite(v) {
			continue
		}
		pixel := i / im.Channels
		return fmt.Errorf("film: pixel (%d, %d) channel %d is %v, expected a finite value",
			pixel%im.Width, pixel/im.Width, i%im.Channels, v)
	}
	return nil
}

func finite(v float32) bool { return v-v == 0 }

// Crop returns a copy of the width x height pixels whose top left one is (x, y); the rectangle must lie inside the image.
func (im *Image) Crop(x, y, width, height int) (*Image, error) {
	if x < 0 || y < 0 || width < 1 || height < 1 || width > im.Width-x || height > im.Height-y {
		return nil, fmt.Errorf("film: crop of %dx%d at (%d, %d), expected a rectangle inside %dx%d", width, height, x, y, im.Width, im.Height)
	}
	out := New(width, height, im.Channels)
	row := width * im.Channels
	for j := range height {
		start := ((y+j)*im.Width + x) * im.Channels
		copy(out.Pix[j*row:(j+1)*row], im.Pix[start:start+row])
	}
	return out, nil
}

// colors is the number of channels that carry colour: alpha does not.
func (im *Image) colors() int {
	if im.Channels == 4 {
		return 3
	}
	return im.Channels
}

// Gray returns one channel: the luminance of RGB (Rec. 709 weights, those of linear sRGB), or the mean of the channels where there are
// not three colours. Alpha is dropped.
func (im *Image) Gray() *Image {
	out := New(im.Width, im.Height, 1)
	for i := range out.Pix {
		out.Pix[i] = float32(luminance(im.Pix[i*im.Channels:][:im.colors()]))
	}
	return out
}

// luminance is Y of CIE XYZ for a linear RGB value, the mean otherwise.
func luminance(px []float32) float64 {
	if len(px) == 3 {
		return dot3(float64(px[0]), float64(px[1]), float64(px[2]), rec709())
	}
	sum := 0.0
	for _, v := range px {
		sum += float64(v)
	}
	return sum / float64(len(px))
}

// MaxAbs returns the largest magnitude among the finite samples, 0 if there is none.
func (im *Image) MaxAbs() float64 {
	largest := 0.0
	for _, v := range im.Pix {
		if finite(v) {
			largest = math.Max(largest, math.Abs(float64(v)))
		}
	}
	return largest
}

// mapColors returns a copy with f applied to the colour channels of every pixel, in place of that copy.
func (im *Image) mapColors(f func(px []float32)) *Image {
	out := im.Clone()
	for i := 0; i < len(out.Pix); i += out.Channels {
		f(out.Pix[i:][:out.colors()])
	}
	return out
}

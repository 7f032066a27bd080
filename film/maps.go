package film

import (
	"fmt"
	"math"
)

// Difference returns a - b, channel by channel.
func Difference(a, b *Image) (*Image, error) {
	if !a.SameSize(b) || a.Channels != b.Channels {
		return nil, fmt.Errorf("film: difference of %dx%dx%d and %dx%dx%d, expected the same size",
			a.Width, a.Height, a.Channels, b.Width, b.Height, b.Channels)
	}
	out := New(a.Width, a.Height, a.Channels)
	for i, v := range a.Pix {
		out.Pix[i] = v - b.Pix[i]
	}
	return out, nil
}

// DivergingMap paints signed values (a difference, a gradient): -scale or less is blue, 0 light gray, +scale or more red, NaN BadColor.
// With several channels the one of largest magnitude counts. scale <= 0 means MaxAbs of the image, so that 0 stays in the middle.
func (im *Image) DivergingMap(scale float64) *Image {
	if !(scale > 0) {
		scale = im.MaxAbs()
	}
	if scale == 0 {
		scale = 1
	}
	d := newDiverging()
	return im.paint(func(v float64) [3]float32 { return d.color(v / scale) })
}

// SequentialMap paints amounts (an uncertainty): low is dark, high is light, what lies outside is clamped, NaN is BadColor. With several
// channels the one of largest magnitude counts. If low >= high the range of the finite values is taken.
func (im *Image) SequentialMap(low, high float64) *Image {
	if !(low < high) {
		low, high = im.finiteRange()
	}
	span := high - low
	if !(span > 0) {
		span = 1
	}
	s := newSequential()
	return im.paint(func(v float64) [3]float32 { return s.color((v - low) / span) })
}

// finiteRange returns the least and the greatest finite colour, as paint sees them.
func (im *Image) finiteRange() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for i := 0; i < len(im.Pix); i += im.Channels {
		if v := peak(im.Pix[i:][:im.colors()]); finite(v) {
			low, high = math.Min(low, float64(v)), math.Max(high, float64(v))
		}
	}
	if low > high {
		return 0, 1
	}
	return low, high
}

func (im *Image) paint(color func(v float64) [3]float32) *Image {
	out := New(im.Width, im.Height, 3)
	for i := range im.Width * im.Height {
		c := color(float64(peak(im.Pix[i*im.Channels:][:im.colors()])))
		copy(out.Pix[3*i:], c[:])
	}
	return out
}

// peak returns the channel of largest magnitude, or NaN if one is NaN.
func peak(px []float32) float32 {
	largest := px[0]
	for _, v := range px {
		if v != v {
			return v
		}
		if math.Abs(float64(v)) > math.Abs(float64(largest)) {
			largest = v
		}
	}
	return largest
}

// Tile sets images side by side on a sheet, in rows of columns (< 1: all in one row), each in the top left of a cell as large as the
// largest image, gap pixels apart, on a background of linear RGB. Gray images become RGB; alpha lets the background through.
func Tile(images []*Image, columns, gap int, background [3]float32) (*Image, error) {
	if len(images) == 0 || gap < 0 || gap > MaxSide {
		return nil, fmt.Errorf("film: sheet of %d images %d pixels apart, expected an image and 0 to %d pixels", len(images), gap, MaxSide)
	}
	if columns < 1 || columns > len(images) {
		columns = len(images)
	}
	cellWidth, cellHeight := 0, 0
	for i, im := range images {
		if err := im.check(); err != nil {
			return nil, fmt.Errorf("film: image %d of a sheet: %w", i, err)
		}
		if im.Channels != 1 && im.Channels != 3 && im.Channels != 4 {
			return nil, fmt.Errorf("film: image %d of a sheet has %d channels, expected 1, 3 or 4", i, im.Channels)
		}
		cellWidth, cellHeight = max(cellWidth, im.Width), max(cellHeight, im.Height)
	}
	width := columns*(cellWidth+gap) - gap
	height := ceilDiv(len(images), columns)*(cellHeight+gap) - gap
	if err := CheckSize(width, height, 3); err != nil {
		return nil, err
	}
	sheet := New(width, height, 3)
	for i := 0; i < len(sheet.Pix); i += 3 {
		copy(sheet.Pix[i:], background[:])
	}
	for i, im := range images {
		sheet.place(im, i%columns*(cellWidth+gap), i/columns*(cellHeight+gap))
	}
	return sheet, nil
}

// place draws im over sheet, which has three channels and room.
func (sheet *Image) place(im *Image, x0, y0 int) {
	for y := range im.Height {
		for x := range im.Width {
			px, dst := im.At(x, y), sheet.At(x0+x, y0+y)
			for c := range dst {
				v := float64(px[min(c, im.Channels-1)])
				if im.Channels == 4 {
					v = lerp(float64(dst[c]), v, float64(px[3]))
				}
				dst[c] = float32(v)
			}
		}
	}
}

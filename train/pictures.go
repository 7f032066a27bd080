package train

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
	"strconv"

	"github.com/baremetaldevx86/microdr/data"
)

// glyphs are the digits in 3 columns and 5 rows, 3 bits a row from the top.
func glyphs() [10]uint16 {
	return [10]uint16{0o75557, 0o26227, 0o71747, 0o71717, 0o55711, 0o74717, 0o74757, 0o71244, 0o75757, 0o75717}
}

// canvas is a picture to draw squares and numbers on.
type canvas struct{ *image.RGBA }

func newCanvas(width, height int) canvas {
	c := canvas{image.NewRGBA(image.Rect(0, 0, width, height))}
	c.square(0, 0, width, height, color.White)
	return c
}

func (c canvas) square(x, y, width, height int, paint color.Color) {
	for j := range height {
		for i := range width {
			c.Set(x+i, y+j, paint)
		}
	}
}

// number writes a number of at least 0, with pixels of the given size, and returns how wide it is.
func (c canvas) number(x, y, size, n int, paint color.Color) int {
	digits := glyphs()
	text := strconv.Itoa(n)
	for k, d := range text {
		for bit := range 15 {
			if digits[d-'0']>>(14-bit)&1 == 1 {
				c.square(x+(4*k+bit%3)*size, y+bit/3*size, size, size, paint)
			}
		}
	}
	return (4*len(text) - 1) * size
}

func (c canvas) png() ([]byte, error) {
	var out bytes.Buffer
	if err := png.Encode(&out, c); err != nil {
		return nil, fmt.Errorf("train: picture: %w", err)
	}
	return out.Bytes(), nil
}

// ConfusionPicture draws a table of confusions as a PNG: a row for each class, a column for each that it was taken for,
// and the darker a cell, the more images of its row are in it, by the root of their share, which shows few as well.
func ConfusionPicture(table [][]int) ([]byte, error) {
	const cell, edge = 44, 22
	c := newCanvas(edge+cell*len(table)+1, edge+cell*len(table)+1)
	for i, row := range table {
		total := 0
		for _, n := range row {
			total += n
		}
		c.number(edge/2-3, edge+cell*i+cell/2-5, 2, i, color.Black)
		c.number(edge+cell*i+cell/2-3, edge/2-5, 2, i, color.Black)
		for k, n := range row {
			c.cell(edge+cell*k, edge+cell*i, cell, n, total, i == k)
		}
	}
	return c.png()
}

// cell draws one cell of a table: blue where classes are right, red where not.
func (c canvas) cell(x, y, size, n, total int, right bool) {
	share := math.Sqrt(float64(n) / float64(max(1, total)))
	fade := uint8(math.Round(255 * (1 - share)))
	paint, ink := color.RGBA{255, fade, fade, 255}, color.Color(color.Black)
	if right {
		paint = color.RGBA{fade, fade, 255, 255}
	}
	if share > 0.6 {
		ink = color.White
	}
	c.square(x, y, size, size, color.Gray{200})
	c.square(x+1, y+1, size-1, size-1, paint)
	if n > 0 {
		c.number(x+size/2-4*len(strconv.Itoa(n)), y+size/2-5, 2, n, ink)
	}
}

// most is how many images WrongPicture shows, in rows of wide.
const (
	most = 100
	wide = 10
)

// WrongPicture draws images that were classified wrong as a PNG, those of which the model was surest first, in gray,
// with their class in blue and the one that they were taken for in red below.
func WrongPicture(source data.Source, v *Evaluation) ([]byte, error) {
	wrong := v.Wrong()
	slices.SortStableFunc(wrong, func(a, b int) int { return cmp.Compare(v.Confidence[b], v.Confidence[a]) })
	wrong = wrong[:min(most, len(wrong))]
	shape := source.Shape()
	scale := max(1, 56/max(shape.Width, shape.Height))
	width, height := shape.Width*scale+6, shape.Height*scale+20
	rows := max(1, (len(wrong)+wide-1)/wide)
	c := newCanvas(width*wide, height*rows)
	pixels := make([]float32, shape.Len())
	for k, i := range wrong {
		if _, err := source.Read(i, pixels); err != nil {
			return nil, err
		}
		x, y := k%wide*width+3, k/wide*height+3
		c.picture(x, y, scale, shape, pixels)
		after := c.number(x, y+shape.Height*scale+3, 2, int(v.Labels[i]), color.RGBA{0, 0, 200, 255})
		c.number(x+after+6, y+shape.Height*scale+3, 2, int(v.Predictions[i]), color.RGBA{200, 0, 0, 255})
	}
	return c.png()
}

// picture draws the first channel of an image.
func (c canvas) picture(x, y, scale int, shape data.Shape, pixels []float32) {
	for j := range shape.Height {
		for i := range shape.Width {
			gray := uint8(math.Round(255 * float64(max(0, min(1, pixels[j*shape.Width+i])))))
			c.square(x+i*scale, y+j*scale, scale, scale, color.Gray{gray})
		}
	}
}

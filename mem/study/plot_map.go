package study

import (
	"image"
	"image/color"
	"math"
	"math/bits"
)

// A heap map has some 100,000 pixels and may be of millions of blocks, so a pixel shows what covers its area, that is
// bytes times operations, on average. Its hue is the size class that covers the most of it; it is as much lighter,
// towards the shade of holes, as blocks leave of what has been used, and towards white, as the policy has not got there.
// So holes that are much smaller than a pixel show as well.
//
// How much of every pixel a class covers follows from the corners of blocks alone. A block covers of the pixel in column
// x and row y the product of what its time covers of the column and its addresses of the row. What an interval covers of
// each cell is 0 in front of it, a part in the cell where it starts, 1 within it, and so on: it is the running sum of a
// sequence that is 0 but for two cells at either end. So a block adds to 4 x 4 cells the products of two such sequences,
// however large it is, and running sums along the rows and then the columns give all coverages in the end. Integers keep
// the sums exact.

const (
	sizeClasses   = 8 // by powers of 4
	smallestClass = 6 // log2 of the size of a block in the first one, at most
	usedLayer     = sizeClasses
	subpixel      = 1 << 16 // parts of a pixel, in either direction
	largestOffset = math.MaxInt64
)

// sizeClass returns the class of a block, as the map has it.
func sizeClass(size int64) int {
	return min(sizeClasses-1, max(0, bits.Len64(uint64(size-1))-smallestClass+1)/2)
}

// A coverage tells how much of each pixel of a map every class covers, and the part that has been used.
type coverage struct {
	width, height int
	perOp         float64 // subpixels
	perByte       float64
	layers        [sizeClasses + 1][]int64 // rows of width+2, from the lowest address up; a pixel is subpixel² in all
}

// heapMap draws the blocks of a panel, of ops operations from left to right and top bytes from the bottom up.
func heapMap(p Panel, ops int, top float64, width, height int) image.Image {
	c := &coverage{width: width, height: height}
	c.perOp = float64(width) * subpixel / float64(ops)
	c.perByte = float64(height) * subpixel / top
	for i := range c.layers {
		c.layers[i] = make([]int64, (width+2)*(height+2))
	}
	end := p.end()
	for _, b := range p.Blocks {
		if b.Size > 0 {
			c.add(sizeClass(b.Size), c.x(b.From), c.x(min(b.To, end)), c.y(b.Offset), c.y(b.end()))
		}
	}
	c.addUsed(p, end)
	for _, layer := range c.layers {
		c.sum(layer)
	}
	return c.image()
}

func (c *coverage) x(op int) int { return clamp(float64(op)*c.perOp, c.width) }

func (c *coverage) y(offset int64) int { return clamp(float64(offset)*c.perByte, c.height) }

func clamp(subpixels float64, pixels int) int {
	return int(max(0, min(subpixels, float64(pixels)*subpixel)))
}

// addUsed adds what is below the high-water mark, which it looks at often within each column.
func (c *coverage) addUsed(p Panel, end int) {
	const perColumn = 16
	marks := make([]int, c.width*perColumn+1)
	for _, b := range p.Blocks {
		at := &marks[c.x(b.From)/(subpixel/perColumn)]
		*at = max(*at, c.y(b.end()))
	}
	mark := 0
	for i, m := range marks {
		if m > mark {
			c.add(usedLayer, i*(subpixel/perColumn), c.x(end), mark, m)
			mark = m
		}
	}
}

// add adds a rectangle, in subpixels, to a layer before its running sums.
func (c *coverage) add(layer, x0, x1, y0, y1 int) {
	if x0 >= x1 || y0 >= y1 {
		return
	}
	columns, rows := newCoverSteps(x0, x1), newCoverSteps(y0, y1)
	for _, r := range rows {
		line := c.layers[layer][r.cell*(c.width+2):]
		for _, s := range columns {
			line[s.cell] += s.by * r.by
		}
	}
}

// A coverStep is where what an interval covers of a cell differs from what it covers of the cell before.
type coverStep struct {
	cell int
	by   int64
}

func newCoverSteps(from, to int) [4]coverStep {
	a, b := int64(from%subpixel), int64(to%subpixel)
	from, to = from/subpixel, to/subpixel
	return [4]coverStep{{from, subpixel - a}, {from + 1, a}, {to, b - subpixel}, {to + 1, -b}}
}

// sum replaces a layer by its running sums along rows, then columns.
func (c *coverage) sum(layer []int64) {
	stride := c.width + 2
	for i := range layer {
		if i%stride > 0 {
			layer[i] += layer[i-1]
		}
	}
	for i := stride; i < len(layer); i++ {
		layer[i] += layer[i-stride]
	}
}

func (c *coverage) image() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, c.width, c.height))
	colors := classColors()
	for y := range c.height {
		for x := range c.width {
			img.SetRGBA(x, c.height-1-y, c.pixel(y*(c.width+2)+x, &colors))
		}
	}
	return img
}

// pixel mixes the colours of the blocks, the holes and what has never been used.
func (c *coverage) pixel(i int, colors *[sizeClasses]color.RGBA) color.RGBA {
	var live, most int64
	class := 0
	for k, layer := range c.layers[:sizeClasses] {
		live += layer[i]
		if layer[i] > most {
			most, class = layer[i], k
		}
	}
	hole := max(0, c.layers[usedLayer][i]-live)
	never := max(0, subpixel*subpixel-live-hole)
	return mix([]color.RGBA{colors[class], holeColor, white}, []int64{live, hole, never})
}

// mix returns the mean of opaque colours.
func mix(colors []color.RGBA, weights []int64) color.RGBA {
	var r, g, b, all float64
	for i, c := range colors {
		w := float64(weights[i])
		r, g, b, all = r+w*float64(c.R), g+w*float64(c.G), b+w*float64(c.B), all+w
	}
	return color.RGBA{uint8(r/all + 0.5), uint8(g/all + 0.5), uint8(b/all + 0.5), 255}
}

package onnx

import (
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/onnx/ndarray"
)

func detectionOperators() []operator {
	return []operator{
		op("NonMaxSuppression", evalNonMaxSuppression, 10, 11),
		op("RoiAlign", evalRoiAlign, 10, 16),
	}
}

// box is a rectangle with its corners in order.
type box struct{ top, left, bottom, right float64 }

func boxOf(v []float64, centred bool) box {
	if centred {
		x, y, w, h := v[0], v[1], v[2]/2, v[3]/2
		return box{y - h, x - w, y + h, x + w}
	}
	return box{min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3])}
}

func (b box) area() float64 { return max(b.bottom-b.top, 0) * max(b.right-b.left, 0) }

// overlap is the area that two boxes share, over that which they cover.
func (b box) overlap(o box) float64 {
	shared := box{max(b.top, o.top), max(b.left, o.left), min(b.bottom, o.bottom), min(b.right, o.right)}.area()
	if shared == 0 {
		return 0
	}
	return shared / (b.area() + o.area() - shared)
}

// evalNonMaxSuppression takes boxes [batch, boxes, 4] and scores [batch, classes, boxes] and returns rows of batch,
// class and box.
func evalNonMaxSuppression(c *call) {
	boxes, scores := c.in(0), c.in(1)
	if len(boxes.Shape()) != 3 || boxes.Shape()[2] != 4 || len(scores.Shape()) != 3 ||
		scores.Shape()[0] != boxes.Shape()[0] || scores.Shape()[2] != boxes.Shape()[1] {
		fail("expected boxes [batch, n, 4] and scores [batch, classes, n], got %v and %v", boxes, scores)
	}
	classes, n := scores.Shape()[1], scores.Shape()[2]
	corners, values := must(host(boxes).Floats()), must(host(scores).Floats())
	limit, threshold := 0, c.number(3, 0)
	if c.has(2) {
		limit = scalarInt(c.in(2))
	}
	lowest := c.number(4, math.Inf(-1))
	rows := []int{}
	for b := range scores.Shape()[0] {
		list := make([]box, n)
		for i := range list {
			list[i] = boxOf(corners[(b*n+i)*4:][:4], c.flag("center_point_box", false))
		}
		for class := range classes {
			own := values[(b*classes+class)*n:][:n]
			for _, i := range suppress(list, own, limit, threshold, lowest) {
				rows = append(rows, b, class, i)
			}
		}
	}
	c.out(reshape(vectorOf(rows), len(rows)/3, 3))
}

// number returns the one element of an input.
func (c *call) number(i int, otherwise float64) float64 {
	if !c.has(i) {
		return otherwise
	}
	list := numbers(c.in(i))
	if len(list) != 1 {
		fail("expected one number as input %d, got %v", i, c.in(i))
	}
	return list[0]
}

// suppress takes boxes in the order of their scores, and leaves out those that overlap with one that is taken.
func suppress(boxes []box, scores []float64, limit int, threshold, lowest float64) []int {
	order := counting(len(boxes))
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case scores[i] > scores[j]:
			return -1
		case scores[i] < scores[j]:
			return 1
		}
		return 0
	})
	var taken []int
	for _, i := range order {
		overlaps := func(j int) bool { return boxes[i].overlap(boxes[j]) > threshold }
		if len(taken) < limit && scores[i] > lowest && !slices.ContainsFunc(taken, overlaps) {
			taken = append(taken, i)
		}
	}
	return taken
}

// evalRoiAlign samples regions [regions, 4], left, top, right and bottom, of images [batch, channels, height, width].
// The samples of all bins of a region are a matrix times the pixels, so that derivatives go to the images.
func evalRoiAlign(c *call) {
	x, regions, batch := c.in(0), c.in(1), c.ints(2)
	shape := x.Shape()
	if len(shape) != 4 || product(shape) == 0 || len(regions.Shape()) != 2 || regions.Shape()[1] != 4 ||
		regions.Shape()[0] != len(batch) {
		fail("expected images, regions [n, 4] and n indices, got %v, %v, %v", x, regions, c.in(2))
	}
	r := roi{
		rows: c.integer("output_height", 1), columns: c.integer("output_width", 1), samples: c.integer("sampling_ratio", 0),
		height: shape[2], width: shape[3],
	}
	const most = 1 << 12
	if min(r.rows, r.columns) < 1 || r.samples < 0 || max(r.rows, r.columns, r.samples) > most {
		fail("expected an output of 1 to %d rows, columns and samples, got %+v", most, r)
	}
	r.halfPixel = c.version >= 16 && c.text("coordinate_transformation_mode", "half_pixel") == "half_pixel"
	corners, scale := must(host(regions).Floats()), c.float("spatial_scale", 1)
	out := []Tensor{zerosOf(x.Type(), 0, shape[1], r.rows, r.columns)}
	for i, b := range batch {
		if b < 0 || b >= shape[0] {
			fail("expected images from 0 to %d, got %d", shape[0]-1, b)
		}
		pixels := reshape(part(x, 0, b, 1), shape[1], shape[2]*shape[3])
		matrix, samples := r.matrix(corners[4*i:][:4], scale)
		met := reshape(matmul(pixels, permute(cast(matrix, x.Type()), 1, 0)), 1, shape[1], r.rows, r.columns, samples)
		if c.text("mode", "avg") == "max" {
			out = append(out, reduce("Max", met, []int{4}, false))
		} else {
			out = append(out, mean(met, []int{4}, false))
		}
	}
	c.out(concat(0, out...))
}

// roi is what regions of interest have in common.
type roi struct {
	rows, columns, samples, height, width int
	halfPixel                             bool
}

// matrix returns the weights [samples of all bins, pixels], and the number of samples in a bin.
func (r roi) matrix(corners []float64, scale float64) (Tensor, int) {
	offset, least := 0.0, 1.0
	if r.halfPixel {
		offset, least = 0.5, math.Inf(-1)
	}
	left, top := corners[0]*scale-offset, corners[1]*scale-offset
	width, height := max(corners[2]*scale-offset-left, least), max(corners[3]*scale-offset-top, least)
	down, across := r.samples, r.samples
	if r.samples == 0 {
		down = int(min(max(math.Ceil(height/float64(r.rows)), 1), 1024))
		across = int(min(max(math.Ceil(width/float64(r.columns)), 1), 1024))
	}
	weights := must(ndarray.New(ndarray.Float64, r.rows*r.columns, down*across, r.height*r.width))
	weights = must(weights.Reshape(r.rows*r.columns*down*across, r.height*r.width))
	ys := steps(top, height, r.rows, down)
	xs := steps(left, width, r.columns, across)
	values := ndarray.Elements[float64](weights)
	at := 0
	for row := range r.rows {
		for column := range r.columns {
			for _, y := range ys[row*down : (row+1)*down] {
				for _, x := range xs[column*across : (column+1)*across] {
					r.bilinear(values[at*r.height*r.width:][:r.height*r.width], y, x)
					at++
				}
			}
		}
	}
	return weights, down * across
}

// steps returns the middles of n*samples equal steps.
func steps(start, length float64, n, samples int) []float64 {
	list := make([]float64, n*samples)
	for i := range list {
		list[i] = start + (float64(i)+0.5)*length/float64(n*samples)
	}
	return list
}

// bilinear writes the weights of a sample; there are none for one that is more than a pixel outside.
func (r roi) bilinear(weights []float64, y, x float64) {
	if !(y >= -1 && y <= float64(r.height) && x >= -1 && x <= float64(r.width)) {
		return
	}
	rows, down := neighbours(y, r.height)
	columns, across := neighbours(x, r.width)
	for i, row := range rows {
		for k, column := range columns {
			weights[row*r.width+column] += down[i] * across[k]
		}
	}
}

func neighbours(x float64, n int) (places [2]int, weights [2]float64) {
	x = min(max(x, 0), float64(n-1))
	first := int(x)
	fraction := x - float64(first)
	return [2]int{first, min(first+1, n-1)}, [2]float64{1 - fraction, fraction}
}

package fit

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/baremetaldevx86/microdr/scene"
)

// term is one summand of a derivative: a column of the renderer's Jacobian
// times a factor.
type term struct {
	column int // or one of those below
	factor float64
	cell   int // of a row, see linear.rows
}

const (
	imageColumn = -1 - iota // the image itself: the gain's
	oneColumn               // one: the bias's
	otherColumn             // zero: another view's gain or bias
	noColumn                // unknown
)

// linear is a view with its derivatives by the local coordinates of a vector.
type linear struct {
	*levelView
	image      []float32
	columns    [][]float32
	gain, bias float64
	terms      [][]term // for every local coordinate
	// What survey finds: of every block of pixels the local coordinates that
	// move it at all, ascending, and the pixels with a derivative that is not
	// finite; nil if there are none.
	active   [][]int
	needed   [][]int // of every block the columns in the terms of these
	unusable []bool

	bad     []bool // memory of unusable
	moved   []bool // of every block, whether a column moves it
	surveys *kernel.Loop

	loss  optim.Loss
	rows  []*rowReader    // of every goroutine
	parts []*optim.Normal // of every chunk
	sums  *kernel.Loop
}

func newLinear(v *levelView) *linear {
	lin := &linear{levelView: v}
	lin.surveys, lin.sums = kernel.NewLoop(lin.surveyBlock), kernel.NewLoop(lin.sumChunk)
	return lin
}

// blockPixels is the size of a block. An object is in few of them.
const blockPixels = 256

// survey looks through the columns. A derivative that is not finite is a
// mistake of the renderer at single samples, which must not spoil the sums:
// such pixels are left out and counted.
func (v *linear) survey() {
	blocks := (len(v.pixels) + blockPixels - 1) / blockPixels
	v.active, v.needed, v.unusable = room(v.active, blocks), room(v.needed, blocks), nil
	v.bad, v.moved = room(v.bad, len(v.pixels)), room(v.moved, blocks*len(v.columns))
	clear(v.bad)
	v.surveys.Run(v.crew, blocks)
	if slices.Contains(v.bad, true) {
		v.unusable = v.bad
	}
}

// surveyBlock looks through the columns of one block.
func (v *linear) surveyBlock(_, b int) {
	from, to := b*blockPixels, min(len(v.pixels), (b+1)*blockPixels)
	active, needed := room(v.active[b], len(v.terms))[:0], room(v.needed[b], len(v.columns))[:0]
	if !v.blank(from, to) {
		moved := v.moved[b*len(v.columns):][:len(v.columns)]
		for c, column := range v.columns {
			moved[c] = look(column[3*from:3*to], v.bad[from:to])
		}
		for d, terms := range v.terms {
			if slices.ContainsFunc(terms, func(t term) bool { return t.column < 0 || moved[t.column] }) {
				active = append(active, d)
			}
		}
		needed = v.appendColumns(needed, active)
	}
	v.active[b], v.needed[b] = active, needed
}

// blank reports whether no pixel from..to counts and the columns need not hold
// anything there.
func (v *linear) blank(from, to int) bool {
	if v.chosen == nil {
		return false
	}
	for _, w := range v.weights[v.channels*from : v.channels*to] {
		if w != 0 {
			return false
		}
	}
	return true
}

// look reports whether any of the values, three a pixel, is not zero, and marks
// the pixels where one is not finite.
func look(values []float32, bad []bool) bool {
	const infinity = 0xff << 23
	largest := largestBits(values)
	if largest >= infinity {
		for i, x := range values {
			bad[i/3] = bad[i/3] || x-x != 0
		}
	}
	return largest > 0
}

// largestBits is the largest of the values' bits without their signs. Four
// maxima at a time do not wait for each other.
func largestBits(values []float32) uint32 {
	const sign = 1 << 31
	var a, b, c, d uint32
	for ; len(values) >= 4; values = values[4:] {
		a = max(a, math.Float32bits(values[0])&^sign)
		b = max(b, math.Float32bits(values[1])&^sign)
		c = max(c, math.Float32bits(values[2])&^sign)
		d = max(d, math.Float32bits(values[3])&^sign)
	}
	for _, x := range values {
		a = max(a, math.Float32bits(x)&^sign)
	}
	return max(a, b, c, d)
}

// weight is that of residual i in the normal equations.
func (v *linear) weight(i int) float64 {
	if v.unusable != nil && v.unusable[i/v.channels] {
		return 0
	}
	return v.weights[i]
}

// linearize runs the Jacobian of a view. The result is good until the next one
// of the view.
func (l *level) linearize(ctx context.Context, v *levelView, vec *scene.Vector, moves []scene.Entry) (*linear, error) {
	lin, err := l.linear(v, vec, moves)
	if err != nil {
		return nil, err
	}
	if v.slope != v.view {
		if v.slopeImage, lin.columns, err = v.slope.JacobianInto(ctx, vec.Scene(), v.slopeImage); err == nil {
			lin.image, err = v.render(ctx, vec)
		}
		return lin, err
	}
	if lin.image, lin.columns, err = v.view.JacobianInto(ctx, vec.Scene(), v.oldest(vec)); err == nil {
		v.remember(vec, lin.image)
	}
	return lin, err
}

// linear is a view with its terms, but neither image nor columns yet.
func (l *level) linear(v *levelView, vec *scene.Vector, moves []scene.Entry) (*linear, error) {
	if v.derivatives == nil {
		v.derivatives = newLinear(v)
	}
	lin, view := v.derivatives, vec.Scene().View(v.name)
	lin.gain, lin.bias = view.Gain, view.Bias
	return lin, l.sortTerms(lin, vec, moves)
}

// sortTerms sorts how a vector moves the uniforms by local coordinate for one
// view.
func (l *level) sortTerms(v *linear, vec *scene.Vector, moves []scene.Entry) error {
	s := vec.Scene()
	if v.column == nil {
		v.column = l.columnsOf(s, v.name)
	}
	v.terms = room(v.terms, vec.Dim())
	for d := range v.terms {
		v.terms[d] = v.terms[d][:0]
	}
	for _, e := range moves {
		t := term{column: v.column[e.Row], factor: e.Value}
		switch t.column {
		case noColumn:
			return fmt.Errorf("fit: uniform %s began to move: it has no derivative", scene.Uniforms(s)[e.Row].Name)
		case otherColumn:
			continue
		case imageColumn, oneColumn:
		default:
			t.factor *= v.gain
		}
		if t.cell = t.column; t.column < 0 {
			t.cell += len(l.params) + specialCells
		}
		v.terms[e.Col] = append(v.terms[e.Col], t)
	}
	return nil
}

// columnsOf tells of every uniform of the scene which column has a view's
// derivative by it.
func (l *level) columnsOf(s *scene.Scene, view string) []int {
	index := indexOf(l.params)
	own := map[string]bool{}
	for _, v := range s.Views {
		own[v.Name+".gain"], own[v.Name+".bias"] = true, true
	}
	var columns []int
	for _, u := range scene.Uniforms(s) {
		c, ok := index[u.Name]
		switch {
		case u.Name == view+".gain":
			c = imageColumn
		case u.Name == view+".bias":
			c = oneColumn
		case own[u.Name]:
			c = otherColumn
		case !ok:
			c = noColumn
		}
		columns = append(columns, c)
	}
	return columns
}

// residual is residual i and the value that the view shows, before its gain.
func (v *linear) residual(i int) (r, value float64) {
	value = v.valueOf(v.image, i)
	return v.gain*value + v.bias - float64(v.target[i]), value
}

// rowsAtOnce is how many residuals the columns are read for at a time.
const rowsAtOnce = 64

// rowReader reads rows of a Jacobian, on one goroutine. Visit gets the number
// of a residual, the local coordinates that may move it, the derivatives by all,
// and the residual; to usable rows only these are given, to others none.
type rowReader struct {
	visit func(i int, active []int, j []float64, r float64)
	v     *linear
	cells []float64 // a row for each residual, see rowsOf
	j     []float64

	part *optim.Normal // that sumRow adds to
}

func newRowReader(visit func(i int, active []int, j []float64, r float64)) *rowReader {
	return &rowReader{visit: visit}
}

// of makes room for the rows of v.
func (r *rowReader) of(v *linear) {
	r.v, r.j, r.cells = v, room(r.j, len(v.terms)), room(r.cells, rowsAtOnce*v.stride())
}

// rows visits the residuals from..to that have a weight.
func (r *rowReader) rows(from, to int) {
	v, block := r.v, -1
	for ; from < to; from += rowsAtOnce {
		for i := from; i < min(to, from+rowsAtOnce); {
			b := i / v.channels / blockPixels
			if b != block {
				block = b
				clear(r.j)
			}
			end := min(to, from+rowsAtOnce, (b+1)*blockPixels*v.channels)
			r.rowsOf(b, i, end)
			i = end
		}
	}
}

// rowsOf is rows within a block. Columns are read one after the other, into
// cells, a row for each residual; what several terms need is read once.
func (r *rowReader) rowsOf(block, from, to int) {
	v, j := r.v, r.j
	stride, active := v.stride(), v.active[block]
	for _, c := range v.needed[block] {
		v.read(c, from, to, r.cells, stride)
	}
	for i := from; i < to; i++ {
		if v.weights[i] == 0 {
			continue
		}
		residual, value := v.residual(i)
		if v.weight(i) == 0 {
			r.visit(i, nil, nil, residual)
			continue
		}
		x := r.cells[(i-from)*stride:][:stride]
		x[stride+imageColumn], x[stride+oneColumn] = value, 1
		for _, d := range active {
			sum := 0.0
			for _, t := range v.terms[d] {
				sum += t.factor * x[t.cell]
			}
			j[d] = sum
		}
		r.visit(i, active, j, residual)
	}
}

// specialCells end a row of cells: those of oneColumn and imageColumn, which
// count from the end.
const specialCells = 2

// stride is the length of a row of cells: one for every column, and these.
func (v *linear) stride() int { return len(v.columns) + specialCells }

// appendColumns lists the columns in the terms of the active coordinates.
func (v *linear) appendColumns(list, active []int) []int {
	for _, d := range active {
		for _, t := range v.terms[d] {
			if t.column >= 0 && !slices.Contains(list, t.column) {
				list = append(list, t.column)
			}
		}
	}
	return list
}

// read reads a column at residuals from..to into the cells of its own.
func (v *linear) read(column, from, to int, cells []float64, stride int) {
	values := v.columns[column]
	cells = cells[column:]
	if v.channels == 1 {
		values = values[3*from : 3*to]
		for i := range to - from {
			cells[i*stride] = luminance((*[3]float32)(values[3*i:]))
		}
		return
	}
	for i, x := range values[from:to] {
		cells[i*stride] = float64(x)
	}
}

// normal adds the view's normal equations to out: chunks in parallel, folded
// in order, so that the sums do not depend on the number of cores.
func (v *linear) normal(loss optim.Loss, out *optim.Normal) {
	v.loss = loss
	for len(v.rows) < v.crew.Workers() {
		r := newRowReader(nil)
		r.visit = r.sumRow
		v.rows = append(v.rows, r)
	}
	for _, r := range v.rows {
		r.of(v)
	}
	n := chunksOf(len(v.target))
	for len(v.parts) < n {
		v.parts = append(v.parts, optim.NewNormal(len(out.Jtr)))
	}
	v.sums.Run(v.crew, n)
	for _, e := range v.parts[:n] {
		out.Add(e)
	}
}

// sumChunk sums the equations of a chunk up.
func (v *linear) sumChunk(worker, chunk int) {
	r := v.rows[worker]
	r.part = v.parts[chunk]
	r.part.Zero()
	r.rows(chunkRange(chunk, len(v.target)))
}

// sumRow adds a row to the equations of a chunk.
func (r *rowReader) sumRow(i int, active []int, j []float64, residual float64) {
	w := r.v.weights[i]
	r.part.Cost += w * r.v.loss.Rho(residual)
	r.part.AddSparse(active, j, residual, w*r.v.loss.Weight(residual))
}

// squares is the sum of the weighted squares, as the robust loss sees them.
func (v *linear) squares(loss optim.Loss) float64 {
	sum := 0.0
	for i := range v.weights {
		if w := v.weight(i); w != 0 {
			r, _ := v.residual(i)
			sum += w * loss.Weight(r) * r * r
		}
	}
	return sum
}

package fit

import (
	"context"
	"fmt"
	"math"
	"slices"

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
}

// blockPixels is the size of a block. An object is in few of them.
const blockPixels = 256

// survey looks through the columns. A derivative that is not finite is a
// mistake of the renderer at single samples, which must not spoil the sums:
// such pixels are left out and counted.
func (v *linear) survey() {
	blocks := (len(v.pixels) + blockPixels - 1) / blockPixels
	v.active, v.needed, v.unusable = make([][]int, blocks), make([][]int, blocks), nil
	bad := make([]bool, len(v.pixels))
	inParallel(blocks, func(b int) {
		from, to := b*blockPixels, min(len(v.pixels), (b+1)*blockPixels)
		if v.blank(from, to) {
			return
		}
		moved := make([]bool, len(v.columns))
		for c, column := range v.columns {
			moved[c] = look(column[3*from:3*to], bad[from:to])
		}
		for d, terms := range v.terms {
			if slices.ContainsFunc(terms, func(t term) bool { return t.column < 0 || moved[t.column] }) {
				v.active[b] = append(v.active[b], d)
			}
		}
		v.needed[b] = v.columnsOf(v.active[b])
	})
	if slices.Contains(bad, true) {
		v.unusable = bad
	}
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

// linearize runs the Jacobian of a view.
func (l *level) linearize(ctx context.Context, v *levelView, vec *scene.Vector) (*linear, error) {
	lin, err := l.linear(v, vec)
	if err != nil {
		return nil, err
	}
	lin.image, lin.columns, err = v.slope.Jacobian(ctx, vec.Scene())
	if err == nil && v.slope != v.view {
		lin.image, err = v.render(ctx, vec)
	} else if err == nil {
		v.remember(rendered{pointOf(vec), lin.image})
	}
	return lin, err
}

// linear is a view with its terms, but neither image nor columns yet.
func (l *level) linear(v *levelView, vec *scene.Vector) (*linear, error) {
	terms, err := l.terms(vec, v)
	view := vec.Scene().View(v.name)
	return &linear{levelView: v, gain: view.Gain, bias: view.Bias, terms: terms}, err
}

// terms sorts the scene's Jacobian by local coordinate for one view.
func (l *level) terms(vec *scene.Vector, v *levelView) ([][]term, error) {
	s := vec.Scene()
	gain := s.View(v.name).Gain
	if v.column == nil {
		v.column = l.columnsOf(s, v.name)
	}
	terms := make([][]term, vec.Dim())
	for _, e := range vec.JacobianPhys() {
		t := term{column: v.column[e.Row], factor: e.Value}
		switch t.column {
		case noColumn:
			return nil, fmt.Errorf("fit: uniform %s began to move: it has no derivative", scene.Uniforms(s)[e.Row].Name)
		case otherColumn:
			continue
		case imageColumn, oneColumn:
		default:
			t.factor *= gain
		}
		if t.cell = t.column; t.column < 0 {
			t.cell += len(l.params) + specialCells
		}
		terms[e.Col] = append(terms[e.Col], t)
	}
	return terms, nil
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

// rows visits the residuals from..to that have a weight, with their number, the
// local coordinates that may move them, and the derivatives by all; to usable
// rows only these are given, to others none.
func (v *linear) rows(from, to int, visit func(i int, active []int, j []float64, r float64)) {
	j := make([]float64, len(v.terms))
	cells := make([]float64, rowsAtOnce*v.stride())
	block := -1
	var active []int
	for ; from < to; from += rowsAtOnce {
		for i := from; i < min(to, from+rowsAtOnce); {
			b := i / v.channels / blockPixels
			if b != block {
				block, active = b, v.active[b]
				clear(j)
			}
			end := min(to, from+rowsAtOnce, (b+1)*blockPixels*v.channels)
			v.rowsOf(i, end, active, cells, j, visit)
			i = end
		}
	}
}

// rowsOf is rows within a block. Columns are read one after the other, into
// cells, a row for each residual; what several terms need is read once.
func (v *linear) rowsOf(from, to int, active []int, cells, j []float64, visit func(i int, active []int, j []float64, r float64)) {
	stride := v.stride()
	for _, c := range v.needed[from/v.channels/blockPixels] {
		v.read(c, from, to, cells, stride)
	}
	for i := from; i < to; i++ {
		if v.weights[i] == 0 {
			continue
		}
		r, value := v.residual(i)
		if v.weight(i) == 0 {
			visit(i, nil, nil, r)
			continue
		}
		x := cells[(i-from)*stride:][:stride]
		x[stride+imageColumn], x[stride+oneColumn] = value, 1
		for _, d := range active {
			sum := 0.0
			for _, t := range v.terms[d] {
				sum += t.factor * x[t.cell]
			}
			j[d] = sum
		}
		visit(i, active, j, r)
	}
}

// specialCells end a row of cells: those of oneColumn and imageColumn, which
// count from the end.
const specialCells = 2

// stride is the length of a row of cells: one for every column, and these.
func (v *linear) stride() int { return len(v.columns) + specialCells }

// columnsOf lists the columns in the terms of the active coordinates.
func (v *linear) columnsOf(active []int) []int {
	var list []int
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
	parts := make([]*optim.Normal, chunksOf(len(v.target)))
	inChunks(len(v.target), func(chunk, from, to int) {
		e := optim.NewNormal(len(out.Jtr))
		v.rows(from, to, func(i int, active []int, j []float64, r float64) {
			e.Cost += v.weights[i] * loss.Rho(r)
			e.AddSparse(active, j, r, v.weights[i]*loss.Weight(r))
		})
		parts[chunk] = e
	})
	for _, e := range parts {
		out.Add(e)
	}
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

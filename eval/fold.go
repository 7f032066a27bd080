package eval

import "github.com/baremetaldevx86/microdr/ir"

// number is the type of the elements and sums of a reduction.
type number interface{ float32 | float64 | int32 }

// block reduces up to 256 elements in 16 accumulators folded by halves. Combining with an identity changes nothing, so
// the first elements replace it, and of fewer than 16 only their halves are folded.
func block[A, S number](op ir.ReduceOp, src []S) A {
	var acc [ir.ReduceLanes]A
	n := len(src)
	for i := range min(n, ir.ReduceLanes) {
		acc[i] = A(src[i])
	}
	if op == ir.ReduceSum || op == ir.ReduceMean {
		addTo(&acc, src)
	} else {
		for i := ir.ReduceLanes; i < n; i++ {
			acc[i%ir.ReduceLanes] = combine(op, acc[i%ir.ReduceLanes], A(src[i]))
		}
	}
	for half := ir.ReduceLanes / 2; half > 0; half /= 2 {
		for i := range halfOf(n, half) {
			acc[i] = combine(op, acc[i], acc[i+half])
		}
	}
	return acc[0]
}

// halfOf returns how many of n accumulators have one that is folded onto them when half of them are left.
func halfOf(n, half int) int { return max(0, min(n-half, half)) }

// addTo adds the elements but the first 16, which the accumulators hold.
func addTo[A, S number](acc *[ir.ReduceLanes]A, src []S) {
	whole := len(src) / ir.ReduceLanes * ir.ReduceLanes
	if whole > ir.ReduceLanes {
		addRows((*[8]A)(acc[:8]), src[ir.ReduceLanes:whole])
		addRows((*[8]A)(acc[8:]), src[ir.ReduceLanes+8:whole])
	}
	for i, x := range src[max(whole, min(len(src), ir.ReduceLanes)):] {
		acc[i] += A(x)
	}
}

// addRows adds the first 8 of every 16 elements: so many accumulators fit into registers.
func addRows[A, S number](acc *[8]A, src []S) {
	a0, a1, a2, a3, a4, a5, a6, a7 := acc[0], acc[1], acc[2], acc[3], acc[4], acc[5], acc[6], acc[7]
	for ; len(src) >= 8; src = src[min(ir.ReduceLanes, len(src)):] {
		row := (*[8]S)(src)
		a0, a1, a2, a3 = a0+A(row[0]), a1+A(row[1]), a2+A(row[2]), a3+A(row[3])
		a4, a5, a6, a7 = a4+A(row[4]), a5+A(row[5]), a6+A(row[6]), a7+A(row[7])
	}
	*acc = [8]A{a0, a1, a2, a3, a4, a5, a6, a7}
}

// groups reduces contiguous groups of up to 256 elements.
func groups[A, S number](op ir.ReduceOp, dst []A, src []S, n int) {
	sum := op == ir.ReduceSum || op == ir.ReduceMean
	switch {
	case n == 1:
		for o := range dst {
			dst[o] = A(src[o])
		}
	case sum && n == 4:
		for o := range dst {
			x := (*[4]S)(src[4*o:])
			dst[o] = (A(x[0]) + A(x[2])) + (A(x[1]) + A(x[3]))
		}
	case sum && n%ir.ReduceLanes == 0:
		for o := range dst {
			group := src[n*o : n*(o+1)]
			var acc [ir.ReduceLanes]A
			for i, x := range (*[ir.ReduceLanes]S)(group) {
				acc[i] = A(x)
			}
			addTo(&acc, group)
			dst[o] = halves(&acc)
		}
	default:
		for o := range dst {
			dst[o] = block[A](op, src[n*o:n*(o+1)])
		}
	}
}

// halves adds accumulators by halves.
func halves[A number](a *[ir.ReduceLanes]A) A {
	even := ((a[0] + a[8]) + (a[4] + a[12])) + ((a[2] + a[10]) + (a[6] + a[14]))
	odd := ((a[1] + a[9]) + (a[5] + a[13])) + ((a[3] + a[11]) + (a[7] + a[15]))
	return even + odd
}

// combineRow combines the elements of a row with those of an accumulator.
func combineRow[A, S number](op ir.ReduceOp, acc []A, row []S) {
	row = row[:len(acc)]
	switch op {
	case ir.ReduceMin:
		for i, x := range row {
			acc[i] = min(acc[i], A(x))
		}
	case ir.ReduceMax:
		for i, x := range row {
			acc[i] = max(acc[i], A(x))
		}
	case ir.ReduceProd:
		for i, x := range row {
			acc[i] *= A(x)
		}
	default:
		for i, x := range row {
			acc[i] += A(x)
		}
	}
}

func combine[A number](op ir.ReduceOp, a, b A) A {
	switch op {
	case ir.ReduceMin:
		return min(a, b)
	case ir.ReduceMax:
		return max(a, b)
	case ir.ReduceProd:
		return a * b
	}
	return a + b
}

// tree folds the results of blocks, rows of them: r[i] = r[2i] + r[2i+1], an odd last one passing up unchanged. As they
// come, two whole trees of one height become one of the next. So there is a tree for every bit of their number, higher
// ones first, and in the end each passes up until it meets the one to its left.
type tree[A number] struct {
	op    ir.ReduceOp
	n     int // blocks so far
	trees int
	roots []A // of the trees: rows, pitch apart
	pitch int
}

func (t *tree[A]) reset() { t.n, t.trees = 0, 0 }

func (t *tree[A]) row(i, n int) []A { return t.roots[i*t.pitch:][:n] }

func (t *tree[A]) add(x []A) {
	copy(t.row(t.trees, len(x)), x)
	t.trees++
	for bits := t.n; bits&1 == 1; bits >>= 1 {
		t.trees--
		combineRow(t.op, t.row(t.trees-1, len(x)), t.row(t.trees, len(x)))
	}
	t.n++
}

// root returns the tree of all blocks, of n columns.
func (t *tree[A]) root(n int) []A {
	for i := t.trees - 2; i >= 0; i-- {
		combineRow(t.op, t.row(i, n), t.row(i+1, n))
	}
	return t.row(0, n)
}

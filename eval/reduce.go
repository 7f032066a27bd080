package eval

import "github.com/baremetaldevx86/microdr/ir"

// Reduce computes the outputs [lo, hi) of a reduction stage, numbered [outer, inner] row-major. Disjoint ranges
// may run at the same time. The order of every sum is fixed by the group's size alone (ir.ReduceBlock).
func Reduce(m *ir.Module, s *ir.Stage, precision Precision, buffers []Memory, lo, hi int) {
	in, out := s.In[0], s.Out[0]
	wide := func(b int) bool { return m.Buffers[b].Type == ir.F64 || precision == F64 }
	src, dst := buffers[in], buffers[out]
	switch {
	case wide(in) && wide(out):
		reduce(s, elements[float64](src), elements[float64](dst), lo, hi)
	case wide(out):
		reduce(s, elements[float32](src), elements[float64](dst), lo, hi)
	case wide(in):
		reduce(s, elements[float64](src), elements[float32](dst), lo, hi)
	default:
		reduce(s, elements[float32](src), elements[float32](dst), lo, hi)
	}
}

// reduce accumulates in the output's type.
func reduce[A, S float](s *ir.Stage, src []S, dst []A, lo, hi int) {
	if s.Group == 1 { // combining with the identity changes nothing
		if same, ok := any(dst).([]S); ok {
			copy(same[lo:hi], src[lo:hi])
			return
		}
		for o := lo; o < hi; o++ {
			dst[o] = A(src[o])
		}
		return
	}
	if sum := s.Reduce == ir.ReduceSum || s.Reduce == ir.ReduceMean; sum && s.Inner == 1 && s.Group%4 == 0 && s.Group <= ir.ReduceBlock {
		sums(s, src, dst, lo, hi)
		return
	}
	for o := lo; o < hi; o++ {
		base := (o/s.Inner)*s.Group*s.Inner + o%s.Inner
		t := tree[A]{op: s.Reduce}
		for first := 0; first < s.Group; first += ir.ReduceBlock {
			n := min(ir.ReduceBlock, s.Group-first)
			t.add(block[A](s, src[base+first*s.Inner:], n))
		}
		r := t.root()
		if s.Reduce == ir.ReduceMean {
			r /= A(s.Group)
		}
		dst[o] = r
	}
}

// block reduces n elements, Inner apart, in 16 accumulators folded by halves. Combining with an identity changes
// nothing, so the first elements replace it, and of fewer than 16 only their halves are folded.
func block[A, S float](s *ir.Stage, src []S, n int) A {
	var acc [ir.ReduceLanes]A
	for i := range min(n, ir.ReduceLanes) {
		acc[i] = A(src[i*s.Inner])
	}
	if sum := s.Reduce == ir.ReduceSum || s.Reduce == ir.ReduceMean; sum && s.Inner == 1 {
		addTo(&acc, src[:n])
	} else {
		for i := ir.ReduceLanes; i < n; i++ {
			acc[i%ir.ReduceLanes] = combine(s.Reduce, acc[i%ir.ReduceLanes], A(src[i*s.Inner]))
		}
	}
	for half := ir.ReduceLanes / 2; half > 0; half /= 2 {
		for i := range max(0, min(n-half, half)) {
			acc[i] = combine(s.Reduce, acc[i], acc[i+half])
		}
	}
	return acc[0]
}

// addTo adds the elements but the first 16, which the accumulators hold.
func addTo[A, S float](acc *[ir.ReduceLanes]A, src []S) {
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
func addRows[A, S float](acc *[8]A, src []S) {
	a0, a1, a2, a3, a4, a5, a6, a7 := acc[0], acc[1], acc[2], acc[3], acc[4], acc[5], acc[6], acc[7]
	for ; len(src) >= 8; src = src[min(ir.ReduceLanes, len(src)):] {
		row := (*[8]S)(src)
		a0, a1, a2, a3 = a0+A(row[0]), a1+A(row[1]), a2+A(row[2]), a3+A(row[3])
		a4, a5, a6, a7 = a4+A(row[4]), a5+A(row[5]), a6+A(row[6]), a7+A(row[7])
	}
	*acc = [8]A{a0, a1, a2, a3, a4, a5, a6, a7}
}

// sums is reduce for sums and means of contiguous groups of at most one block, a multiple of 4: the samples of pixels.
func sums[A, S float](s *ir.Stage, src []S, dst []A, lo, hi int) {
	n := s.Group
	divisor := A(1)
	if s.Reduce == ir.ReduceMean {
		divisor = A(n)
	}
	src = src[lo*n : hi*n]
	switch dst = dst[lo:hi]; {
	case n == 4:
		for o := range dst {
			x := (*[4]S)(src[4*o:])
			dst[o] = ((A(x[0]) + A(x[2])) + (A(x[1]) + A(x[3]))) / divisor
		}
	case n%ir.ReduceLanes == 0:
		for o := range dst {
			group := src[n*o : n*(o+1)]
			var acc [ir.ReduceLanes]A
			for i, x := range (*[ir.ReduceLanes]S)(group) {
				acc[i] = A(x)
			}
			addTo(&acc, group)
			dst[o] = halves(&acc) / divisor
		}
	default:
		for o := range dst {
			dst[o] = block[A](s, src[n*o:], n) / divisor
		}
	}
}

// halves adds accumulators by halves.
func halves[A float](a *[ir.ReduceLanes]A) A {
	even := ((a[0] + a[8]) + (a[4] + a[12])) + ((a[2] + a[10]) + (a[6] + a[14]))
	odd := ((a[1] + a[9]) + (a[5] + a[13])) + ((a[3] + a[11]) + (a[7] + a[15]))
	return even + odd
}

// tree folds the blocks' results: r[i] = r[2i] + r[2i+1], an odd last one passing up unchanged. As they come, two whole
// trees of one height become one of the next. So there is a tree for every bit of their number, higher ones first, and in
// the end each passes up until it meets the one to its left.
type tree[A float] struct {
	op    ir.ReduceOp
	n     int   // blocks so far
	roots [32]A // of the trees
	trees int
}

func (t *tree[A]) add(x A) {
	for bits := t.n; bits&1 == 1; bits >>= 1 {
		t.trees--
		x = combine(t.op, t.roots[t.trees], x)
	}
	t.roots[t.trees] = x
	t.trees++
	t.n++
}

func (t *tree[A]) root() A {
	r := t.roots[t.trees-1]
	for i := t.trees - 2; i >= 0; i-- {
		r = combine(t.op, t.roots[i], r)
	}
	return r
}

func combine[A float](op ir.ReduceOp, a, b A) A {
	switch op {
	case ir.ReduceMin:
		return min(a, b)
	case ir.ReduceMax:
		return max(a, b)
	}
	return a + b
}

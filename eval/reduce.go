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
		for o := lo; o < hi; o++ {
			dst[o] = A(src[o])
		}
		return
	}
	var partial []A
	for o := lo; o < hi; o++ {
		base := (o/s.Inner)*s.Group*s.Inner + o%s.Inner
		partial = partial[:0]
		for first := 0; first < s.Group; first += ir.ReduceBlock {
			n := min(ir.ReduceBlock, s.Group-first)
			partial = append(partial, block[A](s, src[base+first*s.Inner:], n))
		}
		r := tree(s.Reduce, partial)
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
	for first := ir.ReduceLanes; first < len(src); first += ir.ReduceLanes {
		row := src[first:]
		if len(row) > ir.ReduceLanes {
			row = row[:ir.ReduceLanes]
		}
		for i, x := range row {
			acc[i] += A(x)
		}
	}
}

// tree folds the blocks' results: r[i] = r[2i] + r[2i+1], an odd last one passing up unchanged.
func tree[A float](op ir.ReduceOp, r []A) A {
	for len(r) > 1 {
		n := len(r)
		for i := 0; i+1 < n; i += 2 {
			r[i/2] = combine(op, r[i], r[i+1])
		}
		if n%2 == 1 {
			r[n/2] = r[n-1]
		}
		r = r[:(n+1)/2]
	}
	return r[0]
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

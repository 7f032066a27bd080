package ir

import (
	"fmt"
	"slices"
)

// maxBatch is the most batch dimensions of a product: with rows and columns they make up a shape.
const maxBatch = MaxDims - 2

// Batches returns the number of products.
func (p *MatMul) Batches() int {
	n := 1
	for _, d := range p.Batch {
		n *= d
	}
	return n
}

// At returns the place of element (0, 0) of matrix number i of a batch, counted row-major over its extents.
func (a *Matrix) At(extents []int, i int) int {
	at := a.Offset
	for d := len(extents) - 1; d >= 0; d-- {
		at += i % extents[d] * a.Batch[d]
		i /= extents[d]
	}
	return at
}

// AddMatMul appends a product of the matrices in buffers a and b to out. See MatMul.
func (m *Module) AddMatMul(name string, product *MatMul, a, b, out int) {
	m.Stages = append(m.Stages, Stage{Kind: StageMatMul, Name: name, MatMul: product, In: []int{a, b}, Out: []int{out}})
}

// matMul checks a product: types, and that all it reads lies in the buffers and all of the output is written. Sums are
// made in the output's type, float32 or float64, to which the inputs widen without loss. Extents may be 0: sums over
// nothing are +0.
func (v *verifier) matMul(s *Stage) {
	p := s.MatMul
	if p == nil || len(s.In) != 2 || len(s.Out) != 1 {
		v.failf("a product has extents and strides, two inputs and one output")
		return
	}
	if len(p.Batch) > maxBatch || len(p.A.Batch) != len(p.Batch) || len(p.B.Batch) != len(p.Batch) {
		v.failf("a product has at most %d batch dimensions, and both matrices a stride for each", maxBatch)
		return
	}
	before := len(v.errs)
	v.sizes("the product", append(slices.Clone(p.Batch), p.M, p.N), MaxElements)
	if v.sizes("the sum", []int{p.K}, MaxElements); len(v.errs) > before {
		return
	}
	out := &v.m.Buffers[s.Out[0]]
	if want := p.Batches() * p.M * p.N; out.Len() != want {
		v.failf("the product has %d elements, %s has %d", want, out.Name, out.Len())
	}
	if out.Type != F32 && out.Type != F64 {
		v.failf("a product is of f32 or f64, not %v", out.Type)
	}
	for i, a := range []*Matrix{&p.A, &p.B} {
		in, rows, columns := &v.m.Buffers[s.In[i]], p.M, p.K
		if i == 1 {
			rows, columns = p.K, p.N
		}
		if half := in.Type == F16 || in.Type == BF16; !half && !in.Type.IsFloat() || in.Type == F64 && out.Type != F64 {
			v.failf("a product of %v does not take a matrix of %v", out.Type, in.Type)
		}
		v.matrix(in, a, append(slices.Clone(p.Batch), rows, columns))
	}
}

// matrix checks that all elements of a batch of matrices lie in a buffer.
func (v *verifier) matrix(b *Buffer, a *Matrix, extents []int) {
	if slices.Contains(extents, 0) {
		return
	}
	const far = MaxElements * MaxDims // beyond every buffer, and small enough for sums
	lo, hi := max(-far, min(a.Offset, far)), max(-far, min(a.Offset, far))
	for i, stride := range append(slices.Clone(a.Batch), a.Row, a.Col) {
		steps := extents[i] - 1
		if steps == 0 {
			continue
		}
		if stride > far/steps || stride < -far/steps {
			v.failf("a stride of %d reaches beyond %s", stride, b.Name)
			return
		}
		lo, hi = lo+min(0, steps*stride), hi+max(0, steps*stride)
	}
	if lo < 0 || hi >= b.Len() {
		v.failf("a matrix has elements from %d to %d of %s, which has %d", lo, hi, b.Name, b.Len())
	}
}

// matMulText is what the text of a product has behind its buffers.
func matMulText(p *MatMul) string {
	matrix := func(a *Matrix) string {
		return fmt.Sprintf("offset %d batch %v row %d col %d", a.Offset, a.Batch, a.Row, a.Col)
	}
	return fmt.Sprintf(" batch %v m %d n %d k %d a %s b %s", p.Batch, p.M, p.N, p.K, matrix(&p.A), matrix(&p.B))
}

// matMul reads what matMulText wrote.
func (p *parser) matMul() *MatMul {
	size := func(word string) int {
		p.expect(word)
		return int(p.integer("a size", 0, MaxElements))
	}
	p.expect("batch")
	m := &MatMul{Batch: p.dims(), M: size("m"), N: size("n"), K: size("k")}
	p.expect("a")
	m.A = p.matrix()
	p.expect("b")
	m.B = p.matrix()
	return m
}

func (p *parser) matrix() Matrix {
	number := func(word string) int {
		p.expect(word)
		return p.stride()
	}
	a := Matrix{Offset: number("offset")}
	p.expect("batch")
	p.expect("[")
	for p.err == nil && !p.accept("]") {
		a.Batch = append(a.Batch, p.stride())
	}
	a.Row, a.Col = number("row"), number("col")
	return a
}

func (p *parser) stride() int {
	return int(p.integer("a number of elements", -MaxElements, MaxElements))
}

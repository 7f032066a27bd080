package ir

import (
	"fmt"
	"slices"
)

// Lifetime says who gives a buffer its storage.
type Lifetime uint8

// The lifetimes.
const (
	Input  Lifetime = iota // given by the caller, read only
	Output                 // given by the caller, written by stages
	Temp                   // lives during one run
)

var lifetimeNames = [...]string{"input", "output", "temp"}

func (l Lifetime) String() string { return lifetimeNames[l] }

// Buffer is an array that stages read and write.
type Buffer struct {
	Name  string
	Type  Type
	Shape []int // row-major; nil is a scalar of one element
	Life  Lifetime
}

// Len returns the number of elements.
func (b *Buffer) Len() int {
	n := 1
	for _, d := range b.Shape {
		n *= d
	}
	return n
}

// Uniform is a scalar parameter of a module: the same for all lanes, changed between runs without recompiling.
type Uniform struct {
	Name string
	Type Type
}

// Func is a function that lane programs call. JVP and VJP, if not -1, are the functions that replace its
// derivative: jvp(params..., results..., tangents of the float params...) gives the tangents of the float results;
// vjp(params..., results..., adjoints of the float results...) gives the adjoints of the float params. Both read
// results as live values, so that they can be differentiated again.
type Func struct {
	Name     string
	Body     *Program
	JVP, VJP int
}

// StageKind says what a stage does.
type StageKind uint8

// The stages. Compact has its place in the types and the text form, but nothing runs it.
//
// Scan sees In[0] as [outer, Group, Inner] and adds up along the middle: of each column, the first element of Out[0] is
// that of In[0], and every further one is the sum of the one before it and of its own of In[0], rounded, in this order.
// Elements are f32 or i32, which wraps.
//
// Sort sees In[0] as [outer, Group] and sorts each row: Out[0] has its elements, f32 or i32, in ascending order or
// Descending, and Out[1], i32, where in the row each of them stood. The order is stable, -0 and +0 are equal, and NaN
// is last in either order.
const (
	StageMap StageKind = iota
	StageReduce
	StageScan
	StageSort
	StageCompact
	StageMatMul
	StageConv
	numStages
)

var stageNames = [numStages]string{"map", "reduce", "scan", "sort", "compact", "matmul", "conv"}

func (k StageKind) String() string { return stageNames[k] }

// Stage is a step of a module. A stage reads or writes a buffer, never both.
type Stage struct {
	Kind StageKind
	Name string

	// Map: Prog runs once for each lane of the domain, numbered row-major. Reduce: see below.
	Domain []int
	Prog   *Program

	// All other kinds read In and write Out.
	In, Out []int

	// Reduce: In[0] is seen as [outer, Group, Inner] and reduced over the middle into Out[0], [outer, Inner],
	// in blocks of 256 of 16 accumulators, folded in a fixed tree (see ReduceBlock). Instead of reading In[0], a
	// reduction may compute its elements: then In is empty, Domain is [outer, Group, Inner], and the one result of
	// Prog, which has no effects, is the lane's element. Scan and Sort: see StageScan.
	Reduce ReduceOp
	Group  int
	Inner  int

	// Descending: Sort puts the largest first.
	Descending bool

	// MatMul: In[0] and In[1] are multiplied into Out[0].
	MatMul *MatMul

	// Conv: see there.
	Conv *Conv
}

// Matrix says where the matrices of a batch lie in a buffer: element (r, c) of matrix (i, j, ...) is the one at Offset +
// i*Batch[0] + j*Batch[1] + ... + r*Row + c*Col. Strides may be 0, or negative.
type Matrix struct {
	Offset   int
	Batch    []int
	Row, Col int
}

// MatMul multiplies batches of matrices, A of M x K from In[0] and B of K x N from In[1], into C of M x N, which is all of
// Out[0], row-major. Element (r, c) of a product is the fused multiply-adds of A(r, k) and B(k, c) onto +0 in the order
// of k, whatever the backend and the blocking.
type MatMul struct {
	Batch   []int // extents; nil for one product
	M, N, K int
	A, B    Matrix
}

// Lanes returns the number of lanes of a map.
func (s *Stage) Lanes() int {
	n := 1
	for _, d := range s.Domain {
		n *= d
	}
	return n
}

// Module is a set of buffers, uniforms and functions, and an ordered list of stages over them.
type Module struct {
	Name     string
	Buffers  []Buffer
	Uniforms []Uniform
	Funcs    []*Func
	Stages   []Stage
}

// AddBuffer appends a buffer and returns its index.
func (m *Module) AddBuffer(name string, t Type, life Lifetime, shape ...int) int {
	m.Buffers = append(m.Buffers, Buffer{name, t, slices.Clone(shape), life})
	return len(m.Buffers) - 1
}

// Uniform returns the index of the uniform with the given name, adding it if the module lacks it. A second
// type for one name is a mistake of ours and panics.
func (m *Module) Uniform(name string, t Type) int {
	for i, u := range m.Uniforms {
		if u.Name == name {
			if u.Type != t {
				panic(fmt.Sprintf("ir: uniform %s is %v, asked for as %v", name, u.Type, t))
			}
			return i
		}
	}
	m.Uniforms = append(m.Uniforms, Uniform{name, t})
	return len(m.Uniforms) - 1
}

// UniformIndex returns the index of a uniform, or -1.
func (m *Module) UniformIndex(name string) int {
	return slices.IndexFunc(m.Uniforms, func(u Uniform) bool { return u.Name == name })
}

// BufferIndex returns the index of a buffer, or -1.
func (m *Module) BufferIndex(name string) int {
	return slices.IndexFunc(m.Buffers, func(b Buffer) bool { return b.Name == name })
}

// AddFunc appends the function whose body the builder recorded and returns its index.
func (m *Module) AddFunc(name string, body *Program) int {
	m.Funcs = append(m.Funcs, &Func{Name: name, Body: body, JVP: -1, VJP: -1})
	return len(m.Funcs) - 1
}

// AddMap appends a map stage.
func (m *Module) AddMap(name string, prog *Program, domain ...int) {
	m.Stages = append(m.Stages, Stage{Kind: StageMap, Name: name, Prog: prog, Domain: slices.Clone(domain)})
}

// Clone returns a copy whose lists can grow apart; programs and functions are immutable and shared.
func (m *Module) Clone() *Module {
	c := *m
	c.Buffers = slices.Clone(m.Buffers)
	c.Uniforms = slices.Clone(m.Uniforms)
	c.Funcs = slices.Clone(m.Funcs)
	c.Stages = slices.Clone(m.Stages)
	return &c
}

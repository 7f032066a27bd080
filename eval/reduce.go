package eval

import (
	"math/bits"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
)

// Reduction is a reduction stage, cut into tasks that may run at the same time and in any order. The order of every sum
// is fixed by the group's size alone (see ir.ReduceBlock): how many tasks there are changes no bit.
//
// A task is of some groups, or of columns of one (inner places that lie side by side), or of a piece of a group that is
// too long for one worker: a power of two of blocks, and so a tree of the group's.
type Reduction struct {
	op                  ir.ReduceOp
	outer, group, inner int
	from, to            ir.Type // of elements and outputs, as they lie in memory
	fused               bool    // a program computes the elements
	accumulates         bool    // and combines them with the accumulators of their blocks

	span, pieces   int // blocks of a piece, pieces of a group
	columns, tiles int // columns of a task, tasks beside each other
	batch          int // groups, or rows of groups, of a task

	out      unsafe.Pointer
	partials []uint64 // results of pieces, of type to each: [outer, pieces, inner]
}

// Elements are where a reduction finds what it reduces.
type Elements interface {
	// At returns the address of the elements [lo, hi) of [outer, group, inner], row-major, until the next call. Of
	// those that a program computes, it is asked for Reduction.AtOnce at most; others lie where they lie, and elements
	// between rows that lie apart need not be there. A reduction that accumulates asks for whole blocks of a group but
	// for its last, and finds, where the first elements of each would lie, its accumulators.
	At(lo, hi int) (unsafe.Pointer, error)
}

// The sizes of tasks. Elements in memory are asked for some microseconds' worth at a time; of what a program computes,
// so much as a first-level cache holds.
const (
	elementsAtOnce = 1 << 13
	plainAtOnce    = 1 << 14
	taskElements   = 1 << 16
	tasksAWorker   = 8
	plainColumns   = 256
	fusedColumns   = 1024
)

// Folder folds elements in machine code, to the bits of ir.ReduceBlock. Elements and results are of one type, and a
// mean is not yet divided.
type Folder interface {
	// Groups reduces count groups of n elements each, contiguous and n of 256 at most, to dst.
	Groups(dst, src unsafe.Pointer, n, count int) error
	// Accumulators reduces the accumulators of count blocks, which lie where their elements would, to dst.
	Accumulators(dst, src unsafe.Pointer, count int) error
	// Rows folds rows of a block to its accumulators.
	Rows(acc, src unsafe.Pointer, r Rows) error
}

// Rows are rows of a block: [rows, columns], Stride elements apart. Row number i of the block belongs to accumulator
// i%16, a row of its own, Pitch elements apart. After the block's last row, accumulator 0 holds the result.
type Rows struct {
	First, Count int // of the rows in the block
	Block        int // rows of the block
	Columns      int
	Stride       int
	Pitch        int // a multiple of 16, the columns or more
}

// Last tells whether the block ends with these rows.
func (r *Rows) Last() bool { return r.First+r.Count == r.Block }

// NewReduction cuts a reduction stage of module m into tasks for so many workers.
func NewReduction(m *ir.Module, s *ir.Stage, precision Precision, workers int) *Reduction {
	r := &Reduction{op: s.Reduce, group: s.Group, inner: s.Inner, fused: s.Prog != nil}
	r.from, r.to = s.Elements(m), m.Buffers[s.Out[0]].Type
	if r.from, r.to = inMemory(r.from, precision), inMemory(r.to, precision); s.Inner > 0 {
		r.outer = m.Buffers[s.Out[0]].Len() / s.Inner
	}
	r.cut(workers)
	if r.pieces > 1 {
		r.partials = make([]uint64, r.outer*r.pieces*r.inner)
	}
	return r
}

func inMemory(t ir.Type, precision Precision) ir.Type {
	if t == ir.F32 && precision == F64 {
		return ir.F64
	}
	return t
}

func (r *Reduction) cut(workers int) {
	if r.span, r.pieces, r.tiles, r.columns, r.batch = 1, 1, 1, 1, 1; r.outer == 0 {
		return
	}
	most := plainColumns
	if r.fused {
		most = fusedColumns
	}
	r.columns = min(r.inner, most)
	r.tiles = (r.inner + r.columns - 1) / r.columns
	wanted := 1
	if workers > 1 {
		wanted = workers * tasksAWorker
	}
	r.span = 1 << bits.Len(uint(r.blocks()-1))
	for r.outer*r.tiles*r.pieces < wanted && r.span > 1 && r.span*ir.ReduceBlock*r.columns > plainAtOnce {
		r.span /= 2
		r.pieces = (r.blocks() + r.span - 1) / r.span
	}
	if r.tiles == 1 && r.pieces == 1 {
		r.batch = max(1, min(taskElements/(r.group*r.inner), (r.outer+wanted-1)/wanted))
	}
}

func (r *Reduction) blocks() int { return (r.group + ir.ReduceBlock - 1) / ir.ReduceBlock }

// Tasks returns the number of tasks.
func (r *Reduction) Tasks() int { return (r.outer + r.batch - 1) / r.batch * r.tiles * r.pieces }

// Len returns the number of elements.
func (r *Reduction) Len() int { return r.outer * r.group * r.inner }

// Fold returns what a folder has to fold: elements of one type with results of that type, or ok = false.
func (r *Reduction) Fold() (op ir.ReduceOp, t ir.Type, ok bool) {
	return r.op, r.from, r.from == r.to && r.group > 1
}

// CanAccumulate tells of a reduction whose program may combine elements with the accumulators of their blocks: of long
// contiguous groups. Accumulate says that it does; reducers made afterwards then need a folder.
func (r *Reduction) CanAccumulate() bool { return r.fused && r.inner == 1 && r.group > ir.ReduceBlock }

// Accumulate: see CanAccumulate.
func (r *Reduction) Accumulate() { r.accumulates = true }

// AtOnce returns how many elements are asked for at once, at most.
func (r *Reduction) AtOnce() int {
	if r.fused && !r.accumulates {
		return elementsAtOnce
	}
	return plainAtOnce
}

// Partials returns how many bytes it holds for results of pieces.
func (r *Reduction) Partials() int { return 8 * len(r.partials) }

// Begin takes the buffer that a run writes.
func (r *Reduction) Begin(out Memory) { r.out = out.Ptr }

// Finish folds the results of pieces, after the last task.
func (r *Reduction) Finish() {
	if r.pieces == 1 {
		return
	}
	switch r.to {
	case ir.F64:
		finish[float64](r)
	case ir.I32:
		finish[int32](r)
	default:
		finish[float32](r)
	}
}

func finish[A number](r *Reduction) {
	var roots [64]A
	partials, out := slots[A](r), unsafe.Slice((*A)(r.out), r.outer*r.inner)
	for o := range r.outer {
		for c := range r.inner {
			t := tree[A]{op: r.op, roots: roots[:], pitch: 1}
			for p := range r.pieces {
				at := (o*r.pieces+p)*r.inner + c
				t.add(partials[at : at+1])
			}
			out[o*r.inner+c] = t.root(1)[0]
		}
	}
	divide(r, out)
}

// slots are the results of pieces.
func slots[A number](r *Reduction) []A {
	return unsafe.Slice((*A)(unsafe.Pointer(&r.partials[0])), len(r.partials))
}

// divide makes means of sums.
func divide[A number](r *Reduction, sums []A) {
	if r.op != ir.ReduceMean {
		return
	}
	n := A(r.group)
	for i := range sums {
		sums[i] /= n
	}
}

package eval

import (
	"math/bits"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
)

// Reducer does tasks of a reduction. It serves one goroutine at a time.
type Reducer interface {
	// Task does a task. The error is that of the elements, or of the folder.
	Task(i int) error
}

// Scratch returns how many bytes of memory a reducer needs.
func (r *Reduction) Scratch() int {
	return 8 * (plainAtOnce/ir.ReduceBlock + (ir.ReduceLanes+bits.Len(uint(r.blocks()))+1)*r.pitch())
}

// pitch is how far accumulators are apart.
func (r *Reduction) pitch() int {
	if r.inner == 1 {
		return 1
	}
	return (r.columns + ir.ReduceLanes - 1) &^ (ir.ReduceLanes - 1)
}

// NewReducer returns a reducer that works in scratch, aligned to a cache line. A nil folder leaves the folding to it.
func (r *Reduction) NewReducer(scratch unsafe.Pointer, elements Elements, folder Folder) Reducer {
	switch {
	case r.from == ir.I32:
		return newReducer[int32, int32](r, scratch, elements, folder)
	case r.from == ir.F64 && r.to == ir.F64:
		return newReducer[float64, float64](r, scratch, elements, folder)
	case r.from == ir.F64:
		return newReducer[float32, float64](r, scratch, elements, folder)
	case r.to == ir.F64:
		return newReducer[float64, float32](r, scratch, elements, folder)
	}
	return newReducer[float32, float32](r, scratch, elements, folder)
}

// reducer accumulates elements of type S in the type A of the output.
type reducer[A, S number] struct {
	*Reduction
	elements Elements
	folder   Folder
	results  []A // of blocks that lie one behind the other
	acc      []A // accumulators of columns
	tree     tree[A]
}

func newReducer[A, S number](r *Reduction, scratch unsafe.Pointer, elements Elements, folder Folder) *reducer[A, S] {
	memory := unsafe.Slice((*A)(scratch), r.Scratch()/8)
	w := &reducer[A, S]{Reduction: r, elements: elements, folder: folder}
	accumulators := ir.ReduceLanes * r.pitch()
	w.acc, memory = memory[:accumulators], memory[accumulators:]
	w.results, memory = memory[:plainAtOnce/ir.ReduceBlock], memory[plainAtOnce/ir.ReduceBlock:]
	w.tree = tree[A]{op: r.op, roots: memory, pitch: r.pitch()}
	return w
}

func (w *reducer[A, S]) Task(i int) error {
	piece, i := i%w.pieces, i/w.pieces
	tile, i := i%w.tiles, i/w.tiles
	lo, hi := i*w.batch, min((i+1)*w.batch, w.outer)
	switch {
	case w.inner == 1 && w.group <= ir.ReduceBlock:
		return w.short(lo, hi)
	case w.tiles == 1 && w.group <= ir.ReduceBlock && w.group*w.inner <= w.AtOnce():
		return w.shortColumns(lo, hi)
	}
	for o := lo; o < hi; o++ {
		var err error
		if w.inner == 1 {
			err = w.long(o, piece)
		} else {
			err = w.column(o, tile, piece)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// short reduces the groups [lo, hi), which are no longer than a block, straight to the output.
func (w *reducer[A, S]) short(lo, hi int) error {
	at := max(1, w.AtOnce()/w.group)
	for ; lo < hi; lo += at {
		n := min(at, hi-lo)
		src, err := w.elements.At(lo*w.group, (lo+n)*w.group)
		if err != nil {
			return err
		}
		dst := w.output(lo, n)
		if err := w.groups(dst, src, w.group); err != nil {
			return err
		}
		divide(w.Reduction, dst)
	}
	return nil
}

func (w *reducer[A, S]) output(lo, n int) []A {
	return unsafe.Slice((*A)(unsafe.Add(w.out, lo*int(unsafe.Sizeof(A(0))))), n)
}

// groups reduces one group of n elements for each result.
func (w *reducer[A, S]) groups(dst []A, src unsafe.Pointer, n int) error {
	if w.folder != nil {
		return w.folder.Groups(unsafe.Pointer(&dst[0]), src, n, len(dst))
	}
	groups(w.op, dst, unsafe.Slice((*S)(src), n*len(dst)), n)
	return nil
}

// shortColumns reduces the columns of [lo, hi), blocks that are read several at once.
func (w *reducer[A, S]) shortColumns(lo, hi int) error {
	size := w.group * w.inner
	at := w.AtOnce() / size
	r := Rows{Count: w.group, Block: w.group, Columns: w.inner, Stride: w.inner, Pitch: w.pitch()}
	for ; lo < hi; lo += at {
		n := min(at, hi-lo)
		src, err := w.elements.At(lo*size, (lo+n)*size)
		if err != nil {
			return err
		}
		for o := range n {
			if err := w.fold(unsafe.Add(src, o*size*int(unsafe.Sizeof(S(0)))), r); err != nil {
				return err
			}
			w.put(lo+o, 0, 0, w.acc[:w.inner])
		}
	}
	return nil
}

// piece returns the elements along the group that a piece has.
func (w *reducer[A, S]) piece(i int) (lo, hi int) {
	return i * w.span * ir.ReduceBlock, min((i+1)*w.span*ir.ReduceBlock, w.group)
}

// long reduces a piece of a group of contiguous elements.
func (w *reducer[A, S]) long(o, piece int) error {
	w.tree.reset()
	lo, hi := w.piece(piece)
	for ; lo < hi; lo += w.AtOnce() {
		n := min(w.AtOnce(), hi-lo)
		src, err := w.elements.At(o*w.group+lo, o*w.group+lo+n)
		if err != nil {
			return err
		}
		if w.accumulates {
			if err := w.accumulated(src, n); err != nil {
				return err
			}
			continue
		}
		whole := n / ir.ReduceBlock
		if whole > 0 {
			if err := w.block(whole, src, ir.ReduceBlock); err != nil {
				return err
			}
		}
		if rest := n % ir.ReduceBlock; rest > 0 {
			src = unsafe.Add(src, (n-rest)*int(unsafe.Sizeof(S(0))))
			if err := w.block(1, src, rest); err != nil {
				return err
			}
		}
	}
	w.put(o, piece, 0, w.tree.root(1))
	return nil
}

// accumulated adds the results of blocks of n elements in all, given by their accumulators, to the tree.
func (w *reducer[A, S]) accumulated(src unsafe.Pointer, n int) error {
	results := w.results[:(n+ir.ReduceBlock-1)/ir.ReduceBlock]
	if err := w.folder.Accumulators(unsafe.Pointer(&results[0]), src, len(results)); err != nil {
		return err
	}
	for i := range results {
		w.tree.add(results[i : i+1])
	}
	return nil
}

// block adds the results of blocks of n elements to the tree.
func (w *reducer[A, S]) block(count int, src unsafe.Pointer, n int) error {
	if err := w.groups(w.results[:count], src, n); err != nil {
		return err
	}
	for i := range count {
		w.tree.add(w.results[i : i+1])
	}
	return nil
}

// column reduces a piece of the columns of a tile.
func (w *reducer[A, S]) column(o, tile, piece int) error {
	first := tile * w.columns
	n := min(w.columns, w.inner-first)
	w.tree.reset()
	lo, hi := w.piece(piece)
	for ; lo < hi; lo += ir.ReduceBlock {
		rows := min(ir.ReduceBlock, w.group-lo)
		if err := w.blockOfRows((o*w.group+lo)*w.inner+first, rows, n); err != nil {
			return err
		}
		if w.group <= ir.ReduceBlock {
			w.put(o, piece, first, w.acc[:n])
			return nil
		}
		w.tree.add(w.acc[:n])
	}
	w.put(o, piece, first, w.tree.root(n))
	return nil
}

// blockOfRows reduces a block of columns whose first element is given, to the first accumulator.
func (w *reducer[A, S]) blockOfRows(first, rows, columns int) error {
	r := Rows{Block: rows, Columns: columns, Stride: w.inner, Pitch: w.pitch()}
	at := 1 // row at a time, where a program would have to compute what lies between them
	if !w.fused || w.tiles == 1 {
		at = max(1, w.AtOnce()/columns)
	}
	for ; r.First < rows; r.First += r.Count {
		r.Count = min(at, rows-r.First)
		lo := first + r.First*w.inner
		src, err := w.elements.At(lo, lo+(r.Count-1)*w.inner+columns)
		if err != nil {
			return err
		}
		if err := w.fold(src, r); err != nil {
			return err
		}
	}
	return nil
}

// fold folds rows of a block to the accumulators.
func (w *reducer[A, S]) fold(src unsafe.Pointer, r Rows) error {
	if w.folder != nil {
		return w.folder.Rows(unsafe.Pointer(&w.acc[0]), src, r)
	}
	w.rows(src, r)
	return nil
}

// rows is Folder.Rows.
func (w *reducer[A, S]) rows(src unsafe.Pointer, r Rows) {
	accumulator := func(i int) []A { return w.acc[i*r.Pitch:][:r.Columns] }
	elements := unsafe.Slice((*S)(src), (r.Count-1)*r.Stride+r.Columns)
	for i := range r.Count {
		row, acc := elements[i*r.Stride:], accumulator((r.First+i)%ir.ReduceLanes)
		if r.First+i >= ir.ReduceLanes {
			combineRow(w.op, acc, row)
			continue
		}
		for c := range acc {
			acc[c] = A(row[c])
		}
	}
	for half := ir.ReduceLanes / 2; half > 0 && r.Last(); half /= 2 {
		for i := range halfOf(r.Block, half) {
			combineRow(w.op, accumulator(i), accumulator(i+half))
		}
	}
}

// put writes the results of a piece of some columns: outputs, or partial ones.
func (w *reducer[A, S]) put(o, piece, first int, results []A) {
	if w.pieces > 1 {
		copy(slots[A](w.Reduction)[(o*w.pieces+piece)*w.inner+first:], results)
		return
	}
	dst := w.output(o*w.inner+first, len(results))
	copy(dst, results)
	divide(w.Reduction, dst)
}

package jit

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// Fold is machine code that folds the elements of reductions, of float32 or int32, to the bits that ir.ReduceBlock says.
// One serves reductions of all shapes, and any number of folders.
//
// A minimum of floats takes both minps of its operands and joins their bits: where they are equal zeros, that is the
// negative one if there is one, and where one is NaN, it is NaN, since each instruction gives its second operand there.
// A maximum is the negated minimum of negated elements: accumulators hold them negated.
type Fold struct {
	pages        *Pages
	at           placement
	groups, rows int    // offsets of the entries
	identity     uint32 // of what accumulators hold
	negate       bool   // they hold it negated
}

// foldOps are the instructions of a reduction.
type foldOps struct {
	combine  amd64.Op // acc = acc, x
	extreme  bool     // a minimum of floats: combine both ways
	negate   bool
	identity uint32 // of what accumulators hold
}

func foldOpsOf(op ir.ReduceOp, t ir.Type) (foldOps, bool) {
	float := t == ir.F32
	switch {
	case !float && t != ir.I32:
	case op == ir.ReduceProd && float:
		return foldOps{combine: amd64.VMULPS, identity: math.Float32bits(1)}, true
	case op == ir.ReduceProd:
		return foldOps{combine: amd64.VPMULLD, identity: 1}, true
	case (op == ir.ReduceMin || op == ir.ReduceMax) && float:
		infinity := math.Float32bits(float32(math.Inf(1)))
		return foldOps{combine: amd64.VMINPS, extreme: true, negate: op == ir.ReduceMax, identity: infinity}, true
	case op == ir.ReduceMin:
		return foldOps{combine: amd64.VPMINSD, identity: math.MaxInt32}, true
	case op == ir.ReduceMax:
		return foldOps{combine: amd64.VPMAXSD, identity: 1 << 31}, true
	case float:
		return foldOps{combine: amd64.VADDPS, identity: 1 << 31}, true
	case op == ir.ReduceSum:
		return foldOps{combine: amd64.VPADDD}, true
	}
	return foldOps{}, false
}

// NewFold makes the code of a reduction of elements of type t to results of that type. It is nil for other types than
// float32 and int32, which have none. The error is the system's, which refuses executable memory.
func NewFold(op ir.ReduceOp, t ir.Type, target Target, pages *Pages) (*Fold, error) {
	ops, ok := foldOpsOf(op, t)
	if !ok {
		return nil, nil
	}
	e := emitFold(ops, targets[target], false)
	at, err := pages.place(e.code.Bytes)
	if err != nil {
		return nil, fmt.Errorf("jit: %w", err)
	}
	return &Fold{pages, at, e.groups, e.rows, ops.identity, ops.negate}, nil
}

// Close frees the code. No folder may be running it.
func (f *Fold) Close() error { return f.pages.free(f.at) }

// FoldFrame is how many bytes of memory a folder needs.
const FoldFrame = foldWords + 3*vectorSlot

// The frame of a fold. The words of vectors lie behind it. Code works in steps of 16 elements.
const (
	foldSource = 0   // address of the first element
	foldTo     = 8   // of the first result, or of the accumulator of the first row
	foldCount  = 16  // groups, or rows to combine
	foldStride = 24  // bytes from one group or row to the next
	foldSteps  = 32  // whole steps of a group or row
	foldTail   = 40  // elements behind them
	foldSet    = 48  // rows that accumulators take as they are, before those to combine
	foldPitch  = 56  // bytes from one accumulator to the next
	foldFirst  = 64  // address of the first accumulator
	foldEnd    = 72  // and of what lies behind the last
	foldHalves = 80  // four numbers: bytes to fold when 8, 4, 2, 1 accumulators are left; all 0 before the last row
	foldLast   = 112 // 1 with the last row
	foldBits   = 120 // a bit for each element of the tail

	foldWords    = 128
	foldMask     = foldWords                // words of all bits for the elements of a tail
	foldIdentity = foldWords + vectorSlot   // the operation's identity
	foldSign     = foldWords + 2*vectorSlot // the sign bit
)

// Folder runs a fold. It holds a frame and serves one goroutine at a time.
type Folder struct {
	fold  *Fold
	frame unsafe.Pointer
}

// NewFolder returns a folder whose frame has FoldFrame bytes, aligned to a cache line.
func (f *Fold) NewFolder(frame unsafe.Pointer) *Folder {
	w := &Folder{f, frame}
	for i := range int32(vectorSlot / 4) {
		*w.word(foldIdentity + 4*i) = f.identity
		*w.word(foldSign + 4*i) = 1 << 31
	}
	return w
}

func (w *Folder) word(offset int32) *uint32 { return (*uint32)(unsafe.Add(w.frame, offset)) }

func (w *Folder) set(offset int32, x int) { *(*int)(unsafe.Add(w.frame, offset)) = x }

func (w *Folder) setAddress(offset int32, x unsafe.Pointer) {
	*(*unsafe.Pointer)(unsafe.Add(w.frame, offset)) = x
}

// steps says how many whole steps n elements are, and which elements of one more.
func (w *Folder) steps(n int) {
	tail := n % foldStep
	w.set(foldSteps, n/foldStep)
	w.set(foldTail, tail)
	w.set(foldBits, 1<<tail-1)
	for i := range foldStep {
		x := uint32(0)
		if i < tail {
			x = math.MaxUint32
		}
		*w.word(foldMask + 4*int32(i)) = x
	}
}

// foldCall is how many bytes a call reads at most, some microseconds' worth: see callBudget.
const foldCall = 1 << 16

// Groups reduces count groups of n elements, contiguous and n from 1 to 256, to dst. The error tells of memory that is
// not there.
func (w *Folder) Groups(dst, src unsafe.Pointer, n, count int) error {
	return w.groups(dst, src, n, 4*n, count)
}

// Accumulators reduces the accumulators of count blocks, which a program left where the blocks' elements would lie, to
// dst.
func (w *Folder) Accumulators(dst, src unsafe.Pointer, count int) error {
	return w.groups(dst, src, ir.ReduceLanes, 4*ir.ReduceBlock, count)
}

// Begin sets the accumulators of count blocks to the operation's identity.
func (w *Folder) Begin(src unsafe.Pointer, count int) {
	var identity [ir.ReduceLanes]uint32
	for i := range identity {
		identity[i] = w.fold.identity
		if w.fold.negate {
			identity[i] ^= 1 << 31
		}
	}
	for i := range count {
		*(*[ir.ReduceLanes]uint32)(unsafe.Add(src, 4*ir.ReduceBlock*i)) = identity
	}
}

func (w *Folder) groups(dst, src unsafe.Pointer, n, stride, count int) error {
	w.steps(n)
	w.set(foldStride, stride)
	at := max(1, foldCall/(4*n))
	for done := 0; done < count; done += at {
		w.setAddress(foldSource, unsafe.Add(src, stride*done))
		w.setAddress(foldTo, unsafe.Add(dst, 4*done))
		w.set(foldCount, min(at, count-done))
		if err := enter(unsafe.Add(w.fold.at.code, w.fold.groups), w.frame); err != nil {
			return err
		}
	}
	return nil
}

// Rows are rows of a block of a reduction: [Count, Columns], Stride elements apart. Row number i of the block belongs to
// accumulator i%16, a row of its own, Pitch elements apart. After the block's last row, accumulator 0 holds the result.
type Rows struct {
	First, Count int // of the rows in the block
	Block        int // rows of the block, 1 to 256
	Columns      int
	Stride       int
	Pitch        int // a multiple of 16, the columns or more
}

// Rows folds rows of a block to its accumulators. The error tells of memory that is not there. The memory of a call is
// some ten thousand elements.
func (w *Folder) Rows(acc, src unsafe.Pointer, r Rows) error {
	w.steps(r.Columns)
	pitch := 4 * r.Pitch
	set := min(r.Count, max(0, ir.ReduceLanes-r.First))
	w.setAddress(foldSource, src)
	w.setAddress(foldTo, unsafe.Add(acc, r.First%ir.ReduceLanes*pitch))
	w.set(foldStride, 4*r.Stride)
	w.set(foldSet, set)
	w.set(foldCount, r.Count-set)
	w.set(foldPitch, pitch)
	w.setAddress(foldFirst, acc)
	w.setAddress(foldEnd, unsafe.Add(acc, ir.ReduceLanes*pitch))
	last := r.First+r.Count == r.Block
	w.set(foldLast, 0)
	if last {
		w.set(foldLast, 1)
	}
	for i := range int32(4) {
		half := ir.ReduceLanes / 2 >> i
		bytes := 0
		if last {
			bytes = max(0, min(r.Block-half, half)) * pitch
		}
		w.set(foldHalves+8*i, bytes)
	}
	return enter(unsafe.Add(w.fold.at.code, w.fold.rows), w.frame)
}

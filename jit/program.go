package jit

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
	"github.com/baremetaldevx86/microdr/mem"
)

// Program is a compiled map stage. It serves any number of workers.
type Program struct {
	*assembly
	pages *Pages
	at    placement
	m     *ir.Module
	prog  *ir.Program

	accumulates bool
}

// Compile turns a map stage of a lowered module (no calls, transcendentals on float32 expanded) into machine code on
// pages. The error says what there are no instructions for, or that the system refuses executable memory.
func Compile(m *ir.Module, s *ir.Stage, t Target, pages *Pages, options Options) (*Program, error) {
	memory, _ := pages.scratch.Get().(*scratch)
	if memory == nil {
		memory = &scratch{}
	}
	defer pages.scratch.Put(memory)
	a, err := assemble(m, s, targets[t], options, memory)
	if err != nil {
		return nil, err
	}
	a.stats.Target = t
	at, err := pages.place(a.code.Bytes)
	if err != nil {
		return nil, fmt.Errorf("jit: %w", err)
	}
	if a.code.Bytes = nil; options.List {
		a.code.Bytes = slices.Clone(memory.code) // which the next compilation writes to
	}
	return &Program{a, pages, at, m, s.Prog, options.Reduce != nil}, nil
}

// Close frees the code. No worker may be running it.
func (p *Program) Close() error { return p.pages.free(p.at) }

// Stats returns what became of the program.
func (p *Program) Stats() Stats { return p.stats }

// Listing is the code of a program for people. The tag of a line is the node that it belongs to, or -1 for none, or what
// EffectOf knows. Of a loop, what enters it and what ends an iteration belong to its first state, and what leaves it to
// the condition.
type Listing struct {
	Lines  []amd64.Line
	Labels []int  // offsets of L0, L1, ...; -1 for none
	Bytes  []byte // the code, from offset 0
	Begin  int    // the offset from which on it computes what all lanes share
}

// Listing returns what Options.List asked for.
func (p *Program) Listing() Listing {
	return Listing{p.code.Lines, p.code.Labels(), p.code.Bytes, p.begin}
}

// effectTag marks the instructions of an effect.
func effectTag(i int) int32 { return int32(-2 - i) }

// EffectOf returns the number of the effect that a tag stands for, if it does.
func EffectOf(tag int32) (i int, ok bool) { return int(-2 - tag), tag <= -2 }

// Buffer is an array that a program reads or writes: Len elements at Address, and Slack bytes that can be read behind
// them.
type Buffer struct {
	Address unsafe.Pointer
	Len     int
}

// Pair is where a scatter_add leaves what it adds: for each lane an index, int32, and a value of the buffer's type.
type Pair struct{ Index, Values unsafe.Pointer }

// Launch is what the lanes of one run share.
type Launch struct {
	Uniforms []float64 // by index in the module; integers hold their value
	Buffers  []Buffer  // by index in the module
	Pairs    []Pair    // by number of the effect in the program; only those of scatter_adds count
}

// Memory gives workers their room and takes it back.
type Memory interface {
	mem.Allocator
	Free(mem.Span)
}

// Worker runs lanes of a program. It holds frame and environment and serves one goroutine at a time.
type Worker struct {
	p     *Program
	heap  Memory
	span  mem.Span
	frame unsafe.Pointer
	env   unsafe.Pointer
}

// NewWorker returns a worker whose memory comes from heap.
func (p *Program) NewWorker(heap Memory) (*Worker, error) {
	frame := (int(p.frame) + vectorSlot - 1) &^ (vectorSlot - 1)
	span, err := heap.Alloc(frame + int(p.assembly.env.size) + vectorSlot)
	if err != nil {
		return nil, fmt.Errorf("jit: %w", err)
	}
	clear(span.Bytes())
	w := &Worker{p: p, heap: heap, span: span, frame: span.Base(), env: unsafe.Add(span.Base(), frame)}
	*(*unsafe.Pointer)(unsafe.Add(w.frame, frameEnv)) = w.env
	for _, c := range p.assembly.env.words {
		switch {
		case c.lanes:
			for i := range maxUnits * vectorSlot / 4 {
				*(*uint32)(unsafe.Add(w.env, int(c.offset)+4*i)) = uint32(i)
			}
		case c.bytes == 8:
			w.put8(c.offset, c.bits)
		default:
			w.put4(c.offset, uint32(c.bits))
		}
	}
	for i := range p.uniforms {
		if s := &p.uniforms[i]; s.uniform < 0 {
			w.putLeaf(s, s.bits)
		}
	}
	return w, nil
}

// Close gives the worker's memory back.
func (w *Worker) Close() { w.heap.Free(w.span) }

// put4 writes a word of the environment, once or to all lanes of a vector.
func (w *Worker) put4(offset int32, x uint32) {
	n := 1
	if w.p.assembly.env.target.wideWords {
		n = 8
	}
	for i := range n {
		*(*uint32)(unsafe.Add(w.env, int(offset)+4*i)) = x
	}
}

func (w *Worker) put8(offset int32, x uint64) {
	n := 1
	if w.p.assembly.env.target.wideWords {
		n = 4
	}
	for i := range n {
		*(*uint64)(unsafe.Add(w.env, int(offset)+8*i)) = x
	}
}

// putLeaf writes a constant or uniform given by its bits; truth is a mask of all lanes.
func (w *Worker) putLeaf(s *leafSource, bits uint64) {
	switch s.typ {
	case ir.F64:
		w.put8(s.offset, bits)
	case ir.Bool:
		w.put4(s.offset, -uint32(bits))
	default:
		w.put4(s.offset, uint32(bits))
	}
}

// Begin takes the arguments of a run and computes what all lanes share.
func (w *Worker) Begin(l *Launch) (err error) {
	env := w.p.assembly.env
	for i := range w.p.uniforms {
		if s := &w.p.uniforms[i]; s.uniform >= 0 {
			w.putLeaf(s, uniformBits(s.typ, l.Uniforms[s.uniform]))
		}
	}
	for _, b := range env.used {
		at := env.buffers[b]
		*(*unsafe.Pointer)(unsafe.Add(w.env, at+bufferAddress)) = l.Buffers[b].Address
		*(*uint32)(unsafe.Add(w.env, at+bufferLen)) = uint32(min(l.Buffers[b].Len, 1<<31))
	}
	for i, at := range env.pairs {
		if at >= 0 {
			*(*unsafe.Pointer)(unsafe.Add(w.env, at+pairIndex)) = l.Pairs[i].Index
			*(*unsafe.Pointer)(unsafe.Add(w.env, at+pairValues)) = l.Pairs[i].Values
		}
	}
	return w.enter(w.p.begin)
}

// Window makes stores to a buffer, whose lanes write the elements of their numbers, go to memory where that of lane
// first lies at the address. Begin ends it.
func (w *Worker) Window(buffer int, at unsafe.Pointer, first int) {
	entry := w.p.assembly.env.buffers[buffer]
	switch {
	case entry < 0:
	case w.p.accumulates:
		*(*unsafe.Pointer)(unsafe.Add(w.env, entry+bufferAddress)) = at
		*(*uint32)(unsafe.Add(w.env, entry+bufferFirst)) = uint32(first)
	default:
		address := uintptr(at) - uintptr(first)*uintptr(w.p.m.Buffers[buffer].Type.Size())
		*(*uintptr)(unsafe.Add(w.env, entry+bufferAddress)) = address
	}
}

func uniformBits(t ir.Type, x float64) uint64 {
	switch t {
	case ir.F64:
		return math.Float64bits(x)
	case ir.F32:
		return uint64(math.Float32bits(float32(x)))
	case ir.I32:
		return uint64(uint32(ir.ToI32(x)))
	case ir.U32:
		return uint64(ir.ToU32(x))
	}
	if x != 0 {
		return 1
	}
	return 0
}

// callBudget is how much a call does, in the units of cost.go: some ten microseconds, unless one iteration of a loop, or
// one group of lanes outside of loops, takes longer. Generated code can't be preempted, and the collector waits for it;
// loops stop in the middle and go on with the next call.
const callBudget = 32000

// Run executes the lanes [lo, hi), in calls of some microseconds each. The error tells of an access to memory that is
// not there, or is ErrStopped if stop, which may be nil, was closed between two calls; what the lanes wrote is then
// undefined.
func (w *Worker) Run(lo, hi int, stop <-chan struct{}) error { return w.run(lo, hi, stop, callBudget) }

func (w *Worker) run(lo, hi int, stop <-chan struct{}, budget int64) error {
	frame := w.frame
	*(*uint64)(unsafe.Add(frame, frameLane)) = uint64(lo)
	*(*uint64)(unsafe.Add(frame, frameEnd)) = uint64(hi)
	*(*uint64)(unsafe.Add(frame, frameResume)) = 0
	for i := frameRun; i < frameSlots; i += 8 {
		*(*uint64)(unsafe.Add(frame, i)) = math.MaxUint64
	}
	resume, lane := (*uint64)(unsafe.Add(frame, frameResume)), (*uint64)(unsafe.Add(frame, frameLane))
	for *lane < uint64(hi) || *resume != 0 {
		*(*int64)(unsafe.Add(frame, frameBudget)) = budget
		if err := w.enter(w.p.main); err != nil {
			return err
		}
		select {
		case <-stop:
			return ErrStopped
		default:
		}
	}
	return nil
}

// ErrStopped says that a run was stopped before its end, or just at it.
var ErrStopped = errors.New("jit: stopped")

// ErrAddress is an access of generated code to memory that is not there.
var ErrAddress = errors.New("a bad address")

// enter calls the code of the program at an offset.
func (w *Worker) enter(offset int) error { return enter(unsafe.Add(w.p.at.code, offset), w.frame) }

// enter calls code with a frame, as Guard does work, whose further call a launch of few lanes would notice.
func enter(code, frame unsafe.Pointer) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if fault := recover(); fault != nil {
			err = faultError(fault)
		}
	}()
	amd64.Enter(code, frame)
	return nil
}

// ScatterAdds returns the numbers of the effects that leave pairs.
func (p *Program) ScatterAdds() []int {
	var out []int
	for i := range p.prog.Effects {
		if p.prog.Effects[i].Kind == ir.ScatterAdd {
			out = append(out, i)
		}
	}
	return out
}

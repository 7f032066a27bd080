package jit

import (
	"fmt"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit/amd64"
)

// Options say what to keep of a compilation, and what becomes of stores.
type Options struct {
	List bool // the listing of the code

	// Reduce, if set, is how the elements that the program stores are reduced. The program's one effect is to store
	// each lane's to the element of its number, of a type that CanAccumulate; the code then combines it with the
	// accumulators of its block. They lie, after Window, where the elements of the block's first 16 lanes would, and
	// hold the operation's identity before the block is begun.
	Reduce *Accumulation
}

// Accumulation is how elements are reduced.
type Accumulation struct{ Op ir.ReduceOp }

// Stats says what became of a program.
type Stats struct {
	Target    Target
	Nodes     int // of the program
	Units     int // vectors of lanes that run interleaved
	Lanes     int // of a group
	CodeBytes int
	Pressure  int // most vectors alive at once, for one unit; 0: not measured, in long straight code that is not listed
	Spills    int // stores of values for want of registers, in the code
	Reloads   int
	FrameSize int
	EnvSize   int
}

// scratch is the memory of a compilation, for the next one.
type scratch struct {
	order   orderMemory
	emitter emitterMemory
	leaves  []int32
	code    []byte
}

// assembly is a compiled program that has no place yet.
type assembly struct {
	code        amd64.Code
	begin, main int // offsets of the two entries
	env         *environment
	uniforms    []leafSource
	stats       Stats
	frame       int32 // bytes
	group       int   // lanes of a group
}

// leafSource says where a leaf of the environment comes from.
type leafSource struct {
	offset  int32
	uniform int // index in the module, -1 for a constant
	typ     ir.Type
	bits    uint64
}

// assemble compiles a map stage of a lowered module: one without calls and with its float32 transcendentals expanded.
// The error says what the target has no instructions for: float64 transcendentals.
func assemble(m *ir.Module, s *ir.Stage, t *target, options Options, memory *scratch) (*assembly, error) {
	p := s.Prog
	a := &assembly{env: newEnvironment(t, m, p, memory)}
	a.code.List, a.code.Bytes = options.List, sized(&memory.code, 12*len(p.Nodes)+4096)[:0]
	o := newOrder(m, p, s.Lanes(), t, &memory.order)
	vectors, masks, units := 0, 0, 1
	if short := len(o.items) < longCode; short || len(p.Loops) > 0 || options.List {
		vectors, masks = o.measure()
		units = unitsFor(t, o, vectors, masks)
	}
	e := newEmitter(o, t, &a.code, a.env, units, &memory.emitter)
	e.reduce = options.Reduce
	a.group = units * t.lanes
	if err := e.lanes(); err != nil {
		return nil, err
	}
	a.begin = len(a.code.Bytes)
	u := newUniformOrder(m, p, a.env.leaves, t, &memory.order)
	b := newEmitter(u, t, &a.code, a.env, 1, &memory.emitter)
	if err := b.uniformSection(); err != nil {
		return nil, err
	}
	if a.code.Unplaced() {
		panic("jit: a jump leads nowhere")
	}
	a.sources(p)
	memory.code = a.code.Bytes
	a.frame = max(e.frame, b.frame)
	a.stats = Stats{Nodes: len(p.Nodes), Units: units, Lanes: a.group, CodeBytes: len(a.code.Bytes), Pressure: vectors,
		Spills: e.spills, Reloads: e.loads, FrameSize: int(a.frame), EnvSize: int(a.env.size)}
	return a, nil
}

// unitsFor decides how many vectors of lanes run interleaved, so that one computes while the other waits: two where all
// their values find registers. In long straight code the processor finds enough to do by itself. (Three and four vectors
// of a short program measured no better than two.)
func unitsFor(t *target, o *order, vectors, masks int) int {
	fits := maxUnits*vectors+slack <= popcount(t.vectors) && (t.masks == 0 || maxUnits*masks+1 <= popcount(t.masks))
	if loops := len(o.loops) > 1; fits && (loops || len(o.items) < longCode) {
		return maxUnits
	}
	return 1
}

// longCode is from how many items on straight code is long.
const longCode = 200

// sources lists what fills the environment's leaves at a launch.
func (a *assembly) sources(p *ir.Program) {
	for v, at := range a.env.leaves {
		n := &p.Nodes[v]
		if at < 0 || n.Op != ir.OpConst && n.Op != ir.OpUniform {
			continue
		}
		s := leafSource{offset: at, uniform: -1, typ: n.Type, bits: n.Imm}
		if n.Op == ir.OpUniform {
			s.uniform = int(n.Imm)
		}
		a.uniforms = append(a.uniforms, s)
	}
	a.env.leaves = nil // belongs to the next compilation
}

// prologue loads what every call needs.
func (e *emitter) prologue() {
	e.code.Tag = -1
	e.code.Load(amd64.Size8, envReg, amd64.Mem(frameReg, frameEnv))
	e.code.Load(amd64.Size8, laneReg, amd64.Mem(frameReg, frameLane))
	e.code.Load(amd64.Size8, endReg, amd64.Mem(frameReg, frameEnd))
	e.code.Load(amd64.Size8, budgetReg, amd64.Mem(frameReg, frameBudget))
}

// lanes emits the section that runs the lanes, group by group.
func (e *emitter) lanes() error {
	n := len(e.loops)
	e.counters, e.heads, e.exits, e.labels = make([]int32, n), make([]snapshot, n), make([]snapshot, n), make([]loopLabels, n)
	group := &e.loops[n-1]
	code := e.code
	e.prologue()
	fresh, next, full, done := code.NewLabel(), code.NewLabel(), code.NewLabel(), code.NewLabel()
	code.Load(amd64.Size8, scratch0, amd64.Mem(frameReg, frameResume))
	code.Test(amd64.Size8, amd64.R(scratch0), scratch0)
	code.JumpIf(amd64.Equal, fresh)
	code.StoreImm(amd64.Size8, amd64.Mem(frameReg, frameResume), 0)
	code.JumpTo(scratch0)
	code.Place(fresh)
	code.Compare(amd64.Size8, laneReg, amd64.R(endReg))
	code.JumpIf(amd64.AboveOrEqual, done)
	e.at = -1
	e.hoist(group)
	head := e.snapshot()
	code.Place(next)
	code.LoadAddress(scratch0, amd64.Mem(laneReg, int32(e.groupLanes())))
	code.Compare(amd64.Size8, scratch0, amd64.R(endReg))
	code.JumpIf(amd64.BelowOrEqual, full)
	e.tail()
	code.Place(full)
	if err := e.run(); err != nil {
		return err
	}
	code.Tag = -1
	e.at = group.repeat - 1
	e.restore(&head)
	code.AddImm(amd64.Size8, amd64.R(laneReg), int32(e.groupLanes()))
	code.SubImm(amd64.Size8, amd64.R(budgetReg), int32(max(group.cost*e.units, 1)))
	code.JumpIf(amd64.Less, done)
	code.Compare(amd64.Size8, laneReg, amd64.R(endReg))
	code.JumpIf(amd64.Below, next)
	code.Place(done)
	code.Store(amd64.Size8, amd64.Mem(frameReg, frameLane), laneReg)
	code.Return()
	e.suspended()
	return nil
}

func (e *emitter) groupLanes() int { return e.units * e.target.lanes }

// tail makes the masks of a group that is not full: the lanes before the end.
func (e *emitter) tail() {
	at := e.env.iota()
	t := e.temp()
	for j := range e.units {
		e.target.spread(e, t, laneReg)
		e.op(amd64.VPADDD, t, t, amd64.Mem(envReg, at+int32(j*e.target.lanes*4)))
		e.target.below(e, t, frameRun+int32(j)*vectorSlot)
	}
	e.giveBack(vector, t)
}

// suspension is a loop that a call may leave and go on with.
type suspension struct {
	stub, head amd64.Label
	used       [numClasses]uint32
}

// suspended emits, for each loop, what saves all registers that its head finds values in, and what brings them back.
func (e *emitter) suspended() {
	area := e.frame
	size := int32(0)
	for _, s := range e.suspends {
		resume := e.code.NewLabel()
		e.code.Place(s.stub)
		size = max(size, e.eachSaved(&s, area, e.storeSlot))
		e.code.AddressOf(scratch0, resume)
		e.code.Store(amd64.Size8, amd64.Mem(frameReg, frameResume), scratch0)
		e.code.Store(amd64.Size8, amd64.Mem(frameReg, frameLane), laneReg)
		e.code.Return()
		e.code.Place(resume)
		e.eachSaved(&s, area, func(c class, slot int32, r uint8) { e.loadSlot(c, r, slot) })
		e.code.Jump(s.head)
	}
	e.frame += size
}

// eachSaved calls f with a place for every register of a suspension and returns the bytes used.
func (e *emitter) eachSaved(s *suspension, area int32, f func(c class, slot int32, r uint8)) int32 {
	at := area
	for c := range class(numClasses) {
		for r := range uint8(32) {
			if s.used[c]>>r&1 != 0 {
				f(c, at, r)
				at += vectorSlot
			}
		}
	}
	return at - area
}

// uniformSection emits what is the same in all lanes, computed in one vector whose lanes agree.
func (e *emitter) uniformSection() error {
	e.prologue()
	for at := range e.items {
		e.at = int32(at)
		v := e.items[at].value
		if err := e.node(v); err != nil {
			return fmt.Errorf("uniform %w", err)
		}
	}
	e.code.Return()
	return nil
}

// keep stores a uniform value that lanes read to the environment.
func (e *emitter) keep(v ir.Value) {
	if e.root != ir.ScopeUniform || e.env.leaves[v] < 0 {
		return
	}
	to := amd64.Mem(envReg, e.env.leaves[v])
	r := e.reg(v, 0)
	switch {
	case e.classOf(v) == mask:
		e.emit(&amd64.Inst{Op: amd64.KMOVWStore, Reg: r, RM: to})
	case e.target.wideWords:
		e.emit(&amd64.Inst{Op: amd64.VMOVAPSStore, Width: e.width, Reg: r, RM: to})
	case e.typeOf(v) == ir.F64:
		e.emit(&amd64.Inst{Op: amd64.VMOVQStore, Reg: r, RM: to})
	default:
		e.emit(&amd64.Inst{Op: amd64.VMOVDStore, Reg: r, RM: to})
	}
	e.unpin()
}

// popcount counts registers.
func popcount(set uint32) int {
	n := 0
	for ; set != 0; set &= set - 1 {
		n++
	}
	return n
}

package eval

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/baremetaldevx86/microdr/ir"
)

// Precision chooses the arithmetic of F32 nodes.
type Precision uint8

// The precisions. F32 gives the bits that are the contract for every backend; F64 is the oracle, which also keeps
// every F32 buffer as float64.
const (
	F32 Precision = iota
	F64
)

// Code is a compiled lane program.
type Code struct {
	code      *code
	m         *ir.Module
	precision Precision
}

// Compile prepares a lane program of module m, whose calls are inlined and, for F32, whose transcendentals are
// expanded.
func Compile(m *ir.Module, p *ir.Program, precision Precision) (*Code, error) {
	if precision == F32 {
		for i := range p.Nodes {
			if n := &p.Nodes[i]; n.Op.Info().Transc && n.Type == ir.F32 {
				return nil, fmt.Errorf("eval: %%%d: %v must be expanded before execution", i, n.Op)
			}
		}
	}
	c, err := compile(p)
	if err != nil {
		return nil, err
	}
	return &Code{c, m, precision}, nil
}

// Memory is a buffer as a program sees it: Len elements at Ptr, of the buffer's type, or float64 for F32 buffers
// under the oracle. F16 and BF16 buffers are 16 bits an element.
type Memory struct {
	Ptr unsafe.Pointer
	Len int
}

// Pair collects what one scatter_add of a stage adds: one index and value for each lane. A negative index adds
// nothing.
type Pair struct {
	Index []int32
	F32   []float32 // F32 buffers
	F64   []float64 // F64 buffers, and F32 ones under the oracle
	U32   []uint32  // I32 and U32 buffers
}

// Launch is what the lanes of one run share.
type Launch struct {
	Uniforms []float64 // by index in the module; integers hold their value
	Buffers  []Memory  // by index in the module
	Pairs    []Pair    // by number of the scatter_add in the program, each with a slot for every lane
}

// Worker executes lanes. It holds the registers and serves one goroutine at a time.
type Worker interface {
	// Begin computes what is the same in all lanes.
	Begin(l *Launch)
	// Run executes the lanes [lo, hi).
	Run(lo, hi int)
	// Window makes stores to a buffer, whose lanes write the elements of their numbers, go to memory where that of lane
	// first lies at the address. Begin does not end it.
	Window(buffer int, at unsafe.Pointer, first int)
}

// redirection is where stores to a buffer go.
type redirection struct {
	at     unsafe.Pointer // nil for none
	buffer int
	first  int
}

// NewWorker returns a worker with registers of its own.
func (c *Code) NewWorker() Worker {
	if c.precision == F64 {
		return newMachine[float64](c)
	}
	return newMachine[float32](c)
}

// ScatterAdds returns the buffers of the program's scatter_adds, by number.
func (c *Code) ScatterAdds() []int {
	var out []int
	for _, e := range c.code.effects {
		if e.kind == ir.ScatterAdd {
			out = append(out, e.buffer)
		}
	}
	return out
}

// machine is a worker: register files, and the buffers of the current launch.
type machine[F float] struct {
	code   *code
	m      *ir.Module
	launch *Launch
	f      [][Width]F
	w      [][Width]uint32
	d      [][Width]float64
	window redirection
	base   int // number of the block's first lane
	alive  [][Width]int32
	depth  int
	keep   [Width]int32 // scratch of retire
	stop   [Width]int32
}

func newMachine[F float](c *Code) *machine[F] {
	r := c.code.regs
	return &machine[F]{code: c.code, m: c.m,
		f: make([][Width]F, r[fileFloat]), w: make([][Width]uint32, r[fileWord]), d: make([][Width]float64, r[fileDouble])}
}

func (m *machine[F]) Begin(l *Launch) {
	m.launch = l
	m.exec(m.code.uniform, Width)
}

func (m *machine[F]) Window(buffer int, at unsafe.Pointer, first int) {
	m.window = redirection{at, buffer, first}
}

func (m *machine[F]) Run(lo, hi int) {
	for ; lo < hi; lo += Width {
		n := min(Width, hi-lo)
		m.base = lo
		m.exec(m.code.lane, n)
		for i := range m.code.effects {
			m.effect(&m.code.effects[i], n)
		}
	}
}

// exec runs instructions on the first n lanes of the registers.
func (m *machine[F]) exec(list []instr, n int) {
	for i := range list {
		in := &list[i]
		switch {
		case in.op == ir.OpLoop:
			m.loop(in.loop, n)
		case in.to == ir.F32 && in.typ == ir.F32:
			m.float(in, n)
		case in.to == ir.F64 && in.typ == ir.F64:
			m.double(in, n)
		default:
			m.other(in, n)
		}
	}
}

// loop runs a loop on n lanes. alive[k] is the place, among the n, of the lane that is k-th now.
func (m *machine[F]) loop(l *loop, n int) {
	if m.depth == len(m.alive) {
		m.alive = append(m.alive, [Width]int32{})
	}
	alive := m.alive[m.depth][:n]
	m.depth++
	for i := range alive {
		alive[i] = int32(i)
	}
	m.copyAll(l.enter, n)
	for it := 0; ; it++ {
		if it < l.max {
			m.exec(l.head, n)
		}
		alive = m.retire(l, alive, it)
		if n = len(alive); n == 0 {
			break
		}
		m.exec(l.body, n)
		m.copyAll(l.next, n)
		m.copyAll(l.commit, n)
	}
	m.depth--
}

// retire takes out the lanes whose condition is false, or all of them at the bound, and closes ranks.
func (m *machine[F]) retire(l *loop, alive []int32, it int) []int32 {
	n := len(alive)
	keep, stop := &m.keep, &m.stop
	k, s := 0, 0
	if it < l.max {
		cond := m.w[l.cond][:n]
		for i, c := range cond {
			keep[k], stop[s] = int32(i), int32(i)
			k += int(c)
			s += int(1 - c)
		}
	} else {
		for i := range n {
			stop[i] = int32(i)
		}
		s = n
	}
	if s == 0 {
		return alive
	}
	m.finish(l, alive, stop[:s], it)
	for _, mv := range l.close {
		m.closeRanks(mv, keep[:k])
	}
	for i, from := range keep[:k] {
		alive[i] = alive[from]
	}
	return alive[:k]
}

// finish writes the states of the lanes that stop, and their count of iterations, to the results.
func (m *machine[F]) finish(l *loop, alive, stop []int32, it int) {
	for _, mv := range l.results {
		switch mv.file {
		case fileFloat:
			scatterLanes(&m.f[mv.to], &m.f[mv.from], alive, stop)
		case fileWord:
			scatterLanes(&m.w[mv.to], &m.w[mv.from], alive, stop)
		default:
			scatterLanes(&m.d[mv.to], &m.d[mv.from], alive, stop)
		}
	}
	if l.count >= 0 {
		count := &m.w[l.count]
		for _, i := range stop {
			count[alive[i]] = uint32(it)
		}
	}
}

func scatterLanes[T any](to, from *[Width]T, alive, stop []int32) {
	for _, i := range stop {
		to[alive[i]] = from[i]
	}
}

func (m *machine[F]) closeRanks(mv move, keep []int32) {
	switch mv.file {
	case fileFloat:
		gatherLanes(&m.f[mv.to], keep)
	case fileWord:
		gatherLanes(&m.w[mv.to], keep)
	default:
		gatherLanes(&m.d[mv.to], keep)
	}
}

func gatherLanes[T any](r *[Width]T, keep []int32) {
	for i, from := range keep {
		r[i] = r[from]
	}
}

func (m *machine[F]) copyAll(moves []move, n int) {
	for _, mv := range moves {
		switch mv.file {
		case fileFloat:
			copy(m.f[mv.to][:n], m.f[mv.from][:n])
		case fileWord:
			copy(m.w[mv.to][:n], m.w[mv.from][:n])
		default:
			copy(m.d[mv.to][:n], m.d[mv.from][:n])
		}
	}
}

// leaf fills a register with a constant, a uniform or the lanes' numbers.
func (m *machine[F]) leaf(in *instr, n int) {
	switch in.op {
	case ir.OpLane:
		w := m.w[in.dst][:n]
		for i := range w {
			w[i] = uint32(m.base + i)
		}
	case ir.OpConst:
		m.fill(in, m.constant(in), uint32(in.imm))
	case ir.OpUniform:
		x := m.launch.Uniforms[in.imm]
		word := uint32(ir.ToI32(x))
		if in.to == ir.Bool {
			word = bit(x != 0)
		} else if in.to == ir.U32 {
			word = ir.ToU32(x)
		}
		m.fill(in, x, word)
	default:
		panic("eval: no execution of " + in.op.String())
	}
}

func (m *machine[F]) constant(in *instr) float64 {
	if in.to == ir.F64 {
		return math.Float64frombits(in.imm)
	}
	return float64(math.Float32frombits(uint32(in.imm)))
}

func (m *machine[F]) fill(in *instr, x float64, word uint32) {
	switch fileOf(in.to) {
	case fileFloat:
		fill(&m.f[in.dst], F(x))
	case fileDouble:
		fill(&m.d[in.dst], x)
	default:
		fill(&m.w[in.dst], word)
	}
}

func fill[T any](r *[Width]T, x T) {
	for i := range r {
		r[i] = x
	}
}

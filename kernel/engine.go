package kernel

import (
	"fmt"
	"runtime"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/mem"
)

// Precision chooses the arithmetic of float32 programs.
type Precision = eval.Precision

// The precisions: float32, the contract of bits for every backend; and float64 on the unexpanded program, the
// oracle that derivatives are checked against. Under the oracle float32 buffers hold float64.
const (
	Float32 = eval.F32
	Float64 = eval.F64
)

// Options choose how an Engine runs programs. The zero value suits production.
type Options struct {
	Workers   int       // goroutines; 0: as many as GOMAXPROCS
	Precision Precision // Float32 unless this is the oracle
	TileLanes int       // lanes of a tile, rounded up to reduction blocks; 0: chosen by cost
	Verify    bool      // run the verifier after every pass
	Backend   Backend   // what executes programs; it changes no bit
}

// Engine compiles modules and owns the buffers that they run on. It serves any number of goroutines.
type Engine struct {
	options Options
	store   *store
}

// New returns an engine; Close gives its memory back.
func New(o Options) *Engine {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return &Engine{o, &store{heap: mem.NewHeap(mem.OS{})}}
}

// Precision returns the arithmetic that the engine's buffers are made for.
func (e *Engine) Precision() Precision { return e.options.Precision }

// Memory returns the counters of the buffers.
func (e *Engine) Memory() mem.Counters { return e.store.heap.Counters() }

// Close frees every buffer of the engine, whoever still holds it, and reports those that nobody freed as an error.
// No run may be under way, and the engine makes no more buffers.
func (e *Engine) Close() error { return e.store.close() }

// Code is a compiled lane program, whatever the backend.
type Code interface {
	// NewWorker returns what executes lanes on one goroutine.
	NewWorker() eval.Worker
	// ScatterAdds returns the buffers of the program's scatter_adds, by number.
	ScatterAdds() []int
}

// compile chooses the backend for one map stage.
func (e *Engine) compile(m *ir.Module, p *ir.Program) (Code, error) {
	return eval.Compile(m, p, e.options.Precision)
}

// Compile lowers a module (calls inlined, transcendentals expanded but for the oracle) and compiles its stages.
// Changing a uniform's value needs no new compilation.
func (e *Engine) Compile(m *ir.Module) (*Kernel, error) {
	if err := ir.Verify(m); err != nil {
		return nil, err
	}
	var without []string
	if e.options.Precision == Float64 {
		without = []string{"expand"}
	}
	low, err := ir.Lower(m, ir.Passes(without...), e.options.Verify)
	if err != nil {
		return nil, err
	}
	k := &Kernel{engine: e, module: low, whole: writtenWhole(low), arena: mem.NewArena(mem.OS{})}
	k.cleanup = runtime.AddCleanup(k, func(a *mem.Arena) { a.Release() }, k.arena)
	for i := range low.Stages {
		s := &low.Stages[i]
		st := stage{Stage: s}
		switch s.Kind {
		case ir.StageMap:
			if st.code, err = e.compile(low, s.Prog); err != nil {
				return nil, fmt.Errorf("kernel: module %q, stage %s: %w", m.Name, s.Name, err)
			}
		case ir.StageReduce:
		default:
			return nil, fmt.Errorf("kernel: module %q: %v stages cannot run yet", m.Name, s.Kind)
		}
		k.stages = append(k.stages, st)
	}
	return k, nil
}

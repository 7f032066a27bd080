package kernel

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
	"weak"

	"github.com/baremetaldevx86/microdr/eval"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/jit"
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
	Backend   Backend   // what executes programs; it changes no bit. The oracle is the portable executor's alone
	Memory    Memory    // where buffers, temporaries and workers come from

	// Observe, if set, is called after every stage of every run, from the goroutine that called Run. Each stage then runs by
	// itself; else some maps run piece by piece with the product before them.
	Observe func(Observation)
}

// Memory are the options of an engine's allocators, but for the names: buffers and workers are heaps, temporaries are
// arenas, one a kernel.
type Memory = mem.Options

func (o *Options) named(name string) mem.Options {
	memory := o.Memory
	memory.Name = name
	return memory
}

// Observation tells of a stage that ran.
type Observation struct {
	Kernel *Kernel
	Stage  int // in Kernel.Module().Stages
	Args   Args
	Time   time.Duration
}

// Engine compiles modules and owns the buffers that they run on. It serves any number of goroutines.
type Engine struct {
	options Options
	backend Backend
	err     error // why there is no such backend
	store   *store

	products limits // of their blocks
	*executable
}

// executable is what an engine has besides buffers. An engine that is lost without Close gives it back when the collector
// finds out: kernels and buffers hold their engine.
type executable struct {
	pages *jit.Pages
	tiles *jit.Tiles // of matrix products
	cache *cache
	folds folds
	crew  *Crew
	heap  *store // of the workers
}

// New returns an engine; Close gives its memory back. A backend that this machine lacks is an error of Compile.
func New(o Options) *Engine {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	e := &Engine{options: o, store: newStore(o.named("buffers")), products: measuredLimits(), executable: &executable{
		pages: &jit.Pages{}, cache: &cache{entries: map[cacheKey]*cached{}}, crew: NewCrew(o.Workers - 1),
		heap: newStore(o.named("workers")),
	}}
	pages := weak.Make(e.pages)
	o.Memory.Registry.Add("code", "pages", func() (mem.Counters, bool) { return holdingsOf(pages.Value()) })
	if e.backend, e.err = o.Backend.resolve(); o.Precision == Float64 {
		e.backend, e.err = Eval, nil
	}
	e.tiles = jit.NewTiles(e.backend.target(), e.pages)
	runtime.AddCleanup(e, func(x *executable) { x.close() }, e.executable)
	runtime.AddCleanup(e, func(s *store) { s.close() }, e.store)
	return e
}

// holdingsOf counts the pages of code; false if the engine is gone.
func holdingsOf(p *jit.Pages) (mem.Counters, bool) {
	if p == nil {
		return mem.Counters{}, false
	}
	n := int64(p.Bytes())
	return mem.Counters{Live: n, Granted: n, Peak: n, Reserved: n, Resident: n}, true
}

// Precision returns the arithmetic that the engine's buffers are made for.
func (e *Engine) Precision() Precision { return e.options.Precision }

// Backend returns what executes the engine's programs.
func (e *Engine) Backend() Backend { return e.backend }

// Crew returns the goroutines that runs are shared among, for loops around them.
func (e *Engine) Crew() *Crew { return e.crew }

// Memory returns the counters of the buffers.
func (e *Engine) Memory() mem.Counters { return e.store.heap.Counters() }

// Close frees every buffer of the engine, whoever still holds it, and reports those that nobody freed as an error.
// No run may be under way. The engine then makes no more buffers and kernels, and those that it made can be closed but
// not run.
func (e *Engine) Close() error {
	return errors.Join(e.store.close(), e.executable.close())
}

// close gives everything back; twice does nothing more. What kernels that nobody closed still hold is no error.
func (x *executable) close() error {
	x.crew.Close()
	x.heap.close()
	return errors.Join(x.cache.close(), x.folds.close(), x.tiles.Close())
}

// Compile lowers a module (calls inlined, transcendentals expanded but for the oracle) and compiles its stages.
// Changing a uniform's value needs no new compilation.
func (e *Engine) Compile(m *ir.Module) (*Kernel, error) {
	if e.err != nil {
		return nil, e.err
	}
	if err := ir.Verify(m); err != nil {
		return nil, err
	}
	low, err := e.lower(m)
	if err != nil {
		return nil, err
	}
	k := newKernel(e, low)
	k.stages = make([]stage, len(low.Stages))
	errs := make([]error, len(low.Stages))
	panics := make(chan any, len(low.Stages))
	var stages sync.WaitGroup
	for i := range low.Stages {
		stages.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					panics <- r
				}
			}()
			if err := k.prepare(&k.stages[i], &low.Stages[i]); err != nil {
				errs[i] = fmt.Errorf("kernel: module %q, stage %s: %w", m.Name, low.Stages[i].Name, err)
			}
		})
	}
	stages.Wait()
	if len(panics) > 0 {
		panic(<-panics) // where a caller can recover it
	}
	if err := errors.Join(errs...); err != nil {
		k.Close()
		return nil, err
	}
	k.addEpilogues()
	k.planMemory()
	return k, nil
}

// lower prepares a module for the engine's executors.
func (e *Engine) lower(m *ir.Module) (*ir.Module, error) {
	var without []string
	if e.options.Precision == Float64 {
		without = []string{"expand"}
	}
	return ir.Lower(m, ir.Passes(without...), e.options.Verify)
}

package tensor

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/baremetaldevx86/microdr/kernel"
)

// Options choose how an engine computes. The zero value suits production.
type Options struct {
	Workers int            // goroutines; 0: as many as GOMAXPROCS. Their number changes no bit
	Backend kernel.Backend // what executes programs; it changes no bit
	Memory  kernel.Memory  // where elements come from

	// Float64 makes Float32 tensors hold and compute float64, slowly: the oracle that derivatives are checked with.
	Float64 bool
	// Unfused computes every operation by a kernel of its own. It changes no bit.
	Unfused bool
	// Anomalies looks at every result for NaN and makes the first one an error that names the operation. Slow.
	Anomalies bool
	// Timeline, if set, is told of every stage that runs.
	Timeline *Timeline
}

// Engine owns the memory of tensors and the kernels that compute them. Tensors of different engines do not mix. Its methods,
// and those of its tensors, may be called by one goroutine at a time.
type Engine struct {
	options Options
	kernels *kernel.Engine
	plans   plans
	tracing *tracer // the function that is being compiled
	frozen  int     // depth of NoGrad

	lent struct { // the elements of tensors, of which the collector does not know
		sync.Mutex
		bytes   int // since it last ran
		next    int
		buffers map[int]*kernel.Buffer
	}
}

// Open returns an engine. Close gives its memory back.
func Open(o Options) *Engine {
	k := kernel.Options{Workers: o.Workers, Backend: o.Backend, Memory: o.Memory}
	if o.Float64 {
		k.Precision, k.Backend = kernel.Float64, kernel.Auto
	}
	if o.Timeline != nil {
		o.Timeline.begun = time.Now()
		k.Observe = o.Timeline.observe
	}
	e := &Engine{options: o, kernels: kernel.New(k)}
	e.lent.buffers = map[int]*kernel.Buffer{}
	return e
}

// Close gives back all memory and code of the engine; its tensors must not be used any more.
func (e *Engine) Close() error {
	e.plans.close()
	e.lent.Lock()
	for _, b := range e.lent.buffers { // of tensors that somebody still holds, or that the collector has not found yet
		b.Free()
	}
	clear(e.lent.buffers)
	e.lent.Unlock()
	return e.kernels.Close()
}

// Workers returns the number of goroutines that share the work.
func (e *Engine) Workers() int { return e.kernels.Crew().Workers() }

// Backend returns what executes the engine's programs.
func (e *Engine) Backend() kernel.Backend { return e.kernels.Backend() }

// NoGrad calls f; derivatives stop at the tensors that are made meanwhile.
func (e *Engine) NoGrad(f func()) {
	e.frozen++
	defer func() { e.frozen-- }()
	f()
}

// collectAt is how many bytes are lent before the collector is asked for those that nobody holds any more: they do not
// count for its own decision when to run.
const collectAt = 256 << 20

// elements are those of tensors. When nobody holds them any more, they are given back.
type elements struct {
	*kernel.Buffer
	number  int // among those that are lent
	freed   bool
	cleanup runtime.Cleanup
}

// newElements returns memory for n elements.
func (e *Engine) newElements(t Type, n int) (*elements, error) {
	e.lent.Lock()
	e.lent.bytes += n * t.Size()
	due := e.lent.bytes > collectAt
	if due {
		e.lent.bytes = 0
	}
	e.lent.Unlock()
	if due {
		runtime.GC()
	}
	b, err := e.kernels.NewBuffer(types[t].ir, n)
	if err != nil {
		return nil, err
	}
	e.lent.Lock()
	defer e.lent.Unlock()
	e.lent.next++
	e.lent.buffers[e.lent.next] = b
	x := &elements{Buffer: b, number: e.lent.next}
	x.cleanup = runtime.AddCleanup(x, e.giveBack, x.number)
	return x, nil
}

// giveBack frees elements, unless they have been before.
func (e *Engine) giveBack(number int) {
	e.lent.Lock()
	defer e.lent.Unlock()
	e.lent.buffers[number].Free()
	delete(e.lent.buffers, number)
}

// free gives the elements back at once; they must not be used again.
func (x *elements) free(e *Engine) {
	if x != nil && !x.freed {
		x.freed = true
		x.cleanup.Stop()
		e.giveBack(x.number)
	}
}

// Eval computes the tensors, those that have no elements yet, in as few kernels as possible. They forget what they were
// computed from, which reading them does not do: derivatives end at them from now on, and a loop whose tensors depend on those
// of the round before does not keep all rounds.
func (e *Engine) Eval(ts ...*Tensor) error { return e.EvalContext(context.Background(), ts...) }

// EvalContext is Eval until ctx ends.
func (e *Engine) EvalContext(ctx context.Context, ts ...*Tensor) error {
	if err := e.compute(ctx, ts); err != nil {
		return err
	}
	for _, t := range ts {
		t.kind, t.args, t.attr = &leafKind, nil, nil
	}
	return nil
}

func (e *Engine) compute(ctx context.Context, ts []*Tensor) error {
	for _, t := range ts {
		if t.e != e {
			fail("Eval", "a tensor of another engine")
		}
		if t.buffer == nil && t.isPlaceholder() {
			fail("Eval", "a value that is not known while a function is compiled")
		}
	}
	return e.plans.run(ctx, e, ts)
}

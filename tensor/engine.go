package tensor

import (
	"context"
	"runtime"
	"sync"
	"weak"

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
}

// Engine owns the memory of tensors and the kernels that compute them. Tensors of different engines do not mix. Its methods,
// and those of its tensors, may be called by one goroutine at a time.
type Engine struct {
	options Options
	kernels *kernel.Engine
	plans   plans
	tracing *tracer // the function that is being compiled
	frozen  int     // depth of NoGrad

	lent struct { // elements that the collector does not know of
		sync.Mutex
		bytes   int // since it last ran
		buffers map[weak.Pointer[kernel.Buffer]]struct{}
	}
}

// Open returns an engine. Close gives its memory back.
func Open(o Options) *Engine {
	k := kernel.Options{Workers: o.Workers, Backend: o.Backend, Memory: o.Memory}
	if o.Float64 {
		k.Precision, k.Backend = kernel.Float64, kernel.Auto
	}
	e := &Engine{options: o, kernels: kernel.New(k)}
	e.lent.buffers = map[weak.Pointer[kernel.Buffer]]struct{}{}
	return e
}

// Close gives back all memory and code of the engine; its tensors must not be used any more.
func (e *Engine) Close() error {
	e.plans.close()
	e.lent.Lock()
	for w := range e.lent.buffers {
		w.Value().Free() // it belongs to a tensor that somebody still holds, or that the collector has not found yet
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
const collectAt = 1 << 30

// newBuffer returns a buffer for the elements of a tensor.
func (e *Engine) newBuffer(t Type, n int) (*kernel.Buffer, error) {
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
	w := weak.Make(b)
	e.lent.buffers[w] = struct{}{}
	runtime.AddCleanup(b, e.forget, w)
	return b, nil
}

// forget strikes a buffer off those that are lent.
func (e *Engine) forget(w weak.Pointer[kernel.Buffer]) {
	e.lent.Lock()
	defer e.lent.Unlock()
	delete(e.lent.buffers, w)
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

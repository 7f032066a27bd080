package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/baremetaldevx86/microdr/kernel"
)

// TensorOptions say what Tensors measures.
type TensorOptions struct {
	Options
	Elements []int // of the tensors in elementwise operations and reductions; nil: 1M and 64M
	Workers  []int // rows are there once for each of these numbers of workers; nil: 2 and 1

	triad int // lanes of the triad; 0: triadLanes
}

// Tensors measures compiled functions of tensors. Elementwise operations and reductions stand beside the bandwidth that
// a triad reaches with as many workers, so that their ratio is a share of the memory's bandwidth, over 1 where the
// tensors fit in caches; steps of training stand beside a bar and beside their matrix products alone. An error comes
// with the rows that were measured until then.
func Tensors(ctx context.Context, o TensorOptions) ([]Row, error) {
	o = o.complete()
	s := newSuite(KernelOptions{Options: o.Options})
	defer s.close()
	s.triadLanes = o.triad
	chosen, err := s.chosen(o.measurements())
	if err != nil {
		return nil, err
	}
	if kernel.Backends()[0] == kernel.Eval {
		s.Warn("bench: no machine code on this machine; the portable executor's triad says little of its memory")
	}
	return s.measure(ctx, chosen)
}

// complete fills in the defaults.
func (o TensorOptions) complete() TensorOptions {
	if o.Elements == nil {
		o.Elements = []int{1 << 20, 1 << 26}
	}
	if o.Workers == nil {
		o.Workers = []int{2, 1}
	}
	if o.triad == 0 {
		o.triad = triadLanes
	}
	return o
}

// measurements are all there are for the numbers of elements and workers, in order.
func (o TensorOptions) measurements() (all []measurement) {
	for _, elements := range o.Elements {
		for _, q := range streams() {
			for _, workers := range o.Workers {
				name := fmt.Sprintf("%s %s %s", q.name, countName(elements), workersName(workers))
				all = append(all, measurement{rows: []string{name}, measure: q.measure(elements, workers)})
			}
		}
	}
	for _, step := range []func(workers int) measurement{smallStep, digitsStep} {
		for _, workers := range o.Workers {
			all = append(all, step(workers))
		}
	}
	return all
}

// countName is 64M for 1<<26, 16k for 1<<14.
func countName(n int) string {
	switch {
	case n > 0 && n%(1<<20) == 0:
		return fmt.Sprintf("%dM", n>>20)
	case n > 0 && n%(1<<10) == 0:
		return fmt.Sprintf("%dk", n>>10)
	}
	return fmt.Sprint(n)
}

func workersName(n int) string {
	if n == 1 {
		return "by 1 worker"
	}
	return fmt.Sprintf("by %d workers", n)
}

// triad returns the triad for a number of workers.
func (s *suite) triad(workers int) (*job, error) {
	if j := s.triads[workers]; j != nil {
		return j, nil
	}
	j, err := triad(s.triadLanes).open(kernel.Options{Workers: workers, Backend: kernel.Backends()[0]})
	if err != nil {
		return nil, err
	}
	s.triads[workers] = j
	return j, nil
}

// runner is a compiled function, or what has one.
type runner interface {
	Run(ctx context.Context) error
}

// runs are a compiled function's runs as a Side.
func runs(f runner) Side {
	return func(ctx context.Context, n int) (time.Duration, error) {
		begun := time.Now()
		for range n {
			if err := f.Run(ctx); err != nil {
				return 0, err
			}
		}
		return time.Since(begun), nil
	}
}

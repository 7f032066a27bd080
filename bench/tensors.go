package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/baremetaldevx86/microdr/kernel"
)

// TensorOptions say what Tensors measures.
type TensorOptions struct {
	Rounds   int      // 0: 15
	Only     []string // rows whose name begins with one of these; nil: all
	Elements []int    // of the tensors in elementwise operations and reductions; nil: 1M and 64M
	Workers  []int    // rows are there once for each of these numbers of workers; nil: 2 and 1

	// Progress, if set, is told what is about to be measured; Warn what is to be known about the results.
	Progress, Warn func(line string)

	triad int // lanes of the triad; 0: triadLanes
}

// tensorMeasurement makes the rows of its names, in order.
type tensorMeasurement struct {
	rows    []string
	workers int
	measure measureTensors
}

// measureTensors is how a measurement makes its rows.
type measureTensors func(ctx context.Context, s *tensorSuite, names []string, workers int) ([]Row, error)

// Tensors measures compiled functions of tensors. Elementwise operations and reductions stand beside the bandwidth that
// a triad reaches with as many workers, so that their ratio is a share of the memory's bandwidth, over 1 where the
// tensors fit in caches; steps of training stand beside a bar and beside their matrix products alone. An error comes
// with the rows that were measured until then.
func Tensors(ctx context.Context, o TensorOptions) ([]Row, error) {
	s := &tensorSuite{TensorOptions: o.complete(), triads: map[int]*job{}}
	chosen, err := s.chosen()
	if err != nil {
		return nil, err
	}
	defer s.close()
	if kernel.Backends()[0] == kernel.Eval {
		s.Warn("bench: no machine code on this machine; the portable executor's triad says little of its memory")
	}
	var rows []Row
	for _, m := range chosen {
		if err := ctx.Err(); err != nil {
			return rows, err
		}
		s.Progress("measuring " + m.rows[0])
		more, err := m.measure(ctx, s, m.rows, m.workers)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", m.rows[0], err)
		}
		rows = append(rows, slices.DeleteFunc(more, func(r Row) bool { return !wanted(s.Only, r.Name) })...)
	}
	return rows, nil
}

// complete fills in the defaults.
func (o TensorOptions) complete() TensorOptions {
	k := KernelOptions{Rounds: o.Rounds, Progress: o.Progress, Warn: o.Warn}.complete()
	o.Rounds, o.Progress, o.Warn = k.Rounds, k.Progress, k.Warn
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

// tensorSuite is a run of Tensors.
type tensorSuite struct {
	TensorOptions
	triads map[int]*job // by their number of workers, opened when one is needed first
}

// measurements are all there are for the numbers of elements and workers, in order.
func (s *tensorSuite) measurements() (all []tensorMeasurement) {
	for _, elements := range s.Elements {
		for _, q := range streams() {
			for _, workers := range s.Workers {
				name := fmt.Sprintf("%s %s %s", q.name, countName(elements), workersName(workers))
				all = append(all, tensorMeasurement{[]string{name}, workers, q.measure(elements)})
			}
		}
	}
	for _, q := range []func(workers string) ([]string, measureTensors){smallStep, digitsStep} {
		for _, workers := range s.Workers {
			names, measure := q(workersName(workers))
			all = append(all, tensorMeasurement{names, workers, measure})
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

// chosen are the measurements that make a row that is wanted.
func (s *tensorSuite) chosen() (chosen []tensorMeasurement, err error) {
	var names []string
	for _, m := range s.measurements() {
		names = append(names, m.rows...)
		if slices.ContainsFunc(m.rows, func(name string) bool { return wanted(s.Only, name) }) {
			chosen = append(chosen, m)
		}
	}
	for _, o := range s.Only {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, o) }) {
			return nil, fmt.Errorf("%w: %q, expected the beginning of one of %q", ErrNoRow, o, names)
		}
	}
	return chosen, nil
}

// triad returns the triad for a number of workers.
func (s *tensorSuite) triad(workers int) (*job, error) {
	if j := s.triads[workers]; j != nil {
		return j, nil
	}
	j, err := triad(s.TensorOptions.triad).open(kernel.Options{Workers: workers, Backend: kernel.Backends()[0]})
	if err != nil {
		return nil, err
	}
	s.triads[workers] = j
	return j, nil
}

func (s *tensorSuite) close() {
	for _, j := range s.triads {
		j.close()
	}
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

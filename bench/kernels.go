package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// KernelOptions say what Kernels measures.
type KernelOptions struct {
	Rounds   int      // 0: 15
	Only     []string // rows whose name begins with one of these; nil: all but the fits
	Fits     bool     // the fits, too, which take minutes
	Workers  int      // for rows that use all workers; 0: one per processor
	Examples string   // the folder of the examples; "": examples
	Program  string   // the command whose fits are timed

	// Progress, if set, is told what is about to be measured; Warn what is left out, and why.
	Progress, Warn func(line string)
}

// ErrNoRow is what Kernels returns for an Only that no row's name begins with.
var ErrNoRow = errors.New("bench: no such row")

// InputError is a scene that is missing or wrong.
type InputError struct{ error }

func (e *InputError) Unwrap() error { return e.error }

// measurement makes the rows of its names, in order.
type measurement struct {
	rows      []string
	needsC    bool
	takesLong bool // is left out unless asked for
	measure   func(ctx context.Context, s *suite, names []string) ([]Row, error)
}

// kernelMeasurements are what `microdr bench kernels` measures, in order.
func kernelMeasurements() []measurement {
	return []measurement{
		{rows: []string{"elementwise 16k", "elementwise 16k by hand"}, needsC: true, measure: elementwise(1 << 14)},
		{rows: []string{"elementwise 1M", "elementwise 1M by hand"}, needsC: true, measure: elementwise(1 << 20)},
		{rows: []string{"sphere tracing 512x512", "sphere tracing 512x512 in pairs"}, needsC: true, measure: sphereTracing},
		{rows: []string{"table forward+reverse", "table reverse beside forward"}, measure: tableGradient},
		{rows: []string{"compile radiance", "compile radiance front", "compile radiance backend"}, measure: compileRadiance},
		{rows: []string{"compile straight line", "compile straight line front", "compile straight line backend"}, measure: compileStraightLine},
		{rows: []string{"launch one tile", "launch one tile allocations"}, measure: launch(1, launchBar)},
		{rows: []string{"launch four tiles", "launch four tiles allocations"}, measure: launch(4, launchWorkersBar)},
		{rows: []string{"two workers sphere tracing"}, needsC: true, measure: twoWorkers("spheres", spheres)},
		{rows: []string{"two workers fog march"}, needsC: true, measure: twoWorkers("fog_march", func() *problem { return fogMarch(1 << 16) })},
		{rows: []string{"gc pause p50", "gc pause p99", "gc pause p99 beside Go"}, measure: pauses},
		{rows: []string{"FMA peak"}, needsC: true, measure: fmaPeak},
		{rows: []string{"memory bandwidth"}, needsC: true, measure: bandwidth},
		{rows: []string{"fit chessboard"}, takesLong: true, measure: fitExample("chessboard")},
		{rows: []string{"fit table"}, takesLong: true, measure: fitExample("table")},
	}
}

// Kernels measures the speed of lane programs beside C, beside the portable executor, and beside the bars that the
// design sets. An error comes with the rows that were measured until then.
func Kernels(ctx context.Context, o KernelOptions) ([]Row, error) {
	s := &suite{KernelOptions: o.complete()}
	chosen, err := s.chosen(kernelMeasurements())
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.prepare(ctx, chosen); err != nil {
		return nil, err
	}
	var rows []Row
	for _, m := range chosen {
		if m.needsC && s.c == nil {
			continue
		}
		s.Progress("measuring " + m.rows[0])
		more, err := m.measure(ctx, s, m.rows)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", m.rows[0], err)
		}
		for _, r := range more {
			if s.wants(m, r.Name) {
				rows = append(rows, r)
			}
		}
	}
	return rows, nil
}

// complete fills in the defaults.
func (o KernelOptions) complete() KernelOptions {
	if o.Rounds == 0 {
		o.Rounds = 15
	}
	if o.Examples == "" {
		o.Examples = "examples"
	}
	for _, f := range []*func(string){&o.Progress, &o.Warn} {
		if *f == nil {
			*f = func(string) {}
		}
	}
	return o
}

// suite is a run of Kernels.
type suite struct {
	KernelOptions
	c *Baseline // nil where there is no compiler
}

// chosen returns the measurements that make a row that is wanted.
func (s *suite) chosen(all []measurement) ([]measurement, error) {
	var names []string
	var out []measurement
	for _, m := range all {
		names = append(names, m.rows...)
		if slices.ContainsFunc(m.rows, func(name string) bool { return s.wants(m, name) }) {
			out = append(out, m)
		}
	}
	for _, only := range s.Only {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, only) }) {
			return nil, fmt.Errorf("%w: %q, expected the beginning of one of %q", ErrNoRow, only, names)
		}
	}
	return out, nil
}

// wants tells whether a row of a measurement belongs in the result.
func (s *suite) wants(m measurement, name string) bool {
	if m.takesLong && s.Fits || !m.takesLong && len(s.Only) == 0 {
		return true
	}
	return slices.ContainsFunc(s.Only, func(only string) bool { return strings.HasPrefix(name, only) })
}

// prepare compiles the C if a measurement needs it. Without a compiler it says which rows that costs.
func (s *suite) prepare(ctx context.Context, chosen []measurement) error {
	var lost []string
	for _, m := range chosen {
		if m.needsC {
			lost = append(lost, m.rows...)
		}
	}
	if lost == nil {
		return nil
	}
	s.Progress("compiling the baselines")
	var err error
	if s.c, err = CompileBaseline(ctx); err != nil {
		if ctx.Err() != nil {
			return err
		}
		s.Warn(fmt.Sprintf("%v; left out: %s", err, strings.Join(lost, ", ")))
	}
	return nil
}

func (s *suite) close() {
	if s.c != nil {
		s.c.Close()
	}
}

// What seconds are multiplied with for a unit.
const (
	microseconds = 1e6
	milliseconds = 1e3
	nanoseconds  = 1e9
)

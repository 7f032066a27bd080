package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// KernelOptions say what Kernels measures.
type KernelOptions struct {
	Options
	Fits     bool   // the fits, too, which take minutes and are else there only if Only names them
	Workers  int    // for rows that use all workers; 0: one per processor
	Examples string // the folder of the examples; "": examples
	Program  string // the command whose fits are timed
}

// InputError is a scene that is missing or wrong.
type InputError struct{ error }

func (e *InputError) Unwrap() error { return e.error }

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
	s := newSuite(o)
	defer s.close()
	chosen, err := s.chosen(kernelMeasurements())
	if err != nil {
		return nil, err
	}
	if chosen, err = s.prepare(ctx, chosen); err != nil {
		return nil, err
	}
	return s.measure(ctx, chosen)
}

// prepare compiles the C if a measurement needs it. Without a compiler it says which rows that costs, and returns the
// measurements that are left.
func (s *suite) prepare(ctx context.Context, chosen []measurement) ([]measurement, error) {
	var lost []string
	for _, m := range chosen {
		if m.needsC {
			lost = append(lost, m.rows...)
		}
	}
	if lost == nil {
		return chosen, nil
	}
	s.Progress("compiling the baselines")
	var err error
	if s.c, err = CompileBaseline(ctx); err == nil {
		return chosen, nil
	}
	if ctx.Err() != nil {
		return nil, err
	}
	s.Warn(fmt.Sprintf("%v; left out: %s", err, strings.Join(lost, ", ")))
	return slices.DeleteFunc(chosen, func(m measurement) bool { return m.needsC }), nil
}

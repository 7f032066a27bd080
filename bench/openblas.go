package bench

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/baremetaldevx86/microdr/kernel"
)

// computation is one that OpenBLAS does, too.
type computation struct {
	name    string
	bar     float64 // percent of the peak of multiply-adds that it should reach; 0 where its size leaves none to speak of
	fmas    int
	terms   int    // of the sum that an element of the output is
	order   string // to load it, for the program in c/openblas
	problem func() *problem
}

// rows are the names of its rows: the part of the peak if it has a bar, then OpenBLAS.
func (q *computation) rows() (names []string) {
	if q.bar > 0 {
		names = append(names, q.name+" of the FMA peak")
	}
	return append(names, q.name+" beside OpenBLAS")
}

// besideOpenBLAS measures computations on one worker: as a part of the peak of multiply-adds, which is the better one of
// a lane program and, where there is gcc, of C in the same rounds, and beside OpenBLAS on one thread, in the program of
// a file in c/openblas. An error comes with the rows that were measured until then.
func besideOpenBLAS(ctx context.Context, o Options, file string, all []*computation) ([]Row, error) {
	s := newSuite(KernelOptions{Options: o})
	defer s.close()
	var measurements []measurement
	for _, q := range all {
		measurements = append(measurements, measurement{rows: q.rows(), measure: q.measure})
	}
	chosen, err := s.chosen(measurements)
	if err != nil {
		return nil, err
	}
	s.Progress("compiling the baselines")
	if s.c, err = CompileBaseline(ctx); err != nil {
		s.Warn(fmt.Sprintf("%v; the peak is that of a lane program", err))
	}
	if s.blas, err = compileOpenBLAS(ctx, file); err != nil {
		s.Warn(fmt.Sprintf("%v; left out: the rows beside it", err))
	}
	return s.measure(ctx, chosen)
}

// compileOpenBLAS compiles a program that computes by OpenBLAS, from a file of c/openblas. The error says why there is
// none.
func compileOpenBLAS(ctx context.Context, file string) (*Baseline, error) {
	b, err := compileC(ctx, []string{"c/serve.c", "c/openblas/" + file}, "-lopenblas")
	if err != nil {
		return nil, fmt.Errorf("bench: no OpenBLAS: %w", err)
	}
	b.environment = []string{"OPENBLAS_NUM_THREADS=1"}
	// It does not always choose its kernels for AVX-512 by itself. Where there is none it must not be told to.
	if slices.Contains(kernel.Backends(), kernel.AVX512) {
		b.environment = append(b.environment, "OPENBLAS_CORETYPE=SKYLAKEX")
	}
	return b, nil
}

// measure makes the rows of a computation, beside OpenBLAS if it is there.
func (q *computation) measure(ctx context.Context, s *suite, _ []string) ([]Row, error) {
	p := q.problem()
	ours, err := p.open(kernel.Options{Workers: 1})
	if err != nil {
		return nil, err
	}
	defer ours.close()
	sides := []Side{ours.run}
	if s.blas != nil {
		theirs, err := s.blas.start(ctx)
		if err != nil {
			return nil, err
		}
		defer theirs.close()
		if err := theirs.check(ctx, ours, p, q.order, q.near); err != nil {
			return nil, err
		}
		sides = append(sides, theirs.run)
	}
	if q.bar > 0 {
		peaks, done, err := s.peakSides(ctx)
		if err != nil {
			return nil, err
		}
		defer done()
		sides = append(sides, peaks...)
	}
	t, err := Rounds(ctx, s.Rounds, sides...)
	if err != nil {
		return nil, err
	}
	return q.report(t, s.blas != nil), nil
}

const peakLanes = 1 << 12

// peakSides are multiply-adds and nothing else, in a lane program and in C.
func (s *suite) peakSides(ctx context.Context) (sides []Side, done func(), err error) {
	q := peak(peakLanes)
	j, err := q.open(kernel.Options{Workers: 1, Backend: kernel.Backends()[0]})
	if err != nil {
		return nil, nil, err
	}
	if sides = []Side{j.run}; s.c == nil {
		return sides, j.close, nil
	}
	p, err := s.peer(ctx, j, q, "peak")
	if err != nil {
		j.close()
		return nil, nil, err
	}
	return append(sides, p.run), func() { p.close(); j.close() }, nil
}

// report makes the rows of the rounds: ours, OpenBLAS if it is there, and the peaks if there is a bar.
func (q *computation) report(t []Series, blas bool) (rows []Row) {
	names, gigaflops := q.rows(), 2e-9*float64(q.fmas)
	beside, peaks := names[len(names)-1], t[1:]
	if blas {
		peaks = t[2:]
	}
	if q.bar > 0 {
		top := Series{}
		for _, p := range peaks {
			if r := p.Rates(peakLanes * peakFlops * 1e-9); r.Median() > top.Median() {
				top = r
			}
		}
		r := Against(names[0], "%", Higher, t[0].Rates(gigaflops).Over(top).Times(100), q.bar)
		r.Note = fmt.Sprintf("a bar; the peak is %s GFLOP/s", figures(top.Median()))
		rows = append(rows, r)
	}
	switch {
	case blas && q.bar > 0:
		rows = append(rows, Compare(beside, "GFLOP/s", Higher, t[0].Rates(gigaflops), t[1].Rates(gigaflops)))
	case blas:
		rows = append(rows, Compare(beside, "us", Lower, t[0].Times(microseconds), t[1].Times(microseconds)))
	}
	return rows
}

// near tells whether two outputs are the same but for rounding: sums of the same terms in another order.
func (q *computation) near(ours, theirs []float32) error {
	if len(ours) != len(theirs) {
		return fmt.Errorf("bench: outputs of %d and %d elements", len(ours), len(theirs))
	}
	for i, x := range ours {
		if difference := math.Abs(float64(x - theirs[i])); !(difference <= float64(q.terms)*0x1p-22) {
			return fmt.Errorf("bench: OpenBLAS computes something else: element %d is %g here, %g there", i, x, theirs[i])
		}
	}
	return nil
}

package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
)

// MatMulOptions say what MatMul measures.
type MatMulOptions struct {
	Rounds int      // 0: 15
	Only   []string // rows whose name begins with one of these; nil: all

	// Progress, if set, is told what is about to be measured; Warn what is left out, and why.
	Progress, Warn func(line string)
}

// matrices are a product of m x k and k x n floats, and the part of the peak of multiply-adds that it should reach, 0
// where its size leaves none to speak of.
type matrices struct {
	m, n, k int
	bar     float64
	a, b    []float32
}

func (q *matrices) String() string { return fmt.Sprintf("%dx%dx%d", q.m, q.n, q.k) }

// products are what MatMul measures: squares, and what a layer of a small network has.
func products() []*matrices {
	return []*matrices{
		{m: 128, n: 128, k: 128, bar: 75},
		{m: 256, n: 256, k: 256, bar: 85},
		{m: 512, n: 512, k: 512, bar: 88},
		{m: 1024, n: 1024, k: 1024, bar: 85},
		{m: 1, n: 10, k: 128},
		{m: 32, n: 784, k: 256},
		{m: 100, n: 10, k: 128},
		{m: 65, n: 33, k: 17},
	}
}

// rows are the names of a product's rows.
func (q *matrices) rows() (peak, beside string) {
	beside = q.String() + " beside OpenBLAS"
	if q.bar > 0 {
		peak = q.String() + " of the FMA peak"
	}
	return peak, beside
}

// MatMul measures products of float32 matrices, m x n x k by name, on one worker: beside OpenBLAS on one thread, and
// as a part of the peak of multiply-adds, which is the better one of a lane program and, where there is gcc, of C in
// the same rounds. An error comes with the rows that were measured until then.
func MatMul(ctx context.Context, o MatMulOptions) ([]Row, error) {
	k := KernelOptions{Rounds: o.Rounds, Only: o.Only, Progress: o.Progress, Warn: o.Warn}.complete()
	chosen, err := chosenProducts(k.Only)
	if err != nil {
		return nil, err
	}
	k.Progress("compiling the baselines")
	s := &suite{KernelOptions: k}
	if s.c, err = CompileBaseline(ctx); err != nil {
		s.Warn(fmt.Sprintf("%v; the peak is that of a lane program", err))
	}
	defer s.close()
	blas, err := compileOpenBLAS(ctx, "sgemm.c")
	if err != nil {
		s.Warn(fmt.Sprintf("%v; left out: the rows beside it", err))
	} else {
		defer blas.Close()
	}
	var rows []Row
	for _, q := range chosen {
		if err := ctx.Err(); err != nil {
			return rows, err
		}
		s.Progress("measuring " + q.String())
		more, err := s.product(ctx, blas, q)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", q, err)
		}
		rows = append(rows, slices.DeleteFunc(more, func(r Row) bool { return !wanted(k.Only, r.Name) })...)
	}
	return rows, nil
}

func wanted(only []string, name string) bool {
	return len(only) == 0 || slices.ContainsFunc(only, func(o string) bool { return strings.HasPrefix(name, o) })
}

// chosenProducts are those of which a row is wanted.
func chosenProducts(only []string) (chosen []*matrices, err error) {
	var names []string
	for _, q := range products() {
		peak, beside := q.rows()
		if peak != "" {
			names = append(names, peak)
		}
		names = append(names, beside)
		if wanted(only, peak) && peak != "" || wanted(only, beside) {
			chosen = append(chosen, q)
		}
	}
	for _, o := range only {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, o) }) {
			return nil, fmt.Errorf("%w: %q, expected the beginning of one of %q", ErrNoRow, o, names)
		}
	}
	return chosen, nil
}

// problem is the product as a program.
func (q *matrices) problem() *problem {
	m := &ir.Module{Name: "product"}
	a, b := m.AddBuffer("a", ir.F32, ir.Input, q.m, q.k), m.AddBuffer("b", ir.F32, ir.Input, q.k, q.n)
	c := m.AddBuffer("c", ir.F32, ir.Output, q.m, q.n)
	left, right := ir.Matrix{Row: q.k, Col: 1}, ir.Matrix{Row: q.n, Col: 1}
	m.AddMatMul("multiply", &ir.MatMul{M: q.m, N: q.n, K: q.k, A: left, B: right}, a, b, c)
	q.a, q.b = between(q.m*q.k, 11, -1, 1), between(q.k*q.n, 12, -1, 1)
	return &problem{module: m, inputs: [][]float32{q.a, q.b}}
}

// product measures one, beside OpenBLAS if it is there.
func (s *suite) product(ctx context.Context, blas *Baseline, q *matrices) ([]Row, error) {
	ours, err := q.problem().open(kernel.Options{Workers: 1})
	if err != nil {
		return nil, err
	}
	defer ours.close()
	sides := []Side{ours.run}
	if blas != nil {
		p, err := blas.start(ctx, openBLASEnvironment...)
		if err != nil {
			return nil, err
		}
		defer p.close()
		if err := q.check(ctx, ours, p); err != nil {
			return nil, err
		}
		sides = append(sides, p.run)
	}
	peaks, done, err := s.peakSides(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if q.bar > 0 {
		sides = append(sides, peaks...)
	}
	t, err := Rounds(ctx, s.Rounds, sides...)
	if err != nil {
		return nil, err
	}
	return q.report(t, blas != nil), nil
}

// check makes sure that OpenBLAS computes the same.
func (q *matrices) check(ctx context.Context, ours *job, p *peer) error {
	theirs, err := p.multiply(ctx, q)
	if err != nil {
		return err
	}
	if _, err := ours.run(ctx, 1); err != nil {
		return err
	}
	return near(ours.output(), theirs, q.k)
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

// report makes the rows of the rounds: ours, OpenBLAS if it is there, and the peaks.
func (q *matrices) report(t []Series, blas bool) (rows []Row) {
	peakName, beside := q.rows()
	flops := 2 * float64(q.m) * float64(q.n) * float64(q.k)
	rate := func(s Series, flops float64) Series {
		return s.zip(s, func(x, _ float64) float64 { return flops * 1e-9 / x })
	}
	peaks := t[1:]
	if blas {
		peaks = t[2:]
	}
	if q.bar > 0 {
		top := Series{}
		for _, p := range peaks {
			if r := rate(p, peakLanes*peakFlops); r.Median() > top.Median() {
				top = r
			}
		}
		r := Against(peakName, "%", Higher, rate(t[0], flops).Over(top).Times(100), q.bar)
		r.Note = fmt.Sprintf("a bar; the peak is %s GFLOP/s", figures(top.Median()))
		rows = append(rows, r)
	}
	switch {
	case blas && q.bar > 0:
		rows = append(rows, Compare(beside, "GFLOP/s", Higher, rate(t[0], flops), rate(t[1], flops)))
	case blas:
		rows = append(rows, Compare(beside, "us", Lower, t[0].Times(microseconds), t[1].Times(microseconds)))
	}
	return rows
}

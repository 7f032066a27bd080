package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
)

// ConvOptions say what Conv measures.
type ConvOptions struct {
	Rounds int      // 0: 15
	Only   []string // rows whose name begins with one of these; nil: all

	// Progress, if set, is told what is about to be measured; Warn what is left out, and why.
	Progress, Warn func(line string)
}

// layer is a convolution, and the part of the peak of multiply-adds that it should reach in each mode.
type layer struct {
	ir.Conv
	bars [3]float64
}

// layers are what Conv measures: those of a small network for handwritten digits, a middle one and the first one of a
// network for photographs.
func layers() []layer {
	square := func(batch, channels, side, filters, filter, stride int, bars [3]float64) layer {
		pad := filter / 2
		out := (side+2*pad-filter)/stride + 1
		return layer{ir.Conv{Batch: batch, Channels: channels, Filters: filters, Groups: 1, Height: side, Width: side,
			FilterHeight: filter, FilterWidth: filter, OutHeight: out, OutWidth: out, Stride: [2]int{stride, stride},
			Dilation: [2]int{1, 1}, Pad: [2]int{pad, pad}}, bars}
	}
	return []layer{
		square(32, 1, 28, 32, 3, 1, [3]float64{30, 20, 20}),
		square(32, 32, 28, 64, 3, 1, [3]float64{70, 70, 70}),
		square(16, 64, 56, 64, 3, 1, [3]float64{70, 70, 70}),
		square(1, 3, 224, 64, 7, 2, [3]float64{70, 50, 50}),
	}
}

// rows are the names of a layer's rows in its mode.
func (l *layer) rows() (peak, beside string) {
	name := fmt.Sprintf("%dx%dx%dx%d by %dx%dx%dx%d %v", l.Batch, l.Channels, l.Height, l.Width,
		l.Filters, l.Channels, l.FilterHeight, l.FilterWidth, l.Mode)
	return name + " of the FMA peak", name + " beside OpenBLAS"
}

// Conv measures convolutions of float32 in all modes on one worker, image by filter in their names: as a part of the
// peak of multiply-adds, see MatMul, and beside im2col matrices and OpenBLAS on one thread. An error comes with the
// rows that were measured until then.
func Conv(ctx context.Context, o ConvOptions) ([]Row, error) {
	k := KernelOptions{Rounds: o.Rounds, Only: o.Only, Progress: o.Progress, Warn: o.Warn}.complete()
	chosen, err := chosenLayers(k.Only)
	if err != nil {
		return nil, err
	}
	k.Progress("compiling the baselines")
	s := &suite{KernelOptions: k}
	if s.c, err = CompileBaseline(ctx); err != nil {
		s.Warn(fmt.Sprintf("%v; the peak is that of a lane program", err))
	}
	defer s.close()
	blas, err := compileOpenBLAS(ctx, "conv.c")
	if err != nil {
		s.Warn(fmt.Sprintf("%v; left out: the rows beside it", err))
	} else {
		defer blas.Close()
	}
	var rows []Row
	for _, l := range chosen {
		if err := ctx.Err(); err != nil {
			return rows, err
		}
		peak, _ := l.rows()
		s.Progress("measuring " + peak)
		more, err := s.layer(ctx, blas, l)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", peak, err)
		}
		rows = append(rows, slices.DeleteFunc(more, func(r Row) bool { return !wanted(k.Only, r.Name) })...)
	}
	return rows, nil
}

// chosenLayers are those, with their modes, of which a row is wanted.
func chosenLayers(only []string) (chosen []layer, err error) {
	var names []string
	for _, l := range layers() {
		for l.Mode = range ir.ConvFilter + 1 {
			peak, beside := l.rows()
			names = append(names, peak, beside)
			if wanted(only, peak) || wanted(only, beside) {
				chosen = append(chosen, l)
			}
		}
	}
	for _, o := range only {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, o) }) {
			return nil, fmt.Errorf("%w: %q, expected the beginning of one of %q", ErrNoRow, o, names)
		}
	}
	return chosen, nil
}

// problem is the convolution as a program, on numbers below 1.
func (l *layer) problem() *problem {
	m := &ir.Module{Name: "convolution"}
	first, second, out := l.Shapes()
	a, b := m.AddBuffer("first", ir.F32, ir.Input, first[:]...), m.AddBuffer("second", ir.F32, ir.Input, second[:]...)
	m.AddConv("convolve", l.Conv, a, b, m.AddBuffer("out", ir.F32, ir.Output, out[:]...))
	inputs := [][]float32{between(m.Buffers[a].Len(), 11, -1, 1), between(m.Buffers[b].Len(), 12, -1, 1)}
	return &problem{module: m, inputs: inputs}
}

// layer measures one, beside OpenBLAS if it is there.
func (s *suite) layer(ctx context.Context, blas *Baseline, l layer) ([]Row, error) {
	q := l.problem()
	ours, err := q.open(kernel.Options{Workers: 1})
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
		if err := l.check(ctx, q, ours, p); err != nil {
			return nil, err
		}
		sides = append(sides, p.run)
	}
	peaks, done, err := s.peakSides(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	t, err := Rounds(ctx, s.Rounds, append(sides, peaks...)...)
	if err != nil {
		return nil, err
	}
	return l.report(t, blas != nil), nil
}

// check makes sure that the other side computes the same.
func (l *layer) check(ctx context.Context, q *problem, ours *job, p *peer) error {
	theirs, err := p.convolve(ctx, l, q)
	if err != nil {
		return err
	}
	if _, err := ours.run(ctx, 1); err != nil {
		return err
	}
	return near(ours.output(), theirs, l.FMAs()/len(theirs))
}

// convolve hands over a convolution, see c/openblas/conv.c, and does it once.
func (p *peer) convolve(ctx context.Context, l *layer, q *problem) ([]float32, error) {
	w := bufio.NewWriterSize(p.orders, 1<<16)
	fmt.Fprintf(w, "load %d %d %d %d %d %d %d %d %d %d %d %d\n", l.Mode, l.Batch, l.Channels, l.Filters, l.Height, l.Width,
		l.FilterHeight, l.FilterWidth, l.OutHeight, l.OutWidth, l.Stride[0], l.Pad[0])
	for _, in := range q.inputs {
		binary.Write(w, binary.NativeEndian, in)
	}
	if err := w.Flush(); err != nil { // of any write before it, too
		return nil, p.failed(err)
	}
	if _, err := p.answers.ReadString('\n'); err != nil {
		return nil, p.failed(err)
	}
	p.loaded = &problem{lanes: q.module.Buffers[2].Len()}
	if _, err := p.run(ctx, 1); err != nil {
		return nil, err
	}
	return p.read()
}

// report makes the rows of the rounds: ours, OpenBLAS if it is there, and the peaks.
func (l *layer) report(t []Series, blas bool) (rows []Row) {
	peakName, beside := l.rows()
	flops := 2 * float64(l.FMAs())
	rate := func(s Series, flops float64) Series {
		return s.zip(s, func(x, _ float64) float64 { return flops * 1e-9 / x })
	}
	peaks := t[1:]
	if blas {
		peaks = t[2:]
	}
	top := Series{}
	for _, p := range peaks {
		if r := rate(p, peakLanes*peakFlops); r.Median() > top.Median() {
			top = r
		}
	}
	r := Against(peakName, "%", Higher, rate(t[0], flops).Over(top).Times(100), l.bars[l.Mode])
	r.Note = fmt.Sprintf("a bar; the peak is %s GFLOP/s", figures(top.Median()))
	if rows = append(rows, r); blas {
		rows = append(rows, Compare(beside, "GFLOP/s", Higher, rate(t[0], flops), rate(t[1], flops)))
	}
	return rows
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/baremetaldevx86/microdr/bench"
	"github.com/spf13/cobra"
)

func benchCommand(a *app) *cobra.Command {
	c := a.command(cobra.Command{
		Use:   "bench",
		Short: "Measure this machine and program side by side",
		Long: `Measure what this program does beside something that runs in turn with it:
medians of interleaved rounds, and their ratio, over 1 where ours is better.

With --json the result is an array of {"name","ours","baseline","unit","ratio"}.`,
		Args: cobra.NoArgs,
	}, func(c *cobra.Command, _ []string) error { return c.Help() })
	c.AddCommand(benchKernelsCommand(a), benchMatMulCommand(a), benchConvCommand(a), benchTensorsCommand(a))
	return c
}

func benchKernelsCommand(a *app) *cobra.Command {
	var o bench.KernelOptions
	c := a.command(cobra.Command{
		Use:   "kernels",
		Short: "Measure lane programs beside C, the portable executor and bars",
		Long: `Measure lane programs beside the same computation in C, compiled here by gcc for
this machine and checked to give the same bits; beside the portable executor;
and beside the bars that the design sets. Without gcc the rows that need it are
left out.`,
		Example: "  microdr bench kernels\n  microdr bench kernels --only elementwise,\"sphere tracing\" --rounds 31 --json",
		Args:    cobra.NoArgs,
	}, func(c *cobra.Command, _ []string) error {
		return a.benchKernels(c.Context(), o)
	})
	f := c.Flags()
	f.IntVar(&o.Rounds, "rounds", 15, "rounds of each side")
	f.StringSliceVar(&o.Only, "only", nil, "only rows whose names begin so")
	f.BoolVar(&o.Fits, "fits", false, "also whole fits of examples, beside the portable executor: minutes")
	f.StringVar(&o.Examples, "examples", "examples", "folder of the examples")
	f.IntVar(&o.Workers, "workers", 0, "goroutines where the rows do not say how many; 0: one per processor")
	return c
}

func (a *app) benchKernels(ctx context.Context, o bench.KernelOptions) error {
	if o.Rounds < 1 || o.Workers < 0 {
		return usageError{errors.New("--rounds: expected 1 or more, --workers: 0 or more")}
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	begun := time.Now()
	p := newProgress(a.stderr, a.quiet)
	o.Program = program
	o.Progress = func(line string) { p.show(fmt.Sprintf("%s, %.0f s so far", line, time.Since(begun).Seconds()), true) }
	o.Warn = func(line string) { p.clear(); fmt.Fprintln(a.stderr, line) }
	rows, err := bench.Kernels(ctx, o)
	p.clear()
	if err != nil && rows == nil {
		return classify(err)
	}
	if lost := a.printRows(rows); err == nil {
		err = lost
	}
	return classify(err)
}

func benchMatMulCommand(a *app) *cobra.Command {
	var o bench.MatMulOptions
	c := a.command(cobra.Command{
		Use:   "matmul",
		Short: "Measure matrix products beside OpenBLAS and the machine's peak",
		Long: `Measure products of float32 matrices, m x n x k by name, on one core: beside the
sgemm of OpenBLAS on one thread, and as a part of the peak of fused multiply-adds
that this machine reaches in the same rounds. Without gcc or OpenBLAS the rows
beside it are left out.`,
		Example: "  microdr bench matmul\n  microdr bench matmul --only 256x256x256,1x10x128 --rounds 31 --json",
		Args:    cobra.NoArgs,
	}, func(c *cobra.Command, _ []string) error { return a.benchMatMul(c.Context(), o) })
	c.Flags().IntVar(&o.Rounds, "rounds", 15, "rounds of each side")
	c.Flags().StringSliceVar(&o.Only, "only", nil, "only rows whose names begin so")
	return c
}

func (a *app) benchMatMul(ctx context.Context, o bench.MatMulOptions) error {
	if o.Rounds < 1 {
		return usageError{errors.New("--rounds: expected 1 or more")}
	}
	p := newProgress(a.stderr, a.quiet)
	o.Progress = func(line string) { p.show(line, true) }
	o.Warn = func(line string) { p.clear(); fmt.Fprintln(a.stderr, line) }
	rows, err := bench.MatMul(ctx, o)
	p.clear()
	if err != nil && rows == nil {
		return classify(err)
	}
	if lost := a.printRows(rows); err == nil {
		err = lost
	}
	return classify(err)
}

func benchConvCommand(a *app) *cobra.Command {
	var o bench.ConvOptions
	c := a.command(cobra.Command{
		Use:   "conv",
		Short: "Measure convolutions beside OpenBLAS and the machine's peak",
		Long: `Measure 2-d convolutions of float32 on one core, image by filter in the names, all
modes: forward, to the image and to the filter. Each is a part of the peak of fused
multiply-adds that this machine reaches in the same rounds, and stands beside the
same computed by im2col matrices and the sgemm of OpenBLAS on one thread. Without
gcc or OpenBLAS the rows beside it are left out.`,
		Example: "  microdr bench conv\n  microdr bench conv --only 32x1x28x28,32x32x28x28 --rounds 31 --json",
		Args:    cobra.NoArgs,
	}, func(c *cobra.Command, _ []string) error { return a.benchConv(c.Context(), o) })
	c.Flags().IntVar(&o.Rounds, "rounds", 15, "rounds of each side")
	c.Flags().StringSliceVar(&o.Only, "only", nil, "only rows whose names begin so")
	return c
}

func (a *app) benchConv(ctx context.Context, o bench.ConvOptions) error {
	if o.Rounds < 1 {
		return usageError{errors.New("--rounds: expected 1 or more")}
	}
	p := newProgress(a.stderr, a.quiet)
	o.Progress = func(line string) { p.show(line, true) }
	o.Warn = func(line string) { p.clear(); fmt.Fprintln(a.stderr, line) }
	rows, err := bench.Conv(ctx, o)
	p.clear()
	if err != nil && rows == nil {
		return classify(err)
	}
	if lost := a.printRows(rows); err == nil {
		err = lost
	}
	return classify(err)
}

func benchTensorsCommand(a *app) *cobra.Command {
	var o bench.TensorOptions
	c := a.command(cobra.Command{
		Use:   "tensors",
		Short: "Measure functions of tensors beside the memory's bandwidth and products alone",
		Long: `Measure compiled functions of float32 tensors. Elementwise operations and reductions
stand beside a triad, a + k*b, by as many workers: the ratio is the share of the
memory's bandwidth, and over 1 where tensors fit in caches. A cached step of training
of a tiny network stands beside a bar, and that of a network for handwritten digits
beside its matrix products alone. 64M elements need up to 1 GB of memory.`,
		Example: "  microdr bench tensors\n  microdr bench tensors --only step,\"sum 64M\" --workers 1 --rounds 31 --json",
		Args:    cobra.NoArgs,
	}, func(c *cobra.Command, _ []string) error { return a.benchTensors(c.Context(), o) })
	f := c.Flags()
	f.IntVar(&o.Rounds, "rounds", 15, "rounds of each side")
	f.StringSliceVar(&o.Only, "only", nil, "only rows whose names begin so")
	f.IntSliceVar(&o.Elements, "elements", []int{1 << 20, 1 << 26}, "elements of tensors that are streamed")
	f.IntSliceVar(&o.Workers, "workers", []int{2, 1}, "goroutines; each number has its rows")
	return c
}

func (a *app) benchTensors(ctx context.Context, o bench.TensorOptions) error {
	below1 := func(n int) bool { return n < 1 }
	if o.Rounds < 1 || slices.ContainsFunc(o.Elements, below1) || slices.ContainsFunc(o.Workers, below1) {
		return usageError{errors.New("--rounds, --elements and --workers: expected 1 or more")}
	}
	p := newProgress(a.stderr, a.quiet)
	o.Progress = func(line string) { p.show(line, true) }
	o.Warn = func(line string) { p.clear(); fmt.Fprintln(a.stderr, line) }
	rows, err := bench.Tensors(ctx, o)
	p.clear()
	if err != nil && rows == nil {
		return classify(err)
	}
	if lost := a.printRows(rows); err == nil {
		err = lost
	}
	return classify(err)
}

// printRows prints the result of any measurement: an array, or a table.
func (a *app) printRows(rows []bench.Row) error {
	if a.json {
		a.finished = true
		return a.writeJSON(append([]bench.Row{}, rows...)) // none are [], not null
	}
	if err := bench.WriteTable(a.stdout, rows); err != nil {
		return outputError{err}
	}
	return nil
}

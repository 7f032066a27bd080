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

// rowsCommand makes a command of a measurement that takes at least the options o, which it fills from flags. check looks
// at what other flags say.
func (a *app) rowsCommand(c cobra.Command, o *bench.Options, check func() error, measure func(context.Context) ([]bench.Row, error)) *cobra.Command {
	c.Args = cobra.NoArgs
	command := a.command(c, func(c *cobra.Command, _ []string) error {
		if o.Rounds < 1 {
			return usageError{errors.New("--rounds: expected 1 or more")}
		}
		if err := check(); err != nil {
			return err
		}
		return a.measureRows(c.Context(), o, measure)
	})
	command.Flags().IntVar(&o.Rounds, "rounds", 15, "rounds of each side")
	command.Flags().StringSliceVar(&o.Only, "only", nil, "only rows whose names begin so")
	return command
}

// measureRows measures and prints the rows, after an error those until then.
func (a *app) measureRows(ctx context.Context, o *bench.Options, measure func(context.Context) ([]bench.Row, error)) error {
	begun := time.Now()
	p := newProgress(a.stderr, a.quiet)
	o.Progress = func(line string) { p.show(fmt.Sprintf("%s, %.0f s so far", line, time.Since(begun).Seconds()), true) }
	o.Warn = func(line string) { p.clear(); fmt.Fprintln(a.stderr, line) }
	rows, err := measure(ctx)
	p.clear()
	if err != nil && rows == nil {
		return classify(err)
	}
	if lost := a.printRows(rows); err == nil {
		err = lost
	}
	return classify(err)
}

func benchKernelsCommand(a *app) *cobra.Command {
	var o bench.KernelOptions
	c := a.rowsCommand(cobra.Command{
		Use:   "kernels",
		Short: "Measure lane programs beside C, the portable executor and bars",
		Long: `Measure lane programs beside the same computation in C, compiled here by gcc for
this machine and checked to give the same bits; beside the portable executor;
and beside the bars that the design sets. Without gcc the rows that need it are
left out.`,
		Example: "  microdr bench kernels\n  microdr bench kernels --only elementwise,\"sphere tracing\" --rounds 31 --json",
	}, &o.Options, func() (err error) {
		if o.Workers < 0 {
			return usageError{errors.New("--workers: expected 0 or more")}
		}
		o.Program, err = os.Executable()
		return err
	}, func(ctx context.Context) ([]bench.Row, error) { return bench.Kernels(ctx, o) })
	f := c.Flags()
	f.BoolVar(&o.Fits, "fits", false, "also whole fits of examples, beside the portable executor: minutes")
	f.StringVar(&o.Examples, "examples", "examples", "folder of the examples")
	f.IntVar(&o.Workers, "workers", 0, "goroutines where the rows do not say how many; 0: one per processor")
	return c
}

func benchMatMulCommand(a *app) *cobra.Command {
	var o bench.Options
	return a.rowsCommand(cobra.Command{
		Use:   "matmul",
		Short: "Measure matrix products beside OpenBLAS and the machine's peak",
		Long: `Measure products of float32 matrices, m x n x k by name, on one core: beside the
sgemm of OpenBLAS on one thread, and as a part of the peak of fused multiply-adds
that this machine reaches in the same rounds. Without gcc or OpenBLAS the rows
beside it are left out.`,
		Example: "  microdr bench matmul\n  microdr bench matmul --only 256x256x256,1x10x128 --rounds 31 --json",
	}, &o, unchecked, func(ctx context.Context) ([]bench.Row, error) { return bench.MatMul(ctx, o) })
}

func benchConvCommand(a *app) *cobra.Command {
	var o bench.Options
	return a.rowsCommand(cobra.Command{
		Use:   "conv",
		Short: "Measure convolutions beside OpenBLAS and the machine's peak",
		Long: `Measure 2-d convolutions of float32 on one core, image by filter in the names, all
modes: forward, to the image and to the filter. Each is a part of the peak of fused
multiply-adds that this machine reaches in the same rounds, and stands beside the
same computed by im2col matrices and the sgemm of OpenBLAS on one thread. Without
gcc or OpenBLAS the rows beside it are left out.`,
		Example: "  microdr bench conv\n  microdr bench conv --only 32x1x28x28,32x32x28x28 --rounds 31 --json",
	}, &o, unchecked, func(ctx context.Context) ([]bench.Row, error) { return bench.Conv(ctx, o) })
}

func unchecked() error { return nil }

func benchTensorsCommand(a *app) *cobra.Command {
	var o bench.TensorOptions
	c := a.rowsCommand(cobra.Command{
		Use:   "tensors",
		Short: "Measure functions of tensors beside the memory's bandwidth and products alone",
		Long: `Measure compiled functions of float32 tensors. Elementwise operations and reductions
stand beside a triad, a + k*b, by as many workers: the ratio is the share of the
memory's bandwidth, and over 1 where tensors fit in caches. A cached step of training
of a tiny network stands beside a bar, and that of a network for handwritten digits
beside its matrix products alone. 64M elements need up to 1 GB of memory.`,
		Example: "  microdr bench tensors\n  microdr bench tensors --only step,\"sum 64M\" --workers 1 --rounds 31 --json",
	}, &o.Options, func() error {
		below1 := func(n int) bool { return n < 1 }
		if slices.ContainsFunc(o.Elements, below1) || slices.ContainsFunc(o.Workers, below1) {
			return usageError{errors.New("--elements, --workers: expected 1 or more")}
		}
		return nil
	}, func(ctx context.Context) ([]bench.Row, error) { return bench.Tensors(ctx, o) })
	c.Flags().IntSliceVar(&o.Elements, "elements", []int{1 << 20, 1 << 26}, "elements of tensors that are streamed")
	c.Flags().IntSliceVar(&o.Workers, "workers", []int{2, 1}, "goroutines; each number has its rows")
	return c
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

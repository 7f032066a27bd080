package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/baremetaldevx86/microdr/bench/heaps"
	"github.com/baremetaldevx86/microdr/mem/study"
	"github.com/spf13/cobra"
)

func memBenchCommand(a *app) *cobra.Command {
	var o heaps.Options
	var trace string
	c := a.command(cobra.Command{
		Use:   "bench",
		Short: "Measure our allocator beside others, in one run",
		Long: `Measure our allocator beside Go's make, a sync.Pool of powers of two,
modernc.org/memory, and, where gcc and the libraries are there, the malloc of
glibc, jemalloc and mimalloc: one recorded sequence of operations for all of
them, each in a process of its own, in rounds that alternate. A recording (see
microdr mem replay) given with --trace is done again by all of them, too.

With --json the result is an array of {"name","ours","baseline","unit","ratio"}.`,
		Example: "  microdr mem bench\n  microdr mem bench --only \"one worker\",\"memory peak mimalloc\" --operations 2000000",
		Args:    cobra.NoArgs,
	}, func(c *cobra.Command, _ []string) error { return a.memBench(c.Context(), o, trace) })
	f := c.Flags()
	f.IntVar(&o.Rounds, "rounds", 3, "rounds of each peer")
	f.IntVar(&o.Operations, "operations", heaps.Operations, "operations a worker in each pass")
	f.DurationVar(&o.Decay, "decay", heaps.Decay, "time for freed memory to go back to the system")
	f.StringVar(&trace, "trace", "", "a recording, or a text trace of the malloc lab, for the row of that name")
	f.StringSliceVar(&o.Only, "only", nil, "only rows whose names begin so")
	return c
}

// memPeerCommand is what memBench runs for the peers in Go.
func memPeerCommand(a *app) *cobra.Command {
	return a.command(cobra.Command{
		Use:    "bench-peer NAME",
		Short:  "Take the orders of microdr mem bench on stdin",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
	}, func(_ *cobra.Command, args []string) error { return heaps.Serve(args[0], os.Stdin, a.stdout) })
}

func (a *app) memBench(ctx context.Context, o heaps.Options, trace string) error {
	os.Unsetenv("MICRODR_MEMDEBUG") // nobody wants to know how long debugging takes
	if o.Rounds < 1 || o.Operations < 1 || o.Decay < 0 {
		return usageError{errors.New("--rounds, --operations: expected 1 or more, --decay: no negative time")}
	}
	var err error
	if trace != "" {
		if o.Trace, err = a.heapsTrace(trace); err != nil {
			return err
		}
	}
	if o.Program, err = os.Executable(); err != nil {
		return err
	}
	o.Args = []string{"mem", "bench-peer"}
	p := newProgress(a.stderr, a.quiet)
	var begun time.Time
	o.Progress = func(done, all int, next string) {
		if done == 0 {
			begun = time.Now()
		}
		line := "measuring " + next
		if all == 0 {
			line = next
		} else if rest := left(done, all, time.Since(begun).Seconds()); rest != "" {
			line += ", " + rest
		}
		p.show(line, true)
	}
	o.Warn = func(line string) { p.clear(); fmt.Fprintln(a.stderr, line) }
	rows, err := heaps.Measure(ctx, o)
	p.clear()
	if err != nil {
		return classify(err)
	}
	return classify(a.printRows(rows))
}

// heapsTrace reads a trace for all peers. They know no realloc, so it is an allocation and a free.
func (a *app) heapsTrace(path string) (*heaps.Trace, error) {
	trace, err := a.readTrace(path)
	if err != nil {
		return nil, err
	}
	t := &heaps.Trace{Name: path}
	for _, op := range trace.Ops {
		if op.Kind != study.OpAlloc {
			err = t.Free(uint64(op.ID))
		}
		if err == nil && op.Kind != study.OpFree {
			err = t.Alloc(uint64(op.ID), int(op.Size))
		}
		if err != nil {
			return nil, inputError{fmt.Errorf("%s: %w", path, err)}
		}
	}
	return t, nil
}

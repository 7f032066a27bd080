package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/mem/study"
	"github.com/spf13/cobra"
)

type replayFlags struct {
	policies []string
	plot     string
	rounds   int
	limit    int // MiB
}

func memReplayCommand(a *app) *cobra.Command {
	var o replayFlags
	c := a.command(cobra.Command{
		Use:   "replay TRACE",
		Short: "Play a recording to allocators of every textbook policy",
		Long: `Play a recording of allocations to allocators that each follow one policy, and
compare what they take in time and space. TRACE is a file that MICRODR_MEMTRACE
made of any run, or a text trace of the malloc lab of CS:APP: lines "a ID SIZE",
"r ID SIZE" and "f ID".

` + policyHelp() + `
The first byte of every page is written, as a program would. ns/op is the median
of --rounds rounds, in which the policies take turns; the latencies are of single
operations, without the writing and the clock. resident/live compares the peaks;
internal and external are fragmentation when most is live, and on average.`,
		Example: "  MICRODR_MEMTRACE=table.trace microdr fit examples/table\n  microdr mem replay table.trace --plot heaps.png\n  microdr mem replay table.trace --policy list,tlsf,classes --json",
		Args:    cobra.ExactArgs(1),
	}, func(c *cobra.Command, args []string) error { return a.memReplay(c.Context(), args[0], o) })
	f := c.Flags()
	f.StringSliceVar(&o.policies, "policy", []string{"all"}, "policies, by name; or all")
	f.StringVar(&o.plot, "plot", "", "draw the heaps and their fragmentation over time to this file, .png or .svg")
	f.IntVar(&o.rounds, "rounds", 5, "rounds of timing")
	f.IntVar(&o.limit, "limit", 4096, "MiB of address space that a policy may take")
	return c
}

func policyHelp() string {
	var text strings.Builder
	for _, k := range study.Kinds() {
		fmt.Fprintf(&text, "  %-8s %s\n", k.Name, k.About)
	}
	return text.String()
}

// kindsOf finds policies by name.
func kindsOf(names []string) ([]study.Kind, error) {
	var found []study.Kind
	all := []string{"all"}
	for _, k := range study.Kinds() {
		all = append(all, k.Name)
	}
	for _, name := range names {
		known := false
		for _, k := range study.Kinds() {
			if name == k.Name || name == "all" {
				known = true
				if !slices.ContainsFunc(found, func(f study.Kind) bool { return f.Name == k.Name }) {
					found = append(found, k)
				}
			}
		}
		if !known {
			return nil, usageError{fmt.Errorf("--policy: no policy %q, expected of %s", name, strings.Join(all, ", "))}
		}
	}
	return found, nil
}

// plotFormat is the format that a file's name asks for.
func plotFormat(path string) (string, error) {
	switch ext := filepath.Ext(path); ext {
	case "":
		return "", usageError{fmt.Errorf("--plot: %q has no extension, expected .png or .svg", path)}
	case ".png", ".svg":
		return ext[1:], nil
	default:
		return "", usageError{fmt.Errorf("--plot: %q, expected .png or .svg", path)}
	}
}

func (a *app) memReplay(ctx context.Context, path string, o replayFlags) error {
	os.Unsetenv("MICRODR_MEMDEBUG") // nobody wants to know how long debugging takes
	kinds, err := kindsOf(o.policies)
	if err != nil {
		return err
	}
	format := ""
	if o.plot != "" {
		if format, err = plotFormat(o.plot); err != nil {
			return err
		}
	}
	if o.rounds < 1 || o.limit < 1 || o.limit > 1<<20 {
		return usageError{errors.New("--rounds: expected 1 or more, --limit: 1 to 1048576")}
	}
	trace, err := a.readTrace(path)
	if err != nil {
		return err
	}
	p, begun := newProgress(a.stderr, a.quiet), time.Now()
	results, err := study.Replay(ctx, trace, kinds, study.ReplayOptions{Rounds: o.rounds, Limit: o.limit << 20,
		Progress: func(what string, done, of int) {
			elapsed := time.Since(begun).Seconds()
			p.show(join(what, fmt.Sprintf("%d of %d operations", done, of), pace(done, elapsed), left(done, of, elapsed)), false)
		}})
	p.clear()
	if err != nil {
		return err
	}
	if err := a.printReplay(trace, results); err != nil || format == "" {
		return err
	}
	return plotResults(o.plot, format, results)
}

// readTrace reads a trace, and says on stderr if it is the beginning of one.
func (a *app) readTrace(path string) (*study.Trace, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, inputError{err}
	}
	defer file.Close()
	trace, err := study.ReadTrace(file)
	if err != nil {
		return nil, inputError{fmt.Errorf("%s: %w", path, err)}
	}
	if trace.CutOff > 0 {
		fmt.Fprintf(a.stderr, "%s: byte %d: the recording is cut off here; %d operations before that are used\n", path, trace.CutOff, len(trace.Ops))
	}
	return trace, nil
}

func plotResults(path, format string, results []study.Result) error {
	panels := make([]study.Panel, len(results))
	for i, r := range results {
		panels[i] = r.Panel
	}
	err := film.WriteAtomic(path, func(w io.Writer) error { return study.Plot(w, format, panels) })
	if err != nil {
		return outputError{err}
	}
	return nil
}

func (a *app) printReplay(t *study.Trace, results []study.Result) error {
	if a.json {
		a.finished = true
		return a.writeJSON(results)
	}
	bytes, _ := t.Peak()
	if err := a.printf("%d operations on %d blocks, at most %s live\n\n", len(t.Ops), t.Blocks, bytesize(bytes)); err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "policy\tns/op\tp50 ns\tp99.9 ns\tmax us\tresident\tresident/live\tinternal\texternal\tmean internal\tmean external\tfaults\t")
	for _, r := range results {
		faults := "not counted"
		if r.Faults >= 0 {
			faults = fmt.Sprint(r.Faults)
		}
		fmt.Fprintf(w, "%s\t%.1f\t%.0f\t%.0f\t%.1f\t%s\t%.3f\t%.1f %%\t%.1f %%\t%.1f %%\t%.1f %%\t%s\t\n", r.Policy, r.Mean, r.P50, r.P999, r.Max/1000,
			bytesize(r.PeakResident), r.Ratio, 100*r.Internal, 100*r.External, 100*r.MeanInternal, 100*r.MeanExternal, faults)
	}
	if err := w.Flush(); err != nil {
		return outputError{err}
	}
	for _, r := range results {
		if r.Failed != "" {
			if err := a.printf("\n%s stopped early: %s", r.Policy, r.Failed); err != nil {
				return err
			}
		}
	}
	return a.printf("\n")
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/baremetaldevx86/microdr/mem"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

type topOptions struct {
	interval time.Duration
	count    int
	classes  bool
}

func memTopCommand(a *app) *cobra.Command {
	var o topOptions
	c := a.command(cobra.Command{
		Use:   "top [PID|RUN]",
		Short: "Show what a running microdr holds, live",
		Long: `Show the counters of a running microdr's allocators, again every interval until
it ends or Ctrl-C. The process is given by its number or by the folder of its
run. Without either, the processes that can be looked into are listed.

live      bytes asked for and not yet freed
peak      the most that live was
granted   bytes that the live blocks occupy
resident  bytes of pages handed out and not given back to the system
internal  the part of granted that nobody asked for
external  the part of resident that is in no live block

With --json every snapshot is a line.`,
		Example: "  microdr mem top\n  microdr mem top runs/table\n  microdr mem top 4711 --classes --interval 200ms",
		Args:    cobra.MaximumNArgs(1),
	}, func(c *cobra.Command, args []string) error {
		if o.interval <= 0 || o.count < 0 {
			return usageError{errors.New("--interval: expected more than 0, --count: 0 or more")}
		}
		if len(args) == 0 {
			return a.listRunning()
		}
		return a.top(c.Context(), args[0], o)
	})
	c.Flags().DurationVar(&o.interval, "interval", time.Second, "time between snapshots")
	c.Flags().IntVarP(&o.count, "count", "n", 0, "snapshots; 0: until the process ends")
	c.Flags().BoolVar(&o.classes, "classes", false, "also the size classes of every heap")
	return c
}

// listRunning lists the processes that can be looked into.
func (a *app) listRunning() error {
	all, err := running()
	if err != nil {
		return err
	}
	if a.json {
		a.finished = true
		return a.writeJSON(append([]*snapshot{}, all...))
	}
	if len(all) == 0 {
		return a.printf("no microdr is running that can be looked into\n")
	}
	t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "pid\ttime\tlive\tresident\t  command\t")
	for _, s := range all {
		total := s.total()
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t  %s\t\n", s.PID, duration(s.Seconds), bytesize(total.Live), bytesize(total.Resident), strings.Join(s.Command[1:], " "))
	}
	if err := t.Flush(); err != nil {
		return outputError{err}
	}
	return nil
}

// find returns the number of the process that a PID or a run's folder names.
func find(name string) (int, error) {
	if pid, err := strconv.Atoi(name); err == nil && pid > 0 {
		return pid, nil
	}
	folder, err := filepath.Abs(name)
	if err != nil {
		return 0, inputError{err}
	}
	all, err := running()
	if err != nil {
		return 0, err
	}
	for _, s := range all {
		if s.Folder == folder {
			return s.PID, nil
		}
	}
	return 0, inputError{fmt.Errorf("%s: expected the number of a process, or the folder of a run that is under way", name)}
}

// top shows a process until it ends.
func (a *app) top(ctx context.Context, name string, o topOptions) error {
	pid, err := find(name)
	if err != nil {
		return err
	}
	tick := time.NewTicker(o.interval)
	defer tick.Stop()
	var before *snapshot
	for shown := 0; ; {
		s, err := lookAt(pid)
		if err != nil {
			if before == nil {
				return inputError{err}
			}
			if alive(pid) {
				return err // it does not answer
			}
			return a.ended(pid)
		}
		if err := a.show(s, before, o.classes); err != nil {
			return err
		}
		if shown++; shown == o.count {
			return nil
		}
		before = s
		select {
		case <-ctx.Done():
			return nil // this is how people leave
		case <-tick.C:
		}
	}
}

func (a *app) ended(pid int) error {
	a.finished = true
	fmt.Fprintf(a.stderr, "microdr %d has ended\n", pid)
	return nil
}

// show prints a snapshot, on a terminal over the one before.
func (a *app) show(s, before *snapshot, classes bool) error {
	if a.json {
		return a.writeJSON(s)
	}
	var text strings.Builder
	s.write(&text, before, classes)
	if f, ok := a.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return a.printf("\x1b[H\x1b[J%s", text.String())
	}
	return a.printf("%s\n", text.String())
}

// write prints a snapshot, with rates if there is one before.
func (s *snapshot) write(w io.Writer, before *snapshot, classes bool) {
	fmt.Fprintf(w, "microdr %s, process %d, %s\n", strings.Join(s.Command[1:], " "), s.PID, duration(s.Seconds))
	fmt.Fprintf(w, "Go heap %s of %s", bytesize(int64(s.GoHeap)), bytesize(int64(s.GoTotal)))
	if s.Faults != nil {
		fmt.Fprintf(w, ", page faults %d minor, %d major", s.Faults.Minor, s.Faults.Major)
		if before != nil && before.Faults != nil && s.Seconds > before.Seconds {
			fmt.Fprintf(w, " (%.0f a second)", float64(s.Faults.Minor-before.Faults.Minor)/(s.Seconds-before.Seconds))
		}
	}
	fmt.Fprint(w, "\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "memory\tkind\tnumber\tlive\tpeak\tgranted\tresident\treserved\tinternal\texternal\tblocks\tallocations\ta second\t")
	for _, h := range s.Holdings {
		k := h.Total
		rate := ""
		if last := before.holding(h.Name, h.Kind); last != nil && s.Seconds > before.Seconds {
			rate = fmt.Sprintf("%.0f", float64(k.Allocations-last.Total.Allocations)/(s.Seconds-before.Seconds))
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%.1f %%\t%.1f %%\t%d\t%d\t%s\t\n", h.Name, h.Kind, h.Count, bytesize(k.Live), bytesize(k.Peak),
			bytesize(k.Granted), bytesize(k.Resident), bytesize(k.Reserved), 100*k.Internal(), 100*k.External(), k.Blocks, k.Allocations, rate)
	}
	t.Flush()
	if classes {
		s.writeClasses(w)
	}
}

func (s *snapshot) writeClasses(w io.Writer) {
	for _, h := range s.Holdings {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		for _, class := range h.Classes {
			if class.Allocations == 0 {
				continue
			}
			size := "larger"
			if class.Size > 0 {
				size = bytesize(int64(class.Size))
			}
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\t\n", size, class.Slabs, class.Blocks, class.Allocations, bytesize(class.Granted))
		}
		if h.Classes != nil {
			fmt.Fprintf(w, "\n%s, by size class: bytes of a block, slabs, live blocks, allocations, bytes\n", h.Name)
			t.Flush()
		}
	}
}

// holding returns what was held under a name before, or nil.
func (s *snapshot) holding(name, kind string) *mem.Holding {
	if s == nil {
		return nil
	}
	for i := range s.Holdings {
		if h := &s.Holdings[i]; h.Name == name && h.Kind == kind {
			return h
		}
	}
	return nil
}

func (s *snapshot) total() mem.Counters {
	var sum mem.Counters
	for _, h := range s.Holdings {
		sum.Live += h.Total.Live
		sum.Resident += h.Total.Resident
	}
	return sum
}

// bytesize prints bytes with three or four digits.
func bytesize(n int64) string {
	x, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	u := 0
	for ; x >= 1000 && u < len(units)-1; u++ {
		x /= 1024
	}
	if u == 0 || x >= 100 {
		return fmt.Sprintf("%.0f %s", x, units[u])
	}
	return fmt.Sprintf("%.1f %s", x, units[u])
}

func duration(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second / 10).String()
}

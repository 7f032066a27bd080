// Command microdr renders scenes, differentiates the renderings and fits
// scenes to photographs. It is flags, wiring and words on a terminal; what it
// must not know is how any of that is done, which packages render and fit do.
// Start reading at newRoot in root.go, then fit.go; exit.go lists the exit
// codes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/baremetaldevx86/microdr/mem"
	"github.com/baremetaldevx86/microdr/mem/study"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its surroundings as arguments; it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := interruptible()
	defer stop()
	a := &app{stdout: stdout, stderr: stderr, memory: mem.Options{Registry: &mem.Registry{}}}
	defer a.leave()
	finish, err := a.record()
	if err == nil {
		root := newRoot(a)
		root.SetArgs(args)
		err = finish(root.ExecuteContext(ctx))
	}
	if err == nil {
		return exitOK
	}
	if !a.started && !isExit(err) {
		err = usageError{err}
	}
	code := exitCode(ctx, err)
	var stopped interruption
	if errors.As(context.Cause(ctx), &stopped) && !isExit(err) || errors.As(err, &stopped) {
		err = stopped // whatever words it came back in
	}
	a.report(err, code)
	return code
}

// record lets every allocation be recorded if MICRODR_MEMTRACE names a file. What it returns ends that, and passes the
// error of the command on if there is one: what is wrong with the recording is but a line on stderr then. Processes that this one starts do not record.
func (a *app) record() (finish func(error) error, err error) {
	path := os.Getenv("MICRODR_MEMTRACE")
	if path == "" {
		return func(err error) error { return err }, nil
	}
	os.Unsetenv("MICRODR_MEMTRACE")
	r, err := study.Record(path)
	if err != nil {
		return nil, outputError{fmt.Errorf("MICRODR_MEMTRACE: %w", err)}
	}
	a.memory.Recorder = r
	return func(err error) error {
		lost := r.Close()
		switch {
		case lost == nil:
			return err
		case err == nil:
			return outputError{fmt.Errorf("MICRODR_MEMTRACE: %w", lost)}
		}
		fmt.Fprintf(a.stderr, "MICRODR_MEMTRACE: %v\n", lost)
		return err
	}, nil
}

// interruptible returns a context that the first Ctrl-C or SIGTERM ends; the
// second one ends the process as ever, in case the first is not heeded. Its
// cause is an interruption.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(interruption{s})
		case <-done:
			signal.Stop(signals)
		}
	}()
	return ctx, func() { close(done); cancel(nil) }
}

// report says on stderr what went wrong and, with --json, on stdout too unless
// the result stands there, which is the last line.
func (a *app) report(err error, code int) {
	var quiet silentError
	if errors.As(err, &quiet) {
		return
	}
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(a.stderr, "microdr: %v\nAdd --help to the command for its usage.\n", err)
	} else {
		fmt.Fprintln(a.stderr, err) // begins with its package
	}
	if a.json && !a.finished {
		a.writeJSON(map[string]any{"event": "error", "error": err.Error(), "code": code})
	}
}

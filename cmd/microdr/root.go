package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/baremetaldevx86/microdr/mem"
	"github.com/spf13/cobra"
)

// app is what the commands share.
type app struct {
	stdout, stderr io.Writer
	json           bool // results as JSON on stdout
	quiet          bool // no progress
	workers        int  // goroutines that run tiles; 0: one per processor
	data           string
	started        bool // the command line was understood
	finished       bool // the result stands on stdout

	memory  mem.Options // of everything that is allocated outside of the Go heap
	monitor *monitor    // once there is something to look at
}

// watched returns the options of memory that `microdr mem top` can look at from now on. folder is the run's, if there is
// one.
func (a *app) watched(folder string) mem.Options {
	if a.monitor == nil {
		a.monitor = startMonitor(a.memory.Registry, folder)
	}
	return a.memory
}

// leave ends what watches over the memory.
func (a *app) leave() {
	a.monitor.close()
	if leaks := a.memory.Registry.Leaks(); leaks != "" {
		fmt.Fprintf(a.stderr, "mem: never freed:\n%s", leaks)
	}
}

const rootHelp = `microdr renders scenes, differentiates the renderings and fits scenes to
photographs. A SCENE is a scene file, or a folder that holds scene.yaml.

Results go to stdout, progress and errors to stderr.

` + exitHelp

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "microdr",
		Short:         "Backpropagation, but through light",
		Long:          rootHelp,
		Example:       "  microdr fit examples/sphere -o runs/sphere\n  microdr render examples/table -o table.png",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	flags := root.PersistentFlags()
	flags.BoolVar(&a.json, "json", false, "print results as JSON")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "no progress on stderr")
	root.AddCommand(renderCommand(a), fitCommand(a), gradCommand(a), kernelCommand(a), trainCommand(a), benchCommand(a), memCommand(a), schemaCommand(a), versionCommand(a))
	return root
}

// command is a cobra command whose mistakes in the arguments are known to be
// usage errors because they come before body starts.
func (a *app) command(c cobra.Command, body func(c *cobra.Command, args []string) error) *cobra.Command {
	c.RunE = func(c *cobra.Command, args []string) error {
		a.started = true
		return body(c, args)
	}
	return &c
}

// sceneFlags are the flags of every command that reads a scene and computes.
func (a *app) sceneFlags(c *cobra.Command) {
	c.Flags().IntVar(&a.workers, "workers", 0, "goroutines that compute; 0: one per processor (no effect on results)")
	c.Flags().StringVar(&a.data, "data", "", "folder to look for the scene's image files in first")
}

// writeJSON prints one line; what cannot be marshalled is our own mistake.
func (a *app) writeJSON(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("microdr: %v", err))
	}
	if _, err := fmt.Fprintf(a.stdout, "%s\n", line); err != nil {
		return outputError{err}
	}
	return nil
}

// printf prints a result; a full disk behind stdout is an error.
func (a *app) printf(format string, args ...any) error {
	if _, err := fmt.Fprintf(a.stdout, format, args...); err != nil {
		return outputError{err}
	}
	return nil
}

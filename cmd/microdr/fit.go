package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/baremetaldevx86/microdr/fit"
	"github.com/baremetaldevx86/microdr/optim"
	"github.com/spf13/cobra"
)

func fitCommand(a *app) *cobra.Command {
	o := fit.Options{}
	c := a.command(cobra.Command{
		Use:   "fit SCENE",
		Short: "Fit a scene's parameters to its images",
		Long: `Fit the parameters that SCENE lists under fit.parameters to the images of its
views. The result is a table with standard errors, and a run folder with the
fitted scene, metrics.jsonl, images and report.html.

Ctrl-C stops the fit at the best point so far and leaves a complete run folder;
a second Ctrl-C ends the process at once.

With --json every step is a line {"event":"step",..}; the last line is
{"event":"result",..}.`,
		Example: "  microdr fit examples/sphere\n  microdr fit photo.yaml -o runs/photo --starts 20",
		Args:    cobra.ExactArgs(1),
	}, func(c *cobra.Command, args []string) error {
		return a.fit(c.Context(), args[0], o)
	})
	c.Flags().StringVarP(&o.Folder, "output", "o", "", "run folder, made if it is not there (default runs/NAME)")
	c.Flags().IntVar(&o.Starts, "starts", 0, "random starts; 0: as the scene says")
	c.Flags().IntVar(&o.Iterations, "iterations", 0, "most iterations; 0: as the scene says")
	a.sceneFlags(c)
	return c
}

func (a *app) fit(ctx context.Context, path string, o fit.Options) error {
	if o.Starts < 0 || o.Iterations < 0 {
		return usageError{fmt.Errorf("--starts and --iterations: expected 0 or more")}
	}
	s, err := a.load(path)
	if err != nil {
		return err
	}
	if o.Folder == "" {
		o.Folder = runFolder(path)
	}
	p := newProgress(a.stderr, a.quiet)
	var lost error // the first line that stdout did not take
	o.Workers, o.Memory = a.workers, a.watched(o.Folder)
	o.OnEvent = func(e fit.Event) {
		p.show(describe(e), false)
		if a.json && lost == nil {
			lost = a.writeJSON(e)
			a.finished = e.Kind == fit.ResultEvent
		}
	}
	result, err := fit.Run(ctx, s, o)
	p.clear()
	if err == nil {
		err = lost
	}
	if err != nil {
		return classify(err)
	}
	if !a.json {
		if err := a.printResult(result); err != nil {
			return err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return nil
}

// printResult prints the table, what to know about it, and where the rest is.
func (a *app) printResult(r *fit.Result) error {
	if err := r.WriteTable(a.stdout); err != nil {
		return outputError{err}
	}
	return a.printf("report: %s\n", filepath.Join(r.Folder, "report.html"))
}

// runFolder is where a run goes without -o: runs/ and the name of the scene's
// folder, then that of its file unless it is scene.yaml.
func runFolder(path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		absolute = path
	}
	if ext := filepath.Ext(absolute); ext != ".yaml" && ext != ".yml" {
		return filepath.Join("runs", filepath.Base(absolute))
	}
	name := filepath.Base(filepath.Dir(absolute))
	file := strings.TrimSuffix(filepath.Base(absolute), filepath.Ext(absolute))
	if file != "scene" {
		name += "-" + file
	}
	return filepath.Join("runs", name)
}

// describe is an event as a line of progress.
func describe(e fit.Event) string {
	switch e.Kind {
	case fit.StartEvent:
		h := &e.Hypothesis
		return join(fmt.Sprintf("start %d of %d", h.Index+1, h.Count), fmt.Sprintf("best loss %.4g", float64(h.Best)),
			pace(h.Index+1, h.Seconds), left(h.Index+1, h.Count, h.Seconds))
	case fit.StepEvent:
		s := &e.Step
		return join(fmt.Sprintf("iteration %d of at most %d", s.Iteration, s.Limit), fmt.Sprintf("1/%d size", s.Level),
			fmt.Sprintf("loss %.6g", float64(s.Loss)), pace(s.Iteration, s.Seconds), left(s.Iteration, s.Limit, s.Seconds))
	case fit.ResultEvent:
		verb := "done"
		if e.Result.Reason == string(optim.Cancelled) {
			verb = "stopped"
		}
		return fmt.Sprintf("%s after %d iterations and %.1f s, loss %.6g", verb, e.Result.Iterations, e.Result.Seconds, float64(e.Result.Loss))
	}
	return ""
}

func join(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, ", ")
}

package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/baremetaldevx86/microdr/fit"
	"github.com/baremetaldevx86/microdr/ir"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
	"github.com/spf13/cobra"
)

type kernelOptions struct {
	view, mode, stage, backend string
	summary, profile           bool
	rounds                     int
}

func kernelCommand(a *app) *cobra.Command {
	var o kernelOptions
	c := a.command(cobra.Command{
		Use:   "kernel SCENE",
		Short: "Show the programs of a scene and their machine code, or time them",
		Long: `Show what SCENE becomes: for every stage of a view's module the lowered program,
the machine code with the line of the program that each instruction stems from,
and at the end a table of the stages: registers, spills, bytes, compile time.
Derivatives are by all that the scene's fit moves.

With --profile, run it instead and print the time of every stage, and which
fractions of the machine's multiply-add peak and of its memory bandwidth it
reaches. Both peaks are measured in the same run, by lane programs.`,
		Example: "  microdr kernel examples/table --mode reverse | less\n" +
			"  microdr kernel examples/sphere --stage search\n" +
			"  microdr kernel examples/table --mode jacobian --profile",
		Args: cobra.ExactArgs(1),
	}, func(c *cobra.Command, args []string) error {
		if c.Flags().Changed("rounds") && !o.profile {
			return usageError{errors.New("--rounds belongs to --profile")}
		}
		if o.profile {
			return a.kernelProfile(c.Context(), args[0], o)
		}
		return a.kernelListing(args[0], o)
	})
	f := c.Flags()
	f.StringVar(&o.view, "view", "", "name of the view (default: the first)")
	f.StringVar(&o.mode, "mode", "image", "image, forward, reverse, jacobian or cover")
	f.StringVar(&o.stage, "stage", "", "only stages of this name")
	f.StringVar(&o.backend, "backend", "", "avx512, avx2 or eval (default: the best that this machine has)")
	f.BoolVar(&o.summary, "summary", false, "only the table of the stages")
	f.BoolVar(&o.profile, "profile", false, "run it and print the time of every stage")
	f.IntVar(&o.rounds, "rounds", 15, "with --profile: how often it runs")
	a.sceneFlags(c)
	c.MarkFlagsMutuallyExclusive("profile", "summary")
	return c
}

// kernelView is a view whose module of a mode is to be looked at.
type kernelView struct {
	scene  *scene.Scene
	name   string
	mode   render.Mode
	engine *kernel.Engine
	view   *render.View
}

// openKernel opens the view of the options for derivatives by all that the scene's fit moves.
func (a *app) openKernel(path string, o kernelOptions, observe func(kernel.Observation)) (*kernelView, error) {
	mode, backend, err := o.check()
	if err != nil {
		return nil, usageError{err}
	}
	s, err := a.load(path)
	if err != nil {
		return nil, err
	}
	v, err := viewNamed(s, o.view)
	if err != nil {
		return nil, err
	}
	params, perPixel, err := fit.Moved(s)
	if err != nil {
		return nil, classify(err)
	}
	if err := differentiable(mode, params, perPixel); err != nil {
		return nil, usageError{err}
	}
	k := &kernelView{scene: s, name: v.Name, mode: mode}
	k.engine = kernel.New(kernel.Options{Workers: a.workers, Backend: backend, Observe: observe, Memory: a.watched("")})
	if k.view, err = render.NewView(k.engine, s, v.Name, render.Options{Params: params, PerPixel: perPixel}); err != nil {
		k.engine.Close()
		return nil, inputError{err}
	}
	return k, nil
}

func (k *kernelView) close() {
	k.view.Close()
	k.engine.Close()
}

// check refuses what can be refused without the scene.
func (o *kernelOptions) check() (render.Mode, kernel.Backend, error) {
	mode, err := render.ParseMode(o.mode)
	if err != nil {
		return mode, kernel.Auto, fmt.Errorf("--mode: %w", err)
	}
	backend, err := kernel.ParseBackend(o.backend)
	switch has := kernel.Backends(); {
	case err != nil:
		return mode, backend, fmt.Errorf("--backend: %w", err)
	case backend != kernel.Auto && !slices.Contains(has, backend):
		return mode, backend, fmt.Errorf("--backend: this machine does not run %s, expected one of %q", backend, has)
	case o.rounds < 1:
		return mode, backend, errors.New("--rounds: expected 1 or more")
	}
	return mode, backend, nil
}

// differentiable tells whether there is something to take the derivatives of a mode by.
func differentiable(mode render.Mode, params, perPixel []string) error {
	switch mode {
	case render.Forward, render.Reverse:
		if len(params) == 0 && len(perPixel) > 0 {
			return fmt.Errorf("--mode %v: the scene's fit moves values per pixel alone, expected image, jacobian or cover", mode)
		}
	case render.Jacobian:
		params = append(slices.Clip(params), perPixel...)
	default:
		return nil
	}
	if len(params) == 0 {
		return fmt.Errorf("--mode %v: the scene has no fit.parameters to take derivatives by, expected image or cover", mode)
	}
	return nil
}

// wants tells whether a stage is asked for.
func (o *kernelOptions) wants(stage string) bool { return o.stage == "" || o.stage == stage }

// checkStage refuses the name of a stage that the module lacks.
func (o *kernelOptions) checkStage(m *ir.Module) error {
	var names []string
	for _, s := range m.Stages {
		if o.wants(s.Name) {
			return nil
		}
		names = append(names, s.Name)
	}
	return usageError{fmt.Errorf("--stage: no stage %q in mode %s, expected one of %q", o.stage, o.mode, names)}
}

// kernelListing shows the module without running it.
func (a *app) kernelListing(path string, o kernelOptions) error {
	k, err := a.openKernel(path, o, nil)
	if err != nil {
		return err
	}
	defer k.close()
	begun := time.Now()
	m, err := k.view.Module(k.mode)
	if err != nil {
		return inputError{err}
	}
	l := &listing{options: o, path: path, kernelView: k, trace: time.Since(begun)}
	if err := o.checkStage(m); err != nil {
		return err
	}
	if l.Explanation, err = k.engine.Explain(m); err != nil {
		return err
	}
	if a.json {
		return a.listingJSON(l)
	}
	if err := l.write(a.stdout); err != nil {
		return outputError{err}
	}
	return nil
}

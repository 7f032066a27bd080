package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/kernel"
	"github.com/baremetaldevx86/microdr/render"
	"github.com/baremetaldevx86/microdr/scene"
	"github.com/spf13/cobra"
)

// point says at which of its parameters' values a scene is taken.
type point struct{ start, truth bool }

func (p *point) flags(c *cobra.Command) {
	c.Flags().BoolVar(&p.start, "start", false, "with the fitted parameters at their starts")
	c.Flags().BoolVar(&p.truth, "truth", false, "with the fitted parameters at their truths")
	c.MarkFlagsMutuallyExclusive("start", "truth")
}

// of returns the scene there: as the file has it, unless a flag is set.
func (p point) of(s *scene.Scene) (out *scene.Scene, err error) {
	switch out = s; {
	case p.start:
		out, err = s.AtStart()
	case p.truth:
		out, err = s.AtTruth()
	}
	if err != nil {
		return nil, inputError{err}
	}
	return out, nil
}

type renderOptions struct {
	point
	output, view, encoding string
	samples, scale, bits   int
	seed                   uint32
	noise                  float64
}

func renderCommand(a *app) *cobra.Command {
	var o renderOptions
	c := a.command(cobra.Command{
		Use:   "render SCENE -o IMAGE",
		Short: "Render a view of a scene",
		Long: `Render a view of SCENE, its gain and bias applied, to IMAGE: .png, or .pfm for
linear float values.

With --truth, --seed, --noise and --bits it makes a target to try a fit on: what
a camera would have taken, not what the fit itself computes.`,
		Example: "  microdr render examples/table -o table.png\n" +
			"  microdr render examples/sphere --view from-side --truth --samples 256 --seed 7 --noise 0.002 --bits 8 -o side.png",
		Args: cobra.ExactArgs(1),
	}, func(c *cobra.Command, args []string) error {
		return a.render(c.Context(), args[0], o)
	})
	f := c.Flags()
	f.StringVarP(&o.output, "output", "o", "", "image file, .png or .pfm")
	f.StringVar(&o.view, "view", "", "name of the view (default: the first)")
	f.IntVar(&o.samples, "samples", 0, "samples per pixel; 0: as the camera says")
	f.IntVar(&o.scale, "scale", 1, "divide the resolution by this")
	f.Uint32Var(&o.seed, "seed", 0, "seed of the sample positions and the noise; 0: the scene's")
	f.Float64Var(&o.noise, "noise", 0, "standard deviation of Gaussian noise to add, linear")
	f.IntVar(&o.bits, "bits", 8, "bits per channel of a PNG, 8 or 16")
	f.StringVar(&o.encoding, "encoding", "", "srgb or linear values in a PNG (default: as the view's image)")
	o.point.flags(c)
	a.sceneFlags(c)
	must(c.MarkFlagRequired("output"))
	return c
}

// rendered is the result of render and of grad, as JSON.
type rendered struct {
	Event   string   `json:"event"`
	Image   string   `json:"image"`
	View    string   `json:"view"`
	Names   []string `json:"names,omitempty"` // of derivatives, left to right
	Scale   float64  `json:"scale,omitempty"` // value of the colour map's ends
	Width   int      `json:"width"`
	Height  int      `json:"height"`
	Seconds float64  `json:"seconds"`
}

func (a *app) render(ctx context.Context, path string, o renderOptions) error {
	begun := time.Now()
	if err := o.check(); err != nil {
		return usageError{err}
	}
	s, err := a.load(path)
	if err != nil {
		return err
	}
	if s, err = o.of(s); err != nil {
		return err
	}
	v, err := viewNamed(s, o.view)
	if err != nil {
		return err
	}
	if len(s.Objects) == 0 {
		fmt.Fprintf(a.stderr, "%s: the scene has no objects\n", path)
	}
	image, err := a.renderView(ctx, s, v, o)
	if err != nil {
		return err
	}
	out, err := o.out(v)
	if err != nil {
		return usageError{err}
	}
	if err := film.Save(o.output, image, out); err != nil {
		return outputError{err}
	}
	if a.json {
		return a.writeJSON(rendered{Event: "result", Image: o.output, View: v.Name, Width: image.Width, Height: image.Height, Seconds: time.Since(begun).Seconds()})
	}
	return a.printf("%s: %dx%d, view %s, %.2f s\n", o.output, image.Width, image.Height, v.Name, time.Since(begun).Seconds())
}

// check refuses what can be refused before any work is done.
func (o *renderOptions) check() error {
	if err := checkImageName(o.output); err != nil {
		return err
	}
	switch {
	case o.samples < 0 || o.scale < 1:
		return errors.New("--samples: expected 0 or more, --scale: 1 or more")
	case o.bits != 8 && o.bits != 16:
		return errors.New("--bits: expected 8 or 16")
	case !(o.noise >= 0) || math.IsInf(o.noise, 0):
		return errors.New("--noise: expected 0 or more")
	}
	return nil
}

// out is how the file is written: encoded as the view's target, if not said.
func (o *renderOptions) out(v *scene.View) (film.Output, error) {
	name := o.encoding
	if name == "" {
		name = v.Encoding
	}
	encoding, err := film.ParseEncoding(name)
	return film.Output{Encoding: encoding, Bits: o.bits}, err
}

// checkImageName refuses a file that film does not write.
func checkImageName(path string) error {
	format, err := film.FormatOf(path)
	if err != nil || format != film.PNG && format != film.PFM {
		return fmt.Errorf("%s: expected a name ending in .png or .pfm", path)
	}
	return nil
}

// viewNamed finds a view; "" is the first.
func viewNamed(s *scene.Scene, name string) (*scene.View, error) {
	if name == "" {
		return &s.Views[0], nil
	}
	if v := s.View(name); v != nil {
		return v, nil
	}
	names := make([]string, len(s.Views))
	for i, v := range s.Views {
		names[i] = v.Name
	}
	return nil, usageError{fmt.Errorf("--view: no view %q, expected one of %q", name, names)}
}

// renderView renders, applies gain and bias, and adds the noise.
func (a *app) renderView(ctx context.Context, s *scene.Scene, v *scene.View, o renderOptions) (*film.Image, error) {
	engine := kernel.New(kernel.Options{Workers: a.workers, Memory: a.watched("")})
	defer engine.Close()
	view, err := render.NewView(engine, s, v.Name, render.Options{Scale: o.scale, Samples: o.samples, Seed: o.seed})
	if err != nil {
		return nil, inputError{err}
	}
	defer view.Close()
	p := newProgress(a.stderr, a.quiet)
	p.show("rendering "+v.Name, false)
	pixels, err := view.Render(ctx, s)
	p.clear()
	if err != nil {
		return nil, err
	}
	noise := gaussian(&scene.Random{Key: uint64(o.seed), Stream: 1 << 33})
	for i, x := range pixels {
		pixels[i] = float32(v.Gain*float64(x) + v.Bias)
		if o.noise > 0 {
			pixels[i] += float32(o.noise * noise())
		}
	}
	return render.Image(view, pixels), nil
}

// gaussian draws from the standard normal distribution (Box and Muller).
func gaussian(r *scene.Random) func() float64 {
	return func() float64 {
		u, v := 1-r.Float64(), r.Float64()
		return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
	}
}

// must is for what only our own mistake can make fail.
func must(err error) {
	if err != nil {
		panic("microdr: " + err.Error())
	}
}

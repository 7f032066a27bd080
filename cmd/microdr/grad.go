package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/fit"
	"github.com/spf13/cobra"
)

type gradOptions struct {
	point
	output, view, param   string
	check                 bool
	samples, scale, seeds int
	size                  int
	seed                  uint32
}

func gradCommand(a *app) *cobra.Command {
	var o gradOptions
	c := a.command(cobra.Command{
		Use:   "grad SCENE (--param PATH -o IMAGE | --check)",
		Short: "Paint the derivative of a rendering, or check all derivatives",
		Long: `Paint the derivative of a view of SCENE by the parameter at PATH: red where the
image grows brighter, blue where it grows darker, gray where nothing changes. A
parameter of several numbers gives as many pictures, side by side. With a .pfm
as IMAGE it holds the signed values themselves.

With --check, compare for every fitted parameter reverse mode, forward mode and
central differences in float64, with a confidence interval over several seeds
of the sample positions, on pictures of at most --size pixels. A derivative that
disagrees, or is zero where the image moves, makes the exit code 1; "unsure" (the
interval is wider than the derivative: more --seeds help) does not. The column
"reverse" is the mean over the seeds; "forward" is compared with reverse at the
first seed, whose value it shows.`,
		Example: "  microdr grad examples/sphere --param ball.center.x -o dx.png\n  microdr grad examples/table --check",
		Args:    cobra.ExactArgs(1),
	}, func(c *cobra.Command, args []string) error {
		if o.check {
			return a.gradCheck(c.Context(), args[0], o)
		}
		return a.gradImage(c.Context(), args[0], o)
	})
	f := c.Flags()
	f.StringVar(&o.param, "param", "", "path of a number of the scene, such as ball.center.x")
	f.StringVarP(&o.output, "output", "o", "", "image file, .png or .pfm")
	f.BoolVar(&o.check, "check", false, "check the derivatives of the fitted parameters")
	f.StringVar(&o.view, "view", "", "name of the view (default: the first; with --check: all)")
	f.IntVar(&o.samples, "samples", 0, "samples per pixel; 0: as the camera says, with --check 16")
	f.IntVar(&o.scale, "scale", 1, "divide the resolution by this")
	f.IntVar(&o.seeds, "seeds", 8, "with --check: seeds, at least 3")
	f.IntVar(&o.size, "size", 48, "with --check: the pictures' longer side, at most")
	f.Uint32Var(&o.seed, "seed", 0, "seed of the sample positions; 0: the scene's")
	o.point.flags(c)
	a.sceneFlags(c)
	c.MarkFlagsMutuallyExclusive("param", "check")
	c.MarkFlagsOneRequired("param", "check")
	return c
}

func (a *app) gradImage(ctx context.Context, path string, o gradOptions) error {
	begun := time.Now()
	if o.output == "" {
		return usageError{errors.New("--output: expected the image to write")}
	}
	if err := checkImageName(o.output); err != nil {
		return usageError{err}
	}
	if o.samples < 0 || o.scale < 1 {
		return usageError{errors.New("--samples: expected 0 or more, --scale: 1 or more")}
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
	derivatives, err := fit.Derivatives(ctx, s, o.param, fit.DerivativeOptions{View: v.Name, Samples: o.samples, Seed: o.seed, Scale: o.scale, Workers: a.workers, Memory: a.watched("")})
	if err != nil {
		return classify(err)
	}
	r := rendered{Event: "result", Image: o.output, View: v.Name}
	image, err := r.sheet(derivatives, o.output)
	if err != nil {
		return inputError{err}
	}
	if err := film.Save(o.output, image, film.Output{}); err != nil {
		return outputError{err}
	}
	r.Width, r.Height, r.Seconds = image.Width, image.Height, time.Since(begun).Seconds()
	if a.json {
		return a.writeJSON(r)
	}
	return a.printf("%s: %s, view %s, red %+.4g, blue %+.4g, %.2f s\n", o.output, strings.Join(r.Names, " | "), r.View, r.Scale, -r.Scale, r.Seconds)
}

// sheet sets the derivatives side by side, on one scale, as colours unless
// the file is to hold the values.
func (r *rendered) sheet(derivatives []fit.Derivative, path string) (*film.Image, error) {
	var images []*film.Image
	for _, d := range derivatives {
		r.Names = append(r.Names, d.Name)
		r.Scale = max(r.Scale, d.Image.MaxAbs())
		images = append(images, d.Image)
	}
	if format, err := film.FormatOf(path); err == nil && format != film.PFM {
		for i, im := range images {
			images[i] = im.DivergingMap(r.Scale)
		}
	}
	if len(images) == 1 {
		return images[0], nil
	}
	return film.Tile(images, 0, 2, [3]float32{1, 1, 1})
}

func (a *app) gradCheck(ctx context.Context, path string, o gradOptions) error {
	if o.seeds < 3 || o.size < 4 || o.samples < 0 {
		return usageError{errors.New("--seeds: expected 3 or more, --size: 4 or more, --samples: 0 or more")}
	}
	if o.output != "" {
		return usageError{errors.New("--output belongs to --param, not to --check")}
	}
	s, err := a.load(path)
	if err != nil {
		return err
	}
	if s, err = o.of(s); err != nil {
		return err
	}
	p := newProgress(a.stderr, a.quiet)
	begun := time.Now()
	check, err := fit.CheckGradients(ctx, s, fit.CheckOptions{View: o.view, Workers: a.workers, Memory: a.watched(""), Seeds: o.seeds, Size: o.size, Samples: o.samples,
		OnRow: func(done, total int) {
			seconds := time.Since(begun).Seconds()
			p.show(join(fmt.Sprintf("checked %d of %d", done, total), pace(done, seconds), left(done, total, seconds)), false)
		}})
	p.clear()
	if err != nil {
		return classify(err)
	}
	if a.json {
		err = a.writeJSON(check)
	} else if err = check.WriteTable(a.stdout); err != nil {
		err = outputError{err}
	}
	if err == nil && !check.OK {
		err = silentError{errors.New("a derivative disagrees")}
	}
	return err
}

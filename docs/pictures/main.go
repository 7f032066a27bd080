// Command pictures makes the picture at the top of the README: it fits examples/table and sets what the fit started
// from, where it ended, what it was shown and the image's derivative by the sun's direction side by side. Run it from the
// root of the repository; it takes some minutes.
//
//	go run ./docs/pictures
//
// With folders of examples as arguments it makes the pictures of their READMEs instead:
//
//	go run ./docs/pictures examples/*/
//
// and with the word memory the pictures and tables of docs/memory.md, best on a quiet machine:
//
//	go run ./docs/pictures memory
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/fit"
	"github.com/baremetaldevx86/microdr/scene"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := makeAll(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// makeAll makes the README's picture, or those of the examples given.
func makeAll(ctx context.Context, examples []string) error {
	if len(examples) == 0 {
		return hero(ctx, "examples/table", "docs/hero.png")
	}
	if examples[0] == "memory" {
		return memory(ctx)
	}
	for _, path := range examples {
		if err := example(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

// hero writes start, fitted, target and a derivative of a scene's first view to one picture.
func hero(ctx context.Context, path, out string) error {
	s, err := scene.Load(path)
	if err != nil {
		return err
	}
	run, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return err
	}
	defer os.RemoveAll(run)
	result, err := fit.Run(ctx, s, fit.Options{Folder: run, OnEvent: progress})
	if err != nil {
		return err
	}
	var images []*film.Image
	for _, name := range []string{"start", "end", "target"} {
		im, err := film.Load(filepath.Join(run, s.Views[0].Name+"-"+name+".png"), film.SRGB)
		if err != nil {
			return err
		}
		images = append(images, im)
	}
	shadows, err := fit.Derivatives(ctx, result.Scene, "sun.direction", fit.DerivativeOptions{Samples: 64})
	if err != nil {
		return err
	}
	images = append(images, shadows[0].Image.DivergingMap(0.5*shadows[0].Image.MaxAbs()))
	sheet, err := film.Tile(images, 4, 8, [3]float32{1, 1, 1})
	if err != nil {
		return err
	}
	return film.Save(out, sheet, film.Output{})
}

func progress(e fit.Event) {
	if e.Kind == fit.StepEvent {
		fmt.Fprintf(os.Stderr, "\riteration %d, loss %.3g ", e.Step.Iteration, float64(e.Step.Loss))
	}
}

package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/fit"
	"github.com/baremetaldevx86/microdr/scene"
)

// example fits an example and writes what the run folder shows of its first
// view to the picture of its README.
func example(ctx context.Context, path string) error {
	s, err := scene.Load(path)
	if err != nil {
		return err
	}
	run, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return err
	}
	defer os.RemoveAll(run)
	if _, err := fit.Run(ctx, s, fit.Options{Folder: run, OnEvent: progress}); err != nil {
		return err
	}
	return sheet(run, s.Views[0].Name, filepath.Join(path, "picture.png"))
}

// sheet sets a run's pictures side by side: maps where it fitted some, else
// start, end, target and difference. Small ones are enlarged, large ones
// reduced.
func sheet(run, view, out string) error {
	names := []string{"stone.normal.png", "stone.normal-stderr.png"}
	if _, err := os.Stat(filepath.Join(run, names[0])); err != nil {
		names = nil
		for _, what := range []string{"start", "end", "target", "difference"} {
			names = append(names, view+"-"+what+".png")
		}
	}
	var images []*film.Image
	for _, name := range names {
		im, err := film.Load(filepath.Join(run, name), film.SRGB)
		if err != nil {
			return err
		}
		if im.Width > 320 {
			im = im.Downsample((im.Width + 319) / 320)
		}
		images = append(images, enlarged(im, max(1, 192/im.Width)))
	}
	tiled, err := film.Tile(images, len(images), 4, [3]float32{1, 1, 1})
	if err != nil {
		return err
	}
	return film.Save(out, tiled, film.Output{})
}

// enlarged repeats every pixel.
func enlarged(im *film.Image, factor int) *film.Image {
	out := film.New(im.Width*factor, im.Height*factor, im.Channels)
	for y := range out.Height {
		for x := range out.Width {
			copy(out.At(x, y), im.At(x/factor, y/factor))
		}
	}
	return out
}

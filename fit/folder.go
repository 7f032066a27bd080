package fit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/baremetaldevx86/microdr/film"
	"github.com/baremetaldevx86/microdr/scene"
)

// The run folder:
//
//	scene.yaml        the fitted scene, ready to render or to fit again
//	metrics.jsonl     every step, then the result, one JSON object a line
//	VIEW-start.png    and -end, -target, -difference for every view
//	report.html       all of it on one page, self-contained
//
// The files appear together when all are written (see staging), report.html
// last; a run that fails leaves the folder as it was.

// prepareFolder makes the folder, and fails before any work is done where
// nothing can be written to it.
func (f *fitter) prepareFolder() (err error) {
	if f.Folder != "" {
		f.staging, err = openStaging(f.Folder)
	}
	return err
}

// finish writes the run folder and tells the result.
func (f *fitter) finish(ctx context.Context, r *Result) error {
	if f.Folder != "" {
		if err := f.writeFolder(ctx, r); err != nil {
			return &FolderError{fmt.Errorf("fit: run folder: %w", err)}
		}
	}
	f.tell(Event{Kind: ResultEvent, Result: r})
	return nil
}

func (f *fitter) writeFolder(ctx context.Context, r *Result) error {
	var views []viewPictures
	for i := range f.targets {
		v, err := f.viewPictures(ctx, r, i)
		if err != nil {
			return err
		}
		views = append(views, v)
	}
	return f.writeFiles(r, views)
}

// writeFiles writes pictures, log, scene and, last, the report.
func (f *fitter) writeFiles(r *Result, views []viewPictures) error {
	if err := encode(f.crew, views); err != nil {
		return err
	}
	metrics, err := f.metrics(r)
	if err != nil {
		return err
	}
	report, err := writeReport(f.title(), r, f.steps, views)
	if err != nil {
		return err
	}
	files := []file{{"metrics.jsonl", metrics}, {"scene.yaml", scene.Print(f.portable(r.Scene))}, {"report.html", report}}
	for _, v := range views {
		for _, p := range v.pictures {
			files = append(files, file{p.file, p.png})
		}
	}
	errs := make([]error, len(files))
	var wait sync.WaitGroup
	for i, x := range files { // at once: each waits for the disk
		wait.Go(func() { errs[i] = film.WriteFile(filepath.Join(f.staging.temp, x.name), x.data) })
	}
	wait.Wait()
	if err := first(errs); err != nil {
		return err
	}
	return f.staging.publish()
}

// file is one of the run folder.
type file struct {
	name string
	data []byte
}

func (f *fitter) title() string {
	dir, err := filepath.Abs(f.start.Dir)
	if err != nil {
		return "microdr fit"
	}
	return "microdr fit of " + filepath.Base(dir)
}

// metrics is the log of the run.
func (f *fitter) metrics(r *Result) ([]byte, error) {
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	for _, s := range f.steps {
		if err := lines.Encode(s); err != nil {
			return nil, err
		}
	}
	err := lines.Encode(r)
	return out.Bytes(), err
}

// portable returns the fitted scene with its files' names relative to the run
// folder, where that is possible, and the fit's starts at the fitted values,
// so that fitting it again goes on from there.
func (f *fitter) portable(s *scene.Scene) *scene.Scene {
	out := s.Clone()
	for i := range out.Fit.Parameters {
		p := &out.Fit.Parameters[i]
		if values, err := out.Get(p.Path); err == nil && p.Start != nil && len(values) > 0 {
			p.Start = values
		}
	}
	out.Fit.Starts = nil
	for i := range out.Views {
		f.relocate(&out.Views[i].Image)
		if m := out.Views[i].Mask; m != nil {
			f.relocate(&m.File)
		}
	}
	for i := range out.Materials {
		f.relocateMaterial(out.Materials[i].Name, out.Materials[i].Diffuse)
	}
	for i := range out.Objects {
		if m := out.Objects[i].Material; m != nil {
			f.relocateMaterial(out.Objects[i].Name+".material", m.Diffuse)
		}
	}
	return out
}

// relocateMaterial relocates a material's files; fitted maps start from what
// the run folder holds of them.
func (f *fitter) relocateMaterial(root string, d *scene.Diffuse) {
	if d == nil {
		return
	}
	if d.Albedo.Image != nil {
		f.relocate(&d.Albedo.Image.File)
	}
	if m := d.Albedo.PerPixel; m != nil {
		f.relocate(&m.File)
		if slices.Contains(f.mapPaths, root+".albedo") {
			m.File = mapFile(root+".albedo", ".pfm")
		}
	}
	if d.Normal != nil && d.Normal.PerPixel != nil {
		m := d.Normal.PerPixel
		f.relocate(&m.File)
		if slices.Contains(f.mapPaths, root+".normal") {
			m.File = mapFile(root+".normal", ".pfm")
		}
	}
}

// mapFile is the name of a map's file in the run folder.
func mapFile(path, ending string) string { return strings.ReplaceAll(path, "/", "-") + ending }

// relocate makes a path that was relative to the scene relative to the run
// folder.
func (f *fitter) relocate(path *string) {
	if *path == "" || filepath.IsAbs(*path) {
		return
	}
	from, err1 := filepath.Abs(f.Folder)
	to, err2 := filepath.Abs(filepath.Join(f.start.Dir, *path))
	if err1 != nil || err2 != nil {
		return
	}
	if rel, err := filepath.Rel(from, to); err == nil {
		*path = filepath.ToSlash(rel)
	}
}

// viewPictures renders a view at the start and at the end, at full
// resolution, beside its target and the difference.
func (f *fitter) viewPictures(ctx context.Context, r *Result, i int) (viewPictures, error) {
	view, err := f.wholeView(r.Scene, i)
	if err != nil {
		return viewPictures{}, err
	}
	if f.level == nil || view != f.level.views[i] {
		defer view.view.Close()
	}
	end := f.vec.At(r.Scene)
	shown := f.targets[i]
	if shown.weights, err = view.counted(ctx, end, &shown); err != nil {
		return viewPictures{}, err
	}
	before, err := view.wholeImage(ctx, f.vec)
	if err != nil {
		return viewPictures{}, err
	}
	after, err := view.wholeImage(ctx, end)
	if err != nil {
		return viewPictures{}, err
	}
	width, height := view.view.Size()
	picture := func(vec *scene.Vector, pixels []float32) func() (*film.Image, error) {
		v := vec.Scene().View(view.name)
		return sync.OnceValues(func() (*film.Image, error) { return withGain(v, pixels, width, height), nil })
	}
	return comparison(&shown, picture(f.vec, before), picture(end, after)), nil
}

// wholeImage is the image of all pixels. Those around a mask may be there
// already: the cost of the same point has needed them.
func (v *levelView) wholeImage(ctx context.Context, vec *scene.Vector) ([]float32, error) {
	if v.chosen != nil {
		v.choose(nil)
	}
	near, err := v.render(ctx, vec)
	if err != nil {
		return nil, err
	}
	if v.pixels == nil || len(v.pixels) == v.width*v.height {
		return slices.Clone(near), nil // the picture is painted when the view has rendered others
	}
	image := make([]float32, 3*v.width*v.height)
	rest := make([]int32, 0, v.width*v.height-len(v.pixels))
	next := 0
	for p := range int32(v.width * v.height) {
		if next < len(v.pixels) && v.pixels[next] == p {
			copy(image[3*p:], near[3*next:3*next+3])
			next++
		} else {
			rest = append(rest, p)
		}
	}
	v.view.SetPixels(rest)
	defer v.view.SetPixels(v.pixels)
	far, err := v.view.RenderInto(ctx, vec.Scene(), nil)
	if err != nil {
		return nil, err
	}
	for i, p := range rest {
		copy(image[3*p:3*p+3], far[3*i:])
	}
	return image, nil
}

// wholeView returns view i at full resolution, for images: the kept level's, if
// it can show all pixels.
func (f *fitter) wholeView(s *scene.Scene, i int) (*levelView, error) {
	if l := f.level; l != nil && l.scale == 1 {
		if v := l.views[i]; v.mask != nil || len(v.pixels) == v.width*v.height {
			return v, nil
		}
	}
	size := f.targets[i].image
	v := &levelView{name: f.targets[i].view, width: size.Width, height: size.Height}
	if m := s.View(v.name).Mask; m != nil && m.Object != "" {
		v.mask = m
	}
	var err error
	v.view, err = f.open(s, v.name, viewOptions{scale: 1, seed: f.viewSeed(i), movable: v.mask != nil})
	v.slope = v.view // v.pixels stays nil: it shows all
	return v, err
}

// counted is the weights of a target with the view's mask by object at a point.
func (v *levelView) counted(ctx context.Context, vec *scene.Vector, t *target) (*film.Image, error) {
	if v.mask == nil {
		return t.weights, nil
	}
	inside, err := v.whole(ctx, vec)
	if err != nil {
		return nil, err
	}
	out := t.weights.Clone()
	for i, in := range shrink(inside, out.Width, out.Height, v.mask.Margin) {
		if !in {
			out.Pix[i] = 0
		}
	}
	return out, nil
}

// comparison sets a view's start and end beside its target.
func comparison(t *target, before, after func() (*film.Image, error)) viewPictures {
	difference := func() (*film.Image, error) {
		fitted, err := after()
		if err != nil {
			return nil, err
		}
		return differenceMap(fitted, t)
	}
	return viewPictures{t.view, []picture{
		{t.view + "-start.png", "start", before, film.Output{}, nil},
		{t.view + "-end.png", "fitted", after, film.Output{}, nil},
		t.picture(),
		{t.view + "-difference.png", "fitted - target, where it counts (blue: too dark, red: too bright)", difference, film.Output{}, nil},
	}}
}

// picture shows the target.
func (t *target) picture() picture {
	p := picture{t.view + "-target.png", "target", ready(t.image), film.Output{}, nil}
	if t.png != nil {
		p.png = t.png() // nil after an error, which encode meets again
	}
	return p
}

// encodeTargets makes the targets' files while the optimizer, which can't use
// all cores all of the time, runs.
func (f *fitter) encodeTargets() {
	if f.Folder == "" {
		return
	}
	for i := range f.targets {
		p := f.targets[i].picture()
		done := make(chan []byte, 1)
		f.targets[i].png = sync.OnceValue(func() []byte { return <-done })
		go func() {
			if p.encode() != nil {
				p.png = nil
			}
			done <- p.png
		}()
	}
}

// withGain is a rendered image with a view's gain and bias.
func withGain(v *scene.View, pixels []float32, width, height int) *film.Image {
	im := film.New(width, height, 3)
	for i, x := range pixels {
		im.Pix[i] = float32(v.Gain*float64(x) + v.Bias)
	}
	return im
}

// differenceMap paints fitted - target where the target counts.
func differenceMap(fitted *film.Image, t *target) (*film.Image, error) {
	if t.image.Channels == 1 {
		fitted = fitted.Gray()
	}
	d, err := film.Difference(fitted, t.image)
	if err != nil {
		return nil, err
	}
	for i, w := range t.weights.Pix {
		if w == 0 {
			clear(d.Pix[i*d.Channels : (i+1)*d.Channels])
		}
	}
	return d.DivergingMap(0), nil
}

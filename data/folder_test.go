package data

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/baremetaldevx86/microdr/film"
)

// save writes an image with these values, of linear codes.
func save(t *testing.T, im *film.Image, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := film.Save(name, im, film.Output{Encoding: film.Linear}); err != nil {
		t.Fatal(err)
	}
}

func TestOpenFolder(t *testing.T) {
	root := t.TempDir()
	gray := &film.Image{Width: 2, Height: 1, Channels: 1, Pix: []float32{0, 0.2}}
	color := &film.Image{Width: 1, Height: 2, Channels: 3, Pix: []float32{1, 0, 0, 0, 0.4, 0.8}}
	alpha := &film.Image{Width: 1, Height: 1, Channels: 4, Pix: []float32{1, 0.6, 0.2, 0}}
	save(t, gray, root, "cat", "2.png")
	save(t, color, root, "cat", "10.png")
	save(t, alpha, root, "ant", "a.PNG")
	save(t, gray, root, "cat", "deeper", "x.png")
	save(t, gray, root, ".hidden", "x.png")
	save(t, gray, root, "cat", ".x.png")
	writeFile(t, []byte("not an image"), root, "cat", "notes.txt")
	writeFile(t, []byte("not a class"), root, "readme.png")

	f, err := OpenFolder(root, FolderOptions{Width: 1, Height: 2, Channels: 3, Encoding: film.Linear})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Classes(); !slices.Equal(got, []string{"ant", "cat"}) || f.Len() != 3 || f.Shape() != (Shape{3, 2, 1}) {
		t.Errorf("classes %q, %d images of %v", got, f.Len(), f.Shape())
	}
	for i, r := range []struct {
		file  string
		label int32
		want  []float32 // red, green, blue
	}{
		{"ant/a.PNG", 0, []float32{1, 1, 0.6, 0.6, 0.2, 0.2}},
		{"cat/10.png", 1, []float32{1, 0, 0, 0.4, 0, 0.8}},
		{"cat/2.png", 1, []float32{0.1, 0.1, 0.1, 0.1, 0.1, 0.1}},
	} {
		got := make([]float32, 6)
		label, err := f.Read(i, got)
		path := filepath.Join(root, filepath.FromSlash(r.file))
		if err != nil || label != r.label || !near(got, r.want, 1e-7) || f.Path(i) != path {
			t.Errorf("%s: %v labelled %d, %v, want %v labelled %d", f.Path(i), got, label, err, r.want, r.label)
		}
	}

	one, err := OpenFolder(root, FolderOptions{Width: 1, Height: 1, Channels: 1, Encoding: film.SRGB})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 1)
	if _, err := one.Read(2, got); err != nil || !near(got, []float32{float32(film.SRGBToLinear(0.2) / 2)}, 1e-7) {
		t.Errorf("gray in linear light: %v, %v", got, err)
	}
	luminance := func(c []float32) float32 {
		return (&film.Image{Width: 1, Height: 1, Channels: 3, Pix: c}).Gray().Pix[0]
	}
	one.options.Encoding = film.Linear
	want := (luminance([]float32{1, 0, 0}) + luminance([]float32{0, 0.4, 0.8})) / 2
	if _, err := one.Read(1, got); err != nil || !near(got, []float32{want}, 1e-6) || near(got, []float32{0.5}, 0.1) {
		t.Errorf("colors in gray: %v, %v, want %v", got, err, want)
	}
}

func near(got, want []float32, tolerance float64) bool {
	return len(got) == len(want) && !slices.ContainsFunc(got, func(v float32) bool { return v != v }) &&
		maxDifference(got, want) <= tolerance
}

func maxDifference(a, b []float32) float64 {
	largest := 0.0
	for i := range a {
		largest = max(largest, math.Abs(float64(a[i])-float64(b[i])))
	}
	return largest
}

func TestOpenFolderErrors(t *testing.T) {
	root := t.TempDir()
	good := FolderOptions{Width: 1, Height: 1, Channels: 1}
	writeFile(t, nil, root, "empty", "class", "notes.txt")
	writeFile(t, nil, root, "flat", "a.png")
	writeFile(t, []byte("no"), root, "broken", "class", "a.png")
	for _, r := range []struct {
		folder  string
		options FolderOptions
		want    string
	}{
		{"absent", good, "data: expected a folder with a folder for each class: "},
		{"flat", good, "data: " + filepath.Join(root, "flat") + ": expected a folder for each class, found none"},
		{"empty", good, "data: " + filepath.Join(root, "empty", "class") + ": expected images of the class, found none"},
		{"broken", FolderOptions{Width: 1, Height: 1, Channels: 2}, "data: 2 channels, expected 1 or 3"},
		{"broken", FolderOptions{Width: 0, Height: 1, Channels: 1}, "data: images of 1 channels of 0x1, expected 1 to"},
		{"broken", FolderOptions{Width: 1 << 20, Height: 1 << 20, Channels: 3}, "data: images of 3 channels of"},
	} {
		if _, err := OpenFolder(filepath.Join(root, r.folder), r.options); err == nil ||
			!strings.HasPrefix(err.Error(), r.want) {
			t.Errorf("%s: %v, want %s", r.folder, err, r.want)
		}
	}
	f, err := OpenFolder(filepath.Join(root, "broken"), good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(0, make([]float32, 1)); err == nil || !strings.HasPrefix(err.Error(), "film: "+f.Path(0)) {
		t.Errorf("a broken file: %v", err)
	}
	if _, err := Preload(t.Context(), f); err == nil || !strings.HasPrefix(err.Error(), "film: "+f.Path(0)) {
		t.Errorf("preload of a broken file: %v", err)
	}
}

func TestResize(t *testing.T) {
	row := func(values ...float32) *film.Image {
		return &film.Image{Width: len(values), Height: 1, Channels: 1, Pix: values}
	}
	for _, r := range []struct {
		im            *film.Image
		width, height int
		want          []float32
	}{
		{row(1, 2, 3), 3, 1, []float32{1, 2, 3}},
		{row(3, 6, 9), 2, 1, []float32{4, 8}},          // (1*3 + 0.5*6) / 1.5
		{row(1, 2), 3, 1, []float32{1, 1.5, 2}},        // the middle one covers a half of each
		{row(1, 2), 2, 3, []float32{1, 2, 1, 2, 1, 2}}, // repeated
		{row(1, 2, 4, 8, 16), 1, 1, []float32{6.2}},    // the mean
		{row(7, 0, 0, 0, 0, 0, 0), 3, 1, []float32{3, 0, 0}},
	} {
		got := make([]float32, r.width*r.height)
		resize(got, Shape{1, r.height, r.width}, r.im)
		if !near(got, r.want, 1e-6) {
			t.Errorf("%v to %dx%d: %v, want %v", r.im.Pix, r.width, r.height, got, r.want)
		}
	}
}

// TestResizeAsFilm: by an integer factor it is film's average of cells, for all channels and rows.
func TestResizeAsFilm(t *testing.T) {
	im := film.New(12, 6, 3)
	for i := range im.Pix {
		im.Pix[i] = float32(i*7919%1000) / 1000
	}
	small := im.Downsample(3)
	got, shape := make([]float32, 3*4*2), Shape{3, 2, 4}
	resize(got, shape, im)
	for c := range 3 {
		for y := range 2 {
			for x := range 4 {
				if g, w := got[(c*2+y)*4+x], small.At(x, y)[c]; math.Abs(float64(g-w)) > 1e-6 {
					t.Errorf("channel %d of (%d, %d): %v, want %v", c, x, y, g, w)
				}
			}
		}
	}
}

func TestPreload(t *testing.T) {
	source := counting(1000, Shape{2, 3, 4})
	f, err := Preload(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	got, want := make([]float32, 24), make([]float32, 24)
	for i := range source.Len() {
		gotLabel, _ := f.Read(i, got)
		wantLabel, _ := source.Read(i, want)
		if gotLabel != wantLabel || !slices.Equal(got, want) {
			t.Fatalf("image %d differs", i)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Preload(ctx, source); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestStatistics(t *testing.T) {
	set, err := NewFloatImages(Shape{2, 1, 2}, []float32{1, 3, 7, 7, 5, 7, 7, 7}, []int32{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	mean, deviation, err := Statistics(set)
	if err != nil || !near(mean, []float32{4, 7}, 0) || !near(deviation, []float32{float32(math.Sqrt(5)), 0}, 0) {
		t.Errorf("mean %v, deviation %v, %v", mean, deviation, err)
	}
	empty, _ := NewFloatImages(Shape{1, 1, 1}, nil, nil)
	if _, _, err := Statistics(empty); err == nil {
		t.Error("an empty set has statistics")
	}
}

func TestNewImagesErrors(t *testing.T) {
	for _, r := range []struct {
		shape          Shape
		pixels, labels int
		want           string
	}{
		{Shape{1, 2, 2}, 8, 2, ""},
		{Shape{1, 2, 2}, 0, 0, ""},
		{Shape{1, 2, 2}, 9, 2, "data: 2 labels for 9 numbers, expected one for each 4"},
		{Shape{1, 2, 2}, 8, 3, "data: 3 labels for 8 numbers"},
		{Shape{0, 2, 2}, 0, 0, "data: images of 0 channels of 2x2"},
	} {
		_, bytesErr := NewByteImages(r.shape, make([]uint8, r.pixels), make([]int32, r.labels))
		_, floatsErr := NewFloatImages(r.shape, make([]float32, r.pixels), make([]int32, r.labels))
		for _, err := range []error{bytesErr, floatsErr} {
			if (err == nil) != (r.want == "") || err != nil && !strings.HasPrefix(err.Error(), r.want) {
				t.Errorf("%+v: %v", r, err)
			}
		}
	}
}

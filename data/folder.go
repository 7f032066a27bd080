package data

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/baremetaldevx86/microdr/film"
)

// Folder is a set of image files: each subfolder is a class, in the order of their names, and has the images of the
// class, in the order of theirs. Files are decoded when they are read: see Preload.
type Folder struct {
	classes []string
	files   []string
	labels  []int32
	options FolderOptions
}

// FolderOptions says what becomes of an image file.
type FolderOptions struct {
	Width, Height int // to which images are resized by averaging areas; the ratio of the sides is not kept
	Channels      int // 1 is gray, 3 is RGB; alpha is dropped

	// Encoding says what the numbers of a file mean: film.Linear keeps them, as code / 255, which is what networks are
	// usually given; film.SRGB makes them linear light.
	Encoding film.Encoding
}

func (o FolderOptions) shape() Shape { return Shape{o.Channels, o.Height, o.Width} }

// OpenFolder lists the images of a folder, with the extensions that film reads; files with others, and names that begin
// with a dot, are passed over. Subfolders of a class are not looked at. No file is opened yet.
func OpenFolder(path string, options FolderOptions) (*Folder, error) {
	if err := options.shape().check(); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if options.Channels != 1 && options.Channels != 3 {
		return nil, fmt.Errorf("data: %d channels, expected 1 or 3", options.Channels)
	}
	entries, err := os.ReadDir(path) // sorted by name
	if err != nil {
		return nil, fmt.Errorf("data: expected a folder with a folder for each class: %w", err)
	}
	f := &Folder{options: options}
	for _, entry := range entries {
		if !isFolder(path, entry) {
			continue
		}
		if err := f.addClass(path, entry.Name()); err != nil {
			return nil, err
		}
	}
	if len(f.classes) == 0 {
		return nil, fmt.Errorf("data: %s: expected a folder for each class, found none", path)
	}
	return f, nil
}

// isFolder follows links, which data sets on several disks have.
func isFolder(path string, entry os.DirEntry) bool {
	if strings.HasPrefix(entry.Name(), ".") {
		return false
	}
	info, err := os.Stat(filepath.Join(path, entry.Name()))
	return err == nil && info.IsDir()
}

func (f *Folder) addClass(path, class string) error {
	folder := filepath.Join(path, class)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("data: expected a folder with the images of a class: %w", err)
	}
	before := len(f.files)
	for _, entry := range entries {
		if _, err := film.FormatOf(entry.Name()); err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		f.files = append(f.files, filepath.Join(folder, entry.Name()))
		f.labels = append(f.labels, int32(len(f.classes)))
	}
	if len(f.files) == before {
		return fmt.Errorf("data: %s: expected images of the class, found none", folder)
	}
	f.classes = append(f.classes, class)
	return nil
}

// Classes returns the names of the classes: label i is the class of name i.
func (f *Folder) Classes() []string { return append([]string(nil), f.classes...) }

// Path returns the file of image i.
func (f *Folder) Path(i int) string { return f.files[i] }

// Len implements [Source].
func (f *Folder) Len() int { return len(f.files) }

// Shape implements [Source].
func (f *Folder) Shape() Shape { return f.options.shape() }

// Read implements [Source]. Errors are those of film.Load, which name the file.
func (f *Folder) Read(i int, pixels []float32) (int32, error) {
	im, err := film.Load(f.files[i], f.options.Encoding)
	if err != nil {
		return 0, err
	}
	if f.options.Channels == 1 {
		im = im.Gray()
	}
	resize(pixels, f.Shape(), im)
	return f.labels[i], nil
}

// resize averages, for each pixel of the shape, the area of the image that it covers. Where the shape has three
// channels and the image one, all get it; further channels of the image are alpha.
//
// Positions are integers: along an axis of n pixels that becomes one of m, pixel i of the image covers i*m to (i+1)*m,
// and pixel k of the result k*n to (k+1)*n. The weights are exact, and their sum is n for each axis.
func resize(dst []float32, shape Shape, im *film.Image) {
	total := float64(im.Width) * float64(im.Height)
	var sum [3]float64
	for y := range shape.Height {
		for x := range shape.Width {
			sum = [3]float64{}
			sumArea(sum[:min(shape.Channels, im.Channels)], im, x, y, shape)
			for c := range shape.Channels {
				dst[(c*shape.Height+y)*shape.Width+x] = float32(sum[min(c, im.Channels-1)] / total)
			}
		}
	}
}

func sumArea(sum []float64, im *film.Image, x, y int, shape Shape) {
	for j := y * im.Height / shape.Height; j*shape.Height < (y+1)*im.Height; j++ {
		high := overlap(j, shape.Height, y, im.Height)
		for i := x * im.Width / shape.Width; i*shape.Width < (x+1)*im.Width; i++ {
			weight := float64(high * overlap(i, shape.Width, x, im.Width))
			for c, v := range im.At(i, j)[:len(sum)] {
				sum[c] += float64(weight * float64(v))
			}
		}
	}
}

// overlap is the length that interval i of length m and interval k of length n have in common.
func overlap(i, m, k, n int) int { return min((i+1)*m, (k+1)*n) - max(i*m, k*n) }

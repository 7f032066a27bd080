package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/baremetaldevx86/microdr/array"
)

// mnistFiles are the names of the database: images and labels of the training set, then of the test set.
func mnistFiles() [2][2]string {
	return [2][2]string{
		{"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
		{"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
	}
}

// mnistClasses is the number of digits. Fashion-MNIST and KMNIST have as many classes, and the same files.
const mnistClasses = 10

// FindMNIST returns the folder in the user's cache where scripts/get-mnist puts the database, for LoadMNIST. Where a
// file is missing the error says what to run, and is fs.ErrNotExist.
func FindMNIST() (folder string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("data: expected a cache folder of the user: %w", err)
	}
	folder = filepath.Join(cache, "microdr", "mnist")
	for _, set := range mnistFiles() {
		for _, name := range set {
			if _, err := findIDX(folder, name); err != nil {
				return "", fmt.Errorf("data: MNIST is not there yet, run scripts/get-mnist to fetch it: %w", err)
			}
		}
	}
	return folder, nil
}

// LoadMNIST reads a database of handwritten digits, or one of the same form, from a folder: 60000 and 10000 images of
// 28x28, gray, labelled 0 to 9, in the original; other numbers and sizes are read as well. The files may be compressed
// (.gz), and named with a dot (train-images.idx3-ubyte), as some packages do.
func LoadMNIST(folder string) (train, test *ByteImages, err error) {
	files := mnistFiles()
	if train, err = loadMNIST(folder, files[0]); err != nil {
		return nil, nil, err
	}
	if test, err = loadMNIST(folder, files[1]); err != nil {
		return nil, nil, err
	}
	if train.shape != test.shape {
		return nil, nil, fmt.Errorf("data: %s: images of %dx%d to train and %dx%d to test, expected one size",
			folder, train.shape.Width, train.shape.Height, test.shape.Width, test.shape.Height)
	}
	return train, test, nil
}

func loadMNIST(folder string, names [2]string) (*ByteImages, error) {
	images, imagesPath, err := loadBytes(folder, names[0], 3)
	if err != nil {
		return nil, err
	}
	labels, labelsPath, err := loadBytes(folder, names[1], 1)
	if err != nil {
		return nil, err
	}
	if labels.Shape[0] != images.Shape[0] {
		return nil, fmt.Errorf("data: %s: %d labels, expected as many as the %d images of %s",
			labelsPath, labels.Shape[0], images.Shape[0], imagesPath)
	}
	classes := make([]int32, labels.Shape[0])
	for i, class := range labels.Data {
		if class >= mnistClasses {
			return nil, fmt.Errorf("data: %s: label %d is %d, expected 0 to %d", labelsPath, i, class, mnistClasses-1)
		}
		classes[i] = int32(class)
	}
	return NewByteImages(Shape{1, images.Shape[1], images.Shape[2]}, images.Data, classes)
}

// loadBytes reads an IDX file of bytes with a number of dimensions, and returns its path, too.
func loadBytes(folder, name string, dimensions int) (*array.Array, string, error) {
	path, err := findIDX(folder, name)
	if err != nil {
		return nil, "", fmt.Errorf("data: %w", err)
	}
	a, err := LoadIDX(path)
	if err != nil {
		return nil, "", err
	}
	if a.Type != array.Uint8 || len(a.Shape) != dimensions {
		return nil, "", fmt.Errorf("data: %s: %s with %d dimensions, expected u1 with %d",
			path, a.Type, len(a.Shape), dimensions)
	}
	return a, path, nil
}

// findIDX returns the path of the file under one of its names.
func findIDX(folder, name string) (string, error) {
	dotted := strings.Replace(name, "-idx", ".idx", 1)
	for _, candidate := range []string{name, dotted, name + ".gz", dotted + ".gz"} {
		path := filepath.Join(folder, candidate)
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() {
			return path, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("expected a readable file: %w", err)
		}
	}
	return "", fmt.Errorf("%s: expected a file %s or %s, or with .gz: %w", folder, name, dotted, fs.ErrNotExist)
}

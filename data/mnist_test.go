package data

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// idx returns an IDX file of bytes.
func idx(data []byte, shape ...int) []byte {
	out := []byte{0, 0, 8, byte(len(shape))}
	for _, side := range shape {
		out = binary.BigEndian.AppendUint32(out, uint32(side))
	}
	return append(out, data...)
}

func writeFile(t *testing.T, data []byte, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// tiny writes a database of 3 and 1 images of 2x2, with a suffix for the names.
func tiny(t *testing.T, folder, dash, suffix string) {
	t.Helper()
	pack := func(data []byte) []byte {
		if suffix == ".gz" {
			return zipped(t, data)
		}
		return data
	}
	for name, data := range map[string][]byte{
		"train-images" + dash + "idx3-ubyte": idx([]byte{0, 51, 102, 255, 4, 5, 6, 7, 8, 9, 10, 11}, 3, 2, 2),
		"train-labels" + dash + "idx1-ubyte": idx([]byte{5, 0, 9}, 3),
		"t10k-images" + dash + "idx3-ubyte":  idx([]byte{1, 2, 3, 4}, 1, 2, 2),
		"t10k-labels" + dash + "idx1-ubyte":  idx([]byte{7}, 1),
	} {
		writeFile(t, pack(data), folder, name+suffix)
	}
}

func TestLoadMNISTNames(t *testing.T) {
	for _, r := range []struct{ dash, suffix string }{{"-", ""}, {".", ""}, {"-", ".gz"}, {".", ".gz"}} {
		folder := t.TempDir()
		tiny(t, folder, r.dash, r.suffix)
		train, test, err := LoadMNIST(folder)
		if err != nil {
			t.Errorf("%+v: %v", r, err)
			continue
		}
		if train.Len() != 3 || test.Len() != 1 || train.Shape() != (Shape{1, 2, 2}) {
			t.Errorf("%+v: %d and %d images of %v", r, train.Len(), test.Len(), train.Shape())
		}
		pixels := make([]float32, 4)
		label, err := train.Read(0, pixels)
		if want := []float32{0, 0.2, 0.4, 1}; err != nil || label != 5 || !slices.Equal(pixels, want) {
			t.Errorf("%+v: image 0 is %v labelled %d, %v, want %v", r, pixels, label, err, want)
		}
		if label, _ := test.Read(0, pixels); label != 7 {
			t.Errorf("%+v: test image is labelled %d, want 7", r, label)
		}
	}
}

func TestLoadMNISTErrors(t *testing.T) {
	for _, r := range []struct {
		file string
		data []byte // nil: no file
		want string
	}{
		{"train-images-idx3-ubyte", nil, "expected a file train-images-idx3-ubyte or train-images.idx3-ubyte, or with .gz"},
		{"t10k-labels-idx1-ubyte", nil, "expected a file t10k-labels-idx1-ubyte"},
		{"train-images-idx3-ubyte", idx(make([]byte, 12), 3, 4), "u1 with 2 dimensions, expected u1 with 3"},
		{"train-images-idx3-ubyte", unhex(t, "00000903 00000000 00000001 00000001"),
			"i1 with 3 dimensions, expected u1 with 3"},
		{"train-labels-idx1-ubyte", idx([]byte{1, 2}, 2), "2 labels, expected as many as the 3 images of "},
		{"train-labels-idx1-ubyte", idx([]byte{1, 2, 10}, 3), "label 2 is 10, expected 0 to 9"},
		{"train-labels-idx1-ubyte", idx([]byte{1, 2}, 3), "byte 10: the file ends after 2 bytes"},
		{"t10k-images-idx3-ubyte", idx([]byte{1, 2}, 1, 1, 2), "images of 2x2 to train and 2x1 to test, expected one size"},
	} {
		folder := t.TempDir()
		tiny(t, folder, "-", "")
		if err := os.Remove(filepath.Join(folder, r.file)); err != nil {
			t.Fatal(err)
		}
		if r.data != nil {
			writeFile(t, r.data, folder, r.file)
		}
		_, _, err := LoadMNIST(folder)
		if err == nil || !strings.HasPrefix(err.Error(), "data: "+folder) || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: %v, want %s", r.file, err, r.want)
		}
	}
}

func TestFindMNIST(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(name, home)
	}
	_, err := FindMNIST()
	if !errors.Is(err, fs.ErrNotExist) ||
		!strings.HasPrefix(err.Error(), "data: MNIST is not there yet, run scripts/get-mnist") {
		t.Errorf("nothing there: %v", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(cache, "microdr", "mnist")
	tiny(t, folder, "-", "")
	if got, err := FindMNIST(); err != nil || got != folder {
		t.Errorf("%q, %v, want %q", got, err, folder)
	}
	os.Remove(filepath.Join(folder, "t10k-labels-idx1-ubyte"))
	if _, err := FindMNIST(); err == nil || !strings.Contains(err.Error(), "expected a file t10k-labels-idx1-ubyte") {
		t.Errorf("a file missing: %v", err)
	}
}

// TestMNIST reads the database itself where scripts/get-mnist has put it: its numbers of digits, and the mean and the
// standard deviation that everyone normalises by.
func TestMNIST(t *testing.T) {
	folder, err := FindMNIST()
	if err != nil {
		t.Skip(err)
	}
	train, test, err := LoadMNIST(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		set    *ByteImages
		digits []int
	}{
		{train, []int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}},
		{test, []int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}},
	} {
		digits := make([]int, 10)
		for _, label := range r.set.labels {
			digits[label]++
		}
		if !slices.Equal(digits, r.digits) || r.set.Shape() != (Shape{1, 28, 28}) {
			t.Errorf("digits %v of %v, want %v", digits, r.set.Shape(), r.digits)
		}
	}
	if testing.Short() {
		return
	}
	mean, deviation, err := Statistics(train)
	if err != nil || math.Abs(float64(mean[0])-0.1307) > 5e-5 || math.Abs(float64(deviation[0])-0.3081) > 5e-5 {
		t.Errorf("mean %v and deviation %v, %v, want 0.1307 and 0.3081", mean, deviation, err)
	}
}

package film

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pattern returns an image whose samples are all different codes of the given depth.
func pattern(width, height, channels, largest int, enc Encoding) *Image {
	im := New(width, height, channels)
	table := enc.table(largest)
	for i := range im.Pix {
		im.Pix[i] = table[(i*7919+3)%(largest+1)]
		if channels == 4 && i%4 == 3 {
			im.Pix[i] = float32(float64(i%largest) / float64(largest))
		}
	}
	return im
}

func TestRoundTrip(t *testing.T) {
	rows := []struct {
		file     string
		channels int
		out      Output
	}{
		{"a.png", 1, Output{}},
		{"a.png", 3, Output{SRGB, 8}},
		{"a.png", 4, Output{SRGB, 8}},
		{"a.png", 3, Output{Linear, 8}},
		{"a.png", 1, Output{SRGB, 16}},
		{"a.png", 3, Output{SRGB, 16}},
		{"a.png", 4, Output{Linear, 16}},
		{"a.pfm", 1, Output{}},
		{"a.PFM", 3, Output{Linear, 0}},
	}
	for _, r := range rows {
		largest := 255
		if r.out.Bits == 16 {
			largest = 65535
		}
		want := pattern(5, 4, r.channels, largest, r.out.Encoding)
		path := filepath.Join(t.TempDir(), r.file)
		if err := Save(path, want, r.out); err != nil {
			t.Errorf("%+v: %v", r, err)
			continue
		}
		got, err := Load(path, r.out.Encoding)
		if err != nil {
			t.Errorf("%+v: %v", r, err)
			continue
		}
		if got.Channels != want.Channels || !got.SameSize(want) || !slices.Equal(got.Pix, want.Pix) {
			t.Errorf("%+v: got %v, want %v", r, got, want)
		}
	}
}

func TestPFMKeepsBits(t *testing.T) {
	want := &Image{3, 2, 1, []float32{float32(math.NaN()), float32(math.Inf(-1)), math.SmallestNonzeroFloat32, math.MaxFloat32,
		float32(math.Copysign(0, -1)), 1.1}}
	var b bytes.Buffer
	if err := Encode(&b, want, PFM, Output{}); err != nil {
		t.Fatal(err)
	}
	got, err := Decode(&b, PFM, Linear)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.Pix {
		if g, w := math.Float32bits(got.Pix[i]), math.Float32bits(want.Pix[i]); g != w && !(i == 0 && got.Pix[0] != got.Pix[0]) {
			t.Errorf("sample %d: %x, want %x", i, g, w)
		}
	}
	if err := got.CheckFinite(); err == nil || !strings.Contains(err.Error(), "pixel (0, 0) channel 0 is NaN") {
		t.Errorf("CheckFinite: %v", err)
	}
}

func TestPFMDecode(t *testing.T) {
	rows := []struct {
		in   string
		want []float32 // nil: an error
	}{
		{"Pf\n1 2\n1.0\n\x3f\x80\x00\x00\x40\x00\x00\x00", []float32{2, 1}},                   // big endian, bottom row first
		{"Pf 1 2 -0.5\n\x00\x00\x80\x3f\x00\x00\x00\x40", []float32{1, 0.5}},                  // little endian, scaled
		{"PF\n1 1\n-1\n\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x00\x00", []float32{1, 2, 0}}, // RGB
		{"Pf\n1 2\n1.0\n\x3f\x80\x00\x00\x40\x00\x00", nil},                                   // a byte short
		{"P6\n1 1\n255\n...", nil},                               //
		{"Pf\n1 1\n0\n....", nil},                                //
		{"Pf\n1 1\nnan\n....", nil},                              //
		{"Pf\n-1 1\n1\n....", nil},                               //
		{"Pf\n16385 1\n1\n....", nil},                            // beyond MaxSide
		{"PF\n16384 16384\n1\n....", nil},                        // beyond MaxSamples
		{"Pf\n99999999999999999999 1\n1\n....", nil},             //
		{"Pf\n1", nil},                                           //
		{"", nil},                                                //
		{"Pf\n" + strings.Repeat("1", 100) + " 1\n1\n....", nil}, //
		{"Pf\n1 1\n1e999\n....", nil},                            //
		{"Pf\n16384 16384\n1\nfar too few bytes for what the header says", nil}, // rejected before allocation
	}
	for _, r := range rows {
		checkDecode(t, r.in, PFM, Linear, r.want)
	}
}

// checkDecode compares the samples, or wants an error of ours.
func checkDecode(t *testing.T, in string, format Format, enc Encoding, want []float32) {
	t.Helper()
	got, err := Decode(strings.NewReader(in), format, enc)
	switch {
	case want == nil && (err == nil || !strings.HasPrefix(err.Error(), "film: ")):
		t.Errorf("%.40q: error %v, want one that starts with film:", in, err)
	case want != nil && err != nil:
		t.Errorf("%.40q: %v", in, err)
	case want != nil && !slices.Equal(got.Pix, want):
		t.Errorf("%.40q: got %v, want %v", in, got.Pix, want)
	}
}

func TestDecodeErrors(t *testing.T) {
	var b bytes.Buffer
	if err := Encode(&b, pattern(40, 40, 3, 255, SRGB), PNG, Output{}); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 7, 20, b.Len() / 2, b.Len() - 13} {
		checkDecode(t, b.String()[:n], PNG, SRGB, nil)
	}
	// The header now says 65536 x 65536.
	huge := bytes.Replace(b.Bytes(), []byte("\x00\x00\x00\x28\x00\x00\x00\x28"), []byte("\x00\x01\x00\x00\x00\x01\x00\x00"), 1)
	checkDecode(t, string(huge), PNG, SRGB, nil)
	checkDecode(t, b.String(), JPEG, SRGB, nil)
	checkDecode(t, b.String(), Format(9), SRGB, nil)
	checkDecode(t, b.String(), PNG, Encoding(9), nil)
}

func TestLoadErrorsNameThePath(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.png")
	if err := os.WriteFile(bad, []byte("no image"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{bad, filepath.Join(t.TempDir(), "absent.png"), t.TempDir() + "/a.exr", t.TempDir() + "/a"} {
		_, err := Load(path, SRGB)
		if err == nil || !strings.HasPrefix(err.Error(), "film: "+path+": ") || strings.Count(err.Error(), path) != 1 {
			t.Errorf("Load(%q): %v", path, err)
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	rows := []struct {
		im     *Image
		format Format
		out    Output
	}{
		{nil, PNG, Output{}},
		{&Image{2, 2, 3, make([]float32, 4)}, PNG, Output{}},
		{New(1, 1, 2), PNG, Output{}},
		{New(1, 1, 4), PFM, Output{}},
		{New(1, 1, 3), JPEG, Output{}},
		{New(1, 1, 3), PNG, Output{SRGB, 12}},
		{New(1, 1, 3), PNG, Output{Encoding(5), 8}},
	}
	for _, r := range rows {
		if err := Encode(io.Discard, r.im, r.format, r.out); err == nil || !strings.HasPrefix(err.Error(), "film: ") {
			t.Errorf("%+v: error %v", r, err)
		}
	}
}

func TestWriteAtomic(t *testing.T) {
	broken := errors.New("disk on fire")
	rows := []struct {
		name  string
		write func(io.Writer) error
		want  string // content afterwards; the file starts as "old"
	}{
		{"success", func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }, "new"},
		{"nothing written", func(w io.Writer) error { return nil }, ""},
		{"failure half way", func(w io.Writer) error { w.Write(make([]byte, 1<<20)); return broken }, "old"},
	}
	for _, r := range rows {
		folder := t.TempDir()
		path := filepath.Join(folder, "file")
		if err := WriteFile(path, []byte("old")); err != nil {
			t.Fatal(err)
		}
		err := WriteAtomic(path, r.write)
		if (err != nil) != (r.want == "old") || err != nil && (!errors.Is(err, broken) || err.Error() != "film: "+path+": disk on fire") {
			t.Errorf("%s: error %v", r.name, err)
		}
		checkFolder(t, folder, map[string]string{"file": r.want})
	}
}

// checkFolder compares every file of a folder: nothing else may be left.
func checkFolder(t *testing.T, folder string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != len(want) {
		t.Errorf("folder holds %v (%v), want %d files", entries, err, len(want))
	}
	for name, content := range want {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != content {
			t.Errorf("%s: %.20q (%v), want %.20q", name, got, err, content)
		}
	}
}

func TestWriteAtomicPanic(t *testing.T) {
	folder := t.TempDir()
	func() {
		defer func() { recover() }()
		WriteAtomic(filepath.Join(folder, "file"), func(io.Writer) error { panic("a bug") })
	}()
	checkFolder(t, folder, nil)
}

func TestSaveFailureLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	if err := Save(filepath.Join(folder, "a.png"), New(1, 1, 2), Output{}); err == nil {
		t.Error("2 channels: no error")
	}
	checkFolder(t, folder, nil)
	for _, path := range []string{filepath.Join(folder, "absent", "a.png"), folder + "/file.png/a.png"} {
		err := Save(path, New(1, 1, 1), Output{})
		if err == nil || !strings.HasPrefix(err.Error(), "film: "+path+": expected a folder that can be written: ") {
			t.Errorf("Save(%q): %v", path, err)
		}
	}
	if err := WriteFile(folder, nil); err == nil || !strings.Contains(err.Error(), "expected a regular file") {
		t.Errorf("a folder as the target: %v", err)
	}
	checkFolder(t, folder, nil)
}

func TestWriteToDevice(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	if err := WriteFile("/dev/full", nil); err == nil {
		t.Error("a device as the target: no error")
	}
}

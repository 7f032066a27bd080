package film

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// tga builds a file: kind, width, height, bits, descriptor, then the rest.
func tga(kind, width, height, bits, descriptor byte, rest string) string {
	return string([]byte{0, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, width, 0, height, 0, bits, descriptor}) + rest
}

func TestTGA(t *testing.T) {
	const f = 1.0 / 255
	rows := []struct {
		in   string
		want []float32 // nil: an error
	}{
		{tga(3, 2, 2, 8, 0x00, "\x01\x02\x03\x04"), []float32{3 * f, 4 * f, 1 * f, 2 * f}}, // bottom left
		{tga(3, 2, 2, 8, 0x20, "\x01\x02\x03\x04"), []float32{1 * f, 2 * f, 3 * f, 4 * f}}, // top left
		{tga(3, 2, 2, 8, 0x30, "\x01\x02\x03\x04"), []float32{2 * f, 1 * f, 4 * f, 3 * f}}, // top right
		{tga(2, 1, 1, 24, 0, "\x01\x02\x03"), []float32{3 * f, 2 * f, 1 * f}},
		{tga(2, 1, 1, 24, 0, "\x01\x02\x03footer"), []float32{3 * f, 2 * f, 1 * f}},
		{tga(2, 1, 1, 32, 0, "\x01\x02\x03\x04"), []float32{3 * f, 2 * f, 1 * f}}, // the fourth byte means nothing
		{tga(2, 1, 1, 32, 8, "\x01\x02\x03\x04"), []float32{3 * f, 2 * f, 1 * f, 4 * f}},
		{tga(11, 2, 2, 8, 0x20, "\x82\x07\x00\x05"), []float32{7 * f, 7 * f, 7 * f, 5 * f}}, // the run crosses a row
		{tga(10, 3, 1, 24, 0x20, "\x81\x01\x02\x03\x00\x04\x05\x06"), []float32{3 * f, 2 * f, 1 * f, 3 * f, 2 * f, 1 * f, 6 * f, 5 * f, 4 * f}},
		{"\x02\x01\x03\x00\x00\x02\x00\x18\x00\x00\x00\x00\x01\x00\x01\x00\x08\x00idPALETT", nil}, // no pixel after the colour map
		{"\x02\x01\x03\x00\x00\x02\x00\x18\x00\x00\x00\x00\x01\x00\x01\x00\x08\x00idPAL", nil},    // colour map cut
		{"\x02\x01\x03\x00\x00\x02\x00\x18\x00\x00\x00\x00\x01\x00\x01\x00\x08\x00idPALETT\x07", []float32{7 * f}},
		{tga(3, 2, 2, 8, 0, "\x01\x02\x03"), nil},                                         // short
		{tga(11, 2, 2, 8, 0, "\x84\x07"), nil},                                            // run too long
		{tga(11, 2, 2, 8, 0, "\x82\x07"), nil},                                            // run too short
		{tga(11, 2, 2, 8, 0, "\x03\x01\x02\x03"), nil},                                    // packet cut
		{tga(11, 255, 255, 8, 0, "\xff\x07"), nil},                                        // cannot hold that many
		{tga(1, 1, 1, 8, 0, "\x01"), nil},                                                 // palette
		{tga(3, 1, 1, 16, 0, "\x01\x02"), nil},                                            // depth
		{tga(2, 1, 1, 16, 0, "\x01\x02"), nil},                                            // depth
		{tga(3, 1, 1, 8, 0x40, "\x01"), nil},                                              // interleaved
		{tga(3, 0, 1, 8, 0, "\x01"), nil},                                                 // empty
		{"\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\x08\x00", nil}, // beyond MaxSide
		{"\x00\x00\x03", nil},
	}
	for _, r := range rows {
		for i := range r.want {
			r.want[i] = Linear.table(255)[int(r.want[i]*255+0.5)]
		}
		checkDecode(t, r.in, TGA, Linear, r.want)
	}
}

const data = "../../shared/data" // photographs that stand beside the repository, not in it

// The photographs are bottom-up 24 bit files, so the last pixel of the file is the top right one.
func TestTGAPhotographs(t *testing.T) {
	folder := filepath.Join(data, "photometric", "buddha")
	raw, err := os.ReadFile(filepath.Join(folder, "buddha.0.tga"))
	if err != nil {
		t.Skip("no photographs in " + folder)
	}
	im, err := Load(filepath.Join(folder, "buddha.0.tga"), Linear)
	if err != nil {
		t.Fatal(err)
	}
	if im.Width != 512 || im.Height != 340 || im.Channels != 3 {
		t.Fatalf("%dx%dx%d, want 512x340x3", im.Width, im.Height, im.Channels)
	}
	last := raw[len(raw)-3:] // the top right pixel, blue first
	want := []float32{float32(last[2]) / 255, float32(last[1]) / 255, float32(last[0]) / 255}
	if got := im.At(511, 0); !slices.Equal(got, want) {
		t.Errorf("top right pixel %v, want %v", got, want)
	}
	mask, err := Load(filepath.Join(folder, "buddha.mask.tga"), Linear)
	if err != nil || !mask.SameSize(im) {
		t.Errorf("mask: %v", err)
	}
}

func TestJPEGPhotograph(t *testing.T) {
	path := filepath.Join(data, "chessboard", "left01.jpg")
	if _, err := os.Stat(path); err != nil {
		t.Skip("no photographs in " + data)
	}
	im, err := Load(path, SRGB)
	if err != nil || im.Width != 640 || im.Height != 480 {
		t.Fatalf("%v %v, want 640x480", im, err)
	}
	if mean := im.Downsample(640).At(0, 0)[0]; mean < 0.05 || mean > 0.9 {
		t.Errorf("mean %v, want a photograph", mean)
	}
}

func FuzzTGA(f *testing.F) {
	f.Add([]byte(tga(10, 3, 1, 24, 0x20, "\x81\x01\x02\x03\x00\x04\x05\x06")))
	f.Add([]byte(tga(3, 2, 2, 8, 0x30, "\x01\x02\x03\x04")))
	fuzzDecode(f, TGA)
}

func FuzzPFM(f *testing.F) {
	f.Add([]byte("PF\n1 1\n-1\n\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x00\x00"))
	f.Add([]byte("Pf\n1 2\n1.0\n\x3f\x80\x00\x00\x40\x00\x00\x00"))
	fuzzDecode(f, PFM)
}

// fuzzDecode: no panic, an image is whole, and what was read survives being written as PFM and read again.
func fuzzDecode(f *testing.F, format Format) {
	f.Fuzz(func(t *testing.T, in []byte) {
		im, err := decode(newReader(in), format, Linear)
		if err != nil {
			return
		}
		if err := im.check(); err != nil {
			t.Fatal(err)
		}
		if im.Channels == 4 || im.CheckFinite() != nil {
			return
		}
		again, err := decode(newReader(encoded(t, im)), PFM, Linear)
		if err != nil || !slices.Equal(again.Pix, im.Pix) {
			t.Fatalf("not the same after a round trip: %v", err)
		}
	})
}
